// A whole node inside a program, without a file or a socket: it is asked for an address and answers. What a real one
// adds is in src/app/daemon.cc: `durable` goes to a database before `after` is done, inputs come from peers and
// bitcoind.
#include <cstdio>

#include "keys/seed_signer.h"
#include "node/node.h"

namespace {

class FixedRng final : public doze::Rng {  // a real node takes the system's: the same bytes again are no secret
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = next_++;
  }
  std::uint8_t next_ = 1;
};

}  // namespace

int main() {
  auto signer = doze::make_seed_signer(doze::Bytes(64, 7), doze::wire::Network::Regtest);
  doze::Config config;
  doze::ParallelMap parallel;
  auto node = doze::node::Node::load(config, *signer, {}, parallel);
  if (!node) return 1;

  FixedRng rng;
  doze::node::Now now{doze::MonoTime(1), doze::UnixTime(1'700'000'000)};
  (void)node->step(doze::Started{}, now, rng);
  auto out = node->step(doze::CommandReceived{1, doze::command::NewAddress{}}, now, rng);
  std::printf("%zu rows to write first\n", out.durable.size());
  for (const auto& action : out.after)
    if (const auto* reply = std::get_if<doze::Reply>(&action))
      if (const auto* value = std::get_if<doze::Value>(&reply->result))
        std::printf("%s\n", doze::text_in(*value, "address").c_str());
  return 0;
}
