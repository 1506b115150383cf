// What a payer is told: holds that nothing can release, the last real failure, repeated commands, what was agreed.
#include "offers/invoice.h"
#include "payer.h"
#include "payment/describe.h"

namespace doze::payment::testing {
namespace {

struct Outlook : Payer {
  Value shown() {
    s.said.clear();
    s.command(command::GetPayment{id}, 77);
    return std::get<Value>(s.all<Reply>().at(0).result);
  }
  std::vector<wire::BlindedPath> good_paths() {
    return onion::release_paths(world.l.signer->secret(SecretUse::ReleasePath), world.l.id, {channel_id(1), 5},
                                Profile::Ldk);
  }
  Effects given(std::vector<wire::BlindedPath> paths) {
    return s.step(ReleasePathsReceived{LocalOrigin{id}, channel_id(1), 5, std::move(paths)});
  }
  std::size_t answered(RequestId request) {
    std::size_t count = 0;
    for (const auto& reply : replies()) count += reply.request == request ? 1 : 0;
    return count;
  }
};

TEST_F(Outlook, without_a_release_path_pay_returns_and_says_when_it_ends_by_itself) {
  pay();
  added();
  EXPECT_EQ(answered(1), 0U);
  committed();
  ASSERT_EQ(answered(1), 1U);
  auto value = shown();
  auto message = text_of(value, "message");
  EXPECT_NE(message.find("no usable release path: it ends without action at height " +
                         std::to_string(terms().fail_back.value())),
            std::string::npos)
      << message;
  EXPECT_TRUE(flag_of(value, "safe_to_sleep"));
  EXPECT_EQ(text_of(value, "state"), "held");
  given(good_paths());  // with a retransmitted revoke_and_ack
  EXPECT_EQ(release_paths().size(), 1U);
}

TEST_F(Outlook, a_release_path_that_leads_nowhere_is_no_release_path) {
  struct Case {
    const char* what;
    std::function<void(wire::BlindedPath&)> change;
  };
  auto no_point = PublicKey::from_hex_or_die("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
  const Case cases[] = {
      {"a node that nobody knows", [](auto& path) { path.first_node_id = crypto::public_key(key(90)); }},
      {"the payer", [&](auto& path) { path.first_node_id = s.id; }},
      {"a channel that nobody knows",
       [](auto& path) {
         path.first_node_id = wire::ScidDir{0, scid(77)};
       }},
      {"no path key", [&](auto& path) { path.first_path_key = no_point; }},
      {"no blinded node", [&](auto& path) { path.path.back().blinded_node_id = no_point; }},
      {"60 KB", [](auto& path) { path.path.back().encrypted_recipient_data = Bytes(60'000, 1); }},
  };
  for (const auto& test : cases) {
    pay();
    added();
    auto bad = good_paths();
    test.change(bad.at(0));
    s.said.clear();
    given(bad);
    EXPECT_TRUE(release_paths().empty()) << test.what;
    EXPECT_EQ(s.reasons("release_path_refused").size(), 1U) << test.what;
    EXPECT_EQ(announcements(committed()), 0U) << test.what;
    EXPECT_EQ(answered(1), 1U) << test.what;
    EXPECT_NE(text_of(shown(), "message").find("no usable release path"), std::string::npos) << test.what;
    EXPECT_NE(text_of(shown(), "state"), "notified") << test.what;
  }
}

TEST_F(Outlook, of_several_release_paths_the_usable_ones_count_also_over_another_node_of_the_graph) {
  pay();
  added();
  auto paths = good_paths();
  auto over_m = paths.at(0), bad = paths.at(0);
  over_m.first_node_id = world.m.id;
  bad.first_node_id = s.id;
  given({bad, over_m, paths.at(0)});
  EXPECT_EQ(release_paths(), (std::vector{over_m, paths.at(0)}));
}

TEST_F(Outlook, after_the_release_deadline_pay_returns_and_says_when_the_amount_comes_back) {
  auto announced = hold();
  outcome(announced, kRelayed);
  EXPECT_EQ(answered(1), 0U);
  s.block(terms().release_deadline.value() - 1);
  EXPECT_EQ(answered(1), 0U);
  s.block(terms().release_deadline.value());
  EXPECT_EQ(answered(1), 1U);
  auto message = text_of(shown(), "message");
  EXPECT_NE(message.find("the release deadline is over"), std::string::npos) << message;
  EXPECT_NE(message.find("height " + std::to_string(terms().fail_back.value())), std::string::npos) << message;
  s.block(terms().fail_back.value());
  message = text_of(shown(), "message");
  EXPECT_NE(message.find("should have failed it back"), std::string::npos) << message;
  EXPECT_FALSE(flag_of(shown(), "safe_to_sleep"));
  s.block(attempt().htlc_expiry.value());
  message = text_of(shown(), "message");
  EXPECT_NE(message.find("has expired"), std::string::npos) << message;
}

TEST_F(Outlook, a_notified_payment_is_not_said_to_wait_for_a_recipient_that_cannot_be_paid_any_more) {
  outcome(hold(), kConfirmed);
  EXPECT_NE(text_of(shown(), "message").find("has the message: this app may close"), std::string::npos);
  s.block(terms().release_deadline.value());
  EXPECT_EQ(text_of(shown(), "message").find("has the message"), std::string::npos);
}

// "The release deadline is over" was said of it, and that this app may close.
TEST_F(Outlook, before_our_revocation_is_made_a_hold_is_not_said_to_be_late) {
  pay();
  added();
  EXPECT_EQ(text_of(shown(), "state"), "held");
  EXPECT_NE(text_of(shown(), "message").find("not yet confirmed the hold: stay online"), std::string::npos);
  EXPECT_FALSE(flag_of(shown(), "safe_to_sleep"));
}

TEST_F(Outlook, before_our_lsp_has_confirmed_nobody_is_said_to_have_the_message) {
  pay();
  added();
  paths();
  committed();
  EXPECT_NE(text_of(shown(), "message").find("not yet confirmed the hold"), std::string::npos);
  EXPECT_FALSE(flag_of(shown(), "safe_to_sleep"));
}

// ---- announcements of an invoice with many paths ----

TEST_F(Outlook, an_invoice_with_150_message_paths_makes_ten_announcements_and_then_fewer) {
  auto announced = hold(world.static_invoice(Profile::Ldk, 1, [](auto& terms) {
    while (terms.message_paths.size() < 150) terms.message_paths.push_back(terms.message_paths[0]);
  }));
  EXPECT_EQ(announcements(announced), kMaxAnnouncedPaths);
  std::size_t total = announcements(announced), rounds = 1;
  for (; rounds < 12; ++rounds) {
    announced = s.next_deadline();
    EXPECT_LE(announcements(announced), rounds < 5 ? kMaxAnnouncedPaths : kMaxRepeatedPaths) << rounds;
    total += announcements(announced);
  }
  EXPECT_EQ(total, 5 * kMaxAnnouncedPaths + 7 * kMaxRepeatedPaths);
}

// ---- failures ----

struct Failures : Outlook {
  Effects released_online() {
    command::Pay command;
    command.hold = false;
    pay(command);
    return s.step(release_over(world.r.id, seal(*s.signer, PathPurpose::ReleaseReply, id.view())));
  }
  Effects failed_by(std::size_t hop, std::uint16_t code, std::uint64_t htlc_id, std::uint8_t channel = 1) {
    auto secrets = onion::shared_secrets(onion().session_key, onion().hops);
    auto reason = onion::own_failure(secrets[hop], code, {});
    for (auto at = hop; at > 0; --at) reason = onion::wrap_failure(secrets[at - 1], reason);
    return s.step(HtlcFailed{LocalOrigin{id}, channel_id(channel), htlc_id, reason});
  }
};

TEST_F(Failures, what_a_hop_said_is_kept_when_there_is_no_other_path) {
  released_online();
  added(6);
  failed_by(0, onion::kFeeInsufficient, 6);
  EXPECT_EQ(state(), "failed");
  EXPECT_EQ(error().code, CommandErrorCode::PaymentFailed);
  EXPECT_NE(payment().failure().find("no other path"), std::string::npos) << payment().failure();
  EXPECT_NE(payment().failure().find("fee_insufficient from hop 1"), std::string::npos) << payment().failure();
}

// [AP-onion-01]
TEST_F(Failures, no_two_htlcs_of_a_static_invoice_have_the_same_hash) {
  World::join(s, world.l, 9);  // a second way to L
  auto first = of<AddHtlc>(released_online()).at(0);
  std::set<PaymentHash> hashes{first.payment_hash};
  std::uint64_t htlc_id = 6;
  auto channel = first.channel_id;
  s.step(HtlcAdded{LocalOrigin{id}, channel, htlc_id});
  // Nobody signed the failure: the way is blamed, and another one is tried.
  auto again = of<AddHtlc>(s.step(HtlcFailed{LocalOrigin{id}, channel, htlc_id, Bytes(292, 1)}));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(hashes.insert(again[0].payment_hash).second);
  EXPECT_EQ(payment().payment_hash, again[0].payment_hash);
  EXPECT_EQ(crypto::payment_hash(*payment().preimage), again[0].payment_hash);
  // The onion carries the preimage of this hash: R can claim it.
  world.l.step(HtlcReceived{channel_id(9), s.id, on_wire(again[0], 0)});
  s.reload();
  EXPECT_EQ(payment().payment_hash, again[0].payment_hash);
}

TEST_F(Failures, a_hold_that_was_dropped_before_it_was_signed_leaves_with_another_hash) {
  World::join(s, world.l, 9);
  auto first = of<AddHtlc>(pay()).at(0);
  s.step(HtlcAdded{LocalOrigin{id}, first.channel_id, 5});
  auto again = of<AddHtlc>(s.step(HtlcRefused{LocalOrigin{id}, first.channel_id, AddRefusal::InsufficientFunds}));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_NE(again[0].payment_hash, first.payment_hash);
}

struct OldHint : Failures {
  /// S pays an invoice of R's whose hint has M's fee of 1 sat; M wants 9 by now.
  AddHtlc pay_invoice() {
    command::CreateInvoice wanted;
    wanted.amount = Msat(20'000'000);
    auto made = std::get<Value>(of<Reply>(world.r.command(wanted)).at(0).result);
    command::Pay command;
    command.offer = text_of(made, "invoice");
    auto add = of<AddHtlc>(s.command(command)).at(0);
    id = std::get<LocalOrigin>(add.origin).payment_id;
    added(6);
    return add;
  }
  Effects refused_by_m(const wire::ChannelUpdate& update, std::uint64_t htlc_id, bool with_type = true) {
    auto bytes = wire::encode(update);
    if (!with_type) bytes.erase(bytes.begin(), bytes.begin() + 2);
    auto message = Writer()
                       .u16(onion::kFeeInsufficient)
                       .u64(20'000'000)
                       .u16(static_cast<std::uint16_t>(bytes.size()))
                       .bytes(bytes)
                       .take();
    auto secrets = onion::shared_secrets(onion().session_key, onion().hops);
    auto reason = onion::wrap_failure(secrets[0], onion::create_failure(secrets[1], message));
    return s.step(HtlcFailed{LocalOrigin{id}, channel_id(1), htlc_id, reason});
  }
  static wire::ChannelUpdate nine_sat() {
    wire::ChannelUpdate out;
    out.short_channel_id = scid(3);
    out.cltv_expiry_delta = 80;
    out.fee_base_msat = 9'000;
    out.fee_proportional_millionths = 100;
    out.htlc_maximum_msat = Msat(900'000'000);
    return out;
  }
};

// [B4-orig-05]
TEST_F(OldHint, a_channel_update_in_the_failure_is_paid_by_once_with_and_without_its_type) {
  for (bool with_type : {true, false}) {
    auto first = pay_invoice();
    auto again = of<AddHtlc>(refused_by_m(nine_sat(), 6, with_type));
    ASSERT_EQ(again.size(), 1U) << payment().failure();
    EXPECT_EQ(again[0].amount.value() - first.amount.value(), 8'001U) << "with L's 100 ppm of it";
    EXPECT_EQ(again[0].cltv_expiry.value() - first.cltv_expiry.value(), 8U);
    EXPECT_EQ(again[0].payment_hash, first.payment_hash) << "the payee chose it";
    added(7);
    EXPECT_TRUE(of<AddHtlc>(refused_by_m(nine_sat(), 7, with_type)).empty()) << "once";
    EXPECT_EQ(state(), "failed");
    EXPECT_NE(payment().failure().find("fee_insufficient from hop 2"), std::string::npos) << payment().failure();
  }
}

// [B4-orig-05]
TEST_F(OldHint, an_update_of_another_channel_or_garbage_changes_nothing) {
  pay_invoice();
  auto other = nine_sat();
  other.short_channel_id = scid(2);
  EXPECT_TRUE(of<AddHtlc>(refused_by_m(other, 6)).empty());
  EXPECT_NE(payment().failure().find("fee_insufficient"), std::string::npos);
  for (std::size_t size : {0, 1, 3, 200}) {
    DecodedFailure failure{1, onion::kFeeInsufficient, "", Writer().u64(1).u16(100).bytes(Bytes(size, 7)).take()};
    EXPECT_FALSE(update_in(failure).has_value()) << size;
  }
}

TEST_F(OldHint, a_fee_above_the_limit_is_not_paid_whatever_a_hop_says) {
  pay_invoice();
  auto dear = nine_sat();
  dear.fee_base_msat = 900'000'000;
  EXPECT_TRUE(of<AddHtlc>(refused_by_m(dear, 6)).empty());
  EXPECT_EQ(state(), "failed");
  EXPECT_NE(payment().failure().find("last: fee_insufficient from hop 2"), std::string::npos) << payment().failure();
}

// ---- the same command again ----

struct Keys : Outlook {
  command::Pay keyed(std::string name = "order 17") {
    command::Pay out;
    out.offer = world.offer.text();
    out.idempotency_key = std::move(name);
    return out;
  }
};

TEST_F(Keys, a_repeated_command_pays_once_and_is_answered_by_the_first_payment) {
  auto asked = of<RequestInvoice>(s.command(keyed(), 1));
  ASSERT_EQ(asked.size(), 1U);
  id = asked[0].request.payment_id;
  EXPECT_TRUE(of<RequestInvoice>(s.command(keyed(), 2)).empty());
  s.step(StaticInvoiceObtained{id, world.static_invoice(), world.request()});
  added();
  paths();
  outcome(pong(committed()), kConfirmed);
  EXPECT_EQ(answered(1), 1U);
  EXPECT_EQ(answered(2), 1U);
  s.restart();
  EXPECT_TRUE(of<RequestInvoice>(s.command(keyed(), 3)).empty());
  ASSERT_EQ(answered(3), 1U);
  EXPECT_EQ(text_of(std::get<Value>(replies().back().result), "payment_id"), id.hex());
  EXPECT_EQ(text_of(shown(), "idempotency_key"), "order 17");
  EXPECT_EQ(s.count(Table::OutgoingPayment), 1U);
}

TEST_F(Keys, a_payment_that_failed_is_told_again_and_not_tried_again) {
  id = of<RequestInvoice>(s.command(keyed(), 1)).at(0).request.payment_id;
  s.step(InvoiceFailed{id, CommandError{CommandErrorCode::PaymentFailed, "no invoice", {}}});
  s.restart();
  EXPECT_TRUE(of<RequestInvoice>(s.command(keyed(), 2)).empty());
  EXPECT_EQ(error().message, "no invoice");
}

TEST_F(Keys, another_key_is_another_payment_and_the_same_key_with_another_amount_is_refused) {
  EXPECT_EQ(of<RequestInvoice>(s.command(keyed("a"), 1)).size(), 1U);
  EXPECT_EQ(of<RequestInvoice>(s.command(keyed("b"), 2)).size(), 1U);
  EXPECT_EQ(of<RequestInvoice>(s.command(keyed(""), 3)).size(), 1U);
  EXPECT_EQ(of<RequestInvoice>(s.command(keyed(""), 4)).size(), 1U);
  auto other = keyed("a");
  other.amount = Msat(60'000'000);
  EXPECT_TRUE(of<RequestInvoice>(s.command(other, 5)).empty());
  EXPECT_EQ(error().code, CommandErrorCode::Refused);
  EXPECT_NE(error().message.find("another payment"), std::string::npos);
}

TEST_F(Keys, a_key_of_64_bytes_is_taken_one_byte_more_is_refused) {
  EXPECT_EQ(of<RequestInvoice>(s.command(keyed(std::string(command::kIdempotencyKeyBytes, 'k')), 1)).size(), 1U);
  EXPECT_TRUE(of<RequestInvoice>(s.command(keyed(std::string(command::kIdempotencyKeyBytes + 1, 'k')), 2)).empty());
  EXPECT_EQ(error().code, CommandErrorCode::BadRequest);
}

// ---- what was agreed ----

TEST_F(Outlook, offer_note_quantity_and_times_are_shown_of_a_payment) {
  command::Pay command;
  command.payer_note = "order 17";
  pay(command);
  EXPECT_EQ(text_of(shown(), "offer"), world.offer.text());
  EXPECT_EQ(text_of(shown(), "payer_note"), "order 17");
  EXPECT_EQ(text_of(shown(), "static_invoice_hex"), to_hex(payment().invoice));
  s.restart();
  EXPECT_EQ(text_of(shown(), "payer_note"), "order 17");
  s.said.clear();
  s.command(command::ListPayments{}, 77);
  auto list = std::get<List>(std::get<Value>(s.all<Reply>().at(0).result).find("payments")->inner());
  EXPECT_EQ(text_of(list.at(0), "offer"), world.offer.text());
  EXPECT_EQ(text_of(list.at(0), "static_invoice_hex"), "") << "lists stay short";
}

// The hops of the first payment know its preimage, and would keep the second one.
TEST_F(Outlook, an_invoice_with_the_hash_of_another_payment_of_ours_is_not_paid) {
  auto with_hash = [&](std::uint8_t number) {
    auto request = offers::InvoiceRequest::parse(world.request());
    offers::InvoiceTerms terms;
    auto r_context = world.r.context();
    for (auto& path :
         payment_paths_to_self(r_context, seal(*world.r.signer, world.terms()), 1, CltvExpiry(100'000), std::nullopt))
      terms.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
    terms.created_at = s.wall;
    terms.payment_hash = hash(number);
    terms.node_key = key(61);
    command::Pay command;
    command.offer = world.offer.text();
    id = of<RequestInvoice>(s.command(command)).at(0).request.payment_id;
    return s.step(InvoiceObtained{id, offers::Invoice::make(*request, terms)->bytes(), world.request()});
  };
  EXPECT_EQ(of<AddHtlc>(with_hash(7)).size(), 1U);
  EXPECT_TRUE(of<AddHtlc>(with_hash(7)).empty());  // the first one is under way
  EXPECT_NE(payment().failure().find("repeats the payment hash"), std::string::npos) << payment().failure();
  s.restart();
  s.usable(1);
  EXPECT_TRUE(of<AddHtlc>(with_hash(7)).empty());
  EXPECT_EQ(state(), "failed");
  EXPECT_EQ(of<AddHtlc>(with_hash(8)).size(), 1U);
}

TEST_F(Outlook, an_ordinary_payment_shows_its_signed_invoice_and_only_with_it_a_proof) {
  command::Pay command;
  command.offer = world.offer.text();
  id = of<RequestInvoice>(s.command(command)).at(0).request.payment_id;
  auto request = offers::InvoiceRequest::parse(world.request());
  offers::InvoiceTerms terms;
  auto r_context = world.r.context();
  for (auto& path :
       payment_paths_to_self(r_context, seal(*world.r.signer, world.terms()), 1, CltvExpiry(100'000), std::nullopt))
    terms.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
  terms.created_at = s.wall;
  terms.payment_hash = hash(7);
  terms.node_key = key(61);
  auto invoice = offers::Invoice::make(*request, terms);
  ASSERT_TRUE(invoice.has_value());
  s.step(InvoiceObtained{id, invoice->bytes(), world.request()});
  added();
  s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 5, preimage(7)});
  auto value = shown();
  EXPECT_EQ(text_of(value, "state"), "settled");
  EXPECT_EQ(text_of(value, "invoice"), invoice->text());
  EXPECT_TRUE(flag_of(value, "proof_of_payment"));
  auto without = payment();
  without.invoice.clear();
  EXPECT_FALSE(flag_of(describe(without, s.context()), "proof_of_payment"));
}

// [AP-onion-04]
TEST_F(Outlook, the_onion_for_an_ordinary_invoice_has_neither_preimage_nor_request) {
  command::Pay command;
  command.offer = world.offer.text();
  id = of<RequestInvoice>(s.command(command)).at(0).request.payment_id;
  auto request = offers::InvoiceRequest::parse(world.request());
  offers::InvoiceTerms terms;
  auto r_context = world.r.context();
  for (auto& path :
       payment_paths_to_self(r_context, seal(*world.r.signer, world.terms()), 1, CltvExpiry(100'000), std::nullopt))
    terms.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
  terms.created_at = s.wall;
  terms.payment_hash = hash(7);
  terms.node_key = key(61);
  auto from_s =
      of<AddHtlc>(s.step(InvoiceObtained{id, offers::Invoice::make(*request, terms)->bytes(), world.request()}));
  ASSERT_EQ(from_s.size(), 1U);
  EXPECT_EQ(from_s[0].payment_hash, hash(7));
  auto from_l = of<AddHtlc>(world.l.step(HtlcReceived{channel_id(1), s.id, on_wire(from_s[0], 0)}));
  ASSERT_EQ(from_l.size(), 1U);
  auto from_m = of<AddHtlc>(world.m.step(HtlcReceived{channel_id(2), world.l.id, on_wire(from_l[0], 0)}));
  ASSERT_EQ(from_m.size(), 1U);
  auto peeled = world.r.peel(on_wire(from_m[0], 0));
  const auto* last = std::get_if<onion::PeeledFinal>(&peeled);
  ASSERT_NE(last, nullptr);
  EXPECT_FALSE(last->preimage);
  EXPECT_FALSE(last->invoice_request);
  EXPECT_EQ(last->amt_to_forward, last->total_amount);
}

}  // namespace
}  // namespace doze::payment::testing
