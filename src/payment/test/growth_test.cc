// A step costs what it is about, however much is over or waits: 30,000 other rows change its time by less than a factor
// that one walk over them would exceed a hundred times.
#include "growth.h"
#include "payer.h"

namespace doze::payment::testing {
namespace {

TEST_F(Payer, a_payment_costs_its_payer_the_same_with_many_that_ended_and_many_that_are_held) {
  auto one = [&](std::uint64_t first) {
    return fastest(20, [&, first](int i) {
      auto number = first + static_cast<std::uint64_t>(i);
      pay();
      added(number);
      paths(number);
      pong(committed(number));
      s.step(DeadlineReached{});
      s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), number, preimage(1)});
      s.step(DeadlineReached{});
      (void)s.deadline();
      s.said.clear();
    });
  };
  auto before = one(10);
  hold();
  auto row = payment();
  auto hold = *row.hold();
  auto attempt = row.attempts.at(0);
  for (std::size_t i = 0; i < kRows; ++i) {
    HtlcKey htlc{far_channel(i), 0};
    bool over = i >= kRows / 3;
    hold.announcing = {after_ms(s.mono, 10'000'000 + i), 1, s.mono, {}};
    row.state = over ? State(Settled{}) : State(Notified{hold});
    attempt.state = over ? decltype(attempt.state)(Claimed{htlc}) : decltype(attempt.state)(Offered{htlc, {}});
    row.attempts = {attempt};
    row.id.bytes = far_channel(i).bytes;
    row.payment_hash->bytes = row.id.bytes;
    row.offer = i % 2 == 0 ? row.offer : "lno1" + std::to_string(i);
    if (over)
      s.rows[{Table::EndedPayment, to_bytes(row.id.view())}] = record(row).value;
    else
      s.room.inside->outgoing.add(row);
  }
  s.room.inside->outgoing.settle(s.room.inside->questions);
  EXPECT_LT(one(100), kNoise * before);
}

TEST_F(Payer, a_page_costs_the_same_with_many_payments) {
  auto row = [&] {
    hold();
    return payment();
  }();
  row.state = Settled{};
  row.attempts.clear();
  auto fill = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      row.id.bytes = far_channel(i).bytes;
      row.created_at = UnixTime(1'700'000'000 + i);
      s.rows[{Table::EndedPayment, s.room.inside->sent.key(row.created_at, row.id.view())}] = record(row).value;
    }
  };
  auto page = [&] { return fastest(10, [&](int) { s.command(command::ListPayments{{50, std::nullopt}}); }); };
  fill(0, 100);
  auto before = page();
  fill(100, kRows);
  EXPECT_LT(page(), kNoise * before);
}

TEST_F(Payer, ended_payments_are_loaded_without_reading_their_invoices_again) {
  // A text that could not be read: what is over is shown as it stands.
  Outgoing over;
  over.id.bytes.fill(7);
  over.state = Settled{};
  over.is_bolt11 = true;
  over.offer = "lnbcrt1notreadable";
  over.payment_hash = hash(1);
  auto put = record(over);
  s.rows[{put.table, put.key}] = put.value;
  s.restart();
  id = over.id;
  EXPECT_EQ(state(), "settled");
  over.state = AwaitingChain{};  // what goes on must be readable
  put = record(over);
  s.rows[{put.table, put.key}] = put.value;
  EXPECT_FALSE(load(s.stored()).has_value());
}

// ---- rows have an end ----

Incoming receipt(std::size_t i, Msat amount) {
  Incoming out;
  out.htlc = {far_channel(i), i};
  out.amount = amount;
  out.received_at = UnixTime(1'600'000'000 + i);
  return out;
}

TEST(History, small_receipts_push_out_only_each_other) {
  World world;
  auto& r = world.r;
  std::vector<Incoming> small{receipt(1, Msat(999)), receipt(2, Msat(999)), receipt(3, Msat(999))};
  auto put = [&](const Incoming& over) {
    Effects effects;
    auto context = r.context();
    Work work{{*r.room.inside, context, effects}};
    save(work, over);
    work.say(list_of(work.state, over).add());
    r.note(effects);
  };
  put(receipt(0, Msat(1'000)));
  for (const auto& over : small) put(over);
  r.note({r.room.inside->small.add(kMaxSmallReceipts - 1)});  // as if there were two too many
  auto erased = of<Erase>(r.step(DeadlineReached{}));
  ASSERT_EQ(erased.size(), 4U);  // each with what leads to it
  EXPECT_EQ(r.count(Table::EndedPayment), 2U);
  EXPECT_EQ(r.count(Table::PaymentIndex), 2U);
  auto left = rows_of_table(r.rows, Table::EndedPayment);
  EXPECT_EQ(read_incoming(left[0].value)->amount, Msat(1'000));
  EXPECT_EQ(read_incoming(left[1].value)->htlc, small[2].htlc);
  EXPECT_EQ(r.room.inside->small.size(), kMaxSmallReceipts);
  EXPECT_TRUE(of<Erase>(r.step(DeadlineReached{})).empty());
}

}  // namespace
}  // namespace doze::payment::testing
