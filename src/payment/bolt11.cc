#include "payment/bolt11.h"

#include <algorithm>

#include "offers/bolt11.h"
#include "onion/payment_onion.h"
#include "payment/answers.h"
#include "payment/routing.h"
#include "payment/sending.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

offers::Bolt11Invoice invoice_of(const Outgoing& payment) {
  auto invoice = offers::Bolt11Invoice::parse(payment.offer);
  LN_ASSERT(invoice.has_value());  // it was read before it was stored
  return *std::move(invoice);
}

/// Paying a hash twice: hops that know its preimage would keep the money.
std::optional<std::string> paid_before(Work& work, const PaymentHash& hash) {
  for (const auto& id : paid_with(work, hash)) {
    auto other = work.state.outgoing.at(id);
    if (other.settled()) return "this invoice is already paid: see getpayment " + id.hex();
    if (!other.over()) return "this invoice is being paid: see getpayment " + id.hex();
  }
  return std::nullopt;
}

struct CannotStart {
  CommandErrorCode code = CommandErrorCode::BadRequest;
  std::string why;
};

std::optional<CannotStart> cannot_start(Work& work, const command::Pay& command, const offers::Bolt11Invoice& invoice) {
  const auto& context = work.context;
  if (command.quantity || command.payer_note)
    return CannotStart{CommandErrorCode::BadRequest, "quantity, payer_note: not possible for a BOLT 11 invoice"};
  if (command.hold.value_or(false))
    return CannotStart{CommandErrorCode::BadRequest, "hold: a BOLT 11 invoice cannot be held for a sleeping recipient"};
  if (invoice.payee() == context.signer.node_id())
    return CannotStart{CommandErrorCode::BadRequest, "this is our own invoice: give it to the payer"};
  if (auto before = paid_before(work, invoice.payment_hash())) return CannotStart{CommandErrorCode::Refused, *before};
  if (auto refusal = offers::cannot_pay(invoice, context.config.network, context.wall, command.amount))
    return CannotStart{
        refusal->code == offers::RefusalCode::Expired ? CommandErrorCode::Expired : CommandErrorCode::BadRequest,
        refusal->code == offers::RefusalCode::Expired
            ? "the invoice expired at " + time_text(invoice.expires_at()) + ": ask for a new one"
            : refusal->text()};
  if (invoice.min_final_cltv_expiry_delta() > kMaxTotalDelta)
    return CannotStart{CommandErrorCode::BadRequest,
                       "the invoice asks for " + std::to_string(invoice.min_final_cltv_expiry_delta().value()) +
                           " blocks of final delta: " + std::to_string(kMaxTotalDelta.value()) + " at most"};
  if (context.views.channel_index.normal() == 0)
    return CannotStart{CommandErrorCode::NotReady, "no open channel: see openchannel and listchannels"};
  return std::nullopt;
}

onion::FinalPayload final_payload(const Outgoing& payment, const offers::Bolt11Invoice& invoice, CltvExpiry expiry) {
  onion::FinalPayload out;
  out.amt_to_forward = payment.amount;
  out.outgoing_cltv_value = expiry;
  out.total_amount_msat = payment.amount;  // [B4-mpp-01]
  out.payment_secret = invoice.payment_secret();
  out.payment_metadata = invoice.metadata();
  return out;
}

/// The invoice's ways, without those over a channel that failed already.
std::vector<std::vector<graph::HintHop>> hints_of(const Outgoing& payment, const offers::Bolt11Invoice& invoice) {
  std::vector<std::vector<graph::HintHop>> out;
  for (const auto& hint : invoice.route_hints()) {
    bool failed = std::any_of(hint.hops.begin(), hint.hops.end(),
                              [&](const auto& hop) { return payment.excluded_scids.contains(hop.short_channel_id); });
    if (failed) continue;
    auto& way = out.emplace_back();
    for (const auto& hop : hint.hops) {
      way.push_back({hop.node_id, hop.short_channel_id, Msat(hop.fee_base_msat), hop.fee_proportional_millionths,
                     CltvDelta(hop.cltv_expiry_delta)});
      auto told = payment.told_updates.find(hop.short_channel_id);
      if (told == payment.told_updates.end()) continue;
      const auto& update = told->second;
      way.back() = {hop.node_id, hop.short_channel_id, Msat(update.fee_base_msat), update.fee_proportional_millionths,
                    CltvDelta(update.cltv_expiry_delta)};
    }
  }
  return out;
}

}  // namespace

CltvExpiry bolt11_final_expiry(const Context& context, const Outgoing& payment) {
  return context.tip + (invoice_of(payment).min_final_cltv_expiry_delta() + kBlocksOnTheWay);
}

bool learn_update(Outgoing& payment, const wire::ChannelUpdate& update, ShortChannelId failed) {
  constexpr std::uint8_t kDisabled = 2;
  if (update.short_channel_id != failed || (update.channel_flags & kDisabled) != 0) return false;
  auto invoice = invoice_of(payment);
  for (const auto& hint : invoice.route_hints())
    for (const auto& hop : hint.hops)
      if (hop.short_channel_id == failed) return payment.told_updates.emplace(failed, update).second;  // [B4-orig-05]
  return false;
}

void start_bolt11(Work& work, RequestId request, const command::Pay& command, const std::string& text) {
  const auto& context = work.context;
  auto refuse = [&](CommandErrorCode code, std::string why) {
    work.say(Reply{request, CommandError{code, std::move(why), {}}});
  };
  auto invoice = offers::Bolt11Invoice::parse(text);
  if (!invoice)
    return refuse(CommandErrorCode::BadRequest,
                  "offer: not a valid BOLT 11 invoice: " + doze::describe(invoice.error()));
  if (auto refusal = cannot_start(work, command, *invoice)) return refuse(refusal->code, refusal->why);
  Outgoing payment;
  payment.id = context.rng.id<PaymentId>();
  payment.is_bolt11 = true;
  payment.offer = invoice->text();
  payment.amount = command.amount ? *command.amount : *invoice->amount();
  payment.max_fee = command.max_fee.value_or(default_max_fee(context.config, payment.amount));
  payment.created_at = context.wall;
  payment.payment_hash = invoice->payment_hash();
  remember_key(command, payment);
  work.state.waiters[payment.id].emplace_back(request, false);
  work.state.pay_requests.insert(request);
  send_htlc(work, work.state.outgoing.add(std::move(payment)), HoldFlag::No);
}

Result<Prepared, RouteError> prepare_bolt11(const Context& context, const Outgoing& payment, CltvExpiry final_expiry) {
  auto invoice = invoice_of(payment);
  auto last = onion::with_length(onion::encode(final_payload(payment, invoice, final_expiry)));
  auto hops_allowed = room_for_hops(onion::room_of(last));
  auto request = route_request(context, payment, final_expiry, false);
  request.destination = graph::PlainDestination{invoice.payee(), hints_of(payment, invoice)};
  request.max_hops = std::min(graph::kMaxRouteHops, hops_allowed);
  auto route = graph::find_route(context.views.graph, request);
  if (!route) return fail(route_error(route.error()));
  Prepared out;
  auto hops = ordinary_hops(*route, out.onion);
  hops.push_back({invoice.payee(), std::move(last)});
  LN_TRY(packet, build_packet(context, payment, hops, out.onion));
  out.packet = std::move(packet);
  out.channel_id = request.channels[route->channel].channel_id;
  out.amount = route->amount_msat;
  out.cltv_expiry = route->cltv_expiry;
  out.next_expiry = route->hops[0].outgoing_cltv_value;
  return out;
}

}  // namespace doze::payment
