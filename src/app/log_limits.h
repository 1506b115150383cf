// Limits the log lines that others can cause. A line costs a peer 60 bytes and us 200, and a full disk stops the node.
#pragma once

#include <list>
#include <map>
#include <set>
#include <string>

#include "base/units.h"
#include "effects/io.h"

namespace doze::app {

/// Lines at once, and per minute after that.
struct LogRate {
  std::uint64_t burst, per_minute;
};
/// Lines about one peer, named by a fact "node_id", "peer", "from", "client" or "address": two nodes cause fewer in an
/// ordinary hour.
inline constexpr LogRate kLinesOfPeer{60, 6};
/// Lines about all peers together that had no channel with us when they connected: ids are free. 35 MB per day.
inline constexpr LogRate kLinesOfStrangers{1'000, 120};
/// Lines of one kind that name no peer: failed forwards and payments also cost nothing. 350 MB per day.
inline constexpr LogRate kLinesOfKind{5'000, 1'200};
/// Peers whose lines are counted at a time; above it, the longest silent one is forgotten. 200 bytes each.
inline constexpr std::size_t kMaxLogSources = 4'096;

class LogLimits {
 public:
  /// The lines to write for this event, in order: none, the event, or before it a line of kind kLeftOut with the number
  /// of lines left out. Errors (Severity::Error) are always written. Pass every event, also one that the log's level
  /// does not write (`writes`): events at Severity::Info tell which peers have a channel.
  [[nodiscard]] std::vector<Notify> admit(Notify event, MonoTime now, bool writes = true);
  static constexpr Event kLeftOut = "log_lines_left_out";

 private:
  struct Bucket {
    std::uint64_t thousandths = 0;  // of a line
    MonoTime at;
    std::uint64_t left_out = 0;
    std::list<const std::string*>::iterator order;
    [[nodiscard]] bool take(const LogRate& rate, MonoTime now);
  };
  /// Whether the peer has a channel, as its connection event said; this event's value counts from now on.
  bool is_familiar(const std::string& source, const Notify& event);
  Bucket& bucket_of(const std::string& source, const LogRate& rate, MonoTime now);

  std::map<std::string, Bucket> buckets_;
  std::list<const std::string*> order_;  // keys of buckets_, longest silent first
  std::set<std::string> with_channel_;
};

}  // namespace doze::app
