// S without a holder: it stays online, and the HTLC leaves when the recipient answers.
#include "payer.h"

namespace doze::payment::testing {
namespace {

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

TEST_F(Online, a_path_that_begins_at_ourselves_has_the_limits_of_every_route) {
  auto& m = world.m;
  auto offers_htlc = [&](const auto& change) {
    auto invoice = world.static_invoice(Profile::Ldk, 1, [&](auto& terms) { change(terms.payment_paths[0]); });
    command::Pay command;
    command.offer = world.offer.text();
    command.hold = false;
    auto paying = of<RequestInvoice>(m.command(command)).at(0).request.payment_id;
    m.step(StaticInvoiceObtained{paying, invoice, world.request()});
    auto context = seal(*m.signer, PathPurpose::ReleaseReply, paying.view());
    return !of<AddHtlc>(m.step(release_over(world.r.id, context))).empty();
  };
  EXPECT_TRUE(offers_htlc([](auto&) {}));
  EXPECT_FALSE(offers_htlc([](auto& way) { way.payinfo.cltv_expiry_delta = 65'535; }));
  EXPECT_FALSE(offers_htlc([](auto& way) { way.payinfo.htlc_maximum_msat = Msat(49'999'999); }));
  EXPECT_FALSE(offers_htlc([](auto& way) { way.payinfo.htlc_minimum_msat = Msat(50'000'001); }));
  // [B4-read-08]
  onion::RecipientData first;
  first.short_channel_id = scid(3);
  first.payment_relay = {CltvDelta(72), 0, Msat(10'000)};
  auto in_front = [&](auto& way) {
    way.path = *onion::blind(key(70), {{m.id, onion::encode(first)}, {world.r.id, Bytes(8, 0)}});
  };
  EXPECT_TRUE(offers_htlc(in_front));
  first.next_node_id = world.r.id;
  EXPECT_FALSE(offers_htlc(in_front)) << "two names for the next hop";
}

TEST_F(Online, it_repeats_the_announcement_and_then_every_six_hours) {
  auto announced = pay_online();
  for (std::uint64_t wait : {2'000, 10'000, 60'000}) {
    s.pass(wait);
    announced = s.step(DeadlineReached{});
    EXPECT_EQ(announcements(announced), 1U);
  }
  outcome(announced, kConfirmed);
  EXPECT_EQ(s.deadline(), after_ms(s.mono, kAnnounceRepeatConfirmedMs));
}

TEST_F(Online, it_expires_after_seven_days_or_with_the_invoice) {
  pay_online();
  s.pass(kOnlinePayerWaitMaxS * 1000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "fetching");
  s.pass(1'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "expired");
  s.wall = UnixTime(1'700'000'000 + 1'209'600 - 100);  // the invoice ends sooner than in a week
  pay_online();
  s.pass(100'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "fetching");
  s.pass(1'000);
  s.step(DeadlineReached{});
  EXPECT_EQ(state(), "expired");
  EXPECT_TRUE(s.step(release_over(world.r.id, reply_context())).empty());
}

TEST_F(Online, it_expires_on_time_though_the_next_announcement_is_hours_away) {
  auto announced = pay_online();
  outcome(announced, kConfirmed);
  EXPECT_EQ(state(), "notified");
  auto end = after_s(s.wall, kOnlinePayerWaitMaxS);
  for (int i = 0; i < 100 && state() == "notified"; ++i) s.next_deadline();
  EXPECT_EQ(state(), "expired");
  EXPECT_EQ(s.wall, after_s(end, 1));
  s.wall = UnixTime(1'700'000'000 + 1'209'600 - 100);  // less than a repeat before the invoice's end
  pay_online();
  for (int i = 0; i < 100 && state() != "expired"; ++i) s.next_deadline();
  EXPECT_EQ(s.wall, UnixTime(1'700'000'000 + 1'209'600 + 1));
}

TEST_F(Online, after_a_restart_it_goes_on_announcing) {
  pay_online();
  s.restart();
  s.see(world.l);
  EXPECT_EQ(announcements(s.next_deadline()), 1U);
  s.usable(1);
  EXPECT_EQ(of<AddHtlc>(s.step(release_over(world.r.id, reply_context()))).size(), 1U);
}

// [B4-orig-02]
TEST_F(Online, a_failure_on_the_way_leaves_that_channel_out_one_of_the_recipient_ends_it) {
  for (std::size_t hop : {1, 2}) {
    s.said.clear();
    pay_online();
    s.step(release_over(world.r.id, reply_context()));
    added(6);
    auto secrets = onion::shared_secrets(onion().session_key, onion().hops);
    ASSERT_EQ(secrets.size(), 3U);
    auto reason = onion::own_failure(secrets[hop], onion::kTemporaryNodeFailure, {});
    for (auto at = hop; at > 0; --at) reason = onion::wrap_failure(secrets[at - 1], reason);
    s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), 6, reason});
    EXPECT_EQ(state(), "failed");  // there is no other way here
    EXPECT_EQ(error().code, CommandErrorCode::PaymentFailed);
    EXPECT_NE(error().message.find("temporary_node_failure from hop " + std::to_string(hop + 1)), std::string::npos);
  }
}

}  // namespace
}  // namespace doze::payment::testing
