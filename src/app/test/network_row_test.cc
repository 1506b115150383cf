// A database belongs to one network.
#include "app/network_row.h"

#include <gtest/gtest.h>

namespace doze::app {
namespace {

TEST(NetworkRow, is_written_once_and_then_compared) {
  auto first = check_network({}, wire::Network::Regtest);
  ASSERT_TRUE(first) << first.error();
  ASSERT_TRUE(first->has_value());
  std::vector<Row> rows{{Table::Meta, to_bytes(bytes_of("tail")), {1}},
                        {(*first)->table, (*first)->key, (*first)->value}};
  auto same = check_network(rows, wire::Network::Regtest);
  ASSERT_TRUE(same) << same.error();
  EXPECT_FALSE(same->has_value());
  auto other = check_network(rows, wire::Network::Signet);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().find("signet"), std::string::npos);
  EXPECT_NE(other.error().find("created for regtest"), std::string::npos);
}

TEST(NetworkRow, that_is_damaged_is_another_network) {
  std::vector<Row> rows{{Table::Meta, to_bytes(bytes_of("network")), {}}};
  EXPECT_FALSE(check_network(rows, wire::Network::Regtest));
}

}  // namespace
}  // namespace doze::app
