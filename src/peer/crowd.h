// Connections that compete for a number of places, by where they come from: one network's crowd must not keep others
// out. Pure containers, no protocol.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "effects/io.h"

namespace doze::peer {

/// wire::network_of its address: what one owner has without effort.
using Network = std::uint64_t;

class Crowd {
 public:
  void add(ConnectionId id, Network network);
  /// Nothing happens if it is not here.
  void remove(ConnectionId id);
  [[nodiscard]] bool contains(ConnectionId id) const { return networks_.contains(id); }
  [[nodiscard]] std::size_t size() const { return networks_.size(); }
  /// The members of the network that has most of them, in the order in which they came; of several such networks one by
  /// chance. Not of an empty crowd.
  [[nodiscard]] const std::vector<ConnectionId>& largest(Rng& rng) const;
  /// Two are drawn at random; it is the older one: someone who has just come has time for its next step, and no
  /// rate of newcomers drives everybody out at once, as "the oldest goes" does.
  [[nodiscard]] ConnectionId victim(Rng& rng) const;

 private:
  std::map<ConnectionId, Network> networks_;
  std::map<Network, std::vector<ConnectionId>> members_;
  std::set<std::pair<std::size_t, Network>> sizes_;
};

}  // namespace doze::peer
