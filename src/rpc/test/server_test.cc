// The server on a real socket: what happens to a request whose client goes away.
#include "rpc/server.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

namespace doze::rpc {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

struct ServerTest : ::testing::Test {
  asio::io_context context{1};
  std::vector<RequestId> asked, gone;
  Server server{context, "token", [this](RequestId id, command::Command) { asked.push_back(id); },
                [this](RequestId id) { gone.push_back(id); }};
  std::uint16_t port = *server.listen("127.0.0.1", 0);
  tcp::socket client{context};

  ServerTest() { client.connect({asio::ip::make_address("127.0.0.1"), port}); }
  ~ServerTest() override {
    boost::system::error_code ignored;
    client.close(ignored);
    server.stop();
    context.run_for(std::chrono::milliseconds(50));
  }
  static std::string request() {
    return "POST /v1/getinfo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\nContent-Length: 2\r\n\r\n{}";
  }
  void send(const std::string& text) { asio::write(client, asio::buffer(text)); }
  template <class Condition>
  bool until(Condition condition) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition() && std::chrono::steady_clock::now() < end) context.run_for(std::chrono::milliseconds(5));
    return condition();
  }
  std::string received() {
    client.non_blocking(true);
    std::string all(65'536, ' ');
    boost::system::error_code error;
    all.resize(client.receive(asio::buffer(all), 0, error));
    return all;
  }
};

TEST_F(ServerTest, a_client_that_hangs_up_is_noticed) {
  send(request());
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  EXPECT_TRUE(gone.empty());
  client.close();
  EXPECT_TRUE(until([&] { return gone == asked; }));
}

TEST_F(ServerTest, a_client_that_hangs_up_behind_bytes_of_a_next_request_is_noticed) {
  send(request());
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  send("P");
  context.run_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(gone.empty());
  client.close();
  EXPECT_TRUE(until([&] { return gone == asked; }));
}

TEST_F(ServerTest, a_request_sent_ahead_is_answered_behind_the_first) {
  send(request());
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  auto second = request();
  send(second.substr(0, 10));
  context.run_for(std::chrono::milliseconds(20));
  send(second.substr(10));
  context.run_for(std::chrono::milliseconds(20));
  EXPECT_EQ(asked.size(), 1U);
  server.reply(Reply{asked[0], Value().set("number", 1)});
  ASSERT_TRUE(until([&] { return asked.size() == 2; }));
  server.reply(Reply{asked[1], Value().set("number", 2)});
  std::string answers;
  EXPECT_TRUE(until([&] {
    answers += received();
    return answers.find("{\"number\":2}") != std::string::npos;
  }));
  EXPECT_LT(answers.find("{\"number\":1}"), answers.find("{\"number\":2}"));
  EXPECT_TRUE(gone.empty());
}

TEST_F(ServerTest, a_client_that_sends_without_end_while_it_waits_is_cut_off) {
  send(request());
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  client.non_blocking(true);
  std::string much(65'536, 'x');
  EXPECT_TRUE(until([&] {
    boost::system::error_code ignored;
    client.write_some(asio::buffer(much), ignored);
    return gone == asked;
  }));
}

}  // namespace
}  // namespace doze::rpc
