// Whom we dial, and when again.
#pragma once

#include <string>
#include <vector>

#include "peer/state.h"

namespace doze::peer {

void hear(Work& work, const Started& in);
void hear(Work& work, const DialFailed& in);
void hear(Work& work, const WantPeer& in);
void dial_deadlines(Work& work);
void dial_failed(Work& work, const NodeId& node, const std::string& reason);
/// init was exchanged with it.
void node_ready(Work& work, const NodeId& node);
/// `was_stable`: its connection lasted kStableMs.
void node_gone(Work& work, const NodeId& node, bool was_stable);

// ---- for commands ----
/// At most kMaxAddresses, best first; those that it announces are behind ours.
[[nodiscard]] std::vector<wire::NetworkAddress> addresses_of(const Work& work, const NodeId& node, const Known& known);
/// The newest in front.
void remember(Known& known, const std::vector<wire::NetworkAddress>& addresses);
void dial(Work& work, const NodeId& node, Known& known);
/// nullopt: there is no next attempt.
void set_next(Work& work, const NodeId& node, Known& known, std::optional<MonoTime> next);
void store(Work& work, const NodeId& node, Known& known);
/// Nothing is stored of it, and nothing waits for it.
void forget_if_useless(Work& work, const NodeId& node);

}  // namespace doze::peer
