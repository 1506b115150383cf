// Payments that are over: on disk alone, by time. Those that we made are found by id, payment_hash and idempotency key,
// those to us by payment_hash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "effects/ended.h"
#include "effects/questions.h"
#include "payment/incoming.h"
#include "payment/outgoing.h"
#include "payment/payments.h"

namespace doze::payment {

/// The lists in Table::EndedPayment: that we made, that we received, and of those the ones below kSmallReceipt.
inline constexpr std::uint8_t kSentList = 1, kReceivedList = 2, kSmallList = 3;
/// Their kinds in pages.
inline constexpr std::uint8_t kSent = 1, kReceived = 2;

/// What a step asks the store, and goes on with when it is answered.
struct PayAsked {  // is its idempotency key known, is its invoice paid
  RequestId request = 0;
  command::Pay command;
  bool gone = false;  // nobody waits for the answer any more
};
struct PayKnown {  // the payment of its idempotency key
  PayAsked asked;
};
struct InvoiceAsked {  // is its payment_hash that of another payment
  InvoiceObtained word;
};
enum class Wanted : std::uint8_t { Get, Wait, Cancel };
struct PaymentAsked {  // where it stands; then itself
  RequestId request = 0;
  PaymentId id;
  Wanted wanted = Wanted::Get;
  bool wants_settled = false;  // Wait
  bool gone = false;           // nobody waits for the answer any more
};
struct LateSettlement {  // of a payment that is over: where it stands; then itself. Durable until it is answered
  HtlcFulfilled word;
  PaymentId id;
};
struct PageAsked {
  RequestId request = 0;
  command::Page page;
};
struct OldestAsked {
  std::uint8_t list = 0;
};
using Asked = std::variant<PayAsked, PayKnown, InvoiceAsked, PaymentAsked, LateSettlement, PageAsked, OldestAsked>;

struct Work;
/// The row as it is now: into its table, or into its list and the index when it is over.
void save(Work& work, const Outgoing& payment);
void save(Work& work, const Incoming& payment);
[[nodiscard]] EndedList& list_of(Payments::Inside& state, std::uint8_t list);
[[nodiscard]] EndedList& list_of(Payments::Inside& state, const Incoming& payment);
/// It is over in another way than its rows say: they go from the index.
void unlist(Work& work, const Outgoing& payment);
/// Rows of an older program that are over go into their lists, which count them: those that this step took, and `most`
/// with them. Until then they are in memory, where everybody looks first, and in their old table.
void move_ended(Work& work, std::size_t most);
/// Rows of an older program are left to move.
[[nodiscard]] bool is_moving(const Payments::Inside& state);

// ---- reads ----
[[nodiscard]] Read by_id(const PaymentId& id);
[[nodiscard]] Read by_key(const std::string& idempotency_key);
[[nodiscard]] Read by_hash(const PaymentHash& hash);
/// The newest payment to us with this hash.
[[nodiscard]] Read receipt_of(const PaymentHash& hash);
/// Of by_id, by_key or receipt_of: the payment itself.
[[nodiscard]] std::optional<Read> row_of(const std::vector<Row>& index);
/// nullopt: it is not there, or cannot be read (which is said).
[[nodiscard]] std::optional<Outgoing> payment_in(Work& work, const std::vector<Row>& rows);
[[nodiscard]] std::optional<Incoming> receipt_in(Work& work, const std::vector<Row>& rows);
struct SameHash {
  PaymentId id;
  bool settled = false;
};
/// Of by_hash.
[[nodiscard]] std::vector<SameHash> same_hash(const std::vector<Row>& index);

/// A preimage for a payment that is not in memory. Its row is in the batch of the word, which does not come again.
void take_late(Work& work, LateSettlement late);
/// What was asked is answered.
void go_on(Work& work, Questions<Asked>::Answer answer);
/// At the end of a step: of a list that has too many rows the oldest are read, to be erased.
void forget_payments(Work& work);

/// Invoices of BOLT 12 are not kept, so what is paid is remembered until nobody can pay it again. For `until` see
/// kPaidKeptS.
void remember_paid(Work& work, const PaymentHash& hash, UnixTime until);
[[nodiscard]] Put paid_record(const PaymentHash& hash, UnixTime until);
[[nodiscard]] Result<UnixTime, ParseError> read_paid(ByteView value);
/// At the end of a step: some of those that have expired.
void forget_paid(Work& work);

}  // namespace doze::payment
