// What is claimed is not yet received: claiming, settled, lost, and what both ends are told of what was agreed.
#include "attempts.h"
#include "effects/record_io.h"
#include "offers/invoice.h"

namespace doze::payment::testing {
namespace {

struct Claims : Recipient {
  Effects gone(std::uint64_t htlc_id, bool fulfilled = true) {
    return r.step(ReceivedHtlcGone{channel_id(3), htlc_id, fulfilled});
  }
  Value listed() {
    r.said.clear();
    r.command(command::ListPayments{}, 77);
    auto value = std::get<Value>(r.all<Reply>().at(0).result);
    return std::get<List>(value.find("payments")->inner()).at(0);
  }
  Value got(const PaymentHash& hash) {
    r.said.clear();
    r.command(command::GetPayment{id_of(hash)}, 77);
    return std::get<Value>(r.all<Reply>().at(0).result);
  }
  static PaymentId id_of(const PaymentHash& hash) {
    PaymentId out;
    out.bytes = hash.bytes;
    return out;
  }
  std::optional<Fields> told(Event event) {
    for (const auto& word : r.all<Notify>())
      if (word.event == event) return word.facts;
    return std::nullopt;
  }
  std::size_t rows() { return r.count(Table::IncomingPayment) + r.count(Table::EndedPayment); }
};

TEST_F(Claims, a_payment_is_claiming_until_its_htlc_is_gone_from_both_commitments) {
  receive(right());
  auto event = told("payment_received");
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(text_of(Value(*event), "state"), "claiming");
  EXPECT_FALSE(flag_of(Value(*event), "safe_to_sleep"));
  EXPECT_EQ(number_of(*event, "awake_by_height"), 842U - 18U);
  EXPECT_FALSE(told("payment_settled").has_value());
  auto shown = listed();
  EXPECT_EQ(text_of(shown, "state"), "claiming");
  EXPECT_FALSE(flag_of(shown, "safe_to_sleep"));
  EXPECT_EQ(number_of(shown, "awake_by_height"), 842U - 18U);
  EXPECT_NE(text_of(shown, "message").find("awake again by height 824"), std::string::npos)
      << text_of(shown, "message");
  r.wall = after_s(r.wall, 60);
  gone(0);
  event = told("payment_settled");
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(flag_of(Value(*event), "safe_to_sleep"));
  EXPECT_EQ(number_of(*event, "amount_msat"), 50'000'000U);
  shown = listed();
  EXPECT_EQ(text_of(shown, "state"), "settled");
  EXPECT_TRUE(flag_of(shown, "safe_to_sleep"));
  EXPECT_EQ(shown.find("awake_by_height"), nullptr);
  EXPECT_NE(text_of(shown, "ended_at"), text_of(shown, "created_at"));
  r.said.clear();
  gone(0);  // once
  EXPECT_TRUE(r.said.empty());
}

TEST_F(Claims, the_state_survives_a_restart_at_each_point) {
  receive(right());
  r.restart();
  EXPECT_EQ(text_of(listed(), "state"), "claiming");
  r.usable(3);
  gone(0);
  r.restart();
  EXPECT_EQ(text_of(listed(), "state"), "settled");
  EXPECT_EQ(rows(), 1U);
}

TEST_F(Claims, other_htlcs_and_those_that_went_back_settle_nothing) {
  receive(right());
  for (std::uint64_t other : {1, 2}) gone(other);
  gone(0, false);
  EXPECT_EQ(text_of(listed(), "state"), "claiming");
}

TEST_F(Claims, a_payment_whose_channel_closed_before_is_lost_and_one_that_was_settled_is_not) {
  auto attempt = right();
  receive(attempt);
  gone(0);
  attempt.htlc_id = 1;
  receive(attempt);
  r.channels.at(channel_id(3)).phase = ChannelPhase::ForceClosing;
  r.unusable(3);
  EXPECT_NE(text_of(listed(), "message").find("its channel closes on chain"), std::string::npos);
  EXPECT_FALSE(flag_of(listed(), "safe_to_sleep"));
  r.channels.at(channel_id(3)).phase = ChannelPhase::Closed;
  r.said.clear();
  r.step(ChannelClosed{channel_id(3), world.m.id, "the peer published its commitment"});
  auto event = told("payment_lost");
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(text_of(Value(*event), "state"), "lost");
  std::map<std::string, int> states;
  r.said.clear();
  r.command(command::ListPayments{}, 77);
  auto value = std::get<Value>(r.all<Reply>().at(0).result);
  for (const auto& row : std::get<List>(value.find("payments")->inner())) ++states[text_of(row, "state")];
  EXPECT_EQ(states, (std::map<std::string, int>{{"lost", 1}, {"settled", 1}}));
}

TEST_F(Claims, a_channel_that_is_forgotten_or_closed_at_the_start_keeps_nothing_claiming) {
  receive(right());
  r.channels.at(channel_id(3)).phase = ChannelPhase::Closed;
  r.restart();
  EXPECT_EQ(text_of(listed(), "state"), "lost");
}

TEST_F(Claims, rows_of_4887d87_load_as_settled) {
  RecordWriter old(1);
  old.all(hash(1), channel_id(3), std::uint64_t{7}, Msat(5'000), world.offer.id(), true, std::string("tea"), r.wall);
  r.rows[{Table::IncomingPayment, key_of({channel_id(3), 7})}] = old.take();
  r.restart();
  auto shown = listed();
  EXPECT_EQ(text_of(shown, "state"), "settled");
  EXPECT_EQ(text_of(shown, "payer_note"), "tea");
  EXPECT_TRUE(flag_of(shown, "safe_to_sleep"));
}

TEST_F(Claims, an_offer_counts_what_is_settled_and_nothing_that_is_lost) {
  receive(right());
  EXPECT_TRUE(r.all<OfferPaid>().empty());
  r.channels.at(channel_id(3)).phase = ChannelPhase::Closed;
  r.step(ChannelClosed{channel_id(3), world.m.id, "closed"});
  EXPECT_TRUE(r.all<OfferPaid>().empty());
}

// ---- what was agreed ----

TEST_F(Claims, note_quantity_and_offer_are_shown_of_payments_for_ordinary_and_static_invoices) {
  auto attempt = right();
  attempt.request = world.request(std::nullopt, "order 17");
  receive(attempt);
  EXPECT_EQ(text_of(Value(*told("payment_received")), "payer_note"), "order 17");
  EXPECT_EQ(text_of(listed(), "payer_note"), "order 17");
  EXPECT_EQ(text_of(listed(), "offer"), world.offer.text());
}

TEST_F(Claims, a_note_for_an_online_offer_comes_with_the_htlc_and_costs_nothing_before) {
  auto attempt = invoice();
  auto terms = world.terms();
  terms.kind = PaymentContext::Kind::Invoice;
  terms.amount = Msat(50'000'000);
  terms.nonce.fill(5);
  terms.quantity = 3;
  terms.payer_note = "order 18 \xe2\x82\xac";
  attempt.path_id = seal(*r.signer, terms);
  EXPECT_EQ(rows(), 0U);
  receive(attempt);
  auto event = told("payment_received");
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(text_of(Value(*event), "payer_note"), terms.payer_note);
  EXPECT_EQ(number_of(*event, "quantity"), 3U);
  r.restart();
  EXPECT_EQ(text_of(listed(), "payer_note"), terms.payer_note);
  EXPECT_EQ(number_of(listed(), "quantity"), 3U);
}

TEST_F(Claims, a_long_note_is_cut_between_characters_and_its_onion_still_has_room) {
  PaymentContext terms = world.terms();
  terms.kind = PaymentContext::Kind::Invoice;
  for (std::size_t i = 0; i < 400; ++i) terms.payer_note += "\xe2\x82\xac";  // three bytes each
  auto read = open_payment_context(*r.signer, seal(*r.signer, terms));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->payer_note.size(), kCarriedNoteBytes - kCarriedNoteBytes % 3);
  EXPECT_TRUE(is_utf8(bytes_of(read->payer_note)));
  // Over two ordinary hops and M's of the path, as real payers build it.
  terms.amount = Msat(50'000'000);
  auto r_context = r.context();
  auto path_id = seal(*r.signer, terms);
  offers::InvoiceTerms made;
  for (auto& path : payment_paths_to_self(r_context, path_id, 1, CltvExpiry(100'000), std::nullopt))
    made.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
  made.created_at = r.wall;
  made.payment_hash = hash(7);
  made.node_key = key(61);
  auto request = offers::InvoiceRequest::parse(world.request());
  Outgoing payment;
  payment.amount = Msat(50'000'000);
  payment.max_fee = Msat(1'000'000);
  payment.invoice = offers::Invoice::make(*request, made)->bytes();
  payment.invoice_request = world.request();
  payment.payment_hash = hash(7);
  auto prepared = prepare(world.s.context(), payment, CltvExpiry(801), false);
  ASSERT_TRUE(prepared.has_value()) << prepared.error().why;
  EXPECT_EQ(prepared->onion.hops.size(), 3U);
}

// ---- asking for one payment ----

// A cut in the middle of a character once ended whoever read the note.
TEST_F(Claims, notes_of_every_length_and_width_of_characters_are_cut_between_two_of_them) {
  for (const char* character : {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x9c\x9a"})
    for (std::size_t shift = 0; shift < 4; ++shift) {
      PaymentContext terms = world.terms();
      terms.payer_note = std::string(shift, 'x');
      while (terms.payer_note.size() < kCarriedNoteBytes + 8) {
        auto read = open_payment_context(*r.signer, seal(*r.signer, terms));
        ASSERT_TRUE(read.has_value());
        ASSERT_TRUE(is_utf8(bytes_of(read->payer_note)));
        EXPECT_TRUE(terms.payer_note.starts_with(read->payer_note));
        EXPECT_LE(read->payer_note.size(), kCarriedNoteBytes);
        EXPECT_GT(read->payer_note.size() + 4, std::min(terms.payer_note.size(), kCarriedNoteBytes));
        terms.payer_note += character;
      }
    }
}

TEST_F(Claims, getpayment_finds_a_payment_to_us_by_its_hash) {
  receive(right());
  EXPECT_EQ(text_of(got(hash(1)), "state"), "claiming");
  EXPECT_EQ(text_of(got(hash(1)), "direction"), "incoming");
  gone(0);
  EXPECT_EQ(text_of(got(hash(1)), "state"), "settled");
  r.said.clear();
  r.command(command::GetPayment{id_of(hash(2))}, 77);
  EXPECT_EQ(std::get<CommandError>(r.all<Reply>().at(0).result).code, CommandErrorCode::NotFound);
}

TEST_F(Claims, waitpayment_for_a_payment_to_us_answers_when_it_is_claiming_or_settled) {
  receive(right());
  r.said.clear();
  r.command(command::WaitPayment{id_of(hash(1)), false}, 1);
  r.command(command::WaitPayment{id_of(hash(1)), true}, 2);
  ASSERT_EQ(r.all<Reply>().size(), 1U);
  EXPECT_EQ(r.all<Reply>()[0].request, 1U);
  r.step(RequestGone{2});
  r.command(command::WaitPayment{id_of(hash(1)), true}, 3);
  gone(0);
  ASSERT_EQ(r.all<Reply>().size(), 2U);
  EXPECT_EQ(r.all<Reply>()[1].request, 3U);
  EXPECT_EQ(text_of(std::get<Value>(r.all<Reply>()[1].result), "state"), "settled");
}

TEST_F(Claims, an_invoice_is_open_until_it_is_paid_or_expires_and_waitpayment_waits_so_long) {
  command::CreateInvoice wanted;
  wanted.amount = Msat(1'000'000);
  wanted.expiry_s = 600;
  r.command(wanted, 1);
  auto hash = PaymentHash::from_hex_or_die(text_of(std::get<Value>(r.all<Reply>().at(0).result), "payment_hash"));
  EXPECT_EQ(text_of(got(hash), "state"), "open");
  r.said.clear();
  r.command(command::WaitPayment{id_of(hash), true}, 5);
  EXPECT_TRUE(r.all<Reply>().empty());
  ASSERT_EQ(r.deadline(), after_ms(r.mono, 601'000));
  r.next_deadline();
  ASSERT_EQ(r.all<Reply>().size(), 1U);
  EXPECT_EQ(text_of(std::get<Value>(r.all<Reply>()[0].result), "state"), "expired");
  EXPECT_FALSE(r.deadline().has_value());
}

TEST_F(Claims, waitpayment_for_an_invoice_that_lives_for_years_answers_after_a_day) {
  command::CreateInvoice wanted;
  wanted.amount = Msat(1'000'000);
  wanted.expiry_s = 31'536'000;
  r.command(wanted, 1);
  auto hash = PaymentHash::from_hex_or_die(text_of(std::get<Value>(r.all<Reply>().at(0).result), "payment_hash"));
  r.said.clear();
  r.command(command::WaitPayment{id_of(hash), true}, 5);
  ASSERT_EQ(r.deadline(), after_ms(r.mono, (kLongestWaitS + 1) * 1'000));
  r.next_deadline();
  ASSERT_EQ(r.all<Reply>().size(), 1U);
  EXPECT_EQ(text_of(std::get<Value>(r.all<Reply>()[0].result), "state"), "open");
}

TEST_F(Claims, a_payment_that_is_settled_leaves_memory_and_is_found_by_its_hash) {
  receive(right());
  gone(0);
  EXPECT_EQ(r.room.inside->incoming.size(), 0U);
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
  for (int start = 0; start < 2; ++start) {
    EXPECT_EQ(text_of(got(hash(1)), "state"), "settled");
    EXPECT_EQ(text_of(listed(), "state"), "settled");
    r.said.clear();
    r.command(command::WaitPayment{id_of(hash(1))}, 78);
    EXPECT_EQ(r.all<Reply>().size(), 1U);
    r.restart();
    EXPECT_EQ(r.room.inside->incoming.size(), 0U);
  }
}

TEST_F(Claims, who_waits_for_a_payment_that_settles_while_the_store_is_asked_is_answered) {
  receive(right());
  r.reads_at_once = false;
  r.command(command::ListPayments{}, 1);  // keeps it in memory
  gone(0);
  r.said.clear();
  r.command(command::WaitPayment{id_of(hash(1))}, 78);
  ASSERT_EQ(r.all<Reply>().size(), 1U);
  EXPECT_EQ(text_of(std::get<Value>(r.all<Reply>()[0].result), "state"), "settled");
  auto page = of<Reply>(r.answer_reads());
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(std::get<List>(std::get<Value>(page[0].result).find("payments")->inner()).size(), 1U);
  EXPECT_EQ(r.room.inside->incoming.size(), 0U);
}

TEST_F(Claims, rows_of_an_older_program_that_are_over_move_once_at_the_first_start) {
  receive(right());
  gone(0);
  auto ended = rows_of_table(r.rows, Table::EndedPayment);
  ASSERT_EQ(ended.size(), 1U);
  r.rows.clear();
  r.rows[{Table::IncomingPayment, key_of({channel_id(3), 0})}] = ended[0].value;  // as it was
  r.restart();
  EXPECT_EQ(r.count(Table::IncomingPayment), 0U);
  EXPECT_EQ(r.count(Table::EndedPayment), 1U);
  EXPECT_EQ(text_of(got(hash(1)), "state"), "settled");
  auto stored = r.rows;
  r.restart();
  EXPECT_EQ(r.rows, stored);
}

}  // namespace
}  // namespace doze::payment::testing
