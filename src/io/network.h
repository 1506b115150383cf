// TCP. Makes PeerConnected, BytesReceived, PeerDisconnected and DialFailed inputs; performs WriteBytes, Dial and
// Hangup.
//
// One thread, the owner's io_context. A connection is read again only after its last bytes were handled (`handled`), so
// a flooding peer waits for us; what waits to be written to a slow peer is bounded, then the connection goes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/result.h"
#include "effects/io.h"
#include "effects/limits.h"

namespace doze::io {

inline constexpr std::size_t kReadChunk = 16 * 1024;
/// Bytes waiting for one slow peer: 64 full-size messages. Beyond, the connection is closed.
inline constexpr std::size_t kMaxUnsentBytes = 64 * 65'551;
/// Inbound connections at a time. The peer room bounds strangers and handshakes (628 together): what is above is for
/// peers with channels, so strangers can never fill it. 16 KiB each.
inline constexpr std::size_t kMaxInboundConnections = 4'096;
static_assert(kMaxInboundConnections >= 4 * kMaxPeersWithoutChannel, "clients need room beside strangers");
/// Files that the rest of the process needs: 256 API connections, dials, the database, bitcoind.
inline constexpr std::size_t kOtherFiles = 512;
inline constexpr int kDialTimeoutMs = 10'000;
/// What was written before a hangup may take so long to leave: a peer that reads nothing must not keep its place.
inline constexpr int kFlushMs = 5'000;

/// Raises the process's soft limit of open files as far as is useful and allowed; gives how many inbound connections
/// fit.
[[nodiscard]] std::size_t room_for_inbound();

class Network {
 public:
  using Sink = std::function<void(Input)>;
  /// More than `max_inbound` connections at a time are closed as they come.
  Network(boost::asio::io_context& context, Sink sink, std::size_t max_inbound = kMaxInboundConnections);
  ~Network();
  Network(const Network&) = delete;

  /// Listen on "host:port" (port 0: any); gives the port. Fails with the reason in words.
  [[nodiscard]] Result<std::uint16_t, std::string> listen(const std::string& host, std::uint16_t port);
  /// Tries the addresses one after the other, then DialFailed. A dial to the same node that is under way is enough.
  void dial(const NodeId& node, const std::vector<wire::NetworkAddress>& addresses);
  /// Leaves soon, together with what else is written before the owner returns to its event loop.
  void write(ConnectionId connection, Bytes bytes);
  /// Close once everything written has been sent, or after kFlushMs.
  void hangup(ConnectionId connection);
  /// The BytesReceived of this connection was handled: read on.
  void handled(ConnectionId connection);
  void stop();

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace doze::io
