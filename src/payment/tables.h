// The indexes of payments' tables: by time for people, by deadline, channel, peer and hash for the steps.
#pragma once

#include <set>
#include <tuple>

#include "effects/pages.h"
#include "effects/rows.h"
#include "payment/incoming.h"
#include "payment/invoices.h"
#include "payment/outgoing.h"
#include "payment/releases.h"

namespace doze::payment {

struct OutgoingIndex {
  using Key = PaymentId;
  using Row = Outgoing;
  struct Marks {
    PaymentId id;
    bool over = false;
    UnixTime created_at;
    std::optional<PaymentHash> hash;
    std::optional<MonoTime> due;
    bool waits = false;
    std::optional<ChannelId> held_in;
    std::optional<std::tuple<Hash32, bool, MonoTime>> told;
    std::string idempotency_key;
  };

  ByTime<PaymentId> open, ended;
  std::set<std::pair<PaymentHash, PaymentId>> by_hash;
  Due<PaymentId> due;         // of their states
  ByTime<PaymentId> waiting;  // no HTLC yet: for a channel whose peer holds, or for our chain; oldest first
  std::set<std::pair<ChannelId, PaymentId>> held_in;
  std::map<std::string, PaymentId> by_key;  // idempotency keys
  /// Held ones by offer (offer_key): first those that no mailbox confirmed; the one that was announced longest ago
  /// first.
  std::set<std::tuple<Hash32, bool, MonoTime, PaymentId>> told;

  [[nodiscard]] static PaymentId key_of(const Outgoing& payment);
  [[nodiscard]] static bool over(const Outgoing& payment);
  [[nodiscard]] static Hash32 offer_key(const Outgoing& payment);
  [[nodiscard]] static Marks marks_of(const Outgoing& payment);
  [[nodiscard]] static Outgoing unpack(ByteView bytes);
  void put(const Marks& marks);
  void take(const Marks& marks);

 private:
  /// The sets that a row stands in, each with its entry.
  void stand(const Marks& marks, auto in);
};

struct IncomingIndex {
  using Key = HtlcKey;
  using Row = Incoming;
  struct Marks {
    HtlcKey key;
    bool over = false;
    UnixTime received_at;
    PaymentHash hash;
  };

  ByTime<HtlcKey> open, ended;
  std::set<std::tuple<PaymentHash, UnixTime, HtlcKey>> by_hash;

  /// The newest payment with this hash.
  [[nodiscard]] std::optional<HtlcKey> newest(const PaymentHash& hash) const;

  [[nodiscard]] static HtlcKey key_of(const Incoming& payment);
  [[nodiscard]] static bool over(const Incoming& payment);
  [[nodiscard]] static Marks marks_of(const Incoming& payment);
  [[nodiscard]] static Incoming unpack(ByteView bytes);
  void put(const Marks& marks);
  void take(const Marks& marks);

 private:
  /// The sets that a row stands in, each with its entry.
  void stand(const Marks& marks, auto in);
};

struct IssuedIndex {
  using Key = PaymentHash;
  using Row = Issued;
  struct Marks {
    PaymentHash hash;
    bool paid = false;
    UnixTime created_at, expires_at;
  };

  ByTime<PaymentHash> all;           // by creation
  ByTime<PaymentHash> paid, unpaid;  // by expiry

  [[nodiscard]] static PaymentHash key_of(const Issued& invoice);
  [[nodiscard]] static bool over(const Issued&) { return false; }
  [[nodiscard]] static Marks marks_of(const Issued& invoice);
  [[nodiscard]] static Bytes pack(const Issued& invoice);
  [[nodiscard]] static Issued unpack(ByteView bytes);
  void put(const Marks& marks);
  void take(const Marks& marks);

 private:
  /// The sets that a row stands in, each with its entry.
  void stand(const Marks& marks, auto in);
};

/// Reply paths that still get answers, by their sequence.
struct ReleaseIndex {
  using Key = std::uint64_t;
  using Row = ReleaseDue;
  /// What may be dropped for a newcomer, most useless first: what has been answered (once is enough, and those with all
  /// their answers stay only so that a repeated announcement does not start anew), then what cannot be delivered.
  enum class Use : std::uint8_t { Finished, Answered, Undeliverable, Waiting };
  struct Marks {
    std::uint64_t sequence = 0;
    Hash32 path;
    std::size_t bytes = 0;
    OfferId offer;
    Use use = Use::Waiting;
    std::optional<MonoTime> due;
    bool unanswered = false;  // no answer is on its way, and more are to come
  };
  using ByUse = std::set<std::pair<Use, std::uint64_t>>;

  std::map<Hash32, std::uint64_t> by_path;  // path_of
  Due<std::uint64_t> due;                   // next
  std::set<std::uint64_t> waiting, later;   // of the unanswered: those without and with a time; the former wait for
                                            // a channel
  ByUse by_use;
  std::map<OfferId, ByUse> of;
  std::size_t bytes = 0;

  [[nodiscard]] static Hash32 path_of(ByteView reply_path);
  [[nodiscard]] static std::uint64_t key_of(const ReleaseDue& release);
  [[nodiscard]] static bool over(const ReleaseDue&) { return false; }
  [[nodiscard]] static Marks marks_of(const ReleaseDue& release);
  [[nodiscard]] static Bytes pack(const ReleaseDue& release);
  [[nodiscard]] static ReleaseDue unpack(ByteView bytes);
  void put(const Marks& marks);
  void take(const Marks& marks);

 private:
  /// The sets that a row stands in, each with its entry.
  void stand(const Marks& marks, auto in);
};

}  // namespace doze::payment
