// What steps want written and done, until it is committed: nothing leaves before its batch is durable.
//
// A batch that nothing has to wait for (no message, reply or broadcast follows it) may itself wait a moment for the
// next one and share its disk sync. If the process dies in between it is as if the input had never come: its sender was
// told nothing and says it again (channel_reestablish, the chain's next block, the next start).
//
// Of several words about one row only the last is written: a commit is whole or not there, so nobody ever sees the
// others. A channel's row is as large as what is under way in it.
#pragma once

#include <map>
#include <optional>

#include "effects/io.h"
#include "effects/records.h"

namespace doze::app {

/// How long such a batch waits at most: far below any wait of the protocol, long enough for a peer's next message.
inline constexpr std::uint64_t kLazyCommitMs = 20;

class CommitQueue {
 public:
  /// The next step's batch and actions, in order.
  void add(Batch durable, std::vector<Action> after, MonoTime now);
  /// Whether something is to leave, or the oldest batch has waited long enough.
  [[nodiscard]] bool due(MonoTime now) const { return leaves_ || (waits_since_ && deadline() <= now); }
  /// When it is due even if nothing more comes; nullopt: nothing waits.
  [[nodiscard]] std::optional<MonoTime> deadline() const;
  [[nodiscard]] bool empty() const { return durable_.empty() && after_.empty(); }

  struct Taken {
    Batch durable;
    std::vector<Action> after;
  };
  [[nodiscard]] Taken take();

 private:
  Batch durable_;
  std::map<std::pair<Table, Bytes>, std::size_t> places_;  // of rows in durable_
  std::vector<Action> after_;
  bool leaves_ = false;
  std::optional<MonoTime> waits_since_;
};

}  // namespace doze::app
