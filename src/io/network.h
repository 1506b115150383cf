// TCP. Makes PeerConnected, BytesReceived, OutputWaits, PeerDisconnected and DialFailed inputs; performs WriteBytes,
// Dial and Hangup.
//
// One thread, the owner's io_context. What runs later owns what it touches: a handler holds its connection, its dial or
// its acceptor, and bytes are read and written only when the kernel is ready for them, so no pending operation refers
// to memory. A connection is read again only after its last bytes were handled (`handled`), so a flooding peer waits
// for us; unsent output is bounded, per connection and over all of them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/result.h"
#include "effects/io.h"
#include "effects/limits.h"

namespace doze::io {

/// Bytes per read, into one buffer that all connections share: an idle connection needs no buffer.
inline constexpr std::size_t kReadChunk = 16 * 1024;

// ---- unsent output ----
/// Bytes unsent to one slow peer: 64 full-size messages. Above it, the connection is closed. Messages of a channel are
/// not counted (WriteKind::ChannelMessage): after a reconnection they must all be sent again, so a limit on them would
/// close the connection again and again. The channel bounds them, by 483 updates in each direction.
inline constexpr std::size_t kMaxUnsentBytes = 64 * 65'551;
/// The same for all strangers together; above it, the connection with the most is closed. 500 strangers may have 64 KiB
/// each, as much as a slow but honest reader leaves unread.
inline constexpr std::size_t kMaxUnsentOfStrangers = 32 * 1024 * 1024;
/// The same for all peers with a channel, including messages of the channels: enough to retransmit 483 failures of the
/// largest size to eight of them. Being such a peer costs money.
inline constexpr std::size_t kMaxUnsentOfChannelPeers = 256 * 1024 * 1024;
/// If a stranger leaves this much unread, we read from it slowly: kSlowReadBytes per kSweepMs. It is more than the
/// answer to a query_channel_range over mainnet, 450 KB, which two nodes send each other when they connect: if both
/// stopped reading completely, neither would ever continue.
inline constexpr std::size_t kSlowReadStranger = 512 * 1024;
/// Twice the peer's kernel buffer: TCP does not open its window again for less than half of it.
inline constexpr std::size_t kSlowReadBytes = 128 * 1024;
/// The same for a peer with a channel: twice the most that one channel may have to retransmit.
inline constexpr std::size_t kSlowReadChannelPeer = 64 * 1024 * 1024;
/// A stranger that reads nothing for this long while output is unsent is disconnected. For a peer with a channel an
/// unanswered ping does this.
inline constexpr int kUnreadPatienceMs = 30'000;
/// How often connections with unsent output are checked.
inline constexpr int kSweepMs = 250;
/// The kernel's own buffers per connection and direction, of strangers (it takes twice as much memory), and of peers
/// with a channel, whose bursts of 483 HTLCs have 724 KB. Without a setting, the kernel lets each grow to 4 MiB or
/// more.
inline constexpr int kStrangerKernelBuffer = 64 * 1024, kChannelPeerKernelBuffer = 1024 * 1024;

/// Inbound connections at a time. The peer room bounds strangers and handshakes (2,036 together); the rest is for
/// peers with channels, so strangers can never fill it.
inline constexpr std::size_t kMaxInboundConnections = 4'096;
static_assert(kMaxInboundConnections >= 4 * kMaxPeersWithoutChannel, "clients need room besides strangers");
/// Files that the rest of the process needs: 256 API connections, dials, the database, bitcoind.
inline constexpr std::size_t kOtherFiles = 512;
inline constexpr int kDialTimeoutMs = 10'000;
/// Names looked up at a time. Each has a thread of its own, which a slow name server may block for longer than the dial
/// waits: a dial that has given up makes room for the next name, up to this many threads in all. One name has one
/// thread.
inline constexpr std::size_t kNamesAtATime = 4, kNameThreads = 16;
/// How long output written before a hangup may take to be sent: a peer that reads nothing must not keep its place.
inline constexpr int kFlushMs = 5'000;
/// Pause after a failed accept (mostly for lack of file descriptors) before the next one, instead of spinning.
inline constexpr int kAcceptPauseMs = 200;

/// Raises the process's soft limit of open files as far as is useful and allowed; returns how many inbound connections
/// fit.
[[nodiscard]] std::size_t room_for_inbound();

/// Tests use shorter times.
struct Times {
  int dial_ms = kDialTimeoutMs, flush_ms = kFlushMs, unread_patience_ms = kUnreadPatienceMs, sweep_ms = kSweepMs;
};

class Network {
 public:
  using Sink = std::function<void(Input)>;
  /// Connections above `max_inbound` are closed on arrival.
  Network(boost::asio::io_context& context, Sink sink, std::size_t max_inbound = kMaxInboundConnections,
          Times times = {});
  ~Network();
  Network(const Network&) = delete;

  /// Listens on "host:port" (port 0: any); returns the port, or the reason in words.
  [[nodiscard]] Result<std::uint16_t, std::string> listen(const std::string& host, std::uint16_t port);
  /// Tries the addresses one after the other, then DialFailed. Does nothing if a dial to the same node is running.
  void dial(const NodeId& node, const std::vector<wire::NetworkAddress>& addresses);
  /// Sent soon, together with other output that is written before the owner returns to its event loop.
  void write(ConnectionId connection, const Bytes& bytes, WriteKind kind = WriteKind::ToStranger);
  /// Close once everything written has been sent, or after kFlushMs.
  void hangup(ConnectionId connection);
  /// The BytesReceived of this connection was handled: read on.
  void handled(ConnectionId connection);
  /// Closes everything; causes no more inputs.
  void stop();
  /// Bytes in our memory that are unsent to strangers; for tests and the log.
  [[nodiscard]] std::size_t unsent_of_strangers() const;

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace doze::io
