// The room's own state, and one step under way. Only onion_message/ and its tests include this.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <type_traits>

#include "effects/machine.h"
#include "graph/pathfind.h"
#include "onion/onion_message.h"
#include "onion_message/limits.h"
#include "onion_message/onion_messages.h"

namespace doze::onion_message {

class Budget {
 public:
  Budget(const Allowance& allowance, MonoTime now)
      : thousandths_(allowance.messages * 1000), bytes_(allowance.bytes), at_(now) {}
  /// False: above the limit, nothing is booked.
  [[nodiscard]] bool take(const Allowance& allowance, std::uint64_t bytes, MonoTime now);
  [[nodiscard]] MonoTime last_used() const { return at_; }

 private:
  std::uint64_t thousandths_;  // of a message: fractions refill as well
  std::uint64_t bytes_;
  MonoTime at_;
};

// ---- mail ----
/// The index entry of a message in a mailbox. The message itself is on disk only.
struct Mail {
  NodeId source;  // the peer that brought it; ourselves for our own
  UnixTime stored_at;
  std::uint32_t packet_bytes = 0;
  bool stranger = false;  // its source is neither ourselves nor a client nor a peer with a channel
  [[nodiscard]] std::size_t size() const { return kMailOverhead + packet_bytes; }
  [[nodiscard]] std::uint64_t units() const { return (size() + kMailUnitBytes - 1) / kMailUnitBytes; }
};
/// Memory per message in a mailbox, including the map's node and its allocation: 16 MiB for all that fits into all
/// mailboxes.
inline constexpr std::size_t kMailIndexBytes = 128;
static_assert(std::is_trivially_copyable_v<Mail>, "nothing of a message hangs on the index");
static_assert(sizeof(std::pair<const std::uint64_t, Mail>) + 4 * sizeof(void*) + 2 * sizeof(void*) <= kMailIndexBytes);
static_assert((kAllStrangersMail + kAllStrangersReserves + kAllFamiliarMail) * kMailIndexBytes <= 20 * 1'048'576);
/// A row of Table::Mailbox.
struct StoredMail {
  NodeId source;
  UnixTime stored_at;
  wire::OnionMessage message;  // as sent to the client
};
struct Share {
  std::uint64_t messages = 0, bytes = 0, units = 0;
  MonoTime full_at;  // from then on the whole burst is allowed again
  void add(const Mail& mail) { ++messages, bytes += mail.size(), units += mail.units(); }
  void remove(const Mail& mail) { --messages, bytes -= mail.size(), units -= mail.units(); }
};
struct Mailbox {
  std::map<std::uint64_t, Mail> mail;  // by sequence: oldest first
  Share all, strangers;
  std::map<NodeId, Share> sources;  // peers with a channel, and ourselves
};

/// A client that is connected.
enum class Stage : std::uint8_t {
  WaitingForChannels,  // until they are usable, or `until`
  Gossip,              // our gossip and a ping were sent
  Settling,            // it has our gossip and verifies it: until `until`
  Open,                // mail is sent on arrival
};
[[nodiscard]] const char* name(Stage stage);
struct Session {
  Stage stage = Stage::WaitingForChannels;
  MonoTime until;                                           // the end of the stage, if it has one
  std::uint64_t next = 0;                                   // mail before it was sent, or asked for, since it connected
  std::optional<std::uint64_t> reading;                     // the tag of the batch that is being read
  std::optional<std::uint64_t> turn;                        // it waits until other batches have been read
  std::size_t messages_under_way = 0, bytes_under_way = 0;  // to be erased at the pong that follows them
};

/// A batch that is being read from disk. If its connection has ended, the next session asks again.
struct Reading {
  NodeId client;
  std::size_t messages = 0, bytes = 0;
};

// ---- pings whose pong we wait for ----
struct Confirm {
  std::uint64_t tag = 0;
};
struct GossipSeen {};
struct MailSeen {
  std::vector<std::uint64_t> sequences;
  std::size_t bytes = 0;
};
using Asked = std::variant<Confirm, GossipSeen, MailSeen>;

/// One of our messages; while it waits, its introduction node is not connected yet.
struct Waiting {
  NodeId introduction;
  wire::BlindedPath path;
  onion::FinalMessage message;
  bool direct = false;
  std::uint64_t tag = 0;
  std::uint32_t attempt = 0;
  MonoTime until;
  bool relayed = false;  // a relay has it; only the introduction node's own pong is missing
  /// An answer over a reply path: nothing here waits for its outcome.
  [[nodiscard]] bool is_answer() const { return tag == 0 && !direct; }
};

/// A client's message for a node that we dial.
struct Onward {
  NodeId from, next;
  wire::OnionMessage message;
  MonoTime until;
};

/// The routes over the graph, as of the last search.
struct Ways {
  std::optional<graph::MessageTree> over_channels, over_all;  // from peers with a channel; from all connected ones
  MonoTime even;                                              // until then searches were too frequent
};

struct OnionMessages::Inside {
  std::map<NodeId, Budget> budgets;
  std::deque<std::pair<MonoTime, NodeId>>
      gone;  // peers whose budget may be forgotten, in the order of their disconnection
  std::optional<Budget> all_strangers;
  std::map<std::uint64_t, Budget> networks;                      // of strangers that sent lately
  std::deque<std::pair<MonoTime, std::uint64_t>> networks_seen;  // each once; when one is to be looked at
  std::map<NodeId, Mailbox> mailboxes;
  std::uint64_t strangers_units = 0, familiar_units = 0;  // of all mailboxes
  std::map<NodeId, std::uint64_t> source_units;           // in all mailboxes
  std::uint64_t next_sequence = 1;
  std::map<NodeId, Session> sessions;
  std::set<std::pair<MonoTime, NodeId>> stages_end;  // of sessions whose stage has an end
  std::map<std::uint64_t, Reading> reads;            // by tag: kBatchesRead at most
  std::map<std::uint64_t, NodeId> turns;             // sessions that wait to read, in their order
  std::uint64_t next_turn = 1;
  std::map<std::pair<NodeId, std::uint64_t>, Asked> asked;  // by node and token
  std::uint64_t next_token = 1;
  std::vector<Waiting> waiting;  // oldest first
  std::vector<Onward> onward;    // oldest first
  Ways ways;
  std::optional<MonoTime> age_check;  // set while there is mail
};

struct Work : WorkOn<OnionMessages::Inside> {
  bool ways_fresh = false;  // refresh_ways has looked
};

}  // namespace doze::onion_message
