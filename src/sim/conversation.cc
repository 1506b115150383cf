#include "sim/conversation.h"

#include "bitcoin/keys.h"
#include "sim/async_network.h"
#include "toolbox/messages.h"
#include "toolbox/onion_tools.h"
#include "toolbox/vectors.h"

namespace doze::sim {

namespace {

constexpr std::uint64_t kSeed = 20'260'801;

struct Heard {
  std::size_t from = 0, to = 0;
  std::uint16_t type = 0;
  Bytes bytes;
};

class Recorder final : public Watcher {
 public:
  void delivered(const WireMessage& message) override {
    bool gossip = message.type >= 256 && message.type <= 265 && message.type != 259;
    if (!gossip) heard.push_back({message.from, message.to, message.type, to_bytes(message.bytes)});
  }
  std::vector<Heard> heard;
};

/// As World::add_node makes a node's seed, and make_seed_signer its node key.
PrivateKey node_key(const SimNode& node) {
  auto seed = to_bytes(crypto::sha256({Writer().u64(kSeed).take(), bytes_of("seed " + node.name)}).view());
  append(seed, crypto::sha256(seed).view());
  auto root = bitcoin::master_key(seed);
  LN_ASSERT(root.has_value());
  const std::uint32_t path[] = {1017 | bitcoin::kHardened, 1 | bitcoin::kHardened, 0 | bitcoin::kHardened};
  auto key = bitcoin::derive_path(*root, path);
  LN_ASSERT(key.has_value() && crypto::public_key(key->key) == node.signer->node_id());
  return key->key;
}

Value case_of(const Heard& message, std::size_t number, const AsyncNetwork& network) {
  const auto& from = network.node(message.from);
  const auto& to = network.node(message.to);
  auto shown = toolbox::decode_message(message.bytes);
  LN_ASSERT(shown.has_value());
  const auto& name = std::get<std::string>(shown->find("message")->inner());
  auto digits = std::to_string(number);
  Value one;
  one.set("name", std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits + " " + name + " from " +
                      from.name + " to " + to.name);
  bool onion = message.type == kOnionMessage;
  one.set("kind", onion ? "onion_message" : "message").set("valid", true).set("from", from.name).set("to", to.name);
  one.set("input", to_hex(message.bytes));
  if (!onion) return one.set("expect", *std::move(shown));
  auto key = to_hex(node_key(to).reveal());
  auto layer = toolbox::onion_peel({{"packet", to_hex(message.bytes)}, {"key", key}});
  LN_ASSERT(layer.has_value());
  return one.set("layers", List{Value().set("node_private_key", key).set("expect", *std::move(layer))});
}

/// The payment from the invitation to the end; whether it settled.
bool pay(AsyncNetwork& network) {
  auto& world = *network.world;
  auto offer = make_offer(network, Msat(50'000'000));
  if (!offer) return false;
  world.stop(network.r);
  world.run_for(1'000);
  command::Pay command;
  command.offer = *offer;
  auto paid = world.ask(network.s, command);
  auto id = PaymentId::from(from_hex(text_of(paid, "payment_id")).value_or(Bytes{}));
  if (!id || text_of(paid, "state") != "notified") return false;
  world.stop(network.s);
  world.run_for(1'000);
  auto before = channel_balance(network.node(network.m));
  world.start(network.r);
  bool claimed = world.run_until(
      [&] {
        return channel_balance(network.node(network.r)) != 0 && channel_balance(network.node(network.m)) != before;
      },
      60'000);
  world.run_for(5'000);
  world.start(network.s);
  bool settled =
      claimed &&
      world.run_until([&] { return text_of(world.ask(network.s, command::GetPayment{*id}), "state") == "settled"; },
                      60'000);
  world.run_for(2'000);  // the commitments behind the last fulfil
  return settled;
}

}  // namespace

Value record_conversation(Profile profile) {
  AsyncSettings settings;
  settings.profile = profile;
  auto network = set_up(kSeed, settings);
  if (!network.trouble.empty()) return {};
  Recorder recorder;
  network.world->watchers.push_back(&recorder);
  bool settled = pay(network);
  network.world->watchers.pop_back();
  if (!settled) return {};
  Value out;
  out.set("schema", toolbox::kVectorSchema);
  out.set("about",
          std::string("A complete async payment in profile ") + name(profile) +
              ", message by message as each arrived: S pays, L is its LSP and holds, M is the recipient's LSP, "
              "mailbox and static-invoice server, R receives. Recorded from four simulated Doze nodes.");
  List keys, cases;
  for (auto index : {network.s, network.l, network.m, network.r}) {
    const auto& node = network.node(index);
    keys.push_back(Value()
                       .set("name", node.name)
                       .set("private_key", to_hex(node_key(node).reveal()))
                       .set("public_key", node.signer->node_id().hex()));
  }
  for (const auto& message : recorder.heard) cases.push_back(case_of(message, cases.size() + 1, network));
  return out.set("keys", std::move(keys)).set("cases", std::move(cases));
}

}  // namespace doze::sim
