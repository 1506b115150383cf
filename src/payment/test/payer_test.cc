// S: a static invoice is paid with a hold, announced, confirmed; or without one, online.
#include "fake_node.h"

namespace doze::payment::testing {
namespace {

struct Payer : ::testing::Test {
  World world;
  FakeNode& s = world.s;
  PaymentId id;

  /// The pay command and the invoice that answers it.
  Effects pay(command::Pay command = {}, std::optional<Bytes> invoice = std::nullopt) {
    command.offer = world.offer.text();
    auto asked = of<RequestInvoice>(s.command(command));
    EXPECT_EQ(asked.size(), 1U);
    if (asked.empty()) return {};
    id = asked[0].request.payment_id;
    return s.step(StaticInvoiceObtained{id, invoice ? *invoice : world.static_invoice(), world.request()});
  }
  Effects added(std::uint64_t htlc_id = 5) { return s.step(HtlcAdded{LocalOrigin{id}, channel_id(1), htlc_id}); }
  Effects paths(std::uint64_t htlc_id = 5) {
    auto made = onion::release_paths(world.l.signer->secret(SecretUse::ReleasePath), world.l.id,
                                     {channel_id(1), htlc_id}, Profile::Ldk);
    return s.step(ReleasePathsReceived{LocalOrigin{id}, channel_id(1), htlc_id, made});
  }
  Effects committed(std::uint64_t htlc_id = 5) {
    return s.step(OfferedHtlcCommitted{LocalOrigin{id}, channel_id(1), htlc_id});
  }
  Effects pong(const Effects& pinged) {
    auto pings = of<PingPeer>(pinged);
    EXPECT_EQ(pings.size(), 1U);
    return pings.empty() ? Effects{} : s.step(PongReceived{pings[0].node_id, pings[0].token});
  }
  /// Held at L, which has confirmed; what S says then is the first announcement.
  Effects hold(std::optional<Bytes> invoice = std::nullopt) {
    pay({}, invoice);
    added();
    paths();
    return pong(committed());
  }
  /// What became of the only announcement of this round.
  Effects outcome(const Effects& announced, OnionMessageFate fate) {
    auto sent = of<SendOnionMessage>(announced);
    EXPECT_EQ(sent.size(), 1U);
    return sent.empty() ? Effects{} : s.step(OnionMessageOutcome{sent[0].tag, fate});
  }
  const Outgoing& payment() { return s.room.inside->outgoing.at(id); }
  std::string state() { return name(payment().state); }
  std::vector<Reply> replies() { return s.all<Reply>(); }
  CommandError error() {
    for (const auto& reply : replies())
      if (const auto* error = std::get_if<CommandError>(&reply.result)) return *error;
    return {};
  }
  static std::size_t announcements(const Effects& effects) {
    std::size_t count = 0;
    for (const auto& sent : of<SendOnionMessage>(effects))
      if (std::holds_alternative<onion::HeldHtlcAvailable>(sent.contents)) ++count;
    return count;
  }
};

constexpr auto kConfirmed = OnionMessageFate::Confirmed;
constexpr auto kRelayed = OnionMessageFate::Relayed;
constexpr auto kUndeliverable = OnionMessageFate::Undeliverable;

// ---- the HTLC ----

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
  EXPECT_FALSE(payment().held);
}

TEST_F(Payer, heights_follow_from_the_window_without_a_shadow) {
  for (std::uint32_t window : {6, 144, 1008}) {
    s.config.hold_window_blocks = window;
    auto add = of<AddHtlc>(pay()).at(0);
    auto e = 800 + 1 + window;
    EXPECT_EQ(payment().final_expiry, CltvExpiry(e));
    EXPECT_EQ(payment().release_deadline, BlockHeight(e - 3));
    // M's 72 and R's 42 are in the payinfo, L asks for 72.
    EXPECT_EQ(add.cltv_expiry, CltvExpiry(e + 42 + 72 + 72));
    EXPECT_EQ(payment().fail_back, BlockHeight(e + 42 + 72 - 39));
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
  EXPECT_EQ(sent.reply_path, payment().release_paths.at(0));
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

TEST_F(Payer, paths_or_commitments_of_another_htlc_are_not_its_own) {
  pay();
  added(5);
  EXPECT_TRUE(of<Put>(paths(6)).empty());
  EXPECT_TRUE(of<Put>(committed(6)).empty());
  EXPECT_FALSE(payment().committed);
  EXPECT_TRUE(payment().release_paths.empty());
}

TEST_F(Payer, every_message_path_is_used_with_the_same_reply_path) {
  auto sent = of<SendOnionMessage>(hold(world.static_invoice(Profile::Ldk, 3)));
  ASSERT_EQ(sent.size(), 3U);
  for (const auto& one : sent) EXPECT_EQ(one.reply_path, sent[0].reply_path);
}

TEST_F(Payer, announcements_repeat_at_growing_distances_until_one_is_confirmed) {
  auto announced = hold();
  for (std::uint64_t wait : {2'000, 10'000, 60'000, 300'000, 1'800'000, 1'800'000, 1'800'000}) {
    ASSERT_EQ(deadline(s.room), after_ms(s.mono, wait));
    s.pass(wait - 1);
    EXPECT_EQ(announcements(s.step(DeadlineReached{})), 0U);
    s.pass(1);
    announced = s.step(DeadlineReached{});
    EXPECT_EQ(announcements(announced), 1U);
  }
  outcome(announced, kConfirmed);
  EXPECT_EQ(state(), "notified");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(deadline(s.room), after_ms(s.mono, kAnnounceRepeatConfirmedMs));
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
  s.tip = BlockHeight(payment().release_deadline.value() - 1);
  EXPECT_EQ(announcements(s.next_deadline()), 1U);
  s.tip = payment().release_deadline;
  EXPECT_EQ(announcements(s.next_deadline()), 0U);
  EXPECT_FALSE(deadline(s.room).has_value());
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
  EXPECT_EQ(announcements(s.next_deadline()), 0U);
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
  EXPECT_FALSE(deadline(s.room).has_value());
}

TEST_F(Payer, a_hold_is_tried_once_and_expires_if_it_comes_back_after_the_deadline) {
  for (bool late : {false, true}) {
    s.said.clear();
    s.tip = BlockHeight(800);
    hold();
    if (late) s.tip = payment().release_deadline;
    auto effects = s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 5, Bytes(256)});
    EXPECT_TRUE(of<AddHtlc>(effects).empty());
    EXPECT_EQ(state(), late ? "expired" : "failed");
    EXPECT_EQ(error().code, late ? CommandErrorCode::Expired : CommandErrorCode::PaymentFailed);
  }
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
  EXPECT_EQ(number_of(error.numbers, "fail_back_height"), payment().fail_back.value());
  EXPECT_EQ(state(), "held");
}

TEST_F(Payer, a_second_static_invoice_for_the_same_payment_sends_no_second_htlc) {
  pay();
  added();
  EXPECT_TRUE(s.step(StaticInvoiceObtained{id, world.static_invoice(), world.request()}).empty());
  EXPECT_TRUE(s.step(InvoiceFailed{id, {}}).empty());
}

// ---- online ----

struct Online : Payer {
  Effects pay_online() {
    command::Pay command;
    command.hold = false;
    return pay(command);
  }
  Bytes reply_context() { return seal(*s.signer, PathPurpose::ReleaseReply, id.view()); }
};

TEST_F(Online, the_htlc_leaves_when_the_recipient_answers_and_only_then) {
  auto effects = pay_online();
  EXPECT_EQ(announcements(effects), 1U);
  EXPECT_TRUE(of<AddHtlc>(effects).empty());
  auto forged = reply_context();
  forged.back() ^= 1;
  EXPECT_TRUE(s.step(release_over(world.r.id, forged)).empty());
  EXPECT_TRUE(s.step(release_over(world.r.id, seal(*s.signer, PathPurpose::Offer, id.view()))).empty());
  auto released = s.step(release_over(world.r.id, reply_context()));
  ASSERT_EQ(of<AddHtlc>(released).size(), 1U);
  EXPECT_FALSE(of<AddHtlc>(released)[0].hold.has_value());
  EXPECT_EQ(of<AddHtlc>(released)[0].cltv_expiry, CltvExpiry(801 + 42 + 72 + 72));
  EXPECT_EQ(state(), "releasing");
  EXPECT_TRUE(s.step(release_over(world.r.id, reply_context())).empty());  // once
}

TEST_F(Online, it_repeats_the_announcement_and_then_every_six_hours) {
  auto announced = pay_online();
  for (std::uint64_t wait : {2'000, 10'000, 60'000}) {
    s.pass(wait);
    announced = s.step(DeadlineReached{});
    EXPECT_EQ(announcements(announced), 1U);
  }
  outcome(announced, kConfirmed);
  EXPECT_EQ(deadline(s.room), after_ms(s.mono, kAnnounceRepeatConfirmedMs));
}

TEST_F(Online, it_expires_after_seven_days_or_with_the_invoice) {
  pay_online();
  s.pass(kOnlinePayerWaitMaxS * 1000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "held");
  s.pass(1'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "expired");
  s.wall = UnixTime(1'700'000'000 + 1'209'600 - 100);  // the invoice ends sooner than in a week
  pay_online();
  s.pass(100'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "held");
  s.pass(1'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "expired");
  EXPECT_TRUE(s.step(release_over(world.r.id, reply_context())).empty());
}

TEST_F(Online, after_a_restart_it_goes_on_announcing) {
  pay_online();
  s.restart();
  s.see(world.l);
  EXPECT_EQ(announcements(s.next_deadline()), 1U);
  s.usable(1);
  EXPECT_EQ(of<AddHtlc>(s.step(release_over(world.r.id, reply_context()))).size(), 1U);
}

TEST_F(Online, a_failure_on_the_way_leaves_that_channel_out_one_of_the_recipient_ends_it) {
  for (std::size_t hop : {1, 2}) {
    s.said.clear();
    pay_online();
    s.step(release_over(world.r.id, reply_context()));
    added(6);
    auto secrets = onion::shared_secrets(payment().onion->session_key, payment().onion->hops);
    ASSERT_EQ(secrets.size(), 3U);
    auto reason = own_failure(secrets[hop], onion::kTemporaryNodeFailure, {});
    for (auto at = hop; at > 0; --at) reason = wrap_failure(secrets[at - 1], reason);
    s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 6, reason});
    EXPECT_EQ(state(), "failed");  // there is no other way here
    EXPECT_EQ(payment().excluded_scids.contains(scid(2)), hop == 1);
    EXPECT_EQ(error().code, hop == 1 ? CommandErrorCode::NoRoute : CommandErrorCode::PaymentFailed);
  }
}

}  // namespace
}  // namespace doze::payment::testing
