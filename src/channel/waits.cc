// A peer that lives but does not answer: its connection is dropped, and the next one starts with channel_reestablish.
#include <algorithm>

#include "channel/inside.h"

namespace doze::channel {
namespace {

Answer awaited(const Channel& channel) {
  // An agreed closing waits for a block, and its peer may have forgotten the channel.
  if (!channel.connected || !channel.alive() || channel.agreed()) return Answer::Nothing;
  if (!channel.reestablished) return Answer::Reestablish;
  if (channel.next_remote_spec) return Answer::Revocation;
  return both_shut_down(channel) ? Answer::ClosingSigned : Answer::Nothing;
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

bool may_publish(const Work& work, const Channel& channel) {
  return channel.spoken || after_ms(work.state.started, kSpeakFirstMs) <= work.context.mono;
}

void hold_back(Work& work, Channel& channel, HeldBack wish) {
  if (channel.held_back && (channel.held_back->asked || !wish.asked)) return;
  auto until = after_ms(work.state.started, kSpeakFirstMs).value();
  work.notify(Severity::Error, "channel_close_held_back",
              {{"channel_id", channel.id.hex()},
               {"peer", channel.peer.hex()},
               {"reason", wish.why},
               {"published_in_s", (until - work.context.mono.value()) / 1'000}});
  channel.held_back = std::move(wish);
  work.state.dirty.insert(channel.id);
}

void note_waiting(const Work& work, Channel& channel) {
  auto answer = awaited(channel);
  if (channel.waiting.answer == answer && channel.waiting.number == channel.remote_number) return;
  channel.waiting = {answer, channel.remote_number, work.context.mono};
}

void end_waits(Work& work) {
  auto now = work.context.mono;
  for (auto& [id, channel] : work.state.channels) {
    auto& waiting = channel.waiting;
    if (waiting.answer == Answer::Nothing || after_ms(waiting.since, kAnswerWaitMs) > now) continue;
    waiting.since = now;
    work.notify(
        Severity::Warning, "peer_does_not_answer",
        {{"channel_id", id.hex()}, {"peer", channel.peer.hex()}, {"awaited", std::string(name(waiting.answer))}});
    work.say(DropPeer{channel.peer, std::string("no ") + name(waiting.answer) + " for a minute"});
  }
  for (auto& [id, channel] : work.state.channels)
    if (channel.held_back && channel.alive() && may_publish(work, channel)) {
      auto why = channel.held_back->why;
      break_channel(work, channel, why + "; the peer has not answered since our start");
    }
  std::vector<ChannelId> late;
  for (const auto& [id, opening] : work.state.openings)
    if (after_ms(opening.started, kOpeningWaitMs) <= now) late.push_back(id);
  for (const auto& id : late) fail_opening(work, id, "the peer did not go on with the opening", true);
}

std::optional<MonoTime> next_wait(const Channels::Inside& state) {
  std::optional<MonoTime> out;
  auto take = [&](MonoTime time) { out = out ? std::min(*out, time) : time; };
  for (const auto& [id, channel] : state.channels)
    if (channel.waiting.answer != Answer::Nothing) take(after_ms(channel.waiting.since, kAnswerWaitMs));
  for (const auto& [id, channel] : state.channels)
    if (channel.held_back && channel.alive()) take(after_ms(state.started, kSpeakFirstMs));
  for (const auto& [id, opening] : state.openings) take(after_ms(opening.started, kOpeningWaitMs));
  return out;
}

}  // namespace doze::channel
