// Transactions, CompactSize, blocks: bytes both ways, ids, weights, and what is refused.
#include "bitcoin/transaction.h"

#include "bitcoin/block.h"
#include "bitcoin/compact_size.h"
#include "vectors.h"

namespace doze::bitcoin {
namespace {

Transaction bip143_p2wpkh() {
  return *parse_transaction(hex_at(load_vectors("bip143.json").at("signed").at(0), "tx"));
}

// The first block of mainnet.
const char* const kGenesis =
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc388"
    "8a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c01010000000100000000000000000000000000000000000000000000000000000000"
    "00"
    "000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b"
    "206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a671"
    "30b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";

TEST(CompactSize, WritesTheShortestForm) {
  const std::vector<std::pair<std::uint64_t, std::string>> cases{{0, "00"},
                                                                 {0xfc, "fc"},
                                                                 {0xfd, "fdfd00"},
                                                                 {0xffff, "fdffff"},
                                                                 {0x10000, "fe00000100"},
                                                                 {0xffffffff, "feffffffff"},
                                                                 {0x100000000, "ff0000000001000000"}};
  for (const auto& [value, text] : cases) {
    Writer out;
    write_compact_size(out, value);
    EXPECT_EQ(to_hex(out.view()), text);
    EXPECT_EQ(compact_size_length(value), text.size() / 2);
    Reader in(out.view());
    EXPECT_EQ(read_compact_size(in), value);
    EXPECT_TRUE(in.done());
  }
}

TEST(CompactSize, RefusesLongFormsAndTruncation) {
  for (const char* text : {"fdfc00", "feffff0000", "ffffffffff00000000", "fd00", "fe000001", "ff00000000000000", ""}) {
    auto bytes = hex(text);
    Reader in(bytes);
    EXPECT_EQ(read_compact_size(in), 0U) << text;
    EXPECT_FALSE(in.ok()) << text;
  }
}

TEST(Transaction, RoundTripsEveryValidVector) {
  auto vectors = load_vectors("tx_valid.json").as_array();
  ASSERT_GT(vectors.size(), 100U);
  for (const auto& vector : vectors) {
    auto bytes = hex_at(vector, "tx");
    auto parsed = parse_transaction(bytes);
    ASSERT_TRUE(parsed) << text_at(vector, "tx") << describe(parsed.error());
    EXPECT_EQ(serialize(*parsed), bytes);
    EXPECT_EQ(weight(*parsed), 3 * serialize_without_witness(*parsed).size() + bytes.size());
  }
}

TEST(Transaction, TruncatedAtEveryByteIsTruncated) {
  auto bytes = serialize(bip143_p2wpkh());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto parsed = parse_transaction(ByteView(bytes).first(size));
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error().code, ParseCode::Truncated) << size;
  }
  bytes.push_back(0);
  EXPECT_EQ(parse_transaction(bytes).error().code, ParseCode::TrailingBytes);
}

TEST(Transaction, ChangedBytesNeverCrashAndNeverReadTwoWays) {
  auto bytes = serialize(bip143_p2wpkh());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (std::uint8_t value : {0x00, 0x01, 0xfd, 0xfe, 0xff}) {
      auto changed = bytes;
      changed[i] = value;
      auto parsed = parse_transaction(changed);
      EXPECT_TRUE(!parsed || serialize(*parsed) == changed) << i;
    }
  }
}

TEST(Transaction, IdsLeaveTheWitnessOutOrIn) {
  auto transaction = bip143_p2wpkh();
  auto stripped = transaction;
  for (auto& input : stripped.inputs) input.witness.clear();
  EXPECT_EQ(txid(stripped), txid(transaction));
  EXPECT_EQ(wtxid(stripped), convert<Hash32>(txid(stripped)));
  EXPECT_NE(wtxid(transaction), wtxid(stripped));
  EXPECT_EQ(weight(stripped), 4 * serialize(stripped).size());
  EXPECT_LT(vsize(transaction), serialize(transaction).size());
}

TEST(Transaction, RefusesWhatNoBlockContains) {
  auto refused = [](const std::string& text, ParseCode code) {
    auto parsed = parse_transaction(hex(text));
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, code) << text;
  };
  const std::string input = std::string(64, '0') + "00000000" + "00" + "ffffffff";
  refused(
      "02000000"
      "00"
      "00"
      "00000000",
      ParseCode::BadValue);  // no inputs
  refused(
      "02000000"
      "00"
      "02"
      "01" +
          input +
          "00"
          "00"
          "00000000",
      ParseCode::BadValue);  // unknown marker
  refused(
      "02000000"
      "00"
      "01"
      "01" +
          input +
          "00"
          "00"
          "00000000",
      ParseCode::BadValue);  // empty witness
  refused(
      "02000000"
      "00"
      "01"
      "00"
      "00"
      "00000000",
      ParseCode::BadValue);  // marker, no inputs
  refused(
      "02000000"
      "fd0100" +
          input +
          "00"
          "00000000",
      ParseCode::NotMinimal);
  refused(
      "02000000"
      "01" +
          input +
          "01"
          "0140075af0750700"
          "00"
          "00000000",
      ParseCode::BadValue);  // too much money
  auto most =
      parse_transaction(hex("02000000"
                            "01" +
                            input +
                            "01"
                            "0040075af0750700"
                            "00"
                            "00000000"));
  ASSERT_TRUE(most);
  EXPECT_EQ(most->outputs[0].amount, Sat::max_money());
  // A count that the input cannot hold is found out without allocating for it.
  refused(
      "02000000"
      "ffffffffffffffffff" +
          input,
      ParseCode::Truncated);
  EXPECT_EQ(parse_transaction(Bytes(kMaxBlockWeight + 1)).error().code, ParseCode::TooLarge);
}

TEST(Transaction, IdOfTheFirstTransaction) {
  // The coinbase of the first block: 80 bytes of header and a count stand before it in kGenesis.
  auto block = hex(kGenesis);
  auto coinbase = parse_transaction(ByteView(block).subspan(kBlockHeaderSize + 1));
  ASSERT_TRUE(coinbase);
  EXPECT_EQ(txid_to_string(txid(*coinbase)), "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
}

TEST(Transaction, IdsAreShownReversed) {
  const std::string text = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b";
  auto id = parse_txid(text);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->bytes[0], 0x3b);
  EXPECT_EQ(txid_to_string(*id), text);
  EXPECT_EQ(outpoint_to_string({*id, 7}), text + ":7");
  EXPECT_FALSE(parse_txid(text.substr(2)));
  EXPECT_FALSE(parse_txid("zz" + text.substr(2)));
}

TEST(Block, ReadsTheFirstBlock) {
  auto bytes = hex(kGenesis);
  auto block = parse_block(bytes);
  ASSERT_TRUE(block) << describe(block.error());
  EXPECT_EQ(serialize(*block), bytes);
  EXPECT_EQ(block_hash_to_string(block_hash(block->header)),
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  EXPECT_EQ(parse_block_hash(block_hash_to_string(block_hash(block->header))), block_hash(block->header));
  EXPECT_TRUE(has_work(block->header));
  EXPECT_EQ(merkle_root(block->transactions), block->header.merkle_root);
  EXPECT_EQ(*parse_block_header(serialize(block->header)), block->header);
}

TEST(Block, TruncatedAtEveryByteIsRefused) {
  auto bytes = hex(kGenesis);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_block(ByteView(bytes).first(size)));
  for (std::size_t size = 0; size < kBlockHeaderSize; ++size)
    EXPECT_FALSE(parse_block_header(ByteView(bytes).first(size)));
  bytes.push_back(0);
  EXPECT_EQ(parse_block(bytes).error().code, ParseCode::TrailingBytes);
}

TEST(Block, WorkIsJudgedByTheTargetInTheHeader) {
  auto header = parse_block(hex(kGenesis))->header;
  ++header.nonce;
  EXPECT_FALSE(has_work(header));
  header.bits = 0x2100ffff;  // the largest target of 256 bits is enough for nearly every hash
  EXPECT_TRUE(has_work(header));
  for (std::uint32_t bits : {0x00000000U, 0x1d80ffffU, 0x01003456U, 0x2300ffffU, 0xff123456U}) {
    header.bits = bits;
    EXPECT_FALSE(has_work(header)) << std::hex << bits;
  }
}

TEST(Block, MerkleRootTellsRepeatedTails) {
  std::vector<Transaction> list(3);
  for (std::size_t i = 0; i < list.size(); ++i) list[i].locktime = static_cast<std::uint32_t>(i);
  bool repeated = true;
  auto root = merkle_root(list, &repeated);
  EXPECT_FALSE(repeated);
  list.push_back(list.back());
  EXPECT_EQ(merkle_root(list, &repeated), root);
  EXPECT_TRUE(repeated);
  EXPECT_TRUE(merkle_root(std::vector<Txid>{}).is_zero());
}

}  // namespace
}  // namespace doze::bitcoin
