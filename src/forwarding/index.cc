#include "forwarding/index.h"

namespace doze::forwarding {

HtlcKey ForwardIndex::key_of(const Forward& forward) {
  return forward.incoming;
}
bool ForwardIndex::over(const Forward& forward) {
  return forward.gone;
}

ForwardIndex::Marks ForwardIndex::marks_of(const Forward& forward) {
  Marks out;
  out.key = forward.incoming;
  out.received_at = forward.received_at;
  out.list = forward.state == ForwardState::Early     ? List::Early
             : forward.state == ForwardState::Settled ? List::Settled
             : forward.state == ForwardState::Failed  ? List::Failed
                                                      : List::Open;
  if (out.list != List::Open) return out;
  bool parked = forward.state != ForwardState::Forwarded;
  out.is_hold = forward.hold.has_value();
  out.is_held = out.is_hold && parked;
  out.peer = forward.peer;
  out.amount = forward.amount_in;
  if (parked) out.fail_back = forward.fail_back;
  if (forward.state == ForwardState::Waiting) {
    out.wait_until = forward.wait_until;
    out.waits_for = forward.next_channel;
  }
  bool queues =
      forward.state == ForwardState::Released || (forward.state == ForwardState::Waiting && forward.turn != 0);
  if (queues) out.queued = std::pair(forward.next_channel, forward.turn);
  return out;
}

ByTime<HtlcKey>& ForwardIndex::list(List which) {
  switch (which) {
    case List::Early:
      return early;
    case List::Settled:
      return settled;
    case List::Failed:
      return failed;
    case List::Open:
      break;
  }
  return open;
}

void ForwardIndex::stand(const Marks& marks, auto in) {
  in(list(marks.list), std::pair(marks.received_at, marks.key));
  if (marks.is_hold) in(holds, std::pair(marks.received_at, marks.key));
  if (marks.fail_back) in(by_fail_back, std::pair(*marks.fail_back, marks.key));
  if (marks.wait_until) in(due, std::pair(*marks.wait_until, marks.key));
  if (marks.queued) in(queues, std::tuple(marks.queued->first, marks.queued->second, marks.key));
  if (marks.waits_for) in(waiting, std::pair(*marks.waits_for, marks.key));
}
void ForwardIndex::put(const Marks& marks) {
  stand(marks, kInsert);
  if (marks.list == List::Early) ++early_in[marks.key.channel_id];
  if (marks.is_hold) total_held += marks.amount;
  if (marks.waits_for) {
    ++waiting_for[*marks.waits_for];
    ++waiting_of[marks.peer];
  }
  if (!marks.is_held) return;
  ++held;
  ++held_in[marks.key.channel_id];
  ++held_of[marks.peer];
}
void ForwardIndex::take(const Marks& marks) {
  stand(marks, kErase);
  if (marks.list == List::Early) one_less(early_in, marks.key.channel_id);
  if (marks.is_hold) total_held -= marks.amount;
  if (marks.waits_for) {
    one_less(waiting_for, *marks.waits_for);
    one_less(waiting_of, marks.peer);
  }
  if (!marks.is_held) return;
  --held;
  one_less(held_in, marks.key.channel_id);
  one_less(held_of, marks.peer);
}

}  // namespace doze::forwarding
