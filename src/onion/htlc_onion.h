// The onion that came with an HTLC, read to its end; and the end of one that goes over a blinded path.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/on_disk.h"
#include "base/units.h"
#include "onion/payment_onion.h"
#include "onion/sphinx.h"
#include "wire/blinded_path.h"
#include "wire/messages.h"

namespace doze::onion {

/// Where we stand in a blinded path: decides what a failure may say. BOLT 4, "Failure Messages".
enum class BlindedRole : std::uint8_t { None = 0, Introduction = 1, Inside = 2 };

/// We are the last hop of a blinded path of ours.
struct PeeledFinal {
  Msat amt_to_forward, total_amount;
  CltvExpiry outgoing_cltv_value;
  Bytes path_id;
  std::optional<Bytes> invoice_request;  // of either profile
  std::optional<Preimage> preimage;
  CltvExpiry max_cltv_expiry{UINT32_MAX};  // payment_constraints
  Msat htlc_minimum;
  SharedSecret shared_secret;
  Hash32 sha256_of_onion;
  bool through_path_key = false;  // update_add_htlc carried the path key: a failure must be malformed
};
/// We are the last hop, and no blinded path led here: BOLT 11.
struct PeeledPlain {
  Msat amt_to_forward, total_amount;
  CltvExpiry outgoing_cltv_value;
  Hash32 payment_secret;
  SharedSecret shared_secret;
};
struct PeeledForward {
  std::variant<ShortChannelId, NodeId> next;
  Msat amt_to_forward;
  CltvExpiry outgoing_cltv_value;
  Bytes next_onion;
  std::optional<PublicKey> next_path_key;
  BlindedRole role = BlindedRole::None;
  SharedSecret shared_secret;
  Hash32 sha256_of_onion;
};
struct PeelFailure {
  bool malformed = false;
  std::uint16_t code = 0;  // malformed
  Hash32 sha256_of_onion;
  Bytes reason;  // otherwise
  std::string why;
};
/// BOLT 4, "Accepting and Forwarding a Payment": unblinds, checks payment_constraints and the rules of each payload.
/// Dummy hops of a path of ours are peeled with it. `height`: our tip, which one of the failures tells.
using PeeledHtlc = std::variant<PeeledFinal, PeeledPlain, PeeledForward, PeelFailure>;
[[nodiscard]] PeeledHtlc peel_htlc(const wire::UpdateAddHtlc& htlc, const NodeId& our_node, const TweakedEcdh& ecdh,
                                   BlockHeight height);

/// The hops of a blinded path from `first` on: the first one is encrypted for `node`, the others for their blinded ids.
/// `path_key` goes into the payload of the first one.
[[nodiscard]] std::vector<Hop> blinded_hops(const wire::BlindedPath& path, std::size_t first, const PublicKey& node,
                                            std::optional<PublicKey> path_key, FinalPayload last);

}  // namespace doze::onion

namespace doze {
DOZE_ON_DISK(onion::BlindedRole, None, Inside)
}  // namespace doze
