// A channel's rows: its own and those of its HTLCs, what a round writes of them, and what old nodes left.
#include "channel/records.h"

#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

const Channel& channel_of(const FakeNode& node, const ChannelId& id) {
  return node.room.inside->channels.at(id);
}
/// Keys of HTLCs' rows that were written since `said` was cleared.
std::set<Bytes> written(const FakeNode& node) {
  std::set<Bytes> out;
  for (const auto& put : node.all<Put>())
    if (put.table == Table::Channel && is_htlc_key(put.key)) out.insert(put.key);
  return out;
}
/// What is on disk is what the room has, to the byte.
void expect_on_disk(const FakeNode& node, const ChannelId& id) {
  const auto& channel = channel_of(node, id);
  EXPECT_EQ(node.rows.at({Table::Channel, to_bytes(id.view())}), record(channel).value);
  auto htlcs = htlc_records(channel);
  EXPECT_EQ(node.htlc_rows(), htlcs.size());
  for (const auto& [htlc, value] : htlcs) EXPECT_EQ(node.rows.at({Table::Channel, htlc_key(id, htlc)}), value);
}
void with_htlcs(Pair& pair, std::uint64_t count) {
  pair.open(Sat(10'000'000), Msat(5'000'000'000));
  for (std::uint64_t i = 0; i < count; ++i) pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i));
  pair.run();
}

TEST(HtlcRows, a_round_writes_those_that_it_changed) {
  Pair pair;
  with_htlcs(pair, 20);
  for (auto* node : {&pair.a, &pair.b}) {
    expect_on_disk(*node, pair.id());
    EXPECT_EQ(node->htlc_rows(), 20U);
    node->said.clear();
  }
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 20));
  pair.b.step(FulfillHtlc{pair.id(), 3, preimage(3)});
  pair.run();
  for (auto* node : {&pair.a, &pair.b}) {
    bool ours = node == &pair.a;
    EXPECT_EQ(written(*node), (std::set<Bytes>{htlc_key(pair.id(), {ours, 3}), htlc_key(pair.id(), {ours, 20})}));
    expect_on_disk(*node, pair.id());
    EXPECT_EQ(node->htlc_rows(), 20U);  // the one that ended has no row
  }
}

TEST(HtlcRows, are_what_the_room_has_after_each_message_of_a_busy_channel) {
  Pair pair;
  with_htlcs(pair, 3);
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 3, Profile::Ldk));
  pair.b.step(pair.b.add(pair.id(), Msat(6'000'000), 4));
  pair.b.step(FailHtlc{pair.id(), 0, Bytes(292)});
  pair.b.step(FailMalformedHtlc{pair.id(), 1, Hash32{}, 0xc005});
  pair.a.step(FeeEstimate{FeeratePerKw(9'000)});
  for (int i = 0; i < 100; ++i) {
    bool more = pair.deliver(i % 2 == 0 ? pair.a : pair.b) || pair.deliver(i % 2 == 0 ? pair.b : pair.a);
    for (auto* node : {&pair.a, &pair.b}) {
      auto read = node->loaded();
      ASSERT_TRUE(read.has_value());
      // A restart at this moment begins with the same commitments.
      const auto& before = channel_of(*node, pair.id()).commitments;
      const auto& after = read->inside->channels.at(pair.id()).commitments;
      EXPECT_EQ(after.local.spec, before.local.spec);
      EXPECT_EQ(after.remote.spec, before.remote.spec);
      EXPECT_EQ(after.next_remote, before.next_remote);
      EXPECT_EQ(after.updates.local_signed.size(), before.updates.local_signed.size());
      EXPECT_EQ(after.updates.remote_acked.size(), before.updates.remote_acked.size());
    }
    if (!more) break;
  }
  for (auto* node : {&pair.a, &pair.b}) expect_on_disk(*node, pair.id());
}

TEST(HtlcRows, a_channel_of_an_old_row_is_read_and_writes_rows_in_one_step) {
  for (std::uint8_t version : {1, 2}) {
    Pair pair;
    with_htlcs(pair, 4);
    pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 4));  // signed, and not answered
    pair.cut();
    for (auto* node : {&pair.a, &pair.b}) {
      node->put_old_row(channel_of(*node, pair.id()), version);
      EXPECT_EQ(node->htlc_rows(), 0U);
      node->restart();
    }
    pair.connect();
    pair.run();
    for (auto* node : {&pair.a, &pair.b}) {
      expect_on_disk(*node, pair.id());
      EXPECT_EQ(node->htlc_rows(), 5U);
      EXPECT_EQ(node->rows.at({Table::Channel, to_bytes(pair.id().view())}).front(), 3);
    }
    for (std::uint64_t i = 0; i < 5; ++i) pair.b.step(FulfillHtlc{pair.id(), i, preimage(i)});
    pair.run();
    EXPECT_EQ(pair.a.all<HtlcFulfilled>().size(), 5U);
    EXPECT_EQ(pair.a.htlc_rows() + pair.b.htlc_rows(), 0U);
  }
}

/// The HTLCs' rows as version 1 wrote them: without the part of the payment.
void put_htlc_rows_of_version_1(FakeNode& node) {
  constexpr std::size_t kPartAt = 1 + 8 + 32 + 4 + 1 + 1 + 1 + 32;
  for (auto& [key, value] : node.rows) {
    if (key.first != Table::Channel || !is_htlc_key(key.second)) continue;
    auto row = read_htlc(key.second, value);
    ASSERT_TRUE(row.has_value());
    value.front() = 1;
    if (!row->offered || !std::holds_alternative<LocalOrigin>(row->offered->origin)) continue;
    auto at = value.begin() + static_cast<std::ptrdiff_t>(kPartAt);
    value.erase(at, at + 4);
  }
}

TEST(HtlcRows, of_version_1_are_read_as_part_0_and_the_next_write_is_the_new_form) {
  Pair pair;
  with_htlcs(pair, 3);
  pair.cut();
  for (auto* node : {&pair.a, &pair.b}) {
    put_htlc_rows_of_version_1(*node);
    node->restart();
  }
  pair.connect();
  pair.run();
  pair.b.step(FulfillHtlc{pair.id(), 1, preimage(1)});
  pair.run();
  auto fulfilled = pair.a.all<HtlcFulfilled>();
  ASSERT_EQ(fulfilled.size(), 1U);
  EXPECT_EQ(fulfilled[0].origin, HtlcOrigin(LocalOrigin{payment(1), 0}));
  for (auto* node : {&pair.a, &pair.b}) {
    expect_on_disk(*node, pair.id());
    EXPECT_EQ(node->rows.at({Table::Channel, htlc_key(pair.id(), {node == &pair.a, 0})}).front(), 2);
  }
}

TEST(HtlcRows, the_part_of_a_payment_comes_back_with_the_outcome_also_after_a_restart) {
  Pair pair;
  with_htlcs(pair, 0);
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto add = pair.a.add(pair.id(), Msat(5'000'000), i);
    add.origin = LocalOrigin{payment(7), static_cast<std::uint32_t>(i) << 24};
    pair.a.step(add);
  }
  pair.run();
  pair.cut();
  pair.a.restart();
  pair.connect();
  pair.run();
  pair.b.step(FulfillHtlc{pair.id(), 2, preimage(2)});
  pair.b.step(FailHtlc{pair.id(), 1, Bytes(292)});
  pair.run();
  ASSERT_EQ(pair.a.all<HtlcFulfilled>().size(), 1U);
  EXPECT_EQ(pair.a.all<HtlcFulfilled>()[0].origin, HtlcOrigin(LocalOrigin{payment(7), 2U << 24}));
  ASSERT_EQ(pair.a.all<HtlcFailed>().size(), 1U);
  EXPECT_EQ(pair.a.all<HtlcFailed>()[0].origin, HtlcOrigin(LocalOrigin{payment(7), 1U << 24}));
}

TEST(HtlcRows, one_that_is_missing_strange_or_of_another_moment_is_refused) {
  Pair pair;
  with_htlcs(pair, 3);
  auto good = pair.a.rows;
  auto key = std::pair(Table::Channel, htlc_key(pair.id(), {true, 1}));
  auto refused = [&](const Bytes& named) {
    auto read = pair.a.loaded();
    pair.a.rows = good;
    return !read && read.error().key == named;
  };
  auto channel_key = to_bytes(pair.id().view());
  EXPECT_TRUE(pair.a.loaded().has_value());
  pair.a.rows.erase(key);
  EXPECT_TRUE(refused(channel_key));
  pair.a.rows[{Table::Channel, htlc_key(pair.id(), {true, 9})}] = good.at(key);
  EXPECT_TRUE(refused(channel_key));
  pair.a.rows.at(key).front() = 3;
  EXPECT_TRUE(refused(key.second));
  pair.a.rows.at(key).pop_back();
  EXPECT_TRUE(refused(key.second));
  pair.a.rows.erase({Table::Channel, channel_key});
  EXPECT_FALSE(pair.a.loaded().has_value());
  pair.a.rows = good;
  // Removed by the peer and signed: the row of before would give it back.
  auto before = good.at(key);
  pair.b.step(FailHtlc{pair.id(), 1, Bytes(292)});
  for (int i = 0; i < 3; ++i) {
    pair.deliver(pair.b);
    pair.deliver(pair.a);
  }
  good = pair.a.rows;
  ASSERT_FALSE(pair.a.rows.contains(key) && pair.a.rows.at(key) == before);
  pair.a.rows[key] = before;
  EXPECT_TRUE(refused(channel_key));
}

TEST(HtlcRows, a_channel_that_is_forgotten_leaves_none) {
  Pair pair;
  with_htlcs(pair, 2);
  auto& state = *pair.a.room.inside;
  Effects said;
  auto context = pair.a.context();
  Work work{{state, context, said}};
  erase_rows(work, state.channels.at(pair.id()));
  pair.a.note(said);
  EXPECT_EQ(pair.a.htlc_rows(), 0U);
  EXPECT_FALSE(pair.a.rows.contains({Table::Channel, to_bytes(pair.id().view())}));
}

}  // namespace
}  // namespace doze::channel
