// Onion messages: sends ours, relays others', keeps mail for sleeping clients, and enforces limits.
//
// Sources: BOLT 4, "Onion Messages"; bolts #1149; ADR 12, 20, 21, 24, 25.
// Mailbox: durable before anything else, and on disk only, with an index in memory; read from there and delivered to a
// client once its channels are usable (a client without channels: at PeerReady): our gossip, ping, the mail, ping;
// erased at that second pong; a lost connection means delivery again. Relay: any connected peer, byte-counted; never
// back to the peer that sent it.
#pragma once

#include <memory>
#include <span>

#include "base/variant.h"
#include "effects/context.h"
#include "effects/words.h"

namespace doze::onion_message {

struct Input : std::variant<Started, PeerReady, PeerGone, PeerUnreachable, MessageReceived, SendOnionMessage,
                            PongReceived, ChannelUsable, RowsRead, DeadlineReached, CommandReceived> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class OnionMessages {
 public:
  OnionMessages();
  ~OnionMessages();
  OnionMessages(OnionMessages&&) noexcept;
  OnionMessages& operator=(OnionMessages&&) noexcept;
  struct Inside;
  std::unique_ptr<Inside> inside;
};

/// Rows of Table::Mailbox.
[[nodiscard]] Result<OnionMessages, LoadError> load(std::span<const Row> rows);
/// CommandReceived: ListMailboxes.
[[nodiscard]] Transition<OnionMessages> step(OnionMessages state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const OnionMessages& state);

}  // namespace doze::onion_message
