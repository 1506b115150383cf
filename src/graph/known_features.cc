#include "graph/known_features.h"

namespace doze::graph {

bool has_unknown_even_channel_feature(const wire::FeatureBits& features) {
  for (auto bit : features.bits())
    if (bit % 2 == 0) return true;
  return false;
}

bool has_unknown_even_node_feature(const wire::FeatureBits& features) {
  return wire::unknown_even(features).has_value();
}

bool supports_onion_messages(const wire::FeatureBits& features) {
  return features.supports(wire::kOnionMessages);
}

bool has_even_bit(ByteView features) {
  return has_unknown_even_channel_feature(wire::FeatureBits(features));
}

}  // namespace doze::graph
