// Script numbers, pushes, standard forms, signature hashes of BIP 143 and BIP 341.
#include "bitcoin/script.h"

#include "bitcoin/address.h"
#include "bitcoin/sighash.h"
#include "crypto/crypto.h"
#include "vectors.h"

namespace doze::bitcoin {
namespace {

TEST(ScriptNumber, ShortestFormOnly) {
  const std::vector<std::pair<std::int64_t, std::string>> cases{{0, ""},
                                                                {1, "01"},
                                                                {-1, "81"},
                                                                {127, "7f"},
                                                                {128, "8000"},
                                                                {-128, "8080"},
                                                                {255, "ff00"},
                                                                {-255, "ff80"},
                                                                {256, "0001"},
                                                                {0x7fffffff, "ffffff7f"},
                                                                {-0x7fffffff, "ffffffff"},
                                                                {0x80000000, "0000008000"},
                                                                {INT64_MAX, "ffffffffffffff7f"}};
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(to_hex(script_number(value)), text);
    EXPECT_EQ(read_script_number(hex(text), 8), value);
  }
  for (const char* text : {"00", "80", "0100", "0180", "ff0000"}) EXPECT_FALSE(read_script_number(hex(text))) << text;
  EXPECT_FALSE(read_script_number(hex("0000008000")));
  EXPECT_EQ(to_hex(script_number(INT64_MIN)), "000000000000008080");
  EXPECT_FALSE(read_script_number(hex("000000000000008080"), 9));
}

TEST(Script, PushesAreShortestAndReadBack) {
  for (std::size_t size : {0, 1, 2, 75, 76, 255, 256, 520, 65535, 65536}) {
    for (std::uint8_t fill : {0x00, 0x01, 0x10, 0x11, 0x81}) {
      Bytes data(size, fill);
      auto script = ScriptBuilder().push(data).take();
      Reader in(script);
      auto instruction = next_instruction(in);
      ASSERT_TRUE(instruction);
      EXPECT_TRUE(in.done());
      EXPECT_TRUE(is_minimal_push(*instruction)) << size;
      EXPECT_TRUE(is_push_only(script));
      EXPECT_TRUE(instruction->opcode > OP_PUSHDATA4 || equal(instruction->data, data));
    }
  }
  EXPECT_EQ(to_hex(ScriptBuilder().number(0).number(-1).number(16).number(17).take()), "004f600111");
}

TEST(Script, LongPushesAreNotMinimal) {
  for (const char* text : {"0101", "0110", "0181", "4c00", "4c0111", "4d0100aa", "4e01000000aa"}) {
    auto script = hex(text);
    Reader in(script);
    auto instruction = next_instruction(in);
    ASSERT_TRUE(instruction) << text;
    EXPECT_FALSE(is_minimal_push(*instruction)) << text;
  }
  for (const char* text : {"02aa", "4c", "4c02aa", "4d01", "4d0200aa", "4e010000", "4effffffff"}) {
    auto script = hex(text);
    Reader in(script);
    EXPECT_FALSE(next_instruction(in)) << text;
    EXPECT_FALSE(is_push_only(script)) << text;
  }
}

TEST(Script, StandardFormsAreRecognised) {
  auto key = crypto::public_key(PrivateKey::from_hex_or_die(std::string(63, '0') + "1"));
  auto hash = crypto::hash160(key.view());
  EXPECT_TRUE(is_p2pkh(p2pkh_script(hash)));
  EXPECT_TRUE(is_p2sh(p2sh_script(hash)));
  EXPECT_TRUE(is_p2wpkh(p2wpkh_script(key)));
  EXPECT_EQ(p2wpkh_script(key), p2wpkh_script(hash));
  EXPECT_EQ(to_hex(p2wpkh_script(key)), "0014751e76e8199196d454941c45d1b3a323f1433bd6");
  EXPECT_TRUE(is_p2wsh(p2wsh_script(hex("51"))));
  EXPECT_TRUE(is_p2tr(p2tr_script(crypto::x_only(key))));
  EXPECT_TRUE(is_p2a(hex("51024e73")));
  EXPECT_FALSE(is_p2a(hex("51024e74")));
  EXPECT_FALSE(is_p2wpkh(p2wsh_script(hex("51"))));
  EXPECT_FALSE(is_p2pkh(p2sh_script(hash)));
  for (const char* text : {"", "00", "0001aa", "001401", "52014e", "501400", "004c0101"})
    EXPECT_FALSE(witness_program(hex(text))) << text;
  auto last = hex("6002abcd");
  EXPECT_EQ(witness_program(last)->version, 16);
}

TEST(Script, ShutdownScripts) {
  Hash20 hash;
  EXPECT_TRUE(is_valid_shutdown_script(p2wpkh_script(hash), false));
  EXPECT_TRUE(is_valid_shutdown_script(p2wsh_script(hex("51")), false));
  EXPECT_FALSE(is_valid_shutdown_script(p2tr_script(XOnlyKey{}), false));
  EXPECT_TRUE(is_valid_shutdown_script(p2tr_script(XOnlyKey{}), true));
  EXPECT_TRUE(is_valid_shutdown_script(hex("6002abcd"), true));
  EXPECT_FALSE(is_valid_shutdown_script(hex("0003010203"), true));
  EXPECT_FALSE(is_valid_shutdown_script(p2pkh_script(hash), true));
  EXPECT_FALSE(is_valid_shutdown_script(p2sh_script(hash), true));
  EXPECT_FALSE(is_valid_shutdown_script(hex("6a0100"), true));
}

TEST(Script, DustLimits) {
  Hash20 hash;
  EXPECT_EQ(dust_limit(p2pkh_script(hash)), Sat(546));
  EXPECT_EQ(dust_limit(p2sh_script(hash)), Sat(540));
  EXPECT_EQ(dust_limit(p2wpkh_script(hash)), Sat(294));
  EXPECT_EQ(dust_limit(p2wsh_script(hex("51"))), Sat(330));
  EXPECT_EQ(dust_limit(p2tr_script(XOnlyKey{})), Sat(354));
  EXPECT_EQ(dust_limit(hex("51024e73")), Sat(240));
  EXPECT_EQ(dust_limit(hex("6a0100")), Sat(0));
  EXPECT_EQ(dust_limit(hex("51")), Sat(546));
}

TEST(Sighash, ReproducesBip143) {
  auto list = load_vectors("bip143.json").at("sighashes").as_array();
  ASSERT_GE(list.size(), 7U);
  for (const auto& entry : list) {
    auto transaction = parse_transaction(hex_at(entry, "unsigned_tx"));
    ASSERT_TRUE(transaction);
    auto outpoint = hex_at(entry, "outpoint");
    Reader in(outpoint);
    Outpoint spent;
    spent.txid.bytes = in.array<32>();
    spent.index = in.u32_le();
    std::size_t input = 0;
    while (input < transaction->inputs.size() && transaction->inputs[input].previous_output != spent) ++input;
    ASSERT_LT(input, transaction->inputs.size());
    auto flag = parse_sighash(static_cast<std::uint8_t>(number_at(entry, "flag")));
    ASSERT_TRUE(flag);
    SegwitHashes shared(*transaction);
    Sat amount(number_at(entry, "amount"));
    auto code = hex_at(entry, "script_code");
    EXPECT_EQ(segwit_sighash(*transaction, input, code, amount, *flag).hex(), text_at(entry, "sighash"));
    EXPECT_EQ(segwit_sighash(*transaction, input, code, amount, *flag, &shared).hex(), text_at(entry, "sighash"));
  }
}

TEST(Sighash, OnlyDefinedFlagsAreRead) {
  int defined = 0;
  for (int flag = 0; flag < 256; ++flag)
    if (parse_sighash(static_cast<std::uint8_t>(flag))) ++defined;
  EXPECT_EQ(defined, 6);
  EXPECT_FALSE(parse_sighash(0));
  EXPECT_FALSE(parse_sighash(0x80));
}

TEST(Taproot, ReproducesBip341KeysAndSignatureHashes) {
  auto vectors = load_vectors("bip341.json");
  for (const auto& entry : vectors.at("scriptPubKey").as_array()) {
    auto internal = *XOnlyKey::from(hex_at(entry.at("given"), "internalPubkey"));
    const auto& root = entry.at("intermediary").as_object();
    std::optional<Hash32> merkle_root;
    if (auto* found = root.if_contains("merkleRoot"); found && found->is_string())
      merkle_root = Hash32::from_hex_or_die(std::string(found->as_string()));
    auto output = taproot_output_key(internal, merkle_root);
    ASSERT_TRUE(output);
    EXPECT_EQ(to_hex(p2tr_script(*output)), text_at(entry.at("expected"), "scriptPubKey"));
    EXPECT_EQ(address_of_script(p2tr_script(*output), "bc"), text_at(entry.at("expected"), "bip350Address"));
  }
  for (const auto& entry : vectors.at("keyPathSpending").as_array()) {
    auto transaction = *parse_transaction(hex_at(entry.at("given"), "rawUnsignedTx"));
    auto spent = spent_at(entry.at("given"), "utxosSpent", "amountSats", "scriptPubKey");
    for (const auto& signing : entry.at("inputSpending").as_array()) {
      const auto& given = signing.at("given");
      std::optional<Hash32> merkle_root;
      if (given.at("merkleRoot").is_string()) merkle_root = Hash32::from_hex_or_die(text_at(given, "merkleRoot"));
      auto secret = taproot_output_secret(PrivateKey::from_hex_or_die(text_at(given, "internalPrivkey")), merkle_root);
      EXPECT_EQ(to_hex(secret.reveal()), text_at(signing.at("intermediary"), "tweakedPrivkey"));
      auto flag = static_cast<Sighash>(number_at(given, "hashType"));
      auto digest = taproot_sighash(transaction, number_at(given, "txinIndex"), spent, flag);
      ASSERT_TRUE(digest);
      EXPECT_EQ(digest->hex(), text_at(signing.at("intermediary"), "sigHash"));
      auto signature = to_hex(crypto::schnorr_sign(secret, *digest).view());
      auto expected = std::string(signing.at("expected").at("witness").at(0).as_string());
      EXPECT_EQ(signature, expected.substr(0, 128));
    }
  }
}

TEST(Taproot, KeysThatAreNoPointHaveNoOutput) {
  EXPECT_FALSE(taproot_output_key(XOnlyKey::from_hex_or_die(std::string(64, 'f'))));
  EXPECT_FALSE(taproot_output_key(XOnlyKey::from_hex_or_die(std::string(63, '0') + "5")));
}

}  // namespace
}  // namespace doze::bitcoin
