// Reads the whole onion of a received HTLC, and makes the hops of an onion that goes over a blinded path.
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

/// Our position in a blinded path, which decides what a failure may reveal. BOLT 4, "Failure Messages".
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
  bool through_path_key = false;  // update_add_htlc had a path key: failures go back with update_fail_malformed_htlc
};
/// We are the last hop, without a blinded path: BOLT 11.
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
  std::uint16_t code = 0;  // if malformed
  Hash32 sha256_of_onion;
  Bytes reason;  // if not malformed: of update_fail_htlc
  std::string why;
};
/// Peels, unblinds, and checks payment_constraints and the rules of each payload. Dummy hops of a path of ours are
/// peeled as well. `height`: our tip, which one of the failures contains. BOLT 4, "Accepting and Forwarding a Payment".
using PeeledHtlc = std::variant<PeeledFinal, PeeledPlain, PeeledForward, PeelFailure>;
[[nodiscard]] PeeledHtlc peel_htlc(const wire::UpdateAddHtlc& htlc, const NodeId& our_node, const TweakedEcdh& ecdh,
                                   BlockHeight height);

/// The hops of a blinded path from the index `first` on. The first of them is encrypted for `node` and has `path_key`
/// in its payload; the others are encrypted for their blinded ids.
[[nodiscard]] std::vector<Hop> blinded_hops(const wire::BlindedPath& path, std::size_t first, const PublicKey& node,
                                            std::optional<PublicKey> path_key, FinalPayload last);

}  // namespace doze::onion

namespace doze {
DOZE_ON_DISK(onion::BlindedRole, None, Inside)
}  // namespace doze
