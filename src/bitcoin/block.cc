#include "bitcoin/block.h"

#include <algorithm>

#include "bitcoin/compact_size.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
/// The 256-bit target, least significant byte first; nullopt where it is negative, zero or too large.
std::optional<std::array<std::uint8_t, 32>> target_of(std::uint32_t bits) {
  std::size_t exponent = bits >> 24;
  std::uint32_t mantissa = bits & 0x7fffff;
  if ((bits & 0x800000) != 0) return std::nullopt;
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    auto byte = static_cast<std::uint8_t>(mantissa >> (8 * i));
    // Bytes that slide below the point are lost, bytes beyond the top make it no target.
    if (byte == 0 || exponent + i < 3) continue;
    auto at = exponent + i - 3;
    if (at >= out.size()) return std::nullopt;
    out[at] = byte;
  }
  if (out == std::array<std::uint8_t, 32>{}) return std::nullopt;
  return out;
}

BlockHeader read_header(Reader& in) {
  BlockHeader out;
  out.version = in.u32_le();
  out.previous.bytes = in.array<32>();
  out.merkle_root.bytes = in.array<32>();
  out.time = in.u32_le();
  out.bits = in.u32_le();
  out.nonce = in.u32_le();
  return out;
}
}  // namespace

Bytes serialize(const BlockHeader& header) {
  Writer out;
  out.u32_le(header.version).bytes(header.previous.view()).bytes(header.merkle_root.view());
  out.u32_le(header.time).u32_le(header.bits).u32_le(header.nonce);
  return out.take();
}

Result<BlockHeader, ParseError> parse_block_header(ByteView bytes80) {
  if (bytes80.size() != kBlockHeaderSize)
    return fail(ParseError{bytes80.size() < kBlockHeaderSize ? ParseCode::Truncated : ParseCode::TrailingBytes,
                           std::min(bytes80.size(), kBlockHeaderSize), "block header"});
  Reader in(bytes80);
  return read_header(in);
}

BlockHash block_hash(const BlockHeader& header) {
  return convert<BlockHash>(crypto::sha256d(serialize(header)));
}

bool has_work(const BlockHeader& header) {
  auto target = target_of(header.bits);
  if (!target) return false;
  auto hash = block_hash(header).bytes;
  return !std::lexicographical_compare(target->rbegin(), target->rend(), hash.rbegin(), hash.rend());
}

Bytes serialize(const Block& block) {
  Writer out;
  out.bytes(serialize(block.header));
  write_compact_size(out, block.transactions.size());
  for (const auto& transaction : block.transactions) out.bytes(serialize(transaction));
  return out.take();
}

Result<Block, ParseError> parse_block(ByteView bytes) {
  if (bytes.size() > kMaxBlockWeight) return fail(ParseError{ParseCode::TooLarge, kMaxBlockWeight, "block"});
  Reader in(bytes);
  Block out;
  out.header = read_header(in);
  if (!in.ok()) return fail(ParseError{ParseCode::Truncated, in.at(), "block header"});
  auto count = read_compact_size(in);
  if (!in.ok()) return fail(ParseError{ParseCode::Truncated, in.at(), "number of transactions"});
  for (std::uint64_t i = 0; i < count; ++i) {
    LN_TRY(transaction, read_transaction(in));
    out.transactions.push_back(std::move(transaction));
  }
  if (in.remaining() != 0) return fail(ParseError{ParseCode::TrailingBytes, in.at(), "block"});
  return out;
}

std::vector<Txid> txids(std::span<const Transaction> transactions) {
  std::vector<Txid> out;
  out.reserve(transactions.size());
  for (const auto& transaction : transactions) out.push_back(txid(transaction));
  return out;
}

Hash32 merkle_root(std::span<const Transaction> transactions, bool* repeated) {
  return merkle_root(txids(transactions), repeated);
}

Hash32 merkle_root(std::span<const Txid> txids, bool* repeated) {
  if (repeated != nullptr) *repeated = false;
  if (txids.empty()) return {};
  std::vector<Hash32> level;
  level.reserve(txids.size());
  for (const auto& txid : txids) level.push_back(convert<Hash32>(txid));
  while (level.size() > 1) {
    std::vector<Hash32> above;
    above.reserve((level.size() + 1) / 2);
    for (std::size_t i = 0; i < level.size(); i += 2) {
      bool pair = i + 1 < level.size();
      const auto& right = pair ? level[i + 1] : level[i];
      if (pair && level[i] == right && repeated != nullptr) *repeated = true;
      Writer both;
      both.bytes(level[i].view()).bytes(right.view());
      above.push_back(crypto::sha256d(both.view()));
    }
    level = std::move(above);
  }
  return level[0];
}

}  // namespace doze::bitcoin
