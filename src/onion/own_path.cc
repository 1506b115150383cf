#include "onion/own_path.h"

#include "crypto/crypto.h"

namespace doze::onion {

namespace {
Bytes final_data(ByteView path_id) {
  RecipientData data;
  data.path_id = to_bytes(path_id);
  return encode(data);
}
Hash32 mac(const Secret& key, std::uint8_t purpose, ByteView data) {
  return crypto::hmac_sha256(key.reveal(), {ByteView(&purpose, 1), data});
}
}  // namespace

Bytes seal_context(const Secret& key, std::uint8_t purpose, ByteView data) {
  Bytes out(data.begin(), data.end());
  append(out, mac(key, purpose, data).view().first(kContextMacBytes));
  return out;
}

std::optional<Bytes> open_context(const Secret& key, std::uint8_t purpose, ByteView path_id) {
  if (path_id.size() < kContextMacBytes) return std::nullopt;
  auto data = path_id.first(path_id.size() - kContextMacBytes);
  auto expected = mac(key, purpose, data);
  if (!crypto::equal_constant_time(expected.view().first(kContextMacBytes), path_id.last(kContextMacBytes)))
    return std::nullopt;
  return to_bytes(data);
}

std::optional<wire::BlindedPath> path_to_self(const PrivateKey& session_key, const OwnNode& our_node,
                                              ByteView path_id) {
  return blind(session_key, {{our_node.id, final_data(path_id)}}, our_node);
}

std::optional<wire::BlindedPath> path_through_peer(const PrivateKey& session_key, const NodeId& peer,
                                                   const OwnNode& our_node, ByteView path_id) {
  RecipientData relay;
  relay.next_node_id = our_node.id;  // [B4-msg-01]
  return blind(session_key, {{peer, encode(relay)}, {our_node.id, final_data(path_id)}}, our_node);
}

}  // namespace doze::onion
