// Rows of payments that we make. Version 4 has the state with its data and the list of attempts; 1 to 3 had one enum,
// flags, and the fields of the last attempt alone.
#include <algorithm>

#include "effects/record_io.h"
#include "offers/bolt11.h"
#include "offers/offer.h"
#include "offers/static_invoice.h"
#include "payment/ended.h"
#include "payment/limits.h"
#include "payment/records.h"

namespace doze::payment {

namespace {

constexpr std::uint8_t kVersion = 4;
/// A late preimage: far from the versions of payments, which share the table.
constexpr std::uint8_t kLateVersion = 128;

/// A state's number on disk.
enum class StateNumber : std::uint8_t {
  Fetching = 0,
  AwaitingChain = 1,
  AwaitingHolder = 2,
  Sending = 3,
  Committing = 4,
  Held = 5,
  Notified = 6,
  Online = 7,
  NotifiedOnline = 8,
  Settled = 9,
  Failed = 10,
  Expired = 11,
};
/// Of an attempt. One that is being offered has none: the answer comes in the same step.
enum class AttemptNumber : std::uint8_t { Offered = 1, Returned = 2, Claimed = 3 };
/// The states of versions 1 to 3.
enum class OldState : std::uint8_t {
  Fetching = 0,
  Sending = 1,
  Held = 2,
  Notified = 3,
  Releasing = 4,
  Settled = 5,
  Failed = 6,
  Expired = 7,
};

}  // namespace
}  // namespace doze::payment

namespace doze {
DOZE_ON_DISK(payment::StateNumber, Fetching, Expired)
DOZE_ON_DISK(payment::AttemptNumber, Offered, Claimed)
DOZE_ON_DISK(payment::OldState, Fetching, Expired)
}  // namespace doze

namespace doze::payment {

namespace {

bool is_live(const Attempt& attempt) {
  return std::holds_alternative<Offering>(attempt.state) || std::holds_alternative<Offered>(attempt.state);
}

// ---- writing ----

void put_key(RecordWriter& out, const HtlcKey& key) {
  out.all(key.channel_id, key.htlc_id);
}
void put_attempt(RecordWriter& out, const Attempt& attempt) {
  out.all(attempt.part, attempt.sent, attempt.final_expiry, attempt.htlc_expiry, attempt.hold.has_value());
  if (attempt.hold) out.all(attempt.hold->release_deadline, attempt.hold->fail_back);
  std::visit(Overloaded{[&](const Offering&) { out.all(AttemptNumber::Returned, false, std::string()); },
                        [&](const Offered& offered) {
                          out.put(AttemptNumber::Offered);
                          put_key(out, offered.htlc);
                          out.all(offered.onion.session_key, offered.onion.hops, offered.onion.scids);
                        },
                        [&](const Returned& returned) {
                          out.all(AttemptNumber::Returned, returned.htlc.has_value());
                          if (returned.htlc) put_key(out, *returned.htlc);
                          out.put(returned.failure);
                        },
                        [&](const Claimed& claimed) {
                          out.put(AttemptNumber::Claimed);
                          put_key(out, claimed.htlc);
                        }},
             attempt.state);
}
void put_unpaid(RecordWriter& out, StateNumber number, const Unpaid& unpaid) {
  out.all(number, unpaid.ended_at, unpaid.failure, unpaid.code);
}
/// `offering`: the HTLC is not in a channel yet. A process that ends then waits again.
void put_state(RecordWriter& out, const State& state, bool offering) {
  std::visit(Overloaded{
                 [&](const Fetching&) { out.put(StateNumber::Fetching); },
                 [&](const AwaitingChain&) { out.put(StateNumber::AwaitingChain); },
                 [&](const AwaitingHolder&) { out.put(StateNumber::AwaitingHolder); },
                 [&](const Sending&) { out.put(offering ? StateNumber::AwaitingChain : StateNumber::Sending); },
                 [&](const Committing& in) {
                   if (offering)
                     out.put(StateNumber::AwaitingHolder);
                   else
                     out.all(StateNumber::Committing, in.release_paths);
                 },
                 [&](const Held& in) { out.all(StateNumber::Held, in.hold.release_paths); },
                 [&](const Notified& in) { out.all(StateNumber::Notified, in.hold.release_paths); },
                 [&](const Online&) { out.put(StateNumber::Online); },
                 [&](const NotifiedOnline&) { out.put(StateNumber::NotifiedOnline); },
                 [&](const Settled& in) { out.all(StateNumber::Settled, in.ended_at); },
                 [&](const Failed& in) { put_unpaid(out, StateNumber::Failed, in.why); },
                 [&](const Expired& in) { put_unpaid(out, StateNumber::Expired, in.why); },
             },
             state);
}

// ---- reading ----

HtlcKey get_key(RecordReader& in) {
  HtlcKey key;
  in.all(key.channel_id, key.htlc_id);
  return key;
}
std::optional<HtlcKey> get_optional_key(RecordReader& in) {
  bool has = false;
  in.get(has);
  return has ? std::optional(get_key(in)) : std::nullopt;
}
SentOnion get_onion(RecordReader& in) {
  SentOnion onion;
  in.all(onion.session_key, onion.hops, onion.scids);
  return onion;
}
Attempt get_attempt(RecordReader& in) {
  Attempt out;
  bool hold = false;
  in.all(out.part, out.sent, out.final_expiry, out.htlc_expiry, hold);
  if (hold) {
    auto& terms = out.hold.emplace();
    in.all(terms.release_deadline, terms.fail_back);
  }
  auto number = AttemptNumber::Offered;
  in.get(number);
  switch (number) {
    case AttemptNumber::Offered: {
      auto key = get_key(in);
      out.state = Offered{key, get_onion(in)};
      break;
    }
    case AttemptNumber::Returned: {
      Returned returned;
      returned.htlc = get_optional_key(in);
      in.get(returned.failure);
      out.state = std::move(returned);
      break;
    }
    case AttemptNumber::Claimed:
      out.state = Claimed{get_key(in)};
      break;
  }
  return out;
}
std::vector<wire::BlindedPath> get_paths(RecordReader& in) {
  std::vector<wire::BlindedPath> paths;
  in.get(paths);
  return paths;
}
Unpaid get_unpaid(RecordReader& in) {
  Unpaid out;
  in.all(out.ended_at, out.failure, out.code);
  return out;
}
State get_state(RecordReader& in) {
  auto number = StateNumber::Fetching;
  in.get(number);
  switch (number) {
    case StateNumber::Fetching:
      return Fetching{};
    case StateNumber::AwaitingChain:
      return AwaitingChain{};
    case StateNumber::AwaitingHolder:
      return AwaitingHolder{};
    case StateNumber::Sending:
      return Sending{};
    case StateNumber::Committing:
      return Committing{get_paths(in)};
    case StateNumber::Held:
      return Held{{get_paths(in)}};
    case StateNumber::Notified:
      return Notified{{get_paths(in)}};
    case StateNumber::Online:
      return Online{};
    case StateNumber::NotifiedOnline:
      return NotifiedOnline{};
    case StateNumber::Settled: {
      Settled settled;
      in.get(settled.ended_at);
      return settled;
    }
    case StateNumber::Failed:
      return Failed{get_unpaid(in)};
    case StateNumber::Expired:
      return Expired{get_unpaid(in)};
  }
  in.refuse();
  return Fetching{};
}

/// The fields of version 4 before attempts and state, for reading and writing alike.
template <class Io, class T>
void fields(Io& io, T& p) {
  io.all(p.id, p.offer, p.amount, p.max_fee, p.quantity, p.payer_note, p.wants_hold, p.must_hold, p.created_at,
         p.is_static, p.is_bolt11, p.invoice, p.invoice_request, p.preimage, p.payment_hash, p.idempotency_key,
         p.command_digest);
}

// ---- versions 1 to 3 ----

struct OldFields {
  OldState state = OldState::Fetching;
  UnixTime ended_at;
  bool held = false, committed = false;
  Msat sent;
  CltvExpiry final_expiry, htlc_expiry;
  HoldTerms terms;
  std::vector<wire::BlindedPath> release_paths;
  std::uint32_t attempts = 0;
  std::string failure, last_failure;
  CommandErrorCode failure_code = CommandErrorCode::PaymentFailed;
  std::optional<HtlcKey> htlc;
  std::optional<SentOnion> onion;

  [[nodiscard]] bool over() const { return state >= OldState::Settled; }
};

/// Of all but the last one nothing was noted but that they were.
std::vector<Attempt> attempts_of(const OldFields& old) {
  bool one = old.htlc || old.state == OldState::Settled;
  std::vector<Attempt> out(std::clamp<std::uint32_t>(old.attempts, one ? 1 : 0, kMaxAttempts));
  for (auto& attempt : out) attempt.state = Returned{};
  if (out.empty()) return out;
  auto& last = out.back();
  last.sent = old.sent;
  last.final_expiry = old.final_expiry;
  last.htlc_expiry = old.htlc_expiry;
  if (old.held) last.hold = old.terms;
  if (old.state == OldState::Settled)
    last.state = Claimed{old.htlc.value_or(HtlcKey{})};
  else if (old.htlc && old.over())
    last.state = Returned{old.htlc, ""};
  else if (old.htlc)
    last.state = Offered{*old.htlc, old.onion.value_or(SentOnion{})};
  auto returned = std::find_if(out.rbegin(), out.rend(),
                               [](const Attempt& attempt) { return std::holds_alternative<Returned>(attempt.state); });
  if (returned != out.rend()) std::get<Returned>(returned->state).failure = old.last_failure;
  return out;
}

State hold_of(OldFields& old) {
  if (!old.htlc) return AwaitingHolder{};
  if (!old.committed) return Committing{std::move(old.release_paths)};
  if (old.state == OldState::Held) return Held{{std::move(old.release_paths)}};
  return Notified{{std::move(old.release_paths)}};
}

State state_of(OldFields& old) {
  switch (old.state) {
    case OldState::Fetching:
      return Fetching{};
    case OldState::Sending:
    case OldState::Releasing:
      return old.htlc ? State(Sending{}) : State(AwaitingChain{});
    case OldState::Held:
      return old.held ? hold_of(old) : State(Online{});
    case OldState::Notified:
      return old.held ? hold_of(old) : State(NotifiedOnline{});
    case OldState::Settled:
      return Settled{old.ended_at};
    case OldState::Failed:
      return Failed{{old.ended_at, std::move(old.failure), old.failure_code}};
    case OldState::Expired:
      break;
  }
  return Expired{{old.ended_at, std::move(old.failure), old.failure_code}};
}

void read_old(RecordReader& in, Outgoing& p) {
  OldFields old;
  in.all(p.id, old.state, p.offer, p.amount, p.max_fee, p.quantity, p.payer_note, p.wants_hold, p.must_hold,
         p.created_at, old.ended_at, p.is_static, old.held, p.invoice, p.invoice_request, p.preimage, p.payment_hash,
         old.sent, old.final_expiry, old.terms.release_deadline, old.terms.fail_back, old.htlc_expiry,
         old.release_paths, old.committed, old.attempts, old.failure, old.failure_code);
  old.htlc = get_optional_key(in);
  bool has_onion = false;
  in.get(has_onion);
  if (has_onion) old.onion = get_onion(in);
  if (in.version() >= 2) in.get(p.is_bolt11);
  if (in.version() >= 3) in.all(old.last_failure, p.idempotency_key, p.command_digest);
  if (!in.ok()) return;
  p.attempts = attempts_of(old);
  p.state = state_of(old);
}

void read_new(RecordReader& in, Outgoing& p) {
  fields(in, p);
  std::uint32_t count = 0;
  in.get(count);
  for (; count > 0 && in.ok(); --count) p.attempts.push_back(get_attempt(in));
  p.state = get_state(in);
}

// ---- what a row must have ----

/// What announcing needs.
template <class S>
concept PaysStatic = OneOf<S, AwaitingHolder, Committing, Held, Notified, Online, NotifiedOnline>;

/// What an unfinished payment goes on with is there. One that is over was read before it was stored.
bool can_go_on(const Outgoing& p) {
  if (p.is_bolt11 && (p.is<Fetching>() || !p.payment_hash)) return false;
  if (p.over()) return true;
  if (p.is<Fetching>()) return offers::Offer::parse(p.offer).has_value();
  bool needs_static = std::visit([]<class S>(const S&) { return PaysStatic<S>; }, p.state);
  if (!p.payment_hash || (needs_static && !p.is_static)) return false;
  if (p.is_bolt11) return offers::Bolt11Invoice::parse(p.offer).has_value();
  return !p.is_static || offers::StaticInvoice::parse(p.invoice, offers::Checks::Stored).has_value();
}

/// One HTLC is in a channel, or none, as the state says.
bool attempts_fit(const Outgoing& p) {
  auto live = std::count_if(p.attempts.begin(), p.attempts.end(), is_live);
  return live == (std::visit([]<class S>(const S&) { return WithHtlc<S>; }, p.state) ? 1 : 0);
}

}  // namespace

Put record(const Outgoing& payment) {
  RecordWriter out(kVersion);
  fields(out, payment);
  bool offering = false;
  out.put(static_cast<std::uint32_t>(payment.attempts.size()));
  for (const auto& attempt : payment.attempts) {
    put_attempt(out, attempt);
    offering = offering || std::holds_alternative<Offering>(attempt.state);
  }
  put_state(out, payment.state, offering);
  return Put{Table::OutgoingPayment, to_bytes(payment.id.view()), out.take()};
}

Result<Outgoing, ParseError> read_outgoing(ByteView value) {
  RecordReader in(value);
  if (in.version() == 0 || in.version() > kVersion)
    return fail(ParseError{ParseCode::UnknownVersion, in.version(), "outgoing payment"});
  Outgoing out;
  if (in.version() < kVersion)
    read_old(in, out);
  else
    read_new(in, out);
  if (in.ok() && (!attempts_fit(out) || !can_go_on(out))) in.refuse();
  LN_CHECK(in.finish("outgoing payment"));
  return out;
}

Put record(const LateSettlement& late) {
  RecordWriter out(kLateVersion);
  out.all(late.id, part_of(late.word.origin), late.word.channel_id, late.word.htlc_id, late.word.preimage);
  return Put{Table::OutgoingPayment, to_bytes(late.id.view()), out.take()};
}

bool is_late(ByteView value) {
  return !value.empty() && value.front() == kLateVersion;
}

Result<LateSettlement, ParseError> read_late(ByteView value) {
  RecordReader in(value);
  if (!is_late(value)) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "late preimage"});
  LateSettlement out;
  LocalOrigin origin;
  in.all(out.id, origin.part, out.word.channel_id, out.word.htlc_id, out.word.preimage);
  origin.payment_id = out.id;
  out.word.origin = origin;
  LN_CHECK(in.finish("late preimage"));
  return out;
}

}  // namespace doze::payment
