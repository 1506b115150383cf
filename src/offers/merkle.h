// Signatures over TLV streams. BOLT 12, "Signature Calculation".
//
// Every record outside the signature range is a leaf next to a nonce leaf, so that a later proof of some fields does
// not reveal the others.
#pragma once

#include <string_view>
#include <vector>

#include "base/ids.h"
#include "wire/tlv.h"

namespace doze::offers {

/// Records of types 240 to 1000 are signatures, never signed themselves.
[[nodiscard]] constexpr bool is_signature_type(std::uint64_t type) {
  return type >= 240 && type <= 1000;
}

/// H(LnLeaf, record); H(LnNonce ‖ first record, type); H(LnBranch, smaller ‖ greater).
[[nodiscard]] Hash32 leaf_hash(const wire::TlvRecord& record);
[[nodiscard]] Hash32 nonce_hash(const wire::TlvRecord& first, std::uint64_t type);
[[nodiscard]] Hash32 branch_hash(const Hash32& a, const Hash32& b);
/// Root over all records except signatures; all zero if there are none.
[[nodiscard]] Hash32 merkle_root(const std::vector<wire::TlvRecord>& records);

/// The digest for BIP 340. `message_name`: "invoice_request", "invoice" or "static_invoice"; the field is "signature".
[[nodiscard]] Hash32 signature_digest(std::string_view message_name, const Hash32& root);
/// The key must be valid (aborts otherwise).
[[nodiscard]] SchnorrSignature sign(std::string_view message_name, const std::vector<wire::TlvRecord>& records,
                                    const PrivateKey& key);
/// False also for a key that is not a point.
[[nodiscard]] bool verify(std::string_view message_name, const std::vector<wire::TlvRecord>& records,
                          const PublicKey& key, const SchnorrSignature& signature);

}  // namespace doze::offers
