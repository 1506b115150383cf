#include "payment/routing.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "effects/limits.h"
#include "offers/invoice.h"
#include "offers/static_invoice.h"
#include "onion/htlc_onion.h"
#include "onion/route_blinding.h"
#include "paths/own_paths.h"

namespace doze::payment {

DecodedFailure decode_failure(const SentOnion& sent, ByteView reason) {
  auto secrets = onion::shared_secrets(sent.session_key, sent.hops);
  auto failure = onion::decode_failure(secrets, reason);
  if (!failure) return {std::nullopt, 0, "a failure was returned that no hop of the route made"};
  return {failure->hop, failure->code,
          std::string(onion::failure_name(failure->code)) + " from hop " + std::to_string(failure->hop + 1) + " of " +
              std::to_string(sent.hops.size()),
          failure->data};
}

DecodedFailure failure_of(const SentOnion& onion, const FailReason& reason) {
  return std::visit(
      Overloaded{[&](const Bytes& encrypted) { return decode_failure(onion, encrypted); },
                 [](const MalformedReason& malformed) {
                   return DecodedFailure{0, malformed.failure_code, "the peer could not read the onion", {}};
                 },
                 [](const OnChainReason&) {
                   return DecodedFailure{std::nullopt, 0, "the channel was closed on chain", {}};
                 }},
      reason);
}

std::optional<wire::ChannelUpdate> update_in(const DecodedFailure& failure) {
  if ((failure.code & onion::kUpdate) == 0) return std::nullopt;
  Reader in(failure.data);
  if (failure.code == onion::kAmountBelowMinimum || failure.code == onion::kFeeInsufficient) in.u64();
  if (failure.code == onion::kIncorrectCltvExpiry) in.u32();
  if (failure.code == onion::kChannelDisabled) in.u16();
  auto raw = to_bytes(in.bytes(in.u16()));
  if (!in.ok() || raw.size() < 2) return std::nullopt;
  // Some nodes leave out the message's type.
  constexpr std::uint16_t kType = 258;
  if (Reader(raw).u16() != kType) raw = Writer().u16(kType).bytes(raw).take();
  auto message = wire::decode(raw);
  const auto* update = message ? std::get_if<wire::ChannelUpdate>(&*message) : nullptr;
  return update == nullptr ? std::nullopt : std::optional(*update);
}

// ---- ours ----

namespace {

struct Target {
  wire::BlindedPath path;
  wire::BlindedPayInfo payinfo;
};

struct Invoice {
  std::vector<Target> targets;
  Profile profile = Profile::Ldk;
};

Result<Invoice, RouteError> read_invoice(const Outgoing& payment) {
  auto unreadable = [] { return fail(RouteError{CommandErrorCode::Internal, "the stored invoice does not parse"}); };
  Invoice out;
  if (payment.is_static) {
    auto invoice = offers::StaticInvoice::parse(payment.invoice, offers::Checks::Stored);
    if (!invoice) return unreadable();
    // It was read without looking at the keys of paths. One that cannot be announced would be held in vain.
    const auto& mail = invoice->message_paths();
    const auto& ways = invoice->payment_paths();
    for (const auto& way : ways)
      if (offers::on_the_curve(way.path)) out.targets.push_back({way.path, way.payinfo});
    if ((out.targets.empty() && !ways.empty()) || std::none_of(mail.begin(), mail.end(), offers::on_the_curve))
      return fail(RouteError{CommandErrorCode::NoRoute, "the static invoice has no path with valid points"});
    out.profile = invoice->profile();
  } else {
    auto invoice = offers::Invoice::parse(payment.invoice);
    if (!invoice) return unreadable();
    for (const auto& way : invoice->payment_paths()) out.targets.push_back({way.path, way.payinfo});
  }
  return out;
}

onion::FinalPayload final_payload(const Outgoing& payment, Profile profile, CltvExpiry expiry, Bytes recipient_data) {
  onion::FinalPayload out;
  out.amt_to_forward = payment.amount;  // [B4-write-09]
  out.outgoing_cltv_value = expiry;
  out.total_amount_msat = payment.amount;  // [B4-write-02]
  out.encrypted_recipient_data = std::move(recipient_data);
  // [AP-onion-04]
  if (payment.is_static) {
    out.invoice_request = payment.invoice_request;  // [AP-onion-03]
    out.invoice_request_profile = profile;
    out.payment_preimage = payment.preimage;  // [AP-onion-01]
  }
  return out;
}

std::optional<Profile> link_profile(const Context& context, const NodeId& peer) {
  auto it = context.views.peers.find(peer);
  if (it == context.views.peers.end()) return std::nullopt;
  if (context.config.offers_ldk_hold && it->second.holds(Profile::Ldk)) return Profile::Ldk;
  if (context.config.offers_draft_hold && it->second.holds(Profile::Draft)) return Profile::Draft;
  return std::nullopt;
}

ShortChannelId local_name(const ChannelView& channel) {
  return channel.scid.value_or(channel.local_alias.value_or(ShortChannelId(0)));
}

CommandErrorCode error_code(graph::RouteFailureCode code) {
  switch (code) {
    case graph::RouteFailureCode::InsufficientBalance:
      return CommandErrorCode::InsufficientFunds;
    case graph::RouteFailureCode::NoUsableChannel:
      return CommandErrorCode::NotReady;
    default:
      return CommandErrorCode::NoRoute;
  }
}

/// A path whose introduction node is ourselves: our own hop is unwrapped and the next node is our peer. What is behind
/// that one, dummy hops perhaps, is its business.
std::optional<Prepared> prepare_from_ourselves(const Context& context, const Outgoing& payment, const Target& target,
                                               Profile profile, CltvExpiry final_expiry) {
  const auto& path = target.path;
  if (path.path.size() < 2 || !crypto::is_valid(path.first_path_key)) return std::nullopt;
  auto ecdh = [&](const PublicKey& point) { return context.signer.node_ecdh(point); };
  auto opened = onion::unblind(path.first_path_key, path.path[0].encrypted_recipient_data, ecdh);
  if (!opened) return std::nullopt;
  auto data = onion::decode_recipient_data(opened->data);
  if (!data || !data->payment_relay || data->names_next_twice()) return std::nullopt;  // [B4-read-08]
  const ChannelView* channel = nullptr;
  if (data->short_channel_id) channel = context.views.channel_by_scid(*data->short_channel_id);
  if (data->next_node_id) channel = context.views.channel_to(*data->next_node_id);
  auto delta = target.payinfo.cltv_expiry_delta;
  if (channel == nullptr || !channel->usable || channel->spendable < payment.amount ||
      payment.excluded_channels.contains(channel->channel_id) || delta < data->payment_relay->cltv_expiry_delta.value())
    return std::nullopt;
  Prepared out;
  out.channel_id = channel->channel_id;
  out.amount = payment.amount;
  out.cltv_expiry = final_expiry + CltvDelta(delta - data->payment_relay->cltv_expiry_delta.value());
  // As every route: nobody may ask us to lock the amount for longer.
  if (out.cltv_expiry > context.tip + kMaxTotalDelta || payment.amount < target.payinfo.htlc_minimum_msat ||
      payment.amount > target.payinfo.htlc_maximum_msat)
    return std::nullopt;
  out.next_expiry = out.cltv_expiry;
  out.path_key = opened->next_path_key(*data);
  auto hops =
      onion::blinded_hops(path, 1, path.path[1].blinded_node_id, std::nullopt,
                          final_payload(payment, profile, final_expiry, path.path.back().encrypted_recipient_data));
  out.onion.session_key = fresh_key(context.rng);
  auto packet = onion::build_packet(out.onion.session_key, hops, payment.payment_hash->view(), onion::kPaymentPayloads);
  if (!packet) return std::nullopt;
  out.packet = *std::move(packet);
  out.onion.hops = {hops[0].node_id};
  out.onion.scids = {local_name(*channel)};
  return out;
}

/// Bytes of the longest blinded tail.
std::size_t tail_bytes(const Outgoing& payment, const Invoice& invoice) {
  std::size_t tail = 0;
  for (const auto& target : invoice.targets) {
    std::size_t size = 0;
    auto last = final_payload(payment, invoice.profile, CltvExpiry(UINT32_MAX),
                              target.path.path.back().encrypted_recipient_data);
    for (const auto& hop :
         onion::blinded_hops(target.path, 0, target.path.first_path_key, target.path.first_path_key, last))
      size += onion::room_of(hop.payload);
    tail = std::max(tail, size);
  }
  return tail;
}

}  // namespace

std::size_t room_for_hops(std::size_t tail_bytes) {
  constexpr std::size_t kOrdinaryHop = 1 + 2 + 8 + 2 + 4 + 2 + 8 + 32;  // length, three records, HMAC
  return tail_bytes > onion::kPaymentPayloads ? 0 : 1 + (onion::kPaymentPayloads - tail_bytes) / kOrdinaryHop;
}

graph::RouteRequest route_request(const Context& context, const Outgoing& payment, CltvExpiry final_expiry, bool hold) {
  graph::RouteRequest request;
  request.local_node_id = context.signer.node_id();
  for (const auto& [id, channel] : context.views.channels) {
    if (!channel.usable || payment.excluded_channels.contains(id)) continue;
    if (hold && !link_profile(context, channel.peer)) continue;
    request.channels.push_back({id, local_name(channel), channel.peer, channel.spendable, channel.htlc_minimum_remote});
  }
  request.amount = payment.amount;
  request.final_cltv_expiry = final_expiry;
  request.max_fee = payment.max_fee;
  request.max_cltv_expiry = context.tip + kMaxTotalDelta;
  for (auto scid : payment.excluded_scids) {
    request.avoid.push_back({scid, 0, Msat(0)});
    request.avoid.push_back({scid, 1, Msat(0)});
  }
  return request;
}

RouteError route_error(const graph::RouteFailure& failure) {
  return {error_code(failure.code), graph::describe(failure)};
}

std::vector<onion::Hop> ordinary_hops(const graph::Route& route, SentOnion& sent) {
  std::vector<onion::Hop> hops;
  for (std::size_t i = 0; i + 1 < route.hops.size(); ++i) {
    const auto& hop = route.hops[i];
    hops.push_back({hop.node_id, onion::with_length(onion::encode(
                                     onion::ForwardPayload{hop.amt_to_forward, hop.outgoing_cltv_value,
                                                           hop.short_channel_id.value_or(ShortChannelId(0))}))});
  }
  for (const auto& hop : route.hops) sent.scids.push_back(hop.incoming);
  return hops;
}

Result<Bytes, RouteError> build_packet(const Context& context, const Outgoing& payment,
                                       const std::vector<onion::Hop>& hops, SentOnion& sent) {
  for (const auto& hop : hops) sent.hops.push_back(hop.node_id);
  sent.scids.resize(sent.hops.size());
  sent.session_key = fresh_key(context.rng);
  auto packet = onion::build_packet(sent.session_key, hops, payment.payment_hash->view(), onion::kPaymentPayloads);
  if (!packet)
    return fail(RouteError{CommandErrorCode::NoRoute, "the payment onion has no room for this route and request"});
  return *std::move(packet);
}

Result<Prepared, RouteError> prepare(const Context& context, const Outgoing& payment, CltvExpiry final_expiry,
                                     bool hold) {
  LN_ASSERT(payment.payment_hash.has_value());
  if (payment.is_bolt11) return prepare_bolt11(context, payment, final_expiry);
  LN_TRY(invoice, read_invoice(payment));
  auto hops_allowed = room_for_hops(tail_bytes(payment, invoice));
  if (hops_allowed == 0)
    return fail(RouteError{CommandErrorCode::NoRoute,
                           "the offer and the note are too long: the payment onion has no room for the request"});
  auto request = route_request(context, payment, final_expiry, hold);
  std::vector<graph::BlindedDestination> destinations;
  std::vector<const Target*> targets;
  for (const auto& target : invoice.targets) {
    auto introduction = context.views.graph.resolve(target.path.first_node_id);
    const auto* named = std::get_if<NodeId>(&target.path.first_node_id);
    if (introduction == request.local_node_id || (named != nullptr && *named == request.local_node_id)) {
      if (hold) continue;
      if (auto prepared = prepare_from_ourselves(context, payment, target, invoice.profile, final_expiry))
        return *std::move(prepared);
      continue;
    }
    destinations.push_back({target.path.first_node_id, target.payinfo});
    targets.push_back(&target);
  }
  request.destination = std::move(destinations);
  request.max_hops = std::min(graph::kMaxRouteHops, hops_allowed);
  auto route = graph::find_route(context.views.graph, request);
  if (!route) return fail(route_error(route.error()));

  const auto& target = *targets[route->blinded.value_or(0)];
  const auto& channel = request.channels[route->channel];
  Prepared out;
  auto hops = ordinary_hops(*route, out.onion);
  auto tail = onion::blinded_hops(  // [B4-blind-06]
      target.path, 0, route->hops.back().node_id, target.path.first_path_key,
      final_payload(payment, invoice.profile, final_expiry, target.path.path.back().encrypted_recipient_data));
  hops.insert(hops.end(), tail.begin(), tail.end());
  LN_TRY(packet, build_packet(context, payment, hops, out.onion));
  out.packet = std::move(packet);
  out.channel_id = channel.channel_id;
  out.amount = route->amount_msat;
  out.cltv_expiry = route->cltv_expiry;
  // Where our peer is the introduction node its outgoing HTLC is the recipient's: E and the final delta in payinfo.
  out.next_expiry = route->hops.size() > 1 ? route->hops[0].outgoing_cltv_value : final_expiry + kFinalCltvDelta;
  if (hold) out.link = link_profile(context, channel.peer);
  return out;
}

}  // namespace doze::payment
