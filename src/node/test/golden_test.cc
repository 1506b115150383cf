// Rows that this node's ancestors wrote: every later node must read them and go on from there.
//
// Each file has the whole databases of payer, two servers and recipient in the middle of a held payment, both clients
// asleep: records-v1.json of the first version, records-v3.json of the first one whose channels are rows
// of version 2, records-v4.json of the first one whose HTLCs are rows of their own, records-v5.json of the first one
// whose payments have a list of attempts, and whose ended rows are in lists.
// A file is never rewritten: a new version of a record gets a new file beside it. DOZE_WRITE_GOLDEN=FILE writes one.
#include <gtest/gtest.h>

#include <boost/json/src.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "sim/async_network.h"

namespace doze::sim {
namespace {

namespace json = boost::json;

struct GoldenFile {
  const char* name;
  int channel_version, htlc_version, payment_version;
  bool has_lists = false;  // of what is over
};
constexpr GoldenFile kFiles[] = {{"records-v1.json", 1, 0, 1},
                                 {"records-v3.json", 2, 0, 3},
                                 {"records-v4.json", 3, 1, 3},
                                 {"records-v5.json", 3, 2, 4, true}};
/// They are read when somebody asks, not at the start.
bool is_read_at_start(Table table) {
  return table != Table::EndedForward && table != Table::EndedPayment && table != Table::PaymentIndex;
}
std::string place_of(const std::string& name) {
  return std::string(DOZE_VECTORS) + "/" + name;
}
constexpr std::uint64_t kSeed = 42, kAmount = 50'000'000;

using Disk = std::map<std::pair<Table, Bytes>, Bytes>;

/// One settled payment, then one that is held while S and R sleep.
void make_history(AsyncNetwork& network) {
  auto& world = *network.world;
  ASSERT_EQ(network.trouble, "");
  auto offer = make_offer(network, Msat(kAmount));
  ASSERT_TRUE(offer) << network.trouble;
  command::Pay pay;
  pay.offer = *offer;
  auto r_before = channel_balance(world.node(network.r));
  auto first = world.ask(network.s, pay);
  ASSERT_EQ(error_of(first), "");
  auto id = *PaymentId::from(hex(text_of(first, "payment_id")));
  ASSERT_TRUE(world.run_until([&] { return channel_balance(world.node(network.r)) == r_before + kAmount; }, 60'000));
  ASSERT_EQ(error_of(world.ask(network.s, command::WaitPayment{id, true})), "");
  world.run_for(2'000);
  world.stop(network.r);
  world.run_for(1'000);
  auto second = world.ask(network.s, pay);
  ASSERT_EQ(error_of(second), "");
  ASSERT_EQ(text_of(second, "state"), "notified");
  for (auto index : {network.s, network.l, network.m}) world.stop(index);
}

void write_file(const AsyncNetwork& network, const std::string& name) {
  std::ofstream out(place_of(name));
  out << "{\n \"comment\": \"Rows [table, key, value] of four nodes in the middle of a held payment\",\n"
      << " \"seed\": " << kSeed << ",\n \"nodes\": {";
  for (std::size_t index = 0; index < network.world->nodes(); ++index) {
    const auto& node = network.world->node(index);
    out << (index == 0 ? "\n" : ",\n") << "  \"" << node.name << "\": [";
    const char* between = "\n";
    for (const auto& [key, value] : node.disk) {
      out << between << "   [" << static_cast<int>(key.first) << ", \"" << to_hex(key.second) << "\", \""
          << to_hex(value) << "\"]";
      between = ",\n";
    }
    out << "\n  ]";
  }
  out << "\n }\n}\n";
  ASSERT_TRUE(out.good());
}

std::map<std::string, Disk> read_file(const std::string& name) {
  std::ifstream in(place_of(name));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(text.empty()) << name;
  std::map<std::string, Disk> out;
  auto file = json::parse(text);
  EXPECT_EQ(file.at("seed").to_number<std::uint64_t>(), kSeed);
  for (const auto& node : file.at("nodes").as_object())
    for (const auto& row : node.value().as_array()) {
      auto table = static_cast<Table>(row.at(0).to_number<int>());
      out[std::string(node.key())][{table, hex(std::string(row.at(1).as_string()))}] =
          hex(std::string(row.at(2).as_string()));
    }
  return out;
}

std::size_t count(const std::variant<Value, CommandError>& reply, const char* list) {
  const auto* value = std::get_if<Value>(&reply);
  const auto* found = value == nullptr ? nullptr : value->find(list);
  return found == nullptr ? 0 : std::get<List>(found->inner()).size();
}

class Golden : public ::testing::TestWithParam<GoldenFile> {
 protected:
  /// Nodes with the keys and settings of those that wrote the file, nothing started, on an empty chain.
  void SetUp() override {
    const char* wanted = std::getenv("DOZE_WRITE_GOLDEN");
    if (wanted != nullptr && std::string(wanted) == GetParam().name) {
      auto network = set_up(kSeed);
      make_history(network);
      write_file(network, GetParam().name);
    }
    world = std::make_unique<World>(kSeed);
    for (const auto* name : {"S", "L", "M", "R"}) {
      Config config;
      config.role = *name == 'L' || *name == 'M' ? Role::Server : Role::Client;
      config.offers_draft_hold = false;
      world->add_node(name, config);
    }
    disks = read_file(GetParam().name);
    ASSERT_EQ(disks.size(), 4U);
  }
  [[nodiscard]] Result<node::Node, LoadError> load(std::size_t index, const Disk& disk) const {
    auto& node = world->node(index);
    auto read = [&](Table table) { return rows_of_table(disk, table); };
    return node::Node::load(node.config, *node.signer, read, parallel);
  }

  std::unique_ptr<World> world;
  std::map<std::string, Disk> disks;
  ParallelMap parallel;
};

TEST_P(Golden, file_has_rows_of_every_table) {
  std::set<Table> seen;
  for (const auto& [name, disk] : disks)
    for (const auto& [key, value] : disk) seen.insert(key.first);
  for (auto table : {Table::Meta, Table::Channel, Table::Coin, Table::WalletState, Table::GossipNode,
                     Table::GossipChannel, Table::PeerPolicy, Table::PeerAddress, Table::Mailbox, Table::Offer,
                     Table::Invitation, Table::Joined, Table::StaticInvoice, Table::OutgoingPayment, Table::Forward})
    EXPECT_TRUE(seen.contains(table)) << "table " << static_cast<int>(table);
  for (auto table : {Table::EndedForward, Table::EndedPayment, Table::PaymentIndex, Table::Count})
    EXPECT_EQ(seen.contains(table), GetParam().has_lists) << "table " << static_cast<int>(table);
  EXPECT_EQ(seen.contains(Table::IncomingPayment), !GetParam().has_lists);
}

TEST_P(Golden, file_has_channels_htlcs_and_payments_of_its_versions) {
  constexpr std::size_t kHtlcKeyBytes = 32 + 1 + 8;
  std::size_t channels = 0, htlcs = 0, payments = 0;
  for (const auto& [name, disk] : disks)
    for (const auto& [key, value] : disk) {
      const auto& [table, bytes] = key;
      auto expect = [&](int version, std::size_t& count) {
        EXPECT_EQ(value.front(), version);
        ++count;
      };
      if (table == Table::Channel && bytes.size() == 32) expect(GetParam().channel_version, channels);
      if (table == Table::Channel && bytes.size() == kHtlcKeyBytes) expect(GetParam().htlc_version, htlcs);
      if (table == Table::OutgoingPayment) expect(GetParam().payment_version, payments);
    }
  EXPECT_EQ(channels, 6U);                                   // both ends of S-L, L-M, M-R
  EXPECT_EQ(htlcs, GetParam().htlc_version == 0 ? 0U : 2U);  // the held one, at both ends
  EXPECT_EQ(payments, GetParam().has_lists ? 1U : 2U);       // the settled one is over
}

TEST_P(Golden, nodes_load_and_finish_the_payment) {
  for (std::size_t index = 0; index < 4; ++index) world->node(index).disk = disks.at(world->node(index).name);
  for (std::size_t index = 0; index < 4; ++index) {
    world->start(index);
    ASSERT_TRUE(world->node(index).core->tip());
    EXPECT_GT(world->node(index).core->tip()->height.value(), 20U);
  }
  EXPECT_EQ(count(world->ask(1, command::ListHolds{}), "holds"), 1U);
  EXPECT_EQ(count(world->ask(2, command::ListMailboxes{}), "mailboxes"), 1U);
  EXPECT_EQ(count(world->ask(0, command::ListPayments{}), "payments"), 2U);
  EXPECT_EQ(count(world->ask(3, command::ListOffers{}), "offers"), 1U);
  EXPECT_EQ(count(world->ask(2, command::ListInvitations{}), "invitations"), 1U);
  auto before = std::uint64_t{kAmount};
  EXPECT_TRUE(world->run_until([&] { return channel_balance(world->node(3)) == before + kAmount; }, 120'000));
  world->run_for(5'000);
  EXPECT_FALSE(htlcs_in_flight(*world));
}

// Loading and starting says nothing new about what is on disk: a row that is written then is written as it stood.
TEST_P(Golden, rows_survive_a_start_and_a_stop) {
  for (std::size_t index = 0; index < 4; ++index) {
    auto& node = world->node(index);
    const auto& disk = disks.at(node.name);
    auto loaded = load(index, disk);
    ASSERT_TRUE(loaded) << node.name;
    auto out = loaded->step(Started{}, {world->now(), world->wall()}, *node.rng);
    for (const auto& change : out.durable) {
      const auto* put = std::get_if<Put>(&change);
      if (put == nullptr || !disk.contains({put->table, put->key})) continue;
      auto table = static_cast<int>(put->table);
      EXPECT_EQ(put->value.front(), disk.at({put->table, put->key}).front()) << node.name << " table " << table;
    }
  }
}

// A version that is not known is refused with its table and key, whichever row it is; so is a row that is cut.
TEST_P(Golden, newer_and_damaged_rows_are_refused) {
  for (std::size_t index = 0; index < 4; ++index) {
    const auto& disk = disks.at(world->node(index).name);
    for (const auto& [key, value] : disk) {
      if (!is_read_at_start(key.first)) continue;
      auto newer = disk;
      newer.at(key).front() = 99;
      auto loaded = load(index, newer);
      auto table = static_cast<int>(key.first);
      ASSERT_FALSE(loaded) << world->node(index).name << " table " << table;
      EXPECT_EQ(loaded.error().table, key.first);
      EXPECT_EQ(loaded.error().key, key.second);
      EXPECT_EQ(loaded.error().error.code, ParseCode::UnknownVersion) << table << " " << describe(loaded.error().error);
      auto cut = disk;
      cut.at(key).pop_back();
      loaded = load(index, cut);
      ASSERT_FALSE(loaded) << world->node(index).name << " table " << table;
      EXPECT_EQ(loaded.error().table, key.first);
      cut.at(key) = value;
      cut.at(key).push_back(0);
      loaded = load(index, cut);
      EXPECT_FALSE(loaded) << world->node(index).name << " table " << table;
    }
  }
}

TEST_P(Golden, newer_chain_tail_is_refused) {
  auto disk = disks.at("S");
  auto& tail = disk.at({Table::Meta, to_bytes(bytes_of("tail"))});
  ASSERT_EQ(tail.front(), 1);
  tail.front() = 2;
  auto loaded = load(0, disk);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().table, Table::Meta);
  EXPECT_EQ(loaded.error().error.code, ParseCode::UnknownVersion);
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, ::testing::ValuesIn(kFiles), [](const auto& info) {
  std::string name = info.param.name;
  return name.substr(0, name.find('.')).replace(name.find('-'), 1, "_");
});

}  // namespace
}  // namespace doze::sim
