// What must hold in every run, seen from outside: the messages on the wire, the events, the balances. Nothing here asks
// a node whether it behaved.
#pragma once

#include <map>
#include <set>

#include "sim/world.h"

namespace doze::sim {

/// One HTLC, as its offerer's messages show it. An id belongs to the offerer's side of the channel.
struct HtlcId {
  ChannelId channel_id;
  std::size_t offerer = 0;
  std::uint64_t id = 0;
  friend auto operator<=>(const HtlcId&, const HtlcId&) = default;
};
struct SeenHtlc {
  HtlcId id;
  std::size_t receiver = 0;
  PaymentHash payment_hash;
  Msat amount;
  CltvExpiry expiry;
  bool hold = false;
  Hash32 onion;
  MonoTime offered;                        // first update_add_htlc
  std::optional<MonoTime> arrived;         // first one that reached the receiver
  bool fulfilled = false, failed = false;  // as the receiver said first
  bool fulfil_arrived = false, failure_arrived = false;
  BlockHeight ended;  // height of the chain when the receiver first said how it ends
};
/// A node told its log something.
struct SeenEvent {
  std::size_t node = 0;
  MonoTime at;
  BlockHeight tip;  // of that node
  Event event;
  Fields facts;
  [[nodiscard]] std::string text(std::string_view field) const;
  [[nodiscard]] std::uint64_t number(std::string_view field) const;
};
struct Life {
  MonoTime from;
  std::optional<MonoTime> to;
};

/// Watches a world from now on. Breaches:
///   - one HTLC is offered twice downstream, or an id is used for two HTLCs
///   - an HTLC is fulfilled without its preimage, both fulfilled and failed, or settled upstream before downstream
///   - an HTLC is failed upstream while it may still be settled downstream
///   - a held HTLC is still there at its expiry
class Checker final : public Watcher {
 public:
  explicit Checker(World& world);
  ~Checker() override;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  void sent(const WireMessage& message) override;
  void delivered(const WireMessage& message) override;
  void notified(std::size_t node, const Notify& notify) override;
  void happened(std::size_t node, const std::string& what) override;

  /// Everything has come to rest: no HTLC is open, and each node has exactly what the settled HTLCs give it.
  /// `before`: channel_balance of each node when the watch began.
  void at_rest(const std::vector<std::uint64_t>& before);

  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  [[nodiscard]] const std::map<HtlcId, SeenHtlc>& htlcs() const { return htlcs_; }
  [[nodiscard]] const std::vector<SeenEvent>& events() const { return events_; }
  /// When this node ran.
  [[nodiscard]] const std::vector<Life>& lives(std::size_t node) const { return lives_[node]; }
  /// When a message last went from one to the other.
  [[nodiscard]] std::optional<MonoTime> last_heard(std::size_t from, std::size_t to, MonoTime before) const;
  [[nodiscard]] const World& world() const { return world_; }
  void problem(std::string what);

 private:
  void offered(const WireMessage& message, const wire::UpdateAddHtlc& add);
  void ends(const WireMessage& message, const ChannelId& channel, std::uint64_t id, const Preimage* preimage);
  [[nodiscard]] SeenHtlc* find(std::size_t receiver, const ChannelId& channel, std::uint64_t id);
  void check_fail_upstream(std::size_t node, const SeenHtlc& htlc);

  World& world_;
  std::map<HtlcId, SeenHtlc> htlcs_;
  std::map<Hash32, HtlcId> onions_;
  std::vector<SeenEvent> events_;
  std::vector<std::vector<Life>> lives_;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<MonoTime>> heard_;
  std::vector<std::string> problems_;
};

}  // namespace doze::sim
