// Every provisional number of async payments, in one table. Two profiles are on the wire: LDK's and the draft's.
//
// Sources: bolts #1149 (head 3a7505e0), bLIP-66 (head cb8228c0), rust-lightning v0.2.5 / 0.2.7.
#pragma once

#include <cstdint>

#include "base/on_disk.h"

namespace doze {

enum class Profile : std::uint8_t { Ldk = 0, Draft = 1 };
DOZE_ON_DISK(Profile, Ldk, Draft)
[[nodiscard]] constexpr const char* name(Profile profile) {
  return profile == Profile::Ldk ? "ldk" : "draft";
}

namespace wire {

struct Numbers {
  std::uint16_t feature_htlc_hold;    // the optional (odd) bit; the even one is never set
  std::uint64_t add_hold_htlc;        // update_add_htlc TLV, empty
  std::uint64_t raa_release_paths;    // revoke_and_ack TLV
  bool raa_record_has_htlc_id;        // u64 htlc_id ‖ blinded_path records, or bare blinded_paths
  std::uint64_t offer_paths_request;  // onion message TLVs
  std::uint64_t offer_paths;
  std::uint64_t serve_static_invoice;
  std::uint64_t static_invoice_persisted;
  bool length_prefixed;  // bodies of the four above, of 72, 74 and of invoice_error carry a BigSize length
  std::uint64_t static_invoice_message_paths;  // static invoice TLV
  std::uint64_t payment_invoice_request;       // payment onion TLV of the final hop
};

inline constexpr Numbers kLdk{153, 75537, 75537, true, 75540, 75542, 75544, 75546, true, 236, 77777};
inline constexpr Numbers kDraft{53, 2, 0, false, 65540, 65542, 65544, 65546, false, 178, 1};
[[nodiscard]] constexpr const Numbers& numbers(Profile profile) {
  return profile == Profile::Ldk ? kLdk : kDraft;
}

// The same in both profiles.
inline constexpr std::uint64_t kOmInvoiceRequest = 64, kOmInvoice = 66, kOmInvoiceError = 68, kOmStaticInvoice = 70;
inline constexpr std::uint64_t kOmHeldHtlcAvailable = 72, kOmReleaseHeldHtlc = 74;
inline constexpr std::uint64_t kPaymentPreimage = 5482373484;  // payment onion, final hop: keysend preimage

}  // namespace wire
}  // namespace doze
