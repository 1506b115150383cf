// Holds at L through everything that can happen to them: restarts, deadlines, reorganisations, early releases, two
// HTLCs that look alike.
#include "onion/onion_message.h"
#include "sim/test/scenario.h"

namespace doze::sim {
namespace {

class Holds : public Scenario {
 protected:
  std::vector<std::uint64_t> before;
  std::unique_ptr<Checker> checker;

  void prepare_sleeping(const AsyncSettings& settings = {}) {
    prepare(settings);
    before = balances(world());
    checker = std::make_unique<Checker>(world());
    world().stop(network.r);
  }
  void TearDown() override {
    checker.reset();
    Scenario::TearDown();
  }
  void settles(const std::string& id) {
    EXPECT_TRUE(becomes(id, "settled"));
    expect_clean_rest(*checker, before);
    EXPECT_EQ(received(), kAmount);
  }
  /// Catches R's first releases on their way to L: they do not arrive.
  std::vector<Bytes> catch_releases() {
    std::vector<Bytes> kept;
    world().on_message = [&](const WireMessage& message) {
      bool release = message.type == kOnionMessage && message.from == network.m && message.to == network.l;
      if (release) kept.push_back(to_bytes(message.bytes));
      return Fate{release, false, {}, {}};
    };
    world().start(network.r);
    EXPECT_TRUE(world().run_until([&] { return !kept.empty(); }, 30'000));
    world().on_message = nullptr;
    return kept;
  }
};

TEST_F(Holds, restarted_holder_still_holds_and_forwards_when_released) {
  prepare_sleeping();
  auto id = held_payment();
  restart(network.l);
  EXPECT_EQ(state_of_hold(), "held");
  world().start(network.r);
  settles(id);
}

TEST_F(Holds, released_hold_waits_for_its_channel_through_a_restart_of_the_holder) {
  prepare_sleeping();
  auto id = held_payment();
  auto releases = catch_releases();
  ASSERT_FALSE(releases.empty());
  world().stop(network.m);
  world().run_for(1'000);
  world().inject(network.s, network.l, releases.front(), 1);
  world().run_for(1'000);
  EXPECT_EQ(state_of_hold(), "released");
  restart(network.l);
  EXPECT_EQ(state_of_hold(), "released");
  world().start(network.m);
  settles(id);
}

TEST_F(Holds, holder_that_dies_while_it_forwards_offers_the_same_htlc_again) {
  prepare_sleeping();
  auto id = held_payment();
  std::size_t offered = 0;
  world().on_message = [&](const WireMessage& message) {
    bool add = message.type == 128 && message.from == network.l;
    offered += add ? 1 : 0;
    return Fate{add && offered == 1, add && offered == 1, {}, {}};
  };
  world().start(network.r);
  ASSERT_TRUE(world().run_until([&] { return offered == 1; }, 30'000));
  world().stop(network.l);
  world().run_for(1'000);
  world().start(network.l);
  settles(id);
  EXPECT_GE(offered, 2U);
}

TEST_F(Holds, deadline_that_passes_while_the_holder_is_down_is_kept_when_it_is_back) {
  AsyncSettings settings;
  settings.hold_window_blocks = 12;
  prepare_sleeping(settings);
  auto id = held_payment();
  auto fail_back = number_of(payment(id), "fail_back_height");
  world().stop(network.l);
  mine_to(fail_back + 10);
  EXPECT_EQ(state(id), "notified");
  world().start(network.l);
  EXPECT_TRUE(becomes(id, "expired"));
  world().start(network.r);
  world().run_for(5'000);
  expect_clean_rest(*checker, before);
  EXPECT_EQ(spent(), 0U);
  EXPECT_TRUE(all_open());
}

TEST_F(Holds, hold_survives_a_reorganisation_and_its_deadline_follows_the_tip) {
  AsyncSettings settings;
  settings.hold_window_blocks = 12;
  prepare_sleeping(settings);
  auto first = held_payment();
  world().mine(5);
  world().reorganise(4, 3);
  world().run_for(1'000);
  EXPECT_EQ(state_of_hold(), "held");
  auto fail_back = number_of(payment(first), "fail_back_height");
  mine_to(fail_back - 1);
  world().reorganise(2, 2);  // as high as before, and not yet the deadline
  world().run_for(1'000);
  EXPECT_EQ(state_of_hold(), "held");
  world().reorganise(1, 2);
  EXPECT_TRUE(becomes(first, "expired"));
  world().reorganise(3, 2);  // the deadline is ahead again: what was failed stays failed
  world().start(network.r);
  world().run_for(20'000);
  expect_clean_rest(*checker, before);
  EXPECT_EQ(spent(), 0U);
  EXPECT_EQ(checker->htlcs().size(), 1U);
}

TEST_F(Holds, released_hold_is_forwarded_though_a_reorganisation_comes_in_between) {
  prepare_sleeping();
  auto id = held_payment();
  world().mine(3);
  world().on_message = [&](const WireMessage& message) {
    if (message.type == 128 && message.from == network.l) world().on_message = nullptr, world().mine_scattered(2, 500);
    return Fate{};
  };
  world().start(network.r);
  world().reorganise(2, 3);
  settles(id);
}

TEST_F(Holds, release_before_the_htlc_is_committed_acts_at_commitment_even_if_the_holder_died_meanwhile) {
  prepare_sleeping();
  // L has committed to the HTLC and given its release path; S's answer gets lost, and S dies.
  std::optional<wire::ReleasePath> path;
  world().on_message = [&](const WireMessage& message) {
    if (message.from != network.l || message.to != network.s) return Fate{};
    auto read = wire::decode(message.bytes);
    if (const auto* revoke = std::get_if<wire::RevokeAndAck>(&*read);
        revoke != nullptr && !revoke->release_paths.empty())
      path = revoke->release_paths.front();
    return Fate{false, path.has_value() && message.type == 132, {}, {}};  // behind commitment_signed
  };
  command::Pay wanted;
  wanted.offer = offer;
  world().post(network.s, wanted);
  ASSERT_TRUE(world().run_until([&] { return world().cuts == 1; }, 30'000));
  world().stop(network.s);
  world().on_message = nullptr;
  world().run_for(1'000);
  ASSERT_TRUE(path);
  EXPECT_TRUE(holds().empty());

  // Whoever has the path may release: as R would, relayed by M.
  world().start(network.r);
  world().run_for(5'000);
  SeededRng chance(1, "release");
  auto key = [&] {
    auto out = chance.secret<PrivateKey>();
    out.raw()[0] = 1;
    return out;
  };
  auto release = onion::build_message(key(), key(), {}, world().node(network.l).signer->node_id(), path->path,
                                      {onion::ReleaseHeldHtlc{Profile::Ldk}, std::nullopt});
  ASSERT_TRUE(release);
  world().inject(network.m, network.l, wire::encode(*release), 1);
  world().run_for(1'000);
  EXPECT_EQ(checker->htlcs().size(), 1U);
  restart(network.l);
  EXPECT_EQ(checker->htlcs().size(), 1U);
  EXPECT_EQ(received(), 0U);

  world().start(network.s);
  ASSERT_TRUE(world().run_until([&] { return received() == kAmount; }, 60'000));
  EXPECT_EQ(count(network.l, "htlc_held"), 0U);  // it never waited
  expect_clean_rest(*checker, before);
}

class TwinHolds : public Holds {
 protected:
  std::string first, second;

  /// Two payments whose preimages are the same: S's chance repeats itself when the second invoice arrives.
  void pay_twins() {
    auto& rng = *world().node(network.s).rng;
    std::optional<std::uint64_t> at_invoice, resume;
    bool again = false;
    world().on_message = [&](const WireMessage& message) {
      if (resume) rng.seek(*resume);
      resume.reset();
      bool invoice = message.type == kOnionMessage && message.to == network.s;
      if (!invoice) return Fate{};
      if (!at_invoice) at_invoice = rng.position();
      if (again) {
        resume = rng.position();
        rng.seek(*at_invoice);
        again = false;
      }
      return Fate{};
    };
    first = held_payment();
    again = true;
    second = held_payment();
    world().on_message = nullptr;
    EXPECT_EQ(text_of(payment(first), "payment_hash"), text_of(payment(second), "payment_hash"));
    EXPECT_EQ(holds().size(), 2U);
  }
};

// [B2-add-13]
TEST_F(TwinHolds, two_held_htlcs_with_the_same_payment_hash_both_arrive) {
  prepare_sleeping();
  pay_twins();
  restart(network.l);
  world().start(network.r);
  EXPECT_TRUE(becomes(first, "settled"));
  EXPECT_TRUE(becomes(second, "settled"));
  expect_clean_rest(*checker, before);
  EXPECT_EQ(received(), 2 * kAmount);
}

TEST_F(TwinHolds, one_of_two_held_htlcs_with_the_same_payment_hash_can_be_failed_alone) {
  prepare_sleeping();
  pay_twins();
  auto list = holds();
  ASSERT_EQ(list.size(), 2U);  // newest first
  auto channel = *ChannelId::from(hex(text_of(list[1], "channel_id")));
  ASSERT_EQ(error_of(world().ask(network.l, command::FailHold{channel, number_of(list[1], "htlc_id")})), "");
  EXPECT_TRUE(becomes(first, "failed"));
  EXPECT_EQ(state(second), "notified");
  world().start(network.r);
  EXPECT_TRUE(becomes(second, "settled"));
  expect_clean_rest(*checker, before);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Holds, a_recipient_does_not_answer_for_an_offer_that_it_has_disabled_and_payers_hear_that_it_is_withdrawn) {
  prepare_sleeping();
  auto id = held_payment();
  world().start(network.r);  // its user is quicker than its mail
  auto offers = world().ask(network.r, command::ListOffers{});
  const auto& rows = std::get<List>(std::get<Value>(offers).find("offers")->inner());
  ASSERT_EQ(rows.size(), 1U);
  auto offer_id = *OfferId::from(hex(text_of(rows.front(), "offer_id")));
  ASSERT_EQ(error_of(world().ask(network.r, command::DisableOffer{offer_id})), "");
  world().run_for(60'000);
  EXPECT_EQ(count(network.r, "offer_withdrawn"), 1U);
  EXPECT_EQ(count(network.l, "hold_released"), 0U);
  EXPECT_EQ(state(id), "notified");
  auto held = holds();
  ASSERT_EQ(held.size(), 1U);
  auto channel = *ChannelId::from(hex(text_of(held[0], "channel_id")));
  ASSERT_EQ(error_of(world().ask(network.l, command::FailHold{channel, number_of(held[0], "htlc_id")})), "");
  EXPECT_TRUE(becomes(id, "failed"));
  expect_clean_rest(*checker, before);
  EXPECT_EQ(spent(), 0U);
  EXPECT_NE(error_of(pay()).find("withdrawn"), std::string::npos);
}

TEST_F(Holds, expired_static_invoice_is_a_clear_error_at_once_and_no_htlc_leaves) {
  prepare_sleeping();
  // As if R had been away for two weeks and a day: only the clock moves, nobody has to wait that long.
  for (auto index : {network.s, network.l, network.m}) world().stop(index);
  world().run_for(15ULL * 86'400'000);
  for (auto index : {network.s, network.l, network.m}) world().start(index);
  world().run_for(5'000);
  auto from = world().now();
  auto paid = pay();
  EXPECT_NE(error_of(paid).find("expired"), std::string::npos) << error_of(paid);
  EXPECT_LT(world().now().value() - from.value(), 5'000U);
  EXPECT_TRUE(checker->htlcs().empty());
}

TEST_F(Holds, missing_static_invoice_is_a_clear_error_at_once_and_no_htlc_leaves) {
  prepare_sleeping();
  world().stop(network.m);
  std::erase_if(world().node(network.m).disk, [](const auto& row) { return row.first.first == Table::StaticInvoice; });
  world().start(network.m);
  world().run_for(5'000);
  auto from = world().now();
  auto paid = pay();
  EXPECT_NE(error_of(paid).find("has not stored an invoice"), std::string::npos) << error_of(paid);
  EXPECT_LT(world().now().value() - from.value(), 5'000U);
  EXPECT_TRUE(checker->htlcs().empty());
}

}  // namespace
}  // namespace doze::sim
