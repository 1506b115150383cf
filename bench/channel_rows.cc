// Commitment rounds, batches of updates, and gossip.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "bench.h"
#include "bitcoin/script.h"
#include "channel/state.h"
#include "crypto/crypto.h"
#include "floor.h"
#include "graph/verify.h"
#include "io/cores.h"

namespace bench {

namespace {

/// A channel between two rooms with `count` HTLCs in it, made by hand: of both sides in turn, or all of B.
struct Pair {
  struct Side {
    explicit Side(std::uint8_t seed) : node(seed, Role::Server) {}
    BenchNode node;
    channel::Channels room;
  };
  Side a{1}, b{2};
  ChannelId id;
  std::uint32_t feerate = 2'500;
  std::shared_ptr<const ParallelMap> parallel;

  bool all_of_b = false;

  explicit Pair(std::size_t count, std::shared_ptr<const ParallelMap> cores = std::make_shared<ParallelMap>(),
                bool only_b = false)
      : parallel(std::move(cores)), all_of_b(only_b) {
    id.bytes.fill(8);
    a.node.see(b.node.id);
    b.node.see(a.node.id);
    auto made_a = side_of(a, b, true, count), made_b = side_of(b, a, false, count);
    auto &c_a = made_a.commitments, &c_b = made_b.commitments;
    c_a.params.remote = c_b.params.local;
    c_b.params.remote = c_a.params.local;
    for (auto* both : {&made_a, &made_b}) {
      auto& other = both == &made_a ? made_b : made_a;
      both->commitments.remote.point = other.signer->per_commitment_point(0);
      both->commitments.remote_next_point = other.signer->per_commitment_point(1);
    }
    a.room.inside->channels.emplace(id, std::move(made_a));
    b.room.inside->channels.emplace(id, std::move(made_b));
  }
  channel::Channel side_of(const Side& us, const Side& them, bool funder, std::size_t count) const {
    channel::Channel out;
    auto& c = out.commitments;
    out.id = id;
    out.peer = them.node.id;
    c.params.funder = funder;
    out.state = channel::Normal{};
    c.params.capacity = Sat(16'000'000);
    out.signer = us.node.signer->channel(0);
    c.params.local = {Sat(354), Msat(16'000'000'000), Sat(160'000), Msat(1), 144, 483, out.signer->public_keys()};
    c.params.funding.txid.bytes.fill(9);
    out.funding_height = BlockHeight(100);
    out.session = channel::Talking{};
    out.sent_ready = out.got_ready = out.said_usable = true;
    c.updates.next_local_htlc = c.updates.next_remote_htlc = count;
    commitment::Spec spec;
    spec.feerate = FeeratePerKw(feerate);
    spec.to_local = spec.to_remote = Msat(8'000'000'000 - count * 5'000'000);
    for (std::size_t i = 0; i < count; ++i) {
      commitment::SpecHtlc htlc{Msat(10'000'000), {}, CltvExpiry(1'000)};
      auto number = Writer().u64(i).take();
      htlc.payment_hash = convert<PaymentHash>(crypto::sha256(number));
      spec.htlcs[{all_of_b ? !funder : (i % 2 == 0) == funder, i}] = htlc;
    }
    c.local.spec = c.remote.spec = spec;
    return out;
  }
  Effects step(Side& side, const channel::Input& input) {
    auto context = side.node.context();
    auto next = channel::step(std::move(side.room), input,
                              {context.mono, context.wall, context.tip, context.rng, context.config, context.views,
                               context.signer, *parallel});
    side.room = std::move(next.next);
    return std::move(next.effects);
  }
  /// What a side says goes to the other one as bytes, until nobody says anything.
  std::size_t exchange(Side& from, Effects effects) {
    std::size_t messages = 0;
    auto& to = &from == &a ? b : a;
    for (auto& effect : effects) {
      auto* word = std::get_if<SendMessage>(&effect);
      if (word == nullptr) continue;
      ++messages;
      auto message = wire::decode(wire::encode(word->message));
      must(message.has_value(), "a message does not parse");
      messages += exchange(to, step(to, MessageReceived{from.node.id, *std::move(message)}));
      messages += exchange(to, step(to, channel::EndOfStep{}));
    }
    return messages;
  }
  /// A new feerate: each side signs once, verifies once and revokes once. Two rounds.
  void dance() {
    feerate = feerate == 2'500 ? 4'000 : 2'500;
    auto proposed = step(a, FeeEstimate{FeeratePerKw(feerate)});
    auto ended = step(a, channel::EndOfStep{});
    std::move(ended.begin(), ended.end(), std::back_inserter(proposed));
    // update_fee, then commitment_signed and revoke_and_ack of both
    must(exchange(a, std::move(proposed)) == 5, "not the five messages of a round");
  }
};

/// Sign the other side's commitment, verify ours, revoke and see a revocation: BOLT 3 with `count` HTLCs.
struct RoundFloor {
  std::array<floor::Key, 5> basepoints;
  std::array<secp256k1_pubkey, 5> parsed;
  floor::Block key = floor::scalar(3);
  secp256k1_pubkey htlc_key = floor::generator_times(key);
  std::array<std::uint8_t, 64> signature = floor::ecdsa_sign(floor::scalar(4), key);
  std::array<std::uint8_t, 4096> bytes{};
  std::vector<std::uint8_t> transaction;

  explicit RoundFloor(std::size_t count) : transaction(350 + 43 * count) {
    for (std::size_t i = 0; i < basepoints.size(); ++i) {
      parsed[i] = floor::generator_times(floor::scalar(20 + i));
      basepoints[i] = floor::save(parsed[i]);
    }
  }
  void keys(const secp256k1_pubkey& point) {
    for (std::size_t i = 0; i < 3; ++i)
      (void)floor::save(floor::sum(parsed[i], floor::generator_times(floor::sha256(basepoints[i], key))));
    auto left = floor::times(parsed[3], floor::sha256(basepoints[3], key));
    (void)floor::save(floor::sum(left, floor::times(point, floor::sha256(basepoints[4], key))));
  }
  /// Scripts and digests: of the commitment once, of each HTLC its script's hashes, its transaction and what is signed.
  floor::Block commitment() {
    (void)floor::sha256d(transaction.data(), transaction.size());
    return floor::sha256d(transaction.data(), 250);
  }
  floor::Block htlc() {
    (void)floor::sha256(bytes.data(), 139);
    (void)floor::sha256d(bytes.data(), 43);
    return floor::sha256d(bytes.data(), 290);
  }
  void round(std::size_t count) {
    keys(parsed[4]);
    (void)floor::ecdsa_sign(commitment(), key);
    for (std::size_t i = 0; i < count; ++i) (void)floor::ecdsa_sign(htlc(), key);
    keys(parsed[4]);  // our point is known since the last revocation
    (void)floor::ecdsa_verify(signature.data(), commitment(), htlc_key);
    for (std::size_t i = 0; i < count; ++i) (void)floor::ecdsa_verify(signature.data(), htlc(), htlc_key);
    for (std::size_t i = 0; i < 24; ++i) (void)floor::sha256(bytes.data(), 32);
    (void)floor::save(floor::generator_times(key));  // our next point
    (void)floor::save(floor::generator_times(key));  // their revealed secret is that of their point
    (void)floor::parse(basepoints[4].data());
    for (std::size_t i = 0; i < 2; ++i) (void)floor::sha256(bytes.data(), 32);
  }
};

Row round_row(std::size_t count, double goal) {
  return {"commit_round_" + std::to_string(count),
          goal,
          [=](const Options& options) {
            auto pair = std::make_shared<Pair>(count);
            auto floor = std::make_shared<RoundFloor>(count);
            Sides out;
            out.operations = options.quick ? 1 : count < 50 ? 24 : count < 200 ? 8 : 2;
            // An operation is the two rounds of one change.
            out.ours = [=](std::size_t) { pair->dance(); };
            out.floor = [=](std::size_t) {
              for (int side = 0; side < 2; ++side) floor->round(count);
            };
            return out;
          },
          false,
          "commit_round",
          count,
          Growth::Linear};
}

/// The same on all cores beside the same on one, by the clock on the wall.
Row cores_row(std::size_t count) {
  auto cores = std::make_shared<io::Cores>();
  return {"commit_round_" + std::to_string(count) + "_cores", cores->threads() == 0 ? 0 : 1 / 1.7,
          [=](const Options& options) {
            auto one = std::make_shared<Pair>(count), all = std::make_shared<Pair>(count, cores);
            Sides out;
            out.operations = options.quick ? 1 : count < 200 ? 8 : 2;
            out.floor = [=](std::size_t) { one->dance(); };
            out.ours = [=](std::size_t) { all->dance(); };
            return out;
          },
          true};
}

/// `count` HTLCs that A offers, or fails, as the words of one step: what the corridor does with a peer's whole
/// revoke_and_ack.
struct Batch {
  std::unique_ptr<Pair> pair;
  std::vector<channel::Input> words;

  static Batch adds(std::size_t count) {
    Batch out{std::make_unique<Pair>(0), {}};
    for (std::size_t i = 0; i < count; ++i) {
      AddHtlc add;
      add.channel_id = out.pair->id;
      add.origin = LocalOrigin{convert<PaymentId>(crypto::sha256(Writer().u64(i).take()))};
      add.amount = Msat(10'000'000);
      add.cltv_expiry = CltvExpiry(1'000);
      add.onion_routing_packet = Bytes(wire::kPaymentOnionBytes, static_cast<std::uint8_t>(i));
      out.words.emplace_back(std::move(add));
    }
    return out;
  }
  static Batch failures(std::size_t count, std::size_t reason) {
    Batch out{std::make_unique<Pair>(count, std::make_shared<ParallelMap>(), true), {}};
    for (std::size_t i = 0; i < count; ++i)
      out.words.emplace_back(FailHtlc{out.pair->id, i, Bytes(reason, static_cast<std::uint8_t>(i))});
    return out;
  }
  /// What is said stays until the step is over, as in the corridor.
  void run() {
    std::vector<Effects> said;
    for (const auto& word : words) said.push_back(pair->step(pair->a, word));
    said.push_back(pair->step(pair->a, channel::EndOfStep{}));
    std::size_t sent = 0;
    for (const auto& effects : said)
      for (const auto& effect : effects) sent += std::holds_alternative<SendMessage>(effect) ? 1U : 0U;
    must(sent == words.size() + 1, "not every update left, with one commitment_signed");
  }
};

std::size_t peak_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::strtoul(line.c_str() + 6, nullptr, 10);
  return 0;
}
/// By how much the step raises the process's largest memory, in a process of its own.
void report_peak(const std::string& name, const std::function<Batch()>& make) {
  std::fflush(stdout);
  auto child = fork();
  must(child >= 0, "no fork");
  if (child == 0) {
    auto batch = make();
    ::malloc_trim(0);                               // what making it left free would hide what the step takes
    std::ofstream("/proc/self/clear_refs") << "5";  // the largest so far is forgotten
    auto before = peak_kib();
    batch.run();
    std::printf("%s: VmHWM grows by %zu KiB\n", name.c_str(), peak_kib() - before);
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

/// The floor: the same messages as bytes, once for the wire and once for the row.
Row batch_row(const std::string& name, std::size_t count, const std::function<Batch()>& make) {
  return {name, 0, [=](const Options& options) {
            report_peak(name, make);
            auto fresh = std::make_shared<std::vector<Batch>>();
            auto messages = std::make_shared<std::vector<wire::Message>>();
            Sides out;
            out.operations = options.quick ? 1 : 2;
            out.fresh = [=, operations = out.operations] {
              fresh->clear();
              for (std::size_t i = 0; i < operations; ++i) fresh->push_back(make());
              messages->assign(count, wire::UpdateFailHtlc{{}, 0, Bytes(292), {}});
            };
            out.floor = [=](std::size_t) {
              for (int i = 0; i < 2; ++i)
                for (const auto& message : *messages) must(!wire::encode(message).empty(), "no bytes");
            };
            out.ours = [=](std::size_t i) { fresh->at(i).run(); };
            return out;
          }};
}

Row gossip_row() {
  return {"gossip_verify", 1.05, [](const Options& options) {
            struct State {
              SeededRng rng{13};
              std::vector<Bytes> inputs;
            };
            auto state = std::make_shared<State>();
            Sides out;
            out.operations = options.quick ? 2 : 24;
            out.fresh = [=, count = out.operations] {
              state->inputs.clear();
              for (std::size_t i = 0; i < count; ++i) {
                std::array<PrivateKey, 4> keys;
                for (auto& key : keys) key = fresh_key(state->rng);
                wire::ChannelAnnouncement m;
                m.short_channel_id = ShortChannelId::of(100, 1, 0);
                PublicKey* points[] = {&m.node_id_1, &m.node_id_2, &m.bitcoin_key_1, &m.bitcoin_key_2};
                Signature* signatures[] = {&m.node_signature_1, &m.node_signature_2, &m.bitcoin_signature_1,
                                           &m.bitcoin_signature_2};
                for (std::size_t k = 0; k < 4; ++k) *points[k] = crypto::public_key(keys[k]);
                auto digest = wire::signature_hash(m);
                for (std::size_t k = 0; k < 4; ++k) *signatures[k] = crypto::ecdsa_sign(keys[k], digest);
                state->inputs.push_back(wire::encode(m));
              }
            };
            out.ours = [=](std::size_t i) {
              const auto& bytes = state->inputs[i];
              auto message = wire::decode(bytes);
              must(message.has_value(), "an announcement does not parse");
              must(graph::verify_channel_announcement(std::get<wire::ChannelAnnouncement>(*message), bytes).has_value(),
                   "a signature is wrong");
            };
            out.floor = [=](std::size_t i) {
              const auto& bytes = state->inputs[i];
              auto digest = floor::sha256d(bytes.data() + 258, bytes.size() - 258);
              for (std::size_t k = 0; k < 4; ++k)
                (void)floor::ecdsa_verify(bytes.data() + 2 + 64 * k, digest,
                                          floor::parse(bytes.data() + bytes.size() - 33 * (4 - k)));
            };
            return out;
          }};
}

}  // namespace

std::vector<Row> channel_rows() {
  return {round_row(1, 1.14),
          round_row(10, 1.15),
          round_row(100, 1.15),
          round_row(483, 1.20),
          cores_row(100),
          cores_row(483),
          gossip_row(),
          batch_row("batch_adds", 483, [] { return Batch::adds(483); }),
          batch_row("batch_failures", 483, [] { return Batch::failures(483, 292); }),
          batch_row("batch_failures_largest", 483, [] { return Batch::failures(483, 65'000); })};
}

}  // namespace bench
