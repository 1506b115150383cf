// Transactions: values, bytes, ids, weight. BIP 141, BIP 144.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"

namespace doze::bitcoin {

inline constexpr std::uint32_t kSequenceFinal = 0xffffffff;
/// Not final, so that the locktime counts, and no BIP 125 signal.
inline constexpr std::uint32_t kSequenceLocktime = 0xfffffffe;
/// A block's weight limit: no transaction is larger. BIP 141.
inline constexpr std::uint64_t kMaxBlockWeight = 4'000'000;

using Witness = std::vector<Bytes>;  // bottom of the stack first

struct TxIn {
  Outpoint previous_output;
  Bytes script_sig;
  std::uint32_t sequence = kSequenceFinal;
  Witness witness;
  friend bool operator==(const TxIn&, const TxIn&) = default;
};

struct TxOut {
  Sat amount;
  Bytes script_pubkey;
  friend bool operator==(const TxOut&, const TxOut&) = default;
};

struct Transaction {
  std::uint32_t version = 2;
  std::vector<TxIn> inputs;
  std::vector<TxOut> outputs;
  std::uint32_t locktime = 0;
  friend bool operator==(const Transaction&, const Transaction&) = default;

  [[nodiscard]] bool has_witness() const;
};

/// With witnesses if any input has one (BIP 144), else in the old form.
[[nodiscard]] Bytes serialize(const Transaction& transaction);
/// What the txid commits to.
[[nodiscard]] Bytes serialize_without_witness(const Transaction& transaction);
/// The whole of `bytes` is one transaction, both forms. Refuses what no block can contain: no input, an amount above 21
/// million bitcoin (BadValue), long-form sizes (NotMinimal), a witness marker without a witness (BadValue), more than
/// kMaxBlockWeight bytes (TooLarge). No outputs is accepted: it is the verifier's business.
[[nodiscard]] Result<Transaction, ParseError> parse_transaction(ByteView bytes);
/// Reads one transaction and leaves the reader behind it; `where` of an error is the reader's offset.
[[nodiscard]] Result<Transaction, ParseError> read_transaction(Reader& in);

/// An unsigned transaction: the old form, without script_sigs; inputs or outputs may still be added. BIP 174.
[[nodiscard]] Result<Transaction, ParseError> parse_unsigned_transaction(ByteView bytes);
/// A count and as many items.
[[nodiscard]] Result<Witness, ParseError> read_witness(Reader& in);

void write_tx_out(Writer& out, const TxOut& output);  // 8-byte little-endian amount, CompactSize, script
/// TxOut as above; used by records that keep a spent output.
[[nodiscard]] Result<TxOut, ParseError> read_tx_out(Reader& in);

[[nodiscard]] Txid txid(const Transaction& transaction);
[[nodiscard]] Hash32 wtxid(const Transaction& transaction);
/// BIP 141: three times the size without witnesses plus the size with them.
[[nodiscard]] std::uint64_t weight(const Transaction& transaction);
/// Weight / 4, rounded up.
[[nodiscard]] std::uint64_t vsize(const Transaction& transaction);

/// As explorers and bitcoind show them: bytes reversed, 64 hex digits.
[[nodiscard]] std::string txid_to_string(const Txid& txid);
[[nodiscard]] std::string block_hash_to_string(const BlockHash& hash);
[[nodiscard]] std::optional<Txid> parse_txid(std::string_view text);
[[nodiscard]] std::optional<BlockHash> parse_block_hash(std::string_view text);
[[nodiscard]] std::string outpoint_to_string(const Outpoint& outpoint);  // "txid:index"

}  // namespace doze::bitcoin
