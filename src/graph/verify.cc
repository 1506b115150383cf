#include "graph/verify.h"

#include "crypto/crypto.h"

namespace doze::graph {
namespace {

std::optional<Hash32> digest_behind(ByteView message, std::size_t signatures) {
  auto skip = 2 + signatures * Signature::kSize;  // two type bytes
  if (message.size() <= skip) return std::nullopt;
  return crypto::sha256d(message.subspan(skip));
}

Status<ParseError> check(const std::optional<Hash32>& digest, const NodeId& key, const Signature& signature,
                         const char* what) {
  if (!digest) return fail(ParseError{ParseCode::Truncated, 0, what});
  if (!crypto::ecdsa_verify(key, *digest, signature)) return fail(ParseError{ParseCode::BadSignature, 1, what});
  return Done{};
}

}  // namespace

std::optional<Hash32> channel_announcement_digest(ByteView message) {
  return digest_behind(message, 4);
}
std::optional<Hash32> channel_update_digest(ByteView message) {
  return digest_behind(message, 1);
}
std::optional<Hash32> node_announcement_digest(ByteView message) {
  return digest_behind(message, 1);
}

Status<ParseError> verify_channel_announcement(const wire::ChannelAnnouncement& announcement, ByteView message) {
  auto digest = channel_announcement_digest(message);
  if (!digest) return fail(ParseError{ParseCode::Truncated, 0, "channel_announcement"});
  const struct {
    const PublicKey& key;
    const Signature& signature;
    const char* what;
  } parts[] = {
      {announcement.node_id_1, announcement.node_signature_1, "node_signature_1"},
      {announcement.node_id_2, announcement.node_signature_2, "node_signature_2"},
      {announcement.bitcoin_key_1, announcement.bitcoin_signature_1, "bitcoin_signature_1"},
      {announcement.bitcoin_key_2, announcement.bitcoin_signature_2, "bitcoin_signature_2"},
  };
  std::uint64_t number = 0;
  for (const auto& part : parts) {
    ++number;
    if (!crypto::ecdsa_verify(part.key, *digest, part.signature)) {
      return fail(ParseError{ParseCode::BadSignature, number, part.what});
    }
  }
  return Done{};
}

Status<ParseError> verify_channel_update(const wire::ChannelUpdate& update, ByteView message, const NodeId& node_id) {
  return check(channel_update_digest(message), node_id, update.signature, "channel_update");
}

Status<ParseError> verify_node_announcement(const wire::NodeAnnouncement& announcement, ByteView message) {
  return check(node_announcement_digest(message), announcement.node_id, announcement.signature, "node_announcement");
}

}  // namespace doze::graph
