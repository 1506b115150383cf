// The terms in open_channel and accept_channel, and whether we accept them.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// Our terms, without keys.
[[nodiscard]] Terms our_terms(const Context& context, const Channel& channel);
[[nodiscard]] wire::FeatureBits channel_type(const Channel& channel);
/// Sets the channel's type. False: we do not support it.
[[nodiscard]] bool set_type(Channel& channel, const wire::FeatureBits& type, const Config& config);
/// What is unacceptable in the peer's terms. nullopt: nothing. `point`: its first_per_commitment_point.
[[nodiscard]] std::optional<Violation> objection(const Channel& channel, const Terms& theirs, const PublicKey& point);
/// Sets the first commitments of both sides, which have the same balances.
void set_first_specs(Channel& channel, Msat push, FeeratePerKw feerate);
/// nullopt: the opener can pay the fee of the first commitment, which has no HTLC, and keep its reserve.
[[nodiscard]] std::optional<Violation> unaffordable(const Channel& channel);

template <class M>
Terms terms_of(const M& m) {
  Terms out;
  out.dust_limit = m.dust_limit_satoshis;
  out.max_htlc_value_in_flight = m.max_htlc_value_in_flight_msat;
  out.channel_reserve = m.channel_reserve_satoshis;
  out.htlc_minimum = m.htlc_minimum_msat;
  out.to_self_delay = m.to_self_delay;
  out.max_accepted_htlcs = m.max_accepted_htlcs;
  out.keys = {m.funding_pubkey, m.revocation_basepoint, m.payment_basepoint, m.delayed_payment_basepoint,
              m.htlc_basepoint};
  return out;
}

template <class M>
void fill(M& m, const Terms& t, const Channel& channel) {
  m.dust_limit_satoshis = t.dust_limit;
  m.max_htlc_value_in_flight_msat = t.max_htlc_value_in_flight;
  m.channel_reserve_satoshis = t.channel_reserve;
  m.htlc_minimum_msat = t.htlc_minimum;
  m.to_self_delay = t.to_self_delay;
  m.max_accepted_htlcs = t.max_accepted_htlcs;
  m.funding_pubkey = t.keys.funding;
  m.revocation_basepoint = t.keys.revocation_basepoint;
  m.payment_basepoint = t.keys.payment_basepoint;
  m.delayed_payment_basepoint = t.keys.delayed_payment_basepoint;
  m.htlc_basepoint = t.keys.htlc_basepoint;
  m.first_per_commitment_point = channel.signer->per_commitment_point(0);  // [B2-open-05]
  m.channel_type = channel_type(channel);
}

}  // namespace doze::channel
