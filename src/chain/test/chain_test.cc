// The driver against a real bitcoind on regtest. Skipped by name where there is none.
#include "chain/chain_driver.h"
#include "chain/test/bitcoind_process.h"
#include "chain/test/fake_server.h"
#include "chain/test/owner.h"
#include "crypto/crypto.h"
#include "effects/driver_order.h"
#include "effects/limits.h"
#include "effects/words.h"

namespace doze::chain::test {
namespace {

/// One line a word, in the order in which they came.
std::string line(const ChainWord& word) {
  return std::visit(Overloaded{[](const ChainStatus& status) {
                                 return std::string("connected ") + (status.connected ? "1" : "0") + " synced " +
                                        (status.synced ? "1 " : "0 ") + status.detail;
                               },
                               [](const FoundBlock& block) {
                                 return "came " + std::to_string(block.height.value()) + " " + block.hash.hex();
                               },
                               [](const BlockDisconnected& block) {
                                 return "gone " + std::to_string(block.height.value()) + " " + block.hash.hex();
                               }},
                    word);
}

class ChainDriverTest : public testing::Test {
 protected:
  void SetUp() override {
    auto program = find_bitcoind();
    if (!program) GTEST_SKIP() << "no bitcoind: name one in BITCOIND or put it into PATH";
    bitcoind = std::make_unique<BitcoindProcess>(*program);
    ASSERT_TRUE(bitcoind->ready()) << "bitcoind does not start";
  }
  ChainConfig config() {
    ChainConfig out;
    out.rpc = bitcoind->endpoint();
    auto genesis = bitcoin::parse_block_hash(bitcoind->call("getblockhash", "[0]"));
    out.chain_hash = convert<ChainHash>(*genesis);
    out.poll_interval_ms = 20;
    return out;
  }
  // A script that anybody can name and nobody spends: no wallet needed for blocks.
  void mine(int blocks) {
    bitcoind->call("generatetodescriptor", "[" + std::to_string(blocks) + R"json(,"raw(51)"])json");
  }
  std::string tip() { return bitcoind->call("getbestblockhash", "[]"); }
  std::string hash_at(int height) { return bitcoind->call("getblockhash", "[" + std::to_string(height) + "]"); }
  // A transaction that spends the coinbase of `height` (anyone can spend OP_TRUE) to `amount` at OP_TRUE.
  bitcoin::Transaction spend(int height, Sat amount) {
    auto block = bitcoin::parse_block(hex(bitcoind->call("getblock", "[\"" + hash_at(height) + "\",0]")));
    EXPECT_TRUE(block.has_value());
    bitcoin::Transaction out;
    out.inputs.push_back({.previous_output = {bitcoin::txid(block->transactions[0]), 0}});
    // P2WSH of OP_TRUE: a standard output, so that relay policy takes it.
    Bytes script{0x00, 0x20};
    append(script, crypto::sha256(Bytes{0x51}).view());
    out.outputs.push_back({amount, script});
    return out;
  }

  std::unique_ptr<BitcoindProcess> bitcoind;
};

TEST_F(ChainDriverTest, begins_at_the_tip_and_delivers_each_new_block) {
  mine(3);
  Owner owner;
  ChainDriver driver(config(), owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.connected, 1);
  EXPECT_EQ(owner.chain.back().height, BlockHeight(3));
  mine(5);
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.connected, 6);
  EXPECT_EQ(owner.disconnected, 0);
  EXPECT_EQ(owner.last_block->transactions.size(), 1u);
}

/// What the simulator and the tests of every room say in its place.
TEST_F(ChainDriverTest, says_what_driver_words_says) {
  mine(5);
  Owner owner;
  auto from = config();
  from.start = BlockHeight(0);
  // A driver a visit: what happens meanwhile it sees together.
  auto visit = [&](std::size_t gone_blocks, std::size_t come_blocks) {
    from.known = owner.chain;
    owner.words.clear();
    {
      ChainDriver driver(from, owner.events());
      ASSERT_TRUE(owner.until_tip(tip()));
    }
    std::vector<BlockDisconnected> gone;
    std::vector<FoundBlock> come;
    for (const auto& word : owner.words) {
      if (const auto* block = std::get_if<FoundBlock>(&word)) come.push_back(*block);
      if (const auto* block = std::get_if<BlockDisconnected>(&word)) gone.push_back(*block);
    }
    EXPECT_EQ(gone.size(), gone_blocks);
    EXPECT_EQ(come.size(), come_blocks);
    auto wanted = driver_words(from.known.back().height, gone, come);
    ASSERT_EQ(owner.words.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(line(owner.words[i]), line(wanted[i]));
  };
  {
    ChainDriver driver(from, owner.events());
    ASSERT_TRUE(owner.until_tip(tip()));
  }
  mine(1);
  visit(0, 1);
  mine(4);
  visit(0, 4);
  bitcoind->call("invalidateblock", "[\"" + hash_at(8) + "\"]");
  bitcoind->call("generatetodescriptor", R"json([5,"raw(52)"])json");
  visit(3, 5);
}

TEST_F(ChainDriverTest, begins_at_the_height_that_it_is_told) {
  mine(6);
  auto from = config();
  from.start = BlockHeight(2);
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.chain.front().height, BlockHeight(2));
  EXPECT_EQ(owner.connected, 5);
}

TEST_F(ChainDriverTest, a_reorganisation_takes_blocks_back_newest_first) {
  mine(10);
  auto from = config();
  from.start = BlockHeight(0);
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  bitcoind->call("invalidateblock", "[\"" + hash_at(8) + "\"]");
  bitcoind->call("generatetodescriptor", R"json([5,"raw(52)"])json");
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.chain.size(), 13u);
  for (int height : {7, 8, 12}) {
    EXPECT_EQ(bitcoin::block_hash_to_string(owner.chain[static_cast<std::size_t>(height)].hash), hash_at(height));
  }
  EXPECT_EQ(owner.disconnected, 3);
}

TEST_F(ChainDriverTest, a_chain_that_only_became_shorter_is_not_believed_until_it_is_longer) {
  mine(5);
  auto from = config();
  from.start = BlockHeight(0);
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  bitcoind->call("invalidateblock", "[\"" + hash_at(4) + "\"]");
  ASSERT_TRUE(owner.until([&] { return owner.statuses.back().trouble == Trouble::Behind; }));
  EXPECT_TRUE(owner.statuses.back().connected);
  EXPECT_FALSE(owner.statuses.back().synced);
  EXPECT_EQ(owner.disconnected, 0);
  bitcoind->call("generatetodescriptor", R"json([3,"raw(52)"])json");
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.disconnected, 2);
}

TEST_F(ChainDriverTest, nothing_is_lost_while_bitcoind_restarts) {
  mine(2);
  Owner owner;
  ChainDriver driver(config(), owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  bitcoind->stop();
  ASSERT_TRUE(owner.until([&] { return !owner.statuses.back().connected; }));
  EXPECT_FALSE(owner.statuses.back().detail.empty());
  bitcoind->start();
  ASSERT_TRUE(bitcoind->ready());
  mine(4);
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.connected, 5);
  EXPECT_EQ(owner.disconnected, 0);
}

TEST_F(ChainDriverTest, a_reorganisation_while_we_were_away_is_caught_up) {
  mine(6);
  std::vector<BlockRef> known;
  {
    auto from = config();
    from.start = BlockHeight(0);
    Owner owner;
    ChainDriver driver(from, owner.events());
    ASSERT_TRUE(owner.until_tip(tip()));
    known = owner.chain;
  }
  bitcoind->call("invalidateblock", "[\"" + hash_at(5) + "\"]");
  bitcoind->call("generatetodescriptor", R"json([4,"raw(52)"])json");
  auto from = config();
  from.known = known;
  Owner owner;
  owner.chain = known;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(owner.disconnected, 2);
  EXPECT_EQ(owner.connected, 4);
}

TEST_F(ChainDriverTest, an_unknown_past_is_reported_and_nothing_is_delivered) {
  mine(3);
  auto from = config();
  from.known = {{BlockHeight(1), BlockHash{}}};
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until([&] {
    return !owner.statuses.empty() && owner.statuses.back().detail.find("known blocks") != std::string::npos;
  }));
  EXPECT_EQ(owner.statuses.back().trouble, Trouble::Replaced);
  EXPECT_TRUE(owner.statuses.back().connected);
  EXPECT_EQ(owner.connected + owner.disconnected, 0);
}

TEST_F(ChainDriverTest, another_chain_is_reported_and_nothing_is_delivered) {
  auto from = config();
  from.chain_hash = ChainHash{};
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until([&] { return !owner.statuses.empty(); }));
  EXPECT_EQ(owner.statuses.back().trouble, Trouble::OtherChain);
  EXPECT_TRUE(owner.statuses.back().connected);
  EXPECT_FALSE(owner.statuses.back().synced);
  EXPECT_NE(owner.statuses.back().detail.find("another chain: regtest"), std::string::npos);
  EXPECT_EQ(owner.connected, 0);
}

TEST_F(ChainDriverTest, transactions_are_broadcast_and_outcomes_told_apart) {
  mine(110);
  auto from = config();
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  auto send = [&](const bitcoin::Transaction& transaction) {
    auto before = owner.broadcasts.size();
    driver.broadcast(transaction);
    EXPECT_TRUE(owner.until([&] { return owner.broadcasts.size() > before; }));
    EXPECT_EQ(owner.broadcasts.back().txid, bitcoin::txid(transaction));
    return owner.broadcasts.back().outcome;
  };
  auto good = spend(1, Sat(4'999'990'000));
  EXPECT_EQ(send(good), BroadcastOutcome::Accepted) << owner.broadcasts.back().reason;
  EXPECT_EQ(send(good), BroadcastOutcome::Accepted);
  auto rival = good;
  rival.outputs[0].amount = Sat(4'999'990'001);
  EXPECT_EQ(send(rival), BroadcastOutcome::ReplacementLow) << owner.broadcasts.back().reason;
  EXPECT_EQ(send(spend(2, Sat(5'000'000'000))), BroadcastOutcome::FeeTooLow) << owner.broadcasts.back().reason;
  EXPECT_EQ(send(spend(3, Sat(5'000'000'001))), BroadcastOutcome::Invalid) << owner.broadcasts.back().reason;
  auto stranger = good;
  stranger.inputs[0].previous_output.txid = Txid{};
  EXPECT_EQ(send(stranger), BroadcastOutcome::MissingInputs) << owner.broadcasts.back().reason;
  mine(1);
  ASSERT_TRUE(owner.until_tip(tip()));
  ASSERT_EQ(owner.last_block->transactions.size(), 2u);
  EXPECT_EQ(owner.last_block->transactions[1], good);
  EXPECT_EQ(send(good), BroadcastOutcome::AlreadyInChain);
  EXPECT_EQ(send(rival), BroadcastOutcome::MissingInputs);
}

TEST_F(ChainDriverTest, a_payment_in_the_mempool_is_shown_until_another_takes_its_place_or_a_block_has_it) {
  mine(102);
  Owner owner;
  auto with_pace = config();
  with_pace.mempool_interval_ms = 20;
  ChainDriver driver(with_pace, owner.events());
  auto first = spend(1, Sat(4'999'990'000)), second = spend(1, Sat(4'999'900'000));
  driver.watch_mempool({first.outputs[0].script_pubkey}, 600'000);
  auto shown = [&](const std::vector<bitcoin::Transaction>& wanted) {
    MempoolSeen out{{}, true};
    for (const auto& one : wanted)
      out.payments.push_back({{bitcoin::txid(one), 0}, one.outputs[0].script_pubkey, one.outputs[0].amount});
    return owner.until([&] { return !owner.mempools.empty() && owner.mempools.back() == out; });
  };
  EXPECT_TRUE(shown({}));
  driver.broadcast(first);
  EXPECT_TRUE(shown({first}));
  driver.broadcast(second);  // pays more to the miner
  EXPECT_TRUE(shown({second}));
  mine(1);
  EXPECT_TRUE(shown({}));
}

TEST_F(ChainDriverTest, a_broadcast_waits_for_bitcoind_to_come_back) {
  mine(101);
  Owner owner;
  ChainDriver driver(config(), owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  auto transaction = spend(1, Sat(4'999'990'000));
  bitcoind->stop();
  driver.broadcast(transaction);
  ASSERT_TRUE(owner.until([&] { return !owner.statuses.back().connected; }));
  bitcoind->start();
  ASSERT_TRUE(owner.until([&] { return !owner.broadcasts.empty(); }));
  EXPECT_EQ(owner.broadcasts[0].outcome, BroadcastOutcome::Accepted) << owner.broadcasts[0].reason;
}

TEST_F(ChainDriverTest, outputs_are_found_by_short_channel_id_until_they_are_spent) {
  mine(110);
  Owner owner;
  ChainDriver driver(config(), owner.events());
  ASSERT_TRUE(owner.until_tip(tip()));
  auto look_up = [&](ShortChannelId scid) {
    auto before = owner.outputs.size();
    EXPECT_TRUE(driver.look_up(scid));
    EXPECT_TRUE(owner.until([&] { return owner.outputs.size() > before; }));
    EXPECT_EQ(owner.outputs.back().first, scid);
    return owner.outputs.back().second;
  };
  auto coinbase = ShortChannelId::of(1, 0, 0);
  EXPECT_EQ(look_up(coinbase), (bitcoin::TxOut{Sat(5'000'000'000), Bytes{0x51}}));
  EXPECT_EQ(look_up(ShortChannelId::of(1, 0, 7)), std::nullopt);
  EXPECT_EQ(look_up(ShortChannelId::of(1, 1, 0)), std::nullopt);
  EXPECT_EQ(look_up(ShortChannelId::of(100'000, 0, 0)), std::nullopt);
  auto spending = spend(1, Sat(4'999'990'000));
  driver.broadcast(spending);
  ASSERT_TRUE(owner.until([&] { return !owner.broadcasts.empty(); }));
  EXPECT_NE(look_up(coinbase), std::nullopt);  // only a block counts
  mine(1);
  ASSERT_TRUE(owner.until_tip(tip()));
  EXPECT_EQ(look_up(coinbase), std::nullopt);
  EXPECT_EQ(look_up(ShortChannelId::of(111, 1, 0)), spending.outputs[0]);
}

TEST_F(ChainDriverTest, without_an_estimate_the_fallback_is_named) {
  mine(1);
  auto from = config();
  from.fallback_feerate = FeeratePerKw(5'000);
  Owner owner;
  ChainDriver driver(from, owner.events());
  ASSERT_TRUE(owner.until([&] { return !owner.fees.empty(); }));
  FeeEstimate guess(FeeratePerKw(5'000), kRelayFloor);
  guess.by_target = {};
  guess.incremental = FeeratePerKw(250);
  EXPECT_EQ(owner.fees[0], guess);
}

TEST_F(ChainDriverTest, a_user_and_a_password_do_as_well_as_a_cookie) {
  std::string line;
  std::getline(std::ifstream(bitcoind->cookie_file()), line);
  auto where = bitcoind->endpoint();
  where.cookie_file.clear();
  where.user = line.substr(0, line.find(':'));
  where.password = line.substr(line.find(':') + 1);
  EXPECT_EQ(BitcoindClient(where).chain_info()->chain, "regtest");
  where.password += "x";
  EXPECT_EQ(BitcoindClient(where).chain_info().error().code, RpcErrorCode::Unauthorized);
}

// ---- without bitcoind ----

TEST(ChainDriver, is_destroyed_at_once_while_bitcoind_is_away_or_hangs) {
  FakeServer hanging([](const std::string&) { return HttpReply{.hang = true}; });
  for (std::uint16_t port : {std::uint16_t{1}, hanging.port()}) {
    Owner owner;
    ChainConfig config;
    config.rpc.port = port;
    config.rpc.call_timeout_ms = 3'600'000;
    ChainDriver driver(config, owner.events());
    if (port == 1) {
      EXPECT_TRUE(owner.until([&] { return !owner.statuses.empty(); }));
      EXPECT_NE(owner.statuses[0].detail.find("unreachable"), std::string::npos);
    }
  }
}

TEST(ChainDriver, warming_up_is_waited_for) {
  // Two refusals, then a node whose whole chain is a genesis block nobody knows.
  int asked = 0;
  FakeServer server([&](const std::string&) {
    ++asked;
    if (asked <= 2) return HttpReply{500, R"({"result":null,"error":{"code":-28,"message":"Verifying blocks"}})"};
    return HttpReply{200, R"({"result":")" + std::string(64, '7') + R"(","error":null})"};
  });
  Owner owner;
  ChainConfig config;
  config.rpc.port = server.port();
  config.chain_hash = ChainHash::from_hex_or_die(std::string(64, '7'));
  ChainDriver driver(config, owner.events());
  ASSERT_TRUE(owner.until([&] { return owner.statuses.size() >= 2; }));
  EXPECT_NE(owner.statuses[0].detail.find("Verifying blocks"), std::string::npos);
  EXPECT_NE(owner.statuses[1].detail.find("getblockchaininfo"), std::string::npos);  // got past the greeting
}

TEST(ChainDriver, so_many_look_ups_wait_for_a_bitcoind_that_is_away_and_no_more) {
  Owner owner;
  ChainConfig config;
  config.rpc.port = 1;  // nobody is there
  ChainDriver driver(config, owner.events());
  for (std::size_t i = 0; i < kMaxLookUps; ++i) ASSERT_TRUE(driver.look_up(ShortChannelId(i))) << i;
  EXPECT_FALSE(driver.look_up(ShortChannelId(kMaxLookUps)));
}

TEST(ChainDriver, a_feerate_beyond_all_reason_is_cut) {
  for (bool estimate : {true, false}) {
    auto hash = std::string(64, '7');
    FakeServer server([&](const std::string& body) {
      auto asks = [&](const char* method) { return body.find(method) != std::string::npos; };
      std::string result = '"' + hash + '"';
      if (asks("getblockchaininfo"))
        result = R"({"chain":"regtest","blocks":0,"headers":0,"bestblockhash":")" + hash + "\"}";
      if (asks("estimatesmartfee")) result = estimate ? R"({"feerate":10.00000000})" : "{}";
      if (asks("getmempoolinfo"))
        result = estimate ? R"({"mempoolminfee":0.00001000})" : R"({"mempoolminfee":10.00000000})";
      return HttpReply{200, R"({"result":)" + result + R"(,"error":null})"};
    });
    Owner owner;
    ChainConfig config;
    config.rpc.port = server.port();
    config.chain_hash = ChainHash::from_hex_or_die(hash);
    config.known = {{BlockHeight(0), *bitcoin::parse_block_hash(hash)}};
    ChainDriver driver(config, owner.events());
    ASSERT_TRUE(owner.until([&] { return !owner.fees.empty(); }));
    FeeEstimate most(kMaxFeerate, estimate ? kRelayFloor : kMaxFeerate);
    if (!estimate) most.by_target = {};
    EXPECT_EQ(owner.fees[0], most);
  }
}

}  // namespace
}  // namespace doze::chain::test
