// Payments that are over: on disk alone, and never made twice, whatever ends while the store is asked.
#include "offers/bolt11.h"
#include "pages.h"
#include "payer.h"

namespace doze::payment::testing {
namespace {

struct Ended : Payer {
  /// An invoice of L, our neighbour.
  std::string invoice(std::uint8_t number) {
    offers::Bolt11Terms terms;
    terms.network = wire::Network::Regtest;
    terms.amount = Msat(1'000'000);
    terms.timestamp = s.wall;
    terms.fields.emplace_back(hash(number));
    terms.fields.emplace_back(offers::bolt11::PaymentSecret{Hash32{{7}}});
    terms.fields.emplace_back(offers::bolt11::Description{"tea"});
    terms.fields.emplace_back(wire::FeatureBits{wire::kVarOnion, wire::kPaymentSecret});
    auto made = offers::Bolt11Invoice::make(
        terms, world.l.id, [&](const Hash32& digest) { return world.l.signer->sign_with_node_key(digest); });
    LN_ASSERT(made.has_value());
    return made->text();
  }
  Effects pay_invoice(std::uint8_t number, RequestId request = 1, std::string key = "") {
    command::Pay command;
    command.offer = invoice(number);
    command.idempotency_key = std::move(key);
    return s.command(command, request);
  }
  Effects settle(const AddHtlc& add, std::uint64_t htlc_id, std::uint8_t number) {
    s.step(HtlcAdded{add.origin, channel_id(1), htlc_id});
    return s.step(HtlcFulfilled{add.origin, channel_id(1), htlc_id, preimage(number)});
  }
  /// One that settles, and leaves memory.
  PaymentId settled(std::uint8_t number, std::string key = "") {
    auto adds = of<AddHtlc>(pay_invoice(number, 1, std::move(key)));
    LN_ASSERT(adds.size() == 1);
    settle(adds[0], number, number);
    return std::get<LocalOrigin>(adds[0].origin).payment_id;
  }
  static std::vector<std::string> errors(const Effects& effects) {
    std::vector<std::string> out;
    for (const auto& reply : of<Reply>(effects))
      if (const auto* error = std::get_if<CommandError>(&reply.result)) out.push_back(error->message);
    return out;
  }
  std::size_t in_memory() const { return s.room.inside->outgoing.size(); }
};

TEST_F(Ended, a_payment_that_is_over_leaves_memory_and_is_found_by_its_id) {
  auto id = settled(1);
  EXPECT_EQ(in_memory(), 0U);
  EXPECT_EQ(s.count(Table::OutgoingPayment), 0U);
  s.restart();
  EXPECT_EQ(in_memory(), 0U);
  for (const command::Command& asked :
       std::vector<command::Command>{command::GetPayment{id}, command::WaitPayment{id}}) {
    auto reply = of<Reply>(s.command(asked));
    ASSERT_EQ(reply.size(), 1U);
    const auto& shown = std::get<Value>(reply[0].result);
    EXPECT_EQ(text_of(shown, "state"), "settled");
    EXPECT_EQ(text_of(shown, "payment_preimage"), to_hex(preimage(1).reveal()));
  }
  EXPECT_EQ(errors(s.command(command::CancelPayment{id})),
            std::vector<std::string>{"the payment has already ended: settled"});
  id.bytes[0] ^= 1;
  EXPECT_EQ(errors(s.command(command::CancelPayment{id})),
            std::vector<std::string>{"no such payment: see listpayments"});
  EXPECT_EQ(errors(s.command(command::GetPayment{id})).size(), 1U);
}

TEST_F(Ended, an_invoice_that_is_paid_is_not_paid_again_after_any_start) {
  auto id = settled(1);
  for (int start = 0; start < 2; ++start) {
    auto again = pay_invoice(1);
    EXPECT_TRUE(of<AddHtlc>(again).empty());
    EXPECT_EQ(errors(again), std::vector<std::string>{"this invoice is already paid: see getpayment " + id.hex()});
    s.restart();
    s.see(world.l);
    s.usable(1);
  }
}

TEST_F(Ended, two_commands_for_one_invoice_at_once_pay_it_once) {
  s.reads_at_once = false;
  pay_invoice(1, 1);
  pay_invoice(1, 2);
  auto effects = s.answer_reads();
  EXPECT_EQ(of<AddHtlc>(effects).size(), 1U);
  EXPECT_EQ(errors(effects).size(), 1U);
}

TEST_F(Ended, a_payment_that_ends_while_the_store_is_asked_is_not_made_again) {
  auto first = of<AddHtlc>(pay_invoice(1, 1));
  ASSERT_EQ(first.size(), 1U);
  s.reads_at_once = false;
  pay_invoice(1, 2);
  ASSERT_EQ(s.asked.size(), 1U);
  auto before = std::visit([&](const auto& one) { return s.read(one); }, s.asked[0]);  // nothing is over yet
  EXPECT_TRUE(before.rows.empty());
  settle(first[0], 1, 1);
  EXPECT_EQ(in_memory(), 1U);
  auto second = s.step(before);
  EXPECT_TRUE(of<AddHtlc>(second).empty());
  ASSERT_EQ(errors(second).size(), 1U);
  EXPECT_NE(errors(second)[0].find("already paid"), std::string::npos);
  EXPECT_EQ(in_memory(), 0U);  // nobody asks any more
}

TEST_F(Ended, one_idempotency_key_pays_once_however_often_and_whenever_it_comes) {
  s.reads_at_once = false;
  pay_invoice(1, 1, "key");
  pay_invoice(1, 2, "key");
  auto effects = s.answer_reads();
  auto adds = of<AddHtlc>(effects);
  ASSERT_EQ(adds.size(), 1U);
  pay_invoice(1, 3, "key");
  auto done = settle(adds[0], 1, 1);
  EXPECT_EQ(of<Reply>(done).size(), 3U);
  s.reads_at_once = true;
  for (int start = 0; start < 2; ++start) {
    auto again = pay_invoice(1, 4, "key");
    EXPECT_TRUE(of<AddHtlc>(again).empty());
    auto replies = of<Reply>(again);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(text_of(std::get<Value>(replies[0].result), "state"), "settled");
    auto other = errors(pay_invoice(2, 5, "key"));
    ASSERT_EQ(other.size(), 1U);
    EXPECT_NE(other[0].find("belongs to another payment"), std::string::npos);
    s.restart();
    s.see(world.l);
    s.usable(1);
  }
}

TEST_F(Ended, a_caller_who_leaves_while_the_store_is_asked_is_not_answered_later) {
  s.reads_at_once = false;
  pay_invoice(1, 9);
  s.step(RequestGone{9});
  auto adds = of<AddHtlc>(s.answer_reads());
  ASSERT_EQ(adds.size(), 1U);  // it was asked for
  EXPECT_TRUE(of<Reply>(settle(adds[0], 1, 1)).empty());
}

TEST_F(Ended, nothing_waits_for_a_caller_who_leaves_while_the_store_is_asked) {
  auto made = of<Reply>(s.command(command::CreateInvoice{.amount = Msat(1'000), .description = "tea"}));
  ASSERT_EQ(made.size(), 1U);
  auto id = PaymentId::from(*from_hex(text_of(std::get<Value>(made[0].result), "payment_hash")));
  s.reads_at_once = false;
  s.command(command::WaitPayment{*id}, 8);
  s.step(RequestGone{8});
  s.answer_reads();
  EXPECT_TRUE(s.room.inside->receipt_waiters.empty());
  pay_invoice(1, 9, "key");
  pay_invoice(1, 10, "key");
  s.step(RequestGone{10});
  auto adds = of<AddHtlc>(s.answer_reads());
  ASSERT_EQ(adds.size(), 1U);
  auto replies = of<Reply>(settle(adds[0], 1, 1));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].request, RequestId{9});
}

TEST_F(Ended, an_answer_that_comes_after_a_start_is_nobodys) {
  s.reads_at_once = false;
  pay_invoice(1, 1);
  auto late = std::visit([&](const auto& one) { return s.read(one); }, s.asked[0]);
  s.restart();
  EXPECT_TRUE(of<AddHtlc>(s.step(late)).empty());
}

TEST_F(Ended, a_failed_payment_may_be_made_again_and_the_settled_one_counts) {
  auto adds = of<AddHtlc>(pay_invoice(1));
  ASSERT_EQ(adds.size(), 1U);
  s.step(HtlcAdded{adds[0].origin, channel_id(1), 1});
  s.step(HtlcFailed{adds[0].origin, channel_id(1), 1, OnChainReason{}});
  EXPECT_EQ(in_memory(), 0U);
  settled(1);
  EXPECT_EQ(errors(pay_invoice(1)).size(), 1U);
  EXPECT_EQ(s.count(Table::EndedPayment), 2U);
}

TEST_F(Ended, a_preimage_for_one_that_is_over_and_failed_makes_it_settled) {
  auto adds = of<AddHtlc>(pay_invoice(1));
  s.step(HtlcAdded{adds.at(0).origin, channel_id(1), 1});
  s.step(HtlcFailed{adds[0].origin, channel_id(1), 1, OnChainReason{}});
  s.restart();
  s.step(HtlcFulfilled{adds[0].origin, channel_id(1), 1, preimage(1)});
  auto id = std::get<LocalOrigin>(adds[0].origin).payment_id;
  EXPECT_TRUE(s.payment(id)->settled());
  EXPECT_EQ(s.count(Table::EndedPayment), 1U);
  EXPECT_EQ(s.room.inside->sent.size(), 1U);
  EXPECT_EQ(errors(pay_invoice(1)).size(), 1U);
  s.said.clear();
  s.step(HtlcFulfilled{adds[0].origin, channel_id(1), 1, preimage(1)});
  EXPECT_TRUE(s.all<Notify>().empty());  // said once
}

// It was durable only after a second read: a process that ended before told a payment as failed that was paid.
TEST_F(Ended, a_late_preimage_is_not_lost_with_a_process_that_ends_before_the_store_answers) {
  auto adds = of<AddHtlc>(pay_invoice(1));
  s.step(HtlcAdded{adds.at(0).origin, channel_id(1), 1});
  s.step(HtlcFailed{adds[0].origin, channel_id(1), 1, OnChainReason{}});
  auto id = std::get<LocalOrigin>(adds[0].origin).payment_id;
  for (std::size_t answers : {0U, 1U}) {
    s.reads_at_once = false;
    if (answers == 0) s.step(HtlcFulfilled{adds[0].origin, channel_id(1), 1, preimage(1)});
    s.answer_reads(answers);
    EXPECT_TRUE(s.payment(id)->is<Failed>());
    s.restart();
  }
  s.reads_at_once = true;
  s.answer_reads();
  EXPECT_TRUE(s.payment(id)->settled());
  EXPECT_EQ(s.count(Table::OutgoingPayment), 0U);
  EXPECT_EQ(s.count(Table::EndedPayment), 1U);
  EXPECT_EQ(s.room.inside->sent.size(), 1U);
  EXPECT_EQ(s.reasons("unexpected_settlement").size(), 1U);
}

TEST_F(Ended, a_late_preimage_of_nobody_or_of_one_that_is_settled_leaves_no_row) {
  auto id = settled(1);
  s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 9, preimage(1)});
  s.step(HtlcFulfilled{LocalOrigin{PaymentId{{9}}}, channel_id(1), 9, preimage(1)});
  EXPECT_EQ(s.count(Table::OutgoingPayment), 0U);
}

// It had two places among those that leave, and went with the first one.
TEST_F(Ended, one_that_is_touched_again_leaves_when_the_later_question_is_answered) {
  auto adds = of<AddHtlc>(pay_invoice(1));
  s.step(HtlcAdded{adds.at(0).origin, channel_id(1), 1});
  s.reads_at_once = false;
  s.command(command::ListPayments{});
  auto first = s.asked.size();
  s.step(HtlcFailed{adds[0].origin, channel_id(1), 1, OnChainReason{}});
  s.command(command::ListPayments{}, 2);
  s.step(HtlcFulfilled{adds[0].origin, channel_id(1), 1, preimage(1)});
  s.answer_reads(first);
  EXPECT_EQ(in_memory(), 1U);
  s.answer_reads();
  EXPECT_EQ(in_memory(), 0U);
  EXPECT_FALSE(s.room.inside->outgoing.is_leaving());
}

TEST_F(Ended, a_page_shows_once_what_ends_while_it_is_read) {
  settled(1);
  auto adds = of<AddHtlc>(pay_invoice(2));
  s.reads_at_once = false;
  s.command(command::ListPayments{});
  std::vector<RowsRead> before;
  for (const auto& asked : s.asked) before.push_back(std::visit([&](const auto& one) { return s.read(one); }, asked));
  settle(adds.at(0), 2, 2);
  for (bool late : {false, true}) {
    Effects effects;
    if (late) {
      s.command(command::ListPayments{});
      effects = s.answer_reads();
    } else {
      s.asked.clear();
      for (const auto& rows : before)
        for (auto& effect : s.step(rows)) effects.push_back(std::move(effect));
    }
    auto list = std::get<Value>(of<Reply>(effects).at(0).result);
    const auto& rows = std::get<List>(list.find("payments")->inner());
    ASSERT_EQ(rows.size(), 2U);
    for (const auto& row : rows) EXPECT_EQ(text_of(row, "state"), "settled");
  }
}

TEST_F(Ended, rows_of_an_older_program_that_are_over_move_once_at_the_first_start) {
  auto id = settled(1, "key");
  auto row = *s.payment(id);
  s.rows.clear();  // as it was
  auto put = record(row);
  s.rows[{put.table, put.key}] = put.value;
  s.restart();
  s.see(world.l);
  s.usable(1);
  EXPECT_EQ(in_memory(), 0U);
  EXPECT_EQ(s.count(Table::OutgoingPayment), 0U);
  EXPECT_EQ(errors(pay_invoice(1)).size(), 1U);
  EXPECT_TRUE(errors(pay_invoice(1, 2, "key")).empty());
  auto stored = s.rows;
  s.restart();
  EXPECT_EQ(s.rows, stored);
}

// ---- rows of an older program, more than one piece ----

struct Moving : Ended {
  /// More than two pieces of payments that we made, and half a piece of those to us.
  static constexpr std::size_t kSentRows = 2 * kMovedPerStep + 7, kReceivedRows = kMovedPerStep / 2;
  /// Of the first, the middle and the last row in the order of their keys somebody has the invoice and the key.
  static constexpr std::array<std::size_t, 3> kKnown{0, kSentRows / 2, kSentRows - 1};

  static PaymentId id_of(std::size_t i) {
    PaymentId out;
    out.bytes[0] = static_cast<std::uint8_t>(i >> 8U);
    out.bytes[1] = static_cast<std::uint8_t>(i);
    return out;
  }
  static PaymentHash receipt_hash(std::size_t i) {
    PaymentHash out;
    out.bytes = id_of(i).bytes;
    out.bytes[31] = 1;
    return out;
  }
  static std::string key_of_known(std::size_t at) { return std::string("key") + char('0' + at); }
  std::uint8_t known_invoice(std::size_t at) { return static_cast<std::uint8_t>(at + 1); }

  void put(const Put& row) { s.rows[{row.table, row.key}] = row.value; }
  void old_rows() {
    for (std::size_t i = 0; i < kSentRows; ++i) {
      Outgoing over;
      over.id = id_of(i);
      over.state = Settled{};
      over.is_bolt11 = true;
      over.offer = "lnbcrt1old";
      over.payment_hash.emplace().bytes = over.id.bytes;
      over.amount = Msat(1'000'000);
      over.created_at = UnixTime(1'600'000'000 + i * 7 % 1'000);
      for (std::size_t at = 0; at < kKnown.size(); ++at) {
        if (kKnown[at] != i) continue;
        command::Pay command;
        command.offer = invoice(known_invoice(at));
        command.idempotency_key = key_of_known(at);
        remember_key(command, over);
        over.payment_hash = hash(known_invoice(at));
        over.offer = command.offer;
      }
      put(record(over));
    }
    for (std::size_t i = 0; i < kReceivedRows; ++i) {
      Incoming over;
      over.htlc = {channel_id(9), i};
      over.payment_hash = receipt_hash(i);
      over.amount = Msat(i % 2 == 0 ? 999 : 1'000);
      over.received_at = UnixTime(1'600'000'000 + i);
      put(record(over));
    }
  }
  [[nodiscard]] bool moving() const { return is_moving(*s.room.inside); }
  void come_online() {
    s.see(world.l);
    s.usable(1);
  }
  std::size_t in_old_tables() { return s.count(Table::OutgoingPayment) + s.count(Table::IncomingPayment); }

  /// Each row is in one place alone, and counted if it is in its list.
  void expect_each_once() {
    EXPECT_EQ(in_old_tables() + s.count(Table::EndedPayment), kSentRows + kReceivedRows);
    const auto& inside = *s.room.inside;
    EXPECT_EQ(inside.sent.size() + inside.received.size() + inside.small.size(), s.count(Table::EndedPayment));
    EXPECT_EQ(inside.outgoing.size(), s.count(Table::OutgoingPayment));
    EXPECT_EQ(inside.incoming.size(), s.count(Table::IncomingPayment));
    std::set<std::string> ids;
    for (const auto& row : rows_of_table(s.rows, Table::OutgoingPayment)) ids.insert(to_hex(row.key));
    for (const auto& row : rows_of_table(s.rows, Table::EndedPayment))
      if (row.key[0] == kSentList) ids.insert(read_outgoing(row.value)->id.hex());
    EXPECT_EQ(ids.size(), kSentRows);
  }
  void expect_known(const PaymentId& id) {
    for (const command::Command& asked :
         std::vector<command::Command>{command::GetPayment{id}, command::WaitPayment{id}}) {
      auto reply = of<Reply>(s.command(asked));
      ASSERT_EQ(reply.size(), 1U);
      ASSERT_TRUE(std::holds_alternative<Value>(reply[0].result)) << id.hex();
      EXPECT_EQ(text_of(std::get<Value>(reply[0].result), "state"), "settled");
    }
  }
  void expect_answers() {
    for (std::size_t at = 0; at < kKnown.size(); ++at) {
      auto id = id_of(kKnown[at]);
      expect_known(id);
      EXPECT_EQ(errors(s.command(command::CancelPayment{id})),
                std::vector<std::string>{"the payment has already ended: settled"});
      auto again = pay_invoice(known_invoice(at));
      EXPECT_TRUE(of<AddHtlc>(again).empty());
      EXPECT_EQ(errors(again), std::vector<std::string>{"this invoice is already paid: see getpayment " + id.hex()});
      auto keyed = pay_invoice(known_invoice(at), 2, key_of_known(at));
      EXPECT_TRUE(of<AddHtlc>(keyed).empty() && errors(keyed).empty());
      EXPECT_EQ(of<Reply>(keyed).size(), 1U);
    }
    for (std::size_t i : {std::size_t{0}, kReceivedRows - 1}) {
      PaymentId id;
      id.bytes = receipt_hash(i).bytes;
      expect_known(id);
    }
    auto all = paged<command::ListPayments>(s, "payments", 300);
    std::set<std::string> sent;
    for (const auto& row : all)
      if (text_of(row, "direction") == "outgoing") sent.insert(text_of(row, "payment_id"));
    EXPECT_EQ(all.size(), kSentRows + kReceivedRows);
    EXPECT_EQ(sent.size(), kSentRows);
  }
};

TEST_F(Moving, more_rows_than_one_piece_move_in_pieces_until_all_have_moved) {
  old_rows();
  for (auto left = in_old_tables(); left != 0;) {
    auto effects = left == kSentRows + kReceivedRows ? s.restart() : s.next_deadline();
    auto now = in_old_tables();
    EXPECT_LE(left - now, kMovedPerStep);
    EXPECT_EQ(left - now, std::min(left, kMovedPerStep));
    EXPECT_LE(of<Put>(effects).size(), 4 * kMovedPerStep + 3);
    left = now;
    expect_each_once();
  }
  EXPECT_FALSE(moving());
  EXPECT_EQ(in_memory(), 0U);
  come_online();
  expect_answers();
  auto stored = s.rows;
  s.restart();
  EXPECT_EQ(s.rows, stored);
}

TEST_F(Moving, a_crash_before_or_after_a_piece_leaves_each_payment_in_one_place) {
  old_rows();
  auto before = s.rows;
  for (bool more = true; more;) {
    for (bool durable : {false, true}) {
      if (!durable) before = s.rows;
      if (durable) s.rows = before;  // the piece that was lost is made again
      s.restart();
      expect_each_once();
      more = moving();
    }
  }
  EXPECT_EQ(in_old_tables(), 0U);
  come_online();
  expect_answers();
}

TEST_F(Moving, questions_in_between_find_what_has_moved_and_what_has_not) {
  old_rows();
  s.restart();
  come_online();
  for (bool more = true; more;) {
    more = moving();
    expect_answers();
    expect_each_once();
    if (more) s.next_deadline();
  }
}

TEST_F(Moving, a_page_that_is_asked_before_a_piece_and_read_after_it_shows_each_row_once) {
  old_rows();
  s.restart();
  while (moving()) {
    auto& inside = *s.room.inside;
    s.reads_at_once = false;
    s.command(command::ListPayments{{command::kMaxPageRows, std::nullopt}});
    auto left = in_old_tables();
    s.next_deadline();
    EXPECT_EQ(left - in_old_tables(), std::min(left, kMovedPerStep));
    EXPECT_TRUE(inside.outgoing.is_leaving() || inside.incoming.is_leaving());
    EXPECT_EQ(deadline(s.room), std::nullopt);  // until it is answered, nothing more is unpacked
    auto effects = s.answer_reads();
    s.reads_at_once = true;
    auto list = std::get<Value>(of<Reply>(effects).at(0).result);
    std::set<std::string> shown;
    const auto& rows = std::get<List>(list.find("payments")->inner());
    for (const auto& row : rows) shown.insert(text_of(row, "payment_id") + text_of(row, "payment_hash"));
    EXPECT_EQ(rows.size(), std::size_t{command::kMaxPageRows});
    EXPECT_EQ(shown.size(), rows.size());
    expect_each_once();
  }
  EXPECT_EQ(in_memory(), 0U);
}

TEST_F(Moving, a_preimage_for_one_that_failed_and_has_not_moved_makes_it_settled_once) {
  old_rows();
  auto late = id_of(kSentRows - 1);
  auto row = *read_outgoing(s.rows.at({Table::OutgoingPayment, to_bytes(late.view())}));
  row.state = Failed{};
  put(record(row));
  s.restart();
  s.step(HtlcFulfilled{LocalOrigin{late}, channel_id(1), 1, preimage(3)});
  expect_each_once();
  while (moving()) s.next_deadline();
  expect_each_once();
  EXPECT_TRUE(s.payment(late)->settled());
  s.restart();
  come_online();
  expect_answers();
}

TEST_F(Moving, of_two_receipts_with_one_hash_the_newer_one_is_told_wherever_it_is) {
  old_rows();
  auto same = receipt_hash(0);
  for (bool newer_moves_first : {true, false}) {
    for (std::uint64_t number : {0, 1}) {
      Incoming over;
      over.htlc = {channel_id(number == 0 ? 1 : 10), 0};  // before and behind all others
      over.payment_hash = same;
      over.received_at = UnixTime(1'650'000'000 + ((number == 0) == newer_moves_first ? 1 : 0));
      over.amount = Msat(over.received_at.value());
      put(record(over));
    }
    s.restart();
    PaymentId id;
    id.bytes = same.bytes;
    for (bool more = true; more;) {
      more = moving();
      auto reply = of<Reply>(s.command(command::GetPayment{id}));
      EXPECT_EQ(number_of(std::get<Value>(reply.at(0).result), "amount_msat"), 1'650'000'001U);
      if (more) s.next_deadline();
    }
    s.rows.clear();
    old_rows();
  }
}

TEST_F(Ended, payments_beyond_their_number_go_the_oldest_first_with_all_that_leads_to_them) {
  std::vector<PaymentId> ids;
  for (std::uint8_t number : {1, 2, 3}) {
    ids.push_back(settled(number, std::string("key") + char('0' + number)));
    s.pass(1'000);
  }
  auto index = s.count(Table::PaymentIndex);
  s.note({s.room.inside->sent.add(kMaxEndedPayments - 2)});  // as if there were so many
  s.restart();
  EXPECT_EQ(s.payment(ids[0]), std::nullopt);
  EXPECT_TRUE(s.payment(ids[1]) && s.payment(ids[2]));
  EXPECT_EQ(s.count(Table::PaymentIndex), index - 3);
}

}  // namespace
}  // namespace doze::payment::testing
