// Announcements: our own, our peers', and what the network says. Keeps the graph and the policies of our channels.
//
// Source: BOLT 7. A channel_announcement enters the graph when its four signatures and its funding output
// (LookUpOutput) are right; updates and nodes when their signature is right and they are newer. Verified gossip is
// relayed to peers that set a gossip_timestamp_filter. A private channel's channel_update goes to its peer only.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "base/variant.h"
#include "effects/context.h"
#include "effects/words.h"

namespace doze::gossip {

struct Input : std::variant<Started, PeerReady, PeerGone, MessageReceived, ChannelNeedsUpdate, ChannelAnnounced,
                            ChannelUsable, ChannelUnusable, ChannelClosed, OutputLookedUp, SendOurGossip,
                            BlockConnected, BlockHasMore, BlockDisconnected, DeadlineReached> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Gossip {
 public:
  Gossip();
  ~Gossip();
  Gossip(Gossip&&) noexcept;
  Gossip& operator=(Gossip&&) noexcept;
  struct Inside;
  std::unique_ptr<Inside> inside;
};

/// Rows of Table::GossipNode, GossipChannel and PeerPolicy. Signatures were checked before they were stored.
[[nodiscard]] Result<Gossip, LoadError> load(std::span<const Row> rows);
[[nodiscard]] Transition<Gossip> step(Gossip state, const Input& input, const Context& context);
[[nodiscard]] std::optional<MonoTime> deadline(const Gossip& state);
[[nodiscard]] const graph::Graph& graph(const Gossip& state);
[[nodiscard]] const std::map<ChannelId, PolicyPair>& policies(const Gossip& state);

}  // namespace doze::gossip
