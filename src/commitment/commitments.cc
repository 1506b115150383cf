#include "commitment/commitments.h"

#include <algorithm>

#include "commitment/exposure.h"
#include "commitment/limits.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

using Code = ViolationCode;

Failure<Violation> broken(Code code, std::uint64_t given = 0, std::uint64_t limit = 0) {
  return {Violation{code, given, limit}};
}

std::vector<Htlc> htlcs_of(const Spec& spec, bool ours) {
  std::vector<Htlc> out;
  for (const auto& [id, htlc] : spec.htlcs)
    out.push_back({id.offered == ours, htlc.amount, htlc.payment_hash, htlc.cltv_expiry, id.id});
  return out;
}

/// Moves on by one update that was checked when it was taken.
void move_on(const ChannelParams& params, Next& next, const Update& update, bool ours) {
  auto& [spec, totals] = next;
  if (auto removed = removed_by(update, ours))
    if (auto it = spec.htlcs.find(*removed); it != spec.htlcs.end())
      count_out(params, spec.feerate, *removed, it->second.amount, totals);
  bool good = try_apply(spec, update, ours);
  LN_ASSERT(good);
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update))
    count_in(params, spec.feerate, {ours, add->id}, add->amount_msat, totals);
  if (is_fee(update)) totals = totals_of(params, spec);
}

const Next& cached(const ChannelParams& params, std::optional<Next>& cache, const Spec& from, const Updates& ours,
                   const Updates& theirs) {
  if (cache) return *cache;
  auto& next = cache.emplace(Next{from, {}});
  bool good = try_apply(next.spec, ours, theirs);
  LN_ASSERT(good);
  next.totals = totals_of(params, next.spec);
  return next;
}

/// Ours, which is sent and written with the step.
void propose(Commitments& c, Update update) {
  if (c.cached_remote) move_on(c.params, *c.cached_remote, update, true);
  c.updates.local_proposed.push_back(std::move(update));
}
/// The peer's, which is forgotten with the connection until it is signed.
void keep(Commitments& c, Update update) {
  make_fit(update);
  if (c.cached_local) move_on(c.params, *c.cached_local, update, false);
  c.updates.remote_proposed.push_back(std::move(update));
}

bool in_both(const Commitments& c, const HtlcId& id) {
  return c.local.spec.htlcs.contains(id) && c.remote.spec.htlcs.contains(id);
}

/// A removal by the peer: of an HTLC that we offered, committed on both sides, not yet removed.
Status<Violation> check_removal(const Commitments& c, std::uint64_t id, Code not_committed, Code twice) {
  if (!in_both(c, {true, id})) return broken(not_committed, id);  // [B2-rem-08]
  // A removal that was signed is in local.spec.
  if (!signable_local(c).spec.htlcs.contains({true, id})) return broken(twice, id);
  return Done{};
}

bool draft_hold_under_way(const Commitments& c) {
  auto is_draft = [](const Update& update) {
    const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
    return add != nullptr && add->hold_htlc == Profile::Draft;
  };
  return std::ranges::any_of(c.updates.local_proposed, is_draft) ||
         std::ranges::any_of(c.updates.local_signed, is_draft);
}

std::optional<AddRefusal> refusal(const Commitments& c, const wire::UpdateAddHtlc& add, BlockHeight tip) {
  const auto& params = c.params;
  // [B2-add-04]
  if (add.amount_msat < params.remote.htlc_minimum || add.amount_msat.value() == 0) return AddRefusal::BelowMinimum;
  if (add.cltv_expiry.value() <= tip.value()) return AddRefusal::ExpiryTooSoon;
  if (add.cltv_expiry.value() >= kFirstTimeExpiry) return AddRefusal::ExpiryTooFar;  // [B2-add-05]
  if (add.hold_htlc == Profile::Draft && draft_hold_under_way(c)) return AddRefusal::HoldLimit;

  const auto& [spec, now] = signable_remote(c);
  if (now.offered >= params.remote.max_accepted_htlcs) return AddRefusal::TooManyHtlcs;  // [B2-add-06]
  if (add.amount_msat > sub_or_zero(params.remote.max_htlc_value_in_flight, now.offered_amount))
    return AddRefusal::TooMuchInFlight;  // [B2-add-06]

  auto left = sub(spec.to_local, add.amount_msat);
  auto then = now;
  count_in(params, spec.feerate, {true, c.updates.next_local_htlc}, add.amount_msat, then);
  if (!left || *left < must_keep(params, spec.feerate, true, then.untrimmed, kFeeSpike))  // [B2-add-01]
    return AddRefusal::InsufficientFunds;
  // The peer must be able to pay for the output and keep its reserve.
  if (!params.funder && !affordable(params, spec, then.untrimmed)) return AddRefusal::InsufficientFunds;  // [B2-add-03]

  auto exposed = dust_exposure(then);
  if (exposed > kMaxDustExposure && exposed > dust_exposure(now)) return AddRefusal::DustExposure;  // [B2-dust-02]
  return std::nullopt;
}

}  // namespace

// ---- what is in them ----

Bytes funding_script(const ChannelParams& params) {
  return funding_script(params.local.keys.funding, params.remote.keys.funding);
}

std::uint64_t obscure_factor(const ChannelParams& params) {
  const auto& us = params.local.keys.payment_basepoint;
  const auto& them = params.remote.keys.payment_basepoint;
  return params.funder ? obscure_factor(us, them) : obscure_factor(them, us);
}

CommitmentTerms local_terms(const ChannelParams& params, const Spec& spec, std::uint64_t number,  // [B2-fund-05]
                            const PublicKey& point) {
  CommitmentTerms out;
  out.format = params.format;
  out.funding = params.funding;
  out.number = number;
  out.obscure_factor = obscure_factor(params);
  out.owner_opened = params.funder;
  out.per_commitment_point = point;
  out.owner = params.local.keys;
  out.other = params.remote.keys;
  out.dust_limit = params.local.dust_limit;
  out.to_self_delay = params.remote.to_self_delay;
  out.feerate = spec.feerate;
  out.to_owner = spec.to_local;
  out.to_other = spec.to_remote;
  out.htlcs = htlcs_of(spec, true);
  return out;
}

CommitmentTerms remote_terms(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                             const PublicKey& point) {
  CommitmentTerms out;
  out.format = params.format;
  out.funding = params.funding;
  out.number = number;
  out.obscure_factor = obscure_factor(params);
  out.owner_opened = !params.funder;
  out.per_commitment_point = point;
  out.owner = params.remote.keys;
  out.other = params.local.keys;
  out.dust_limit = params.remote.dust_limit;
  out.to_self_delay = params.local.to_self_delay;
  out.feerate = spec.feerate;
  out.to_owner = spec.to_remote;
  out.to_other = spec.to_local;
  out.htlcs = htlcs_of(spec, false);
  return out;
}

CommitmentTerms local_terms(const Commitments& c, const ChannelSigner& signer) {
  return local_terms(c.params, c.local.spec, c.local.number, signer.per_commitment_point(c.local.number));
}

// [B5-pen-01]
bitcoin::Transaction own_commitment(const Commitments& c, const ChannelSigner& signer) {  // [B2-rev-03, B2-rev-04]
  auto built = build_commitment(local_terms(c, signer));
  LN_ASSERT(built.has_value());
  auto ours = signer.sign_funding_input(built->transaction, funding_script(c.params), c.params.capacity);
  built->transaction.inputs[0].witness =
      funding_witness(c.params.local.keys.funding, ours, c.params.remote.keys.funding, c.local.signature);
  return built->transaction;
}

const Next& signable_remote(const Commitments& c) {
  const auto& from = c.next_remote ? *c.next_remote : c.remote.spec;
  return cached(c.params, c.cached_remote, from, c.updates.local_proposed, c.updates.remote_acked);
}

const Next& signable_local(const Commitments& c) {
  return cached(c.params, c.cached_local, c.local.spec, c.updates.local_acked, c.updates.remote_proposed);
}

void forget_signable(Commitments& c) {
  c.cached_remote.reset();
  c.cached_local.reset();
}

bool quiet(const Commitments& c) {
  const auto& u = c.updates;
  return c.local.spec.htlcs.empty() && c.remote.spec.htlcs.empty() && !c.next_remote && u.local_proposed.empty() &&
         u.local_signed.empty() && u.local_acked.empty() && u.remote_proposed.empty() && u.remote_acked.empty() &&
         u.remote_signed.empty();
}

// ---- our updates ----

const char* name(AddRefusal refusal) {
  switch (refusal) {
    case AddRefusal::NotUsable:
      return "the channel is not usable now";
    case AddRefusal::InsufficientFunds:
      return "insufficient funds in the channel";
    case AddRefusal::TooManyHtlcs:
      return "too many HTLCs in the channel";
    case AddRefusal::BelowMinimum:
      return "below the peer's htlc_minimum_msat";
    case AddRefusal::TooMuchInFlight:
      return "above the peer's max_htlc_value_in_flight_msat";
    case AddRefusal::ExpiryTooSoon:
      return "expiry too soon";
    case AddRefusal::ExpiryTooFar:
      return "expiry too far";
    case AddRefusal::DustExposure:
      return "too much dust in flight";
    case AddRefusal::HoldLimit:
      return "one held HTLC a commitment round in the draft's profile";
  }
  return "unknown";
}

Result<wire::UpdateAddHtlc, AddRefusal> offer(Commitments& c, wire::UpdateAddHtlc add, BlockHeight tip) {
  if (auto why = refusal(c, add, tip)) return fail(*why);
  add.id = c.updates.next_local_htlc++;  // [B2-add-07]
  propose(c, add);
  return add;
}

std::optional<Update> remove(Commitments& c, Update removal) {
  auto id = removed_by(removal, true);
  LN_ASSERT(id.has_value());
  // A removal that was signed is not in next_remote, and one that was acked is not in remote.spec.
  if (!in_both(c, *id) || !signable_remote(c).spec.htlcs.contains(*id)) return std::nullopt;  // [B2-rem-02]
  make_fit(removal);
  propose(c, removal);
  return removal;
}

bool propose(Commitments& c, const wire::UpdateFee& fee) {
  if (!c.params.funder) return false;  // [B2-fee-02]
  const auto& spec = signable_remote(c).spec;
  if (fee.feerate_per_kw > spec.feerate && dust_exposure_at(c, fee.feerate_per_kw) > kMaxDustExposureByFee)
    return false;
  if (!affordable_at(c.params, spec, fee.feerate_per_kw)) return false;
  // Of those that are signed together only the last one counts. An earlier one that is higher must not be sent again:
  // by then the peer may have adds of its own irrevocably committed, and the batch is affordable only at its end.
  std::erase_if(c.updates.local_proposed, is_fee);
  propose(c, Update(fee));
  return true;
}

std::optional<Update> withdraw_last(Commitments& c) {
  auto& proposed = c.updates.local_proposed;
  auto found = std::find_if(proposed.rbegin(), proposed.rend(), is_fee);
  if (found == proposed.rend()) found = std::find_if(proposed.rbegin(), proposed.rend(), is_add);
  if (found == proposed.rend()) return std::nullopt;
  auto out = std::move(*found);
  proposed.erase(std::next(found).base());
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&out)) {
    LN_ASSERT(add->id + 1 == c.updates.next_local_htlc);
    --c.updates.next_local_htlc;
  }
  forget_signable(c);
  return out;
}

// ---- the peer's updates ----

Status<Violation> receive(Commitments& c, const wire::UpdateAddHtlc& m) {
  const auto& params = c.params;
  auto amount = m.amount_msat;
  auto minimum = std::max(params.local.htlc_minimum, Msat(1));
  if (m.id != c.updates.next_remote_htlc) return broken(Code::AddIdOutOfOrder, m.id, c.updates.next_remote_htlc);
  if (amount < minimum) return broken(Code::AddBelowMinimum, amount.value(), minimum.value());  // [B2-add-09]
  if (m.cltv_expiry.value() >= kFirstTimeExpiry)
    return broken(Code::AddExpiryIsTime, m.cltv_expiry.value(), kFirstTimeExpiry);  // [B2-add-12]

  const auto& [spec, now] = signable_local(c);
  if (now.received >= params.local.max_accepted_htlcs)
    return broken(Code::AddTooMany, now.received + 1, params.local.max_accepted_htlcs);  // [B2-add-11]
  auto in_flight = add(now.received_amount, amount).value_or(Msat(UINT64_MAX));
  if (in_flight > params.local.max_htlc_value_in_flight)
    // [B2-add-11]
    return broken(Code::AddTooMuchInFlight, in_flight.value(), params.local.max_htlc_value_in_flight.value());

  auto left = sub(spec.to_remote, amount);
  if (!left) return broken(Code::AddAboveBalance, amount.value(), spec.to_remote.value());  // [B2-add-10]
  auto then = now;
  count_in(params, spec.feerate, {false, m.id}, amount, then);
  auto needed = must_keep(params, spec.feerate, false, then.untrimmed);
  if (*left < needed) return broken(Code::AddBelowReserve, left->value(), needed.value());  // [B2-add-10]

  ++c.updates.next_remote_htlc;
  keep(c, m);
  return Done{};
}

Status<Violation> receive(Commitments& c, const wire::UpdateFulfillHtlc& fulfilled) {
  LN_CHECK(check_removal(c, fulfilled.id, Code::FulfillNotCommitted, Code::FulfillTwice));
  const auto& htlc = c.local.spec.htlcs.at({true, fulfilled.id});
  if (crypto::payment_hash(fulfilled.payment_preimage) != htlc.payment_hash)
    return broken(Code::FulfillWrongPreimage, fulfilled.id);  // [B2-rem-09]
  keep(c, fulfilled);
  return Done{};
}

Status<Violation> receive(Commitments& c, const wire::UpdateFailHtlc& failed) {
  LN_CHECK(check_removal(c, failed.id, Code::FailNotCommitted, Code::FailTwice));
  keep(c, failed);
  return Done{};
}

Status<Violation> receive(Commitments& c, const wire::UpdateFailMalformedHtlc& failed) {
  LN_CHECK(check_removal(c, failed.id, Code::MalformedNotCommitted, Code::MalformedTwice));
  // Doze of November 2026 sends it when a stranger makes it: the channel must survive that. It comes again at each
  // reconnection until the peer is mended, or until the HTLC expires and the channel is closed over that.
  // [B2-rem-10]
  if ((failed.failure_code & kMalformedFlag) == 0) return broken(Code::MalformedWithoutBadOnion, failed.failure_code);
  keep(c, failed);
  return Done{};
}

Status<Violation> receive(Commitments& c, const wire::UpdateFee& fee, FeerateRange reasonable) {
  auto rate = fee.feerate_per_kw;
  if (c.params.funder) return broken(Code::FeeNotFromOpener);                                           // [B2-fee-04]
  if (rate < reasonable.least) return broken(Code::FeeTooLow, rate.value(), reasonable.least.value());  // [B2-fee-03]
  if (rate > reasonable.most) return broken(Code::FeeTooHigh, rate.value(), reasonable.most.value());

  auto spec = signable_local(c).spec;
  spec.feerate = rate;
  auto untrimmed = totals_of(c.params, spec).untrimmed;
  if (!affordable(c.params, spec, untrimmed))
    // [B2-fee-05]
    return broken(Code::FeeUnaffordable, spec.to_remote.value(), must_keep(c.params, rate, false, untrimmed).value());
  if (auto dust = dust_exposure_at(c, rate);
      dust > kMaxDustExposureByFee && dust > dust_exposure_at(c, c.local.spec.feerate))
    return broken(Code::FeeTooMuchDust, dust.value(), kMaxDustExposureByFee.value());

  std::erase_if(c.updates.remote_proposed, is_fee);  // of those that are signed together only the last one counts
  forget_signable(c);
  keep(c, fee);
  return Done{};
}

void forget_unsigned(Commitments& c) {  // [B2-re-05]
  for (const auto& update : c.updates.remote_proposed)
    if (is_add(update)) --c.updates.next_remote_htlc;  // [B2-add-14]
  c.updates.remote_proposed.clear();
  forget_signable(c);
}

// ---- rounds ----

bool can_sign(const Commitments& c) {  // [B2-sign-01]
  return !c.next_remote && !(c.updates.local_proposed.empty() && c.updates.remote_acked.empty());
}

std::optional<SignedCommitment> sign_remote(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                                            const PublicKey& point, const ChannelSigner& signer,
                                            const ParallelMap& parallel) {
  auto built = build_commitment(remote_terms(params, spec, number, point));
  if (!built) return std::nullopt;
  SignedCommitment out;
  out.signature = signer.sign_funding_input(built->transaction, funding_script(params), params.capacity);
  out.htlc_signatures = signer.sign_htlcs(built->htlcs, htlc_sighash(params.format), point, parallel);  // [B2-sign-02]
  return out;
}

SignedCommitment sign(Commitments& c, const ChannelSigner& signer, const ParallelMap& parallel) {
  LN_ASSERT(can_sign(c));
  auto& u = c.updates;
  c.next_remote = signable_remote(c).spec;  // and so it stays, with nothing proposed
  c.signed_after = c.local.number;
  u.local_signed = std::exchange(u.local_proposed, {});
  u.remote_signed = std::exchange(u.remote_acked, {});
  return sign_again(c, signer, parallel);
}

SignedCommitment sign_again(const Commitments& c, const ChannelSigner& signer, const ParallelMap& parallel) {
  LN_ASSERT(c.next_remote.has_value());
  auto made = sign_remote(c.params, *c.next_remote, c.remote.number + 1, c.remote_next_point, signer, parallel);
  LN_ASSERT(made.has_value());  // the points were checked when they came
  return *std::move(made);
}

Status<Violation> verify_local(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                               const PublicKey& point, const Signature& signature,
                               const std::vector<Signature>& htlc_signatures, const ParallelMap& parallel) {
  auto built = build_commitment(local_terms(params, spec, number, point));
  if (!built) return broken(Code::CommitmentKeysDoNotCombine, number);
  if (built->htlcs.size() != htlc_signatures.size())
    return broken(Code::CommitmentSignatureCount, htlc_signatures.size(), built->htlcs.size());  // [B2-sign-05]
  auto digest = funding_digest(built->transaction, funding_script(params), params.capacity);
  if (!crypto::ecdsa_verify(params.remote.keys.funding, digest, signature))
    return broken(Code::CommitmentSignatureWrong, number);  // [B2-sign-05]
  std::vector<std::uint8_t> good(htlc_signatures.size());
  parallel.run(good.size(), [&](std::size_t i) {
    auto htlc = htlc_digest(built->htlcs[i], htlc_sighash(params.format));
    good[i] = crypto::ecdsa_verify(built->other_htlc_key, htlc, htlc_signatures[i]) ? 1 : 0;
  });
  auto wrong = std::ranges::find(good, 0);
  if (wrong == good.end()) return Done{};
  // [B2-sign-05]
  return broken(Code::CommitmentHtlcSignatureWrong, static_cast<std::uint64_t>(wrong - good.begin()) + 1, good.size());
}

bool nothing_but_fees(const Commitments& c) {
  return c.updates.local_acked.empty() && std::ranges::all_of(c.updates.remote_proposed, is_fee);
}

Result<Updates, Violation> receive(Commitments& c, const wire::CommitmentSigned& m, const ChannelSigner& signer,
                                   const ParallelMap& parallel) {
  auto number = c.local.number + 1;
  auto spec = signable_local(c).spec;
  LN_CHECK(verify_local(c.params, spec, number, signer.per_commitment_point(number), m.signature, m.htlc_signatures,
                        parallel));
  c.local = {number, std::move(spec), m.signature, m.htlc_signatures};

  auto& u = c.updates;
  auto now_in_both = std::exchange(u.local_acked, {});
  // A peer may sign often before it revokes: only its last feerate is kept for our next signature.
  if (std::ranges::any_of(u.remote_proposed, is_fee)) std::erase_if(u.remote_acked, is_fee);
  std::ranges::move(u.remote_proposed, std::back_inserter(u.remote_acked));
  u.remote_proposed.clear();
  forget_signable(c);
  return now_in_both;
}

Revocation revoke(const Commitments& c, const ChannelSigner& signer) {  // [B2-rev-01]
  LN_ASSERT(c.local.number > 0);
  return {signer.release_per_commitment_secret(c.local.number - 1), signer.per_commitment_point(c.local.number + 1)};
}

Result<Irrevocable, Violation> receive(Commitments& c, const wire::RevokeAndAck& m) {
  if (!c.next_remote) return broken(Code::RevokeNothing);
  auto secret = crypto::parse_private_key(m.per_commitment_secret.reveal());
  if (!secret || crypto::public_key(*secret) != c.remote.point) return broken(Code::RevokeSecretWrong);  // [B2-rev-02]
  if (!crypto::is_valid(m.next_per_commitment_point)) return broken(Code::RevokeNextPointInvalid);
  if (!c.secrets.insert(kFirstIndex - c.remote.number, m.per_commitment_secret))
    return broken(Code::RevokeSecretDoesNotFit);

  c.remote = {c.remote.number + 1, *std::exchange(c.next_remote, std::nullopt), c.remote_next_point};
  c.remote_next_point = m.next_per_commitment_point;

  auto& u = c.updates;
  Irrevocable out{std::exchange(u.remote_signed, {}), u.local_signed.size()};
  std::ranges::move(u.local_signed, std::back_inserter(u.local_acked));
  u.local_signed.clear();
  forget_signable(c);
  return out;
}

}  // namespace doze::commitment
