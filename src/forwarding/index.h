// The indexes of the ledger: by time for people; by deadline, channel and peer for the steps.
#pragma once

#include <tuple>

#include "effects/pages.h"
#include "effects/rows.h"
#include "forwarding/ledger.h"

namespace doze::forwarding {

struct ForwardIndex {
  using Key = HtlcKey;
  using Row = Forward;
  enum class List : std::uint8_t { Early, Open, Settled, Failed };
  struct Marks {
    HtlcKey key;
    List list = List::Open;
    UnixTime received_at;
    bool is_hold = false;  // a hold under way, forwarded or not
    bool is_held = false;  // counts against the limits of holds: not forwarded yet
    NodeId peer;
    Msat amount;
    std::optional<BlockHeight> fail_back;  // if not offered downstream yet
    std::optional<MonoTime> wait_until;
    std::optional<std::pair<ChannelId, std::uint64_t>> queued;
    std::optional<ChannelId> waits_for;  // next channel of a waiting ordinary forward
  };

  ByTime<HtlcKey> early, open, settled, failed, holds;
  std::map<ChannelId, std::size_t> early_in, held_in;
  std::map<NodeId, std::size_t> held_of;
  std::size_t held = 0;
  Msat total_held;  // of `holds`
  std::set<std::pair<BlockHeight, HtlcKey>> by_fail_back;
  Due<HtlcKey> due;                                                // wait_until
  std::set<std::tuple<ChannelId, std::uint64_t, HtlcKey>> queues;  // HTLCs with a turn: next channel, turn, key
  std::set<std::pair<ChannelId, HtlcKey>> waiting;                 // waiting ordinary forwards, by next channel
  std::map<ChannelId, std::size_t> waiting_for;                    // their number, by next channel
  std::map<NodeId, std::size_t> waiting_of;                        // their number, by the peer that offered them

  [[nodiscard]] static HtlcKey key_of(const Forward& forward);
  [[nodiscard]] static bool over(const Forward& forward);
  [[nodiscard]] static Marks marks_of(const Forward& forward);
  void put(const Marks& marks);
  void take(const Marks& marks);

  [[nodiscard]] static std::size_t count(const auto& counts, const auto& key) {
    auto it = counts.find(key);
    return it == counts.end() ? 0 : it->second;
  }

 private:
  /// Calls `in` with each set that has an entry for the row, and the entry.
  void stand(const Marks& marks, auto in);
  [[nodiscard]] ByTime<HtlcKey>& list(List which);
};

}  // namespace doze::forwarding
