// Rows of a channel after steps in random order: a restart at any moment begins with the channel as it was, and the
// peers understand each other after any lost connection.
#include <algorithm>

#include "channel/records.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// Everything durable of the one channel, as one row of version 2 has it.
void expect_loads(const FakeNode& node, const ChannelId& id) {
  auto read = node.loaded();
  ASSERT_TRUE(read.has_value()) << read.error().error.what;
  auto now = node.room.inside->channels.at(id);
  forget_unsigned(now.commitments);
  const auto& after = read->inside->channels.at(id);
  ASSERT_EQ(to_hex(old_record(after, 2).value), to_hex(old_record(now, 2).value));
  ASSERT_TRUE(after.written == now.written);
  ASSERT_EQ(node.htlc_rows(), now.written.size());
}

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : rng_(seed) {
    pair.open(Sat(1'000'000), Msat(500'000'000));
    for (auto* node : {&pair.a, &pair.b}) {
      node->on_received = [this](const HtlcReceived& word) -> std::vector<Input> {
        if (pick(3) != 0) return {};
        return {end_of(word.channel_id, word.htlc.id, word.htlc.onion_routing_packet[0], pick(3))};
      };
    }
    id = pair.id();
  }
  Pair pair;
  ChannelId id;

  void one() {
    auto& node = pick(2) == 0 ? pair.a : pair.b;
    switch (pick(16)) {
      case 0:
      case 1:
      case 2: {
        const Msat amounts[] = {Msat(1'000), Msat(200'000), Msat(5'000'000), Msat(60'000'000), Msat(300'000'000)};
        const std::optional<Profile> holds[] = {std::nullopt, Profile::Ldk, Profile::Draft};
        std::deque<Input> all;
        for (std::uint64_t i = pick(3) + 1; i > 0; --i)
          all.push_back(node.add(id, amounts[pick(5)], number_++ % 256, holds[pick(3)]));
        node.together(std::move(all));
        break;
      }
      case 3:
      case 4: {
        std::deque<Input> all;
        for (const auto& [htlc, info] : node.room.inside->channels.at(id).commitments.local.spec.htlcs)
          if (!htlc.offered && pick(2) == 0) {
            for (std::uint64_t n = 0; n < 256; ++n)
              if (hash(n) == info.payment_hash) all.push_back(end_of(id, htlc.id, n, pick(3)));
          }
        node.together(std::move(all));
        break;
      }
      case 5:
        pair.a.step(FeeEstimate{FeeratePerKw(static_cast<std::uint32_t>(1'000 + pick(30'000)))});
        break;
      case 6:
        if (pick(3) == 0) {
          bool ra = pick(2) == 0, rb = pick(2) == 0;
          reconnect(ra, rb);
        }
        break;
      case 7:
        if (pick(6) == 0) {
          pair.cut();
          node.put_old_row(node.room.inside->channels.at(id), 2);
          node.restart();
          pair.connect();
        }
        break;
      default:
        pair.deliver(node);
    }
    if (pair.a.dropped || pair.b.dropped) {
      reconnect(false, false);
    }
  }
  void reconnect(bool ra, bool rb) {
    pair.cut();
    if (ra) pair.a.restart();
    if (rb) pair.b.restart();
    pair.connect();
  }
  std::uint64_t pick(std::uint64_t n) {
    std::uint8_t raw[8];
    rng_.fill(raw);
    std::uint64_t v = 0;
    for (auto b : raw) v = v << 8 | b;
    return (v >> 11) % n;
  }

 private:
  Input end_of(const ChannelId& channel, std::uint64_t htlc, std::uint64_t n, std::uint64_t how) {
    if (how == 0) return FulfillHtlc{channel, htlc, preimage(n)};
    if (how == 1) return FailHtlc{channel, htlc, Bytes(292)};
    return FailMalformedHtlc{channel, htlc, Hash32{}, 0xc005};
  }
  CountingRng rng_;
  std::uint64_t number_ = 1;
};

/// Nothing new begins, and everything that waits ends.
void let_all_end(Walk& walk) {
  for (int i = 0; i < 40; ++i) {
    walk.pair.run();
    if (walk.pair.a.dropped || walk.pair.b.dropped || walk.pair.a.peers.empty()) walk.reconnect(i % 2 == 0, i % 4 == 0);
    for (auto* node : {&walk.pair.a, &walk.pair.b}) {
      node->on_received = nullptr;
      auto htlcs = node->room.inside->channels.at(walk.id).commitments.local.spec.htlcs;
      for (const auto& [htlc, info] : htlcs)
        if (!htlc.offered) node->step(FailHtlc{walk.id, htlc.id, Bytes(292)});
    }
  }
  walk.pair.run();
}

TEST(HtlcRows, a_restart_after_any_step_begins_with_the_same_channel_and_all_of_it_ends) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Walk walk(seed);
    std::size_t most = 0;
    for (int i = 0; i < 250; ++i) {
      walk.one();
      for (auto* node : {&walk.pair.a, &walk.pair.b}) {
        expect_loads(*node, walk.id);
        if (HasFatalFailure()) return;
        most = std::max(most, node->htlc_rows());
      }
    }
    EXPECT_GT(most, 5U);

    let_all_end(walk);
    for (auto* node : {&walk.pair.a, &walk.pair.b}) {
      EXPECT_EQ(node->htlc_rows(), 0U);
      EXPECT_TRUE(quiet(node->room.inside->channels.at(walk.id).commitments));
      expect_loads(*node, walk.id);
      EXPECT_TRUE(node->sent<wire::Error>().empty());
      // With several feerates in one batch the peer found the batch too dear half-way, at every reconnection.
      EXPECT_TRUE(node->sent<wire::Warning>().empty());
    }
    EXPECT_EQ(walk.pair.a.only_channel().local_balance, walk.pair.b.only_channel().remote_balance);
  }
}

}  // namespace
}  // namespace doze::channel
