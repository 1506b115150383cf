// What a node reads at a start.
#include <set>

#include "effects/test/surroundings.h"
#include "node/node.h"

namespace doze::node {
namespace {

TEST(Load, each_table_is_read_once_and_what_is_over_not_at_all) {
  test::Surroundings around(1);
  std::multiset<Table> asked;
  auto read = [&](Table table) {
    asked.insert(table);
    return std::vector<Row>();
  };
  ASSERT_TRUE(Node::load(around.config, *around.signer, read, around.parallel).has_value());
  for (auto table : {Table::EndedForward, Table::EndedPayment, Table::PaymentIndex}) EXPECT_EQ(asked.count(table), 0U);
  for (auto table : {Table::Meta, Table::Channel, Table::Coin, Table::GossipChannel, Table::Mailbox, Table::Offer,
                     Table::OutgoingPayment, Table::IncomingPayment, Table::Forward, Table::PaidInvoice})
    EXPECT_EQ(asked.count(table), 1U) << static_cast<int>(table);
}

}  // namespace
}  // namespace doze::node
