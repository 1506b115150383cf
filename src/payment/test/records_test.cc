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
  p.state = OutgoingState::Notified;
  p.offer = World().offer.text();
  p.amount = Msat(1);
  p.max_fee = Msat(2);
  p.quantity = 3;
  p.payer_note = "note";
  p.wants_hold = p.must_hold = p.is_static = p.held = p.committed = true;
  p.created_at = UnixTime(4);
  p.ended_at = UnixTime(5);
  p.invoice = World().static_invoice();
  p.invoice_request = Bytes{7};
  p.preimage = preimage(8);
  p.payment_hash = hash(8);
  p.htlc = HtlcKey{channel_id(9), 10};
  p.sent = Msat(11);
  p.onion = SentOnion{key(12), {crypto::public_key(key(13))}, {scid(14)}};
  p.final_expiry = CltvExpiry(15);
  p.release_deadline = BlockHeight(16);
  p.fail_back = BlockHeight(17);
  p.htlc_expiry = CltvExpiry(18);
  p.release_paths = {some_path(), some_path()};
  p.attempts = 19;
  p.failure = "why";
  p.failure_code = CommandErrorCode::Expired;
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

std::vector<Put> all_records() {
  auto bare = full_outgoing();
  bare.htlc.reset();
  bare.onion.reset();
  bare.quantity.reset();
  bare.preimage.reset();
  bare.release_paths.clear();
  return {record(full_outgoing()), record(bare), record(full_incoming()), record(full_parked()),
          record(full_release())};
}

Bytes value_again(const Put& put) {
  switch (put.table) {
    case Table::OutgoingPayment:
      return record(*read_outgoing(put.value)).value;
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
  EXPECT_EQ(p.state, q.state);
  EXPECT_EQ(p.offer, q.offer);
  EXPECT_EQ(std::pair(p.amount, p.max_fee), std::pair(q.amount, q.max_fee));
  EXPECT_EQ(p.quantity, q.quantity);
  EXPECT_EQ(p.payer_note, q.payer_note);
  EXPECT_TRUE(p.wants_hold && p.must_hold && p.is_static && p.held && p.committed);
  EXPECT_EQ(std::pair(p.created_at, p.ended_at), std::pair(q.created_at, q.ended_at));
  EXPECT_EQ(std::pair(p.invoice, p.invoice_request), std::pair(q.invoice, q.invoice_request));
  EXPECT_TRUE(p.preimage == q.preimage);
  EXPECT_EQ(p.payment_hash, q.payment_hash);
  EXPECT_EQ(p.htlc, q.htlc);
  EXPECT_EQ(p.sent, q.sent);
  ASSERT_TRUE(p.onion.has_value());
  EXPECT_TRUE(p.onion->session_key == q.onion->session_key);
  EXPECT_EQ(p.onion->hops, q.onion->hops);
  EXPECT_EQ(p.onion->scids, q.onion->scids);
  EXPECT_EQ(std::pair(p.final_expiry, p.htlc_expiry), std::pair(q.final_expiry, q.htlc_expiry));
  EXPECT_EQ(std::pair(p.release_deadline, p.fail_back), std::pair(q.release_deadline, q.fail_back));
  EXPECT_EQ(p.release_paths, q.release_paths);
  EXPECT_EQ(p.attempts, q.attempts);
  EXPECT_EQ(std::pair(p.failure, p.failure_code), std::pair(q.failure, q.failure_code));
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
  p.state = static_cast<OutgoingState>(8);
  EXPECT_FALSE(read_outgoing(record(p).value).has_value());
  auto r = full_release();
  r.profile = static_cast<Profile>(2);
  EXPECT_FALSE(read_release(record(r).value).has_value());
}

TEST(Records, every_reason_that_a_payment_can_fail_for_reads_back) {
  for (auto code = OnDisk<CommandErrorCode>::first; code <= OnDisk<CommandErrorCode>::last;
       code = static_cast<CommandErrorCode>(static_cast<std::uint8_t>(code) + 1)) {
    auto p = full_outgoing();
    p.failure_code = code;
    auto read = read_outgoing(record(p).value);
    ASSERT_TRUE(read.has_value()) << name(code);  // its node would not start
    EXPECT_EQ(read->failure_code, code);
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
  p.state = OutgoingState::Settled;  // history is only shown
  put = record(p);
  rows = {{put.table, put.key, put.value}};
  EXPECT_TRUE(load(rows).has_value());
}

TEST(Records, a_fetching_payment_without_an_offer_is_an_error_at_load_not_a_crash_at_start) {
  auto p = full_outgoing();
  p.state = OutgoingState::Fetching;
  p.offer = "lno1something";
  auto put = record(p);
  std::vector<Row> rows{{put.table, put.key, put.value}};
  EXPECT_FALSE(load(rows).has_value());
}

}  // namespace
}  // namespace doze::payment::testing
