#include "paths/own_paths.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "effects/limits.h"
#include "onion/own_path.h"

namespace doze {
namespace {

/// Peers at which a message path to us can begin, best first: strangers can dial those that are announced with an
/// address.
std::vector<NodeId> starting_peers(const Context& context) {
  std::vector<NodeId> reachable, others;
  for (const auto& [id, peer] : context.views.peers) {
    if (!peer.onion_messages()) continue;
    const auto* node = context.views.graph.node(id);
    bool dialable = node != nullptr && node->announced && !node->announced->addresses.empty();
    (dialable ? reachable : others).push_back(id);
  }
  auto has_channel = [&](const NodeId& id) { return !context.views.channel_index.with(id).empty(); };
  std::stable_partition(reachable.begin(), reachable.end(), has_channel);
  std::stable_partition(others.begin(), others.end(), has_channel);
  reachable.insert(reachable.end(), others.begin(), others.end());
  return reachable;
}

CltvExpiry plus(CltvExpiry expiry, CltvDelta delta) {
  return expiry.value() > UINT32_MAX - delta.value() ? CltvExpiry(UINT32_MAX) : expiry + delta;
}

std::optional<PaymentPath> path_over(const Context& context, const ChannelView& channel, const ChannelPolicy& policy,
                                     ByteView path_id, CltvExpiry max_cltv_expiry) {
  auto scid = channel.remote_alias ? channel.remote_alias : channel.scid;
  if (!scid) return std::nullopt;
  onion::PaymentRelay relay{policy.cltv_expiry_delta, policy.fee_proportional_millionths, policy.fee_base};
  auto payinfo = onion::aggregate({relay}, kFinalCltvDelta);  // [B12-inv-11]
  if (!payinfo) return std::nullopt;
  payinfo->htlc_minimum_msat = policy.htlc_minimum;
  payinfo->htlc_maximum_msat = policy.htlc_maximum;
  onion::RecipientData first, last;                                                                    // [B4-path-05]
  first.short_channel_id = scid;                                                                       // [B4-path-03]
  first.payment_relay = relay;                                                                         // [B4-path-02]
  first.payment_constraints = {plus(max_cltv_expiry, policy.cltv_expiry_delta), policy.htlc_minimum};  // [B4-path-04]
  last.path_id = to_bytes(path_id);
  last.payment_constraints = {max_cltv_expiry, policy.htlc_minimum};
  auto path = onion::blind(fresh_key(context.rng),  // [B4-path-01]
                           {{channel.peer, onion::encode(first)}, {context.signer.node_id(), onion::encode(last)}},
                           own_node(context.signer));
  if (!path) return std::nullopt;
  return PaymentPath{*std::move(path), *std::move(payinfo)};
}

/// The first `most` bytes, or fewer if a character would be cut.
std::string_view cut_text(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<std::uint8_t>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

/// Version 1 is that of 4887d87; version 2 may have a quantity and a note at its end.
constexpr std::uint8_t kPaymentContextVersion = 1, kPaymentContextWithNote = 2;

}  // namespace

onion::OwnNode own_node(const Signer& signer) {
  onion::OwnNode out(signer.node_id());
  out.key_times = [&signer](ByteView scalar) { return signer.node_key_times(scalar); };
  return out;
}

onion::TweakedEcdh own_ecdh(const Signer& signer) {
  return [&signer](const PublicKey& point, const Hash32* tweak) {
    return tweak == nullptr ? signer.node_ecdh(point) : signer.node_ecdh_tweaked(point, tweak->view());
  };
}

PrivateKey fresh_key(Rng& rng) {  // [B4-blind-02]
  for (;;) {
    auto bytes = rng.secret<Secret>();
    if (auto key = crypto::parse_private_key(bytes.reveal())) return *key;
  }
}

std::vector<wire::BlindedPath> message_paths_to_self(const Context& context, ByteView path_id, std::size_t count,
                                                     const std::optional<NodeId>& through) {
  std::vector<wire::BlindedPath> paths;
  if (context.config.role == Role::Server && !through) {
    if (auto path = onion::path_to_self(fresh_key(context.rng), own_node(context.signer), path_id))
      paths.push_back(*std::move(path));
    return paths;
  }
  auto peers = starting_peers(context);
  if (through) std::erase_if(peers, [&](const NodeId& id) { return id != *through; });
  if (peers.empty()) return paths;
  for (std::size_t i = 0; i < count; ++i)
    if (auto path = onion::path_through_peer(fresh_key(context.rng), peers[i % peers.size()], own_node(context.signer),
                                             path_id))
      paths.push_back(*std::move(path));
  return paths;
}

std::vector<offers::bolt11::RouteHint> route_hints_to_self(const Context& context, std::size_t count,  // [B2-ready-08]
                                                           std::optional<Msat> amount) {
  std::vector<offers::bolt11::RouteHint> hints;
  for (const auto& [id, channel] : context.views.channels) {
    if (hints.size() == count) break;
    auto scid = channel.remote_alias ? channel.remote_alias : channel.scid;
    auto policy = context.views.policies.find(id);
    if (!channel.usable || !scid || (amount && channel.receivable < *amount)) continue;
    if (policy == context.views.policies.end() || !policy->second.remote || policy->second.remote->disabled) continue;
    const auto& remote = *policy->second.remote;
    // channel_update has these widths on the wire.
    hints.push_back(
        {{{channel.peer, *scid, static_cast<std::uint32_t>(remote.fee_base.value()), remote.fee_proportional_millionths,
           static_cast<std::uint16_t>(remote.cltv_expiry_delta.value())}}});
  }
  return hints;
}

std::vector<PaymentPath> payment_paths_to_self(const Context& context, ByteView path_id, std::size_t count,
                                               CltvExpiry max_cltv_expiry, std::optional<Msat> amount) {
  std::vector<PaymentPath> paths;
  for (const auto& [id, channel] : context.views.channels) {
    if (paths.size() == count) break;
    if (!channel.usable || (amount && channel.receivable < *amount)) continue;
    auto policy = context.views.policies.find(id);
    if (policy == context.views.policies.end() || !policy->second.remote || policy->second.remote->disabled) continue;
    if (auto path = path_over(context, channel, *policy->second.remote, path_id, max_cltv_expiry))
      paths.push_back(*std::move(path));
  }
  return paths;
}

bool has_public_channel(const Context& context) {
  return std::any_of(context.views.channels.begin(), context.views.channels.end(), [&](const auto& entry) {
    const auto& channel = entry.second;
    return channel.announced && channel.phase == ChannelPhase::Normal && channel.scid &&
           context.views.graph.channel(*channel.scid) != nullptr;
  });
}

std::optional<PaymentPath> payment_path_of_public_node(const Context& context, ByteView path_id,
                                                       CltvExpiry max_cltv_expiry, Msat amount) {
  if (!has_public_channel(context)) return std::nullopt;
  Msat largest{0};
  for (const auto& [id, channel] : context.views.channels)
    if (channel.usable && channel.receivable >= amount) largest = std::max(largest, to_msat(channel.capacity));
  if (largest == Msat(0)) return std::nullopt;
  onion::RecipientData last;
  last.path_id = to_bytes(path_id);
  last.payment_constraints = {max_cltv_expiry, Msat(0)};
  auto payinfo = onion::aggregate({}, kFinalCltvDelta);
  auto path =
      onion::blind(fresh_key(context.rng), {{context.signer.node_id(), onion::encode(last)}}, own_node(context.signer));
  if (!payinfo || !path) return std::nullopt;
  payinfo->htlc_maximum_msat = largest;
  return PaymentPath{*std::move(path), *std::move(payinfo)};
}

Bytes seal(const Signer& signer, const PaymentContext& payment) {
  Writer data;
  data.u8(kPaymentContextWithNote)
      .u8(static_cast<std::uint8_t>(payment.kind))
      .bytes(payment.offer_id.view())
      .u64(payment.expiry.value())
      .u64(payment.amount.value())
      .bytes(payment.nonce);
  // Without quantity and note it is as short as version 1: payment onions have little room.
  if (payment.quantity || !payment.payer_note.empty())
    data.u64(payment.quantity.value_or(0)).bytes(bytes_of(cut_text(payment.payer_note, kCarriedNoteBytes)));
  return onion::seal_context(signer.secret(SecretUse::PaymentContext), kPaymentContextVersion, data.view());
}

std::optional<PaymentContext> open_payment_context(const Signer& signer, ByteView path_id) {
  auto data = onion::open_context(signer.secret(SecretUse::PaymentContext), kPaymentContextVersion, path_id);
  if (!data) return std::nullopt;
  Reader in(*data);
  PaymentContext out;
  auto version = in.u8();
  if (version != kPaymentContextVersion && version != kPaymentContextWithNote) return std::nullopt;
  auto kind = in.u8();
  if (kind != 1 && kind != 2) return std::nullopt;
  out.kind = static_cast<PaymentContext::Kind>(kind);
  out.offer_id.bytes = in.array<32>();
  out.expiry = UnixTime(in.u64());
  out.amount = Msat(in.u64());
  out.nonce = in.array<16>();
  if (version == kPaymentContextWithNote && in.remaining() != 0) {
    if (auto quantity = in.u64(); quantity != 0) out.quantity = quantity;
    auto note = in.bytes(in.remaining());
    out.payer_note.assign(note.begin(), note.end());
  }
  if (!in.done()) return std::nullopt;
  return out;
}

Preimage invoice_preimage(const Signer& signer, const std::array<std::uint8_t, 16>& nonce) {
  return Preimage(crypto::hmac_sha256(signer.secret(SecretUse::InvoicePreimage).reveal(), nonce).bytes);
}

Bytes seal(const Signer& signer, PathPurpose purpose, ByteView data) {
  return onion::seal_context(signer.secret(SecretUse::PathContext), static_cast<std::uint8_t>(purpose), data);
}

std::optional<Bytes> open(const Signer& signer, PathPurpose purpose, ByteView path_id) {
  return onion::open_context(signer.secret(SecretUse::PathContext), static_cast<std::uint8_t>(purpose), path_id);
}

}  // namespace doze
