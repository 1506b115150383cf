// A stranger's HTLC on its way S - L - M through real channels and real payment rooms. Bytes are a payload behind right
// MACs at L or at M, with or without its length; or what is encrypted for L or M in a blinded path. Whatever they are,
// the HTLC fails, or it is held: the two channels stay as they were.
//
// Nothing that leaves says error, warning or malformed without BADONION, and nobody hangs up.
#include <algorithm>

#include "channel/test/pair.h"
#include "payment/test/fake_node.h"
#include "samples.h"

namespace doze::fuzz {
namespace {

using Link = channel::testing::Pair;
using Room = payment::testing::FakeNode;

constexpr std::uint8_t kS = 1, kL = 2, kM = 3;
constexpr std::size_t kMostBytes = 1'400;  // of a payload: more does not fit into the packet

/// An open channel as both nodes stored it.
struct Stored {
  std::map<std::pair<Table, Bytes>, Bytes> a, b;
  bitcoin::Transaction funding;
  BlockHeight tip;
};
Stored make_link(std::uint8_t near, std::uint8_t far) {
  Link link(Role::Server, Role::Server, near, far);
  link.open(Sat(1'000'000), Msat(500'000'000));
  return {link.a.rows, link.b.rows, link.funding, link.tip};
}
const Stored& stored(std::uint8_t near) {
  static const Stored kFirst = make_link(kS, kL), kSecond = make_link(kL, kM);
  return near == kS ? kFirst : kSecond;
}
void restore(Link& link, std::uint8_t near) {
  const auto& start = stored(near);
  link.funding = start.funding;
  link.tip = start.tip;
  link.a.rows = start.a;
  link.b.rows = start.b;
  for (auto* node : {&link.a, &link.b}) {
    node->tip = start.tip;
    node->restart();
  }
  link.connect();
  link.run();
  FUZZ_CHECK(link.a.only_channel().usable && link.b.only_channel().usable);
  link.a.said.clear();
  link.b.said.clear();
}

/// A payment room and its ends of channels.
struct Stop {
  Room room;
  std::vector<channel::testing::FakeNode*> ends;

  Stop(std::uint8_t seed, std::vector<channel::testing::FakeNode*> channels)
      : room(seed, Role::Server), ends(std::move(channels)) {
    for (auto* end : ends) {
      const auto& view = end->only_channel();
      room.tip = end->tip;
      room.channels.insert_or_assign(view.channel_id, view);
      room.see(view.peer, own_features(room.config));
    }
  }
  /// What the channels said for the room, and its answers. False: they said nothing.
  bool work() {
    Effects heard;
    for (auto* end : ends) std::ranges::move(std::exchange(end->said, {}), std::back_inserter(heard));
    for (const auto& effect : heard)
      std::visit(
          [&]<class Word>(const Word& word) {
            FUZZ_CHECK((!std::is_same_v<Word, HtlcFulfilled>));  // nobody has the preimage
            if constexpr (std::is_same_v<Word, HtlcReceived> || std::is_same_v<Word, HtlcAdded> ||
                          std::is_same_v<Word, HtlcRefused> || std::is_same_v<Word, HtlcFailed>)
              answer(room.step(word));
          },
          effect);
    return !heard.empty();
  }

 private:
  void answer(const Effects& effects) {
    for (const auto& effect : effects)
      std::visit(
          [&]<class Word>(const Word& word) {
            FUZZ_CHECK((!std::is_same_v<Word, FulfillHtlc> && !std::is_same_v<Word, DropPeer>));
            if constexpr (std::is_same_v<Word, AddHtlc> || std::is_same_v<Word, FailHtlc> ||
                          std::is_same_v<Word, FailMalformedHtlc>)
              for (auto* end : ends)
                if (end->channels.contains(word.channel_id)) end->step(word);
          },
          effect);
  }
};

struct Way {
  Link first{Role::Server, Role::Server, kS, kL}, second{Role::Server, Role::Server, kL, kM};
  std::optional<Stop> l, m;

  Way() {
    restore(first, kS);
    restore(second, kL);
    l.emplace(kL, std::vector{&first.b, &second.a});
    m.emplace(kM, std::vector{&second.b});
  }
  void settle() {
    for (int round = 0; round < 100; ++round) {
      for (auto* link : {&first, &second}) {
        link->run();
        for (auto* node : {&link->a, &link->b}) watch(*node);
      }
      first.a.said.clear();
      bool more = l->work();
      more = m->work() || more;
      if (!more) return;
    }
    FUZZ_CHECK(false);  // they never stop
  }

 private:
  static void watch(const channel::testing::FakeNode& node) {
    FUZZ_CHECK(!node.dropped && node.only_channel().phase == ChannelPhase::Normal && node.only_channel().usable);
    for (const auto& effect : node.said) {
      FUZZ_CHECK(!std::holds_alternative<DropPeer>(effect));
      const auto* send = std::get_if<SendMessage>(&effect);
      if (send == nullptr) continue;
      FUZZ_CHECK(!std::holds_alternative<wire::Error>(send->message));
      FUZZ_CHECK(!std::holds_alternative<wire::Warning>(send->message));
      if (const auto* failed = std::get_if<wire::UpdateFailMalformedHtlc>(&send->message))
        FUZZ_CHECK((failed->failure_code & onion::kBadOnion) != 0);
      if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&send->message); add != nullptr && add->path_key)
        FUZZ_CHECK(crypto::is_valid(*add->path_key));  // others drop the connection over a key that is no point
    }
  }
};

constexpr CltvDelta kToM{300}, kToL{400};

struct Mode {
  bool at_m, raw, blinded, goes_on;
  std::optional<Profile> hold;
  explicit Mode(std::uint8_t bits)
      : at_m((bits & 1) != 0), raw((bits & 2) != 0), blinded((bits & 4) != 0), goes_on((bits & 8) != 0) {
    if ((bits & 16) != 0) hold = (bits & 32) != 0 ? Profile::Draft : Profile::Ldk;
  }
};

/// The hops that this input makes; none: it makes no path.
std::vector<onion::Hop> hops_of(const Mode& mode, ByteView input, const Way& way) {
  auto expiry = CltvExpiry(way.l->room.tip.value()) + kToM;
  auto scid = *way.second.a.only_channel().scid;
  auto foreign = mode.raw ? to_bytes(input) : onion::with_length(input);
  onion::Hop behind{point(9), onion::with_length(Bytes{0xff, 0})};
  if (!mode.blinded) {
    auto good = onion::with_length(onion::encode(onion::ForwardPayload{Msat(20'000'000), expiry, scid}));
    std::vector<onion::Hop> out{{way.l->room.id, mode.at_m ? good : foreign}};
    if (mode.at_m) out.push_back({way.m->room.id, foreign});
    if (mode.goes_on) out.push_back(behind);
    return out;
  }
  onion::RecipientData to_m, at_m;
  to_m.short_channel_id = scid;
  to_m.payment_relay = onion::PaymentRelay{CltvDelta(72), 1'000, Msat(1'000)};
  at_m.path_id = Bytes(8, 1);
  auto path = onion::blind(key(7), {{way.l->room.id, mode.at_m ? onion::encode(to_m) : to_bytes(input)},
                                    {way.m->room.id, mode.at_m ? to_bytes(input) : onion::encode(at_m)}});
  LN_ASSERT(path.has_value());
  onion::FinalPayload last{Msat(20'000'000), expiry, Msat(20'000'000)};
  last.encrypted_recipient_data = path->path[1].encrypted_recipient_data;
  onion::BlindedForwardPayload begins{path->path[0].encrypted_recipient_data, path->first_path_key};
  std::vector<onion::Hop> out{{way.l->room.id, onion::with_length(onion::encode(begins))}};
  onion::Payload second = last;
  if (mode.goes_on) second = onion::BlindedForwardPayload{path->path[1].encrypted_recipient_data, std::nullopt};
  out.push_back({path->path[1].blinded_node_id, onion::with_length(onion::encode(second))});
  if (mode.goes_on) out.push_back(behind);
  return out;
}

}  // namespace
}  // namespace doze::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace doze;        // NOLINT
  using namespace doze::fuzz;  // NOLINT
  ::testing::GTEST_FLAG(break_on_failure) = true;
  if (size == 0 || size > kMostBytes) return 0;
  Mode mode(data[0]);
  Way way;
  auto add = way.first.a.add(way.first.id(), Msat(21'000'000), 1, mode.hold);
  add.cltv_expiry = CltvExpiry(way.first.tip.value()) + kToL;
  auto packet = onion::build_packet(fuzz::key(13), hops_of(mode, ByteView(data, size).subspan(1), way),
                                    add.payment_hash.view(), onion::kPaymentPayloads);
  if (!packet) return 0;
  add.onion_routing_packet = *packet;
  way.first.a.step(add);
  way.settle();
  // Held at most; all else is over, in both channels.
  auto row = way.l->room.forward({way.first.id(), 0});
  bool held = row && row->state == forwarding::ForwardState::Held;
  FUZZ_CHECK(held == (way.first.b.only_channel().received_htlcs.size() == 1));
  FUZZ_CHECK(!held || mode.hold.has_value());
  FUZZ_CHECK(way.second.a.only_channel().offered_htlcs.empty());
  return 0;
}

static doze::fuzz::Seeds seeds() {
  using namespace doze;  // NOLINT
  fuzz::Seeds out;
  auto expiry = CltvExpiry(400);
  onion::FinalPayload plain{Msat(20'000'000), expiry, Msat(20'000'000)};
  plain.payment_secret = Hash32{};
  const onion::Payload payloads[] = {plain, onion::ForwardPayload{Msat(20'000'000), expiry, ShortChannelId(5)},
                                     onion::BlindedForwardPayload{Bytes(50, 3), fuzz::point(7)}};
  for (std::uint8_t mode : {0, 1, 8, 9, 24, 25, 56})
    for (const auto& payload : payloads) out.push_back(fuzz::with_prefix({mode}, onion::encode(payload)));
  // Lengths that are none: 0, 1, beyond the packet, not the shortest form.
  const Bytes lengths[] = {{0}, {1}, {0xfd, 0x04, 0xf2}, Bytes(9, 0xff), {0xfd, 0, 5}};
  for (std::uint8_t mode : {2, 3, 10, 11, 26})
    for (const auto& length : lengths) out.push_back(fuzz::with_prefix({mode}, length));
  onion::RecipientData forward, last;
  forward.next_node_id = fuzz::point(9);
  forward.payment_relay = onion::PaymentRelay{CltvDelta(72), 100, Msat(1'000)};
  forward.next_path_key_override = fuzz::point(8);
  last.path_id = Bytes(40, 2);
  last.payment_constraints = onion::PaymentConstraints{CltvExpiry(5'000), Msat(1)};
  for (std::uint8_t mode : {4, 5, 12, 13, 28})
    for (const auto& each : {forward, last}) out.push_back(fuzz::with_prefix({mode}, onion::encode(each)));
  return out;
}
DOZE_FUZZ_TARGET(foreign_onion, 60);
