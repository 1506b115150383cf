// Rows of payments that older programs wrote: each state that they knew is one of today's, with its HTLC and its past.
#include "effects/record_io.h"
#include "payer.h"
#include "payment/describe.h"

namespace doze::payment::testing {
namespace {

/// A row of version 3 as it was written, field by field.
struct OldRow {
  std::uint8_t version = 3;
  PaymentId id{{7}};
  std::uint8_t state = 0;
  bool is_static = true, held = false, committed = false;
  std::uint32_t attempts = 0;
  std::optional<HtlcKey> htlc;
  std::string failure, last_failure;
  std::uint8_t failure_code = 0;

  [[nodiscard]] Bytes value(World& world) const {
    RecordWriter out(version);
    out.all(id, state, world.offer.text(), Msat(50'000'000), Msat(2), std::optional<std::uint64_t>(),
            std::string("note"), true, false, UnixTime(1'700'000'000), UnixTime(5), is_static, held,
            is_static ? world.static_invoice() : Bytes{}, world.request(), std::optional(preimage(8)),
            std::optional(hash(8)), Msat(50'000'011), CltvExpiry(15), BlockHeight(900), BlockHeight(950),
            CltvExpiry(18), std::vector<wire::BlindedPath>{}, committed, attempts, failure, failure_code);
    out.put(htlc.has_value());
    if (htlc) out.all(htlc->channel_id, htlc->htlc_id);
    out.put(htlc.has_value());
    if (htlc) out.all(key(12), std::vector{crypto::public_key(key(13))}, std::vector{scid(14)});
    if (version >= 2) out.put(false);
    if (version >= 3) out.all(last_failure, std::string("key"), Hash32{});
    return out.take();
  }
};
constexpr std::uint8_t kFetching = 0, kSending = 1, kHeld = 2, kNotified = 3, kReleasing = 4, kSettled = 5, kFailed = 6,
                       kExpired = 7;

template <class S>
::testing::AssertionResult reads_as(World& world, const OldRow& row) {
  auto read = read_outgoing(row.value(world));
  if (!read) return ::testing::AssertionFailure() << describe(read.error());
  if (!read->is<S>()) return ::testing::AssertionFailure() << name(*read) << " " << read->state.index();
  auto again = read_outgoing(record(*read).value);
  if (!again || record(*again).value != record(*read).value) return ::testing::AssertionFailure() << "not read again";
  return ::testing::AssertionSuccess();
}

TEST(OldRows, each_old_state_is_one_of_todays_in_all_three_versions) {
  World world;
  HtlcKey htlc{channel_id(1), 5};
  for (std::uint8_t version : {1, 2, 3}) {
    OldRow row;
    row.version = version;
    row.is_static = false;
    EXPECT_TRUE(reads_as<Fetching>(world, row));
    row.state = kSending;
    EXPECT_TRUE(reads_as<AwaitingChain>(world, row));
    row.htlc = htlc;
    row.attempts = 1;
    EXPECT_TRUE(reads_as<Sending>(world, row));

    row = {};
    row.version = version;
    row.state = kHeld;
    EXPECT_TRUE(reads_as<payment::Online>(world, row));
    row.state = kNotified;
    EXPECT_TRUE(reads_as<NotifiedOnline>(world, row));
    row.state = kReleasing;
    EXPECT_TRUE(reads_as<AwaitingChain>(world, row));
    row.htlc = htlc;
    row.attempts = 1;
    EXPECT_TRUE(reads_as<Sending>(world, row));

    row = {};
    row.version = version;
    row.state = kHeld;
    row.held = true;
    EXPECT_TRUE(reads_as<AwaitingHolder>(world, row));
    row.htlc = htlc;
    row.attempts = 1;
    EXPECT_TRUE(reads_as<Committing>(world, row));
    row.committed = true;
    EXPECT_TRUE(reads_as<Held>(world, row));
    row.state = kNotified;
    EXPECT_TRUE(reads_as<Notified>(world, row));
    row.state = kSettled;
    EXPECT_TRUE(reads_as<Settled>(world, row));
    row.htlc.reset();
    row.state = kFailed;
    EXPECT_TRUE(reads_as<Failed>(world, row));
    row.state = kExpired;
    EXPECT_TRUE(reads_as<Expired>(world, row));
    row.state = kExpired + 1;
    EXPECT_FALSE(read_outgoing(row.value(world)).has_value());
  }
}

TEST(OldRows, a_held_payment_keeps_its_htlc_its_heights_and_its_past) {
  World world;
  OldRow row;
  row.state = kHeld;
  row.held = row.committed = true;
  row.htlc = HtlcKey{channel_id(1), 5};
  row.attempts = 3;
  row.last_failure = "fee_insufficient from hop 2 of 3";
  auto read = *read_outgoing(row.value(world));
  EXPECT_EQ(htlc_of(read), (HtlcKey{channel_id(1), 5}));
  ASSERT_EQ(read.attempts.size(), 3U);
  EXPECT_EQ(last_failure(read), row.last_failure);
  const auto& live = read.attempts[2];
  EXPECT_EQ(std::tuple(live.part, live.sent, live.final_expiry, live.htlc_expiry),
            std::tuple(0U, Msat(50'000'011), CltvExpiry(15), CltvExpiry(18)));
  EXPECT_EQ(hold_terms(read)->release_deadline, BlockHeight(900));
  EXPECT_EQ(hold_terms(read)->fail_back, BlockHeight(950));
  EXPECT_TRUE(std::get<Offered>(live.state).onion.session_key == key(12));
}

TEST(OldRows, how_one_ended_is_told_as_before) {
  World world;
  OldRow row;
  row.state = kSettled;
  row.htlc = HtlcKey{channel_id(1), 5};
  row.attempts = 1;
  auto settled = *read_outgoing(row.value(world));
  EXPECT_EQ(settled.ended_at(), UnixTime(5));
  EXPECT_EQ(number_of(describe(settled, world.s.context()), "fee_msat"), 11U);
  row.htlc.reset();
  row.state = kExpired;
  row.failure = "late";
  row.failure_code = static_cast<std::uint8_t>(CommandErrorCode::Expired);
  auto expired = *read_outgoing(row.value(world));
  EXPECT_EQ(std::pair(expired.failure(), expired.unpaid()->code), std::pair(row.failure, CommandErrorCode::Expired));
  EXPECT_EQ(describe(expired, world.s.context()).find("fee_msat"), nullptr);
}

TEST(OldRows, more_attempts_than_a_payment_may_make_are_not_made_up_from_one_number) {
  World world;
  OldRow row;
  row.state = kFailed;
  row.attempts = UINT32_MAX;
  EXPECT_EQ(read_outgoing(row.value(world))->attempts.size(), kMaxAttempts);
}

TEST_F(Payer, an_older_programs_held_payment_goes_on_and_its_next_row_is_the_new_form) {
  OldRow row;
  row.state = kHeld;
  row.held = row.committed = true;
  row.htlc = HtlcKey{channel_id(1), 5};
  row.attempts = 1;
  id = row.id;
  auto key = std::pair(Table::OutgoingPayment, to_bytes(id.view()));
  s.rows[key] = row.value(world);
  s.restart();
  s.see(world.l);
  s.usable(1);
  EXPECT_EQ(s.rows.at(key).front(), 3);
  outcome(pong(paths()), kConfirmed);
  EXPECT_EQ(state(), "notified");
  EXPECT_EQ(s.rows.at(key).front(), 4);
  s.step(HtlcFulfilled{LocalOrigin{id}, channel_id(1), 5, preimage(8)});
  EXPECT_EQ(state(), "settled");
}

// ---- what version 4 says ----

TEST_F(Payer, every_state_reads_back_as_itself_and_one_that_is_being_offered_waits_again) {
  hold();
  auto row = payment();
  auto attempt = row.attempts.at(0);
  auto expect = [&](State state, bool live, std::size_t index) {
    row.state = std::move(state);
    row.attempts.clear();
    if (live) row.attempts.push_back(attempt);
    auto read = read_outgoing(record(row).value);
    ASSERT_TRUE(read.has_value()) << index << " " << describe(read.error());
    EXPECT_EQ(read->state.index(), index);
    EXPECT_EQ(record(*read).value, record(row).value);
  };
  std::size_t index = 0;
  expect(Fetching{}, false, index++);
  expect(AwaitingChain{}, false, index++);
  expect(AwaitingHolder{}, false, index++);
  expect(Sending{}, true, index++);
  expect(Committing{release_paths()}, true, index++);
  expect(Held{{release_paths()}}, true, index++);
  expect(Notified{{release_paths()}}, true, index++);
  expect(payment::Online{}, false, index++);
  expect(NotifiedOnline{}, false, index++);
  expect(Settled{UnixTime(1)}, false, index++);
  expect(Failed{{UnixTime(1), "why", CommandErrorCode::NoRoute}}, false, index++);
  expect(Expired{{UnixTime(1), "why", CommandErrorCode::Expired}}, false, index++);
  EXPECT_EQ(index, std::variant_size_v<State>);

  attempt.state = Offering{};
  row.attempts = {attempt};
  row.state = Committing{};
  EXPECT_TRUE(read_outgoing(record(row).value)->is<AwaitingHolder>());
  row.state = Sending{};
  EXPECT_TRUE(read_outgoing(record(row).value)->is<AwaitingChain>());
}

TEST_F(Payer, a_row_whose_state_and_htlcs_do_not_fit_is_refused) {
  hold();
  auto row = payment();
  auto refused = [&](State state, std::size_t live) {
    auto changed = row;
    changed.state = std::move(state);
    changed.attempts.clear();
    for (std::size_t i = 0; i < live; ++i) changed.attempts.push_back(row.attempts.at(0));
    return !read_outgoing(record(changed).value).has_value();
  };
  EXPECT_FALSE(refused(Sending{}, 1));
  EXPECT_TRUE(refused(Sending{}, 0));
  EXPECT_TRUE(refused(Held{}, 2));
  EXPECT_TRUE(refused(AwaitingHolder{}, 1));
  EXPECT_TRUE(refused(Settled{}, 1));
}

}  // namespace
}  // namespace doze::payment::testing
