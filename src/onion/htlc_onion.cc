#include "onion/htlc_onion.h"

#include "crypto/crypto.h"
#include "onion/failures.h"
#include "onion/onion_message.h"
#include "onion/route_blinding.h"
#include "wire/tlv.h"

namespace doze::onion {

namespace {

constexpr std::uint64_t kPathKeyType = 12;  // current_path_key

struct OurNode {
  const NodeId& id;
  const TweakedEcdh& ecdh;
  BlockHeight height;
};

struct Peeling {
  const OurNode& us;
  const wire::UpdateAddHtlc& htlc;
  Hash32 onion_hash;
  SharedSecret shared_secret;
  std::optional<SharedSecret> path_secret;  // ECDH with the path key of update_add_htlc

  [[nodiscard]] bool through_path_key() const { return htlc.path_key.has_value(); }
  [[nodiscard]] PeelFailure malformed(std::uint16_t code, std::string why) const {
    return {true, code, onion_hash, {}, std::move(why)};
  }
  /// Behind the introduction node every failure is the same malformed one. The introduction node hides even that.
  [[nodiscard]] PeelFailure blinded(std::string why) const {
    if (through_path_key()) return malformed(kInvalidOnionBlinding, std::move(why));  // [B2-rem-06, B4-fail-01]
    return {false, 0, onion_hash, blinded_failure(shared_secret, onion_hash), std::move(why)};
  }
  [[nodiscard]] PeelFailure plain(std::uint16_t code, ByteView data, std::string why) const {
    return {false, code, onion_hash, own_failure(shared_secret, code, data), std::move(why)};
  }
};

/// `type`: of the wrong record; 0: the payload as a whole is wrong. BOLT 4, "Failure Messages".
PeelFailure invalid_payload(const Peeling& at, std::uint64_t type, std::string why) {
  Writer data;
  wire::write_bigsize(data, type);
  data.u16(0);
  return at.plain(kInvalidOnionPayload, data.view(), std::move(why));
}

Result<std::pair<RecipientData, Unblinded>, std::string> open_recipient_data(const Peeling& at,
                                                                             const PublicKey& path_key,
                                                                             ByteView encrypted) {
  auto ecdh = [&](const PublicKey& point) {
    return at.path_secret && point == at.htlc.path_key ? *at.path_secret : at.us.ecdh(point, nullptr);  // [B4-read-03]
  };
  if (!crypto::is_valid(path_key)) return fail(std::string("the path key is not a valid point"));
  auto opened = unblind(path_key, encrypted, ecdh);
  if (!opened) return fail(std::string("the recipient data is encrypted for another node"));  // [B4-read-05]
  auto data = decode_recipient_data(opened->data);
  if (!data) return fail("the recipient data does not parse: " + describe(data.error()));
  if (data->needs_features()) return fail(std::string("the path needs features that we do not know"));
  if (data->names_next_twice())  // [B4-read-08]
    return fail(std::string("the recipient data has both short_channel_id and next_node_id"));
  return std::pair(*std::move(data), *std::move(opened));
}

PeeledHtlc peel_blinded_forward(const Peeling& at, const BlindedForwardPayload& payload, Bytes next_packet) {
  auto path_key = payload.current_path_key ? payload.current_path_key : at.htlc.path_key;
  if (!path_key) return invalid_payload(at, kPathKeyType, "no path key");
  auto opened = open_recipient_data(at, *path_key, payload.encrypted_recipient_data);
  if (!opened) return at.blinded(opened.error());
  const auto& [data, unblinded] = *opened;

  if (!data.payment_relay) return at.blinded("no payment_relay");  // [B4-read-10]
  if (data.payment_constraints && (at.htlc.cltv_expiry > data.payment_constraints->max_cltv_expiry ||
                                   at.htlc.amount_msat < data.payment_constraints->htlc_minimum_msat))
    return at.blinded("outside the path's payment_constraints");  // [B4-read-06]
  auto relayed = relay(*data.payment_relay, at.htlc.amount_msat, at.htlc.cltv_expiry);
  if (!relayed) return at.blinded("the HTLC does not cover payment_relay");

  PeeledForward out;
  if (data.short_channel_id)
    out.next = *data.short_channel_id;
  else if (data.next_node_id)
    out.next = *data.next_node_id;
  else
    return at.blinded("no next hop");
  out.amt_to_forward = relayed->amount;
  out.outgoing_cltv_value = relayed->expiry;
  out.next_onion = std::move(next_packet);
  out.next_path_key = unblinded.next_path_key(data);  // [B4-blind-13]
  out.role = at.through_path_key() ? BlindedRole::Inside : BlindedRole::Introduction;
  out.shared_secret = at.shared_secret;
  out.sha256_of_onion = at.onion_hash;
  return out;
}

PeeledHtlc peel_final(const Peeling& at, const FinalPayload& payload) {
  if (!payload.encrypted_recipient_data && payload.payment_secret)
    // [B4-read-19]
    return PeeledPlain{payload.amt_to_forward, payload.total_amount_msat.value_or(payload.amt_to_forward),
                       payload.outgoing_cltv_value, *payload.payment_secret, at.shared_secret};
  if (!payload.encrypted_recipient_data) {
    Writer data;
    data.u64(at.htlc.amount_msat.value()).u32(at.us.height.value());
    return at.plain(kIncorrectOrUnknownPaymentDetails, data.view(),
                    "neither over a blinded path nor with a payment_secret");
  }

  auto path_key = payload.current_path_key ? payload.current_path_key : at.htlc.path_key;
  if (!path_key) return invalid_payload(at, kPathKeyType, "no path key");
  auto opened = open_recipient_data(at, *path_key, *payload.encrypted_recipient_data);
  if (!opened) return at.blinded(opened.error());
  const auto& data = opened->first;
  if (!data.path_id) return at.blinded("no path_id");

  PeeledFinal out;
  out.amt_to_forward = payload.amt_to_forward;
  out.total_amount = payload.total_amount_msat.value_or(payload.amt_to_forward);
  out.outgoing_cltv_value = payload.outgoing_cltv_value;
  out.path_id = *data.path_id;
  out.invoice_request = payload.invoice_request;
  out.preimage = payload.payment_preimage;
  if (data.payment_constraints) {
    out.max_cltv_expiry = data.payment_constraints->max_cltv_expiry;
    out.htlc_minimum = data.payment_constraints->htlc_minimum_msat;
  }
  out.shared_secret = at.shared_secret;
  out.sha256_of_onion = at.onion_hash;
  out.through_path_key = at.through_path_key();
  return out;
}

PeeledHtlc peel_layer(const OurNode& us, const wire::UpdateAddHtlc& htlc, std::size_t layer);

/// The payload makes us the introduction node of a blinded path, even if the rest of it is wrong. BOLT 4, "Failure
/// Messages", asks for invalid_onion_blinding then.
bool begins_path(const Peeled& peeled) {  // [B4-fail-02]
  auto records = wire::parse_tlv_stream(peeled.payload);
  return peeled.next_packet && records && wire::find(*records, kPathKeyType) != nullptr;
}

/// A node that cannot read the packet cannot encrypt a failure either, so the node before it does. If the HMAC is
/// right, the secret is known. Then a payload of length 0 or 1, or one that reaches beyond the packet, fails like one
/// that does not parse: update_fail_malformed_htlc without BADONION would cost us the channel with an honest peer. BOLT
/// 2, "Removing an HTLC".
PeelFailure refused_packet(Peeling& at, const PeelRefusal& refusal) {
  const auto* why = name(refusal.error);
  if (at.through_path_key()) return at.malformed(kInvalidOnionBlinding, why);
  if (!refusal.shared_secret) return at.malformed(failure_code(refusal.error), why);
  at.shared_secret = *refusal.shared_secret;
  return invalid_payload(at, 0, why);
}

/// A dummy hop of our own path forwards to ourselves, to hide the path's length. The result is that of the next layer,
/// and a failure is the one that the dummy hop returns. BOLT 4, "Route Blinding".
PeeledHtlc peel_dummy(const Peeling& at, const PeeledForward& dummy, std::size_t layer) {
  if (layer == kMaxOwnLayers) return at.blinded("too many layers for ourselves");
  auto inner = at.htlc;
  inner.amount_msat = dummy.amt_to_forward;
  inner.cltv_expiry = dummy.outgoing_cltv_value;
  inner.onion_routing_packet = dummy.next_onion;
  inner.path_key = dummy.next_path_key;
  auto peeled = peel_layer(at.us, inner, layer + 1);
  if (const auto* failure = std::get_if<PeelFailure>(&peeled)) return at.blinded(failure->why);
  auto* last = std::get_if<PeeledFinal>(&peeled);
  if (last == nullptr) return at.blinded("the path continues after its last hop");
  last->shared_secret = at.shared_secret;
  last->sha256_of_onion = at.onion_hash;
  last->through_path_key = at.through_path_key();
  return peeled;
}

PeeledHtlc peel_layer(const OurNode& us, const wire::UpdateAddHtlc& htlc, std::size_t layer) {
  Peeling at{us, htlc, crypto::sha256(htlc.onion_routing_packet), {}, {}};
  Ecdh ecdh = [&us](const PublicKey& point) { return us.ecdh(point, nullptr); };
  if (htlc.path_key) {
    if (!crypto::is_valid(*htlc.path_key))
      return at.malformed(kInvalidOnionBlinding, "the path key is not a valid point");
    at.path_secret = us.ecdh(*htlc.path_key, nullptr);
    auto tweak = generate_key("blinded_node_id", at.path_secret->reveal());
    ecdh = [&us, tweak](const PublicKey& point) { return us.ecdh(point, &tweak); };
  }

  auto peeled = peel(htlc.onion_routing_packet, htlc.payment_hash.view(), ecdh);  // [B2-add-15]
  if (!peeled) return refused_packet(at, peeled.error());
  at.shared_secret = peeled->shared_secret;
  auto payload = decode_payload(peeled->payload, !peeled->next_packet, htlc.path_key.has_value());
  if (!payload) {
    if (htlc.path_key || begins_path(*peeled)) return at.blinded(describe(payload.error()));
    return invalid_payload(at, payload.error().code == ParseCode::UnknownEven ? payload.error().where : 0,
                           describe(payload.error()));
  }

  if (const auto* forward = std::get_if<ForwardPayload>(&*payload)) {
    PeeledForward out;
    out.next = forward->short_channel_id;
    out.amt_to_forward = forward->amt_to_forward;
    out.outgoing_cltv_value = forward->outgoing_cltv_value;
    out.next_onion = *std::move(peeled->next_packet);
    out.shared_secret = at.shared_secret;
    out.sha256_of_onion = at.onion_hash;
    return out;
  }
  if (const auto* blinded = std::get_if<BlindedForwardPayload>(&*payload)) {
    auto out = peel_blinded_forward(at, *blinded, *std::move(peeled->next_packet));
    const auto* forward = std::get_if<PeeledForward>(&out);
    bool dummy = forward != nullptr && forward->next == std::variant<ShortChannelId, NodeId>(us.id);
    return dummy ? peel_dummy(at, *forward, layer) : out;
  }
  return peel_final(at, std::get<FinalPayload>(*payload));
}

}  // namespace

PeeledHtlc peel_htlc(const wire::UpdateAddHtlc& htlc, const NodeId& our_node, const TweakedEcdh& ecdh,
                     BlockHeight height) {
  return peel_layer({our_node, ecdh, height}, htlc, 1);
}

std::vector<Hop> blinded_hops(const wire::BlindedPath& path, std::size_t first, const PublicKey& node,
                              std::optional<PublicKey> path_key, FinalPayload last) {
  std::vector<Hop> hops;
  for (auto i = first; i < path.path.size(); ++i) {
    auto key = i == first ? path_key : std::nullopt;
    auto id = i == first ? node : path.path[i].blinded_node_id;  // [B4-blind-07]
    if (i + 1 < path.path.size()) {
      // [B4-write-01]
      hops.push_back({id, with_length(encode(BlindedForwardPayload{path.path[i].encrypted_recipient_data, key}))});
    } else {
      last.current_path_key = key;
      hops.push_back({id, with_length(encode(last))});
    }
  }
  return hops;
}

}  // namespace doze::onion
