#include "bitcoin/sighash.h"

#include "bitcoin/compact_size.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
bool anyone_can_pay(Sighash flag) {
  return (static_cast<std::uint8_t>(flag) & 0x80) != 0;
}
/// All, None or Single; Default counts as All.
Sighash outputs_signed(Sighash flag) {
  auto base = static_cast<std::uint8_t>(flag) & 0x7f;
  return base == 0 ? Sighash::All : static_cast<Sighash>(base);
}

void write_outpoint(Writer& out, const Outpoint& outpoint) {
  out.bytes(outpoint.txid.view()).u32_le(outpoint.index);
}
void write_script(Writer& out, ByteView script) {
  write_compact_size(out, script.size());
  out.bytes(script);
}

Bytes all_prevouts(const Transaction& transaction) {
  Writer out;
  for (const auto& input : transaction.inputs) write_outpoint(out, input.previous_output);
  return out.take();
}
Bytes all_sequences(const Transaction& transaction) {
  Writer out;
  for (const auto& input : transaction.inputs) out.u32_le(input.sequence);
  return out.take();
}
Bytes all_outputs(const Transaction& transaction) {
  Writer out;
  for (const auto& output : transaction.outputs) write_tx_out(out, output);
  return out.take();
}
Bytes one_output(const TxOut& output) {
  Writer out;
  write_tx_out(out, output);
  return out.take();
}
Bytes all_amounts(std::span<const TxOut> spent) {
  Writer out;
  for (const auto& output : spent) out.u64_le(output.amount.value());
  return out.take();
}
Bytes all_scripts(std::span<const TxOut> spent) {
  Writer out;
  for (const auto& output : spent) write_script(out, output.script_pubkey);
  return out.take();
}

/// Before segwit: the inputs with only the signed one's script, the others' sequences as the flag has them.
void write_legacy_inputs(Writer& out, const Transaction& transaction, std::size_t input, ByteView script_code,
                         Sighash flag) {
  bool others_may_change = outputs_signed(flag) != Sighash::All;
  write_compact_size(out, anyone_can_pay(flag) ? 1 : transaction.inputs.size());
  for (std::size_t i = 0; i < transaction.inputs.size(); ++i) {
    if (anyone_can_pay(flag) && i != input) continue;
    write_outpoint(out, transaction.inputs[i].previous_output);
    write_script(out, i == input ? script_code : ByteView());
    out.u32_le(i != input && others_may_change ? 0 : transaction.inputs[i].sequence);
  }
}

/// Before segwit: Single signs the output of its own index, the ones before it are blanked.
void write_legacy_outputs(Writer& out, const Transaction& transaction, std::size_t input, Sighash flag) {
  auto which = outputs_signed(flag);
  auto count = which == Sighash::None ? 0 : which == Sighash::Single ? input + 1 : transaction.outputs.size();
  write_compact_size(out, count);
  for (std::size_t i = 0; i < count; ++i) {
    if (which == Sighash::Single && i != input)
      out.u64_le(UINT64_MAX).u8(0);
    else
      write_tx_out(out, transaction.outputs[i]);
  }
}
}  // namespace

std::optional<Sighash> parse_sighash(std::uint8_t flag) {
  auto base = flag & 0x7f;
  if (base < 1 || base > 3) return std::nullopt;
  return static_cast<Sighash>(flag);
}

SegwitHashes::SegwitHashes(const Transaction& transaction)
    : prevouts(crypto::sha256d(all_prevouts(transaction))),
      sequences(crypto::sha256d(all_sequences(transaction))),
      outputs(crypto::sha256d(all_outputs(transaction))) {}

Hash32 segwit_sighash(const Transaction& transaction, std::size_t input, ByteView script_code, Sat amount, Sighash flag,
                      const SegwitHashes* shared) {
  LN_ASSERT(input < transaction.inputs.size() && flag != Sighash::Default);
  auto which = outputs_signed(flag);
  bool all_inputs = !anyone_can_pay(flag);
  std::optional<SegwitHashes> own;
  if (shared == nullptr && (all_inputs || which == Sighash::All)) shared = &own.emplace(transaction);

  Hash32 outputs;
  if (which == Sighash::All) outputs = shared->outputs;
  if (which == Sighash::Single && input < transaction.outputs.size())
    outputs = crypto::sha256d(one_output(transaction.outputs[input]));

  Writer out;
  out.u32_le(transaction.version);
  out.bytes((all_inputs ? shared->prevouts : Hash32()).view());
  out.bytes((all_inputs && which == Sighash::All ? shared->sequences : Hash32()).view());
  write_outpoint(out, transaction.inputs[input].previous_output);
  write_script(out, script_code);
  out.u64_le(amount.value()).u32_le(transaction.inputs[input].sequence);
  out.bytes(outputs.view()).u32_le(transaction.locktime).u32_le(static_cast<std::uint8_t>(flag));
  return crypto::sha256d(out.view());
}

std::optional<Hash32> taproot_sighash(const Transaction& transaction, std::size_t input, std::span<const TxOut> spent,
                                      Sighash flag) {
  LN_ASSERT(input < transaction.inputs.size() && spent.size() == transaction.inputs.size());
  auto which = outputs_signed(flag);
  bool all_inputs = !anyone_can_pay(flag);
  if (which == Sighash::Single && input >= transaction.outputs.size()) return std::nullopt;

  Writer out;
  out.u8(0).u8(static_cast<std::uint8_t>(flag));  // 0: epoch
  out.u32_le(transaction.version).u32_le(transaction.locktime);
  if (all_inputs) {
    out.bytes(crypto::sha256(all_prevouts(transaction)).view());
    out.bytes(crypto::sha256(all_amounts(spent)).view());
    out.bytes(crypto::sha256(all_scripts(spent)).view());
    out.bytes(crypto::sha256(all_sequences(transaction)).view());
  }
  if (which == Sighash::All) out.bytes(crypto::sha256(all_outputs(transaction)).view());
  out.u8(0);  // key path, no annex
  if (all_inputs) {
    out.u32_le(static_cast<std::uint32_t>(input));
  } else {
    write_outpoint(out, transaction.inputs[input].previous_output);
    write_tx_out(out, spent[input]);
    out.u32_le(transaction.inputs[input].sequence);
  }
  if (which == Sighash::Single) out.bytes(crypto::sha256(one_output(transaction.outputs[input])).view());
  return crypto::tagged_hash(bytes_of("TapSighash"), {out.view()});
}

Hash32 legacy_sighash(const Transaction& transaction, std::size_t input, ByteView script_code, Sighash flag) {
  LN_ASSERT(input < transaction.inputs.size() && flag != Sighash::Default);
  if (outputs_signed(flag) == Sighash::Single && input >= transaction.outputs.size()) {
    // The first implementation signed the number one here, so all others do as well.
    Hash32 one;
    one.bytes[0] = 1;
    return one;
  }
  Writer out;
  out.u32_le(transaction.version);
  write_legacy_inputs(out, transaction, input, script_code, flag);
  write_legacy_outputs(out, transaction, input, flag);
  out.u32_le(transaction.locktime).u32_le(static_cast<std::uint8_t>(flag));
  return crypto::sha256d(out.view());
}

Bytes signature_item(const Signature& signature, Sighash flag) {
  auto out = crypto::to_der(signature);
  out.push_back(static_cast<std::uint8_t>(flag));
  return out;
}

}  // namespace doze::bitcoin
