#include "forwarding/forwards.h"

#include "effects/hearers.h"
#include "forwarding/arriving.h"
#include "forwarding/history.h"
#include "forwarding/holds.h"
#include "forwarding/offering.h"
#include "forwarding/pages.h"
#include "forwarding/records.h"
#include "forwarding/state.h"
#include "forwarding/waits.h"

namespace doze::forwarding {

DOZE_COMPILED_HERE(Input)

Forwarding::Forwarding() : inside(make_hidden<Inside>()) {}

Result<Forwarding, LoadError> load(std::span<const Row> rows) {
  Forwarding out;
  auto& state = *out.inside;
  for (const auto& row : rows) {
    auto refuse = [&](const ParseError& error) { return fail(LoadError{row.table, row.key, error}); };
    if (row.table == Table::Count)
      for (auto* list : {&state.settled, &state.failed})
        if (auto read = list->load(row); !read) return refuse(read.error());
    if (row.table != Table::Forward) continue;
    auto forward = read_forward(row.value);
    if (!forward) return refuse(forward.error());
    state.forwards.load(*std::move(forward));
  }
  return out;
}

namespace {

void hear(Work& work, const Started&) {
  work.state.started = work.context.mono;
  if (!work.context.views.chain_synced) work.state.behind_since = work.context.mono;
  leave_started(work);
  leave_some(work);
  forwards_started(work);
  early_started(work);
  end_parked_forwards(work);  // deadlines that passed while we were away
}
void hear(Work& work, const ChainStatus&) {
  auto& behind = work.state.behind_since;
  if (!work.context.views.chain_synced) {
    if (!behind) behind = work.context.mono;
    return;
  }
  behind.reset();
  end_parked_forwards(work);
  retry_all_forwards(work);
}
void hear(Work& work, const BlockConnected&) {
  end_parked_forwards(work);
}
void hear(Work& work, const PeerReady& word) {
  work.state.left.erase(word.node_id);
}
void hear(Work& work, const PeerGone& word) {
  std::erase_if(work.state.left,
                [&](const auto& entry) { return after_ms(entry.second, kClientBlinkMs) <= work.context.mono; });
  if (work.context.views.is_client(word.node_id)) work.state.left[word.node_id] = work.context.mono;
}
void hear(Work& work, const ClientAwake& word) {
  work.state.awake[word.node_id] = work.context.mono;
}
void hear(Work& work, const ChannelUsable& word) {
  retry_forwards(work, word.channel_id);
  retry_forwards_from(work, word.channel_id);
}
void hear(Work& work, const ChannelUnusable& word) {
  end_forwards_from(work, word.channel_id);
}
void hear(Work& work, const ChannelClosed& word) {
  end_forwards_from(work, word.channel_id);
  // On chain each HTLC goes by itself: a release may still come for it, and finds that it is over.
  const auto* channel = work.context.views.channel(word.channel_id);
  if (channel == nullptr || channel->phase == ChannelPhase::Closed) leave_channel(work, word.channel_id);
}

// ---- HTLCs ----
/// What is not of a ForwardOrigin goes to payment.
template <class Word>
void of_forward(Work& work, const Word& word, auto handle) {
  if (const auto* origin = std::get_if<ForwardOrigin>(&word.origin)) handle(work, *origin, word);
}
void hear(Work& work, const HtlcAdded& word) {
  of_forward(work, word, forward_added);
}
void hear(Work& work, const HtlcRefused& word) {
  of_forward(work, word, forward_refused);
}
void hear(Work& work, const HtlcFulfilled& word) {
  of_forward(work, word, forward_fulfilled);
}
void hear(Work& work, const HtlcFailed& word) {
  of_forward(work, word, forward_failed);
}
void hear(Work& work, const ReceivedHtlcGone& word) {
  auto* forward = find(work, {word.channel_id, word.htlc_id});
  if (forward != nullptr && forward->state == ForwardState::Settled && !word.fulfilled) not_collected(work, *forward);
  leave(work, {word.channel_id, word.htlc_id});
}
void hear(Work& work, const OnionMessageReceived& word) {
  std::visit(
      [&]<class C>(const C&) {
        if constexpr (ForwardingContents<C>) on_release_held_htlc(work, word);
      },
      word.contents);
}

/// Whoever was sent mail long ago. Once per minute: there may be thousands.
void forget_awake(Work& work) {
  constexpr std::uint64_t kEveryMs = 60'000;
  auto now = work.context.mono;
  if (after_ms(work.state.awake_checked, kEveryMs) > now) return;
  work.state.awake_checked = now;
  std::erase_if(work.state.awake,
                [&](const auto& entry) { return after_ms(entry.second, kClientAwakeWindowMs) <= now; });
}
void hear(Work& work, const DeadlineReached&) {
  forward_deadlines(work);
  early_deadlines(work);
  forget_awake(work);
  leave_some(work);
}

void hear(Work& work, const RowsRead& in) {
  auto answer = work.state.questions.answered(in);
  if (!answer) return;
  std::visit(Overloaded{[&](const PageAsked& asked) { list_forwards(work, asked, std::move(answer->rows)); },
                        [&](const OldestAsked& asked) { forget_oldest(work, asked, answer->rows.at(0)); }},
             answer->what);
}

// ---- commands ----
void answer(Work& work, RequestId request, const command::ListForwards& command) {
  list_forwards(work, request, command.page);
}
void answer(Work& work, RequestId request, const command::ListHolds& command) {
  list_holds(work, request, command.page);
}
void answer(Work& work, RequestId request, const command::FailHold& command) {
  fail_hold(work, request, command);
}
void hear(Work& work, const CommandReceived& in) {
  std::visit(
      [&]<class C>(const C& command) {
        if constexpr (ForwardingCommand<C>) answer(work, in.request, command);
      },
      in.command);
}

}  // namespace

Transition<Forwarding> step(Forwarding state, const Input& input, const Context& context) {
  Effects effects;
  Work work{{*state.inside, context, effects}};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  forget_history(work);
  work.state.forwards.settle(work.state.questions);
  return {std::move(state), std::move(effects)};
}

std::optional<MonoTime> deadline(const Forwarding& state) {
  const auto& inside = *state.inside;
  Earliest earliest;
  earliest.consider_first(std::as_const(inside.forwards).index().due);
  earliest.consider_first(inside.full_due);
  earliest.consider(inside.early_check);
  earliest.consider(inside.leave_next);
  return earliest.time();
}

}  // namespace doze::forwarding
