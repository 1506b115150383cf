#include "commitment/exposure.h"

#include <algorithm>
#include <set>

#include "commitment/limits.h"

namespace doze::commitment {
namespace {

/// Whether the HTLC has no output of its own in our commitment, or in the peer's.
bool is_dust(const ChannelParams& params, FeeratePerKw feerate, bool our_commitment, const HtlcId& id, Msat amount) {
  auto limit = our_commitment ? params.local.dust_limit : params.remote.dust_limit;
  return is_trimmed(params.format, feerate, limit, id.offered == our_commitment, amount);
}

Totals counted(const ChannelParams& params, FeeratePerKw feerate, const HtlcId& id, Msat amount) {
  Totals out;
  count_in(params, feerate, id, amount, out);
  return out;
}

/// Largest HTLC that one side can add without touching its reserve; the opener also pays for its output.
Msat room(const ChannelParams& params, const Next& next, bool ours) {
  const auto& [spec, totals] = next;
  const auto& receiver = ours ? params.remote : params.local;
  if (ours != params.funder && !affordable(params, spec, totals.untrimmed + 1)) return Msat(0);
  if ((ours ? totals.offered : totals.received) >= receiver.max_accepted_htlcs) return Msat(0);
  auto left = sub_or_zero(spec.balance(ours), must_keep(params, spec.feerate, ours, totals.untrimmed + 1, kFeeSpike));
  auto in_flight = ours ? totals.offered_amount : totals.received_amount;
  return std::min(left, sub_or_zero(receiver.max_htlc_value_in_flight, in_flight));
}

}  // namespace

void count_in(const ChannelParams& params, FeeratePerKw feerate, const HtlcId& id, Msat amount, Totals& totals) {
  ++(id.offered ? totals.offered : totals.received);
  (id.offered ? totals.offered_amount : totals.received_amount) += amount;
  auto least = std::min(params.local.dust_limit, params.remote.dust_limit);
  if (!is_trimmed(params.format, feerate, least, id.offered, amount)) ++totals.untrimmed;
  if (is_dust(params, feerate, true, id, amount)) totals.dust_ours += amount;
  if (is_dust(params, feerate, false, id, amount)) totals.dust_theirs += amount;
}

void count_out(const ChannelParams& params, FeeratePerKw feerate, const HtlcId& id, Msat amount, Totals& totals) {
  auto one = counted(params, feerate, id, amount);
  totals.offered -= one.offered;
  totals.received -= one.received;
  totals.untrimmed -= one.untrimmed;
  totals.offered_amount -= one.offered_amount;
  totals.received_amount -= one.received_amount;
  totals.dust_ours -= one.dust_ours;
  totals.dust_theirs -= one.dust_theirs;
}

Totals totals_of(const ChannelParams& params, const Spec& spec) {
  Totals out;
  for (const auto& [id, htlc] : spec.htlcs) count_in(params, spec.feerate, id, htlc.amount, out);
  return out;
}

Msat must_keep(const ChannelParams& params, FeeratePerKw feerate, bool ours, std::size_t untrimmed,  // [B2-add-01]
               std::uint32_t factor) {
  auto reserve = to_msat((ours ? params.remote : params.local).channel_reserve);
  if (ours != params.funder) return reserve;
  FeeratePerKw rate(feerate.value() * factor);
  return reserve + to_msat(commitment_fee(params.format, rate, untrimmed) + anchors_cost(params.format));
}

bool affordable(const ChannelParams& params, const Spec& spec, std::size_t untrimmed) {
  return spec.balance(params.funder) >= must_keep(params, spec.feerate, params.funder, untrimmed);
}

bool affordable_at(const ChannelParams& params, const Spec& spec, FeeratePerKw feerate) {
  Spec then = spec;
  then.feerate = feerate;
  return affordable(params, then, totals_of(params, then).untrimmed);
}

Msat spendable(const Commitments& c) {
  return room(c.params, signable_remote(c), true);
}
Msat receivable(const Commitments& c) {
  return room(c.params, signable_local(c), false);
}

Msat dust_exposure(const Totals& totals) {
  return std::max(totals.dust_ours, totals.dust_theirs);
}

Msat dust_exposure_at(const Commitments& c, FeeratePerKw feerate) {
  Spec all;
  for (const Spec* spec : {&signable_local(c).spec, &c.local.spec, &c.remote.spec, &signable_remote(c).spec})
    all.htlcs.insert(spec->htlcs.begin(), spec->htlcs.end());
  all.feerate = feerate;
  return dust_exposure(totals_of(c.params, all));
}

DustCount::DustCount(const Commitments& c, std::uint64_t first) : c_(c) {
  for (bool our_commitment : {true, false}) {
    const auto& spec = our_commitment ? c.local.spec : c.remote.spec;
    for (const auto& [id, htlc] : spec.htlcs)
      if ((id.offered || id.id < first) && is_dust(c.params, spec.feerate, our_commitment, id, htlc.amount))
        (our_commitment ? ours_ : theirs_) += htlc.amount;
  }
}

bool DustCount::too_much(std::uint64_t id, Msat amount) {
  bool out = false;
  for (bool our_commitment : {true, false}) {
    const auto& spec = our_commitment ? c_.local.spec : c_.remote.spec;
    if (!is_dust(c_.params, spec.feerate, our_commitment, {false, id}, amount)) continue;
    auto& sum = our_commitment ? ours_ : theirs_;
    if (spec.htlcs.contains({false, id})) sum += amount;
    out = out || sum > kMaxDustExposure;
  }
  return out;
}

PendingHtlcs pending_htlcs(const Commitments& c) {
  PendingHtlcs out;
  std::set<HtlcId> seen;
  for (const Spec* spec : {&c.local.spec, &c.remote.spec})
    for (const auto& [id, htlc] : spec->htlcs) {
      out.count += seen.insert(id).second ? 1 : 0;
      out.last_expiry = std::max(out.last_expiry, htlc.cltv_expiry);
    }
  return out;
}

}  // namespace doze::commitment
