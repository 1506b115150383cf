// What the mempool holds for our scripts. A scripted server plays the mempools that no test can fill.
#include "chain/mempool.h"

#include <boost/json.hpp>

#include "chain/test/fake_server.h"
#include "crypto/crypto.h"

namespace doze::chain::test {
namespace {

namespace json = boost::json;

const Bytes kOurs{0x00, 0x14, 1}, kOther{0x00, 0x14, 2};

bitcoin::Transaction payment(std::uint32_t salt, std::vector<std::pair<Bytes, std::uint64_t>> outputs) {
  bitcoin::Transaction out;
  out.inputs.push_back({.previous_output = {convert<Txid>(crypto::sha256(Writer().u32(salt).take())), 0}});
  for (auto& [script, amount] : outputs) out.outputs.push_back({Sat(amount), std::move(script)});
  return out;
}

class MempoolTest : public testing::Test {
 protected:
  MempoolTest() : server([this](const std::string& body) { return answer(body); }), client(endpoint()) {}
  RpcEndpoint endpoint() {
    RpcEndpoint out;
    out.port = server.port();
    return out;
  }
  Txid add(const bitcoin::Transaction& transaction) {
    std::lock_guard lock(mutex);
    auto txid = bitcoin::txid(transaction);
    mempool[txid] = transaction;
    return txid;
  }
  HttpReply answer(const std::string& body) {
    std::lock_guard lock(mutex);
    auto asked = json::parse(body);
    if (asked.is_object()) {
      ++lists;
      usleep(slow_ms * 1'000);
      if (list_reply) return *list_reply;
      json::array out;
      for (const auto& [txid, transaction] : mempool) out.emplace_back(bitcoin::txid_to_string(txid));
      return {200, json::serialize(json::object{{"result", out}, {"error", nullptr}})};
    }
    ++calls;
    std::string out;
    for (const auto& call : asked.as_array()) {
      auto txid = *bitcoin::parse_txid(std::string(call.at("params").at(0).as_string()));
      ++asked_for[txid];
      if (txid == unreadable) return {200, "no JSON"};
      json::object reply{{"id", call.at("id")}, {"error", nullptr}, {"result", nullptr}};
      if (mempool.contains(txid))
        reply["result"] = to_hex(bitcoin::serialize(mempool.at(txid)));
      else
        reply["error"] = json::object{{"code", kRpcInvalidAddressOrKey}, {"message", "gone"}};
      out += (out.empty() ? "[" : ",") + json::serialize(reply);
    }
    return {200, out + "]"};
  }
  /// Rounds until nothing more is to be looked at.
  void look() {
    while (watch.look(client, [&](const MempoolSeen& now) { seen.push_back(now); })) {
    }
  }
  /// ... after the pause, when the list is read again.
  void look_again() {
    for (auto before = lists; lists == before;) look();
  }
  std::vector<Txid> shown() {
    std::vector<Txid> out;
    if (!seen.empty())
      for (const auto& one : seen.back().payments) out.push_back(one.outpoint.txid);
    return out;
  }

  std::mutex mutex;
  std::map<Txid, bitcoin::Transaction> mempool;
  std::map<Txid, int> asked_for;
  std::optional<HttpReply> list_reply;
  std::optional<Txid> unreadable;
  int lists = 0, calls = 0;
  std::uint32_t slow_ms = 0;
  FakeServer server;
  BitcoindClient client;
  MempoolWatch watch{0};
  std::vector<MempoolSeen> seen;
};

TEST_F(MempoolTest, payments_to_our_scripts_are_shown_until_they_are_not_there_any_more) {
  auto first = add(payment(1, {{kOther, 5}, {kOurs, 700}}));
  add(payment(2, {{kOther, 9}}));
  watch.watch({kOurs}, 60'000);
  look();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0], (MempoolSeen{{{{first, 1}, kOurs, Sat(700)}}, true}));
  auto second = add(payment(3, {{kOurs, 800}}));
  {
    std::lock_guard lock(mutex);
    mempool.erase(first);  // replaced
  }
  look_again();
  EXPECT_EQ(shown(), std::vector<Txid>{second});
  look_again();
  EXPECT_EQ(seen.size(), 2U) << "nothing has changed, and something was said";
}

TEST_F(MempoolTest, nothing_is_asked_while_nobody_waits_and_the_end_of_a_wait_is_said) {
  add(payment(1, {{kOurs, 700}}));
  look();
  EXPECT_EQ(lists, 0);
  watch.watch({kOurs}, 60'000);
  look();
  ASSERT_EQ(shown().size(), 1U);
  watch.watch({kOurs}, 0);
  look();
  EXPECT_EQ(seen.back(), MempoolSeen{});
  look();
  EXPECT_EQ(lists, 1);
}

TEST_F(MempoolTest, each_transaction_of_a_large_mempool_is_read_once_and_some_at_a_time) {
  constexpr std::size_t kPerRound = kMempoolCallsPerRound * kMaxTransactionsPerCall;
  for (std::uint32_t i = 0; i < 2 * kPerRound + 1; ++i) add(payment(i, {{i % 400 == 0 ? kOurs : kOther, 1'000 + i}}));
  watch.watch({kOurs}, 60'000);
  auto tell = [&](const MempoolSeen& now) { seen.push_back(now); };
  EXPECT_TRUE(watch.look(client, tell));
  EXPECT_EQ(calls, static_cast<int>(kMempoolCallsPerRound));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_FALSE(seen[0].complete);
  EXPECT_TRUE(watch.look(client, tell));
  EXPECT_FALSE(watch.look(client, tell));
  EXPECT_TRUE(seen.back().complete);
  EXPECT_EQ(shown().size(), 3U);
  look_again();
  EXPECT_EQ(asked_for.size(), mempool.size());
  for (const auto& [txid, times] : asked_for) EXPECT_EQ(times, 1);
}

TEST_F(MempoolTest, one_that_cannot_be_read_hides_no_other_and_the_list_is_not_called_complete) {
  auto bad = add(payment(0, {{kOurs, 1}}));
  for (std::uint32_t i = 1; i < 60; ++i) add(payment(i, {{kOurs, i}}));
  unreadable = bad;
  watch.watch({kOurs}, 60'000);
  look();
  EXPECT_EQ(shown().size(), 59U);
  EXPECT_FALSE(seen.back().complete);
}

TEST_F(MempoolTest, one_that_is_gone_before_it_is_read_is_no_error) {
  auto gone = payment(1, {{kOurs, 700}});
  json::array listed{bitcoin::txid_to_string(bitcoin::txid(gone))};
  list_reply = HttpReply{200, json::serialize(json::object{{"result", listed}, {"error", nullptr}})};
  watch.watch({kOurs}, 60'000);
  look();
  EXPECT_EQ(seen.back(), (MempoolSeen{{}, true}));
}

TEST_F(MempoolTest, only_the_largest_payments_are_kept) {
  std::vector<std::pair<Bytes, std::uint64_t>> dust(2 * kMaxMempoolPayments, {kOurs, 1});
  add(payment(1, dust));
  auto large = add(payment(2, {{kOurs, 50'000}}));
  add(payment(3, dust));
  watch.watch({kOurs}, 60'000);
  look();
  ASSERT_EQ(shown().size(), kMaxMempoolPayments);
  auto shown_now = shown();
  EXPECT_EQ(std::count(shown_now.begin(), shown_now.end(), large), 1);
  EXPECT_FALSE(seen.back().complete);
}

TEST_F(MempoolTest, a_list_that_is_too_long_or_refused_is_not_asked_for_again_soon) {
  json::array many;
  many.reserve(kMaxMempoolTransactions + 1);
  for (std::size_t i = 0; i <= kMaxMempoolTransactions; ++i) many.emplace_back(std::string(64, '0'));
  list_reply = HttpReply{200, json::serialize(json::object{{"result", many}, {"error", nullptr}})};
  watch.watch({kOurs}, 60'000);
  look();
  look();
  EXPECT_EQ(lists, 1);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(seen.back(), MempoolSeen{});
  watch.forget();
  list_reply = HttpReply{403, ""};
  look();
  look();
  EXPECT_EQ(lists, 2);
}

TEST_F(MempoolTest, a_list_that_takes_long_is_asked_for_rarely) {
  add(payment(1, {{kOurs, 700}}));
  slow_ms = 40;
  watch.watch({kOurs}, 60'000);
  look();
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(slow_ms * kMempoolPauseTimes / 2);
  while (std::chrono::steady_clock::now() < end) look();
  EXPECT_EQ(lists, 1);
}

TEST_F(MempoolTest, a_bitcoind_that_comes_back_is_read_anew) {
  auto txid = add(payment(1, {{kOurs, 700}}));
  watch.watch({kOurs}, 60'000);
  look();
  watch.forget();
  seen.clear();
  look();
  EXPECT_EQ(shown(), std::vector<Txid>{txid});
  EXPECT_EQ(asked_for[txid], 2);
}

}  // namespace
}  // namespace doze::chain::test
