// Onion messages: sends ours, relays others', keeps mail for sleeping clients, and enforces limits.
//
// Sources: BOLT 4, "Onion Messages"; bolts #1149; ADR 12, 20, 21, 24, 25.
// Mailbox: durable before anything else, and on disk only, with an index in memory; read from there and delivered to a
// client once its channels are usable (a client without channels: at PeerReady): our gossip, ping, the mail, ping;
// erased at that second pong; a lost connection means delivery again. Relay: any connected peer, byte-counted; never
// back to the peer that sent it.
#pragma once

#include <span>

#include "base/variant.h"
#include "effects/machine.h"

namespace doze::onion_message {

struct Input : std::variant<Started, PeerReady, PeerGone, PeerUnreachable, MessageReceived, SendOnionMessage,
                            PongReceived, ChannelUsable, RowsRead, DeadlineReached, CommandReceived> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class OnionMessages {
 public:
  OnionMessages();
  struct Inside;
  Hidden<Inside> inside;
};

/// Rows of Table::Mailbox.
[[nodiscard]] Result<OnionMessages, LoadError> load(std::span<const Row> rows);
/// CommandReceived: ListMailboxes.
[[nodiscard]] Transition<OnionMessages> step(OnionMessages state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const OnionMessages& state);

}  // namespace doze::onion_message
