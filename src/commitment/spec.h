// What a commitment says, and the updates that change it. BOLT 2, "Normal Operation".
#pragma once

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/units.h"
#include "wire/messages.h"

namespace doze::commitment {

using Update = std::variant<wire::UpdateAddHtlc, wire::UpdateFulfillHtlc, wire::UpdateFailHtlc,
                            wire::UpdateFailMalformedHtlc, wire::UpdateFee>;
using Updates = std::vector<Update>;

/// `offered` by us.
struct HtlcId {
  bool offered = false;
  std::uint64_t id = 0;
  friend auto operator<=>(const HtlcId&, const HtlcId&) = default;
};
struct SpecHtlc {
  Msat amount;
  PaymentHash payment_hash;
  CltvExpiry cltv_expiry;
  friend bool operator==(const SpecHtlc&, const SpecHtlc&) = default;
};
/// What a commitment says, from our side, no matter whose commitment it is.
struct Spec {
  Msat to_local, to_remote;
  FeeratePerKw feerate;
  std::map<HtlcId, SpecHtlc> htlcs;
  [[nodiscard]] Msat balance(bool ours) const { return ours ? to_local : to_remote; }
  friend bool operator==(const Spec&, const Spec&) = default;
};

[[nodiscard]] wire::Message to_message(const Update& update);
[[nodiscard]] bool is_fee(const Update& update);
[[nodiscard]] bool is_add(const Update& update);
/// The HTLC that an update (`ours`, or the peer's) removes; nullopt: it removes none.
[[nodiscard]] std::optional<HtlcId> removed_by(const Update& update, bool ours);
/// False: it removes an HTLC that is not there, or adds one that nobody can pay. Then the spec is worth nothing.
[[nodiscard]] bool try_apply(Spec& spec, const Update& update, bool ours);
/// The same of what one signature covers.
[[nodiscard]] bool try_apply(Spec& spec, const Updates& ours, const Updates& theirs);

/// BOLT 4, "Failure Messages": the flag of malformed onions, and invalid_onion_hmac, which has it.
inline constexpr std::uint16_t kMalformedFlag = 0x8000, kMalformedHmac = 0x8000 | 0x4000 | 5;
/// An update as it may be kept and sent: without TLVs that nobody reads, without a reason above kMaxReason (a forwarder
/// makes one of its own), and update_fail_malformed_htlc only with BADONION, because without it the receiver, who is
/// honest, must fail the channel or hang up: invalid_onion_hmac instead. Rows of November 2026 may have others. The
/// commitments are the same whatever a failure says. BOLT 2, "Removing an HTLC".
void make_fit(Update& update);

}  // namespace doze::commitment
