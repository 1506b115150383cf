// The server on a real socket: what happens to a request whose client goes away.
#include "rpc/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

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
  Server server{context,
                "token",
                [this](RequestId id, command::Command) { asked.push_back(id); },
                [this](RequestId id) { gone.push_back(id); },
                {"dozed"}};
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
  /// What this connection is answered, up to the end of its JSON.
  std::string answer_of(tcp::socket& socket) {
    socket.non_blocking(true);
    std::string answer;
    EXPECT_TRUE(until([&] {
      std::string part(4'096, ' ');
      boost::system::error_code error;
      part.resize(socket.receive(asio::buffer(part), 0, error));
      answer += part;
      return answer.find('}') != std::string::npos;
    }));
    return answer;
  }
  static bool is_closed(tcp::socket& socket) {
    socket.non_blocking(true);
    char byte = 0;
    boost::system::error_code error;
    socket.receive(asio::buffer(&byte, 1), 0, error);
    return error && error != asio::error::would_block;
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

TEST_F(ServerTest, decode_is_answered_without_the_node_and_the_next_request_is_read) {
  auto post = [&](const std::string& body) {
    send("POST /v1/decode HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body);
    return answer_of(client);
  };
  auto good = post(R"({"text":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"})");
  EXPECT_TRUE(good.starts_with("HTTP/1.1 200")) << good;
  client.non_blocking(false);
  EXPECT_TRUE(post(R"({"text":"lno1"})").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(asked.empty());
}

TEST_F(ServerTest, the_description_of_the_api_is_where_documents_and_programs_look_for_it) {
  send("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n\r\n");
  EXPECT_TRUE(answer_of(client).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(asked.empty());
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

TEST_F(ServerTest, a_request_has_one_host_that_is_allowed) {
  struct Case {
    const char* hosts;
    const char* status;
  };
  for (auto [hosts, status] :
       {Case{"", "400"}, Case{"Host: \r\n", "400"}, Case{"Host: localhost\r\nHost: localhost\r\n", "400"},
        Case{"Host: evil.example\r\n", "403"}, Case{"Host: dozed:9737\r\n", "200"}, Case{"Host: DOZED\r\n", "200"},
        Case{"Host: 192.0.2.7:1\r\n", "200"}, Case{"Host: [::1]:1\r\n", "200"}}) {
    tcp::socket fresh(context);
    fresh.connect({asio::ip::make_address("127.0.0.1"), port});
    auto before = asked.size();
    asio::write(fresh, asio::buffer("POST /v1/getinfo HTTP/1.1\r\n" + std::string(hosts) +
                                    "Authorization: Bearer token\r\nContent-Length: 2\r\n\r\n{}"));
    fresh.non_blocking(true);
    std::string answer;
    EXPECT_TRUE(until([&] {
      if (asked.size() > before) server.reply(Reply{asked.back(), Value().set("number", 1)});
      std::string part(4'096, ' ');
      boost::system::error_code error;
      part.resize(fresh.receive(asio::buffer(part), 0, error));
      answer += part;
      return answer.find("}") != std::string::npos;
    })) << hosts;
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << hosts << ": " << answer;
  }
}

// A web page that had its name point to this machine says who it is in one of these.
TEST_F(ServerTest, a_request_that_a_web_page_made_is_refused) {
  for (const char* header : {"Origin: http://localhost\r\n", "Origin: null\r\n", "Origin: https://evil.example\r\n"}) {
    tcp::socket fresh(context);
    fresh.connect({asio::ip::make_address("127.0.0.1"), port});
    asio::write(fresh, asio::buffer("POST /v1/getinfo HTTP/1.1\r\nHost: localhost\r\n" + std::string(header) +
                                    "Authorization: Bearer token\r\nContent-Length: 2\r\n\r\n{}"));
    EXPECT_TRUE(answer_of(fresh).starts_with("HTTP/1.1 403")) << header;
  }
  EXPECT_TRUE(asked.empty());
}

// It is refused by its length, or when it has grown beyond the limit: never read into memory.
TEST_F(ServerTest, a_body_of_a_gibibyte_is_refused) {
  const std::string head = "POST /v1/getinfo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n";
  tcp::socket told(context), chunked(context);
  for (auto* socket : {&told, &chunked}) socket->connect({asio::ip::make_address("127.0.0.1"), port});
  asio::write(told, asio::buffer(head + "Content-Length: 1073741824\r\n\r\n"));
  EXPECT_TRUE(answer_of(told).starts_with("HTTP/1.1 413"));
  asio::write(chunked, asio::buffer(head + "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "1000\r\n" + std::string(4'096, ' ') + "\r\n";
  std::size_t written = 0;
  boost::system::error_code error;
  for (; written < 64 && !error; ++written) {  // a quarter of a mebibyte: four times what is taken
    asio::write(chunked, asio::buffer(chunk), error);
    context.run_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(error || answer_of(chunked).starts_with("HTTP/1.1 413")) << written;
  EXPECT_TRUE(asked.empty());
}

TEST_F(ServerTest, a_request_that_takes_too_long_to_come_is_cut_off_and_a_call_that_waits_is_not) {
  EXPECT_EQ(kRequestTimeoutMs, 30'000);
  Server impatient(
      context, "token", [this](RequestId id, command::Command) { asked.push_back(id); }, [](RequestId) {}, {}, 200);
  auto other = *impatient.listen("127.0.0.1", 0);
  tcp::socket slow(context), waits(context);
  for (auto* socket : {&slow, &waits}) socket->connect({asio::ip::make_address("127.0.0.1"), other});
  asio::write(slow, asio::buffer(request().substr(0, 20)));
  asio::write(waits, asio::buffer(request()));
  EXPECT_TRUE(until([&] { return is_closed(slow); }));
  ASSERT_EQ(asked.size(), 1U);
  context.run_for(std::chrono::milliseconds(400));
  EXPECT_FALSE(is_closed(waits));
  impatient.reply(Reply{asked[0], Value().set("number", 1)});
  EXPECT_TRUE(answer_of(waits).starts_with("HTTP/1.1 200"));
  impatient.stop();
}

TEST_F(ServerTest, one_connection_too_many_is_closed_and_a_place_that_is_free_again_is_given_away) {
  std::vector<std::unique_ptr<tcp::socket>> leaked;
  auto connect = [&]() -> tcp::socket& {
    auto& socket = leaked.emplace_back(std::make_unique<tcp::socket>(context));
    socket->connect({asio::ip::make_address("127.0.0.1"), port});
    context.run_for(std::chrono::milliseconds(1));
    return *socket;
  };
  while (leaked.size() + 1 < kMaxConnections) connect();  // and `client`
  auto& last_but_one = *leaked.back();
  auto& too_many = connect();
  EXPECT_TRUE(until([&] { return is_closed(too_many); }));
  EXPECT_FALSE(is_closed(last_but_one));
  leaked.front()->close();
  context.run_for(std::chrono::milliseconds(20));
  auto& welcome = connect();
  asio::write(welcome, asio::buffer(request()));
  EXPECT_TRUE(until([&] { return asked.size() == 1; }));
}

TEST_F(ServerTest, calls_that_wait_leave_connections_for_the_operator) {
  std::vector<std::unique_ptr<tcp::socket>> waiting;
  auto call = [&](const std::string& method, const std::string& body) {
    auto& socket = waiting.emplace_back(std::make_unique<tcp::socket>(context));
    socket->connect({asio::ip::make_address("127.0.0.1"), port});
    asio::write(*socket, asio::buffer("POST /v1/" + method +
                                      " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n"
                                      "Content-Length: " +
                                      std::to_string(body.size()) + "\r\n\r\n" + body));
    return socket.get();
  };
  const auto wait = "{\"payment_id\":\"" + std::string(64, '7') + "\"}";
  for (std::size_t i = 0; i < kMaxWaiting; ++i) {
    call("waitpayment", wait);
    ASSERT_TRUE(until([&] { return asked.size() == i + 1; }));
  }
  auto* refused = call("waitpayment", wait);
  refused->non_blocking(true);
  std::string answer;
  EXPECT_TRUE(until([&] {
    std::string part(4'096, ' ');
    boost::system::error_code error;
    part.resize(refused->receive(asio::buffer(part), 0, error));
    answer += part;
    return answer.find("192 calls wait") != std::string::npos;
  }));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 429"));
  call("getinfo", "{}");
  EXPECT_TRUE(until([&] { return asked.size() == kMaxWaiting + 1; }));
}

TEST_F(ServerTest, an_accept_that_fails_is_tried_again_after_a_pause) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  tcp::socket late(context, tcp::v4());
  // No descriptor is free: the next accept fails.
  rlimit none{static_cast<rlim_t>(::dup(0)), before.rlim_max};
  ::close(static_cast<int>(none.rlim_cur));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  late.connect({asio::ip::make_address("127.0.0.1"), port});
  std::size_t turns = 0;
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kAcceptPauseMs * 2);
  while (std::chrono::steady_clock::now() < end) turns += context.run_for(std::chrono::milliseconds(20));
  EXPECT_LE(turns, 8U) << "it asks again at once";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  asio::write(late, asio::buffer(request()));
  EXPECT_TRUE(until([&] { return asked.size() == 1; }));
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
