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
  EXPECT_EQ(errors(s.command(command::CancelPayment{id})), std::vector<std::string>{"it has ended: settled"});
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
    EXPECT_EQ(errors(again), std::vector<std::string>{"this invoice is paid already: see getpayment " + id.hex()});
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
  EXPECT_NE(errors(second)[0].find("paid already"), std::string::npos);
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
  EXPECT_EQ(s.payment(id)->state, OutgoingState::Settled);
  EXPECT_EQ(s.count(Table::EndedPayment), 1U);
  EXPECT_EQ(s.room.inside->sent.size(), 1U);
  EXPECT_EQ(errors(pay_invoice(1)).size(), 1U);
  s.said.clear();
  s.step(HtlcFulfilled{adds[0].origin, channel_id(1), 1, preimage(1)});
  EXPECT_TRUE(s.all<Notify>().empty());  // said once
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
