// S: a static invoice is paid with a hold, announced, confirmed.
#include "payer.h"

namespace doze::payment::testing {
namespace {

// ---- the HTLC ----

// [B2-add-08, B4-write-09, B4-blind-06, B4-blind-07, AP-onion-01, AP-onion-02, AP-onion-03]
TEST_F(Payer, the_onion_takes_the_payment_to_r_with_the_request_and_the_preimage) {
  auto add = of<AddHtlc>(pay());
  ASSERT_EQ(add.size(), 1U);
  EXPECT_EQ(add[0].hold, Profile::Ldk);
  // L holds it, R's release lets it go, M passes it on, R claims.
  world.l.step(HtlcReceived{channel_id(1), s.id, on_wire(add[0], 0)});
  auto released = world.l.step(release_over(world.r.id, release_context(world.l, channel_id(1), 0)));
  ASSERT_EQ(of<AddHtlc>(released).size(), 1U);
  auto at_m = world.m.step(HtlcReceived{channel_id(2), world.l.id, on_wire(of<AddHtlc>(released)[0], 0)});
  ASSERT_EQ(of<AddHtlc>(at_m).size(), 1U);
  EXPECT_EQ(of<AddHtlc>(at_m)[0].amount, Msat(50'000'000));
  auto at_r = world.r.step(HtlcReceived{channel_id(3), world.m.id, on_wire(of<AddHtlc>(at_m)[0], 0)});
  ASSERT_EQ(of<FulfillHtlc>(at_r).size(), 1U);
  EXPECT_EQ(crypto::payment_hash(of<FulfillHtlc>(at_r)[0].preimage), add[0].payment_hash);
}

TEST_F(Payer, paths_whose_keys_are_no_points_are_left_out_and_a_restart_reads_them_again) {
  auto no_point = PublicKey::from_hex_or_die("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
  for (bool path_key : {false, true}) {
    auto invoice = world.static_invoice(Profile::Ldk, 1, [&](auto& terms) {
      auto cheaper = terms.payment_paths.at(0);
      cheaper.payinfo.fee_base_msat = 0;
      (path_key ? cheaper.path.first_path_key : cheaper.path.path.back().blinded_node_id) = no_point;
      terms.payment_paths.insert(terms.payment_paths.begin(), cheaper);
      terms.message_paths.push_back(terms.message_paths[0]);
      terms.message_paths.back().path.back().blinded_node_id = no_point;
    });
    auto add = of<AddHtlc>(pay({}, invoice));
    ASSERT_EQ(add.size(), 1U);
    EXPECT_EQ(add[0].amount, Msat(50'012'000)) << "over the good path";
  }
  s.restart();
  EXPECT_EQ(state(), "held");
}

TEST_F(Payer, an_invoice_without_a_path_whose_keys_are_points_is_a_clear_error_before_any_htlc) {
  auto no_point = PublicKey::from_hex_or_die("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
  for (bool mail : {false, true}) {
    auto none = world.static_invoice(Profile::Ldk, 1, [&](auto& terms) {
      auto& path = mail ? terms.message_paths[0] : terms.payment_paths[0].path;
      path.path.back().blinded_node_id = no_point;
    });
    s.said.clear();
    EXPECT_TRUE(of<AddHtlc>(pay({}, none)).empty());
    EXPECT_EQ(state(), "failed");
    EXPECT_NE(error().message.find("no path with valid points"), std::string::npos) << error().message;
  }
}

TEST_F(Payer, our_own_offer_is_refused_at_once) {
  s.offers.emplace(world.offer.id(), OfferView{world.offer, true, false});
  command::Pay command;
  command.offer = world.offer.text();
  EXPECT_TRUE(of<RequestInvoice>(s.command(command)).empty());
  EXPECT_EQ(error().code, CommandErrorCode::BadRequest);
  EXPECT_NE(error().message.find("our own offer"), std::string::npos) << error().message;
}

TEST_F(Payer, the_hold_has_the_form_of_the_peers_bit_ldks_first_and_needs_one) {
  struct Case {
    wire::FeatureBits bits;
    bool ldk, draft;
    std::optional<Profile> form;
  };
  const Case cases[] = {
      {{39, 153, 53}, true, true, Profile::Ldk}, {{39, 153}, true, true, Profile::Ldk},
      {{39, 53}, true, true, Profile::Draft},    {{39, 153, 53}, false, true, Profile::Draft},
      {{39, 153}, false, true, std::nullopt},    {{39, 53}, true, false, std::nullopt},
      {{39}, true, true, std::nullopt},
  };
  for (const auto& test : cases) {
    World fresh;
    fresh.s.config.offers_ldk_hold = test.ldk;
    fresh.s.config.offers_draft_hold = test.draft;
    fresh.s.see(fresh.l.id, test.bits);
    command::Pay command;
    command.offer = fresh.offer.text();
    auto asked = of<RequestInvoice>(fresh.s.command(command));
    auto effects =
        fresh.s.step(StaticInvoiceObtained{asked.at(0).request.payment_id, fresh.static_invoice(), fresh.request()});
    auto adds = of<AddHtlc>(effects);
    EXPECT_EQ(adds.size(), test.form ? 1U : 0U);
    for (const auto& add : adds) EXPECT_EQ(add.hold, test.form);
    // Without a holder the payer stays online and tells the recipient; no HTLC leaves.
    EXPECT_EQ(announcements(effects), test.form ? 0U : 1U);
  }
}

TEST_F(Payer, while_its_chain_is_behind_nothing_is_sent_and_the_payment_waits) {
  s.views.chain_synced = false;  // it slept, and has not read the blocks of a day yet
  EXPECT_TRUE(of<AddHtlc>(pay()).empty());
  EXPECT_FALSE(payment().over()) << payment().failure();
  s.tip = BlockHeight(s.tip.value() + 144);
  s.views.chain_synced = true;
  auto adds = of<AddHtlc>(s.step(ChainStatus{true, true, ""}));
  ASSERT_EQ(adds.size(), 1U);
  EXPECT_EQ(attempt().final_expiry, s.tip + CltvDelta(1 + s.config.hold_window_blocks));
}

TEST_F(Payer, insisting_on_a_hold_without_a_holder_fails_before_any_htlc) {
  s.see(world.l.id, {39});
  command::Pay command;
  command.hold = true;
  EXPECT_TRUE(of<AddHtlc>(pay(command)).empty());
  EXPECT_EQ(error().code, CommandErrorCode::NotReady);
  EXPECT_EQ(state(), "failed");
}

TEST_F(Payer, a_hold_window_of_zero_never_holds) {
  s.config.hold_window_blocks = 0;
  EXPECT_TRUE(of<AddHtlc>(pay()).empty());
  EXPECT_TRUE(payment().is<payment::Online>());
}

// [B4-write-03]
TEST_F(Payer, heights_follow_from_the_window_without_a_shadow) {
  for (std::uint32_t window : {6, 144, 1008}) {
    s.config.hold_window_blocks = window;
    auto add = of<AddHtlc>(pay()).at(0);
    auto e = 800 + 1 + window;
    EXPECT_EQ(attempt().final_expiry, CltvExpiry(e));
    EXPECT_EQ(terms().release_deadline, BlockHeight(e - 3));
    // M's 72 and R's 42 are in the payinfo, L asks for 72.
    EXPECT_EQ(add.cltv_expiry, CltvExpiry(e + 42 + 72 + 72));
    EXPECT_EQ(terms().fail_back, BlockHeight(e + 42 + 72 - 39));
    EXPECT_EQ(add.amount, Msat(50'012'000));  // two fees of 1 sat and 100 ppm
    s.said.clear();
  }
}

TEST_F(Payer, the_whole_delta_is_1900_blocks_at_most) {
  s.config.hold_window_blocks = 1'900 - 1 - 42 - 72 - 72;
  EXPECT_EQ(of<AddHtlc>(pay()).at(0).cltv_expiry, CltvExpiry(800 + 1'900));
  ++s.config.hold_window_blocks;
  s.said.clear();
  EXPECT_TRUE(of<AddHtlc>(pay()).empty());
  EXPECT_EQ(error().code, CommandErrorCode::NoRoute);
  EXPECT_NE(error().message.find("2701"), std::string::npos) << error().message;
}

TEST_F(Payer, a_fee_above_the_limit_is_refused_with_both_numbers) {
  command::Pay command;
  command.max_fee = Msat(11'999);
  EXPECT_TRUE(of<AddHtlc>(pay(command)).empty());
  EXPECT_EQ(error().code, CommandErrorCode::NoRoute);
  EXPECT_NE(error().message.find("12000"), std::string::npos) << error().message;
  EXPECT_NE(error().message.find("11999"), std::string::npos) << error().message;
  command.max_fee = Msat(12'000);
  EXPECT_EQ(of<AddHtlc>(pay(command)).size(), 1U);
}

TEST_F(Payer, a_second_hold_in_a_round_of_the_drafts_form_waits_for_the_next) {
  s.see(world.l.id, {39, 53});
  pay();
  auto effects = s.step(HtlcRefused{LocalOrigin{id}, channel_id(1), AddRefusal::HoldLimit});
  EXPECT_TRUE(of<AddHtlc>(effects).empty());
  EXPECT_EQ(state(), "held");
  EXPECT_TRUE(replies().empty());
  auto again = s.next_deadline();
  ASSERT_EQ(of<AddHtlc>(again).size(), 1U);
  EXPECT_EQ(of<AddHtlc>(again)[0].hold, Profile::Draft);
}

TEST_F(Payer, other_refusals_of_the_only_channel_end_it) {
  pay();
  s.step(HtlcRefused{LocalOrigin{id}, channel_id(1), AddRefusal::InsufficientFunds});
  EXPECT_EQ(state(), "failed");
  EXPECT_EQ(of<AddHtlc>(s.said).size(), 1U);
}

TEST_F(Payer, a_holder_that_is_away_is_waited_for_ten_minutes) {
  s.unusable(1);
  EXPECT_TRUE(of<AddHtlc>(pay()).empty());
  EXPECT_EQ(state(), "held");
  auto effects = s.usable(1);
  EXPECT_EQ(of<AddHtlc>(effects).size(), 1U);
  s.unusable(1);
  pay();
  s.pass(kHolderWaitS * 1000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "held");
  s.pass(10'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "failed");
}

TEST_F(Payer, two_channels_that_come_back_together_send_one_htlc) {
  World::join(s, world.l, 4);
  s.unusable(1);
  s.unusable(4);
  EXPECT_TRUE(of<AddHtlc>(pay()).empty());
  // Both words stand in the queue before the answer of the channel that the first one makes the payment use.
  EXPECT_EQ(of<AddHtlc>(s.usable(1)).size(), 1U);
  EXPECT_TRUE(of<AddHtlc>(s.usable(4)).empty());
  s.pass(kHolderCheckMs);
  EXPECT_TRUE(of<AddHtlc>(s.step(DeadlineReached{})).empty());
  added();
  EXPECT_TRUE(of<AddHtlc>(s.usable(4)).empty());
  EXPECT_EQ(payment().attempts.size(), 1U);
}

TEST_F(Payer, a_refused_offer_may_be_made_again_over_the_other_channel) {
  World::join(s, world.l, 4);
  pay();
  auto again = of<AddHtlc>(s.step(HtlcRefused{LocalOrigin{id}, channel_id(1), AddRefusal::TooManyHtlcs}));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].channel_id, channel_id(4));
}

TEST_F(Payer, a_payment_is_tried_ten_times_at_most) {
  for (std::uint8_t number = 100; number < 115; ++number) World::join(s, world.l, number);
  std::set<ChannelId> tried;
  auto effects = pay();
  while (!of<AddHtlc>(effects).empty()) {
    auto channel = of<AddHtlc>(effects)[0].channel_id;
    EXPECT_TRUE(tried.insert(channel).second);
    effects = s.step(HtlcRefused{LocalOrigin{id}, channel, AddRefusal::TooManyHtlcs});
  }
  EXPECT_EQ(tried.size(), kMaxAttempts);
  EXPECT_EQ(state(), "failed");
}

TEST_F(Payer, an_htlc_that_was_added_and_never_signed_may_be_offered_over_the_other_channel) {
  World::join(s, world.l, 4);
  pay();
  added();
  auto again = of<AddHtlc>(s.step(HtlcRefused{LocalOrigin{id}, channel_id(1), AddRefusal::InsufficientFunds}));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].channel_id, channel_id(4));
  EXPECT_FALSE(htlc_of(payment()).has_value());
}

TEST_F(Payer, a_hold_that_waited_too_long_for_its_channel_is_not_sent_when_it_comes_back) {
  s.unusable(1);
  pay();
  s.pass((kHolderWaitS + 1) * 1000);
  EXPECT_TRUE(of<AddHtlc>(s.usable(1)).empty());
  EXPECT_EQ(state(), "failed");
}

TEST_F(Payer, what_was_interrupted_before_an_htlc_left_is_ended_at_the_next_start) {
  struct Case {
    bool fetching;
    std::uint64_t patience_s;
  };
  for (const auto& [fetching, patience_s] : {Case{true, kFetchingWaitS}, Case{false, kHolderWaitS}})
    for (bool late : {false, true}) {
      World fresh;
      auto& payer = fresh.s;
      payer.unusable(1);
      command::Pay command;
      command.offer = fresh.offer.text();
      auto payment_id = of<RequestInvoice>(payer.command(command)).at(0).request.payment_id;
      if (!fetching) payer.step(StaticInvoiceObtained{payment_id, fresh.static_invoice(), fresh.request()});
      payer.pass((patience_s + (late ? 1 : 0)) * 1000);
      auto started = payer.restart();
      EXPECT_EQ(of<RequestInvoice>(started).size(), fetching && !late ? 1U : 0U);
      payer.see(fresh.l);
      EXPECT_EQ(of<AddHtlc>(payer.usable(1)).size(), !fetching && !late ? 1U : 0U);
      auto after = *payer.payment(payment_id);
      EXPECT_EQ(after.is<Failed>(), late);
      EXPECT_EQ(after.failure().find("nothing was sent") != std::string::npos, late) << after.failure();
    }
}

// ---- announcing ----

TEST_F(Payer, it_is_announced_only_when_the_holder_has_the_revocation) {
  EXPECT_EQ(announcements(pay()), 0U);
  EXPECT_EQ(announcements(added()), 0U);
  auto with_paths = paths();
  EXPECT_EQ(announcements(with_paths), 0U);
  EXPECT_TRUE(of<PingPeer>(with_paths).empty());
  auto revoked = committed();
  EXPECT_EQ(announcements(revoked), 0U);
  ASSERT_EQ(of<PingPeer>(revoked).size(), 1U);
  EXPECT_EQ(of<PingPeer>(revoked)[0].node_id, world.l.id);
  EXPECT_EQ(announcements(s.step(PongReceived{world.l.id, of<PingPeer>(revoked)[0].token + 1})), 0U);
  auto announced = pong(revoked);
  ASSERT_EQ(announcements(announced), 1U);
  auto sent = of<SendOnionMessage>(announced)[0];
  EXPECT_TRUE(sent.direct);
  EXPECT_EQ(sent.reply_path, release_paths().at(0));
}

TEST_F(Payer, without_release_paths_nothing_is_announced) {
  pay();
  added();
  auto revoked = committed();
  EXPECT_TRUE(of<PingPeer>(revoked).empty());
  s.pass(3'600'000);
  EXPECT_EQ(announcements(s.step(DeadlineReached{})), 0U);
  EXPECT_EQ(announcements(pong(paths())), 1U);
}

// [AP-hold-07]
TEST_F(Payer, paths_or_commitments_of_another_htlc_are_not_its_own) {
  pay();
  added(5);
  EXPECT_TRUE(of<Put>(paths(6)).empty());
  EXPECT_TRUE(of<Put>(committed(6)).empty());
  EXPECT_TRUE(payment().is<Committing>());
  EXPECT_TRUE(release_paths().empty());
}

// [AP-held-02, AP-inv-06]
TEST_F(Payer, every_message_path_is_used_with_the_same_reply_path) {
  auto sent = of<SendOnionMessage>(hold(world.static_invoice(Profile::Ldk, 3)));
  ASSERT_EQ(sent.size(), 3U);
  for (const auto& one : sent) EXPECT_EQ(one.reply_path, sent[0].reply_path);
}

TEST_F(Payer, announcements_repeat_at_growing_distances_until_one_is_confirmed) {
  auto announced = hold();
  for (std::uint64_t wait : {2'000, 10'000, 60'000, 300'000, 1'800'000, 1'800'000, 1'800'000}) {
    ASSERT_EQ(s.deadline(), after_ms(s.mono, wait));
    s.pass(wait - 1);
    EXPECT_EQ(announcements(s.step(DeadlineReached{})), 0U);
    s.pass(1);
    announced = s.step(DeadlineReached{});
    EXPECT_EQ(announcements(announced), 1U);
  }
  outcome(announced, kConfirmed);
  EXPECT_EQ(state(), "notified");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(s.deadline(), after_ms(s.mono, kAnnounceRepeatConfirmedMs));
    s.pass(kAnnounceRepeatConfirmedMs);
    EXPECT_EQ(announcements(s.step(DeadlineReached{})), 1U);
  }
}

TEST_F(Payer, once_more_after_each_reconnect) {
  outcome(hold(), kConfirmed);
  s.unusable(1);
  auto back = s.usable(1);
  EXPECT_EQ(announcements(back), 0U);
  EXPECT_EQ(announcements(pong(back)), 1U);
}

TEST_F(Payer, announcing_stops_at_the_release_deadline) {
  hold();
  s.tip = BlockHeight(terms().release_deadline.value() - 1);
  EXPECT_EQ(announcements(s.next_deadline()), 1U);
  s.tip = terms().release_deadline;
  EXPECT_EQ(announcements(s.next_deadline()), 0U);
  EXPECT_FALSE(s.deadline().has_value());
  EXPECT_EQ(state(), "held");  // it ends when the HTLC comes back
}

TEST_F(Payer, it_is_safe_to_sleep_when_every_reachable_introduction_node_has_confirmed) {
  struct Case {
    std::vector<OnionMessageFate> fates;
    const char* state;
  };
  for (const auto& [fates, wanted] :
       {Case{{kConfirmed, kConfirmed}, "notified"}, Case{{kConfirmed, kUndeliverable}, "notified"},
        Case{{kUndeliverable, kConfirmed}, "notified"}, Case{{kConfirmed, kRelayed}, "held"},
        Case{{kRelayed, kConfirmed}, "held"}, Case{{kRelayed, kRelayed}, "held"},
        Case{{kUndeliverable, kUndeliverable}, "held"}}) {
    s.said.clear();
    auto sent = of<SendOnionMessage>(hold(world.static_invoice(Profile::Ldk, 2)));
    ASSERT_EQ(sent.size(), 2U);
    s.step(OnionMessageOutcome{sent[0].tag, fates[0]});
    EXPECT_EQ(state(), "held");
    EXPECT_TRUE(replies().empty());
    auto effects = s.step(OnionMessageOutcome{sent[1].tag, fates[1]});
    EXPECT_EQ(state(), wanted);
    EXPECT_EQ(of<Put>(effects).size(), state() == "notified" ? 1U : 0U);
    ASSERT_EQ(replies().size(), state() == "notified" ? 1U : 0U);
    for (const auto& reply : replies()) EXPECT_TRUE(flag_of(std::get<Value>(reply.result), "safe_to_sleep"));
  }
}

TEST_F(Payer, if_only_a_relay_took_it_pay_says_that_closing_now_is_a_risk) {
  outcome(hold(), kRelayed);
  EXPECT_TRUE(replies().empty());
  outcome(s.next_deadline(), kRelayed);
  ASSERT_EQ(replies().size(), 1U);
  const auto reply = std::get<Value>(replies()[0].result);
  EXPECT_EQ(text_of(reply, "state"), "held");
  EXPECT_FALSE(flag_of(reply, "safe_to_sleep"));
  EXPECT_NE(text_of(reply, "message").find("closing now may lose"), std::string::npos);
  outcome(s.next_deadline(), kConfirmed);
  EXPECT_EQ(state(), "notified");
}

TEST_F(Payer, an_outcome_of_an_earlier_round_counts_nothing) {
  auto first = of<SendOnionMessage>(hold());
  auto second = s.next_deadline();
  s.step(OnionMessageOutcome{first[0].tag, kConfirmed});
  EXPECT_EQ(state(), "held");
  outcome(second, kConfirmed);
  EXPECT_EQ(state(), "notified");
}

TEST_F(Payer, a_restart_announces_again_once_the_holder_has_confirmed_again) {
  hold();
  s.restart();
  EXPECT_EQ(announcements(s.said), 0U);
  EXPECT_FALSE(s.deadline().has_value());  // it waits for its channel
  s.see(world.l);
  EXPECT_EQ(announcements(pong(s.usable(1))), 1U);
  EXPECT_EQ(of<AddHtlc>(s.said).size(), 0U);
}

// ---- the end ----

TEST_F(Payer, the_preimage_settles_it_and_proves_nothing) {
  hold();
  s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 5, *payment().preimage});
  EXPECT_EQ(state(), "settled");
  ASSERT_EQ(replies().size(), 1U);
  const auto reply = std::get<Value>(replies()[0].result);
  EXPECT_FALSE(flag_of(reply, "proof_of_payment"));
  EXPECT_EQ(reply.find("payment_preimage"), nullptr);
  EXPECT_FALSE(s.deadline().has_value());
}

TEST_F(Payer, a_failure_of_another_htlc_changes_nothing) {
  hold();
  EXPECT_TRUE(s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 6, Bytes(256)}).empty());
  EXPECT_TRUE(s.step(HtlcFailed{LocalOrigin{id}, channel_id(4), 5, Bytes(256)}).empty());
  EXPECT_EQ(state(), "held");
  EXPECT_EQ(htlc_of(payment()), (HtlcKey{channel_id(1), 5}));
}

TEST_F(Payer, a_preimage_counts_whatever_the_payment_was_taken_for) {
  for (bool failed : {false, true}) {
    s.said.clear();
    hold();
    auto secret = *payment().preimage;
    if (failed) s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 5, Bytes(256)});
    EXPECT_EQ(state(), failed ? "failed" : "held");
    s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 6, secret});
    EXPECT_EQ(state(), "settled");
    EXPECT_EQ(payment().failure(), "");
    s.reload();
    EXPECT_EQ(state(), "settled");
    auto before = s.rows;
    auto again = s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 6, secret});
    EXPECT_EQ(s.rows, before);
    EXPECT_TRUE(of<Notify>(again).empty());
  }
}

TEST_F(Payer, a_hold_is_tried_once_and_expires_if_it_comes_back_after_the_deadline) {
  for (bool late : {false, true}) {
    s.said.clear();
    s.tip = BlockHeight(800);
    hold();
    if (late) s.tip = terms().release_deadline;
    auto effects = s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 5, Bytes(256)});
    EXPECT_TRUE(of<AddHtlc>(effects).empty());
    EXPECT_EQ(state(), late ? "expired" : "failed");
    EXPECT_EQ(error().code, late ? CommandErrorCode::Expired : CommandErrorCode::PaymentFailed);
  }
}

TEST_F(Payer, a_hold_that_its_lsp_returned_is_told_as_such_and_a_failure_behind_it_is_not) {
  for (std::size_t hop : {0U, 1U}) {
    s.said.clear();
    hold();
    auto secrets = onion::shared_secrets(onion().session_key, onion().hops);
    auto reason = onion::own_failure(secrets[hop], onion::kTemporaryNodeFailure, {});
    for (auto at = hop; at > 0; --at) reason = onion::wrap_failure(secrets[at - 1], reason);
    s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 5, reason});
    EXPECT_EQ(error().message.starts_with("your LSP returned the payment before the recipient woke"), hop == 0)
        << error().message;
  }
}

TEST_F(Payer, the_log_says_when_a_payment_is_notified_and_of_which_amount) {
  outcome(hold(), kConfirmed);
  std::size_t lines = 0;
  for (const auto& line : s.all<Notify>())
    if (line.event == "payment_notified") {
      ++lines;
      EXPECT_EQ(number_of(line.facts, "amount_msat"), 50'000'000U);
      EXPECT_EQ(text_of(Value(line.facts), "payment_id"), id.hex());
    }
  EXPECT_EQ(lines, 1U);
}

TEST_F(Payer, it_can_be_cancelled_before_the_htlc_has_left_and_not_after) {
  command::Pay command;
  command.offer = world.offer.text();
  id = of<RequestInvoice>(s.command(command)).at(0).request.payment_id;
  auto cancelled = s.command(command::CancelPayment{id}, 2);
  EXPECT_EQ(of<CancelInvoiceRequest>(cancelled).size(), 1U);
  EXPECT_EQ(state(), "failed");
  // The invoice comes too late.
  EXPECT_TRUE(s.step(StaticInvoiceObtained{id, world.static_invoice(), world.request()}).empty());

  s.unusable(1);  // the HTLC waits for its channel
  pay();
  s.command(command::CancelPayment{id}, 3);
  EXPECT_EQ(state(), "failed");
  EXPECT_TRUE(of<AddHtlc>(s.usable(1)).empty());

  hold();
  auto refused = of<Reply>(s.command(command::CancelPayment{id}, 4));
  const auto error = std::get<CommandError>(refused.at(0).result);
  EXPECT_EQ(error.code, CommandErrorCode::Refused);
  EXPECT_EQ(number_of(error.numbers, "fail_back_height"), terms().fail_back.value());
  EXPECT_EQ(state(), "held");
}

TEST_F(Payer, a_second_static_invoice_for_the_same_payment_sends_no_second_htlc) {
  pay();
  added();
  EXPECT_TRUE(s.step(StaticInvoiceObtained{id, world.static_invoice(), world.request()}).empty());
  EXPECT_TRUE(s.step(InvoiceFailed{id, {}}).empty());
}

// ---- many at once ----

/// Held payments like the one that `hold()` made, with these numbers.
void hold_more(Payer& payer, std::uint64_t first, std::uint64_t count) {
  auto row = payer.payment();
  for (auto number = first; number < first + count; ++number) {
    row.id.bytes.fill(static_cast<std::uint8_t>(number));
    Payer::set_htlc(row, {channel_id(1), number});
    payer.s.room.inside->outgoing.add(row);
  }
}

TEST_F(Payer, a_settled_payment_hastens_the_announcements_of_others_for_the_same_offer) {
  outcome(hold(), kConfirmed);
  s.pass(kHastenQuietMs);
  hold_more(*this, 100, 20);
  auto unconfirmed = payment();
  std::get<Notified>(unconfirmed.state).hold.confirmed = false;
  auto settled = s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 5, preimage(1)});
  EXPECT_EQ(announcements(settled), 0U);  // its own release may be on the way
  s.pass(kHastenMs);
  EXPECT_EQ(announcements(s.step(DeadlineReached{})), kHastenedPerSign);
  // The next sign hastens others first, and nobody twice.
  std::size_t more = 0;
  for (std::uint64_t number = 0; number < 5; ++number) {
    auto other = unconfirmed;
    other.id.bytes.fill(static_cast<std::uint8_t>(number + 1));
    set_htlc(other, {channel_id(1), number});
    s.room.inside->outgoing.add(other);
    s.step(HtlcFulfilled{LocalOrigin{other.id}, channel_id(1), number, preimage(1)});
    s.pass(kHastenMs);
    more += announcements(s.step(DeadlineReached{}));
  }
  EXPECT_EQ(more, 20U - kHastenedPerSign);
}

TEST_F(Payer, those_that_no_mailbox_confirmed_are_hastened_and_the_others_only_when_there_is_none) {
  outcome(hold(), kConfirmed);
  s.pass(kHastenQuietMs);
  hold_more(*this, 100, 10);
  for (std::uint8_t number : {103, 105}) {
    PaymentId unconfirmed;
    unconfirmed.bytes.fill(number);
    auto& row = *s.room.inside->outgoing.edit(unconfirmed);
    row.state = Held{*row.hold()};
  }
  s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 5, preimage(1)});
  s.pass(kHastenMs);
  EXPECT_EQ(announcements(s.step(DeadlineReached{})), 2U);
  s.pass(kAnnounceRepeatMs[0]);
  EXPECT_EQ(announcements(s.step(DeadlineReached{})), 2U);  // they go on, as at the beginning
}

TEST_F(Payer, a_settled_payment_hastens_nothing_for_other_offers) {
  outcome(hold(), kConfirmed);
  s.pass(kHastenQuietMs);
  auto row = payment();
  row.id.bytes[0] ^= 1;
  set_htlc(row, {channel_id(1), 6});
  row.offer += "x";
  s.room.inside->outgoing.add(row);
  s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 5, preimage(1)});
  s.pass(kHastenMs);
  EXPECT_EQ(announcements(s.step(DeadlineReached{})), 0U);
}

TEST_F(Payer, many_announcements_that_are_due_leave_in_several_steps) {
  outcome(hold(), kConfirmed);
  hold_more(*this, 100, 3 * kDuePerStep);
  s.pass(kAnnounceRepeatConfirmedMs);
  std::size_t left = 0;
  for (int steps = 0; steps < 4; ++steps) {
    auto now = announcements(s.step(DeadlineReached{}));
    EXPECT_LE(now, kDuePerStep);
    left += now;
    // The next step is soon, and not in the past: nobody is woken again and again at one moment.
    EXPECT_TRUE(left == 3 * kDuePerStep + 1 || s.deadline() == after_ms(s.mono, 1));
    s.pass(1);
  }
  EXPECT_EQ(left, 3 * kDuePerStep + 1);
}

}  // namespace
}  // namespace doze::payment::testing
