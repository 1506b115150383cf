#include "offers/merkle.h"

#include <string>
#include <tuple>

#include "crypto/crypto.h"

namespace doze::offers {

Hash32 leaf_hash(const wire::TlvRecord& record) {
  return crypto::tagged_hash(bytes_of("LnLeaf"), {record.whole});
}

Hash32 nonce_hash(const wire::TlvRecord& first, std::uint64_t type) {
  auto tag = doze::to_bytes(bytes_of("LnNonce"));
  append(tag, first.whole);
  Writer message;
  wire::write_bigsize(message, type);
  return crypto::tagged_hash(tag, {message.view()});
}

Hash32 branch_hash(const Hash32& a, const Hash32& b) {
  const auto& [lesser, greater] = a < b ? std::tie(a, b) : std::tie(b, a);
  return crypto::tagged_hash(bytes_of("LnBranch"), {lesser.view(), greater.view()});
}

Hash32 merkle_root(const std::vector<wire::TlvRecord>& records) {
  std::vector<Hash32> level;
  for (const auto& record : records)
    if (!is_signature_type(record.type))
      level.push_back(branch_hash(leaf_hash(record), nonce_hash(records.front(), record.type)));
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
  auto tag = "lightning" + std::string(message_name) + "signature";
  return crypto::tagged_hash(bytes_of(tag), {root.view()});
}

SchnorrSignature sign(std::string_view message_name, const std::vector<wire::TlvRecord>& records,
                      const PrivateKey& key) {
  return crypto::schnorr_sign(key, signature_digest(message_name, merkle_root(records)));
}

bool verify(std::string_view message_name, const std::vector<wire::TlvRecord>& records, const PublicKey& key,
            const SchnorrSignature& signature) {
  return crypto::is_valid(key) &&
         crypto::schnorr_verify(crypto::x_only(key), signature_digest(message_name, merkle_root(records)), signature);
}

}  // namespace doze::offers
