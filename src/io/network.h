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

namespace doze::io {

inline constexpr std::size_t kReadChunk = 16 * 1024;
/// Bytes waiting for one slow peer: 64 full-size messages. Beyond, the connection is closed.
inline constexpr std::size_t kMaxUnsentBytes = 64 * 65'551;
/// Inbound connections at a time: well below the usual 1,024 file descriptors.
inline constexpr std::size_t kMaxInboundConnections = 500;
inline constexpr int kDialTimeoutMs = 10'000;

class Network {
 public:
  using Sink = std::function<void(Input)>;
  Network(boost::asio::io_context& context, Sink sink);
  ~Network();
  Network(const Network&) = delete;

  /// Listen on "host:port" (port 0: any); gives the port. Fails with the reason in words.
  [[nodiscard]] Result<std::uint16_t, std::string> listen(const std::string& host, std::uint16_t port);
  /// Tries the addresses one after the other, then DialFailed. A dial to the same node that is under way is enough.
  void dial(const NodeId& node, const std::vector<wire::NetworkAddress>& addresses);
  /// Leaves soon, together with what else is written before the owner returns to its event loop.
  void write(ConnectionId connection, Bytes bytes);
  /// Close once everything written has been sent.
  void hangup(ConnectionId connection);
  /// The BytesReceived of this connection was handled: read on.
  void handled(ConnectionId connection);
  void stop();

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace doze::io
