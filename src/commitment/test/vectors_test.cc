// BOLT 3's vectors: commitment and HTLC transactions of both formats, per-commitment secrets, key derivation.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <boost/json/src.hpp>
#include <fstream>
#include <sstream>

#include "commitment/claim_transactions.h"
#include "commitment/commitment_tx.h"
#include "commitment/shachain.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

namespace json = boost::json;

json::object load(const std::string& file) {
  std::ifstream in(std::string(DOZE_VECTORS "/bolt03/") + file);
  std::stringstream text;
  text << in.rdbuf();
  return json::parse(text.str()).as_object();
}
std::string text(const json::object& from, const char* key) {
  return std::string(from.at(key).as_string());
}
std::uint64_t number(const json::object& from, const char* key) {
  return from.at(key).to_number<std::uint64_t>();
}
PublicKey key(const json::object& from, const char* name) {
  return PublicKey::from_hex_or_die(text(from, name));
}
Signature signature(const json::object& from) {
  auto der = hex(text(from, "remote_signature"));
  auto out = crypto::from_der(der);
  EXPECT_TRUE(out);
  return out.value_or(Signature{});
}

class Vectors : public ::testing::Test {
 protected:
  json::object file = load("commitment-tx.json");
  json::object parameters = file.at("parameters").as_object();

  std::unique_ptr<ChannelSigner> local_signer() const {
    ChannelSecrets secrets;
    secrets.funding = PrivateKey::from_hex_or_die(text(parameters, "local_funding_privkey"));
    auto payment = PrivateKey::from_hex_or_die(text(parameters, "local_payment_basepoint_secret"));
    secrets.payment_basepoint = secrets.htlc_basepoint = secrets.revocation_basepoint = payment;
    secrets.delayed_payment_basepoint =
        PrivateKey::from_hex_or_die(text(parameters, "local_delayed_payment_basepoint_secret"));
    return make_signer(secrets);
  }
  CommitmentTerms terms(const json::object& test) const {
    CommitmentTerms out;
    out.format = text(test, "format") == "static_remotekey" ? CommitmentFormat::StaticRemotekey
                                                            : CommitmentFormat::AnchorsZeroFeeHtlc;
    out.funding = {*bitcoin::parse_txid(text(parameters, "funding_tx_id")), 0};
    out.number = number(parameters, "commitment_number");
    out.obscure_factor =
        obscure_factor(key(parameters, "local_payment_basepoint"), key(parameters, "remote_payment_basepoint"));
    out.owner_opened = true;
    out.per_commitment_point = key(parameters, "local_per_commitment_point");
    out.owner = local_signer()->public_keys();
    out.other.funding = key(parameters, "remote_funding_pubkey");
    out.other.revocation_basepoint = key(parameters, "remote_revocation_basepoint");
    out.other.payment_basepoint = key(parameters, "remote_payment_basepoint");
    out.other.htlc_basepoint = key(parameters, "remote_htlc_basepoint");
    out.dust_limit = Sat(number(test, "dust_limit_satoshis"));
    out.to_self_delay = static_cast<std::uint16_t>(number(parameters, "local_delay"));
    out.feerate = FeeratePerKw(static_cast<std::uint32_t>(number(test, "feerate_per_kw")));
    out.to_owner = Msat(number(test, "to_local_msat"));
    out.to_other = Msat(number(test, "to_remote_msat"));
    for (const auto& index : test.at("htlcs").as_array()) {
      const auto& htlc = file.at("htlcs").as_array()[index.to_number<std::size_t>()].as_object();
      auto preimage = Preimage::from_hex_or_die(text(htlc, "preimage"));
      out.htlcs.push_back(
          {htlc.at("offered").as_bool(), Msat(number(htlc, "amount_msat")), crypto::payment_hash(preimage),
           CltvExpiry(static_cast<std::uint32_t>(number(htlc, "expiry"))), index.to_number<std::uint64_t>()});
    }
    return out;
  }
};

// [B2-fund-05, B2-sign-02, B5-htlc-01]
TEST_F(Vectors, CommitmentAndHtlcTransactionsAreThoseOfTheBolt) {
  EXPECT_EQ(file.at("cases").as_array().size(), 25U);
  auto signer = local_signer();
  auto capacity = Sat(number(parameters, "funding_amount_satoshi"));
  for (const auto& value : file.at("cases").as_array()) {
    const auto& test = value.as_object();
    SCOPED_TRACE(text(test, "format") + ": " + text(test, "name"));
    auto given = terms(test);
    auto built = build_commitment(given);
    ASSERT_TRUE(built);
    auto script = funding_script(given.owner.funding, given.other.funding);
    auto theirs = signature(test);
    EXPECT_TRUE(
        crypto::ecdsa_verify(given.other.funding, funding_digest(built->transaction, script, capacity), theirs));
    auto ours = signer->sign_funding_input(built->transaction, script, capacity);
    auto signed_tx = built->transaction;
    signed_tx.inputs[0].witness = funding_witness(given.owner.funding, ours, given.other.funding, theirs);
    EXPECT_EQ(to_hex(bitcoin::serialize(signed_tx)), text(test, "commitment_tx"));
    EXPECT_EQ(commitment_number(signed_tx, given.funding, given.obscure_factor), 42U);

    const auto& htlc_txs = test.at("htlc_txs").as_array();
    ASSERT_EQ(built->htlcs.size(), htlc_txs.size());
    auto own = signer->sign_htlcs(built->htlcs, bitcoin::Sighash::All, given.per_commitment_point, ParallelMap());
    ASSERT_EQ(own.size(), htlc_txs.size());
    for (std::size_t i = 0; i < htlc_txs.size(); ++i) {
      const auto& expected = htlc_txs[i].as_object();
      auto& output = built->htlcs[i];
      auto flag = htlc_sighash(given.format);
      auto remote = signature(expected);
      EXPECT_TRUE(crypto::ecdsa_verify(built->other_htlc_key, htlc_digest(output, flag), remote));
      Bytes preimage;
      if (!output.htlc.offered)
        preimage = hex(text(file.at("htlcs").as_array()[output.htlc.id].as_object(), "preimage"));
      output.transaction.inputs[0].witness = {Bytes{}, bitcoin::signature_item(remote, flag),
                                              bitcoin::signature_item(own[i], bitcoin::Sighash::All), preimage,
                                              output.witness_script};
      EXPECT_EQ(to_hex(bitcoin::serialize(output.transaction)), text(expected, "tx"));
    }
  }
}

// [B5-ours-03, B5-ours-05, B5-htlc-01]
TEST_F(Vectors, ClaimsOfHtlcsOnOurCommitmentAreTheTransactionsOfTheBolt) {
  auto signer = local_signer();
  for (const auto& value : file.at("cases").as_array()) {
    const auto& test = value.as_object();
    SCOPED_TRACE(text(test, "format") + ": " + text(test, "name"));
    auto given = terms(test);
    ChannelParams params;
    params.format = given.format;
    params.capacity = Sat(number(parameters, "funding_amount_satoshi"));
    params.funding = given.funding;
    params.funder = true;
    params.local.keys = given.owner;
    params.local.dust_limit = given.dust_limit;
    params.remote.keys = given.other;
    params.remote.to_self_delay = given.to_self_delay;
    LocalCommitment local{given.number, {given.to_owner, given.to_other, given.feerate, {}}, signature(test), {}};
    for (const auto& htlc : given.htlcs)
      local.spec.htlcs[{htlc.offered, htlc.id}] = {htlc.amount, htlc.payment_hash, htlc.cltv_expiry};
    const auto& htlc_txs = test.at("htlc_txs").as_array();
    for (const auto& expected : htlc_txs) local.htlc_signatures.push_back(signature(expected.as_object()));

    auto transaction = bitcoin::parse_transaction(hex(text(test, "commitment_tx")));
    ASSERT_TRUE(transaction.has_value());
    auto outputs = outputs_of_ours(params, local, given.per_commitment_point, *transaction);
    ASSERT_TRUE(outputs.has_value());
    PublishedCommitment published{WhoseCommitment::Ours, given.number, given.per_commitment_point, {}};
    std::size_t next = 0;
    for (const auto& output : *outputs) {
      EXPECT_NE(output.kind, OutputKind::Unknown);
      if (!output.htlc) continue;
      auto preimage =
          Preimage::from_hex_or_die(text(file.at("htlcs").as_array()[output.htlc->id.id].as_object(), "preimage"));
      std::vector claims{*claim_of(output, preimage)};
      auto built = build_second_stage(claims, {}, {}, {FeeratePerKw(0), Sat(0)});
      ASSERT_TRUE(built.has_value());
      sign_claims(built->transaction, claims, published, *signer);
      ASSERT_LT(next, htlc_txs.size());
      EXPECT_EQ(to_hex(bitcoin::serialize(built->transaction)), text(htlc_txs[next++].as_object(), "tx"));
    }
    EXPECT_EQ(next, htlc_txs.size());
  }
}

TEST_F(Vectors, DerivedKeysAreThoseOfTheBolt) {
  auto point = key(parameters, "local_per_commitment_point");
  EXPECT_EQ(derive_public_key(key(parameters, "local_htlc_basepoint"), point), key(parameters, "local_htlcpubkey"));
  EXPECT_EQ(derive_public_key(key(parameters, "remote_htlc_basepoint"), point), key(parameters, "remote_htlcpubkey"));
  EXPECT_EQ(derive_revocation_public_key(key(parameters, "remote_revocation_basepoint"), point),
            key(parameters, "local_revocation_pubkey"));
}

TEST(KeyDerivation, PrivateAndPublicSidesAgreeWithTheBolt) {
  auto base = PrivateKey::from_hex_or_die("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  auto secret = PrivateKey::from_hex_or_die("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100");
  auto point = crypto::public_key(secret);
  EXPECT_EQ(derive_public_key(crypto::public_key(base), point)->hex(),
            "0235f2dbfaa89b57ec7b055afe29849ef7ddfeb1cefdb9ebdc43f5494984db29e5");
  EXPECT_EQ(to_hex(derive_private_key(base, crypto::public_key(base), point)->reveal()),
            "cbced912d3b21bf196a766651e436aff192362621ce317704ea2f75d87e7be0f");
  EXPECT_EQ(derive_revocation_public_key(crypto::public_key(base), point)->hex(),
            "02916e326636d19c33f13e8c0c3a03dd157f332f3e99c317c141dd865eb01f8ff0");
  EXPECT_EQ(to_hex(derive_revocation_private_key(base, secret)->reveal()),
            "d09ffff62ddb2297ab000cc85bcb4283fdeb6aa052affbc9dddcf33b61078110");
}

TEST(PerCommitmentSecrets, AreGeneratedAsInTheBolt) {
  auto file = load("per-commitment-secrets.json");
  for (const auto& value : file.at("generate").as_array()) {
    const auto& test = value.as_object();
    EXPECT_EQ(to_hex(secret_from_seed(Secret::from_hex_or_die(text(test, "seed")), number(test, "I")).reveal()),
              text(test, "output"))
        << text(test, "name");
  }
}

TEST(PerCommitmentSecrets, AreStoredAndWrongOnesRefused) {
  auto file = load("per-commitment-secrets.json");
  for (const auto& value : file.at("insert").as_array()) {
    const auto& test = value.as_object();
    SecretStore store;
    for (const auto& item : test.at("steps").as_array()) {
      const auto& step = item.as_object();
      auto secret = Secret::from_hex_or_die(text(step, "secret"));
      EXPECT_EQ(store.insert(number(step, "I"), secret), step.at("ok").as_bool()) << text(test, "name");
      if (step.at("ok").as_bool()) {
        EXPECT_TRUE(store.find(number(step, "I")) == secret);
      }
    }
  }
}

TEST(PerCommitmentSecrets, EveryEarlierSecretIsFoundAgainAfterAReload) {
  auto seed = Secret::from_hex_or_die("0101010101010101010101010101010101010101010101010101010101010101");
  SecretStore store;
  for (std::uint64_t i = 0; i < 300; ++i)
    ASSERT_TRUE(store.insert(kFirstIndex - i, secret_from_seed(seed, kFirstIndex - i)));
  auto again = SecretStore::parse(store.serialize());
  ASSERT_TRUE(again);
  for (std::uint64_t i = 0; i < 300; ++i)
    EXPECT_TRUE(again->find(kFirstIndex - i) == secret_from_seed(seed, kFirstIndex - i));
  EXPECT_FALSE(again->find(kFirstIndex - 300));
  auto bytes = store.serialize();
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(SecretStore::parse(ByteView(bytes).first(size)));
}

TEST(Closing, OutputsBelowDustAreLeftOut) {
  ClosingTerms terms;
  terms.script_a = hex("0014aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  terms.script_b = hex("0014bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  terms.amount_a = Sat(5000);
  terms.amount_b = Sat(293);
  terms.dust_limit_a = terms.dust_limit_b = Sat(294);
  EXPECT_EQ(closing_transaction(terms).outputs.size(), 1U);
  terms.amount_b = Sat(294);
  auto both = closing_transaction(terms);
  ASSERT_EQ(both.outputs.size(), 2U);
  EXPECT_EQ(both.outputs[0].amount, Sat(294));  // the smaller first
}

}  // namespace
}  // namespace doze::commitment
