#include "onion/dummy_hops.h"

#include <algorithm>

namespace doze::onion {

namespace {
/// Size of the padding that makes data without padding longer by `missing` bytes. nullopt: no padding record does.
std::optional<std::size_t> padding_for(const RecipientData& data, std::size_t missing) {
  if (missing == 0) return 0;
  auto before = encode(data).size();
  for (std::size_t header : {2, 4, 6}) {  // type and length
    if (missing <= header) break;
    auto longer = data;
    longer.padding = missing - header;
    if (encode(longer).size() == before + missing) return longer.padding;
  }
  return std::nullopt;
}
}  // namespace

std::vector<PathHop> with_dummy_hops(std::vector<PathHop> hops, std::size_t count, PathUse use) {
  if (hops.empty()) return hops;
  PathHop dummy{hops.back().node_id, {}};
  dummy.data.next_node_id = dummy.node_id;
  if (use == PathUse::Payments) {
    dummy.data.payment_relay = PaymentRelay{};
    dummy.data.payment_constraints = hops.back().data.payment_constraints;
  }
  hops.insert(hops.end() - 1, std::min(count, kMaxDummyHops), dummy);
  return hops;
}

std::vector<BlindHop> bare(const std::vector<PathHop>& hops) {
  std::vector<BlindHop> out;
  for (const auto& hop : hops) out.push_back({hop.node_id, encode(hop.data)});
  return out;
}

std::vector<BlindHop> padded(const std::vector<PathHop>& hops) {
  std::size_t size = 0;
  for (const auto& hop : bare(hops)) size = std::max(size, hop.data.size());
  std::vector<BlindHop> out;
  while (out.size() < hops.size()) {  // some sizes cannot be reached by every hop: takes the next one that can
    out.clear();
    for (const auto& hop : hops) {
      auto padding = padding_for(hop.data, size - encode(hop.data).size());
      if (!padding) break;
      auto data = hop.data;
      data.padding = *padding;
      out.push_back({hop.node_id, encode(data)});
    }
    ++size;
  }
  return out;
}

}  // namespace doze::onion
