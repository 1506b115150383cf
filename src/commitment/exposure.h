// Who can pay for what, and how much is dust. BOLT 2, "Adding an HTLC", "Updating Fees", "Bounding exposure to trimmed
// in-flight HTLCs".
#pragma once

#include "commitment/commitments.h"

namespace doze::commitment {

[[nodiscard]] Totals totals_of(const ChannelParams& params, const Spec& spec);
/// `totals` with one more HTLC.
void count_in(const ChannelParams& params, FeeratePerKw feerate, const HtlcId& id, Msat amount, Totals& totals);
/// `totals` without it.
void count_out(const ChannelParams& params, FeeratePerKw feerate, const HtlcId& id, Msat amount, Totals& totals);

/// What a side must keep in a commitment with this many untrimmed HTLCs: its reserve, and as opener the fee at `factor`
/// times the feerate and the anchors.
[[nodiscard]] Msat must_keep(const ChannelParams& params, FeeratePerKw feerate, bool ours, std::size_t untrimmed,
                             std::uint32_t factor = 1);
/// Whether the opener has what it must keep.
[[nodiscard]] bool affordable(const ChannelParams& params, const Spec& spec, std::size_t untrimmed);
/// The same at another feerate.
[[nodiscard]] bool affordable_at(const ChannelParams& params, const Spec& spec, FeeratePerKw feerate);

/// Largest HTLC that we can offer now, and the peer.
[[nodiscard]] Msat spendable(const Commitments& c);
[[nodiscard]] Msat receivable(const Commitments& c);

/// What HTLCs without an output of their own are worth, in our commitment or in the peer's, whichever is more.
[[nodiscard]] Msat dust_exposure(const Totals& totals);
/// The same at another feerate, with everything that either commitment has or could have next.
[[nodiscard]] Msat dust_exposure_at(const Commitments& c, FeeratePerKw feerate);
/// Asks of received HTLCs, from `first` on and in their order, whether each is dust in a commitment that has too much
/// of it with it and those before it.
class DustCount {
 public:
  DustCount(const Commitments& c, std::uint64_t first);
  [[nodiscard]] bool too_much(std::uint64_t id, Msat amount);

 private:
  const Commitments& c_;
  Msat ours_, theirs_;  // in our commitment, in the peer's
};

/// HTLCs in either side's commitment, and when the last of them expires.
struct PendingHtlcs {
  std::size_t count = 0;
  CltvExpiry last_expiry;
};
[[nodiscard]] PendingHtlcs pending_htlcs(const Commitments& c);

}  // namespace doze::commitment
