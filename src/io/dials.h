// Dials under way: one address after the other, and the names that are looked up for them.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "effects/io.h"

namespace doze::io {

/// One running dial: the remaining addresses, and a timer for addresses that never answer. Each round has its own
/// socket, so operations of an earlier round cannot affect it.
struct Attempt {
  Attempt(boost::asio::io_context& context, NodeId n, std::deque<wire::NetworkAddress> a)
      : node(n), left(std::move(a)), timer(context) {}
  NodeId node;
  std::deque<wire::NetworkAddress> left;
  std::shared_ptr<boost::asio::ip::tcp::socket> socket;  // of this round, if it connects
  boost::asio::steady_timer timer;
  std::string target;  // what is tried now
  std::string why = "no address that we can dial";
  std::uint64_t round = 0;
};
/// A name that waits for its turn, or for its answer.
struct LookUp {
  std::shared_ptr<Attempt> attempt;
  std::uint64_t round = 0;
  std::string host, port;
};

/// What a thread that looks a name up shares with the network, which may end before it.
struct Names {
  std::mutex mutex;
  boost::asio::io_context* context = nullptr;  // nullptr: nobody waits any more
};

}  // namespace doze::io
