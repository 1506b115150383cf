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
  /// What this says has the same fate.
  Effects with_fate(Effects effects, OnionMessageFate fate = OnionMessageFate::Confirmed) {
    for (const auto& sent : of<SendOnionMessage>(effects)) {
      EXPECT_NE(sent.tag, 0U);
      r.step(OnionMessageOutcome{sent.tag, fate});
    }
    return effects;
  }
  Effects hear(std::uint16_t number) { return with_fate(r.step(announcement(number))); }
  Effects time() { return with_fate(r.step(DeadlineReached{})); }
  Effects behind() {
    r.views.chain_synced = false;
    return r.step(ChainStatus{true, false, ""});
  }
  Effects synced() {
    r.views.chain_synced = true;
    return r.step(ChainStatus{true, true, ""});
  }
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
    ASSERT_EQ(r.deadline(), after_ms(r.mono, wait));
    r.pass(wait - 1);
    EXPECT_EQ(answers(time()), 0U);
    r.pass(1);
    EXPECT_EQ(answers(time()), 1U);
  }
  EXPECT_FALSE(r.deadline().has_value());
  r.pass(10'000'000);
  EXPECT_EQ(answers(time()), 0U);
  EXPECT_EQ(answers(r.usable(3)), 0U);
}

TEST_F(Releases, a_repeated_announcement_gets_one_answer_more) {
  hear(1);
  for (int i = 0; i < 5; ++i) with_fate(r.next_deadline());
  EXPECT_EQ(r.all<SendOnionMessage>().size(), 6U);
  EXPECT_EQ(answers(hear(1)), 1U);
  EXPECT_FALSE(r.deadline().has_value());
  EXPECT_EQ(r.count(Table::ReleaseDue), 1U);
}

TEST_F(Releases, nothing_is_answered_before_a_channel_is_usable) {
  r.unusable(3);
  auto effects = hear(1);
  EXPECT_EQ(answers(effects), 0U);
  EXPECT_EQ(of<Put>(effects).size(), 1U);  // due, durably
  r.pass(5'000);
  EXPECT_EQ(answers(time()), 0U);
  EXPECT_EQ(answers(r.usable(3)), 1U);
}

TEST_F(Releases, an_answer_that_is_due_without_a_channel_wakes_nobody) {
  r.unusable(3);
  hear(1);
  EXPECT_FALSE(r.deadline().has_value());
  r.usable(3);  // its answer is on its way and the channel goes again
  r.unusable(3);
  EXPECT_TRUE(of<SendOnionMessage>(r.next_deadline()).empty());
  EXPECT_FALSE(r.deadline().has_value());
  EXPECT_EQ(answers(r.usable(3)), 1U);
}

TEST_F(Releases, an_answer_counts_only_when_it_has_left) {
  auto undeliverable = [&](const Effects& effects) {
    EXPECT_EQ(answers(effects), 1U);
    with_fate(effects, OnionMessageFate::Undeliverable);
  };
  undeliverable(r.step(announcement(1)));
  for (std::uint64_t wait : {2'000, 10'000, 60'000, 300'000, 1'800'000, 1'800'000}) {
    ASSERT_EQ(r.deadline(), after_ms(r.mono, wait));
    undeliverable(r.next_deadline());
  }
  EXPECT_EQ(answers(with_fate(r.next_deadline(), OnionMessageFate::Relayed)), 1U);  // reachable at last
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answers(with_fate(r.next_deadline())), 1U);
  EXPECT_FALSE(r.deadline().has_value());
}

TEST_F(Releases, an_answer_whose_fate_is_never_told_is_sent_again) {
  EXPECT_EQ(answers(r.step(announcement(1))), 1U);
  EXPECT_EQ(answers(r.step(announcement(1))), 0U);  // while one is on its way there is no second
  EXPECT_EQ(answers(r.usable(3)), 0U);
  ASSERT_EQ(r.deadline(), after_ms(r.mono, kReleaseOutcomeWaitMs));
  EXPECT_EQ(answers(r.next_deadline()), 1U);
}

TEST_F(Releases, a_channel_that_comes_back_hastens_what_was_not_answered_just_now) {
  hear(1);
  with_fate(r.next_deadline());
  r.pass(kReleaseQuietMs - 1);
  EXPECT_EQ(answers(with_fate(r.usable(3))), 0U);
  hear(2);
  with_fate(r.next_deadline());
  with_fate(r.next_deadline());  // both have the next answer more than the quiet time ahead
  r.pass(kReleaseQuietMs);
  EXPECT_EQ(answers(with_fate(r.usable(3))), 2U);
}

TEST_F(Releases, an_answer_waits_for_all_channels_or_three_seconds) {
  World::join(r, world.m, 4);
  World::join(r, world.m, 5);
  r.channels.at(channel_id(5)).phase = ChannelPhase::Closing;
  for (bool both : {false, true}) {
    for (std::uint8_t number : {3, 4, 5}) r.unusable(number);
    hear(both ? 1 : 2);
    EXPECT_EQ(answers(r.usable(3)), 0U);
    EXPECT_EQ(r.deadline(), after_ms(r.mono, kAllChannelsWaitMs));
    r.pass(kAllChannelsWaitMs - 1);
    EXPECT_EQ(answers(time()), 0U);
    if (both) {
      EXPECT_EQ(answers(with_fate(r.usable(4))), 1U);
    } else {
      r.pass(1);
      EXPECT_EQ(answers(r.step(DeadlineReached{})), 1U);
    }
  }
}

TEST_F(Releases, a_channel_that_closes_is_not_waited_for) {
  World::join(r, world.m, 4);
  r.unusable(3);
  r.unusable(4);
  hear(1);
  EXPECT_EQ(answers(r.usable(3)), 0U);
  r.channels.erase(channel_id(4));
  EXPECT_EQ(answers(r.step(ChannelClosed{channel_id(4), world.m.id, "closed"})), 1U);
}

TEST_F(Releases, nothing_is_answered_while_our_chain_is_behind) {
  behind();
  EXPECT_EQ(answers(hear(1)), 0U);
  EXPECT_EQ(answers(r.usable(3)), 0U);
  EXPECT_FALSE(r.deadline().has_value());
  EXPECT_EQ(answers(with_fate(synced())), 1U);
  behind();  // as at each new block: that hastens nothing
  EXPECT_EQ(answers(synced()), 0U);
}

TEST_F(Releases, what_is_due_survives_the_process_and_is_not_answered_more_than_six_times) {
  r.unusable(3);
  hear(1);
  std::size_t total = 0;
  for (int starts = 0; starts < 10; ++starts) {
    r.restart();
    EXPECT_EQ(answers(r.said), 0U);
    total += answers(with_fate(r.usable(3)));
  }
  EXPECT_EQ(total, 6U);
  EXPECT_EQ(answers(hear(1)), 1U);
}

/// The newcomers' numbers that are due now.
struct Crowded : Releases {
  void fill(std::size_t count = kMaxReleasesDue) {
    r.unusable(3);
    for (std::size_t i = 0; i < count; ++i) hear(static_cast<std::uint16_t>(i));
  }
  std::optional<std::uint64_t> sequence_of(std::uint16_t number) {
    const auto& paths = std::as_const(r.room.inside->releases).index().by_path;
    auto it = paths.find(ReleaseIndex::path_of(wire::to_bytes(reply(number))));
    return it == paths.end() ? std::nullopt : std::optional(it->second);
  }
  bool is_due(std::uint16_t number) { return sequence_of(number).has_value(); }
  /// For changing it: the next step indexes it anew.
  ReleaseDue& due(std::uint16_t number) { return *r.room.inside->releases.edit(*sequence_of(number)); }
};

TEST_F(Crowded, an_unanswered_announcement_is_never_dropped_for_a_newer_one) {
  // Four hundred of strangers are less than the bound, and one more than what 4887d87 kept.
  fill(400);
  EXPECT_TRUE(is_due(0));
  fill();
  EXPECT_EQ(r.count(Table::ReleaseDue), kMaxReleasesPerOffer);
  EXPECT_TRUE(is_due(0));
  EXPECT_FALSE(is_due(kMaxReleasesPerOffer));
  r.reload();
  hear(60'000);
  EXPECT_FALSE(is_due(60'000));
  EXPECT_TRUE(is_due(0));
}

TEST_F(Crowded, what_was_answered_makes_room_first_then_what_cannot_be_delivered) {
  fill();
  due(100).answers = 6;
  due(99).answers = 1;
  due(98).failures = 1;
  for (std::uint16_t gone : {100, 99, 98}) {
    EXPECT_TRUE(is_due(gone));
    std::uint16_t more = 60'000 - gone;
    hear(more);
    EXPECT_FALSE(is_due(gone));
    EXPECT_TRUE(is_due(more));
  }
  hear(60'001);
  EXPECT_FALSE(is_due(60'001));
  EXPECT_EQ(r.count(Table::ReleaseDue), kMaxReleasesPerOffer);
}

TEST_F(Crowded, one_offers_crowd_leaves_room_for_another_offer) {
  auto other = world.make_offer(Msat(7'000));
  r.offers.emplace(other.id(), OfferView{other, true, false});
  fill();
  auto hears = [&](std::uint16_t number) {
    auto word = announcement(number);
    word.path_id =
        seal(*r.signer, PathPurpose::HeldHtlcAvailable, Writer().u64(expiry.value()).bytes(other.id().view()).view());
    r.step(word);
    return is_due(number);
  };
  EXPECT_TRUE(hears(50'000));
  EXPECT_TRUE(is_due(0));
}

TEST_F(Crowded, long_reply_paths_are_bounded_by_bytes) {
  r.unusable(3);
  auto sized = [&](std::uint16_t number, std::size_t bytes) {
    auto word = announcement(number);
    word.reply_path->path[0].encrypted_recipient_data = Writer().u16(number).bytes(Bytes(bytes, 1)).take();
    r.step(word);
  };
  for (std::uint16_t i = 0; i < 1'000; ++i) sized(i, 3'500);
  EXPECT_LE(std::as_const(r.room.inside->releases).index().bytes, kMaxReleaseBytes);
  auto count = r.count(Table::ReleaseDue);
  EXPECT_GT(count, 250U);
  EXPECT_LT(count, 300U);
  r.reload();
  EXPECT_EQ(r.count(Table::ReleaseDue), count);
  sized(2'000, 3'500);
  EXPECT_EQ(r.count(Table::ReleaseDue), count);
}

TEST_F(Crowded, a_reply_path_that_fits_into_no_sensible_message_is_not_kept) {
  auto word = announcement(1);
  word.reply_path->path[0].encrypted_recipient_data = Bytes(kMaxReleasePathBytes, 1);
  r.step(word);
  EXPECT_EQ(r.count(Table::ReleaseDue), 0U);
}

TEST_F(Crowded, a_crowd_is_answered_oldest_first_some_in_each_step) {
  fill(300);
  auto sent = of<SendOnionMessage>(with_fate(r.usable(3)));
  ASSERT_EQ(sent.size(), kReleasesPerStep);
  EXPECT_EQ(std::get<wire::BlindedPath>(sent[0].destination), reply(0));
  EXPECT_EQ(std::get<wire::BlindedPath>(sent.back().destination), reply(kReleasesPerStep - 1));
  std::size_t total = sent.size();
  auto began = r.mono;
  while (total < 300) {
    auto more = answers(with_fate(r.next_deadline()));
    ASSERT_LE(more, kReleasesPerStep);
    total += more;
  }
  EXPECT_LT(r.mono.value() - began.value(), 1'000U);
}

struct Withdrawn : Releases {
  OnionMessageReceived for_offer(std::uint16_t number) {
    auto word = announcement(number);
    word.path_id = seal(*r.signer, PathPurpose::HeldHtlcAvailable,
                        Writer().u64(expiry.value()).bytes(world.offer.id().view()).view());
    return word;
  }
};

TEST_F(Withdrawn, announcements_for_a_disabled_offer_are_not_answered) {
  EXPECT_EQ(answers(with_fate(r.step(for_offer(1)))), 1U);
  r.offers.at(world.offer.id()).disabled = true;
  EXPECT_EQ(answers(r.step(for_offer(2))), 0U);
  EXPECT_EQ(answers(with_fate(r.next_deadline())), 0U) << "not even what was due before";
  EXPECT_EQ(r.count(Table::ReleaseDue), 0U);
  EXPECT_FALSE(r.deadline().has_value());
}

TEST_F(Withdrawn, a_path_of_4887d87_names_no_offer_and_is_answered_while_there_is_one) {
  EXPECT_EQ(answers(with_fate(r.step(announcement(1)))), 1U);
  r.offers.at(world.offer.id()).disabled = true;
  EXPECT_EQ(answers(r.step(announcement(2))), 0U);
}

TEST_F(Withdrawn, an_offer_that_was_forgotten_is_not_answered_for) {
  auto word = for_offer(1);
  word.path_id =
      seal(*r.signer, PathPurpose::HeldHtlcAvailable, Writer().u64(expiry.value()).bytes(Bytes(32, 7)).view());
  EXPECT_EQ(answers(r.step(word)), 0U);
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
