// Rows: what is written reads back equal; anything else is an error with its table and key.
#include "fake_node.h"

namespace doze::payment::testing {
namespace {

wire::BlindedPath some_path() {
  return {crypto::public_key(key(80)), crypto::public_key(key(81)), {{crypto::public_key(key(82)), Bytes{1, 2, 3}}}};
}

Outgoing full_outgoing() {
  Outgoing p;
  p.id.bytes.fill(1);
  p.state = Notified{{{some_path(), some_path()}}};
  p.offer = World().offer.text();
  p.amount = Msat(1);
  p.max_fee = Msat(2);
  p.quantity = 3;
  p.payer_note = "note";
  p.wants_hold = p.must_hold = p.is_static = true;
  p.created_at = UnixTime(4);
  p.invoice = World().static_invoice();
  p.invoice_request = Bytes{7};
  p.preimage = preimage(8);
  p.payment_hash = hash(8);
  p.attempts = {{1, Msat(2), CltvExpiry(3), CltvExpiry(4), std::nullopt, Returned{std::nullopt, "full"}},
                {1, Msat(5), CltvExpiry(6), CltvExpiry(7), std::nullopt, Returned{HtlcKey{channel_id(8), 9}, "why"}},
                {2, Msat(11), CltvExpiry(15), CltvExpiry(18), HoldTerms{BlockHeight(16), BlockHeight(17)},
                 Offered{{channel_id(9), 10}, {key(12), {crypto::public_key(key(13))}, {scid(14)}}}}};
  p.idempotency_key = "key";
  p.command_digest.bytes.fill(20);
  return p;
}

Incoming full_incoming() {
  return {hash(1), {channel_id(2), 3}, Msat(4), OfferId{{5}}, true, "note", UnixTime(6)};
}

Parked full_parked() {
  wire::UpdateAddHtlc htlc;
  htlc.channel_id = channel_id(2);
  htlc.id = 3;
  htlc.amount_msat = Msat(4);
  htlc.payment_hash = hash(5);
  htlc.cltv_expiry = CltvExpiry(6);
  htlc.onion_routing_packet = Bytes(1366, 7);
  htlc.path_key = crypto::public_key(key(8));
  return {HtlcReceived{htlc.channel_id, crypto::public_key(key(9)), htlc}, {}};
}

ReleaseDue full_release() {
  ReleaseDue out;
  out.reply_path = wire::to_bytes(some_path());
  out.profile = Profile::Draft;
  out.answers = 3;
  out.sequence = 4;
  return out;
}

LateSettlement full_late() {
  PaymentId id{{6}};
  return {HtlcFulfilled{LocalOrigin{id, 7}, channel_id(8), 9, preimage(10)}, id};
}

std::vector<Put> all_records() {
  auto bare = full_outgoing();
  bare.state = Online{};
  bare.attempts.clear();
  bare.quantity.reset();
  bare.preimage.reset();
  return {record(full_outgoing()), record(bare),        record(full_incoming()),
          record(full_parked()),   record(full_late()), record(full_release())};
}

Bytes value_again(const Put& put) {
  switch (put.table) {
    case Table::OutgoingPayment:
      return is_late(put.value) ? record(*read_late(put.value)).value : record(*read_outgoing(put.value)).value;
    case Table::IncomingPayment:
      return is_parked(put.value) ? record(*read_parked(put.value)).value : record(*read_incoming(put.value)).value;
    default:
      return record(*read_release(put.value)).value;
  }
}

TEST(Records, what_is_written_reads_back_equal) {
  auto p = *read_outgoing(record(full_outgoing()).value);
  auto q = full_outgoing();
  EXPECT_EQ(p.id, q.id);
  ASSERT_TRUE(p.is<Notified>());
  EXPECT_EQ(p.hold()->release_paths, q.hold()->release_paths);
  EXPECT_EQ(p.offer, q.offer);
  EXPECT_EQ(std::pair(p.amount, p.max_fee), std::pair(q.amount, q.max_fee));
  EXPECT_EQ(p.quantity, q.quantity);
  EXPECT_EQ(p.payer_note, q.payer_note);
  EXPECT_TRUE(p.wants_hold && p.must_hold && p.is_static);
  EXPECT_EQ(p.created_at, q.created_at);
  EXPECT_EQ(std::pair(p.invoice, p.invoice_request), std::pair(q.invoice, q.invoice_request));
  EXPECT_TRUE(p.preimage == q.preimage);
  EXPECT_EQ(p.payment_hash, q.payment_hash);
  EXPECT_EQ(std::pair(p.idempotency_key, p.command_digest), std::pair(q.idempotency_key, q.command_digest));
  ASSERT_EQ(p.attempts.size(), 3U);
  const auto& full = std::get<Returned>(p.attempts[0].state);
  EXPECT_EQ(std::pair(full.htlc, full.failure), std::pair(std::optional<HtlcKey>(), std::string("full")));
  const auto& back = std::get<Returned>(p.attempts[1].state);
  EXPECT_EQ(std::pair(back.htlc, back.failure),
            std::pair(std::optional(HtlcKey{channel_id(8), 9}), std::string("why")));
  const auto& live = p.attempts[2];
  EXPECT_EQ(std::tuple(live.part, live.sent, live.final_expiry, live.htlc_expiry),
            std::tuple(2U, Msat(11), CltvExpiry(15), CltvExpiry(18)));
  EXPECT_EQ(std::pair(live.hold->release_deadline, live.hold->fail_back), std::pair(BlockHeight(16), BlockHeight(17)));
  const auto& offered = std::get<Offered>(live.state);
  EXPECT_EQ(offered.htlc, (HtlcKey{channel_id(9), 10}));
  EXPECT_TRUE(offered.onion.session_key == key(12));
  EXPECT_EQ(offered.onion.hops, std::vector{crypto::public_key(key(13))});
  EXPECT_EQ(offered.onion.scids, std::vector{scid(14)});
  auto r = *read_release(record(full_release()).value);
  EXPECT_EQ(r.reply_path, full_release().reply_path);
  EXPECT_EQ(std::pair(r.answers, r.sequence), std::pair(3U, std::uint64_t{4}));
  auto w = *read_parked(record(full_parked()).value);
  EXPECT_EQ(w.word.peer, full_parked().word.peer);
  EXPECT_EQ(w.word.channel_id, channel_id(2));
  EXPECT_EQ(wire::encode(w.word.htlc), wire::encode(full_parked().word.htlc));
  for (const auto& put : all_records()) EXPECT_EQ(value_again(put), put.value);
}

TEST(Records, a_row_cut_anywhere_or_longer_or_of_another_version_is_an_error_with_its_key) {
  for (const auto& put : all_records()) {
    auto refused = [&](Bytes value) {
      std::vector<Row> rows{{put.table, put.key, std::move(value)}};
      auto read = load(rows);
      return !read && read.error().table == put.table && read.error().key == put.key;
    };
    ASSERT_FALSE(refused(put.value));
    for (std::size_t cut = 0; cut < put.value.size(); ++cut)
      EXPECT_TRUE(refused(Bytes(put.value.begin(), put.value.begin() + static_cast<std::ptrdiff_t>(cut)))) << cut;
    auto longer = put.value;
    longer.push_back(0);
    EXPECT_TRUE(refused(longer));
    auto newer = put.value;
    newer[0] = 99;
    EXPECT_TRUE(refused(newer));
  }
}

TEST(Records, changed_bytes_are_another_value_or_an_error_never_a_crash) {
  for (const auto& put : all_records())
    for (std::size_t at = 0; at < put.value.size(); ++at)
      for (std::uint8_t flip : {0x01, 0x80, 0xff}) {
        auto changed = put.value;
        changed[at] ^= flip;
        std::vector<Row> rows{{put.table, put.key, changed}};
        (void)load(rows);
      }
}

TEST(Records, states_that_do_not_exist_are_errors) {
  auto p = full_outgoing();
  p.state = Expired{};
  p.attempts.clear();
  auto value = record(p).value;
  constexpr std::size_t kUnpaid = 8 + 4 + 1;  // ended_at, no failure, its code
  auto& state = value.at(value.size() - 1 - kUnpaid);
  EXPECT_TRUE(read_outgoing(value).has_value());
  ++state;
  EXPECT_FALSE(read_outgoing(value).has_value());
  auto r = full_release();
  r.profile = static_cast<Profile>(2);
  EXPECT_FALSE(read_release(record(r).value).has_value());
}

TEST(Records, every_reason_that_a_payment_can_fail_for_reads_back) {
  for (auto code = OnDisk<CommandErrorCode>::first; code <= OnDisk<CommandErrorCode>::last;
       code = static_cast<CommandErrorCode>(static_cast<std::uint8_t>(code) + 1)) {
    auto p = full_outgoing();
    p.state = Failed{{UnixTime(5), "why", code}};
    p.attempts.clear();
    auto read = read_outgoing(record(p).value);
    ASSERT_TRUE(read.has_value()) << name(code);  // its node would not start
    EXPECT_EQ(read->unpaid()->code, code);
    EXPECT_EQ(std::pair(read->ended_at(), read->failure()), std::pair(UnixTime(5), std::string("why")));
  }
}

TEST(Records, a_release_row_without_a_path_is_an_error_at_load_not_a_crash_when_it_is_answered) {
  auto r = full_release();
  r.reply_path = Bytes{1, 2, 3};
  auto put = record(r);
  std::vector<Row> rows{{put.table, put.key, put.value}};
  EXPECT_FALSE(load(rows).has_value());
}

TEST(Records, an_unfinished_payment_without_its_static_invoice_is_an_error_at_load_not_a_crash_later) {
  auto p = full_outgoing();
  p.invoice = Bytes{1, 2, 3};
  auto put = record(p);
  std::vector<Row> rows{{put.table, put.key, put.value}};
  EXPECT_FALSE(load(rows).has_value());
  p.state = Settled{};  // history is only shown
  p.attempts.clear();
  put = record(p);
  rows = {{put.table, put.key, put.value}};
  EXPECT_TRUE(load(rows).has_value());
}

TEST(Records, a_fetching_payment_without_an_offer_is_an_error_at_load_not_a_crash_at_start) {
  auto p = full_outgoing();
  p.state = Fetching{};
  p.attempts.clear();
  p.offer = "lno1something";
  auto put = record(p);
  std::vector<Row> rows{{put.table, put.key, put.value}};
  EXPECT_FALSE(load(rows).has_value());
}

}  // namespace
}  // namespace doze::payment::testing
