#include "bitcoin/transaction.h"

#include <algorithm>

#include "bitcoin/compact_size.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
ParseError error_at(const Reader& in, ParseCode code, const char* what) {
  return {code, in.at(), what};
}

Result<TxIn, ParseError> read_input(Reader& in) {
  TxIn out;
  out.previous_output.txid.bytes = in.array<32>();
  out.previous_output.index = in.u32_le();
  LN_TRY(script_sig, read_sized_bytes(in, "script_sig"));
  out.script_sig = std::move(script_sig);
  out.sequence = in.u32_le();
  if (!in.ok()) return fail(error_at(in, ParseCode::Truncated, "sequence"));
  return out;
}

Status<ParseError> read_witnesses(Reader& in, Transaction& transaction) {
  for (auto& input : transaction.inputs) {
    LN_TRY(witness, read_witness(in));
    input.witness = std::move(witness);
  }
  if (!transaction.has_witness()) return fail(error_at(in, ParseCode::BadValue, "witness marker without witness"));
  return Done{};
}

Bytes serialize(const Transaction& transaction, bool with_witness) {
  Writer out;
  out.u32_le(transaction.version);
  if (with_witness) out.u8(0).u8(1);
  write_compact_size(out, transaction.inputs.size());
  for (const auto& input : transaction.inputs) {
    out.bytes(input.previous_output.txid.view()).u32_le(input.previous_output.index);
    write_sized_bytes(out, input.script_sig);
    out.u32_le(input.sequence);
  }
  write_compact_size(out, transaction.outputs.size());
  for (const auto& output : transaction.outputs) write_tx_out(out, output);
  if (with_witness) {
    for (const auto& input : transaction.inputs) {
      write_compact_size(out, input.witness.size());
      for (const auto& item : input.witness) write_sized_bytes(out, item);
    }
  }
  out.u32_le(transaction.locktime);
  return out.take();
}

Status<ParseError> read_outputs(Reader& in, Transaction& transaction) {
  LN_TRY(outputs, read_size(in, "outputs"));
  for (std::uint64_t i = 0; i < outputs; ++i) {
    LN_TRY(output, read_tx_out(in));
    transaction.outputs.push_back(std::move(output));
  }
  return Done{};
}

template <class Id>
std::string reversed_hex(const Id& id) {
  auto bytes = id.bytes;
  std::reverse(bytes.begin(), bytes.end());
  return to_hex(bytes);
}

template <class Id>
std::optional<Id> parse_reversed_hex(std::string_view text) {
  auto bytes = from_hex(text);
  if (!bytes) return std::nullopt;
  std::reverse(bytes->begin(), bytes->end());
  return Id::from(*bytes);
}
}  // namespace

bool Transaction::has_witness() const {
  return std::any_of(inputs.begin(), inputs.end(), [](const TxIn& input) { return !input.witness.empty(); });
}

Bytes serialize(const Transaction& transaction) {
  return serialize(transaction, transaction.has_witness());
}

Bytes serialize_without_witness(const Transaction& transaction) {
  return serialize(transaction, false);
}

Result<Transaction, ParseError> parse_transaction(ByteView bytes) {
  if (bytes.size() > kMaxBlockWeight) return fail(ParseError{ParseCode::TooLarge, kMaxBlockWeight, "transaction"});
  Reader in(bytes);
  LN_TRY(out, read_transaction(in));
  if (in.remaining() != 0) return fail(error_at(in, ParseCode::TrailingBytes, "transaction"));
  return out;
}

Result<Transaction, ParseError> read_transaction(Reader& in) {
  auto start = in.at();
  Transaction out;
  out.version = in.u32_le();
  LN_TRY(inputs, read_size(in, "inputs"));
  bool with_witness = inputs == 0;
  if (with_witness) {
    auto flag = in.u8();
    if (!in.ok()) return fail(error_at(in, ParseCode::Truncated, "inputs"));
    if (flag != 1) return fail(error_at(in, ParseCode::BadValue, "no inputs"));
    LN_TRY(inputs_behind_marker, read_size(in, "inputs"));
    inputs = inputs_behind_marker;
    if (inputs == 0) return fail(error_at(in, ParseCode::BadValue, "no inputs"));
  }
  for (std::uint64_t i = 0; i < inputs; ++i) {
    LN_TRY(input, read_input(in));
    out.inputs.push_back(std::move(input));
  }
  LN_CHECK(read_outputs(in, out));
  if (with_witness) LN_CHECK(read_witnesses(in, out));
  out.locktime = in.u32_le();
  if (!in.ok()) return fail(error_at(in, ParseCode::Truncated, "locktime"));
  if (in.at() - start > kMaxBlockWeight) return fail(error_at(in, ParseCode::TooLarge, "transaction"));
  return out;
}

Result<Transaction, ParseError> parse_unsigned_transaction(ByteView bytes) {
  if (bytes.size() > kMaxBlockWeight) return fail(ParseError{ParseCode::TooLarge, kMaxBlockWeight, "transaction"});
  Reader in(bytes);
  Transaction out;
  out.version = in.u32_le();
  LN_TRY(inputs, read_size(in, "inputs"));
  for (std::uint64_t i = 0; i < inputs; ++i) {
    LN_TRY(input, read_input(in));
    if (!input.script_sig.empty()) return fail(error_at(in, ParseCode::UnexpectedField, "script_sig"));
    out.inputs.push_back(std::move(input));
  }
  LN_CHECK(read_outputs(in, out));
  out.locktime = in.u32_le();
  if (!in.ok()) return fail(error_at(in, ParseCode::Truncated, "locktime"));
  if (in.remaining() != 0) return fail(error_at(in, ParseCode::TrailingBytes, "transaction"));
  return out;
}

Result<Witness, ParseError> read_witness(Reader& in) {
  LN_TRY(count, read_size(in, "witness"));
  Witness out;
  for (std::uint64_t i = 0; i < count; ++i) {
    LN_TRY(item, read_sized_bytes(in, "witness item"));
    out.push_back(std::move(item));
  }
  return out;
}

void write_tx_out(Writer& out, const TxOut& output) {
  out.u64_le(output.amount.value());
  write_sized_bytes(out, output.script_pubkey);
}

Result<TxOut, ParseError> read_tx_out(Reader& in) {
  TxOut out;
  out.amount = Sat(in.u64_le());
  if (!in.ok()) return fail(error_at(in, ParseCode::Truncated, "amount"));
  if (!out.amount.is_money()) return fail(error_at(in, ParseCode::BadValue, "amount"));
  LN_TRY(script_pubkey, read_sized_bytes(in, "script_pubkey"));
  out.script_pubkey = std::move(script_pubkey);
  return out;
}

Txid txid(const Transaction& transaction) {
  return convert<Txid>(crypto::sha256d(serialize_without_witness(transaction)));
}

Hash32 wtxid(const Transaction& transaction) {
  return crypto::sha256d(serialize(transaction));
}

std::uint64_t weight(const Transaction& transaction) {
  return 3 * serialize_without_witness(transaction).size() + serialize(transaction).size();
}

std::uint64_t vsize(const Transaction& transaction) {
  return (weight(transaction) + 3) / 4;
}

std::string txid_to_string(const Txid& txid) {
  return reversed_hex(txid);
}

std::string block_hash_to_string(const BlockHash& hash) {
  return reversed_hex(hash);
}

std::optional<Txid> parse_txid(std::string_view text) {
  return parse_reversed_hex<Txid>(text);
}

std::optional<BlockHash> parse_block_hash(std::string_view text) {
  return parse_reversed_hex<BlockHash>(text);
}

std::string outpoint_to_string(const Outpoint& outpoint) {
  return txid_to_string(outpoint.txid) + ":" + std::to_string(outpoint.index);
}

}  // namespace doze::bitcoin
