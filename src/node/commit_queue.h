// The batches and actions of steps until they are committed: nothing is sent before its batch is durable.
//
// A batch that nothing has to wait for (no message, reply or broadcast follows it) may itself wait a moment for the
// next one and share its disk sync. If the process crashes in between, the input has no effect: its sender was told
// nothing and sends it again (channel_reestablish, the chain's next block, the next start).
//
// Of several records for one row only the last is written: a commit is atomic, so the others are never visible. A
// channel's row grows with its pending HTLCs.
#pragma once

#include <map>
#include <optional>

#include "effects/io.h"
#include "effects/records.h"

namespace doze::node {

/// How long such a batch may wait: far below all timeouts of the protocol, long enough for a peer's next message.
inline constexpr std::uint64_t kLazyCommitMs = 20;

class CommitQueue {
 public:
  /// The next step's batch and actions, in order.
  void add(Batch durable, std::vector<Action> after, MonoTime now);
  /// Whether something must be sent, or the oldest batch has waited long enough.
  [[nodiscard]] bool due(MonoTime now) const { return leaves_ || (waits_since_ && deadline() <= now); }
  /// When it is due even without another input; nullopt: nothing waits.
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

}  // namespace doze::node
