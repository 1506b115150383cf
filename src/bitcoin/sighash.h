// What signatures sign. BIP 143 (segwit version 0), BIP 341 (taproot key path), and the form before segwit.
#pragma once

#include <optional>
#include <span>

#include "bitcoin/transaction.h"

namespace doze::bitcoin {

enum class Sighash : std::uint8_t {
  Default = 0x00,  // taproot only: means All
  All = 0x01,
  None = 0x02,
  Single = 0x03,
  AllAnyoneCanPay = 0x81,
  NoneAnyoneCanPay = 0x82,
  SingleAnyoneCanPay = 0x83,  // BOLT 3, HTLC transactions with anchors
};
/// Every defined flag but Default; nullopt otherwise.
[[nodiscard]] std::optional<Sighash> parse_sighash(std::uint8_t flag);

/// The three hashes that all inputs of one transaction share: compute once when several inputs are signed.
/// Wrong as soon as the transaction changes (witnesses and script_sigs may).
struct SegwitHashes {
  explicit SegwitHashes(const Transaction& transaction);
  Hash32 prevouts, sequences, outputs;
};

/// BIP 143. `input` below inputs.size() (aborts otherwise). `script_code`: the witness script (from the last executed
/// OP_CODESEPARATOR on), or p2pkh_script of the key hash for P2WPKH. `amount`: of the spent output.
/// `shared` must be of this transaction; computed here if null.
[[nodiscard]] Hash32 segwit_sighash(const Transaction& transaction, std::size_t input, ByteView script_code, Sat amount,
                                    Sighash flag, const SegwitHashes* shared = nullptr);
/// BIP 341, key path without annex. `spent`: the outputs of all inputs, in order (aborts on another count).
/// nullopt for Single without a matching output.
[[nodiscard]] std::optional<Hash32> taproot_sighash(const Transaction& transaction, std::size_t input,
                                                    std::span<const TxOut> spent, Sighash flag);
/// Before segwit, for scripts without OP_CODESEPARATOR and without their own signature in them.
[[nodiscard]] Hash32 legacy_sighash(const Transaction& transaction, std::size_t input, ByteView script_code,
                                    Sighash flag);

/// DER ‖ flag, as in a witness or script_sig.
[[nodiscard]] Bytes signature_item(const Signature& signature, Sighash flag);

}  // namespace doze::bitcoin
