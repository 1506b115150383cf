// What commitments say, and the signatures over them.
#include <algorithm>

#include "channel/inside.h"
#include "crypto/crypto.h"
#include "effects/limits.h"

namespace doze::channel {
namespace {

bool remove(Spec& spec, const HtlcId& id, bool fulfilled) {
  auto it = spec.htlcs.find(id);
  if (it == spec.htlcs.end()) return false;
  // A fulfilled HTLC goes to the other side, a failed one back to whoever offered it.
  (id.offered == fulfilled ? spec.to_remote : spec.to_local) += it->second.amount;
  spec.htlcs.erase(it);
  return true;
}

bool apply_one(Spec& spec, const Update& update, bool ours) {
  return std::visit(Overloaded{
                        [&](const wire::UpdateAddHtlc& add) {
                          auto& payer = ours ? spec.to_local : spec.to_remote;
                          auto left = sub(payer, add.amount_msat);
                          if (!left) return false;
                          payer = *left;
                          spec.htlcs[{ours, add.id}] = {add.amount_msat, add.payment_hash, add.cltv_expiry};
                          return true;
                        },
                        [&](const wire::UpdateFulfillHtlc& update) {
                          return remove(spec, {!ours, update.id}, true);
                        },
                        [&](const wire::UpdateFailHtlc& update) {
                          return remove(spec, {!ours, update.id}, false);
                        },
                        [&](const wire::UpdateFailMalformedHtlc& update) {
                          return remove(spec, {!ours, update.id}, false);
                        },
                        [&](const wire::UpdateFee& update) {
                          spec.feerate = update.feerate_per_kw;
                          return true;
                        },
                    },
                    update);
}

std::vector<commitment::Htlc> htlcs_of(const Spec& spec, bool ours) {
  std::vector<commitment::Htlc> out;
  for (const auto& [id, htlc] : spec.htlcs)
    out.push_back({id.offered == ours, htlc.amount, htlc.payment_hash, htlc.cltv_expiry, id.id});
  return out;
}

std::uint64_t obscure(const Channel& channel) {
  const auto& us = channel.local.keys.payment_basepoint;
  const auto& them = channel.remote.keys.payment_basepoint;
  return channel.funder ? commitment::obscure_factor(us, them) : commitment::obscure_factor(them, us);
}

/// Largest HTLC that `payer` can add without touching its reserve; the opener also pays for its output.
Msat room(const Channel& channel, const Next& next, bool ours) {
  const auto& [spec, totals] = next;
  const auto& receiver = ours ? channel.remote : channel.local;
  auto left = sub_or_zero(ours ? spec.to_local : spec.to_remote, to_msat(receiver.channel_reserve));
  bool pays_fee = ours == channel.funder;
  if (pays_fee) {
    left = sub_or_zero(left, opener_cost(channel, spec, kFeeSpike, totals.untrimmed + 1));
  } else {
    const auto& payer = ours ? channel.local : channel.remote;
    if ((ours ? spec.to_remote : spec.to_local) <
        to_msat(payer.channel_reserve) + opener_cost(channel, spec, 1, totals.untrimmed + 1))
      return Msat(0);
  }
  if ((ours ? totals.offered : totals.received) >= receiver.max_accepted_htlcs) return Msat(0);
  auto in_flight = ours ? totals.offered_amount : totals.received_amount;
  return std::min(left, sub_or_zero(receiver.max_htlc_value_in_flight, in_flight));
}

/// Whether the HTLC has no output of its own in our commitment, or in the peer's.
bool is_dust(const Channel& channel, FeeratePerKw feerate, bool our_commitment, const HtlcId& id, Msat amount) {
  auto limit = our_commitment ? channel.local.dust_limit : channel.remote.dust_limit;
  return commitment::is_trimmed(channel.format, feerate, limit, id.offered == our_commitment, amount);
}

/// Moves on by one update that was checked when it was taken.
void apply(const Channel& channel, Next& next, const Update& update, bool ours) {
  auto& [spec, totals] = next;
  auto counted = [&](const HtlcId& id) {
    Totals one;
    if (auto it = spec.htlcs.find(id); it != spec.htlcs.end())
      count_in(channel, spec.feerate, id, it->second.amount, one);
    return one;
  };
  if (auto removed = removed_by(update, ours)) {
    auto one = counted(*removed);
    totals.offered -= one.offered;
    totals.received -= one.received;
    totals.untrimmed -= one.untrimmed;
    totals.offered_amount -= one.offered_amount;
    totals.received_amount -= one.received_amount;
    totals.dust_ours -= one.dust_ours;
    totals.dust_theirs -= one.dust_theirs;
  }
  bool good = apply_one(spec, update, ours);
  LN_ASSERT(good);
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update))
    count_in(channel, spec.feerate, {ours, add->id}, add->amount_msat, totals);
  if (std::holds_alternative<wire::UpdateFee>(update)) totals = totals_of(channel, spec);
}

const Next& cached(const Channel& channel, std::optional<Next>& cache, const Spec& from, const Updates& ours,
                   const Updates& theirs) {
  if (cache) return *cache;
  auto& next = cache.emplace(Next{from, {}});
  bool good = try_apply(next.spec, ours, theirs);
  LN_ASSERT(good);
  next.totals = totals_of(channel, next.spec);
  return next;
}

}  // namespace

std::optional<HtlcId> removed_by(const Update& update, bool ours) {
  return std::visit(
      [&]<class M>(const M& message) -> std::optional<HtlcId> {
        if constexpr (requires { message.id; } && !std::is_same_v<M, wire::UpdateAddHtlc>)
          return HtlcId{!ours, message.id};
        return std::nullopt;
      },
      update);
}

Bytes script_of(const Channel& channel) {
  return commitment::funding_script(channel.local.keys.funding, channel.remote.keys.funding);
}

wire::Message to_message(const Update& update) {
  return std::visit([](const auto& message) { return wire::Message(message); }, update);
}

bool try_apply(Spec& spec, const Updates& ours, const Updates& theirs) {
  // Removals first: what they give back may pay for additions. No HTLC is added and removed by the same signature.
  for (bool adding : {false, true}) {
    for (const auto& update : ours)
      if (std::holds_alternative<wire::UpdateAddHtlc>(update) == adding && !apply_one(spec, update, true)) return false;
    for (const auto& update : theirs)
      if (std::holds_alternative<wire::UpdateAddHtlc>(update) == adding && !apply_one(spec, update, false))
        return false;
  }
  return true;
}

commitment::CommitmentTerms local_terms(const Channel& channel, const Spec& spec, std::uint64_t number) {
  commitment::CommitmentTerms out;
  out.format = channel.format;
  out.funding = channel.funding;
  out.number = number;
  out.obscure_factor = obscure(channel);
  out.owner_opened = channel.funder;
  out.per_commitment_point = channel.signer->per_commitment_point(number);
  out.owner = channel.local.keys;
  out.other = channel.remote.keys;
  out.dust_limit = channel.local.dust_limit;
  out.to_self_delay = channel.remote.to_self_delay;
  out.feerate = spec.feerate;
  out.to_owner = spec.to_local;
  out.to_other = spec.to_remote;
  out.htlcs = htlcs_of(spec, true);
  return out;
}

commitment::CommitmentTerms remote_terms(const Channel& channel, const Spec& spec, std::uint64_t number,
                                         const PublicKey& point) {
  commitment::CommitmentTerms out;
  out.format = channel.format;
  out.funding = channel.funding;
  out.number = number;
  out.obscure_factor = obscure(channel);
  out.owner_opened = !channel.funder;
  out.per_commitment_point = point;
  out.owner = channel.remote.keys;
  out.other = channel.local.keys;
  out.dust_limit = channel.remote.dust_limit;
  out.to_self_delay = channel.local.to_self_delay;
  out.feerate = spec.feerate;
  out.to_owner = spec.to_remote;
  out.to_other = spec.to_local;
  out.htlcs = htlcs_of(spec, false);
  return out;
}

const Next& next_remote(const Channel& channel) {
  const auto& from = channel.next_remote_spec ? *channel.next_remote_spec : channel.remote_spec;
  return cached(channel, channel.cached_remote, from, channel.local_proposed, channel.remote_acked);
}

const Next& next_local(const Channel& channel) {
  return cached(channel, channel.cached_local, channel.local_spec, channel.local_acked, channel.remote_proposed);
}

void forget_next(Channel& channel) {
  channel.cached_remote.reset();
  channel.cached_local.reset();
}

void propose(Work& work, Channel& channel, Update update) {
  if (channel.cached_remote) apply(channel, *channel.cached_remote, update, true);
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update))
    work.state.views.change(channel.id, [&](ChannelView& view) { view.offered_htlcs.insert(add->id); });
  channel.local_proposed.push_back(std::move(update));
  work.state.moved.insert(channel.id);
  work.state.unsaved.insert(channel.id);
}

void keep_unsigned(Work& work, Channel& channel, Update update) {
  make_fit(update);
  if (channel.cached_local) apply(channel, *channel.cached_local, update, false);
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update))
    work.state.views.change(channel.id, [&](ChannelView& view) { view.received_htlcs.insert(add->id); });
  channel.remote_proposed.push_back(std::move(update));
  work.state.moved.insert(channel.id);
}

void count_in(const Channel& channel, FeeratePerKw feerate, const HtlcId& id, Msat amount, Totals& totals) {
  ++(id.offered ? totals.offered : totals.received);
  (id.offered ? totals.offered_amount : totals.received_amount) += amount;
  auto least = std::min(channel.local.dust_limit, channel.remote.dust_limit);
  if (!commitment::is_trimmed(channel.format, feerate, least, id.offered, amount)) ++totals.untrimmed;
  if (is_dust(channel, feerate, true, id, amount)) totals.dust_ours += amount;
  if (is_dust(channel, feerate, false, id, amount)) totals.dust_theirs += amount;
}

Totals totals_of(const Channel& channel, const Spec& spec) {
  Totals out;
  for (const auto& [id, htlc] : spec.htlcs) count_in(channel, spec.feerate, id, htlc.amount, out);
  return out;
}

Msat opener_cost(const Channel& channel, const Spec& spec, std::uint32_t factor, std::size_t untrimmed) {
  FeeratePerKw feerate(spec.feerate.value() * factor);
  return to_msat(commitment::commitment_fee(channel.format, feerate, untrimmed) +
                 commitment::anchors_cost(channel.format));
}

Msat dust_exposure(const Totals& totals) {
  return std::max(totals.dust_ours, totals.dust_theirs);
}

Msat dust_exposure_at(const Channel& channel, FeeratePerKw feerate) {
  Spec all;
  for (const Spec* spec :
       {&next_local(channel).spec, &channel.local_spec, &channel.remote_spec, &next_remote(channel).spec})
    all.htlcs.insert(spec->htlcs.begin(), spec->htlcs.end());
  all.feerate = feerate;
  return dust_exposure(totals_of(channel, all));
}

DustCount::DustCount(const Channel& channel, std::uint64_t first) : channel_(channel) {
  for (bool our_commitment : {true, false}) {
    const auto& spec = our_commitment ? channel.local_spec : channel.remote_spec;
    for (const auto& [id, htlc] : spec.htlcs)
      if ((id.offered || id.id < first) && is_dust(channel, spec.feerate, our_commitment, id, htlc.amount))
        (our_commitment ? ours_ : theirs_) += htlc.amount;
  }
}

bool DustCount::too_much(std::uint64_t id, Msat amount) {
  bool out = false;
  for (bool our_commitment : {true, false}) {
    const auto& spec = our_commitment ? channel_.local_spec : channel_.remote_spec;
    if (!is_dust(channel_, spec.feerate, our_commitment, {false, id}, amount)) continue;
    auto& sum = our_commitment ? ours_ : theirs_;
    if (spec.htlcs.contains({false, id})) sum += amount;
    out = out || sum > kMaxDustExposure;
  }
  return out;
}

std::optional<SignedCommitment> sign_remote(const Channel& channel, const Spec& spec, std::uint64_t number,
                                            const PublicKey& point, const ParallelMap& parallel) {
  auto built = commitment::build_commitment(remote_terms(channel, spec, number, point));
  if (!built) return std::nullopt;
  SignedCommitment out;
  out.signature = channel.signer->sign_funding_input(built->transaction, script_of(channel), channel.capacity);
  out.htlc_signatures =
      channel.signer->sign_htlcs(built->htlcs, commitment::htlc_sighash(channel.format), point, parallel);
  return out;
}

std::string wrong_signature(const Channel& channel, const Spec& spec, std::uint64_t number, const Signature& signature,
                            const std::vector<Signature>& htlc_signatures, const ParallelMap& parallel) {
  auto built = commitment::build_commitment(local_terms(channel, spec, number));
  if (!built) return "the keys cannot be combined";
  if (built->htlcs.size() != htlc_signatures.size())
    return std::to_string(htlc_signatures.size()) + " htlc_signatures, " + std::to_string(built->htlcs.size()) +
           " expected: as many as commitment " + std::to_string(number) + " has outputs of HTLCs";
  auto digest = commitment::funding_digest(built->transaction, script_of(channel), channel.capacity);
  if (!crypto::ecdsa_verify(channel.remote.keys.funding, digest, signature))
    return "the signature of commitment " + std::to_string(number) + " is wrong";
  std::vector<std::uint8_t> good(htlc_signatures.size());
  parallel.run(good.size(), [&](std::size_t i) {
    auto htlc = commitment::htlc_digest(built->htlcs[i], commitment::htlc_sighash(channel.format));
    good[i] = crypto::ecdsa_verify(built->other_htlc_key, htlc, htlc_signatures[i]) ? 1 : 0;
  });
  auto wrong = std::find(good.begin(), good.end(), 0);
  if (wrong == good.end()) return "";
  return "htlc_signature " + std::to_string(wrong - good.begin() + 1) + " of " + std::to_string(good.size()) +
         " of commitment " + std::to_string(number) + " is wrong";
}

ShortChannelId local_alias(const Signer& signer, const ChannelId& id) {
  auto digest = crypto::hmac_sha256(signer.secret(SecretUse::ScidAlias).reveal(), id.view());
  Reader in(digest.view());
  // Heights that no block will have for a century: never mistaken for a real one.
  return ShortChannelId::of(16'000'000 + in.u32() % 700'000, in.u32() & 0xff'ffff, in.u16());
}

PendingHtlcs pending_htlcs(const Channel& channel) {
  PendingHtlcs out;
  std::set<HtlcId> seen;
  for (const Spec* spec : {&channel.local_spec, &channel.remote_spec})
    for (const auto& [id, htlc] : spec->htlcs) {
      out.count += seen.insert(id).second ? 1 : 0;
      out.last_expiry = std::max(out.last_expiry, htlc.cltv_expiry);
    }
  return out;
}

void update_balances(ChannelView& view, const Channel& channel) {
  if (!channel.usable()) return;
  view.spendable = room(channel, next_remote(channel), true);
  view.receivable = room(channel, next_local(channel), false);
}

ChannelView view_of(const Channel& channel, const Signer& signer) {
  ChannelView out;
  out.channel_id = channel.id;
  out.peer = channel.peer;
  out.phase = channel.phase;
  out.announced = channel.announce;
  out.usable = channel.usable();
  out.reorganised = channel.reorganised;
  if (channel.confirmed()) out.scid = channel.scid();
  out.alias_only = channel.scid_alias_type;
  out.local_alias = local_alias(signer, channel.id);
  out.remote_alias = channel.remote_alias;
  out.capacity = channel.capacity;
  const auto& remote = next_remote(channel).spec;
  const auto& local = next_local(channel).spec;
  out.local_balance = channel.local_spec.to_local;
  out.remote_balance = channel.local_spec.to_remote;
  update_balances(out, channel);
  out.htlc_minimum_remote = channel.remote.htlc_minimum;
  out.max_held_received = kMaxHeldPerChannel;
  for (const Spec* spec :
       std::initializer_list<const Spec*>{&channel.local_spec, &channel.remote_spec, &remote, &local})
    for (const auto& [id, htlc] : spec->htlcs) (id.offered ? out.offered_htlcs : out.received_htlcs).insert(id.id);
  out.format = channel.format;
  out.funder = channel.funder;
  out.funding = channel.funding;
  out.feerate = channel.local_spec.feerate;
  out.key_index = channel.key_index;
  out.usable_since = channel.usable_since;
  out.status = channel.status;
  out.minimum_depth = channel.minimum_depth;
  out.closing_txid = channel.closed_by;
  if (!out.closing_txid && !channel.closing_transaction.empty())
    if (auto closing = bitcoin::parse_transaction(channel.closing_transaction))
      out.closing_txid = bitcoin::txid(*closing);
  if (channel.closed_height != BlockHeight(0)) out.closing_height = channel.closed_height;
  if (channel.phase == ChannelPhase::Closed) out.unclaimed = sum(channel.unclaimed);
  if (channel.phase == ChannelPhase::ForceClosing) out.unclaimed = sum(unclaimed_of_ours(channel));
  if (out.status.empty()) {
    if (channel.phase == ChannelPhase::Opening)
      out.status = !channel.confirmed()  ? "waits for the funding transaction"
                   : !channel.sent_ready ? "waits for confirmations"
                                         : "waits for the peer's channel_ready";
    else if (channel.phase == ChannelPhase::Normal)
      out.status = channel.reorganised ? "its funding transaction left the chain: nothing is taken until it has " +
                                             std::to_string(channel.minimum_depth) + " confirmations again"
                   : out.usable         ? "open"
                   : !channel.connected ? "the peer is offline"
                                        : "re-establishing";
    else
      out.status = name(channel.phase);
    if (channel.held_back)
      out.status = "to be closed by force when the peer has answered channel_reestablish: " + channel.held_back->why;
    if (channel.negotiation && !channel.negotiation->stuck.empty())
      out.status = "closing: " + channel.negotiation->stuck;
    if (channel.low_since) out.status += "; its feerate is below what the mempool takes: only the peer can change that";
    if (auto pending = pending_htlcs(channel); channel.phase == ChannelPhase::Closing && pending.count != 0)
      out.status = "closing: waits for " + std::to_string(pending.count) + " HTLCs, which end by height " +
                   std::to_string(pending.last_expiry.value());
  }
  return out;
}

}  // namespace doze::channel
