// A network that listens on localhost, and what it told.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <vector>

#include "io/network.h"

namespace doze::io::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct ListeningTest : ::testing::Test {
  ListeningTest(std::size_t places, const Times& times)
      : network(
            context, [this](Input input) { heard.push_back(std::move(input)); }, places, times) {}
  ~ListeningTest() override {
    network.stop();
    context.run_for(milliseconds(50));
  }
  asio::io_context context{1};
  std::vector<Input> heard;
  Network network;
  std::uint16_t port = *network.listen("127.0.0.1", 0);

  template <class In>
  [[nodiscard]] std::vector<In> all() const {
    std::vector<In> out;
    for (const auto& input : heard)
      if (const auto* one = std::get_if<In>(&input)) out.push_back(*one);
    return out;
  }
  /// Runs until that is so; false after so many seconds.
  template <class Condition>
  bool until(Condition condition, int seconds = 10) {
    auto end = steady_clock::now() + std::chrono::seconds(seconds);
    while (!condition() && steady_clock::now() < end) context.run_for(milliseconds(2));
    return condition();
  }
};

}  // namespace doze::io::testing
