#include "peer/crowd.h"

#include <algorithm>

#include "base/check.h"

namespace doze::peer {

Prefix prefix_of(const std::string& address) {
  auto parsed = wire::parse_address(address);
  if (!parsed) return 0;
  auto first = [](const auto& bytes, std::size_t count, std::uint8_t kind) {
    Prefix out = kind;
    for (std::size_t i = 0; i < count; ++i) out = (out << 8) | bytes[i];
    return out;
  };
  if (const auto* v4 = std::get_if<wire::Ipv4>(&parsed->host)) return first(*v4, 3, 4);
  if (const auto* v6 = std::get_if<wire::Ipv6>(&parsed->host)) return first(*v6, 6, 6);
  return 0;
}

void Crowd::add(ConnectionId id, Prefix prefix) {
  if (!prefixes_.emplace(id, prefix).second) return;
  auto& members = members_[prefix];
  sizes_.erase({members.size(), prefix});
  members.push_back(id);
  sizes_.insert({members.size(), prefix});
}

void Crowd::remove(ConnectionId id) {
  auto it = prefixes_.find(id);
  if (it == prefixes_.end()) return;
  auto prefix = it->second;
  prefixes_.erase(it);
  auto& members = members_.at(prefix);
  sizes_.erase({members.size(), prefix});
  members.erase(std::find(members.begin(), members.end(), id));
  if (members.empty())
    members_.erase(prefix);
  else
    sizes_.insert({members.size(), prefix});
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
