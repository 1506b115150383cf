// Normal operation: updates, commitment_signed, revoke_and_ack. BOLT 2, "Normal Operation"; bolts #1149 for holds.
#include <algorithm>

#include "channel/inside.h"
#include "crypto/crypto.h"
#include "effects/limits.h"
#include "onion/release_path.h"
#include "paths/own_paths.h"

namespace doze::channel {
namespace {

bool draft_hold_under_way(const Channel& channel) {
  for (const auto* updates : {&channel.local_proposed, &channel.local_signed})
    for (const auto& update : *updates)
      if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
          add != nullptr && add->hold_htlc == Profile::Draft)
        return true;
  return false;
}

std::optional<AddRefusal> refusal(const Work& work, const Channel& channel, const AddHtlc& word) {
  if (!channel.usable()) return AddRefusal::NotUsable;
  if (word.amount < channel.remote.htlc_minimum || word.amount.value() == 0) return AddRefusal::BelowMinimum;
  if (word.cltv_expiry.value() <= work.context.tip.value()) return AddRefusal::ExpiryTooSoon;
  if (word.cltv_expiry.value() >= 500'000'000) return AddRefusal::ExpiryTooFar;
  if (word.hold == Profile::Draft && draft_hold_under_way(channel)) return AddRefusal::HoldLimit;
  const auto& [spec, now] = next_remote(channel);
  if (now.offered >= channel.remote.max_accepted_htlcs) return AddRefusal::TooManyHtlcs;
  if (now.offered_amount + word.amount > channel.remote.max_htlc_value_in_flight) return AddRefusal::TooMuchInFlight;
  if (spec.to_local < word.amount) return AddRefusal::InsufficientFunds;
  auto then = now;
  count_in(channel, spec.feerate, {true, channel.next_local_htlc}, word.amount, then);
  auto ours = to_msat(channel.remote.channel_reserve);
  if (channel.funder) {
    ours += opener_cost(channel, spec, kFeeSpike, then.untrimmed);
  } else if (spec.to_remote < to_msat(channel.local.channel_reserve) + opener_cost(channel, spec, 1, then.untrimmed)) {
    return AddRefusal::InsufficientFunds;  // the peer could not pay for the output and keep its reserve
  }
  if (spec.to_local - word.amount < ours) return AddRefusal::InsufficientFunds;
  auto exposed = dust_exposure(then);
  if (exposed > kMaxDustExposure && exposed > dust_exposure(now)) return AddRefusal::DustExposure;
  return std::nullopt;
}

/// The HTLCs of this round that get release paths: none where we do not hold, and no more than a channel may hold, or
/// the revoke_and_ack would not fit into a message.
std::vector<HeldInRevoke> held_in_round(const Config& config, const Channel& channel) {
  std::vector<HeldInRevoke> out;
  if (config.role != Role::Server) return out;
  bool draft_held = false;
  for (const auto& update : channel.remote_proposed) {
    const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
    if (add == nullptr || !add->hold_htlc || out.size() == kMaxHeldPerChannel) continue;
    bool draft = *add->hold_htlc == Profile::Draft;
    if (!(draft ? config.offers_draft_hold : config.offers_ldk_hold)) continue;
    // The draft's record names no HTLC: only the first one of a round gets its paths.
    if (draft && draft_held) continue;
    draft_held = draft_held || draft;
    out.push_back({add->id, *add->hold_htlc});
  }
  return out;
}

/// What our next revoke_and_ack carries, and which holds get nothing.
void note_held(const Config& config, Channel& channel) {
  channel.last_revoke = held_in_round(config, channel);
  for (const auto& update : channel.remote_proposed)
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update); add != nullptr && add->hold_htlc)
      channel.without_path.insert(add->id);
  for (const auto& held : channel.last_revoke) channel.without_path.erase(held.id);
}

/// A removal by the peer: of an HTLC that we offered, committed on both sides, not yet removed. Says what is wrong.
const char* bad_removal(const Channel& channel, std::uint64_t id) {
  if (!channel.local_spec.htlcs.contains({true, id}) || !channel.remote_spec.htlcs.contains({true, id}))
    return "it removes an HTLC that is not committed";
  // A removal that was signed is in local_spec.
  return next_local(channel).spec.htlcs.contains({true, id}) ? nullptr : "it removes an HTLC twice";
}

bool is_fee(const Update& update) {
  return std::holds_alternative<wire::UpdateFee>(update);
}

/// An offered HTLC is irrevocably gone: says why, unless its settlement was said already.
void finish(Work& work, Channel& channel, std::uint64_t id, std::optional<FailReason> reason) {
  auto it = channel.offered.find(id);
  if (it == channel.offered.end()) return;
  auto offered = it->second;
  channel.offered.erase(it);
  if (reason && !offered.fulfilled) work.say(HtlcFailed{offered.origin, channel.id, id, *std::move(reason)});
}

}  // namespace

void hang_up(Work& work, Channel& channel, const std::string& why) {
  work.send(channel.peer, wire::Warning{channel.id, to_bytes(bytes_of(why))});
  work.say(DropPeer{channel.peer, why});
  work.notify(Severity::Warning, "peer_broke_a_rule",
              {{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"reason", why}});
}

void make_fit(Update& update) {
  // TLVs that nobody reads would fill our memory, and the channel's row. clear() would keep the memory.
  std::visit([](auto& message) { message.extra_tlvs = Bytes(); }, update);
  if (auto* failed = std::get_if<wire::UpdateFailHtlc>(&update);
      failed != nullptr && failed->reason.size() > kMaxReason)
    failed->reason = Bytes();
  if (auto* failed = std::get_if<wire::UpdateFailMalformedHtlc>(&update);
      failed != nullptr && (failed->failure_code & onion::kBadOnion) == 0)
    failed->failure_code = onion::kInvalidOnionHmac;
}

void add_htlc(Work& work, const AddHtlc& word) {
  auto it = work.state.channels.find(word.channel_id);
  if (it == work.state.channels.end())
    return work.say(HtlcRefused{word.origin, word.channel_id, AddRefusal::NotUsable});
  auto& channel = it->second;
  if (auto why = refusal(work, channel, word)) return work.say(HtlcRefused{word.origin, word.channel_id, *why});
  wire::UpdateAddHtlc add;
  add.channel_id = channel.id;
  add.id = channel.next_local_htlc++;
  add.amount_msat = word.amount;
  add.payment_hash = word.payment_hash;
  add.cltv_expiry = word.cltv_expiry;
  add.onion_routing_packet = word.onion_routing_packet;
  add.path_key = word.path_key;
  add.hold_htlc = word.hold;
  channel.offered[add.id] = {word.origin, word.hold, false};
  work.send(channel.peer, add);
  work.say(HtlcAdded{word.origin, channel.id, add.id});
  propose(work, channel, std::move(add));
}

void remove_htlc(Work& work, const ChannelId& id, std::uint64_t htlc, Update update) {
  auto it = work.state.channels.find(id);
  if (it == work.state.channels.end()) return;
  auto& channel = it->second;
  if (!channel.local_spec.htlcs.contains({false, htlc}) || !channel.remote_spec.htlcs.contains({false, htlc})) return;
  // A removal that was signed is not in next_remote_spec, and one that was acked is not in remote_spec.
  if (!next_remote(channel).spec.htlcs.contains({false, htlc})) return;
  std::visit([&](auto& message) { message.channel_id = id; }, update);
  make_fit(update);
  bool on_chain = channel.phase == ChannelPhase::ForceClosing || channel.phase == ChannelPhase::Closed;
  if (channel.connected && channel.reestablished && !on_chain) work.send(channel.peer, to_message(update));
  propose(work, channel, std::move(update));
}

void on(Work& work, Channel& channel, const wire::UpdateAddHtlc& m) {
  auto broken = [&](const std::string& why) { hang_up(work, channel, "update_add_htlc: " + why); };
  if (!channel.ready() || channel.got_shutdown) return broken("not now");
  if (m.id != channel.next_remote_htlc)
    return broken("id " + std::to_string(m.id) + ", " + std::to_string(channel.next_remote_htlc) + " expected");
  if (m.amount_msat.value() == 0 || m.amount_msat < channel.local.htlc_minimum)
    return broken("below htlc_minimum_msat");
  if (m.cltv_expiry.value() >= 500'000'000) return broken("cltv_expiry is a time");
  const auto& [spec, now] = next_local(channel);
  if (now.received >= channel.local.max_accepted_htlcs) return broken("more than max_accepted_htlcs");
  if (now.received_amount + m.amount_msat > channel.local.max_htlc_value_in_flight)
    return broken("more than max_htlc_value_in_flight_msat");
  if (spec.to_remote < m.amount_msat) return broken("the peer does not have this amount");
  auto then = now;
  count_in(channel, spec.feerate, {false, m.id}, m.amount_msat, then);
  auto left = spec.to_remote - m.amount_msat;
  auto needed = to_msat(channel.local.channel_reserve);
  if (!channel.funder) needed += opener_cost(channel, spec, 1, then.untrimmed);
  if (left < needed)
    return broken(std::to_string(left.value()) + " msat would be left, reserve and fee need " +
                  std::to_string(needed.value()));
  ++channel.next_remote_htlc;
  keep_unsigned(work, channel, m);
}

void on(Work& work, Channel& channel, const wire::UpdateFulfillHtlc& m) {
  if (const auto* why = bad_removal(channel, m.id))
    return hang_up(work, channel, std::string("update_fulfill_htlc: ") + why);
  const auto& htlc = channel.local_spec.htlcs.at({true, m.id});
  if (crypto::payment_hash(m.payment_preimage) != htlc.payment_hash)
    return hang_up(work, channel, "update_fulfill_htlc: the preimage is wrong");
  keep_unsigned(work, channel, m);
  if (auto it = channel.offered.find(m.id); it != channel.offered.end() && !it->second.fulfilled) {
    it->second.fulfilled = true;
    work.say(HtlcFulfilled{it->second.origin, channel.id, m.id, m.payment_preimage});
  }
  work.state.unsaved.insert(channel.id);  // that it was fulfilled, and said so, is durable with this step
}

void on(Work& work, Channel& channel, const wire::UpdateFailHtlc& m) {
  if (const auto* why = bad_removal(channel, m.id))
    return hang_up(work, channel, std::string("update_fail_htlc: ") + why);
  keep_unsigned(work, channel, m);
}

void on(Work& work, Channel& channel, const wire::UpdateFailMalformedHtlc& m) {
  if (const auto* why = bad_removal(channel, m.id))
    return hang_up(work, channel, std::string("update_fail_malformed_htlc: ") + why);
  // Doze of November 2026 sends it when a stranger makes it: the channel must survive that. It comes again at each
  // reconnection until the peer is mended, or until the HTLC expires and the channel is closed over that.
  if ((m.failure_code & onion::kBadOnion) == 0)
    return hang_up(work, channel,
                   "update_fail_malformed_htlc: failure_code " + std::to_string(m.failure_code) + " without BADONION");
  keep_unsigned(work, channel, m);
}

namespace {
/// Whether the opener can pay for a commitment of this spec at this feerate and keep its reserve.
bool can_pay_fee(const Channel& channel, Spec spec, FeeratePerKw feerate) {
  spec.feerate = feerate;
  auto reserve = channel.funder ? channel.remote.channel_reserve : channel.local.channel_reserve;
  return (channel.funder ? spec.to_local : spec.to_remote) >=
         to_msat(reserve) + opener_cost(channel, spec, 1, totals_of(channel, spec).untrimmed);
}
}  // namespace

void on(Work& work, Channel& channel, const wire::UpdateFee& m) {
  auto broken = [&](const std::string& why) { hang_up(work, channel, "update_fee: " + why); };
  if (!channel.ready()) return broken("not now");
  if (channel.funder) return broken("only the opener sends it");
  if (m.feerate_per_kw < work.context.config.feerate_floor || m.feerate_per_kw > kMaxFeerate)
    return broken("feerate_per_kw " + std::to_string(m.feerate_per_kw.value()) + " is not reasonable");
  if (!can_pay_fee(channel, next_local(channel).spec, m.feerate_per_kw)) return broken("the peer cannot pay for it");
  if (auto dust = dust_exposure_at(channel, m.feerate_per_kw);
      dust > kMaxDustExposureByFee && dust > dust_exposure_at(channel, channel.local_spec.feerate))
    return broken(std::to_string(dust.value()) + " msat would have no output of their own");
  std::erase_if(channel.remote_proposed, is_fee);  // of those that are signed together only the last one counts
  forget_next(channel);
  keep_unsigned(work, channel, m);
}

void propose_fee(Work& work, Channel& channel) {
  if (!channel.funder || !channel.usable() || !work.state.feerate) return;
  const auto& spec = next_remote(channel).spec;
  auto wanted = std::max(*work.state.feerate, work.context.config.feerate_floor);
  // Only what matters: each change costs a commitment round.
  auto now = spec.feerate.value();
  if (wanted.value() <= now + now / 4 && wanted.value() + wanted.value() / 2 >= now) return;
  if (wanted.value() > now && dust_exposure_at(channel, wanted) > kMaxDustExposureByFee) return;
  if (!can_pay_fee(channel, spec, wanted)) return;
  wire::UpdateFee update{channel.id, wanted};
  work.send(channel.peer, update);
  propose(work, channel, update);
}

wire::CommitmentSigned commitment_signed(const Channel& channel, const ParallelMap& parallel) {
  LN_ASSERT(channel.next_remote_spec.has_value());
  auto made =
      sign_remote(channel, *channel.next_remote_spec, channel.remote_number + 1, channel.remote_next_point, parallel);
  LN_ASSERT(made.has_value());  // the points were checked when they came
  return {channel.id, made->signature, std::move(made->htlc_signatures), {}};
}

void sign_if_due(Work& work, Channel& channel) {
  bool live = channel.phase == ChannelPhase::Normal || channel.phase == ChannelPhase::Closing;
  if (!live || !channel.connected || !channel.reestablished || !channel.closing_transaction.empty() ||
      channel.next_remote_spec || (channel.local_proposed.empty() && channel.remote_acked.empty()))
    return;
  channel.next_remote_spec = next_remote(channel).spec;  // and so it stays, with nothing proposed
  channel.signed_after = channel.local_number;
  channel.local_signed = std::move(channel.local_proposed);
  channel.local_proposed.clear();
  channel.remote_signed = std::move(channel.remote_acked);
  channel.remote_acked.clear();
  save(work, channel);
  work.send(channel.peer, commitment_signed(channel, work.context.parallel));
}

wire::RevokeAndAck revoke_and_ack(const Context& context, const Channel& channel) {
  wire::RevokeAndAck out;
  out.channel_id = channel.id;
  out.per_commitment_secret = channel.signer->release_per_commitment_secret(channel.local_number - 1);
  out.next_per_commitment_point = channel.signer->per_commitment_point(channel.local_number + 1);
  for (const auto& held : channel.last_revoke) {
    auto paths = onion::release_paths(context.signer.secret(SecretUse::ReleasePath), own_node(context.signer),
                                      {channel.id, held.id}, held.profile);
    for (auto& path : paths)
      out.release_paths.push_back(
          {held.profile == Profile::Ldk ? std::optional(held.id) : std::nullopt, std::move(path), held.profile});
  }
  return out;
}

namespace {
bool too_many_fee_rounds(Channel& channel, MonoTime now) {
  auto full_at = after_ms(std::max(channel.fee_rounds, now), kFeeRoundEveryMs);
  if (full_at > after_ms(now, kFeeRoundsBurst * kFeeRoundEveryMs)) return true;
  channel.fee_rounds = full_at;
  return false;
}
}  // namespace

void on(Work& work, Channel& channel, const wire::CommitmentSigned& m) {
  if (!channel.ready() || !channel.reestablished) return hang_up(work, channel, "commitment_signed: not now");
  bool empty = channel.local_acked.empty() && std::ranges::all_of(channel.remote_proposed, is_fee);
  channel.empty_commitments = empty ? channel.empty_commitments + 1 : 0;
  if (channel.empty_commitments > kMaxEmptyCommitments)
    return hang_up(work, channel,
                   "commitment_signed: " + std::to_string(channel.empty_commitments) + " in a row without an HTLC");
  if (empty && !channel.remote_proposed.empty() && too_many_fee_rounds(channel, work.context.mono))
    return hang_up(work, channel, "update_fee: more than " + std::to_string(kFeeRoundsBurst) + " rounds at once");
  auto spec = next_local(channel).spec;
  if (auto wrong = wrong_signature(channel, spec, channel.local_number + 1, m.signature, m.htlc_signatures,
                                   work.context.parallel);
      !wrong.empty())
    return hang_up(work, channel, "commitment_signed: " + wrong);
  channel.local_spec = std::move(spec);
  ++channel.local_number;
  channel.local_signature = m.signature;
  channel.local_htlc_signatures = m.htlc_signatures;
  note_held(work.context.config, channel);
  auto now_in_both = std::move(channel.local_acked);
  channel.local_acked.clear();
  // A peer may sign often before it revokes: only its last feerate is kept for our next signature.
  if (std::any_of(channel.remote_proposed.begin(), channel.remote_proposed.end(), is_fee))
    std::erase_if(channel.remote_acked, is_fee);
  std::move(channel.remote_proposed.begin(), channel.remote_proposed.end(), std::back_inserter(channel.remote_acked));
  channel.remote_proposed.clear();
  forget_next(channel);
  save(work, channel);
  work.send(channel.peer, revoke_and_ack(work.context, channel));
  for (const auto& update : now_in_both) {
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update)) {
      if (auto it = channel.offered.find(add->id); it != channel.offered.end())
        work.say(OfferedHtlcCommitted{it->second.origin, channel.id, add->id});
    } else if (auto htlc = removed_by(update, true)) {
      work.say(ReceivedHtlcGone{channel.id, htlc->id, std::holds_alternative<wire::UpdateFulfillHtlc>(update)});
    }
  }
  continue_closing(work, channel);
}

void on(Work& work, Channel& channel, const wire::RevokeAndAck& m) {
  auto broken = [&](const std::string& why) { break_channel(work, channel, "revoke_and_ack: " + why); };
  if (!channel.next_remote_spec) return hang_up(work, channel, "revoke_and_ack: there is nothing to revoke");
  auto secret = crypto::parse_private_key(m.per_commitment_secret.reveal());
  if (!secret || crypto::public_key(*secret) != channel.remote_point) return broken("the secret is wrong");
  if (!crypto::is_valid(m.next_per_commitment_point))
    return hang_up(work, channel, "revoke_and_ack: the next point is no point");
  if (!channel.remote_secrets.insert(commitment::kFirstIndex - channel.remote_number, m.per_commitment_secret))
    return broken("the secret does not fit those before");
  channel.empty_commitments = 0;
  ++channel.remote_number;
  channel.remote_spec = *std::move(channel.next_remote_spec);
  channel.next_remote_spec.reset();
  channel.remote_point = channel.remote_next_point;
  channel.remote_next_point = m.next_per_commitment_point;
  auto irrevocable = std::move(channel.remote_signed);
  channel.remote_signed.clear();
  auto acked = std::move(channel.local_signed);
  channel.local_signed.clear();
  channel.local_acked.insert(channel.local_acked.end(), acked.begin(), acked.end());
  forget_next(channel);

  // Release paths: LDK's name the HTLC, the draft's belong to the one that this round added with its flag.
  std::map<std::uint64_t, std::vector<wire::BlindedPath>> paths;
  for (const auto& release : m.release_paths) {
    auto id = release.htlc_id;
    for (const auto& update : acked)
      if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
          add != nullptr && release.profile == Profile::Draft && add->hold_htlc == Profile::Draft && !id)
        id = add->id;
    if (id) paths[*id].push_back(release.path);
  }
  for (auto& [id, list] : paths)
    if (auto it = channel.offered.find(id); it != channel.offered.end() && it->second.hold)
      work.say(ReleasePathsReceived{it->second.origin, channel.id, id, std::move(list)});

  std::optional<DustCount> dust;
  for (auto& update : irrevocable) {
    std::visit(Overloaded{
                   [&](wire::UpdateAddHtlc& add) {
                     if (!dust) dust.emplace(channel, add.id);
                     bool too_much = dust->too_much(add.id, add.amount_msat);
                     bool no_path = channel.without_path.erase(add.id) != 0;
                     work.say(HtlcReceived{channel.id, channel.peer, std::move(add), too_much, no_path});
                   },
                   [&](wire::UpdateFulfillHtlc& done) { finish(work, channel, done.id, std::nullopt); },
                   [&](wire::UpdateFailHtlc& failed) {
                     finish(work, channel, failed.id, FailReason(std::move(failed.reason)));
                   },
                   [&](wire::UpdateFailMalformedHtlc& failed) {
                     finish(work, channel, failed.id,
                            FailReason(MalformedReason{failed.sha256_of_onion, failed.failure_code}));
                   },
                   [](wire::UpdateFee&) {},
               },
               update);
  }
  save(work, channel);
  continue_closing(work, channel);
}

void say_if_usable(Work& work, Channel& channel) {
  bool usable = channel.usable();
  if (usable == channel.said_usable) return;
  channel.said_usable = usable;
  work.state.dirty.insert(channel.id);
  if (usable) {
    channel.usable_since = work.context.wall;
    work.say(ChannelUsable{channel.id, channel.peer});
  } else {
    channel.usable_since.reset();
    work.say(ChannelUnusable{channel.id, channel.peer});
  }
}

}  // namespace doze::channel
