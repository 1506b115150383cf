// Connections: BOLT 8 handshake, init, ping and pong, framing, the connected peers, and those to reconnect to.
//
// Sources: BOLT 8; BOLT 1, "The init Message", "Control Messages". One connection a node: a newer one replaces an
// older. A malformed message gets an error or warning and costs the peer its connection, nothing else. Invariants: a
// MessageReceived comes only between PeerReady and PeerGone of that node; messages to a peer leave in the order in
// which SendMessage came; a pong answers only pings that were really sent, in order.
#pragma once

#include <map>
#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::peer {

/// The corridor has no more words of this step. Pongs leave now or later: a pong says that what came before it was
/// taken, so a peer whose message another room refused (DropPeer) gets none.
struct EndOfStep {};

struct Input
    : std::variant<Started, PeerConnected, DialFailed, BytesReceived, PeerDisconnected, OutputWaits, SendMessage,
                   PingPeer, DropPeer, ChannelUsable, WantPeer, DeadlineReached, CommandReceived, EndOfStep> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Peers {
 public:
  Peers();
  struct Inside;
  Hidden<Inside> inside;
};

/// Rows of Table::PeerAddress.
[[nodiscard]] Result<Peers, LoadError> load(std::span<const Row> rows);
/// CommandReceived: Connect, Disconnect, ListPeers. Connect replies when init was exchanged, or with an error.
[[nodiscard]] Transition<Peers> step(Peers state, const Input& input, const Context& context);
/// From now on every message to and from peers is also reported, as it is inside its frame: a Notify kPeerMessage with
/// "node_id", "direction" ("received" or "sent") and "message" in hex. For developers: secrets may be in it.
void record_messages(Peers& state);
inline constexpr Event kPeerMessage = "peer_message";
[[nodiscard]] std::optional<MonoTime> deadline(const Peers& state);
[[nodiscard]] const std::map<NodeId, PeerView>& views(const Peers& state);

}  // namespace doze::peer
