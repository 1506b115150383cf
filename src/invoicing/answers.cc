#include "invoicing/answers.h"

#include <algorithm>

namespace doze::invoicing {

bool may_answer(Work& work, const NodeId& from, std::size_t request_bytes, std::size_t answer_bytes) {
  const auto& self = work.context.signer.node_id();
  if (from == self || work.context.views.is_client(from)) return true;
  if (!work.context.views.connected(from))
    return false;  // disconnected, and its budget is gone: nothing would remove a new entry
  auto asked = request_bytes <= kSmallAnswerContents ? kSmallAnswerBytes : kLargeAnswerBytes;
  auto answer = answer_bytes <= kSmallAnswerContents ? kSmallAnswerBytes : kLargeAnswerBytes;
  auto& budget = work.state.answers;
  auto& left = budget.left.try_emplace(from, kStrangersFirstAnswerBytes).first->second;
  left = std::min(left + kAnswerBytesPerRequestByte * asked, kStrangersFirstAnswerBytes + kLargeAnswerBytes);
  auto full_at = after_ms(std::max(budget.full_at, work.context.mono), answer * 1'000 / kAnswersBytesPerS);
  bool too_much = full_at > after_ms(work.context.mono, kAnswersBurstBytes * 1'000 / kAnswersBytesPerS);
  if (left < answer || too_much) {
    work.notify(Severity::Debug, "request_not_answered",
                {{"from", from.hex()},
                 {"reason", too_much ? "all strangers together ask too much" : "this peer asks too much"}});
    return false;
  }
  left -= answer;
  budget.full_at = full_at;
  return true;
}

void forget_answers(Work& work, const NodeId& peer) {
  work.state.answers.left.erase(peer);
}

}  // namespace doze::invoicing
