#include "offers/merkle.h"

#include <string>
#include <tuple>

#include "crypto/crypto.h"

namespace doze::offers {

namespace {
/// One message more under a tag whose hash has begun.
Hash32 continued(crypto::Sha256 tagged, std::initializer_list<ByteView> parts) {
  for (auto part : parts) tagged.add(part);
  return tagged.finish();
}
crypto::Sha256 nonce_tag(const wire::TlvRecord& first) {
  return crypto::tagged_sha256({bytes_of("LnNonce"), first.whole});
}
Hash32 nonce_under(const crypto::Sha256& tag, std::uint64_t type) {
  Writer message;
  wire::write_bigsize(message, type);
  return continued(tag, {message.view()});
}
}  // namespace

Hash32 leaf_hash(const wire::TlvRecord& record) {
  static const auto kTag = crypto::tagged_sha256({bytes_of("LnLeaf")});
  return continued(kTag, {record.whole});
}

Hash32 nonce_hash(const wire::TlvRecord& first, std::uint64_t type) {
  return nonce_under(nonce_tag(first), type);
}

Hash32 branch_hash(const Hash32& a, const Hash32& b) {
  static const auto kTag = crypto::tagged_sha256({bytes_of("LnBranch")});
  const auto& [lesser, greater] = a < b ? std::tie(a, b) : std::tie(b, a);
  return continued(kTag, {lesser.view(), greater.view()});
}

Hash32 merkle_root(const std::vector<wire::TlvRecord>& records) {
  std::vector<Hash32> level;
  if (records.empty()) return {};
  auto nonces = nonce_tag(records.front());
  for (const auto& record : records)
    if (!is_signature_type(record.type))  // [B12-sig-02]
      level.push_back(branch_hash(leaf_hash(record), nonce_under(nonces, record.type)));
  if (level.empty()) return {};
  // Neighbours pair up; an odd one at the end waits for the next level, which leaves the deepest tree on the left.
  while (level.size() > 1) {
    std::vector<Hash32> above;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) above.push_back(branch_hash(level[i], level[i + 1]));
    if (level.size() % 2 == 1) above.push_back(level.back());
    level = std::move(above);
  }
  return level.front();
}

Hash32 signature_digest(std::string_view message_name, const Hash32& root) {
  auto tag = "lightning" + std::string(message_name) + "signature";  // [B12-sig-01]
  return crypto::tagged_hash(bytes_of(tag), {root.view()});
}

SchnorrSignature sign(std::string_view message_name, const std::vector<wire::TlvRecord>& records,
                      const PrivateKey& key) {
  return crypto::schnorr_sign(key, signature_digest(message_name, merkle_root(records)));
}

bool verify(std::string_view message_name, const std::vector<wire::TlvRecord>& records, const PublicKey& key,
            const SchnorrSignature& signature) {
  return crypto::schnorr_verify(key, signature_digest(message_name, merkle_root(records)), signature);
}

}  // namespace doze::offers
