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

/// The first 24 bits of an IPv4 address, 48 of an IPv6 one: what one owner has without effort. 0: neither, all
/// together.
using Prefix = std::uint64_t;
[[nodiscard]] Prefix prefix_of(const std::string& address);

class Crowd {
 public:
  void add(ConnectionId id, Prefix prefix);
  /// Nothing happens if it is not here.
  void remove(ConnectionId id);
  [[nodiscard]] bool contains(ConnectionId id) const { return prefixes_.contains(id); }
  [[nodiscard]] std::size_t size() const { return prefixes_.size(); }
  /// The members of the prefix that has most of them, in the order in which they came; of several such prefixes one by
  /// chance. Not of an empty crowd.
  [[nodiscard]] const std::vector<ConnectionId>& largest(Rng& rng) const;
  /// One of those by chance, the older of two drawn: someone who has just come has time for its next step, and no
  /// rate of newcomers drives everybody out at once, as "the oldest goes" does.
  [[nodiscard]] ConnectionId victim(Rng& rng) const;

 private:
  std::map<ConnectionId, Prefix> prefixes_;
  std::map<Prefix, std::vector<ConnectionId>> members_;
  std::set<std::pair<std::size_t, Prefix>> sizes_;
};

}  // namespace doze::peer
