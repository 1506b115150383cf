// What a penalty needs of each HTLC that was ever in a commitment of the peer: enough to write its script again. The
// script of a revoked commitment's output has this and the keys of its number, nothing else.
#pragma once

#include "commitment/params.h"
#include "commitment/spec.h"

namespace doze::commitment {

struct CommittedHtlc {
  HtlcId id;       // `offered` by us
  Hash20 hash160;  // RIPEMD160 of the payment hash, which is HASH160 of the preimage
  CltvExpiry cltv_expiry;
  Msat amount;
  friend bool operator==(const CommittedHtlc&, const CommittedHtlc&) = default;
};
[[nodiscard]] CommittedHtlc committed_htlc(const HtlcId& id, const SpecHtlc& htlc);
/// The HTLCs that have an output in the peer's commitment of this spec. They must be durable as CommittedHtlc before
/// our signature for it leaves. A trimmed HTLC may get an output later, with another feerate.
[[nodiscard]] std::vector<HtlcId> htlcs_with_outputs(const ChannelParams& params, const Spec& spec);

/// For a durable record: a version byte and 41 bytes.
[[nodiscard]] Bytes serialize(const CommittedHtlc& htlc);
/// nullopt unless `bytes` is exactly what serialize gives.
[[nodiscard]] std::optional<CommittedHtlc> parse_committed_htlc(ByteView bytes);

}  // namespace doze::commitment
