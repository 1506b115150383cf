// A bitcoind that is not what it was: pruned, shorter, restored, another chain, on a fork of its own. Played by a
// scripted server, so that it can lie as no real one would.
#include <map>

#include "chain/test/fake_server.h"
#include "chain/test/owner.h"
#include "effects/limits.h"

namespace doze::chain::test {
namespace {

using Blocks = std::vector<bitcoin::Block>;

bitcoin::Block child_of(const BlockHash& parent, std::uint32_t height, std::uint32_t salt) {
  bitcoin::Transaction coinbase;
  coinbase.inputs.push_back({.previous_output = {{}, 0xffff'ffff}, .script_sig = Bytes{1, 1}});
  coinbase.outputs.push_back({Sat(height), Bytes{0x51}});
  coinbase.locktime = salt;
  bitcoin::Block out;
  out.transactions.push_back(coinbase);
  out.header.previous = parent;
  bool repeated = false;
  out.header.merkle_root = bitcoin::merkle_root(out.transactions, &repeated);
  return out;
}
/// The first `keep` blocks of `from`, and new ones up to `length`.
Blocks grown(const Blocks& from, std::size_t keep, std::size_t length, std::uint32_t salt) {
  Blocks out(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(keep));
  while (out.size() < length) {
    auto parent = out.empty() ? BlockHash{} : bitcoin::block_hash(out.back().header);
    out.push_back(child_of(parent, static_cast<std::uint32_t>(out.size()), salt));
  }
  return out;
}

/// Speaks as much of bitcoind's RPC as the driver asks. Each block is one unit of work.
class ScriptedBitcoind {
 public:
  ScriptedBitcoind() : server_([this](const std::string& body) { return answer(body); }) {}
  /// `forgets`: a fresh or restored one, that never saw the blocks of before.
  void follow(Blocks chain, bool forgets = false) {
    std::lock_guard lock(mutex_);
    if (forgets) seen_.clear();
    chain_ = std::move(chain);
    for (std::size_t height = 0; height < chain_.size(); ++height)
      seen_[bitcoin::block_hash_to_string(hash(height))] = height;
  }
  void prune_below(std::size_t height) {
    std::lock_guard lock(mutex_);
    oldest_ = height;
  }
  /// Whatever is broadcast gets this; nullopt: it is taken.
  void answer_broadcasts(std::optional<HttpReply> reply) {
    std::lock_guard lock(mutex_);
    broadcast_reply_ = std::move(reply);
  }
  /// Another backend behind the same address: it alone answers what the best block is.
  void name_as_best(std::optional<BlockHash> best) {
    std::lock_guard lock(mutex_);
    best_ = best;
  }
  /// Blocks with their transaction ids, for look-ups, come with this.
  void answer_look_ups(HttpReply reply, int times = 1'000) {
    std::lock_guard lock(mutex_);
    txids_reply_ = std::move(reply);
    txids_replies_ = times;
  }
  [[nodiscard]] std::size_t calls() {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  ChainConfig config(const Blocks& chain) const {
    ChainConfig out;
    out.rpc.port = server_.port();
    out.chain_hash = convert<ChainHash>(bitcoin::block_hash(chain[0].header));
    out.poll_interval_ms = 10;
    out.start = BlockHeight(0);
    return out;
  }

 private:
  [[nodiscard]] BlockHash hash(std::size_t height) const { return bitcoin::block_hash(chain_[height].header); }
  static std::string quoted(const std::string& text) { return '"' + text + '"'; }
  static std::string work(std::size_t height) {
    char text[65];
    std::snprintf(text, sizeof text, "%064zx", height + 1);
    return text;
  }
  static HttpReply result(const std::string& json) { return {200, R"({"result":)" + json + R"(,"error":null})"}; }
  static HttpReply error(int code, const std::string& message) {
    return {500, R"({"result":null,"error":{"code":)" + std::to_string(code) + R"(,"message":")" + message + R"("}})"};
  }
  /// What stands between the brackets of params, without quotes and further arguments.
  static std::string argument(const std::string& body) {
    auto from = body.find('[') + 1, to = body.find_first_of(",]", from);
    auto text = body.substr(from, to - from);
    return text.starts_with('"') ? text.substr(1, text.size() - 2) : text;
  }
  HttpReply answer(const std::string& body) {
    std::lock_guard lock(mutex_);
    auto asks = [&](const char* method) { return body.find(quoted(method)) != std::string::npos; };
    auto tip = chain_.size() - 1;
    ++calls_;
    if (asks("getbestblockhash")) return result(quoted(bitcoin::block_hash_to_string(best_.value_or(hash(tip)))));
    if (asks("sendrawtransaction")) return broadcast_reply_.value_or(result(quoted(std::string(64, '0'))));
    if (asks("getblock") && body.find(",1]") != std::string::npos) {
      if (txids_replies_ > 0 && txids_replies_-- > 0) return *txids_reply_;
      return result(R"({"tx":[]})");
    }
    if (asks("getblockchaininfo"))
      return result(R"({"chain":"regtest","blocks":)" + std::to_string(tip) + R"(,"headers":)" + std::to_string(tip) +
                    R"(,"bestblockhash":)" + quoted(bitcoin::block_hash_to_string(hash(tip))) + R"(,"chainwork":)" +
                    quoted(work(tip)) +
                    (oldest_ == 0 ? "" : R"(,"pruned":true,"pruneheight":)" + std::to_string(oldest_)) + "}");
    if (asks("getblockhash")) {
      auto height = std::stoul(argument(body));
      if (height > tip) return error(kRpcInvalidParameter, "Block height out of range");
      return result(quoted(bitcoin::block_hash_to_string(hash(height))));
    }
    if (asks("getblockheader") || asks("getblock")) return block(argument(body), asks("getblockheader"));
    if (asks("getmempoolinfo")) return result(R"({"mempoolminfee":0.00001000})");
    return result("{}");
  }
  HttpReply block(const std::string& id, bool header) {
    auto found = seen_.find(id);
    if (found == seen_.end()) return error(kRpcInvalidAddressOrKey, "Block not found");
    auto height = found->second;
    bool active = height < chain_.size() && bitcoin::block_hash_to_string(hash(height)) == id;
    if (header)
      return result(R"({"height":)" + std::to_string(height) + R"(,"confirmations":)" + (active ? "1" : "-1") +
                    R"(,"chainwork":)" + quoted(work(height)) + "}");
    if (height < oldest_) return error(kRpcMiscError, "Block not available (pruned data)");
    return result(quoted(to_hex(bitcoin::serialize(chain_[height]))));
  }

  std::mutex mutex_;
  Blocks chain_;
  std::optional<HttpReply> broadcast_reply_, txids_reply_;
  int txids_replies_ = 0;
  std::optional<BlockHash> best_;
  std::size_t calls_ = 0;
  std::map<std::string, std::size_t> seen_;
  std::size_t oldest_ = 0;
  FakeServer server_;
};

struct Backend : testing::Test {
  Blocks ours = grown({}, 0, 31, 0);  // heights 0 to 30
  ScriptedBitcoind bitcoind;
  Owner owner;
  std::unique_ptr<ChainDriver> driver;

  void SetUp() override {
    bitcoind.follow(ours);
    start(bitcoind.config(ours));
    ASSERT_TRUE(owner.until([&] { return owner.synced() && owner.chain.size() == ours.size(); }));
  }
  void start(ChainConfig config) { driver = std::make_unique<ChainDriver>(std::move(config), owner.events()); }
  /// Said as this trouble: connected, not synced; nothing was taken back for it.
  void expect(Trouble trouble, const std::string& word) {
    ASSERT_TRUE(owner.until([&] { return owner.statuses.back().trouble == trouble; })) << name(trouble);
    EXPECT_TRUE(owner.until([&] { return owner.statuses.back().detail.find(word) != std::string::npos; })) << word;
    EXPECT_TRUE(owner.until([&] {
      const auto& status = owner.statuses.back();
      return status.connected && !status.synced;
    }));
    EXPECT_TRUE(owner.until([&] { return owner.disconnected == 0 && owner.chain.size() == ours.size(); }));
  }
  void expect_follows(const Blocks& chain) {
    auto tip = bitcoin::block_hash(chain.back().header);
    EXPECT_TRUE(owner.until([&] { return owner.synced() && owner.chain.back().hash == tip; }));
  }
};

TEST_F(Backend, that_became_shorter_is_waited_for) {
  bitcoind.follow(grown(ours, 20, 20, 0));
  expect(Trouble::Behind, "block 19");
  auto longer = grown(ours, 31, 33, 0);
  bitcoind.follow(longer);
  expect_follows(longer);
  EXPECT_EQ(owner.disconnected, 0);
}

TEST_F(Backend, that_was_restored_and_knows_less_is_waited_for) {
  bitcoind.follow(grown(ours, 5, 5, 0), true);
  expect(Trouble::Behind, "restored");
}

TEST_F(Backend, on_a_fork_of_its_own_that_is_not_longer_is_not_followed) {
  bitcoind.follow(grown(ours, 28, 31, 7));
  expect(Trouble::Behind, "at block 30");
  bitcoind.follow(grown(ours, 28, 30, 8), true);  // one that never saw our blocks
  expect(Trouble::Behind, "at block 29");
}

TEST_F(Backend, whose_longer_chain_leaves_ours_too_deep_is_followed_only_when_the_operator_says_so) {
  auto fork = grown(ours, 31 - kMaxReorgDepth - 1, 40, 7);
  bitcoind.follow(fork, true);
  auto first = bitcoin::block_hash_to_string(bitcoin::block_hash(fork[31 - kMaxReorgDepth - 1].header));
  expect(Trouble::Replaced, "accept_chain = \"" + first + "\"");
  driver.reset();
  auto config = bitcoind.config(ours);
  config.known = owner.chain;
  config.accepted_fork = bitcoin::parse_block_hash(first);
  start(config);
  expect_follows(fork);
  EXPECT_EQ(owner.disconnected, static_cast<int>(kMaxReorgDepth) + 1);
}

TEST_F(Backend, whose_longer_chain_leaves_ours_a_little_is_followed) {
  auto now = ours;
  for (std::uint32_t salt : {7, 8}) {
    now = grown(now, now.size() - kMaxReorgDepth, now.size() + 1, salt);
    bitcoind.follow(now, salt == 8);  // the second time it never saw our blocks
    expect_follows(now);
  }
}

TEST_F(Backend, that_has_none_of_our_blocks_is_said_and_not_followed) {
  driver.reset();
  auto config = bitcoind.config(ours);
  config.known.assign(owner.chain.begin() + 20, owner.chain.end());
  bitcoind.follow(grown(ours, 10, 60, 7), true);
  start(config);
  expect(Trouble::Replaced, "none of the 11 known blocks");
}

TEST_F(Backend, that_has_pruned_what_we_still_need_says_which_block) {
  driver.reset();
  auto config = bitcoind.config(ours);
  config.known = owner.chain;
  auto longer = grown(ours, 31, 60, 0);
  bitcoind.follow(longer);
  bitcoind.prune_below(50);
  start(config);
  expect(Trouble::Pruned, "pruned block 31");
  EXPECT_TRUE(owner.until([&] { return owner.statuses.back().detail.find("oldest is 50") != std::string::npos; }));
  bitcoind.prune_below(0);
  expect_follows(longer);
}

TEST_F(Backend, of_another_chain_is_said_and_not_followed) {
  driver.reset();
  auto config = bitcoind.config(ours);
  config.known = owner.chain;
  bitcoind.follow(grown({}, 0, 60, 9), true);
  start(config);
  expect(Trouble::OtherChain, "another chain");
}

bitcoin::Transaction spend(std::uint32_t number) {
  return child_of({}, number, number).transactions[0];
}

TEST_F(Backend, whose_answer_to_a_broadcast_is_none_holds_up_no_block_and_is_asked_again) {
  driver.reset();
  auto config = bitcoind.config(ours);
  config.broadcast_again_ms = 50;
  config.known = owner.chain;
  // No JSON, as a proxy says it; nothing but the status; a login that may not broadcast.
  for (const auto& reply : {HttpReply{200, "<html>too large</html>"}, HttpReply{503, ""}, HttpReply{403, ""}}) {
    owner.broadcasts.clear();
    owner.unanswered.clear();
    config.known = owner.chain;
    bitcoind.answer_broadcasts(reply);
    start(config);
    for (std::uint32_t i = 1; i <= 3; ++i) driver->broadcast(spend(i));
    EXPECT_TRUE(owner.until([&] { return owner.unanswered.size() == 3; }));
    ours = grown(ours, ours.size(), ours.size() + 2, 0);
    bitcoind.follow(ours);
    expect_follows(ours);
    EXPECT_TRUE(owner.until([&] { return owner.broadcasts.empty(); }));
    for (std::uint32_t i = 1; i <= 3; ++i) driver->broadcast(spend(i));  // they wait already
    bitcoind.answer_broadcasts(std::nullopt);
    EXPECT_TRUE(owner.until([&] { return owner.broadcasts.size() == 3; }));
    driver.reset();
    EXPECT_EQ(owner.broadcasts.size(), 3U);
    EXPECT_EQ(owner.unanswered.size(), 3U);
    for (const auto& sent : owner.broadcasts) EXPECT_EQ(sent.outcome, BroadcastOutcome::Accepted);
  }
}

TEST_F(Backend, that_cannot_be_reached_has_certainly_not_got_a_broadcast) {
  for (bool closes_after_reading : {false, true}) {
    driver.reset();
    owner.unanswered.clear();
    owner.maybe_out.clear();
    owner.statuses.clear();
    owner.fees.clear();
    auto server = std::make_unique<ScriptedBitcoind>();
    server->follow(ours);
    auto config = server->config(ours);
    config.known = owner.chain;
    config.poll_interval_ms = 60'000;
    if (closes_after_reading) server->answer_broadcasts(HttpReply{.ends = true});
    start(config);
    ASSERT_TRUE(owner.until([&] { return owner.synced() && !owner.fees.empty(); }));  // it sleeps now
    if (!closes_after_reading) server.reset();
    driver->broadcast(spend(1));
    ASSERT_TRUE(owner.until([&] { return owner.unanswered.size() == 1; }));
    EXPECT_EQ(owner.maybe_out.size(), closes_after_reading ? 1U : 0U) << owner.unanswered[0].second;
    driver.reset();
  }
}

TEST_F(Backend, which_gave_no_answer_to_a_parent_is_not_asked_about_its_child_first) {
  driver.reset();
  auto config = bitcoind.config(ours);
  config.broadcast_again_ms = 300;
  config.known = owner.chain;
  bitcoind.answer_broadcasts(HttpReply{200, "<html>too large</html>"});
  start(config);
  auto parent = spend(1), child = spend(2);
  child.inputs[0].previous_output = Outpoint{bitcoin::txid(parent), 0};
  driver->broadcast(parent);
  EXPECT_TRUE(owner.until([&] { return owner.unanswered.size() == 1; }));
  bitcoind.answer_broadcasts(std::nullopt);
  driver->broadcast(child);
  EXPECT_TRUE(owner.until([&] { return owner.broadcasts.size() == 2; }));
  driver.reset();
  ASSERT_EQ(owner.broadcasts.size(), 2U);
  EXPECT_EQ(owner.broadcasts[0].txid, bitcoin::txid(parent));
  EXPECT_EQ(owner.broadcasts[1].txid, bitcoin::txid(child));
}

TEST_F(Backend, whose_best_block_and_heights_disagree_is_said_and_asked_at_the_usual_pace) {
  driver.reset();
  auto config = bitcoind.config(ours);
  config.known = owner.chain;
  config.poll_interval_ms = 100;
  auto other = grown(ours, ours.size(), ours.size() + 1, 5);
  bitcoind.name_as_best(bitcoin::block_hash(other.back().header));
  start(config);
  ASSERT_TRUE(
      owner.until([&] { return owner.statuses.back().detail.find("does not lead there") != std::string::npos; }));
  EXPECT_FALSE(owner.synced());
  auto before = bitcoind.calls();
  std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
  EXPECT_LE(bitcoind.calls() - before, 10 * 20U);  // a round asks some ten times
  // The queue goes on meanwhile, and blocks as soon as the two agree.
  driver->broadcast(spend(1));
  EXPECT_TRUE(owner.until([&] { return owner.broadcasts.size() == 1; }));
  bitcoind.name_as_best(std::nullopt);
  bitcoind.follow(other);
  expect_follows(other);
}

TEST_F(Backend, whose_answer_to_a_look_up_is_none_once_or_twice_is_asked_again) {
  bitcoind.answer_look_ups({200, "<html>busy</html>"}, kLookUpTries - 1);
  ASSERT_TRUE(driver->look_up(ShortChannelId::of(2, 7, 0)));  // its block has one transaction
  ASSERT_TRUE(owner.until([&] { return owner.outputs.size() == 1; }));
  EXPECT_FALSE(owner.outputs[0].second.has_value());
  EXPECT_TRUE(owner.without_answer.empty());
}

TEST_F(Backend, whose_answer_to_a_look_up_is_none_is_not_asked_for_ever) {
  bitcoind.answer_look_ups({200, "<html>too large</html>"});
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(driver->look_up(ShortChannelId::of(10 + i, 0, 0)));
  ASSERT_TRUE(owner.until([&] { return owner.outputs.size() == 3; }));
  for (const auto& [scid, output] : owner.outputs) EXPECT_FALSE(output.has_value());
  EXPECT_EQ(owner.without_answer.size(), 3U) << "no answer was taken for no output";
  ours = grown(ours, ours.size(), ours.size() + 1, 0);
  bitcoind.follow(ours);
  expect_follows(ours);
}

}  // namespace
}  // namespace doze::chain::test
