// How much strangers are answered: a small question can have a large answer, and goes where they like.
#pragma once

#include "invoicing/state.h"

namespace doze::invoicing {

/// Whether a request that arrived from `from` may be answered now with this many bytes; if so, books them. Always true
/// for peers with a channel or an invitation of ours; a refused node repeats its request.
[[nodiscard]] bool may_answer(Work& work, const NodeId& from, std::size_t request_bytes, std::size_t answer_bytes);
/// It has disconnected.
void forget_answers(Work& work, const NodeId& peer);

}  // namespace doze::invoicing
