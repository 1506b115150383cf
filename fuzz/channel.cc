// Two channel rooms and a connection between them. Bytes say what is offered, settled and failed, which message arrives
// next, when the connection breaks, who dies and what its disk still knows, and when blocks and fee estimates come.
//
// Always: sums are exact, rows can be read again, an HTLC is received once and ends once, what is published spends the
// funding output. With an honest peer also: nobody breaks the channel, and when everything has come to rest both sides
// have the same commitments, and the balances that the settled HTLCs give.
#include "channel/records.h"
#include "channel/test/pair.h"
#include "fuzz.h"

using namespace doze;
using namespace doze::channel;
using namespace doze::channel::testing;

namespace {

constexpr std::size_t kMostOperations = 400;        // more find nothing that these do not
constexpr std::uint32_t kBlocksBeforeExpiry = 400;  // HTLCs have 500

struct Known {
  Msat amount;
  std::uint8_t number = 0;
  bool hold = false, committed = false, released = false, too_much_dust = false;
  std::optional<bool> settled;  // how it ended
};
/// What the payment room would keep, in the same batches as the channel's rows.
struct Ledger {
  std::map<std::uint64_t, Known> offered, received;
};
struct Side {
  explicit Side(FakeNode& fake) : node(fake) {}
  FakeNode& node;
  Ledger ledger;
  /// When something last left the node: a crash may lose what came after it.
  std::map<std::pair<Table, Bytes>, Bytes> durable;
  Ledger durable_ledger;
  std::uint64_t checked_number = 0;
};

void check_spec(const Channel& channel, const Spec& spec) {
  auto sum = spec.to_local + spec.to_remote;
  for (const auto& [id, htlc] : spec.htlcs) sum += htlc.amount;
  FUZZ_CHECK(sum == to_msat(channel.params().capacity));
}
/// No output of our commitment comes from nowhere, however poor its opener is.
void check_outputs(const Channel& channel) {
  auto built = commitment::build_commitment(local_terms(channel.commitments, *channel.signer));
  FUZZ_CHECK(built.has_value());
  Sat sum;
  for (const auto& output : built->transaction.outputs) sum += output.amount;
  FUZZ_CHECK(sum <= channel.params().capacity);
}
/// At rest: the commitments of both sides say the same, from either side.
void check_mirrored(const Channel& ours, const Channel& theirs) {
  for (const auto* spec : {&ours.commitments.local.spec, &ours.commitments.remote.spec}) {
    FUZZ_CHECK(spec->to_local == theirs.commitments.local.spec.to_remote &&
               spec->to_remote == theirs.commitments.local.spec.to_local);
    FUZZ_CHECK(spec->feerate == theirs.commitments.local.spec.feerate && spec->htlcs.empty());
  }
}

/// An open channel as both nodes stored it, for stories that begin there.
struct Opened {
  std::map<std::pair<Table, Bytes>, Bytes> a, b;
  bitcoin::Transaction funding;
  BlockHeight tip;
};
const Opened& opened(bool anchors, bool opener_is_poor) {
  static std::map<std::pair<bool, bool>, Opened> made;
  auto [it, fresh] = made.try_emplace({anchors, opener_is_poor});
  if (fresh) {
    Pair pair;
    pair.a.config.anchors = pair.b.config.anchors = anchors;
    pair.open(Sat(1'000'000), Msat(opener_is_poor ? 980'000'000 : 500'000'000));
    it->second = {pair.a.rows, pair.b.rows, pair.funding, pair.tip};
  }
  return it->second;
}

class Story {
 public:
  explicit Story(ByteView input) : in_(input) {
    auto mode = in_.u8();
    hostile_ = (mode & 1) != 0;
    bool anchors = (mode & 2) == 0, opens = (mode & 8) != 0;
    for (auto* node : {&pair_.a, &pair_.b}) node->config.anchors = anchors;
    if (opens) {
      sums_known_ = false;
      pair_.connect();
      pair_.start_opening(Sat(20'000 + 100 * std::uint64_t{in_.u16()}), Msat(1'000 * std::uint64_t{in_.u16()}));
    } else {
      const auto& start = opened(anchors, (mode & 4) != 0);
      pair_.funding = start.funding;
      pair_.tip = start.tip;
      pair_.chain = test::TestChain(start.tip);
      pair_.a.rows = start.a;
      pair_.b.rows = start.b;
      for (auto* node : {&pair_.a, &pair_.b}) {
        node->tip = start.tip;
        node->restart();
      }
      pair_.connect();
    }
    for (auto& side : sides_) {
      listen(side);
      if (!opens) before_.push_back(side.node.only_channel().local_balance);
    }
    start_ = pair_.tip;
  }
  void run() {
    for (std::size_t i = 0; i < kMostOperations && in_.remaining() != 0; ++i) {
      operation();
      for (auto& side : sides_) check(side);
    }
    for (auto& side : sides_) FUZZ_CHECK(side.node.loaded().has_value());
    if (!hostile_ && sums_known_) come_to_rest();
  }

 private:
  [[nodiscard]] Side& other(const Side& side) { return &side == &sides_[0] ? sides_[1] : sides_[0]; }
  [[nodiscard]] static const Channel* channel_of(const Side& side) {
    const auto& channels = side.node.room.inside->channels;
    return channels.empty() ? nullptr : &channels.begin()->second;
  }

  /// The words of the last steps.
  void listen(Side& side) {
    auto& [offered, received] = side.ledger;
    bool left = false;
    for (const auto& effect : side.node.said) {
      left = left || std::holds_alternative<SendMessage>(effect) || std::holds_alternative<Broadcast>(effect) ||
             std::holds_alternative<Reply>(effect);
      if (const auto* word = std::get_if<HtlcAdded>(&effect)) {
        FUZZ_CHECK(offered.try_emplace(word->htlc_id, adding_).second);
      } else if (const auto* word = std::get_if<HtlcReceived>(&effect)) {
        Known htlc{word->htlc.amount_msat, word->htlc.onion_routing_packet[0]};
        htlc.too_much_dust = word->too_much_dust;
        FUZZ_CHECK(received.try_emplace(word->htlc.id, htlc).second);
      } else if (const auto* word = std::get_if<OfferedHtlcCommitted>(&effect)) {
        offered.at(word->htlc_id).committed = true;
      } else if (const auto* word = std::get_if<ReleasePathsReceived>(&effect)) {
        FUZZ_CHECK(offered.at(word->htlc_id).hold && !word->paths.empty());
        offered.at(word->htlc_id).released = true;
      } else if (const auto* word = std::get_if<HtlcFulfilled>(&effect)) {
        end(offered, word->htlc_id, true);
        FUZZ_CHECK(word->preimage == preimage(offered.at(word->htlc_id).number));
      } else if (const auto* word = std::get_if<HtlcFailed>(&effect)) {
        end(offered, word->htlc_id, false);
      } else if (const auto* word = std::get_if<Broadcast>(&effect)) {
        published(word->transaction);
      }
    }
    side.node.said.clear();
    if (!left) return;
    side.durable = side.node.rows;
    side.durable_ledger = side.ledger;
  }
  static void end(std::map<std::uint64_t, Known>& htlcs, std::uint64_t id, bool settled) {
    auto it = htlcs.find(id);
    FUZZ_CHECK(it != htlcs.end() && !it->second.settled);
    it->second.settled = settled;
  }
  void published(const bitcoin::Transaction& transaction) {
    // FakeNode's fundings have their change first, and 5,000 sat of it.
    bool funds = transaction.outputs.size() == 2 && transaction.outputs[0].amount == Sat(5'000);
    if (pair_.funding.outputs.empty() && funds) pair_.funding = transaction;
    if (pair_.funding.outputs.empty()) return;
    // Others claim what a commitment left.
    if (transaction.inputs[0].previous_output == Outpoint{bitcoin::txid(pair_.funding), 1})
      FUZZ_CHECK(pair_.spends_funding(transaction));
  }

  void check(Side& side) {
    listen(side);
    const auto* channel = channel_of(side);
    if (channel == nullptr) return;
    check_spec(*channel, channel->commitments.local.spec);
    if (channel->commitments.local.number != side.checked_number) check_outputs(*channel);
    side.checked_number = channel->commitments.local.number;
    check_spec(*channel, channel->commitments.remote.spec);
    if (channel->commitments.next_remote) check_spec(*channel, *channel->commitments.next_remote);
    if (hostile_ || !sums_known_) return;
    FUZZ_CHECK(channel->is<Normal>() || (closing_ && channel->closing()));
    // A commitment of the peer is revoked, or the revocation of the one before is still on its way.
    const auto* peer = channel_of(other(side));
    FUZZ_CHECK(channel->commitments.local.number - peer->commitments.remote.number <= 1);
  }

  void operation() {
    auto code = in_.u8();
    auto& side = sides_[code & 1];
    switch (code >> 1 & 15) {
      case 0:
      case 1:
      case 2:
        return deliver(side);
      case 3:
        for (int i = 0; i < 4; ++i) {
          deliver(side);
          deliver(other(side));
        }
        return;
      case 4:
        return quiet();
      case 5:
      case 6:
      case 7:
        return offer(side, in_.u8(), in_.u16());
      case 8:
      case 9:
        return answer(side, in_.u8());
      case 10:
        pair_.a.step(FeeEstimate{FeeratePerKw(253 + 40 * std::uint32_t{in_.u8()})});
        return;
      case 11:
      case 12:
        pair_.cut();
        return restart(in_.u8());
      case 13:
        return mine(in_.u8());
      case 14:
        return wait(side, in_.u8());
      default:
        return close(side, in_.u8());
    }
  }

  void deliver(Side& from) {
    if (from.node.outbox.empty()) return;
    if (hostile_) change(from.node.outbox.front());
    pair_.deliver(from.node);
    for (auto& side : sides_) listen(side);
    hang_up();
  }
  void hang_up() {
    if (!pair_.a.dropped && !pair_.b.dropped) return;
    FUZZ_CHECK(hostile_ || waited_ || !sums_known_);
    pair_.cut();
    pair_.a.dropped = pair_.b.dropped = false;
  }
  /// A byte of the message is another one.
  void change(wire::Message& message) {
    auto what = in_.u8();
    if (what == 0) return;
    auto bytes = wire::encode(message);
    bytes[2 + in_.u16() % (bytes.size() - 2)] ^= what;
    if (auto read = wire::decode(bytes)) message = *std::move(read);
  }
  void quiet() {
    for (int i = 0; i < 2'000 && !(pair_.a.outbox.empty() && pair_.b.outbox.empty()); ++i) {
      deliver(sides_[0]);
      deliver(sides_[1]);
    }
    FUZZ_CHECK(pair_.a.outbox.empty() && pair_.b.outbox.empty());  // they stop
  }

  void offer(Side& side, std::uint8_t kind, std::uint16_t number) {
    if (side.node.channels.empty() || numbers_ == 255) return;
    const auto& view = side.node.only_channel();
    const std::uint64_t amounts[] = {1,
                                     353'999,
                                     354'000,
                                     1'000 * std::uint64_t{number},
                                     10'000 * std::uint64_t{number},
                                     view.spendable.value(),
                                     view.spendable.value() / 2,
                                     view.spendable.value() + 1};
    adding_ = {Msat(amounts[kind & 7]), ++numbers_, (kind & 8) != 0};
    auto profile = (kind & 16) != 0 ? Profile::Ldk : Profile::Draft;
    side.node.step(side.node.add(view.channel_id, adding_.amount, adding_.number,
                                 adding_.hold ? std::optional(profile) : std::nullopt));
  }
  /// One of those that wait for an answer.
  void answer(Side& side, std::uint8_t kind) {
    std::vector<std::uint64_t> waiting;
    for (const auto& [id, htlc] : side.ledger.received)
      if (!htlc.settled) waiting.push_back(id);
    if (waiting.empty() || side.node.channels.empty()) return;
    auto id = waiting[(kind >> 2) % waiting.size()];
    auto& htlc = side.ledger.received.at(id);
    auto channel = side.node.only_channel().channel_id;
    htlc.settled = (kind & 3) < 2 && !htlc.too_much_dust;
    if (*htlc.settled)
      side.node.step(FulfillHtlc{channel, id, preimage(htlc.number)});
    else if ((kind & 3) == 2)
      side.node.step(FailHtlc{channel, id, Bytes(292, htlc.number)});
    else
      side.node.step(FailMalformedHtlc{channel, id, Hash32{}, 0xc005});
  }
  /// Bits: A and B restart, with all they wrote or with what was durable when something last left; all connect.
  void restart(std::uint8_t how) {
    for (auto& side : sides_) {
      listen(side);
      if ((how & 1) != 0) {
        if ((how & 4) != 0) {
          side.node.rows = side.durable;
          side.ledger = side.durable_ledger;
        }
        side.node.restart();
        listen(side);
      }
      how >>= 1;
    }
    if ((how & 4) == 0) pair_.connect();
  }
  void mine(std::uint8_t how) {
    auto blocks = (how & 3) == 3 ? 100U : 1U;
    bool confirms = !pair_.funding.outputs.empty() && !confirmed_ && !sums_known_;
    if (pair_.tip.value() - start_.value() + blocks > kBlocksBeforeExpiry) hostile_ = true;
    for (std::uint32_t i = 0; i < blocks; ++i)
      pair_.block(confirms && i == 0 ? std::vector{pair_.funding} : std::vector<bitcoin::Transaction>{});
    confirmed_ = confirmed_ || confirms;
  }
  void wait(Side& side, std::uint8_t seconds) {
    waited_ = true;
    side.node.mono = after_ms(side.node.mono, 1'000 * std::uint64_t{seconds});
    if (auto at = doze::channel::deadline(side.node.room); at && *at <= side.node.mono) {
      side.node.step(DeadlineReached{});
      at = doze::channel::deadline(side.node.room);
      FUZZ_CHECK(!at || side.node.mono < *at);
    }
    listen(side);
    hang_up();
  }
  /// Rarely: nothing is offered after it.
  void close(Side& side, std::uint8_t how) {
    if (how < 192 || side.node.channels.empty()) return;
    closing_ = true;
    auto id = side.node.only_channel().channel_id;
    bool force = how == 255;
    hostile_ = hostile_ || force;
    side.node.step(CommandReceived{8, command::CloseChannel{id, force, address(bitcoin::p2wpkh_script(side.node.id))}});
  }

  void come_to_rest() {
    pair_.cut();
    pair_.connect();
    for (int round = 0; round < 20; ++round) {
      quiet();
      for (auto& side : sides_) {
        check(side);
        for (std::size_t i = side.ledger.received.size(); i > 0; --i) answer(side, 0);
        check(side);
      }
    }
    for (auto& side : sides_) {
      const auto& ours = *channel_of(side);
      const auto& theirs = *channel_of(other(side));
      FUZZ_CHECK(ours.commitments.local.number == theirs.commitments.remote.number);
      FUZZ_CHECK(!ours.commitments.next_remote && ours.commitments.updates.local_proposed.empty() &&
                 ours.commitments.updates.remote_acked.empty());
      check_mirrored(ours, theirs);
      check_balance(side);
      FUZZ_CHECK(ours.usable() || (closing_ && ours.agreed()));
      FUZZ_CHECK(ours.closing_transaction == theirs.closing_transaction);
    }
  }
  void check_balance(Side& side) {
    const auto& theirs = other(side).ledger.received;
    auto expected = before_[static_cast<std::size_t>(&side - sides_)];
    for (const auto& [id, htlc] : side.ledger.received) {
      FUZZ_CHECK(htlc.settled.has_value());
      if (*htlc.settled) expected += htlc.amount;
    }
    for (const auto& [id, htlc] : side.ledger.offered) {
      FUZZ_CHECK(htlc.settled.has_value() && theirs.contains(id));
      FUZZ_CHECK(theirs.at(id).settled == htlc.settled && theirs.at(id).amount == htlc.amount);
      FUZZ_CHECK(htlc.committed && (!htlc.hold || htlc.released || side.node.config.role == Role::Server));
      if (*htlc.settled) expected -= htlc.amount;
    }
    FUZZ_CHECK(theirs.size() == side.ledger.offered.size());
    FUZZ_CHECK(side.node.only_channel().local_balance == expected);
  }

  Reader in_;
  Pair pair_;
  Side sides_[2] = {Side(pair_.a), Side(pair_.b)};
  std::vector<Msat> before_;
  BlockHeight start_;
  bool hostile_ = false;    // or so old that HTLCs expire: only what holds for each side alone is checked
  bool sums_known_ = true;  // the story began with an open channel
  bool confirmed_ = false, waited_ = false, closing_ = false;
  std::uint8_t numbers_ = 0;  // of payments
  Known adding_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ::testing::GTEST_FLAG(break_on_failure) = true;  // the surroundings expect something, too
  if (size != 0) Story({data, size}).run();
  return 0;
}

static fuzz::Seeds seeds() {
  constexpr std::uint8_t kOffer = 5 << 1, kAnswer = 8 << 1, kFee = 10 << 1, kCut = 11 << 1, kMine = 13 << 1,
                         kWait = 14 << 1, kClose = 15 << 1, kQuiet = 4 << 1, kTurns = 3 << 1, kB = 1;
  const Bytes stories[] = {
      {kOffer, 3, 9, 9, kQuiet, kAnswer | kB, 0, kQuiet},
      // The fulfilment arrives, its signature does not.
      {kOffer, 3, 9, 9, kQuiet, kAnswer | kB, 0, kB, kCut, 0, kQuiet},
      {kOffer | kB, 3 | 8 | 16, 9, 9, kOffer, 4, 3, 3, kTurns, kCut, 0, kQuiet, kAnswer, 0, kAnswer | kB, 2, kQuiet},
      {kOffer, 5, 0, 0, kFee, 200, kOffer | kB, 5, 0, 0, kTurns, kCut, 0b1111, kTurns, kCut, 0b0011, kQuiet},
      {kOffer, 1, 0, 0, 0, 1, 1, 0, kCut, 0b0101, 0, 1, kCut, 0b1010, 1, 0, 1, kQuiet, kAnswer | kB, 3, kQuiet},
      {kOffer, 4, 1, 1, kOffer | kB, 12, 1, 1, kQuiet, kClose, 200, kQuiet, kAnswer, 0, kAnswer | kB, 0, kQuiet},
      {kOffer, 4, 1, 1, kTurns, kWait, 70, kMine, 3, kMine, 3, kMine, 3, kMine, 3, kMine, 3, kMine, 3, kQuiet},
  };
  fuzz::Seeds out;
  for (std::uint8_t mode = 0; mode < 8; ++mode)
    for (const auto& story : stories) out.push_back(fuzz::with_prefix({mode}, story));
  const Bytes opening{30, 0, 100, 0, kQuiet, kMine, 0, kMine, 0, kMine, 0, kMine, 0, kTurns, kCut, 3, kQuiet};
  for (std::uint8_t mode = 8; mode < 12; ++mode) {
    auto begin = fuzz::with_prefix({mode}, opening);
    out.push_back(begin);
    for (const auto& story : stories) {
      out.push_back(begin);
      append(out.back(), story);
    }
  }
  return out;
}
DOZE_FUZZ_TARGET(channel, 150);
