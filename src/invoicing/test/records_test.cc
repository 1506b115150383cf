// Rows: what is written reads back equal; anything else is an error with its table and key.
#include "invoicing/records.h"
#include "fake_node.h"

namespace doze::invoicing::testing {
namespace {

/// Every kind of row, made by the rooms themselves.
struct Records : ::testing::Test {
  World world;
  std::vector<Row> rows = [this] {
    world.join();
    world.offer_served();
    command::CreateOffer plain;
    plain.description = "tip";
    world.m.command(plain);
    world.m.command(command::AsyncInvite{"other", true, Profile::Draft, 100});
    std::vector<Row> out;
    for (auto* node : {&world.m, &world.r})
      for (const auto& [key, value] : node->rows) out.push_back({key.first, key.second, value});
    return out;
  }();

  static Bytes written_again(const Row& row) {
    std::vector<Row> one{row};
    auto room = load(one);
    if (!room) return {};
    const auto& state = *room->inside;
    for (const auto& [id, own] : state.own) return record(own).value;
    for (const auto& [id, joined] : state.joined) return record(joined).value;
    for (const auto& [id, invitation] : state.invitations) return record(invitation).value;
    for (const auto& [key, served] : state.served) return record(key, served).value;
    return {};
  }
};

TEST_F(Records, what_is_written_reads_back_equal) {
  std::set<Table> tables;
  for (const auto& row : rows) {
    EXPECT_EQ(written_again(row), row.value);
    tables.insert(row.table);
  }
  EXPECT_EQ(tables, (std::set<Table>{Table::Offer, Table::Invitation, Table::Joined, Table::StaticInvoice}));
}

TEST_F(Records, a_row_cut_anywhere_or_longer_or_of_another_version_is_an_error_with_its_key) {
  for (const auto& row : rows) {
    auto refused = [&](Bytes value) {
      std::vector<Row> one{{row.table, row.key, std::move(value)}};
      auto read = load(one);
      return !read && read.error().table == row.table && read.error().key == row.key;
    };
    for (std::size_t cut = 0; cut < row.value.size(); ++cut)
      EXPECT_TRUE(refused(Bytes(row.value.begin(), row.value.begin() + static_cast<std::ptrdiff_t>(cut)))) << cut;
    auto longer = row.value;
    longer.push_back(0);
    EXPECT_TRUE(refused(longer));
    auto newer = row.value;
    newer[0] = 99;
    EXPECT_TRUE(refused(newer));
  }
}

TEST_F(Records, an_offer_of_the_first_version_is_read_without_its_channels) {
  for (const auto& [id, own] : world.r.room.inside->own) {
    auto old = record(own).value;
    old[0] = 1;
    auto added = static_cast<std::ptrdiff_t>(32 + 8 + 1 + 64 * own.named.size() + 8 + 8);
    old.erase(old.end() - added, old.end());
    auto read = read_own_offer(old);
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(read->channels.is_zero());
    EXPECT_EQ(read->acknowledged, own.acknowledged);
  }
}

TEST_F(Records, an_offer_of_the_second_version_is_read_without_the_channels_that_its_invoice_names) {
  for (const auto& [id, own] : world.r.room.inside->own) {
    EXPECT_EQ(own.named.size(), 1U);
    auto old = record(own).value;
    old[0] = 2;
    old.erase(old.end() - static_cast<std::ptrdiff_t>(1 + 64 * own.named.size() + 8 + 8), old.end());
    auto read = read_own_offer(old);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->channels, own.channels);
    EXPECT_TRUE(read->named.empty());
  }
}

TEST_F(Records, a_server_of_the_first_version_was_not_left) {
  for (const auto& [id, joined] : world.r.room.inside->joined) {
    auto old = record(joined).value;
    old[0] = 1;
    old.pop_back();
    auto read = read_joined(old);
    ASSERT_TRUE(read.has_value());
    EXPECT_FALSE(read->left);
  }
}

TEST_F(Records, changed_bytes_are_another_value_or_an_error_never_a_crash) {
  for (const auto& row : rows)
    for (std::size_t at = 0; at < row.value.size(); ++at) {
      auto changed = row.value;
      changed[at] ^= 0x81;
      std::vector<Row> one{{row.table, row.key, changed}};
      (void)load(one);
    }
}

TEST_F(Records, a_profile_that_does_not_exist_is_an_error) {
  for (auto& [id, own] : world.r.room.inside->own) {
    auto bad = own;
    bad.profile = static_cast<Profile>(2);
    EXPECT_FALSE(read_own_offer(record(bad).value).has_value());
  }
  for (auto& [id, joined] : world.r.room.inside->joined) {
    auto bad = joined;
    bad.profile = static_cast<Profile>(2);
    EXPECT_FALSE(read_joined(record(bad).value).has_value());
    bad = joined;
    bad.paths.clear();  // offer_paths_request goes over the first
    EXPECT_FALSE(read_joined(record(bad).value).has_value());
  }
  for (auto& [id, invitation] : world.m.room.inside->invitations) {
    auto bad = invitation;
    bad.profile = static_cast<Profile>(2);
    EXPECT_FALSE(read_invited(record(bad).value).has_value());
  }
}

TEST_F(Records, a_slot_key_of_another_length_is_an_error) {
  for (const auto& row : rows) {
    if (row.table != Table::StaticInvoice) continue;
    auto key = row.key;
    key.pop_back();
    EXPECT_FALSE(read_served(key, row.value).has_value());
    key = row.key;
    key.push_back(0);
    EXPECT_FALSE(read_served(key, row.value).has_value());
  }
}

}  // namespace
}  // namespace doze::invoicing::testing
