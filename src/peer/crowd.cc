#include "peer/crowd.h"

#include <algorithm>

#include "base/check.h"

namespace doze::peer {

void Crowd::add(ConnectionId id, Network network) {
  if (!networks_.emplace(id, network).second) return;
  auto& members = members_[network];
  sizes_.erase({members.size(), network});
  members.push_back(id);
  sizes_.insert({members.size(), network});
}

void Crowd::remove(ConnectionId id) {
  auto it = networks_.find(id);
  if (it == networks_.end()) return;
  auto network = it->second;
  networks_.erase(it);
  auto& members = members_.at(network);
  sizes_.erase({members.size(), network});
  members.erase(std::find(members.begin(), members.end(), id));
  if (members.empty())
    members_.erase(network);
  else
    sizes_.insert({members.size(), network});
}

const std::vector<ConnectionId>& Crowd::largest(Rng& rng) const {
  LN_ASSERT(!sizes_.empty());
  auto first = sizes_.lower_bound({sizes_.rbegin()->first, 0});
  auto ties = static_cast<std::uint64_t>(std::distance(first, sizes_.end()));
  std::advance(first, static_cast<std::ptrdiff_t>(rng.u64() % ties));
  return members_.at(first->second);
}

ConnectionId Crowd::victim(Rng& rng) const {
  const auto& members = largest(rng);
  auto chance = rng.u64();
  return members[std::min((chance >> 32) % members.size(), (chance & 0xffff'ffff) % members.size())];
}

}  // namespace doze::peer
