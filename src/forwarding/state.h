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

/// The last refusal of a channel that released ones queue for.
struct Full {
  MonoTime next, ask_at;
  std::size_t most_offered = 0;    // HTLCs in it since
  Msat least = Msat::max_money();  // that could be spent since
  std::size_t misfits = 0;
};

/// A page of forwards; what was read for it comes from both lists.
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
  /// After a start: what is over and whose HTLC is gone, and when the next of them go to their lists.
  std::set<HtlcKey> to_leave;
  std::optional<MonoTime> leave_next;
  std::map<ChannelId, Full> full;
  std::set<std::pair<MonoTime, ChannelId>> full_due;  // by Full::next
  std::uint64_t next_turn = 1;
  std::optional<MonoTime> early_check;
  MonoTime awake_checked;
  std::map<NodeId, MonoTime> awake;      // clients that were sent mail lately
  std::map<NodeId, MonoTime> left;       // clients that disconnected within kClientBlinkMs
  std::optional<MonoTime> started;       // before it we do not remember who was awake
  std::optional<MonoTime> behind_since;  // our chain is not read to its end
};

struct Work : WorkOn<Forwarding::Inside> {
  void ask(std::vector<Read> reads, Asked what) { state.questions.ask(out, std::move(reads), std::move(what)); }
};

}  // namespace doze::forwarding
