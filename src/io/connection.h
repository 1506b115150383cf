// One TCP connection, and what waits to be written to it.
#pragma once

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>

#include "base/bytes.h"
#include "effects/io.h"

namespace doze::io {

using Clock = std::chrono::steady_clock;

/// Bytes that wait for the socket: in `now`, from `sent` on, then in `next`. Bytes that do not belong to a channel are
/// counted separately.
struct Output {
  Bytes now, next;
  std::size_t sent = 0;
  std::size_t plain_now = 0, plain_next = 0;
  [[nodiscard]] std::size_t size() const { return now.size() - sent + next.size(); }
  [[nodiscard]] std::size_t plain() const { return std::min(plain_now, now.size() - sent) + plain_next; }
  void add(const Bytes& bytes, bool of_channel);
  /// Moves on to `next` when `now` is sent; false: nothing is left, and no memory is kept.
  bool advance();
};

struct Connection {
  Connection(ConnectionId i, boost::asio::ip::tcp::socket s, bool in) : id(i), socket(std::move(s)), inbound(in) {}
  const ConnectionId id;
  boost::asio::ip::tcp::socket socket;
  Output output;
  Clock::time_point moved;    // the kernel last took bytes, or output began to wait
  Clock::time_point hung_up;  // if closing
  std::size_t allowance = 0;  // bytes that may be read while it is read slowly
  std::size_t counted = 0;    // of its output in the sum of its kind
  const bool inbound;
  bool open = true;  // false: it is no longer in the map, and causes no more inputs
  bool closing = false;
  bool given_up = false;  // closing without waiting for its output
  bool stranger = true;
  bool writing = false;  // a write is running or waits for the socket
  bool waits = false;    // OutputWaits was sent
  bool reading = false;  // it waits for bytes
  bool slowed = false;   // it is read by sweep() only
};
using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace doze::io
