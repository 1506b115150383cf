// Rows of the ledger: what is written reads back equal; anything else is an error with its table and key.
#include "holds.h"

namespace doze::forwarding::testing {
namespace {

Forward full_forward() {
  Forward f;
  f.incoming = {channel_id(1), 2};
  f.state = ForwardState::Released;
  f.hold = Profile::Draft;
  f.payment_hash = hash(3);
  f.amount_in = Msat(4);
  f.amount_out = Msat(5);
  f.expiry_in = CltvExpiry(6);
  f.expiry_out = CltvExpiry(7);
  f.fail_back = BlockHeight(8);
  f.next_channel = channel_id(9);
  f.next_onion = Bytes(1366, 10);
  f.next_path_key = crypto::public_key(key(11));
  f.role = onion::BlindedRole::Inside;
  f.shared_secret = SharedSecret({12});
  f.sha256_of_onion.bytes.fill(13);
  f.outgoing_htlc = 14;
  f.received_at = UnixTime(15);
  f.ended_at = UnixTime(16);
  f.failure = "why";
  return f;
}

std::vector<Put> all_records() {
  auto plain = full_forward();
  plain.hold.reset();
  plain.next_path_key.reset();
  plain.outgoing_htlc.reset();
  plain.next_onion.clear();
  plain.state = ForwardState::Failed;
  return {record(full_forward()), record(plain)};
}

TEST(ForwardRecords, what_is_written_reads_back_equal) {
  auto f = *read_forward(record(full_forward()).value);
  EXPECT_EQ(f.incoming, full_forward().incoming);
  EXPECT_EQ(f.state, ForwardState::Released);
  EXPECT_EQ(f.hold, Profile::Draft);
  EXPECT_EQ(f.next_onion, Bytes(1366, 10));
  EXPECT_EQ(f.outgoing_htlc, 14U);
  for (const auto& put : all_records()) EXPECT_EQ(record(*read_forward(put.value)).value, put.value);
}

TEST(ForwardRecords, a_row_cut_anywhere_or_longer_or_of_another_version_is_an_error_with_its_key) {
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

TEST(ForwardRecords, changed_bytes_are_another_value_or_an_error_never_a_crash) {
  for (const auto& put : all_records())
    for (std::size_t at = 0; at < put.value.size(); ++at)
      for (std::uint8_t flip : {0x01, 0x80, 0xff}) {
        auto changed = put.value;
        changed[at] ^= flip;
        std::vector<Row> rows{{put.table, put.key, changed}};
        (void)load(rows);
      }
}

TEST(ForwardRecords, states_that_do_not_exist_are_errors) {
  auto f = full_forward();
  f.state = static_cast<ForwardState>(7);
  EXPECT_FALSE(read_forward(record(f).value).has_value());
  f = full_forward();
  f.hold = static_cast<Profile>(2);
  EXPECT_FALSE(read_forward(record(f).value).has_value());
}

TEST(ForwardRecords, a_forward_that_is_to_leave_without_its_onion_is_an_error_at_load_not_a_crash_when_it_leaves) {
  for (auto state : {ForwardState::Held, ForwardState::Released, ForwardState::Waiting, ForwardState::Settled}) {
    auto f = full_forward();
    f.state = state;
    f.next_onion.pop_back();
    EXPECT_EQ(read_forward(record(f).value).has_value(), is_terminal(state));
  }
}

}  // namespace
}  // namespace doze::forwarding::testing
