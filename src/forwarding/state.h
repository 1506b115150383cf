// The room's own state, and one step under way. Only forwarding/ and its tests include this.
#pragma once

#include <map>
#include <set>
#include <string>

#include "effects/ended.h"
#include "effects/questions.h"
#include "forwarding/forwards.h"
#include "forwarding/index.h"
#include "forwarding/limits.h"

namespace doze::forwarding {

/// A channel that was full. HTLCs with a turn queue for it.
struct Full {
  MonoTime next, ask_at;           // when it is looked at, and when it is tried in any case
  std::size_t most_offered = 0;    // the most HTLCs in it since the refusal
  Msat least = Msat::max_money();  // the least that could be spent since the refusal
  std::size_t misfits = 0;         // HTLCs refused in this round
};

/// A page of forwards, for which both lists are read.
struct PageAsked {
  RequestId request = 0;
  command::Page page;
};
/// The oldest rows of a list that has too many.
struct OldestAsked {
  std::uint8_t list = 0;
};
using Asked = std::variant<PageAsked, OldestAsked>;

struct Forwarding::Inside {
  Rows<ForwardIndex, true> forwards;
  EndedList settled{Table::EndedForward, kSettledList, kMaxSettledForwards};
  EndedList failed{Table::EndedForward, kFailedList, kMaxFailedForwards};
  Questions<Asked> questions{TagOwner::Forwarding};
  bool forgetting = false;  // OldestAsked is under way
  /// After a start: rows that have ended and whose HTLC is gone, and when the next of them move to their lists.
  std::set<HtlcKey> to_leave;
  std::optional<MonoTime> leave_next;
  std::map<ChannelId, Full> full;
  std::set<std::pair<MonoTime, ChannelId>> full_due;  // by Full::next
  std::uint64_t next_turn = 1;
  std::optional<MonoTime> early_check;
  MonoTime awake_checked;
  std::map<NodeId, MonoTime> awake;      // clients that got mail lately
  std::map<NodeId, MonoTime> left;       // clients that disconnected within kClientBlinkMs
  std::optional<MonoTime> started;       // before it, we do not know which clients were awake
  std::optional<MonoTime> behind_since;  // set while our chain is behind
};

struct Work : WorkOn<Forwarding::Inside> {
  void ask(std::vector<Read> reads, Asked what) { state.questions.ask(out, std::move(reads), std::move(what)); }
};

}  // namespace doze::forwarding
