// Blocks and their headers.
#pragma once

#include <span>
#include <vector>

#include "bitcoin/transaction.h"

namespace doze::bitcoin {

inline constexpr std::size_t kBlockHeaderSize = 80;

struct BlockHeader {
  std::uint32_t version = 0;
  BlockHash previous;
  Hash32 merkle_root;
  std::uint32_t time = 0;  // seconds since 1970, as the miner says
  std::uint32_t bits = 0;  // the target, compact
  std::uint32_t nonce = 0;
  friend bool operator==(const BlockHeader&, const BlockHeader&) = default;
};

struct Block {
  BlockHeader header;
  std::vector<Transaction> transactions;
  friend bool operator==(const Block&, const Block&) = default;
};

[[nodiscard]] Bytes serialize(const BlockHeader& header);  // 80 bytes
[[nodiscard]] Result<BlockHeader, ParseError> parse_block_header(ByteView bytes80);
[[nodiscard]] BlockHash block_hash(const BlockHeader& header);
/// Whether the header's hash is at or below the target that it names. The right target is not judged.
[[nodiscard]] bool has_work(const BlockHeader& header);

[[nodiscard]] Bytes serialize(const Block& block);
/// Header and transactions. The merkle root is not checked: see merkle_root.
[[nodiscard]] Result<Block, ParseError> parse_block(ByteView bytes);
/// Of the txids, in order; all zero for none. Compare with the header: a block whose list ends in repeated
/// transactions can have the same root as the real one (CVE-2012-2459), so `repeated` is set then.
[[nodiscard]] Hash32 merkle_root(std::span<const Txid> txids, bool* repeated = nullptr);
[[nodiscard]] Hash32 merkle_root(std::span<const Transaction> transactions, bool* repeated = nullptr);
[[nodiscard]] std::vector<Txid> txids(std::span<const Transaction> transactions);

}  // namespace doze::bitcoin
