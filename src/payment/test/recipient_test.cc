// The recipient judges every HTLC by what it knows itself, and says the same "no" whatever was wrong.
#include "attempts.h"
#include "effects/record_io.h"

namespace doze::payment::testing {
namespace {

// [AP-onion-05]
TEST_F(Recipient, the_right_htlc_is_claimed_recorded_and_told_to_the_offer) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    auto attempt = right();
    attempt.profile = profile;
    attempt.htlc_id = profile == Profile::Ldk ? 0 : 1;
    auto effects = receive(attempt);
    expect_claimed(effects, preimage(1), attempt.htlc_id);
    ASSERT_EQ(of<Put>(effects).size(), 1U);
    EXPECT_EQ(of<Put>(effects)[0].table, Table::IncomingPayment);
    EXPECT_TRUE(of<OfferPaid>(effects).empty()) << "it is not ours for good yet";
    effects = r.step(ReceivedHtlcGone{channel_id(3), attempt.htlc_id, true});
    ASSERT_EQ(of<OfferPaid>(effects).size(), 1U);
    EXPECT_EQ(of<OfferPaid>(effects)[0].offer_id, world.offer.id());
    EXPECT_EQ(of<OfferPaid>(effects)[0].amount, Msat(50'000'000));
  }
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
  EXPECT_EQ(r.count(Table::EndedPayment), 2U);
}

TEST_F(Recipient, a_static_invoice_is_paid_often_by_different_htlcs) {
  // Nothing in a static invoice makes a second payment a mistake; whoever pays chose the preimage.
  for (std::uint64_t id = 0; id < 3; ++id) {
    auto attempt = right();
    attempt.htlc_id = id;
    expect_claimed(receive(attempt), preimage(1), id);
  }
  EXPECT_EQ(r.count(Table::IncomingPayment), 3U);
}

// [B2-dust-01]
TEST_F(Recipient, too_much_dust_is_refused) {
  auto htlc = through_m(right());
  expect_refused(r.step(HtlcReceived{channel_id(3), world.m.id, htlc, true}), htlc, "too much dust");
}

TEST_F(Recipient, an_htlc_over_a_channel_whose_funding_left_the_chain_is_refused) {
  r.channels.at(channel_id(3)).reorganised = true;
  auto htlc = through_m(right());
  expect_refused(r.step(HtlcReceived{channel_id(3), world.m.id, htlc}), htlc, "reorganised out of the chain");
}

// [B4-fail-08]
TEST_F(Recipient, up_to_twice_of_what_the_request_says_is_accepted_1_msat_more_is_not) {
  auto attempt = right();
  attempt.amount = attempt.amt_to_forward = attempt.total = Msat(100'000'000);
  expect_claimed(receive(attempt), preimage(1));
  attempt = right();
  attempt.htlc_id = 1;
  attempt.request = world.request(Msat(70'000'000));  // a tip
  attempt.amount = attempt.amt_to_forward = attempt.total = Msat(70'000'000);
  expect_claimed(receive(attempt), preimage(1), 1);
}

struct Wrong {
  const char* name;
  std::function<void(Attempt&, World&)> change;
  const char* reason;
  bool of_invoice = false;
};
class Judged : public Recipient, public ::testing::WithParamInterface<Wrong> {};

// [B2-dead-03, B4-read-06, B4-read-14, B4-read-20, B4-read-21, B4-blind-14, B4-fail-01]
TEST_P(Judged, is_refused_like_everything_else) {
  const auto& wrong = GetParam();
  auto attempt = wrong.of_invoice ? invoice() : right();
  wrong.change(attempt, world);
  auto onion = through_m(attempt);
  expect_refused(receive(onion), onion, wrong.reason);
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
}

Bytes other_offer_request(World& world) {
  return World::request_for(world.make_offer(Msat(49'000'000)));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Judged,
    ::testing::Values(
        Wrong{"no_preimage", [](auto& a, auto&) { a.secret.reset(); }, "no preimage"},
        Wrong{"preimage_of_another_hash", [](auto& a, auto&) { a.secret = preimage(2); }, "does not match"},
        Wrong{"no_invoice_request", [](auto& a, auto&) { a.request.reset(); }, "no invoice_request"},
        Wrong{"garbage_invoice_request", [](auto& a, auto&) { a.request = Bytes(20, 0xff); }, "does not parse"},
        Wrong{"request_for_another_offer", [](auto& a, auto& w) { a.request = other_offer_request(w); },
              "for another offer"},
        Wrong{"request_signature", [](auto& a, auto&) { a.request->back() ^= 1; }, "does not parse"},
        Wrong{"disabled_offer", [](auto&, auto& w) { w.r.offers.at(w.offer.id()).disabled = true; }, "disabled"},
        Wrong{"unknown_offer", [](auto&, auto& w) { w.r.offers.clear(); }, "unknown"},
        Wrong{"below_the_request",
              [](auto& a, auto& w) {
                a.request = w.request(Msat(50'000'001));
              },
              "below the invoice_request"},
        Wrong{"request_below_the_offer",
              [](auto& a, auto& w) {
                a.request = w.request(Msat(49'999'999));
                a.amount = a.amt_to_forward = a.total = Msat(49'999'999);
              },
              "does not fit the offer"},
        Wrong{"below_the_offer",
              [](auto& a, auto&) { a.amount = a.amt_to_forward = a.total = Msat(49'999'999); },
              "below the invoice_request"},
        Wrong{"more_than_twice_the_request",
              [](auto& a, auto&) { a.amount = a.amt_to_forward = a.total = Msat(100'000'001); }, "more than twice"},
        Wrong{"total_below_the_offer", [](auto& a, auto&) { a.amt_to_forward = a.total = Msat(49'999'999); },
              "below the invoice_request"},
        Wrong{"amount_less_than_the_onion_says", [](auto& a, auto&) { a.amount = Msat(49'999'999); },
              "below the onion's amt_to_forward"},
        Wrong{"expiry_sooner_than_the_onion_says", [](auto& a, auto&) { a.outgoing_cltv = CltvExpiry(843); },
              "cltv_expiry is below"},
        Wrong{"a_part_only", [](auto& a, auto&) { a.total = Msat(50'000'001); }, "payments in several parts"},
        Wrong{"below_htlc_minimum", [](auto& a, auto&) { a.htlc_minimum = Msat(50'000'001); }, "below the path"},
        Wrong{"over_max_cltv_expiry", [](auto& a, auto&) { a.max_cltv = CltvExpiry(841); }, "the path has expired"},
        Wrong{"expired_invoice", [](auto&, auto& w) { w.r.wall = after_s(w.terms().expiry, 1); }, "has expired"},
        Wrong{"forty_blocks_left", [](auto& a, auto&) { a.expiry = a.outgoing_cltv = CltvExpiry(840); },
              "only 40 blocks left"},
        Wrong{"no_block_left", [](auto& a, auto&) { a.expiry = a.outgoing_cltv = CltvExpiry(700); },
              "only 0 blocks left"},
        Wrong{"path_id_of_somebody_else", [](auto& a, auto&) { a.path_id.back() ^= 1; }, "did not use one of our"},
        Wrong{"path_id_of_a_message_path",
              [](auto& a, auto& w) {
                a.path_id = seal(*w.r.signer, PathPurpose::HeldHtlcAvailable, Writer().u64(~0ULL).view());
              },
              "did not use one of our"},
        Wrong{"invoice_with_another_hash", [](auto& a, auto&) { a.payment_hash = hash(1); }, "not this invoice's",
              true},
        Wrong{"invoice_with_a_preimage_of_the_payer",
              [](auto& a, auto&) {
                a.payment_hash = hash(1);
                a.secret = preimage(1);
              },
              "not this invoice's", true},
        Wrong{"less_than_the_invoice",
              [](auto& a, auto&) { a.amount = a.amt_to_forward = a.total = Msat(49'999'999); },
              "the amount is below the invoice's", true},
        Wrong{"more_than_twice_the_invoice",
              [](auto& a, auto&) { a.amount = a.amt_to_forward = a.total = Msat(100'000'001); },
              "more than twice", true},
        Wrong{"expired_ordinary_invoice", [](auto&, auto& w) { w.r.wall = after_s(w.terms().expiry, 1); },
              "has expired", true}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(Recipient, the_other_side_of_each_limit_is_claimed) {
  auto attempt = right();  // 42 blocks left, amounts exact
  attempt.htlc_minimum = Msat(50'000'000);
  attempt.max_cltv = attempt.expiry;
  r.wall = world.terms().expiry;
  expect_claimed(receive(attempt), preimage(1));
  auto paid = invoice();
  paid.htlc_id = 1;
  paid.amount = paid.amt_to_forward = paid.total = Msat(100'000'000);
  EXPECT_EQ(of<FulfillHtlc>(receive(paid)).size(), 1U);
  auto generous = right();
  generous.htlc_id = 2;
  generous.payment_hash = hash(2);
  generous.secret = preimage(2);
  generous.amount = generous.amt_to_forward = generous.total = Msat(100'000'000);
  EXPECT_EQ(of<FulfillHtlc>(receive(generous)).size(), 1U);
}

TEST_F(Recipient, an_ordinary_invoice_is_paid_once_also_after_a_restart) {
  expect_claimed(receive(invoice()), invoice_preimage(*r.signer, {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}));
  auto again = invoice();
  again.htlc_id = 1;
  auto onion = through_m(again);
  r.said.clear();
  expect_refused(receive(onion), onion, "already paid");
  r.restart();
  expect_refused(receive(onion), onion, "already paid");
  EXPECT_EQ(r.count(Table::IncomingPayment), 1U);
}

TEST_F(Recipient, a_paid_invoice_is_remembered_until_nobody_can_pay_it_again) {
  receive(invoice());
  r.step(ReceivedHtlcGone{channel_id(3), 0, true});
  EXPECT_EQ(r.room.inside->incoming.size(), 0U);
  auto again = invoice();
  again.htlc_id = 1;
  auto onion = through_m(again);
  for (int start = 0; start < 2; ++start) {
    r.restart();
    r.said.clear();
    expect_refused(receive(onion), onion, "already paid");
  }
  EXPECT_EQ(r.count(Table::PaidInvoice), 1U);
  r.wall = after_s(world.terms().expiry, kPaidKeptS - 1);
  r.step(DeadlineReached{});
  EXPECT_EQ(r.count(Table::PaidInvoice), 1U);
  r.wall = after_s(world.terms().expiry, kPaidKeptS);
  r.step(DeadlineReached{});
  EXPECT_EQ(r.count(Table::PaidInvoice), 0U);
  r.said.clear();
  expect_refused(receive(onion), onion, "has expired");
}

TEST_F(Recipient, an_invoice_that_an_older_program_saw_paid_is_not_paid_again) {
  receive(invoice());
  r.step(ReceivedHtlcGone{channel_id(3), 0, true});
  auto ended = rows_of_table(r.rows, Table::EndedPayment);
  ASSERT_EQ(ended.size(), 1U);
  r.rows.clear();
  r.rows[{Table::IncomingPayment, key_of({channel_id(3), 0})}] = ended[0].value;  // as it was
  auto again = invoice();
  again.htlc_id = 1;
  auto onion = through_m(again);
  for (int start = 0; start < 2; ++start) {
    r.restart();
    r.said.clear();
    expect_refused(receive(onion), onion, "already paid");
  }
}

// [B2-rem-03, B4-read-05, B4-fail-02]
TEST_F(Recipient, as_introduction_node_it_says_the_same_bytes_for_every_reason) {
  // One onion, refused for different reasons: what goes back must not differ.
  auto attempt = right();
  auto onion = direct(attempt);
  std::vector<Bytes> answers;
  auto refuse = [&](std::function<void()> change, std::function<void()> undo) {
    change();
    auto effects = receive(onion);
    ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
    EXPECT_TRUE(of<FulfillHtlc>(effects).empty() && of<FailMalformedHtlc>(effects).empty());
    answers.push_back(of<FailHtlc>(effects)[0].reason);
    undo();
  };
  auto& view = r.offers.at(world.offer.id());
  refuse([&] { view.disabled = true; }, [&] { view.disabled = false; });
  refuse([&] { onion.amount_msat = Msat(1); }, [&] { onion.amount_msat = Msat(50'000'000); });
  refuse([&] { r.tip = BlockHeight(802); }, [&] { r.tip = BlockHeight(800); });
  refuse([&] { r.wall = after_s(r.wall, 2'000'000); }, [&] { r.wall = UnixTime(1'700'000'000); });
  refuse([&] { onion.cltv_expiry = CltvExpiry(3'000); }, [&] { onion.cltv_expiry = CltvExpiry(842); });
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  // The payer reads invalid_onion_blinding with the onion's hash.
  auto read = onion::decode_failure(onion::shared_secrets(key(71), {r.id}), answers[0]);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, onion::kInvalidOnionBlinding);
  EXPECT_EQ(read->data, to_bytes(crypto::sha256(onion.onion_routing_packet).view()));
  expect_claimed(receive(onion), preimage(1));
}

TEST_F(Recipient, dummy_hops_of_its_own_path_change_nothing) {
  for (std::size_t dummies : {1, 2, 3}) {
    auto attempt = right();
    attempt.htlc_id = dummies;
    expect_claimed(receive(through_m(attempt, dummies)), *attempt.secret, dummies);
    attempt.htlc_id = 20 + dummies;
    expect_claimed(receive(direct(attempt, dummies)), *attempt.secret, 20 + dummies);
  }
}

TEST_F(Recipient, behind_dummy_hops_failures_are_those_of_the_hop_that_the_sender_knows) {
  auto attempt = right();
  attempt.path_id.back() ^= 1;
  auto add = through_m(attempt, 2);
  expect_refused(receive(add), add, "it did not use one of our payment paths");
  // As introduction node: the same answer as without dummy hops, encrypted for the onion's own hop.
  attempt.htlc_id = 1;
  auto bare = direct(attempt), hidden = direct(attempt, 2);
  for (const auto& each : {bare, hidden}) {
    auto effects = receive(each);
    ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
    EXPECT_TRUE(of<FailMalformedHtlc>(effects).empty());
    auto failure = onion::decode_failure(onion::shared_secrets(key(71), {r.id}), of<FailHtlc>(effects)[0].reason);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, onion::kInvalidOnionBlinding);
    EXPECT_EQ(to_hex(failure->data), crypto::sha256(each.onion_routing_packet).hex());
  }
}

TEST_F(Recipient, the_introduction_node_itself_pays_over_a_path_with_dummy_hops) {
  auto attempt = right();
  for (std::size_t dummies : {0, 1, 3}) {
    offers::StaticInvoiceTerms terms;
    terms.created_at = r.wall;
    terms.payment_paths = {{path_over_m(attempt, dummies), {1'000, 100, 72 + 42, Msat(1), Msat(900'000'000), {}}}};
    terms.message_paths = {*onion::path_to_self(key(60), r.id, Bytes(40, 1))};
    terms.node_key = key(61);
    Outgoing payment;
    payment.amount = attempt.amount;
    payment.is_static = true;
    payment.invoice = offers::StaticInvoice::make(world.offer, terms)->bytes();
    payment.invoice_request = *attempt.request;
    payment.preimage = attempt.secret;
    payment.payment_hash = attempt.payment_hash;
    auto prepared = prepare(world.m.context(), payment, attempt.outgoing_cltv, false);
    ASSERT_TRUE(prepared.has_value()) << dummies << ": " << prepared.error().why;
    EXPECT_EQ(prepared->channel_id, channel_id(3));
    attempt.expiry = prepared->cltv_expiry;
    attempt.htlc_id = dummies;
    expect_claimed(receive(htlc(attempt, prepared->packet, prepared->path_key)), *attempt.secret, dummies);
  }
}

// [B4-read-06]
TEST_F(Recipient, dummy_hops_keep_the_constraints_of_the_path) {
  auto attempt = right();
  attempt.max_cltv = CltvExpiry(attempt.expiry.value() - 1);
  auto add = through_m(attempt, 2);
  expect_refused(receive(add), add, "outside the path's payment_constraints");
}

// [B12-inv-12]
TEST_F(Recipient, what_is_not_over_a_blinded_path_is_unknown_payment_details) {
  onion::FinalPayload last;
  last.amt_to_forward = Msat(50'000'000);
  last.outgoing_cltv_value = CltvExpiry(842);
  last.total_amount_msat = Msat(50'000'000);
  last.payment_secret = Hash32{};
  std::vector<onion::Hop> hops{{r.id, onion::with_length(onion::encode(last))}};
  auto attempt = right();
  auto packet = onion::build_packet(key(71), hops, attempt.payment_hash.view(), onion::kPaymentPayloads);
  auto effects = receive(htlc(attempt, *packet, std::nullopt));
  ASSERT_EQ(of<FailHtlc>(effects).size(), 1U);
  EXPECT_TRUE(of<FulfillHtlc>(effects).empty());
  auto read = onion::decode_failure(onion::shared_secrets(key(71), {r.id}), of<FailHtlc>(effects)[0].reason);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, onion::kIncorrectOrUnknownPaymentDetails);
  EXPECT_EQ(read->data, Writer().u64(50'000'000).u32(800).take());  // BOLT 4: htlc_msat, height
}

// [B2-add-15, B4-peel-01, B4-peel-03]
TEST_F(Recipient, an_onion_garbled_anywhere_is_malformed_and_never_claimed) {
  auto good = through_m(right());
  for (std::size_t at = 0; at < good.onion_routing_packet.size(); at += 37) {
    auto bad = good;
    bad.onion_routing_packet[at] ^= 0x40;
    r.said.clear();
    expect_refused(receive(bad), bad, "");
  }
  auto moved = good;
  moved.payment_hash = hash(3);  // the onion is bound to its hash
  r.said.clear();
  expect_refused(receive(moved), moved, "");
  auto other_key = good;
  other_key.path_key = crypto::public_key(key(99));
  r.said.clear();
  expect_refused(receive(other_key), other_key, "");
  auto no_point = good;
  no_point.path_key->bytes.fill(0xff);
  no_point.path_key->bytes[0] = 2;
  r.said.clear();
  expect_refused(receive(no_point), no_point, "not a valid point");
}

TEST_F(Recipient, whatever_comes_gets_exactly_one_answer) {
  CountingRng chance(9);
  int claimed = 0;
  for (int round = 0; round < 120; ++round) {
    auto attempt = chance.u64() % 4 == 0 ? invoice() : right();
    attempt.htlc_id = static_cast<std::uint64_t>(round);
    if (chance.u64() % 4 == 0) attempt.secret = preimage(static_cast<std::uint8_t>(1 + chance.u64() % 2));
    if (chance.u64() % 4 == 0) attempt.amount = Msat(49'999'999 + chance.u64() % 3);
    if (chance.u64() % 4 == 0) attempt.total = Msat(49'999'999 + chance.u64() % 3);
    if (chance.u64() % 4 == 0) attempt.expiry = CltvExpiry(static_cast<std::uint32_t>(840 + chance.u64() % 4));
    if (chance.u64() % 6 == 0) attempt.request.reset();
    auto effects = receive(attempt);
    auto answers =
        of<FulfillHtlc>(effects).size() + of<FailHtlc>(effects).size() + of<FailMalformedHtlc>(effects).size();
    EXPECT_EQ(answers, 1U) << round;
    if (!of<FulfillHtlc>(effects).empty()) {
      ++claimed;
      EXPECT_EQ(crypto::payment_hash(of<FulfillHtlc>(effects)[0].preimage), attempt.payment_hash);
      EXPECT_GE(attempt.amount, Msat(50'000'000));
      EXPECT_GE(attempt.expiry, CltvExpiry(841));
    }
  }
  EXPECT_GT(claimed, 5);
}

// ---- while our chain is behind ----

struct BehindRecipient : Recipient {
  BehindRecipient() { r.views.chain_synced = false; }
  Effects synced(std::uint32_t height) {
    r.block(height);
    r.views.chain_synced = true;
    return r.step(ChainStatus{true, true, ""});
  }
  static bool answered(const Effects& effects) {
    return !(of<FulfillHtlc>(effects).empty() && of<FailHtlc>(effects).empty() &&
             of<FailMalformedHtlc>(effects).empty());
  }
};

TEST_F(BehindRecipient, an_htlc_waits_durably_and_is_judged_by_the_height_that_is_known_then) {
  for (bool restart : {false, true})
    for (bool late : {false, true}) {
      r.tip = BlockHeight(700);
      r.views.chain_synced = false;
      r.said.clear();
      auto attempt = right();
      attempt.htlc_id = (restart ? 2 : 0) + (late ? 1 : 0);
      auto arrived = through_m(attempt);
      auto effects = receive(arrived);
      EXPECT_FALSE(answered(effects));
      EXPECT_EQ(of<Put>(effects).size(), 1U);
      EXPECT_TRUE(of<OfferPaid>(effects).empty());
      if (restart) {
        EXPECT_FALSE(answered(r.restart()));
      }
      EXPECT_FALSE(answered(r.block(799)));
      auto judged = synced(late ? 802 : 801);
      EXPECT_EQ(of<FulfillHtlc>(judged).size(), late ? 0U : 1U);
      EXPECT_EQ(of<FailMalformedHtlc>(judged).size(), late ? 1U : 0U);
      EXPECT_FALSE(answered(synced(802)));  // once
      EXPECT_FALSE(r.deadline().has_value());
      EXPECT_EQ(r.rows.contains({Table::IncomingPayment, key_of({channel_id(3), attempt.htlc_id})}), !late);
    }
}

TEST_F(BehindRecipient, an_htlc_that_waited_an_hour_goes_back_however_often_the_process_started) {
  auto arrived = through_m(right());
  receive(arrived);
  r.pass(kParkedMaxMs - 60'000);
  EXPECT_FALSE(answered(r.step(DeadlineReached{})));
  for (int starts = 0; starts < 3; ++starts) {
    r.restart();
    ASSERT_EQ(r.deadline(), after_ms(r.mono, 60'000 - starts * 10'000));
    r.pass(10'000);
    EXPECT_FALSE(answered(r.step(DeadlineReached{})));
  }
  auto effects = r.next_deadline();
  EXPECT_EQ(of<FailMalformedHtlc>(effects).size(), 1U);
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
  EXPECT_FALSE(r.deadline().has_value());
  EXPECT_FALSE(answered(synced(800)));
}

TEST_F(BehindRecipient, one_that_4887d87_let_wait_gets_an_hour_from_the_first_start_and_not_from_each) {
  auto arrived = through_m(right());
  RecordWriter old(2);
  old.all(world.m.id, wire::encode(arrived));
  r.rows[{Table::IncomingPayment, key_of({channel_id(3), 0})}] = old.take();
  r.restart();
  ASSERT_EQ(r.deadline(), after_ms(r.mono, kParkedMaxMs));
  r.pass(kParkedMaxMs / 2);
  r.restart();
  ASSERT_EQ(r.deadline(), after_ms(r.mono, kParkedMaxMs / 2));
  r.wall = UnixTime(1'000'000'000);  // the clock is put back: a fresh hour, no more
  r.restart();
  ASSERT_EQ(r.deadline(), after_ms(r.mono, kParkedMaxMs));
}

TEST_F(BehindRecipient, too_much_dust_is_refused_at_once_whatever_the_height) {
  HtlcReceived word{channel_id(3), world.m.id, through_m(right())};
  word.too_much_dust = true;
  EXPECT_EQ(of<FailMalformedHtlc>(r.step(word)).size(), 1U);
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
}

TEST_F(BehindRecipient, a_bad_onion_is_refused_at_once) {
  auto arrived = through_m(right());
  arrived.onion_routing_packet[100] ^= 1;
  EXPECT_TRUE(answered(receive(arrived)));
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
}

}  // namespace
}  // namespace doze::payment::testing
