#include "chain/bitcoind_client.h"

#include <gtest/gtest.h>

#include <fstream>

#include "chain/test/fake_server.h"

namespace doze::chain::test {
namespace {

const std::string kHash(64, 'a');

RpcEndpoint endpoint(const FakeServer& server) {
  RpcEndpoint out;
  out.port = server.port();
  out.user = "alice";
  out.password = "secret";
  return out;
}

// What one call says about one canned reply.
template <class F>
auto against(HttpReply reply, F call) {
  FakeServer server([&](const std::string&) { return reply; });
  BitcoindClient client(endpoint(server));
  return call(client);
}

RpcError tip_error(HttpReply reply) {
  auto result = against(std::move(reply), [](auto& client) { return client.best_block_hash(); });
  EXPECT_FALSE(result.has_value());
  return result ? RpcError{} : result.error();
}

std::string rpc_error(int code, const std::string& message) {
  return R"({"result":null,"error":{"code":)" + std::to_string(code) + R"(,"message":")" + message + R"("},"id":0})";
}

TEST(BitcoindClient, sends_basic_authentication_and_json) {
  std::string body;
  FakeServer server([&](const std::string& request) {
    body = request;
    return HttpReply{200, R"({"result":")" + kHash + R"(","error":null,"id":0})"};
  });
  BitcoindClient client(endpoint(server));
  auto hash = client.best_block_hash();
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(hash->hex(), kHash);
  EXPECT_EQ(body, R"({"jsonrpc":"1.0","id":0,"method":"getbestblockhash","params":[]})");
  auto heads = server.heads();
  ASSERT_EQ(heads.size(), 1u);
  EXPECT_NE(heads[0].find("POST / HTTP/1.1"), std::string::npos);
  EXPECT_NE(heads[0].find("Authorization: Basic YWxpY2U6c2VjcmV0"), std::string::npos);
}

TEST(BitcoindClient, errors_are_told_apart) {
  EXPECT_EQ(tip_error({401, ""}).code, RpcErrorCode::Unauthorized);
  EXPECT_EQ(tip_error({403, ""}).code, RpcErrorCode::Unauthorized);
  EXPECT_EQ(tip_error({503, "Work queue depth exceeded"}).code, RpcErrorCode::Busy);
  EXPECT_EQ(tip_error({500, rpc_error(-28, "Loading block index")}).code, RpcErrorCode::WarmingUp);
  auto refused = tip_error({500, rpc_error(-8, "no")});
  EXPECT_EQ(refused.code, RpcErrorCode::Refused);
  EXPECT_EQ(refused.rpc_code, -8);
  EXPECT_EQ(describe(refused), "refused (-8): no");
  auto nobody = BitcoindClient({.port = 1}).best_block_hash();
  EXPECT_EQ(nobody.error().code, RpcErrorCode::Unreachable);
  auto no_cookie = BitcoindClient({.cookie_file = "/nonexistent/.cookie"}).best_block_hash();
  EXPECT_EQ(no_cookie.error().code, RpcErrorCode::NoCredentials);
  EXPECT_EQ(describe(no_cookie.error()),
            "bitcoind is not running, or not here: it has no cookie file /nonexistent/.cookie");
}

TEST(BitcoindClient, replies_that_are_no_answer_are_refused) {
  for (const char* body : {"", "{", "[]", "7", "{}", R"({"result":null,"error":null})", R"({"result":7,"error":null})",
                           R"({"result":"abcd","error":null})", R"({"result":{},"error":null})"}) {
    EXPECT_EQ(tip_error({200, body}).code, RpcErrorCode::BadReply) << body;
  }
  std::string deep(100'000, '[');
  EXPECT_EQ(tip_error({200, deep}).code, RpcErrorCode::BadReply);
  EXPECT_EQ(tip_error({200, std::string(kMaxReplyBytes + 1, ' ')}).code, RpcErrorCode::BadReply);
}

TEST(BitcoindClient, foreign_text_in_errors_is_escaped) {
  auto error = tip_error({500, rpc_error(-1, "line\\u001b[31m\\nline")});
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
}

TEST(BitcoindClient, unknown_blocks_and_heights_are_no_errors) {
  auto unknown = against({500, rpc_error(-5, "Block not found")}, [](auto& c) { return c.block_header(BlockHash{}); });
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(*unknown, std::nullopt);
  auto above =
      against({500, rpc_error(-8, "Block height out of range")}, [](auto& c) { return c.block_hash(BlockHeight(9)); });
  ASSERT_TRUE(above.has_value());
  EXPECT_EQ(*above, std::nullopt);
  auto other = against({500, rpc_error(-1, "x")}, [](auto& c) { return c.block_header(BlockHash{}); });
  EXPECT_FALSE(other.has_value());
}

TEST(BitcoindClient, headers_tell_whether_the_block_is_in_the_active_chain) {
  auto header = [](const char* confirmations) {
    return against(
        {200, R"({"result":{"height":7,"confirmations":)" + std::string(confirmations) + R"(},"error":null})"},
        [](auto& c) { return c.block_header(BlockHash{}); });
  };
  EXPECT_TRUE((*header("1"))->in_active_chain);
  EXPECT_FALSE((*header("-1"))->in_active_chain);
  EXPECT_EQ((*header("1"))->height, BlockHeight(7));
  EXPECT_FALSE(header("\"many\"").has_value());
}

TEST(BitcoindClient, amounts_are_exact) {
  auto output = against(
      {200, R"({"result":{"value":10000000.00000001,"confirmations":6,"scriptPubKey":{"hex":"0014"}},"error":null})"},
      [](auto& c) { return c.unspent_output(Outpoint{}); });
  ASSERT_TRUE(output.has_value() && output->has_value());
  EXPECT_EQ((*output)->value, Sat(1'000'000'000'000'001));
  EXPECT_EQ((*output)->script_pubkey, (Bytes{0, 0x14}));
  EXPECT_EQ((*output)->confirmations, 6u);
  auto spent = against({200, R"({"result":null,"error":null})"}, [](auto& c) { return c.unspent_output(Outpoint{}); });
  ASSERT_TRUE(spent.has_value());
  EXPECT_FALSE(spent->has_value());
  auto fee = against({200, R"({"result":{"feerate":0.00001234,"blocks":6},"error":null})"},
                     [](auto& c) { return c.estimate_fee(6, true); });
  EXPECT_EQ(*fee, Sat(1'234));
  auto none = against({200, R"({"result":{"errors":["Insufficient data"],"blocks":0},"error":null})"},
                      [](auto& c) { return c.estimate_fee(6, true); });
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(*none, std::nullopt);
}

TEST(BitcoindClient, a_new_cookie_is_read_at_each_call) {
  FakeServer server([&](const std::string&) { return HttpReply{200, R"({"result":")" + kHash + R"("})"}; });
  auto file = testing::TempDir() + "/cookie-" + std::to_string(getpid());
  RpcEndpoint where{.port = server.port(), .cookie_file = file};
  BitcoindClient client(where);
  std::ofstream(file) << "__cookie__:one";
  EXPECT_TRUE(client.best_block_hash().has_value());
  std::ofstream(file) << "__cookie__:two\n";
  EXPECT_TRUE(client.best_block_hash().has_value());
  unlink(file.c_str());
  auto heads = server.heads();
  ASSERT_EQ(heads.size(), 2u);
  EXPECT_NE(heads[0].find("Basic X19jb29raWVfXzpvbmU="), std::string::npos);
  EXPECT_NE(heads[1].find("Basic X19jb29raWVfXzp0d28="), std::string::npos);
}

TEST(BitcoindClient, a_hanging_server_times_out_and_an_interrupt_ends_the_wait) {
  FakeServer server([&](const std::string&) { return HttpReply{.hang = true}; });
  auto where = endpoint(server);
  where.call_timeout_ms = 50;
  EXPECT_EQ(BitcoindClient(where).best_block_hash().error().code, RpcErrorCode::TimedOut);
  where.block_timeout_ms = 50;
  where.call_timeout_ms = 3'600'000;
  BitcoindClient client(where);
  EXPECT_EQ(client.block(BlockHash{}).error().code, RpcErrorCode::TimedOut);
  EXPECT_EQ(client.block_txids(BlockHash{}).error().code, RpcErrorCode::TimedOut);
  std::thread other([&] { client.interrupt(); });
  EXPECT_EQ(client.best_block_hash().error().code, RpcErrorCode::Interrupted);
  other.join();
}

}  // namespace
}  // namespace doze::chain::test
