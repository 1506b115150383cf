#include "node/commit_queue.h"

#include <algorithm>

namespace doze::node {

void CommitQueue::add(Batch durable, std::vector<Action> after, MonoTime now) {
  if (durable.empty() && after.empty()) return;
  // A log line reports something durable, but nothing waits for it.
  leaves_ = leaves_ || std::any_of(after.begin(), after.end(),
                                   [](const Action& action) { return !std::holds_alternative<Notify>(action); });
  if (!waits_since_) waits_since_ = now;
  for (auto& record : durable) {
    auto [table, key] = std::visit([](const auto& row) { return std::pair(row.table, row.key); }, record);
    auto [place, fresh] = places_.try_emplace({table, std::move(key)}, durable_.size());
    if (fresh)
      durable_.push_back(std::move(record));
    else
      durable_[place->second] = std::move(record);
  }
  std::move(after.begin(), after.end(), std::back_inserter(after_));
}

std::optional<MonoTime> CommitQueue::deadline() const {
  if (!waits_since_) return std::nullopt;
  return durable_.empty() ? *waits_since_ : after_ms(*waits_since_, kLazyCommitMs);
}

CommitQueue::Taken CommitQueue::take() {
  leaves_ = false;
  waits_since_.reset();
  places_.clear();
  return {std::exchange(durable_, {}), std::exchange(after_, {})};
}

}  // namespace doze::node
