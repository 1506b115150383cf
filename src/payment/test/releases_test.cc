// R's answers to held_htlc_available: durable, when it can be paid, six a path, bounded.
#include "fake_node.h"

namespace doze::payment::testing {
namespace {

struct Releases : ::testing::Test {
  World world;
  FakeNode& r = world.r;
  const UnixTime expiry = UnixTime(1'700'000'000 + 1'000'000);

  static wire::BlindedPath reply(std::uint16_t number) {
    return {crypto::public_key(key(80)),
            crypto::public_key(key(81)),
            {{crypto::public_key(key(82)), Writer().u16(number).take()}}};
  }
  OnionMessageReceived announcement(std::uint16_t number, Profile profile = Profile::Ldk) {
    return {world.m.id, seal(*r.signer, PathPurpose::HeldHtlcAvailable, Writer().u64(expiry.value()).view()),
            reply(number), onion::HeldHtlcAvailable{profile}};
  }
  Effects hear(std::uint16_t number) { return r.step(announcement(number)); }
  static std::size_t answers(const Effects& effects) { return of<SendOnionMessage>(effects).size(); }
};

TEST_F(Releases, an_announcement_is_answered_over_its_reply_path_in_its_profile) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    std::uint16_t number = profile == Profile::Ldk ? 1 : 2;
    auto sent = of<SendOnionMessage>(r.step(announcement(number, profile)));
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(std::get<wire::BlindedPath>(sent[0].destination), reply(number));
    EXPECT_EQ(std::get<onion::ReleaseHeldHtlc>(sent[0].contents).profile, profile);
    EXPECT_FALSE(sent[0].reply_path.has_value());
  }
  EXPECT_EQ(r.count(Table::ReleaseDue), 2U);
}

TEST_F(Releases, there_are_six_answers_at_growing_distances) {
  EXPECT_EQ(answers(hear(1)), 1U);
  for (std::uint64_t wait : {2'000, 10'000, 60'000, 300'000, 1'800'000}) {
    ASSERT_EQ(deadline(r.room), after_ms(r.mono, wait));
    r.pass(wait - 1);
    EXPECT_EQ(answers(r.step(DeadlineReached{})), 0U);
    r.pass(1);
    EXPECT_EQ(answers(r.step(DeadlineReached{})), 1U);
  }
  EXPECT_FALSE(deadline(r.room).has_value());
  r.pass(10'000'000);
  EXPECT_EQ(answers(r.step(DeadlineReached{})), 0U);
  EXPECT_EQ(answers(r.usable(3)), 0U);
}

TEST_F(Releases, a_repeated_announcement_gets_one_answer_more) {
  hear(1);
  for (int i = 0; i < 5; ++i) r.next_deadline();
  EXPECT_EQ(r.all<SendOnionMessage>().size(), 6U);
  EXPECT_EQ(answers(hear(1)), 1U);
  EXPECT_FALSE(deadline(r.room).has_value());
  EXPECT_EQ(r.count(Table::ReleaseDue), 1U);
}

TEST_F(Releases, nothing_is_answered_before_a_channel_is_usable) {
  r.unusable(3);
  auto effects = hear(1);
  EXPECT_EQ(answers(effects), 0U);
  EXPECT_EQ(of<Put>(effects).size(), 1U);  // due, durably
  r.pass(5'000);
  EXPECT_EQ(answers(r.step(DeadlineReached{})), 0U);
  EXPECT_EQ(answers(r.usable(3)), 1U);
}

TEST_F(Releases, what_is_due_survives_the_process_and_is_not_answered_more_than_six_times) {
  r.unusable(3);
  hear(1);
  std::size_t total = 0;
  for (int starts = 0; starts < 10; ++starts) {
    r.restart();
    EXPECT_EQ(answers(r.said), 0U);
    total += answers(r.usable(3));
  }
  EXPECT_EQ(total, 6U);
  EXPECT_EQ(answers(hear(1)), 1U);
}

TEST_F(Releases, only_so_many_paths_are_due_and_the_oldest_is_dropped) {
  r.unusable(3);
  for (std::uint16_t i = 0; i < kMaxReleasesDue; ++i) hear(i);
  EXPECT_EQ(r.count(Table::ReleaseDue), kMaxReleasesDue);
  hear(1'000);
  EXPECT_EQ(r.count(Table::ReleaseDue), kMaxReleasesDue);
  r.reload();  // the order is on disk, too
  hear(1'001);
  EXPECT_EQ(r.count(Table::ReleaseDue), kMaxReleasesDue);
  std::set<Bytes> answered;
  for (const auto& sent : of<SendOnionMessage>(r.usable(3)))
    answered.insert(wire::to_bytes(std::get<wire::BlindedPath>(sent.destination)));
  EXPECT_EQ(answered.size(), kMaxReleasesDue);
  for (std::uint16_t gone : {0, 1}) EXPECT_FALSE(answered.contains(wire::to_bytes(reply(gone))));
  for (std::uint16_t kept : {2, 255, 1'000, 1'001}) EXPECT_TRUE(answered.contains(wire::to_bytes(reply(kept))));
}

TEST_F(Releases, announcements_over_other_paths_or_for_expired_invoices_are_ignored) {
  auto good = announcement(1);
  auto bad = good;
  bad.path_id->back() ^= 1;
  EXPECT_TRUE(r.step(bad).empty());
  bad = good;
  bad.path_id.reset();
  EXPECT_TRUE(r.step(bad).empty());
  bad = good;
  bad.reply_path.reset();
  EXPECT_TRUE(r.step(bad).empty());
  bad = good;
  bad.path_id = seal(*r.signer, PathPurpose::ForwardedRequest, Writer().u64(expiry.value()).view());
  EXPECT_TRUE(r.step(bad).empty());
  bad = good;
  bad.path_id = seal(*r.signer, PathPurpose::HeldHtlcAvailable, Bytes(7));
  EXPECT_TRUE(r.step(bad).empty());
  r.wall = after_s(expiry, 1);
  EXPECT_TRUE(r.step(good).empty());
  r.wall = expiry;
  EXPECT_EQ(answers(r.step(good)), 1U);
}

}  // namespace
}  // namespace doze::payment::testing
