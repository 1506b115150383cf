// Partially signed transactions: the vectors of BIP 174, 370 and 371, and what a version must and must not have.
#include "bitcoin/psbt.h"

#include "crypto/crypto.h"
#include "vectors.h"

namespace doze::bitcoin {
namespace {

json::array cases() {
  return load_vectors("psbt.json").at("cases").as_array();
}

Bytes one_valid() {
  for (const auto& test : cases())
    if (test.at("valid").as_bool() && number_at(test, "bip") == 370) return hex_at(test, "psbt");
  return {};
}

TEST(Psbt, ReadsTheValidVectorsAndWritesThemAgain) {
  std::size_t valid = 0;
  for (const auto& test : cases()) {
    if (!test.at("valid").as_bool()) continue;
    ++valid;
    auto bytes = hex_at(test, "psbt");
    auto psbt = parse_psbt(bytes);
    ASSERT_TRUE(psbt) << text_at(test, "name") << ": " << describe(psbt.error());
    EXPECT_EQ(to_hex(serialize(*psbt)), to_hex(bytes)) << text_at(test, "name");
    EXPECT_EQ(psbt->version, number_at(test, "bip") == 370 ? 2U : 0U);
    auto tx = unsigned_transaction(*psbt);
    if (const auto* locktime = test.as_object().if_contains("locktime")) {
      EXPECT_EQ(psbt_locktime(*psbt).has_value(), !locktime->is_null()) << text_at(test, "name");
      EXPECT_EQ(tx.has_value(), !locktime->is_null());
      if (tx) {
        EXPECT_EQ(tx->locktime, locktime->to_number<std::uint32_t>()) << text_at(test, "name");
      }
    } else {
      ASSERT_TRUE(tx);
    }
    if (!tx) continue;
    EXPECT_EQ(tx->inputs.size(), psbt->inputs.size());
    EXPECT_EQ(tx->outputs.size(), psbt->outputs.size());
  }
  EXPECT_EQ(valid, 54U);
}

TEST(Psbt, RefusesTheInvalidVectors) {
  std::size_t invalid = 0;
  for (const auto& test : cases()) {
    if (test.at("valid").as_bool()) continue;
    ++invalid;
    auto psbt = parse_psbt(hex_at(test, "psbt"));
    EXPECT_FALSE(psbt) << text_at(test, "name");
  }
  EXPECT_EQ(invalid, 55U);
}

TEST(Psbt, TruncatedAtEveryByteIsRefused) {
  for (const auto& test : cases()) {
    if (!test.at("valid").as_bool()) continue;
    auto bytes = hex_at(test, "psbt");
    for (std::size_t length = 0; length < bytes.size(); ++length)
      ASSERT_FALSE(parse_psbt(ByteView(bytes).first(length))) << text_at(test, "name") << " cut at " << length;
    bytes.push_back(0);
    EXPECT_EQ(parse_psbt(bytes).error().code, ParseCode::TrailingBytes);
  }
}

TEST(Psbt, ChangedBytesNeverReadTwoWays) {
  auto bytes = one_valid();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    if (auto psbt = parse_psbt(changed)) {
      EXPECT_EQ(to_hex(serialize(*psbt)), to_hex(changed)) << bit;
    }
  }
}

TEST(Psbt, AnUnsignedTransactionOfVersion2HasWhatTheMapsSay) {
  auto tx = unsigned_transaction(*parse_psbt(one_valid()));
  ASSERT_TRUE(tx);
  EXPECT_EQ(tx->version, 2U);
  ASSERT_EQ(tx->inputs.size(), 1U);
  EXPECT_EQ(tx->inputs[0].previous_output.txid.hex(),
            "0b0ad921419c1c8719735d72dc739f9ea9e0638d1fe4c1eef0f9944084815fc8");
  EXPECT_EQ(tx->inputs[0].sequence, kSequenceFinal);
  ASSERT_EQ(tx->outputs.size(), 2U);
  EXPECT_EQ(tx->outputs[0].amount, Sat(800'000'000));
}

TEST(Psbt, APreimageMustHashToItsKey) {
  auto psbt = *parse_psbt(one_valid());
  Bytes preimage(32, 5);
  for (auto [type, key] : {std::pair{0x0a, to_bytes(crypto::ripemd160(preimage).view())},
                           {0x0b, to_bytes(crypto::sha256(preimage).view())},
                           {0x0c, to_bytes(crypto::hash160(preimage).view())},
                           {0x0d, to_bytes(crypto::sha256d(preimage).view())}}) {
    auto with = psbt;
    with.inputs[0].push_back({static_cast<std::uint64_t>(type), key, preimage});
    EXPECT_TRUE(parse_psbt(serialize(with))) << type;
    with.inputs[0].back().value[0] ^= 1;
    EXPECT_EQ(parse_psbt(serialize(with)).error().code, ParseCode::BadLength) << type;
  }
}

TEST(Psbt, ErrorsSayWhichFieldAndWhere) {
  auto psbt = *parse_psbt(one_valid());
  psbt.outputs[1].push_back({0x03, Bytes{9}, Bytes(8)});
  auto bytes = serialize(psbt);
  auto error = parse_psbt(bytes).error();
  EXPECT_EQ(std::string(error.what), "amount");
  EXPECT_EQ(error.where, bytes.size() - 13);
  psbt.version = 2;
  psbt.outputs[1] = {};
  error = parse_psbt(serialize(psbt)).error();
  EXPECT_EQ(error, (ParseError{ParseCode::MissingField, serialize(psbt).size() - 1}));
  EXPECT_EQ(psbt_field_name(PsbtScope::Input, 0x13), std::string("tap_key_sig"));
  EXPECT_EQ(psbt_field_name(PsbtScope::Output, 0x70), nullptr);
}

}  // namespace
}  // namespace doze::bitcoin
