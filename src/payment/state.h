// The room's own state, and one step under way. Only payment/ and its tests include this.
#pragma once

#include <map>
#include <set>
#include <string>

#include "payment/answers.h"
#include "payment/ended.h"
#include "payment/limits.h"
#include "payment/payments.h"
#include "payment/tables.h"

namespace doze::payment {

struct Payments::Inside {
  Rows<OutgoingIndex, true> outgoing;
  EndedList sent{Table::EndedPayment, kSentList, kMaxEndedPayments};
  EndedList received{Table::EndedPayment, kReceivedList, kMaxEndedPayments};
  EndedList small{Table::EndedPayment, kSmallList, kMaxSmallReceipts};
  std::map<PaymentHash, UnixTime> paid;  // invoices of BOLT 12 that could be paid again, and until when
  std::set<std::pair<UnixTime, PaymentHash>> paid_until;  // the same by time
  Questions<Asked> questions{TagOwner::Payment};
  bool forgetting = false;  // OldestAsked is under way
  /// Rows of an older program that are over go to their lists: the next piece.
  std::optional<MonoTime> move_next;
  /// From such rows, until the first step.
  std::vector<std::pair<PaymentHash, UnixTime>> paid_before;
  std::vector<PaymentHash> lost_before;
  std::vector<LateSettlement> late;  // that the last process did not finish, until the first step
  Rows<IncomingIndex, true> incoming;
  std::map<HtlcKey, Parked> parked;
  Due<HtlcKey> parked_due;  // give_up: of those in `parked`, after Started
  Rows<IssuedIndex> invoices;
  ReceiptWaiters receipt_waiters;
  Rows<ReleaseIndex> releases;
  MonoTime announce_on;  // announcements beyond kDuePerStep are due then
  std::map<PaymentId, std::vector<std::pair<RequestId, bool>>> waiters;  // request, wants terminal
  std::set<RequestId> pay_requests;                                      // of those: answers with the text of `pay`
  std::map<std::uint64_t, PaymentId> tags;                               // announcements under way
  std::map<std::uint64_t, PaymentId> pings;                              // to holding peers, by token
  std::map<std::uint64_t, std::uint64_t> release_tags;                   // answers on their way: ReleaseDue::sequence
  bool any_usable = false;                                               // of our channels
  std::optional<MonoTime> all_usable_by;  // releases wait for the other channels until then
  std::uint64_t next_tag = 1;
  std::uint64_t next_release = 1;
};

struct Work : WorkOn<Payments::Inside> {
  void ask(std::vector<Read> reads, Asked what) { state.questions.ask(out, std::move(reads), std::move(what)); }
};

}  // namespace doze::payment
