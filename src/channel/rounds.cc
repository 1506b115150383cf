#include "channel/rounds.h"

#include <algorithm>

#include "channel/htlc_log.h"
#include "channel/negotiating.h"
#include "channel/on_chain.h"
#include "channel/reactions.h"
#include "channel/records.h"
#include "effects/limits.h"
#include "onion/release_path.h"
#include "paths/own_paths.h"

namespace doze::channel {
namespace {

static_assert(commitment::kMalformedFlag == onion::kBadOnion && commitment::kMalformedHmac == onion::kInvalidOnionHmac);

using Code = commitment::ViolationCode;

// [AP-hold-08]
/// The HTLCs of this round that get release paths: none if this node does not hold, and no more than a channel may
/// hold, because a longer revoke_and_ack would not fit into a message.
std::vector<HeldInRevoke> held_in_round(const Config& config, const Updates& round) {
  std::vector<HeldInRevoke> out;
  if (config.role != Role::Server) return out;
  bool draft_held = false;
  for (const auto& update : round) {
    const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
    if (add == nullptr || !add->hold_htlc || out.size() == kMaxHeldPerChannel) continue;
    bool draft = *add->hold_htlc == Profile::Draft;
    if (!(draft ? config.offers_draft_hold : config.offers_ldk_hold)) continue;
    // The draft's record does not name an HTLC, so only the first one of a round gets paths.
    if (draft && draft_held) continue;
    draft_held = draft_held || draft;
    out.push_back({add->id, *add->hold_htlc});
  }
  return out;
}

/// Which HTLCs of a round get release paths in our next revoke_and_ack, and which ask for them and get none.
struct HeldRound {
  std::vector<HeldInRevoke> in_revoke;
  std::set<std::uint64_t> without_path;
};
HeldRound held_round(const Config& config, const Updates& round) {
  HeldRound out{held_in_round(config, round), {}};
  for (const auto& update : round)
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update); add != nullptr && add->hold_htlc)
      out.without_path.insert(add->id);
  for (const auto& held : out.in_revoke) out.without_path.erase(held.id);
  return out;
}

/// An offered HTLC is irrevocably gone: emits HtlcFailed with this reason, unless it was fulfilled.
void finish(Work& work, Channel& channel, std::uint64_t id, std::optional<FailReason> reason) {
  auto it = channel.offered.find(id);
  if (it == channel.offered.end()) return;
  auto offered = it->second;
  channel.offered.erase(it);
  if (reason && !offered.fulfilled) work.say(HtlcFailed{offered.origin, channel.id, id, *std::move(reason)});
}

/// Whether an update from the peer was right. If not, reacts to the rule that it breaks.
bool taken(Work& work, Channel& channel, const Status<Violation>& received) {
  if (!received) {
    react(work, channel, received.error());
    return false;
  }
  work.state.moved.insert(channel.id);
  return true;
}

bool too_many_fee_rounds(Channel& channel, MonoTime now) {
  auto full_at = after_ms(std::max(channel.fee_rounds, now), kFeeRoundEveryMs);
  if (full_at > after_ms(now, kFeeRoundsBurst * kFeeRoundEveryMs)) return true;
  channel.fee_rounds = full_at;
  return false;
}

/// Emits the release paths in a revoke_and_ack. LDK's name their HTLC; the draft's belong to the HTLC that this round
/// added with the draft's flag. `round`: our own updates.
void report_release_paths(Work& work, const Channel& channel, const wire::RevokeAndAck& m,
                          std::span<const commitment::Update> round) {
  std::map<std::uint64_t, std::vector<wire::BlindedPath>> paths;
  for (const auto& release : m.release_paths) {
    auto id = release.htlc_id;
    for (const auto& update : round)
      if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
          add != nullptr && release.profile == Profile::Draft && add->hold_htlc == Profile::Draft && !id)
        id = add->id;
    if (id) paths[*id].push_back(release.path);
  }
  for (auto& [id, list] : paths)
    if (auto it = channel.offered.find(id); it != channel.offered.end() && it->second.hold)
      work.say(ReleasePathsReceived{it->second.origin, channel.id, id, std::move(list)});
}

/// Emits what these updates from the peer mean, now that they are irrevocable.
void report_irrevocable(Work& work, Channel& channel, Updates& irrevocable) {
  std::optional<commitment::DustCount> dust;
  for (auto& update : irrevocable) {
    std::visit(Overloaded{
                   [&](wire::UpdateAddHtlc& add) {
                     if (!dust) dust.emplace(channel.commitments, add.id);
                     bool too_much = dust->too_much(add.id, add.amount_msat);  // [B2-dust-01]
                     bool no_path = channel.without_path.erase(add.id) != 0;
                     bool late = channel.first_after_shutdown && add.id >= *channel.first_after_shutdown;
                     // [B2-fwd-01, B2-shut-06]
                     work.say(HtlcReceived{channel.id, channel.peer, std::move(add), too_much, no_path, late});
                   },
                   [&](wire::UpdateFulfillHtlc& done) { finish(work, channel, done.id, std::nullopt); },
                   [&](wire::UpdateFailHtlc& failed) {  // [B2-fwd-02]
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
}

}  // namespace

void note_proposed(Work& work, Channel& channel) {
  work.state.moved.insert(channel.id);
  work.state.unsaved.insert(channel.id);
}

void take(Work& work, Channel& channel, const wire::UpdateAddHtlc& m) {
  if (!channel.ready()) return react(work, channel, {Code::AddBeforeReady});
  if (const auto* session = channel.talking(); session != nullptr && session->got_shutdown)
    return react(work, channel, {Code::AddAfterShutdown});
  if (!taken(work, channel, receive(channel.commitments, m))) return;
  work.state.views.change(channel.id, [&](ChannelView& view) { view.received_htlcs.insert(m.id); });
}

void take(Work& work, Channel& channel, const wire::UpdateFulfillHtlc& m) {
  if (!taken(work, channel, receive(channel.commitments, m))) return;
  if (auto it = channel.offered.find(m.id); it != channel.offered.end() && !it->second.fulfilled) {
    it->second.fulfilled = true;
    work.say(HtlcFulfilled{it->second.origin, channel.id, m.id, m.payment_preimage});
  }
  work.state.unsaved.insert(channel.id);  // makes `fulfilled` durable with this step
}

void take(Work& work, Channel& channel, const wire::UpdateFailHtlc& m) {
  (void)taken(work, channel, receive(channel.commitments, m));
}

void take(Work& work, Channel& channel, const wire::UpdateFailMalformedHtlc& m) {
  (void)taken(work, channel, receive(channel.commitments, m));
}

void take(Work& work, Channel& channel, const wire::UpdateFee& m) {
  if (!channel.ready()) return react(work, channel, {Code::FeeBeforeReady});
  (void)taken(work, channel, receive(channel.commitments, m, {work.context.config.feerate_floor, kMaxFeerate}));
}

void take(Work& work, Channel& channel, const wire::CommitmentSigned& m) {
  auto& c = channel.commitments;
  if (!channel.ready()) return react(work, channel, {Code::CommitmentBeforeReady});
  bool empty = nothing_but_fees(c);
  auto& in_a_row = channel.talking()->empty_commitments;
  in_a_row = empty ? in_a_row + 1 : 0;
  if (in_a_row > kMaxEmptyCommitments)
    return react(work, channel, {Code::CommitmentEmptyTooOften, in_a_row, kMaxEmptyCommitments});
  if (empty && !c.updates.remote_proposed.empty() && too_many_fee_rounds(channel, work.context.mono))
    return react(work, channel, {Code::FeeTooOften, 0, kFeeRoundsBurst});

  auto held = held_round(work.context.config, c.updates.remote_proposed);
  auto now_in_both = receive(c, m, *channel.signer, work.context.parallel);
  if (!now_in_both) return react(work, channel, now_in_both.error());
  channel.last_revoke = std::move(held.in_revoke);
  channel.without_path.merge(held.without_path);
  save(work, channel);
  work.send(channel.peer, revoke_and_ack(work.context, channel));  // [B2-sign-06]

  for (const auto& update : *now_in_both) {
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update)) {
      if (auto it = channel.offered.find(add->id); it != channel.offered.end())
        work.say(OfferedHtlcCommitted{it->second.origin, channel.id, add->id});
    } else if (auto htlc = commitment::removed_by(update, true)) {
      work.say(ReceivedHtlcGone{channel.id, htlc->id, std::holds_alternative<wire::UpdateFulfillHtlc>(update)});
    }
  }
  continue_closing(work, channel);
}

void take(Work& work, Channel& channel, const wire::RevokeAndAck& m) {
  auto done = receive(channel.commitments, m);
  if (!done) return react(work, channel, done.error());
  channel.talking()->empty_commitments = 0;
  report_release_paths(work, channel, m, std::span(channel.commitments.updates.local_acked).last(done->ours));
  report_irrevocable(work, channel, done->theirs);
  save(work, channel);
  continue_closing(work, channel);
}

void remove_htlc(Work& work, const ChannelId& id, commitment::Update update) {
  auto it = work.state.channels.find(id);
  if (it == work.state.channels.end()) return;
  auto& channel = it->second;
  if (channel.close) {
    if (const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&update))
      take_preimage(work, channel, done->payment_preimage);
    return;
  }
  std::visit([&](auto& message) { message.channel_id = id; }, update);
  auto removal = remove(channel.commitments, std::move(update));
  if (!removal) return;
  if (channel.talking() != nullptr && channel.alive()) work.send(channel.peer, commitment::to_message(*removal));
  note_proposed(work, channel);
}

wire::CommitmentSigned commitment_signed(const ChannelId& id, commitment::SignedCommitment made) {
  return {id, made.signature, std::move(made.htlc_signatures), {}};
}

void sign_if_due(Work& work, Channel& channel) {
  bool rounds = channel.is<Normal>() || (channel.closing() && !channel.agreed());
  if (!rounds || channel.talking() == nullptr || !can_sign(channel.commitments)) return;
  log_htlcs(work, channel);
  auto made = sign(channel.commitments, *channel.signer, work.context.parallel);
  save(work, channel);
  work.send(channel.peer, commitment_signed(channel.id, std::move(made)));
}

wire::RevokeAndAck revoke_and_ack(const Context& context, const Channel& channel) {
  auto revocation = revoke(channel.commitments, *channel.signer);
  wire::RevokeAndAck out;
  out.channel_id = channel.id;
  out.per_commitment_secret = revocation.secret;
  out.next_per_commitment_point = revocation.next_point;
  for (const auto& held : channel.last_revoke) {  // [AP-hold-06]
    auto paths = onion::release_paths(context.signer.secret(SecretUse::ReleasePath), own_node(context.signer),
                                      {channel.id, held.id}, held.profile);
    for (auto& path : paths)
      out.release_paths.push_back(
          {held.profile == Profile::Ldk ? std::optional(held.id) : std::nullopt, std::move(path), held.profile});
  }
  return out;
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
