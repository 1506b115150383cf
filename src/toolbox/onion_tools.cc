#include "toolbox/onion_tools.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "onion/attribution.h"
#include "onion/failures.h"
#include "onion/onion_message.h"
#include "onion/sphinx.h"
#include "toolbox/failures.h"
#include "toolbox/onions.h"
#include "toolbox/paste.h"
#include "toolbox/show.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

constexpr const char* kHopForms = "NODE:HEX, NODE:forward:MSAT:CLTV:SCID or NODE:final:MSAT:CLTV[:TOTAL_MSAT]";

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= text.size();) {
    auto end = std::min(text.find(at, from), text.size());
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

std::optional<std::uint64_t> whole(const std::string& text) {
  std::uint64_t out = 0;
  if (text.empty()) return std::nullopt;
  for (char c : text)
    if (c < '0' || c > '9' || __builtin_mul_overflow(out, std::uint64_t{10}, &out) ||
        __builtin_add_overflow(out, static_cast<std::uint64_t>(c - '0'), &out))
      return std::nullopt;
  return out;
}

Made<onion::Hop> hop_of(const Flags& flags, const std::string& text) {
  auto parts = split(text, ':');
  LN_TRY(node, point_of(flags, parts[0]));
  auto bad = [&] { return fail(bad_flag("hops", std::string("expected for each hop ") + kHopForms)); };
  if (parts.size() == 2) {
    auto payload = from_hex(parts[1]);
    if (!payload) return bad();
    return onion::Hop{node, onion::with_length(*payload)};
  }
  if (parts.size() < 4) return bad();
  auto amount = whole(parts[2]), cltv = whole(parts[3]);
  if (!amount || !cltv || *cltv > 0xffffffff) return bad();
  CltvExpiry expiry(static_cast<std::uint32_t>(*cltv));
  if (parts[1] == "forward" && parts.size() == 5) {
    auto scid = parse_scid(parts[4]);
    if (!scid) return bad();
    return onion::Hop{node, onion::with_length(onion::encode(onion::ForwardPayload{Msat(*amount), expiry, *scid}))};
  }
  if (parts[1] != "final" || parts.size() > 5) return bad();
  onion::FinalPayload payload;
  payload.amt_to_forward = Msat(*amount);
  payload.outgoing_cltv_value = expiry;
  payload.payment_secret = derived(flags, "payment_secret");
  if (parts.size() == 5) {
    auto total = whole(parts[4]);
    if (!total) return bad();
    payload.total_amount_msat = Msat(*total);
  }
  return onion::Hop{node, onion::with_length(onion::encode(payload))};
}

Made<Bytes> associated_data_of(const Flags& flags) {
  if (!is_set(flags, "associated_data")) return Bytes{};
  return hex_of(flags, "associated_data");
}

Made<Value> build_payment(const Flags& flags) {
  LN_TRY(session, key_of(flags, is_set(flags, "session_key") ? text_of(flags, "session_key") : "session"));
  LN_TRY(associated, associated_data_of(flags));
  std::vector<onion::Hop> hops;
  std::vector<PublicKey> nodes;
  for (const auto& text : list_of(flags, "hops")) {
    LN_TRY(hop, hop_of(flags, text));
    nodes.push_back(hop.node_id);
    hops.push_back(std::move(hop));
  }
  if (hops.empty()) return fail(bad_flag("hops", "missing: expected at least one NODE:PAYLOAD"));
  auto packet = onion::build_packet(session, hops, associated, onion::kPaymentPayloads);
  if (!packet) return fail(problem("onion", "the payloads do not fit into 1,300 bytes"));
  Value out;
  out.set("packet", to_hex(*packet));
  List secrets;
  for (const auto& secret : onion::shared_secrets(session, nodes)) secrets.push_back(to_hex(secret.reveal()));
  return out.set("shared_secrets", std::move(secrets));
}

/// Which parts a message has.
struct MessageParts {
  const char* message;
  std::vector<const char*> flags;
};
const std::vector<MessageParts>& all_parts() {
  static const std::vector<MessageParts> kParts{{"invoice_request", {"contents"}},
                                                {"invoice", {"contents"}},
                                                {"invoice_error", {"contents"}},
                                                {"static_invoice", {"contents"}},
                                                {"held_htlc_available", {}},
                                                {"release_held_htlc", {}},
                                                {"offer_paths_request", {"invoice_slot"}},
                                                {"offer_paths", {"paths", "expires_at"}},
                                                {"serve_static_invoice", {"contents", "paths"}},
                                                {"static_invoice_persisted", {}}};
  return kParts;
}

/// What is not part of this message, or lacks.
std::optional<Problem> wrong_parts(const Flags& flags, const MessageParts& parts) {
  for (const std::string name : {"contents", "paths", "invoice_slot", "expires_at"}) {
    bool has = std::find(parts.flags.begin(), parts.flags.end(), name) != parts.flags.end();
    if (!has && is_set(flags, name)) return bad_flag(name, std::string("not part of ") + parts.message);
    if (has && name == "contents" && text_of(flags, name).empty())
      return bad_flag(name, "missing: expected the content in hex");
  }
  return std::nullopt;
}

Made<onion::MessageContents> contents_of(const Flags& flags) {
  auto message = text_of(flags, "message");
  LN_TRY(profile, profile_of(flags));
  LN_TRY(contents, hex_of(flags, "contents"));
  LN_TRY(paths, paths_of(flags, "paths"));
  auto parts =
      std::find_if(all_parts().begin(), all_parts().end(), [&](const auto& each) { return message == each.message; });
  if (parts == all_parts().end()) {
    std::string names;
    for (const auto& name : onion_message_names()) names += (names.empty() ? "" : ", ") + name;
    return fail(bad_flag("message", "expected one of " + names));
  }
  if (auto wrong = wrong_parts(flags, *parts)) return fail(*std::move(wrong));
  using onion::MessageContents;
  if (message == "invoice_request") return MessageContents(onion::InvoiceRequest{contents});
  if (message == "invoice") return MessageContents(onion::Invoice{contents});
  if (message == "static_invoice") return MessageContents(onion::StaticInvoice{contents});
  if (message == "invoice_error") return MessageContents(onion::InvoiceError{contents, profile});
  if (message == "held_htlc_available") return MessageContents(onion::HeldHtlcAvailable{profile});
  if (message == "release_held_htlc") return MessageContents(onion::ReleaseHeldHtlc{profile});
  if (message == "static_invoice_persisted") return MessageContents(onion::StaticInvoicePersisted{profile});
  if (message == "offer_paths_request") {
    auto slot = number_of(flags, "invoice_slot").value_or(0);
    if (slot > 0xffff) return fail(bad_flag("invoice_slot", "expected at most 65535"));
    return MessageContents(onion::OfferPathsRequest{static_cast<std::uint16_t>(slot), profile});
  }
  if (message == "offer_paths") {
    onion::OfferPaths out{paths, std::nullopt, profile};
    if (auto expiry = number_of(flags, "expires_at")) out.paths_absolute_expiry = UnixTime(*expiry);
    return MessageContents(std::move(out));
  }
  if (paths.size() != 1) return fail(bad_flag("paths", "expected one path, to which invoice_requests are forwarded"));
  return MessageContents(onion::ServeStaticInvoice{contents, paths.front(), profile});
}

Made<Value> build_onion_message(const Flags& flags) {
  LN_TRY(contents, contents_of(flags));
  LN_TRY(session, key_of(flags, is_set(flags, "session_key") ? text_of(flags, "session_key") : "session"));
  LN_TRY(onion_key, key_of(flags, is_set(flags, "onion_key") ? text_of(flags, "onion_key") : "onion"));
  auto to = text_of(flags, "to");
  if (to.empty()) return fail(bad_flag("to", "missing: expected a blinded path in hex, a node id or a name"));
  std::optional<wire::BlindedPath> destination;
  if (auto bytes = from_hex(to); bytes && bytes->size() > 66) {
    Reader in(*bytes);
    auto path = wire::read_blinded_path(in);
    if (!path || !in.done()) return fail(bad_flag("to", "expected a valid blinded path"));
    destination = *std::move(path);
  } else {
    LN_TRY(node, point_of(flags, to));
    LN_TRY(path_key, key_of(flags, "path to " + to));
    destination = onion::path_to_node(path_key, node);
  }
  if (!destination) return fail(bad_flag("to", "one of its keys is not a valid point"));
  onion::FinalMessage message{std::move(contents), std::nullopt};
  LN_TRY(reply, paths_of(flags, "reply_path"));
  if (reply.size() > 1) return fail(bad_flag("reply_path", "expected one path"));
  if (!reply.empty()) message.reply_path = reply.front();
  std::vector<NodeId> way;
  for (const auto& each : list_of(flags, "way")) {
    LN_TRY(node, point_of(flags, each));
    way.push_back(node);
  }
  if (is_set(flags, "introduction")) {
    LN_TRY(node, point_of(flags, text_of(flags, "introduction")));
    destination->first_node_id = node;
  }
  const auto* introduction = std::get_if<NodeId>(&destination->first_node_id);
  if (introduction == nullptr && !way.empty())
    return fail(bad_flag("to", "the path names its introduction node by a channel: give the node with --introduction"));
  auto made = onion::build_message(session, onion_key, way, introduction == nullptr ? NodeId{} : *introduction,
                                   *destination, message);
  if (!made) return fail(problem("onion message", "the contents do not fit, or one of the keys is not a valid point"));
  Value out;
  out.set("onion_message", to_hex(wire::encode(*made))).set("path_key", made->path_key.hex());
  if (!way.empty()) return out.set("to", way.front().hex());
  if (introduction != nullptr) out.set("to", introduction->hex());
  return out;
}

Made<Value> peel_onion_message(const wire::OnionMessage& message, const PrivateKey& key) {
  auto ecdh = [&](const PublicKey& point, const Hash32* tweak) {
    if (tweak == nullptr) return crypto::ecdh(key, point);
    auto tweaked = crypto::tweak_mul(key, tweak->view());
    return tweaked ? crypto::ecdh(*tweaked, point) : SharedSecret();
  };
  auto peeled = onion::peel_message(message, ecdh, [](const onion::NextNode&) { return false; });
  if (!peeled)
    return fail(problem("onion_message", onion::name(peeled.error()),
                        peeled.error() == onion::MessageRefusal::NotForUs
                            ? "Is it this node's key? Each layer opens only with the key of its own hop."
                            : ""));
  Value out;
  if (const auto* relay = std::get_if<onion::RelayMessage>(&*peeled)) {
    out.set("layer", "relay");
    if (const auto* node = std::get_if<NodeId>(&relay->next)) out.set("next_node_id", node->hex());
    if (const auto* scid = std::get_if<ShortChannelId>(&relay->next)) out.set("short_channel_id", show(*scid));
    return out.set("onion_message", to_hex(wire::encode(relay->message)));
  }
  const auto& received = std::get<onion::ReceivedMessage>(*peeled);
  out.set("layer", "final");
  if (received.path_id) out.set("path_id", to_hex(*received.path_id));
  if (received.reply_path)
    out.set("reply_path", show(*received.reply_path))
        .set("reply_path_hex", to_hex(wire::to_bytes(*received.reply_path)));
  return out.set("contents", show(received.contents));
}

Made<Value> peel_packet(const Flags& flags, ByteView packet, const PrivateKey& key) {
  LN_TRY(associated, associated_data_of(flags));
  std::optional<PublicKey> path_key;
  std::optional<PrivateKey> own = key;
  if (is_set(flags, "path_key")) {
    LN_TRY(point, point_of(flags, text_of(flags, "path_key")));
    path_key = point;
    own = crypto::tweak_mul(key, onion::generate_key("blinded_node_id", crypto::ecdh(key, point).reveal()).view());
    if (!own) return fail(bad_flag("path_key", "expected a point from which a key can be derived"));
  }
  auto peeled = onion::peel(packet, associated, [&](const PublicKey& point) { return crypto::ecdh(*own, point); });
  if (!peeled) {
    auto out = problem("onion", onion::name(peeled.error().error));
    if (peeled.error().error == onion::PeelError::BadHmac)
      out.hint = "Is it this node's key, and are --associated-data (the payment_hash) and --path-key right?";
    return fail(std::move(out));
  }
  Value out;
  bool last = !peeled->next_packet.has_value();
  out.set("layer", last ? "final" : "forward").set("payload_hex", to_hex(peeled->payload));
  auto payload = decode_payment_payload(peeled->payload, last, path_key.has_value());
  if (payload)
    out.set("payload", *payload);
  else
    out.set("payload_problem", payload.error().text());
  auto encrypted = wire::parse_tlv_stream(peeled->payload);
  const auto* data = encrypted ? wire::find(*encrypted, 10) : nullptr;
  const auto* introduction_key = encrypted ? wire::find(*encrypted, 12) : nullptr;
  if (introduction_key != nullptr && !path_key) path_key = crypto::parse_point(introduction_key->value);
  if (data != nullptr && path_key) {
    auto open =
        onion::unblind(*path_key, data->value, [&](const PublicKey& point) { return crypto::ecdh(key, point); });
    if (open) {
      if (auto recipient = decode_recipient_data(open->data)) out.set("recipient_data", *recipient);
      out.set("next_path_key", open->next_path_key().hex());
    }
  }
  out.set("shared_secret", to_hex(peeled->shared_secret.reveal()));
  if (peeled->next_packet) out.set("next_packet", to_hex(*peeled->next_packet));
  return out;
}

// ---- what comes back ----

constexpr std::uint64_t kHoldTimeUnitMs = 100;
constexpr std::size_t kMaxFailureData = 1'000;  // more than any message of the BOLT has

Made<SharedSecret> secret_of(const std::string& name, const std::string& hex) {
  auto bytes = from_hex(hex);
  auto out = bytes ? SharedSecret::from(*bytes) : std::nullopt;
  if (!out) return fail(bad_flag(name, "expected 64 hex digits, as onion build prints them"));
  return *out;
}

/// A name of BOLT 4, or a number.
Made<std::uint16_t> failure_of(const std::string& text) {
  for (const auto& shape : failure_shapes())
    if (text == onion::failure_name(shape.code)) return shape.code;
  auto number = text.starts_with("0x") ? std::nullopt : whole(text);
  if (auto bytes = text.starts_with("0x") ? from_hex(text.substr(2)) : std::nullopt; bytes && bytes->size() == 2)
    number = std::uint64_t{(*bytes)[0]} << 8 | (*bytes)[1];
  if (!number || *number > 0xffff)
    return fail(bad_flag("failure", "expected a name such as temporary_node_failure, 0x2002, or a number up to 65535"));
  return static_cast<std::uint16_t>(*number);
}

Made<std::optional<onion::AttributionData>> attribution_of(const Flags& flags) {
  if (!is_set(flags, "attribution_data")) return std::optional<onion::AttributionData>();
  LN_TRY(bytes, hex_of(flags, "attribution_data"));
  auto data = onion::AttributionData::from(bytes);
  if (!data)
    return fail(bad_flag("attribution_data", "has " + std::to_string(bytes.size()) + " bytes instead of " +
                                                 std::to_string(onion::kAttributionBytes)));
  return data;
}

}  // namespace

Made<Value> onion_wrap(const Flags& flags) {
  LN_TRY(secret, secret_of("shared_secret", text_of(flags, "shared_secret")));
  LN_TRY(downstream, attribution_of(flags));
  Bytes reason;
  if (is_set(flags, "data") && !is_set(flags, "failure"))
    return fail(bad_flag("data", "expected only together with --failure"));
  if (is_set(flags, "failure")) {
    if (is_set(flags, "reason") || downstream)
      return fail(
          bad_flag("failure", "expected without --reason: a hop that fails the payment itself wraps no other failure"));
    LN_TRY(code, failure_of(text_of(flags, "failure")));
    LN_TRY(data, hex_of(flags, "data"));
    if (data.size() > kMaxFailureData)
      return fail(bad_flag("data", "expected at most " + std::to_string(kMaxFailureData) + " bytes"));
    reason = onion::create_failure(secret, onion::failure_message(code, data));
  } else if (is_set(flags, "reason")) {
    LN_TRY(theirs, hex_of(flags, "reason"));
    reason = onion::wrap_failure(secret, theirs);
  }
  auto held = number_of(flags, "hold_time_ms").value_or(0) / kHoldTimeUnitMs;
  if (held > 0xffffffff) return fail(bad_flag("hold_time_ms", "expected at most 4294967295"));
  Value out;
  if (!reason.empty()) out.set("reason", to_hex(reason));
  auto data = onion::attribute(secret, onion::HoldTime(static_cast<std::uint32_t>(held)), reason, downstream);
  return out.set("attribution_data", data.hex());
}

Made<Value> onion_unwrap(const Flags& flags) {
  std::vector<SharedSecret> secrets;
  for (const auto& text : list_of(flags, "shared_secrets")) {
    LN_TRY(secret, secret_of("shared_secrets", text));
    secrets.push_back(secret);
  }
  if (secrets.empty())
    return fail(bad_flag("shared_secrets", "missing: expected those of all hops, the first hop first"));
  LN_TRY(data, attribution_of(flags));
  Bytes reason;
  if (is_set(flags, "reason")) {
    LN_TRY(given, hex_of(flags, "reason"));
    reason = std::move(given);
  }
  if (reason.empty() && !data) return fail(problem("", "expected --reason, --attribution-data or both"));
  Value out;
  auto times = data ? onion::read_attribution(secrets, reason, *data) : std::vector<onion::HoldTime>{};
  if (!reason.empty()) {
    auto failure = onion::decode_failure(secrets, reason);
    if (!failure && times.empty())
      return fail(
          problem("reason", "no hop made it: the shared secrets belong to another route, or the failure was changed"));
    if (failure) {
      auto message = Writer().u16(failure->code).bytes(failure->data).take();
      out.set("failed_by_node", std::uint64_t{failure->hop + 1});
      auto shown = decode_failure_message(message);
      out.set("failure_message",
              shown ? *shown : Value().set("hex", to_hex(message)).set("problem", shown.error().text()));
    } else {
      out.set("problem", "no hop made the failure: a node after those listed below changed it");
    }
  }
  if (!data) return out;
  List held;
  for (auto time : times) held.push_back(std::uint64_t{time.value()} * kHoldTimeUnitMs);
  out.set("hold_times_ms", std::move(held));
  return out.set("nodes_attributed", std::uint64_t{times.size()}).set("nodes", std::uint64_t{secrets.size()});
}

std::vector<std::string> onion_message_names() {
  std::vector<std::string> out;
  for (const auto& each : all_parts()) out.emplace_back(each.message);
  return out;
}

Made<Value> onion_build(const Flags& flags) {
  if (auto useless = without(flags, "message",
                             {"to", "way", "introduction", "contents", "paths", "reply_path", "invoice_slot",
                              "expires_at", "onion_key", "profile"}))
    return fail(*std::move(useless));
  if (is_set(flags, "message")) {
    for (const auto* name : {"hops", "associated_data"})
      if (is_set(flags, name)) return fail(bad_flag(name, "expected only for a payment, not with --message"));
    return build_onion_message(flags);
  }
  if (is_set(flags, "hops")) return build_payment(flags);
  return fail(problem("", "expected --hops for a payment, or --message NAME --to PATH for an onion message"));
}

Made<Value> onion_peel(const Flags& flags) {
  auto bytes = from_hex(squeezed(text_of(flags, "packet")));
  if (!bytes) return fail(problem("", "packet: expected hex"));
  LN_TRY(key, key_of(flags, text_of(flags, "key")));
  if (bytes->size() >= 2 && (*bytes)[0] == 0x02 && (*bytes)[1] == 0x01)
    if (auto message = wire::decode(*bytes))
      if (const auto* onion = std::get_if<wire::OnionMessage>(&*message)) return peel_onion_message(*onion, key);
  return peel_packet(flags, *bytes, key);
}

}  // namespace doze::toolbox
