// Partially signed transactions, versions 0 and 2, unchanged. BIP 174, BIP 370, the taproot fields of BIP 371.
//
// A Psbt that was read has the fields that its version needs and none that it forbids; each known key and value has its
// form. Whether signatures and scripts fit each other is for the signer to check. Unknown fields are kept.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "bitcoin/transaction.h"

namespace doze::bitcoin {

enum class PsbtScope : std::uint8_t { Global, Input, Output };

struct PsbtRecord {
  std::uint64_t type = 0;
  Bytes key_data;  // behind the type
  Bytes value;
  friend bool operator==(const PsbtRecord&, const PsbtRecord&) = default;
};
using PsbtMap = std::vector<PsbtRecord>;  // keys are different

struct Psbt {
  std::uint32_t version = 0;  // 0 or 2
  PsbtMap global;
  std::vector<PsbtMap> inputs, outputs;
  friend bool operator==(const Psbt&, const Psbt&) = default;
};

/// "psbt" and ff in front.
[[nodiscard]] bool is_psbt(ByteView bytes);
[[nodiscard]] Result<Psbt, ParseError> parse_psbt(ByteView bytes);
[[nodiscard]] Bytes serialize(const Psbt& psbt);
/// "witness_utxo", or nullptr: unknown.
[[nodiscard]] const char* psbt_field_name(PsbtScope scope, std::uint64_t type);

/// Version 2: the locktime that all inputs allow, heights before times. nullopt: there is none. BIP 370,
/// "Determining Lock Time".
[[nodiscard]] std::optional<std::uint32_t> psbt_locktime(const Psbt& psbt);
/// What is to be signed, of either version. nullopt where psbt_locktime is. `psbt` was read here.
[[nodiscard]] std::optional<Transaction> unsigned_transaction(const Psbt& psbt);

}  // namespace doze::bitcoin
