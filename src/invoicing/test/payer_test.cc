// S takes the first good answer to its own live request, and nothing else.
#include "effects/test/hostile_texts.h"
#include "fake_node.h"
#include "invoicing/issuer.h"

namespace doze::invoicing::testing {
namespace {

struct Payer : ::testing::Test {
  World world;
  FakeNode& s = world.s;
  offers::Offer offer = (world.join(), world.offer_served());
  SendOnionMessage request = World::only(world.ask(offer));

  /// What M would answer, and a place for other contents.
  OnionMessageReceived answer() {
    return world.arriving(world.m, s, World::with<onion::StaticInvoice>(world.deliver(s, world.m, request)));
  }
  OnionMessageReceived answer(onion::MessageContents contents) {
    auto word = answer();
    word.contents = std::move(contents);
    return word;
  }
  offers::StaticInvoice good() {
    return *offers::StaticInvoice::parse(std::get<onion::StaticInvoice>(answer().contents).bytes);
  }
  Bytes remade(const offers::Offer& of, const std::function<void(offers::StaticInvoiceTerms&)>& change) {
    auto old = good();
    offers::StaticInvoiceTerms terms;
    terms.payment_paths = old.payment_paths();
    terms.message_paths = old.message_paths();
    terms.created_at = old.created_at();
    terms.node_key = issuer_key(*world.r.signer, world.r.room.inside->own.at(offer.id()).nonce);
    change(terms);
    auto made = offers::StaticInvoice::make(of, terms);
    return made ? made->bytes() : Bytes{};
  }
  /// M's answer to a request for an ordinary offer of 5,000 msat.
  Effects ask_for_tea() {
    command::CreateOffer command;
    command.amount = Msat(5'000);
    command.description = "tea";
    world.m.command(command);
    const auto& own = world.m.room.inside->own;
    LN_ASSERT(own.size() == 1);
    return world.deliver(s, world.m, World::only(world.ask(own.begin()->second.offer, 7)));
  }
  /// The nodes at which its payment paths begin.
  std::vector<wire::IntroductionNode> ways_to_tea() {
    auto invoice = offers::Invoice::parse(contents_of<onion::Invoice>(ask_for_tea()).at(0).bytes);
    LN_ASSERT(invoice.has_value());
    std::vector<wire::IntroductionNode> out;
    for (const auto& way : invoice->payment_paths()) out.push_back(way.path.first_node_id);
    return out;
  }
  /// No invoice for the payment room; the log says why; the request lives on.
  void expect_ignored(const Effects& effects, std::string_view reason) {
    EXPECT_TRUE(of<StaticInvoiceObtained>(effects).empty() && of<InvoiceObtained>(effects).empty());
    EXPECT_TRUE(of<InvoiceFailed>(effects).empty());
    std::string said;
    for (const auto& word : of<Notify>(effects)) said += text_of(Value(word.facts), "reason");
    EXPECT_NE(said.find(reason), std::string::npos) << said;
    EXPECT_EQ(s.room.inside->asking.size(), 1U);
  }
  static void expect_failed(const Effects& effects, CommandErrorCode code, std::string_view text) {
    auto failed = of<InvoiceFailed>(effects);
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].payment_id, World::payment(1));
    EXPECT_EQ(failed[0].error.code, code);
    EXPECT_NE(failed[0].error.message.find(text), std::string::npos) << failed[0].error.message;
    EXPECT_TRUE(of<StaticInvoiceObtained>(effects).empty() && of<InvoiceObtained>(effects).empty());
  }
};

TEST_F(Payer, the_static_invoice_of_the_offer_goes_to_the_payment_with_the_request_that_was_sent) {
  auto effects = s.step(answer());
  auto obtained = of<StaticInvoiceObtained>(effects);
  ASSERT_EQ(obtained.size(), 1U);
  EXPECT_EQ(obtained[0].payment_id, World::payment(1));
  EXPECT_EQ(obtained[0].invoice_request, std::get<onion::InvoiceRequest>(request.contents).bytes);
  EXPECT_EQ(offers::StaticInvoice::parse(obtained[0].static_invoice)->offer(), offer);
}

TEST_F(Payer, the_first_good_invoice_wins_and_nothing_counts_after_it) {
  auto word = answer();
  auto error = answer(onion::InvoiceError{offers::InvoiceError{std::nullopt, std::nullopt, "no"}.encode()});
  EXPECT_EQ(of<StaticInvoiceObtained>(s.step(word)).size(), 1U);
  EXPECT_TRUE(s.step(word).empty());
  EXPECT_TRUE(s.step(error).empty());
  EXPECT_TRUE(s.pass(kInvoiceWaitMs).empty());
}

// [B12-invread-20, B4-msg-17]
TEST_F(Payer, an_invoice_counts_only_over_our_own_reply_path) {
  auto word = answer();
  auto wrong = word;
  wrong.path_id.reset();
  EXPECT_TRUE(s.step(wrong).empty());
  for (std::size_t at = 0; at < word.path_id->size(); ++at) {
    wrong = word;
    wrong.path_id->at(at) ^= 1;
    EXPECT_TRUE(s.step(wrong).empty());
  }
  wrong.path_id = seal(*s.signer, PathPurpose::InvoiceRequestReply, World::payment(2).view());  // not asked for
  EXPECT_TRUE(s.step(wrong).empty());
  wrong.path_id = seal(*s.signer, PathPurpose::PersistedReply, World::payment(1).view());
  EXPECT_TRUE(s.step(wrong).empty());
  EXPECT_EQ(of<StaticInvoiceObtained>(s.step(word)).size(), 1U);
}

// Whoever kept the invoice of an earlier payment may not hand it out again: the hops of that payment know its preimage.
TEST_F(Payer, an_invoice_that_was_made_for_another_request_is_ignored) {
  auto invoice_for = [&](const SendOnionMessage& asked) {
    auto passed_on = World::with<onion::InvoiceRequest>(world.deliver(s, world.m, asked));
    return World::with<onion::Invoice>(world.deliver(world.m, world.r, passed_on));
  };
  auto first = world.arriving(world.r, s, invoice_for(request));
  EXPECT_EQ(of<InvoiceObtained>(s.step(first)).size(), 1U);
  auto second = invoice_for(World::only(world.ask(offer, 2)));
  auto word = world.arriving(world.r, s, second);
  auto good = std::exchange(word.contents, first.contents);
  expect_ignored(s.step(word), "does not fit the request");
  word.contents = good;
  EXPECT_EQ(of<InvoiceObtained>(s.step(word)).size(), 1U);
}

TEST_F(Payer, an_invoice_of_a_cancelled_request_is_ignored) {
  auto word = answer();
  s.step(CancelInvoiceRequest{World::payment(1)});
  EXPECT_TRUE(s.step(word).empty());
}

TEST_F(Payer, garbage_or_a_wrong_signature_is_ignored_and_said) {
  expect_ignored(s.step(answer(onion::StaticInvoice{Bytes(30, 1)})), "does not parse");
  auto forged = good().bytes();
  forged.back() ^= 1;
  expect_ignored(s.step(answer(onion::StaticInvoice{forged})), "does not parse");
  EXPECT_EQ(of<StaticInvoiceObtained>(s.step(answer())).size(), 1U);  // the good one still counts
}

TEST_F(Payer, an_invoice_for_any_other_offer_is_ignored) {
  offers::OfferTerms terms;
  terms.chains = offer.chains();
  terms.amount = offer.amount();
  terms.description = "coffef";  // one letter
  terms.paths = offer.paths();
  terms.absolute_expiry = offer.absolute_expiry();
  terms.issuer_id = offer.issuer_id();
  auto other = *offers::Offer::make(terms);
  expect_ignored(s.step(answer(onion::StaticInvoice{remade(other, [](auto&) {})})), "does not fit the offer");
}

TEST_F(Payer, an_invoice_signed_by_a_key_that_the_offer_does_not_name_cannot_be) {
  EXPECT_TRUE(remade(offer, [](auto& terms) { terms.node_key = key(77); }).empty());
}

TEST_F(Payer, an_invoice_that_asks_for_several_parts_is_ignored) {
  auto parts = remade(offer, [](auto& terms) { terms.features = wire::FeatureBits{16}; });
  expect_ignored(s.step(answer(onion::StaticInvoice{parts})), "does not fit the offer");
  auto optional = remade(offer, [](auto& terms) { terms.features = wire::FeatureBits{17}; });
  EXPECT_EQ(of<StaticInvoiceObtained>(s.step(answer(onion::StaticInvoice{optional}))).size(), 1U);
}

TEST_F(Payer, an_expired_invoice_is_a_clear_error_at_once) {
  auto word = answer();
  s.wall = good().expires_at();
  s.wall = after_s(s.wall, 1);
  expect_failed(s.step(word), CommandErrorCode::Expired, "has expired");
}

TEST_F(Payer, an_invoice_in_its_last_second_is_good) {
  auto word = answer();
  s.wall = good().expires_at();
  EXPECT_EQ(of<StaticInvoiceObtained>(s.step(word)).size(), 1U);
}

TEST_F(Payer, an_invoice_error_ends_it_with_the_recipients_words_made_harmless) {
  offers::InvoiceError error{std::nullopt, std::nullopt, "gone\n\x1b[31m away"};
  auto effects = s.step(answer(onion::InvoiceError{error.encode(), Profile::Draft}));
  expect_failed(effects, CommandErrorCode::PaymentFailed, "gone");
  auto message = of<InvoiceFailed>(effects).at(0).error.message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

TEST_F(Payer, no_text_of_an_invoice_error_can_forge_a_line_of_the_log) {
  std::uint8_t number = 10;
  for (const auto& text : hostile_texts()) {
    if (text.size() > 4'000) continue;  // fits into no onion message of ours
    auto asked = World::only(world.ask(offer, ++number));
    auto word = world.arriving(world.m, s, World::with<onion::StaticInvoice>(world.deliver(s, world.m, asked)));
    word.contents = onion::InvoiceError{offers::InvoiceError{{}, {}, text}.encode(), Profile::Ldk};
    auto effects = s.step(word);
    for (const auto& line : of<Notify>(effects)) expect_harmless(line);
    ASSERT_EQ(of<InvoiceFailed>(effects).size(), 1U);
    expect_harmless(of<InvoiceFailed>(effects)[0].error.message);
  }
}

TEST_F(Payer, an_invoice_error_that_does_not_parse_ends_it_too) {
  expect_failed(s.step(answer(onion::InvoiceError{Bytes(5, 0xff)})), CommandErrorCode::PaymentFailed, "refuses");
}

// [B12-read-14]
TEST_F(Payer, a_request_is_repeated_and_given_up_after_a_minute_with_the_reason) {
  std::size_t asked = 0;
  for (std::uint64_t ms = kInvoiceRepeatMs; ms < kInvoiceWaitMs; ms += kInvoiceRepeatMs) {
    auto effects = s.pass(kInvoiceRepeatMs);
    for (const auto& again : contents_of<onion::InvoiceRequest>(effects)) {
      EXPECT_EQ(again.bytes, std::get<onion::InvoiceRequest>(request.contents).bytes);  // the same request
      ++asked;
    }
    EXPECT_TRUE(of<InvoiceFailed>(effects).empty());
  }
  EXPECT_EQ(asked, kInvoiceWaitMs / kInvoiceRepeatMs - 1);
  s.step(OnionMessageOutcome{of<SendOnionMessage>(s.said).back().tag, OnionMessageFate::Undeliverable});
  expect_failed(s.pass(kInvoiceRepeatMs), CommandErrorCode::PaymentFailed, "cannot be reached");
  EXPECT_TRUE(s.pass(kInvoiceWaitMs).empty());
}

// ---- ordinary invoices ----

// [B12-reqread-14, B12-inv-05, B4-msg-06, B4-msg-19]
TEST_F(Payer, an_ordinary_offer_is_answered_with_an_invoice_that_the_payer_takes) {
  auto answered = ask_for_tea();
  ASSERT_EQ(contents_of<onion::Invoice>(answered).size(), 1U);
  auto word = world.arriving(world.m, s, World::only(answered));
  auto forged = word;
  std::get<onion::Invoice>(forged.contents).bytes.back() ^= 1;
  EXPECT_TRUE(of<InvoiceObtained>(s.step(forged)).empty());
  auto late = word;
  s.wall = after_s(s.wall, offers::kDefaultInvoiceExpiryS + 1);
  EXPECT_TRUE(of<InvoiceObtained>(s.step(late)).empty());
  s.wall = UnixTime(1'700'000'000);
  EXPECT_EQ(of<InvoiceObtained>(s.step(word)).size(), 1U);
  EXPECT_TRUE(s.step(word).empty());
}

// [B12-req-07, B12-req-11]
TEST_F(Payer, two_requests_for_one_offer_have_different_keys_and_metadata) {
  auto read = [](const SendOnionMessage& word) {
    return *offers::InvoiceRequest::parse(std::get<onion::InvoiceRequest>(word.contents).bytes);
  };
  auto first = read(request), second = read(World::only(world.ask(offer, 2)));
  EXPECT_EQ(first.offer(), second.offer());
  EXPECT_NE(first.payer_id(), second.payer_id());
  EXPECT_NE(first.metadata(), second.metadata());
  EXPECT_GE(first.metadata().size(), 16U);
}

// [B12-reqread-06]
TEST_F(Payer, each_request_gets_an_invoice_of_its_own) {
  auto invoice = [](const Effects& effects) {
    return *offers::Invoice::parse(contents_of<onion::Invoice>(effects).at(0).bytes);
  };
  auto first = invoice(ask_for_tea());
  auto again = World::only(world.ask(world.m.room.inside->own.begin()->second.offer, 8));
  auto second = invoice(world.deliver(s, world.m, again)), third = invoice(world.deliver(s, world.m, again));
  EXPECT_NE(first.payment_hash(), second.payment_hash());
  EXPECT_NE(second.payment_hash(), third.payment_hash());
}

// [B12-offer-03]
TEST_F(Payer, offers_of_bitcoin_name_no_chain_and_others_name_theirs) {
  auto chains = [&](wire::Network network) {
    s.config.network = network;
    return terms_of(s.context(), command::CreateOffer{}).chains;
  };
  EXPECT_EQ(chains(wire::Network::Mainnet), std::vector<ChainHash>{});
  EXPECT_EQ(chains(wire::Network::Regtest), std::vector{wire::chain_hash(wire::Network::Regtest)});
}

using Ways = std::vector<wire::IntroductionNode>;

// [B12-inv-10]
TEST_F(Payer, an_invoice_of_a_public_node_begins_at_itself_first) {
  world.m.announce_channel();
  EXPECT_EQ(ways_to_tea(), (Ways{world.m.id, world.r.id}));
}

TEST_F(Payer, an_invoice_begins_at_peers_only_until_the_channel_is_announced) {
  world.m.channels.begin()->second.announced = true;
  EXPECT_EQ(ways_to_tea(), Ways{world.r.id});
}

TEST_F(Payer, a_public_node_that_cannot_receive_the_amount_says_so) {
  world.m.announce_channel();
  world.m.channels.begin()->second.receivable = Msat(4'999);
  EXPECT_EQ(contents_of<onion::InvoiceError>(ask_for_tea()).size(), 1U);
}

TEST_F(Payer, a_disabled_ordinary_offer_is_silent) {
  command::CreateOffer command;
  command.amount = Msat(5'000);
  command.description = "tea";
  world.m.command(command);
  auto tea = world.m.room.inside->own.begin()->second.offer;
  world.m.command(command::DisableOffer{tea.id()});
  // Its path lives on, but tells nobody that we are there.
  EXPECT_TRUE(of<SendOnionMessage>(world.deliver(s, world.m, World::only(world.ask(tea, 7)))).empty());
}

TEST_F(Payer, requests_are_relayed_where_they_can_be_and_repetitions_are_counted) {
  EXPECT_FALSE(request.direct);
  std::vector<std::uint32_t> attempts{request.attempt};
  for (int i = 0; i < 2; ++i) {
    s.mono = after_ms(s.mono, kInvoiceRepeatMs);
    attempts.push_back(World::only(s.step(DeadlineReached{})).attempt);
  }
  EXPECT_EQ(attempts, (std::vector<std::uint32_t>{0, 1, 2}));
}

}  // namespace
}  // namespace doze::invoicing::testing
