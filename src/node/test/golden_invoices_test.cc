// Rows of invoices of BOLT 11: a payer's settled payment (outgoing payments, version 2), a recipient's paid and open
// invoices. As golden_test.cc: never rewritten for a released format; DOZE_WRITE_GOLDEN=records-v2.json writes it.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "sim/async_network.h"

namespace doze::sim {
namespace {

namespace json = boost::json;

constexpr const char* kInvoicesFile = DOZE_VECTORS "/records-v2.json";
constexpr std::uint64_t kInvoicesSeed = 43;

void write_invoices() {
  auto network = set_up(kInvoicesSeed);
  ASSERT_EQ(network.trouble, "");
  auto& world = *network.world;
  command::Pay pay;
  for (const char* description : {"tea", "coffee"}) {
    auto made = world.ask(network.r, command::CreateInvoice{Msat(50'000'000), description, {}, {}});
    ASSERT_EQ(error_of(made), "");
    pay.offer = text_of(made, "invoice");
  }
  ASSERT_EQ(error_of(world.ask(network.s, pay)), "");
  world.run_for(1'000);
  std::ofstream out(kInvoicesFile);
  out << "{\n \"comment\": \"Rows [table, key, value] of BOLT 11: payer S, recipient R\",\n \"seed\": " << kInvoicesSeed
      << ",\n \"nodes\": {";
  for (auto index : {network.s, network.r}) {
    const auto& node = world.node(index);
    out << (index == network.s ? "\n" : ",\n") << "  \"" << node.name << "\": [";
    const char* between = "\n";
    for (const auto& [key, value] : node.disk) {
      if (key.first != Table::OutgoingPayment && key.first != Table::IncomingPayment && key.first != Table::InvoiceSent)
        continue;
      out << between << "   [" << static_cast<int>(key.first) << ", \"" << to_hex(key.second) << "\", \""
          << to_hex(value) << "\"]";
      between = ",\n";
    }
    out << "\n  ]";
  }
  out << "\n }\n}\n";
}

class GoldenInvoices : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* wanted = std::getenv("DOZE_WRITE_GOLDEN");
    if (wanted != nullptr && std::string(wanted) == "records-v2.json") write_invoices();
  }
  void SetUp() override {
    std::ifstream in(kInvoicesFile);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    auto file = json::parse(text);
    for (const auto* name : {"S", "R"}) {
      auto& node = world.node(world.add_node(name, Config{}));
      for (const auto& row : file.at("nodes").at(name).as_array())
        node.disk[{static_cast<Table>(row.at(0).to_number<int>()), hex(std::string(row.at(1).as_string()))}] =
            hex(std::string(row.at(2).as_string()));
    }
  }
  std::vector<std::string> fields(std::size_t index, command::Command command, const char* list, const char* field) {
    auto reply = world.ask(index, std::move(command));
    std::vector<std::string> out;
    for (const auto& row : std::get<List>(std::get<Value>(reply).find(list)->inner()))
      out.push_back(std::get<std::string>(row.find(field)->inner()));
    std::sort(out.begin(), out.end());
    return out;
  }

  World world{kInvoicesSeed};
};

TEST_F(GoldenInvoices, rows_are_read_and_shown) {
  using Texts = std::vector<std::string>;
  world.start(0);
  world.start(1);
  EXPECT_EQ(fields(0, command::ListPayments{}, "payments", "state"), Texts{"settled"});
  EXPECT_EQ(fields(0, command::ListPayments{}, "payments", "direction"), Texts{"outgoing"});
  EXPECT_EQ(fields(0, command::ListPayments{}, "payments", "invoice")[0].substr(0, 6), "lnbcrt");
  EXPECT_EQ(fields(1, command::ListPayments{}, "payments", "direction"), Texts{"incoming"});
  EXPECT_EQ(fields(1, command::ListInvoices{}, "invoices", "description"), (Texts{"coffee", "tea"}));
  EXPECT_EQ(fields(1, command::ListInvoices{}, "invoices", "status"), (Texts{"open", "paid"}));
}

TEST_F(GoldenInvoices, newer_and_damaged_rows_are_refused) {
  ParallelMap parallel;
  for (std::size_t index = 0; index < 2; ++index) {
    auto& node = world.node(index);
    ASSERT_FALSE(node.disk.empty());
    for (const auto& [key, value] : node.disk) {
      auto loads = [&](const Bytes& changed) {
        auto read = [&](Table table) { return rows_of_table({{key, changed}}, table); };
        return node::Node::load(node.config, *node.signer, read, parallel).has_value();
      };
      auto newer = value, cut = value, longer = value;
      newer.front() = 99;
      cut.pop_back();
      longer.push_back(0);
      EXPECT_TRUE(loads(value));
      EXPECT_FALSE(loads(newer)) << static_cast<int>(key.first);
      EXPECT_FALSE(loads(cut)) << static_cast<int>(key.first);
      EXPECT_FALSE(loads(longer)) << static_cast<int>(key.first);
    }
  }
}

}  // namespace
}  // namespace doze::sim
