// Peers that are connected but do not answer lose their connection; the next one begins with channel_reestablish.
#include "channel/waits.h"

#include <algorithm>
#include <utility>

#include "channel/opening.h"
#include "channel/shutting_down.h"
#include "channel/unilateral.h"

namespace doze::channel {
namespace {

Answer awaited(const Channel& channel) {
  // An agreed close waits for a block only, and the peer may have forgotten the channel.
  if (!channel.connected() || !channel.alive() || channel.agreed()) return Answer::Nothing;
  if (channel.talking() == nullptr) return Answer::Reestablish;
  if (channel.commitments.next_remote) return Answer::Revocation;
  const auto* talk = std::get_if<Negotiating>(&channel.state);
  bool stuck = talk != nullptr && !talk->stuck.empty();
  return both_shut_down(channel) && !stuck ? Answer::ClosingSigned : Answer::Nothing;
}

/// Notes since when the feerate is below the mempool's minimum. The wait begins only while the opener, who alone can
/// change it, is connected.
void note_feerate(const Work& work, Channel& channel) {
  const auto& minimum = work.state.mempool_minimum;
  bool low = minimum && !channel.funder() && channel.alive() && !channel.agreed() && channel.sent_ready &&
             channel.commitments.local.spec.feerate < *minimum;
  if (low == channel.low_since.has_value() || (low && channel.talking() == nullptr)) return;
  channel.low_since = low ? std::optional(work.context.mono) : std::nullopt;
  work.state.dirty.insert(channel.id);
}

/// When the channel is failed because of its low feerate, if the peer stays connected and does not raise it.
std::optional<MonoTime> low_until(const Channel& channel) {
  const auto* session = channel.talking();
  if (!channel.low_since || session == nullptr) return std::nullopt;
  bool anchors = channel.params().format == CommitmentFormat::AnchorsZeroFeeHtlc;
  return std::max(after_ms(*channel.low_since, anchors ? kLowFeerateAnchorsMs : kLowFeerateMs),
                  after_ms(session->since, kLowFeerateChanceMs));
}

/// When the channel is force-closed after a wait of hours or days, and why. nullopt: it is not.
std::optional<std::pair<MonoTime, std::string>> patience(const Channels::Inside& state, const Channel& channel) {
  if (!channel.alive()) return std::nullopt;
  if (channel.held_back)
    return std::pair(after_ms(state.started, kSpeakFirstMs),
                     channel.held_back->why + "; the peer has not answered since our start");
  if (channel.closing_since && channel.talking() != nullptr)
    // [B2-clos-03]
    return std::pair(after_ms(*channel.closing_since, kClosingPatienceMs), std::string("no closing_signed for a week"));
  if (auto until = low_until(channel))
    return std::pair(*until, "the feerate stays at " + std::to_string(channel.commitments.local.spec.feerate.value()) +
                                 " per kw; the mempool's minimum is " +
                                 std::to_string(state.mempool_minimum ? state.mempool_minimum->value() : 0));
  return std::nullopt;
}

const char* name(Answer answer) {
  switch (answer) {
    case Answer::Nothing:
      return "nothing";
    case Answer::Reestablish:
      return "channel_reestablish";
    case Answer::Revocation:
      return "revoke_and_ack";
    case Answer::ClosingSigned:
      return "closing_signed";
  }
  return "unknown";
}

}  // namespace

void note_waiting(Work& work, Channel& channel) {
  note_feerate(work, channel);
  if (channel.agreed()) channel.closing_since.reset();
  if (both_shut_down(channel) && !channel.agreed() && !channel.closing_since) channel.closing_since = work.context.mono;
  auto answer = awaited(channel);
  if (channel.waiting.answer == answer && channel.waiting.number == channel.commitments.remote.number) return;
  work.state.waits.erase({channel.waiting.since, channel.id});
  channel.waiting = {answer, channel.commitments.remote.number, work.context.mono};
  if (answer != Answer::Nothing) work.state.waits.emplace(channel.waiting.since, channel.id);
}

void end_waits(Work& work) {
  auto now = work.context.mono;
  auto& waits = work.state.waits;
  while (!waits.empty() && after_ms(waits.begin()->first, kAnswerWaitMs) <= now) {
    auto id = waits.begin()->second;
    waits.erase(waits.begin());
    auto it = work.state.channels.find(id);
    if (it == work.state.channels.end()) continue;  // erased in the meantime
    auto& channel = it->second;
    auto& waiting = channel.waiting;
    waiting.since = now;
    waits.emplace(now, id);
    work.notify(
        Severity::Warning, "peer_does_not_answer",
        {{"channel_id", id.hex()}, {"peer", channel.peer.hex()}, {"awaited", std::string(name(waiting.answer))}});
    work.say(DropPeer{channel.peer, std::string("no ") + name(waiting.answer) + " for a minute"});
  }

  std::vector<ChannelId> over;
  for (const auto& [end, id] : work.state.lookup.patience()) {
    if (end > now) break;
    over.push_back(id);
  }
  for (const auto& id : over) {
    auto& channel = work.state.channels.at(id);
    if (auto end = patience(work.state, channel)) break_channel(work, channel, end->second);
  }

  for (auto oldest = work.state.openings.oldest(); oldest && after_ms(oldest->first, kOpeningWaitMs) <= now;
       oldest = work.state.openings.oldest())
    fail_opening(work, oldest->second, "the peer did not continue the opening", true);
}

void note_lookup(const Channels::Inside& state, const ChannelId& id, Lookup& lookup) {
  auto it = state.channels.find(id);
  if (it == state.channels.end()) return lookup.note(id, nullptr, std::nullopt);
  auto end = patience(state, it->second);
  lookup.note(id, &it->second, end ? std::optional(end->first) : std::nullopt);
}
void note_lookup(Channels::Inside& state, const ChannelId& id) {
  note_lookup(state, id, state.lookup);
}

std::optional<MonoTime> next_wait(const Channels::Inside& state) {
  std::optional<MonoTime> out;
  auto take = [&](MonoTime time) { out = out ? std::min(*out, time) : time; };
  if (!state.waits.empty()) take(after_ms(state.waits.begin()->first, kAnswerWaitMs));
  if (const auto& patience = state.lookup.patience(); !patience.empty()) take(patience.begin()->first);
  if (auto oldest = state.openings.oldest()) take(after_ms(oldest->first, kOpeningWaitMs));
  return out;
}

}  // namespace doze::channel
