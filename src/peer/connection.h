// One connection: handshake, init, ping and pong, what goes out and comes in.
#pragma once

#include <string>

#include "peer/state.h"

namespace doze::peer {

void hear(Work& work, const PeerConnected& in);
void hear(Work& work, const BytesReceived& in);
void hear(Work& work, const PeerDisconnected& in);
void hear(Work& work, const OutputWaits& in);
void hear(Work& work, const ChannelUsable& in);
void hear(Work& work, const SendMessage& in);
void hear(Work& work, const PingPeer& in);
void hear(Work& work, const DropPeer& in);

/// A channel that is not closed, be it only in opening: a reason to be connected.
[[nodiscard]] bool has_channel(const Work& work, const NodeId& node);
void send(Work& work, Connection& connection, const wire::Message& message);
/// nullopt: our own keep-alive, whose pong nobody waits for.
void ping(Work& work, Connection& connection, std::optional<std::uint64_t> token);
/// Tells the peer why, then closes. Always false: the connection is not there any more.
bool refuse(Work& work, Connection& connection, const std::string& reason);
/// `hangup`: the driver is told; otherwise it has told us. Does nothing if there is none.
void close(Work& work, ConnectionId id, const std::string& reason, bool hangup);

}  // namespace doze::peer
