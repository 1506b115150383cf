#include "onion/onion_message.h"

#include "crypto/crypto.h"
#include "wire/tlv.h"

namespace doze::onion {

namespace {
constexpr std::uint64_t kReplyPath = 2, kEncryptedData = 4, kFirstContents = 64;

Bytes hop_payload(ByteView encrypted) {  // [B4-msg-05]
  return with_length(wire::TlvWriter().add(kEncryptedData, encrypted).take());
}

Bytes final_payload(ByteView encrypted, const FinalMessage& message) {
  wire::TlvWriter out;
  if (message.reply_path) out.add(kReplyPath, wire::to_bytes(*message.reply_path));  // [B4-msg-06]
  out.add(kEncryptedData, encrypted);
  auto contents = encode(message.contents);
  out.add(contents.type, contents.value);
  return with_length(out.take());
}

struct MessagePayload {
  std::optional<Bytes> encrypted;
  std::optional<wire::BlindedPath> reply_path;
  std::vector<std::pair<std::uint64_t, Bytes>> contents;  // every type from 64 up
  bool only_encrypted = true;                             // there is no other record, not even an unknown one
};

Result<MessagePayload, MessageRefusal> read_payload(ByteView stream) {
  auto bad = [] { return fail(MessageRefusal::BadPayload); };
  auto records = wire::parse_tlv_stream(stream);
  if (!records) return bad();
  MessagePayload out;
  for (const auto& record : *records) {
    if (record.type != kEncryptedData) out.only_encrypted = false;
    if (record.type == kReplyPath) {
      Reader in(record.value);
      auto path = wire::read_blinded_path(in);
      if (!path || !in.done()) return bad();
      out.reply_path = *std::move(path);
    } else if (record.type == kEncryptedData) {
      out.encrypted = to_bytes(record.value);
    } else if (record.type >= kFirstContents) {
      out.contents.emplace_back(record.type, to_bytes(record.value));
    } else if (record.type % 2 == 0) {
      return bad();
    }
  }
  if (!out.encrypted) return bad();
  return out;
}

Result<ReceivedMessage, MessageRefusal> read_final(const MessagePayload& payload, const RecipientData& data) {
  if (payload.contents.size() != 1) return fail(MessageRefusal::NoContents);  // [B4-msg-18]
  const auto& [type, value] = payload.contents[0];
  auto contents = decode_contents(type, value);
  if (!contents)
    return fail(contents.error().code == ParseCode::UnknownEven && type % 2 == 1 ? MessageRefusal::NoContents
                                                                                 : MessageRefusal::BadPayload);
  return ReceivedMessage{data.path_id, payload.reply_path, *std::move(contents)};
}
}  // namespace

std::optional<wire::BlindedPath> path_to_node(const PrivateKey& session_key, const NodeId& node) {
  return blind(session_key, {{node, {}}});
}

std::optional<wire::OnionMessage> build_message(const PrivateKey& session_key, const PrivateKey& onion_key,
                                                const std::vector<NodeId>& relays, const NodeId& introduction,
                                                const wire::BlindedPath& destination, const FinalMessage& message) {
  std::vector<Hop> hops;
  auto path_key = destination.first_path_key;
  if (!relays.empty()) {
    // Our own part is blinded as well. Its last node continues with the destination's path and that path's key.
    std::vector<BlindHop> own;
    for (std::size_t i = 0; i < relays.size(); ++i) {
      RecipientData data;
      bool last = i + 1 == relays.size();
      data.next_node_id = last ? introduction : relays[i + 1];
      if (last) data.next_path_key_override = destination.first_path_key;  // [B4-blind-03, B4-blind-08]
      own.push_back({relays[i], encode(data)});
    }
    auto blinded = blind(session_key, own);
    if (!blinded) return std::nullopt;
    path_key = blinded->first_path_key;
    for (const auto& hop : blinded->path)
      hops.push_back({hop.blinded_node_id, hop_payload(hop.encrypted_recipient_data)});
  }
  for (std::size_t i = 0; i < destination.path.size(); ++i) {
    const auto& hop = destination.path[i];
    bool last = i + 1 == destination.path.size();
    hops.push_back({hop.blinded_node_id, last ? final_payload(hop.encrypted_recipient_data, message)  // [B4-blind-09]
                                              : hop_payload(hop.encrypted_recipient_data)});
  }
  auto packet = build_packet(onion_key, hops, {}, kPaymentPayloads);               // [B4-msg-02]
  if (!packet) packet = build_packet(onion_key, hops, {}, kLargeMessagePayloads);  // [B4-msg-03]
  if (!packet) return std::nullopt;
  return wire::OnionMessage{path_key, *std::move(packet)};
}

const char* name(MessageRefusal refusal) {
  switch (refusal) {
    case MessageRefusal::NotForUs:
      return "not encrypted for us";
    case MessageRefusal::BadPayload:
      return "payload breaks the rules";
    case MessageRefusal::NoContents:
      return "no contents that we know";
    case MessageRefusal::TooManyLayers:
      return "too many layers for ourselves";
  }
  return "unknown";
}

Result<std::variant<RelayMessage, ReceivedMessage>, MessageRefusal> peel_message(
    const wire::OnionMessage& message, const TweakedEcdh& ecdh, const std::function<bool(const NextNode&)>& is_us) {
  auto current = message;
  for (std::size_t layer = 0; layer < kMaxOwnLayers; ++layer) {
    if (!crypto::is_valid(current.path_key)) return fail(MessageRefusal::NotForUs);
    // The blinded private key depends on the path key only, so the tweak is known before the payload is.
    auto path_secret = ecdh(current.path_key, nullptr);
    auto tweak = generate_key("blinded_node_id", path_secret.reveal());
    // [B4-msg-08]
    auto peeled = peel(current.onion_message_packet, {}, [&](const PublicKey& point) { return ecdh(point, &tweak); });
    if (!peeled) return fail(MessageRefusal::NotForUs);
    LN_TRY(payload, read_payload(peeled->payload));
    auto open = unblind(current.path_key, *payload.encrypted, [&](const PublicKey&) { return path_secret; });
    if (!open) return fail(MessageRefusal::BadPayload);
    auto data = decode_recipient_data(open->data);
    if (!data || data->needs_features()) return fail(MessageRefusal::BadPayload);  // [B4-msg-10]
    if (!peeled->next_packet) {
      LN_TRY(received, read_final(payload, *data));
      return std::variant<RelayMessage, ReceivedMessage>(std::move(received));
    }
    // [B4-msg-11, B4-msg-12]
    if (!payload.only_encrypted || data->path_id) return fail(MessageRefusal::BadPayload);
    if (!data->next_node_id && !data->short_channel_id) return fail(MessageRefusal::BadPayload);
    // [B4-msg-13]
    NextNode next = data->next_node_id ? NextNode(*data->next_node_id) : NextNode(*data->short_channel_id);
    current = wire::OnionMessage{open->next_path_key(*data), *std::move(peeled->next_packet)};  // [B4-msg-15]
    if (!is_us(next)) return std::variant<RelayMessage, ReceivedMessage>(RelayMessage{next, std::move(current)});
  }
  return fail(MessageRefusal::TooManyLayers);
}

}  // namespace doze::onion
