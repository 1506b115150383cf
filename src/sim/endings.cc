#include "sim/endings.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "effects/limits.h"

namespace doze::sim {
namespace {

/// Limits of rooms that keep them to themselves, as their documentation has them.
constexpr std::uint64_t kInvoiceWaitMs = 60'000, kHolderWaitMs = 600'000;
constexpr std::uint32_t kMinOutgoingLeft = 9;
constexpr std::uint64_t kClientBlinkMs =
    5'000;  // longer for a client that was sent mail, which is not visible from outside

struct Case {
  const Checker& checker;
  const AsyncNetwork& network;
  [[nodiscard]] const SimNode& node(std::size_t index) const { return network.world->node(index); }
};

Ending unknown(const std::string& what) {
  return {false, "", what};
}

/// Confirmed if `holds`; reports both numbers in any case.
Ending compare(bool holds, const std::string& what, std::uint64_t value, std::uint64_t limit) {
  return {holds, what.substr(0, what.find(": ")),
          what + " " + std::to_string(value) + (holds ? ", limit " : ", but the limit is ") + std::to_string(limit)};
}

/// "2026-11-24T05:10:00Z" as simulated milliseconds.
std::uint64_t ms_of(const World& world, const std::string& text) {
  std::tm when{};
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%dZ", &when.tm_year, &when.tm_mon, &when.tm_mday, &when.tm_hour,
                  &when.tm_min, &when.tm_sec) != 6)
    return world.now().value();
  when.tm_year -= 1900;
  when.tm_mon -= 1;
  auto seconds = static_cast<std::uint64_t>(timegm(&when));
  auto zero = world.wall().value() - world.now().value() / 1000;
  return seconds > zero ? (seconds - zero) * 1000 : 0;
}

std::uint64_t started_before(const Case& in, std::size_t node, MonoTime before) {
  std::uint64_t started = 0;
  for (const auto& life : in.checker.lives(node))
    if (life.from <= before) started = life.from.value();
  return started;
}

/// Where a forwarder fails it back: its outgoing HTLC expires its delta earlier.
std::uint64_t fail_back_of(const Case& in, const SeenHtlc& htlc) {
  auto out = htlc.expiry.value() - in.node(htlc.receiver).config.fees.cltv_expiry_delta.value();
  return std::min(out - kFailBackOutgoing.value(), htlc.expiry.value() - kFailBackIncoming.value());
}

const SeenHtlc* offered_by(const Case& in, std::size_t node, const PaymentHash& hash) {
  const SeenHtlc* last = nullptr;
  for (const auto& [id, htlc] : in.checker.htlcs())
    if (id.offerer == node && htlc.payment_hash == hash && (last == nullptr || last->offered <= htlc.offered))
      last = &htlc;
  return last;
}

const SeenEvent* refusal_of(const Case& in, const SeenHtlc& htlc) {
  for (const auto& event : in.checker.events()) {
    if (event.node != htlc.receiver) continue;
    bool by_id = event.event == "hold_failed" || event.event == "forward_failed" || event.event == "htlc_refused";
    if (by_id && event.text("channel_id") == htlc.id.channel_id.hex() && event.number("htlc_id") == htlc.id.id)
      return &event;
    if (event.event == "payment_refused" && event.text("payment_hash") == htlc.payment_hash.hex()) return &event;
  }
  return nullptr;
}

Ending explain_client_offline(const Case& in, const SeenHtlc& htlc, const SeenEvent& event) {
  auto client = in.network.r;
  std::uint64_t heard = 0;
  for (auto [from, to] : {std::pair{client, htlc.receiver}, std::pair{htlc.receiver, client}})
    if (auto last = in.checker.last_heard(from, to, event.at)) heard = std::max(heard, last->value());
  auto silent = event.at.value() - heard;
  auto up = event.at.value() - started_before(in, htlc.receiver, event.at);
  if (up < kClientForwardWaitMs)
    return unknown("given up as offline " + std::to_string(up) + " ms after its own start");
  return compare(silent >= kClientBlinkMs, "the recipient was away for ms", silent, kClientBlinkMs);
}

Ending explain_htlc(const Case& in, const SeenHtlc& htlc) {
  const auto* event = refusal_of(in, htlc);
  if (event == nullptr) return unknown("nobody says why its HTLC failed");
  auto reason = event->text("reason");
  auto where = in.node(event->node).name + ", " + reason;
  std::uint64_t tip = event->tip.value();
  auto left = htlc.expiry.value() > tip ? htlc.expiry.value() - tip : 0;
  if (reason == "failed downstream") {
    const auto* next = offered_by(in, htlc.receiver, htlc.payment_hash);
    return next == nullptr ? unknown(where + ", but nothing was offered downstream") : explain_htlc(in, *next);
  }
  if (reason == "the deadline has passed" || reason == "no time left to hold it") {
    auto limit = fail_back_of(in, htlc);
    return compare(tip >= limit, where + ": height", tip, limit);
  }
  if (reason == "the client did not wake in time") {
    auto since = std::max(htlc.arrived.value_or(htlc.offered).value(), started_before(in, event->node, event->at));
    auto waited = event->at.value() - since;
    return compare(waited >= kClientBlinkMs, where + ": waited ms", waited, kClientBlinkMs);
  }
  if (reason == "the next peer is offline") return explain_client_offline(in, htlc, *event);
  if (reason == "expiry too soon") {
    auto delta = in.node(event->node).config.fees.cltv_expiry_delta.value();
    return compare(left < kMinOutgoingLeft + delta, where + ": blocks left", left, kMinOutgoingLeft + delta);
  }
  if (reason.starts_with("only ") && reason.find(" blocks left") != std::string::npos)
    return compare(left < kRecipientMargin.value(),
                   in.node(event->node).name + ", too late to claim safely: blocks left", left,
                   kRecipientMargin.value());
  return unknown(where + ": no documented limit");
}

Ending explain_end(const Case& in, const Value& payment, const SeenEvent& event) {
  auto failure = text_in(payment, "failure");
  auto created = ms_of(*in.network.world, text_in(payment, "created_at"));
  auto hash = PaymentHash::from(hex(text_in(payment, "payment_hash")));
  const auto* htlc = hash ? offered_by(in, event.node, *hash) : nullptr;
  if (failure.starts_with("no invoice within 60 seconds")) {
    auto waited = event.at.value() - std::max(created, started_before(in, event.node, event.at));
    return compare(htlc == nullptr && waited >= kInvoiceWaitMs, "no invoice: waited ms", waited, kInvoiceWaitMs);
  }
  if (failure.starts_with("interrupted before an invoice arrived")) {
    auto waited = event.at.value() - created;
    return compare(htlc == nullptr && waited >= kInvoiceWaitMs, "interrupted, no invoice: waited ms", waited,
                   kInvoiceWaitMs);
  }
  if (failure.starts_with("no channel peer that holds HTLCs came back")) {
    auto waited = event.at.value() - created;
    return compare(htlc == nullptr && waited >= kHolderWaitMs, "no holder: waited ms", waited, kHolderWaitMs);
  }
  if (htlc == nullptr) return unknown("no HTLC ever left: " + failure);
  auto ending = explain_htlc(in, *htlc);
  if (!ending.confirmed || text_in(payment, "state") != "expired") return ending;
  // E - 3, and E is behind the recipient's final delta and one delta of each forwarder.
  auto forwarders = in.network.l == in.network.m ? 1U : 2U;
  auto deltas = kFinalCltvDelta.value() + forwarders * in.node(in.network.l).config.fees.cltv_expiry_delta.value();
  auto deadline = htlc->expiry.value() - deltas - kReleaseDeadlineBlocks;
  auto late = compare(event.tip.value() >= deadline, "release deadline: height", event.tip.value(), deadline);
  return late.confirmed ? ending : late;
}

}  // namespace

Ending explain(const Checker& checker, const AsyncNetwork& network, const Value& payment) {
  Case in{checker, network};
  auto id = text_in(payment, "payment_id"), state = text_in(payment, "state");
  for (const auto& event : checker.events())
    if (event.node == network.s && event.event.name() == "payment_" + state && event.text("payment_id") == id)
      return explain_end(in, payment, event);
  return unknown("payment " + id.substr(0, 8) + " is " + state + ", but it was never reported");
}

}  // namespace doze::sim
