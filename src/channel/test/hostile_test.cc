// What a peer does to make us crash, forget, or lose money by the rules.
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// B offers one HTLC and, behind its commitment_signed, `count` held ones of 1 msat: the next round has them all.
void offer_held(Pair& pair, std::uint64_t count) {
  pair.b.step(pair.b.add(pair.id(), Msat(1), 1));
  for (std::uint64_t i = 0; i < count; ++i) pair.b.step(pair.b.add(pair.id(), Msat(1), 2 + i, Profile::Ldk));
}
std::optional<Bytes> waiting_revocation(const FakeNode& node) {
  for (const auto& message : node.outbox)
    if (std::holds_alternative<wire::RevokeAndAck>(message)) return wire::encode(message);
  return std::nullopt;
}

TEST(Hostile, a_round_full_of_held_htlcs_gets_as_many_paths_as_a_channel_may_hold) {
  Pair pair;
  pair.open();
  offer_held(pair, 482);
  // Until A has answered the second commitment_signed and its answer is under way.
  for (int i = 0; i < 2'000 && pair.a.sent<wire::RevokeAndAck>().size() < 2; ++i)
    if (!pair.deliver(pair.b)) pair.deliver(pair.a);
  ASSERT_EQ(pair.a.sent<wire::RevokeAndAck>().size(), 2U);
  EXPECT_EQ(pair.a.sent<wire::RevokeAndAck>()[1].release_paths.size(), kMaxHeldPerChannel);
  auto before = waiting_revocation(pair.a);
  ASSERT_TRUE(before.has_value());
  EXPECT_LE(before->size(), wire::kMaxMessageBytes);
  pair.cut();
  pair.a.restart();
  pair.connect();
  pair.deliver(pair.b);
  EXPECT_EQ(waiting_revocation(pair.a), before);
  pair.run();
  EXPECT_EQ(pair.a.all<HtlcReceived>().size(), 483U);
  EXPECT_EQ(pair.b.all<ReleasePathsReceived>().size(), kMaxHeldPerChannel);
}

TEST(Hostile, a_node_that_does_not_hold_gives_no_paths) {
  for (int which = 0; which < 3; ++which) {
    Pair pair(which == 0 ? Role::Client : Role::Server, Role::Client);
    pair.a.config.offers_ldk_hold = which != 1;
    pair.a.config.offers_draft_hold = which != 2;
    pair.open();
    pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1, which == 2 ? Profile::Draft : Profile::Ldk));
    pair.run();
    EXPECT_EQ(pair.a.all<HtlcReceived>().size(), 1U);
    EXPECT_TRUE(pair.b.all<ReleasePathsReceived>().empty()) << which;
  }
}

}  // namespace
}  // namespace doze::channel
