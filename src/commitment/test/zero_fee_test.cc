// zero_fee_commitments: the vectors of bolts #1228, and what must hold of its amounts for all channels.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "bitcoin/interpreter.h"
#include "bitcoin/script.h"
#include "commitment/commitment_tx.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

namespace json = boost::json;
using bitcoin::Transaction;

std::string text(const json::value& from, const char* key) {
  return std::string(from.at(key).as_string());
}
std::uint64_t number(const json::value& from, const char* key) {
  return from.at(key).to_number<std::uint64_t>();
}
PrivateKey secret(const json::value& from, const char* key) {
  return PrivateKey::from_hex_or_die(text(from, key));
}
PrivateKey secret(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return PrivateKey(bytes);
}

/// Both sides' keys, and everything of a commitment but its balances.
struct Channel {
  std::unique_ptr<ChannelSigner> owner, other;
  CommitmentTerms terms;
  Sat capacity;

  [[nodiscard]] Bytes script() const { return funding_script(terms.owner.funding, terms.other.funding); }
  [[nodiscard]] bitcoin::TxOut funding() const { return {capacity, bitcoin::p2wsh_script(script())}; }
  [[nodiscard]] Transaction signed_commitment(Transaction tx) const {
    tx.inputs[0].witness = funding_witness(terms.owner.funding, owner->sign_funding_input(tx, script(), capacity),
                                           terms.other.funding, other->sign_funding_input(tx, script(), capacity));
    return tx;
  }
  [[nodiscard]] Transaction signed_htlc(const HtlcOutput& output, const Bytes& preimage) const {
    auto sign = [&](const ChannelSigner& signer, bitcoin::Sighash flag) {
      return bitcoin::signature_item(signer.sign_htlcs({output}, flag, terms.per_commitment_point, ParallelMap()).at(0),
                                     flag);
    };
    auto tx = output.transaction;
    tx.inputs[0].witness = {Bytes{}, sign(*other, htlc_sighash(terms.format)), sign(*owner, bitcoin::Sighash::All),
                            preimage, output.witness_script};
    return tx;
  }
};

class ZeroFeeVectors : public ::testing::Test {
 protected:
  ZeroFeeVectors() {
    std::ifstream in(std::string(DOZE_VECTORS "/bolt03/zero-fee-commitments.json"));
    file = json::parse(std::string{std::istreambuf_iterator<char>(in), {}});
    ChannelSecrets ours, theirs;
    ours.funding = secret(file, "local_funding_priv");
    ours.payment_basepoint = secret(file, "local_payment_basepoint_secret");
    ours.delayed_payment_basepoint = secret(file, "local_delayed_payment_basepoint_secret");
    ours.htlc_basepoint = secret(file, "local_htlc_basepoint_secret");
    ours.revocation_basepoint = ours.payment_basepoint;  // plays no part in our own commitment
    theirs.funding = secret(file, "remote_funding_priv");
    theirs.payment_basepoint = secret(file, "remote_payment_basepoint_secret");
    theirs.htlc_basepoint = secret(file, "remote_htlc_basepoint_secret");
    theirs.revocation_basepoint = theirs.delayed_payment_basepoint = theirs.payment_basepoint;  // not in the file
    channel.owner = make_signer(ours);
    channel.other = make_signer(theirs);
    channel.capacity = Sat(number(file, "funding_amount_satoshis"));
    auto& terms = channel.terms;
    terms.format = CommitmentFormat::ZeroFeeCommitments;
    terms.funding = {*bitcoin::parse_txid(text(file, "funding_txid")),
                     static_cast<std::uint32_t>(number(file, "funding_index"))};
    terms.number = number(file, "commitment_number");
    terms.owner_opened = true;
    terms.per_commitment_point = PublicKey::from_hex_or_die(text(file, "per_commitment_point"));
    terms.owner = channel.owner->public_keys();
    terms.other = channel.other->public_keys();
    terms.other.revocation_basepoint = PublicKey::from_hex_or_die(text(file, "revocation_basepoint"));
    terms.obscure_factor = obscure_factor(terms.owner.payment_basepoint, terms.other.payment_basepoint);
    terms.to_self_delay = static_cast<std::uint16_t>(number(file, "to_self_delay"));
  }
  void take(const json::value& test) {
    auto& terms = channel.terms;
    terms.dust_limit = Sat(number(test, "dust_limit_satoshis"));
    terms.to_owner = Msat(number(test, "to_local_msat"));
    terms.to_other = Msat(number(test, "to_remote_msat"));
    terms.htlcs.clear();
    for (bool offered : {false, true}) {
      const auto* htlcs = test.as_object().if_contains(offered ? "outgoing_htlcs" : "incoming_htlcs");
      if (htlcs == nullptr) continue;
      for (const auto& htlc : htlcs->as_array())
        terms.htlcs.push_back(
            {offered, Msat(number(htlc, "amount_msat")), PaymentHash::from_hex_or_die(text(htlc, "payment_hash")),
             CltvExpiry(static_cast<std::uint32_t>(number(htlc, "cltv_expiry"))), number(htlc, "id")});
    }
  }
  Bytes preimage(const HtlcOutput& output) const {
    if (output.htlc.offered) return {};
    return hex(text(file.at("payment_hash_to_preimage"), output.htlc.payment_hash.hex().c_str()));
  }
  json::value file;
  Channel channel;
};

TEST_F(ZeroFeeVectors, CommitmentAndHtlcTransactionsAreThoseOfTheDraft) {
  ASSERT_EQ(file.at("tests").as_array().size(), 11U);
  for (const auto& test : file.at("tests").as_array()) {
    SCOPED_TRACE(text(test, "name"));
    take(test);
    auto built = build_commitment(channel.terms);
    ASSERT_TRUE(built);
    EXPECT_EQ(to_hex(bitcoin::serialize(channel.signed_commitment(built->transaction))),
              text(test, "signed_commit_tx"));
    EXPECT_EQ(commitment_number(built->transaction, channel.terms.funding, channel.terms.obscure_factor), 42U);
    std::vector<std::string> expected, made;
    for (const char* kind : {"signed_htlc_success_txs", "signed_htlc_timeout_txs"})
      if (const auto* list = test.as_object().if_contains(kind))
        for (const auto& tx : list->as_array()) expected.emplace_back(tx.as_string());
    for (const auto& output : built->htlcs)
      made.push_back(to_hex(bitcoin::serialize(channel.signed_htlc(output, preimage(output)))));
    std::sort(expected.begin(), expected.end());
    std::sort(made.begin(), made.end());
    EXPECT_EQ(made, expected);
  }
}

Channel sample_channel() {
  Channel out;
  ChannelSecrets ours{secret(1), secret(2), secret(3), secret(4), secret(5), {}};
  ChannelSecrets theirs{secret(6), secret(7), secret(8), secret(9), secret(10), {}};
  out.owner = make_signer(ours);
  out.other = make_signer(theirs);
  out.terms.format = CommitmentFormat::ZeroFeeCommitments;
  out.terms.funding.txid.bytes.fill(0x42);
  out.terms.per_commitment_point = crypto::public_key(secret(11));
  out.terms.owner = out.owner->public_keys();
  out.terms.other = out.other->public_keys();
  out.terms.dust_limit = Sat(354);
  out.terms.to_self_delay = 144;
  out.terms.feerate = FeeratePerKw(5'000);  // says nothing here
  out.terms.to_owner = Msat(600'000'000);
  out.terms.to_other = Msat(400'000'000);
  out.capacity = Sat(1'000'000);
  return out;
}

const Preimage kPreimage(std::array<std::uint8_t, 32>{7});
Htlc htlc(bool offered, Msat amount, std::uint64_t id = 0) {
  return {offered, amount, crypto::payment_hash(kPreimage), CltvExpiry(700'000), id};
}

Sat anchor_of(const Transaction& tx) {
  auto anchor = std::find_if(tx.outputs.begin(), tx.outputs.end(),
                             [](const auto& output) { return bitcoin::is_p2a(output.script_pubkey); });
  EXPECT_NE(anchor, tx.outputs.end());
  return anchor->amount;
}
Sat outputs_of(const Transaction& tx) {
  Sat sum;
  for (const auto& output : tx.outputs) sum += output.amount;
  return sum;
}

TEST(ZeroFee, TheAnchorTakesWhatIsTrimmedUpTo240SatAndOnlyTheRestIsAFee) {
  for (std::uint64_t dust_msat : {0, 1'000, 1'999, 239'999, 240'000, 353'000}) {
    auto channel = sample_channel();
    channel.terms.htlcs = {htlc(true, Msat(dust_msat))};
    channel.terms.to_owner = channel.terms.to_owner - Msat(dust_msat);
    auto built = build_commitment(channel.terms);
    ASSERT_TRUE(built);
    EXPECT_TRUE(built->htlcs.empty());
    EXPECT_EQ(built->transaction.version, 3U);
    auto trimmed = channel.capacity - (outputs_of(built->transaction) - anchor_of(built->transaction));
    EXPECT_EQ(anchor_of(built->transaction), std::min(trimmed, kMaxSharedAnchor)) << dust_msat;
    auto signed_tx = channel.signed_commitment(built->transaction);
    auto fee = bitcoin::verify_transaction(signed_tx, std::vector{channel.funding()});
    ASSERT_TRUE(fee) << bitcoin::name(fee.error().code);
    EXPECT_EQ(*fee, sub_or_zero(trimmed, kMaxSharedAnchor)) << dust_msat;
  }
}

TEST(ZeroFee, SmallBalancesGoIntoTheAnchorToo) {
  auto channel = sample_channel();
  channel.terms.to_owner = Msat(999'900'000);
  channel.terms.to_other = Msat(100'000);
  auto built = build_commitment(channel.terms);
  ASSERT_TRUE(built);
  EXPECT_EQ(built->transaction.outputs.size(), 2U);
  EXPECT_EQ(anchor_of(built->transaction), Sat(100));
  EXPECT_EQ(outputs_of(built->transaction), channel.capacity);
}

TEST(ZeroFee, NothingDependsOnTheFeerateOrOnWhoOpened) {
  auto channel = sample_channel();
  channel.terms.htlcs = {htlc(false, Msat(354'000)), htlc(true, Msat(353'999))};
  channel.terms.to_other = channel.terms.to_other - Msat(707'999);
  auto first = build_commitment(channel.terms);
  channel.terms.feerate = FeeratePerKw(0);
  channel.terms.owner_opened = true;
  EXPECT_EQ(build_commitment(channel.terms)->transaction, first->transaction);
  EXPECT_EQ(first->htlcs.size(), 1U);
  EXPECT_EQ(commitment_fee(channel.terms.format, FeeratePerKw(5'000), 9), Sat(0));
  EXPECT_EQ(anchors_cost(channel.terms.format), Sat(0));
}

TEST(ZeroFee, HtlcTransactionsAndTheAnchorsChildSpendByTheScriptRules) {
  auto channel = sample_channel();
  channel.terms.htlcs = {htlc(true, Msat(50'000'000)), htlc(false, Msat(60'000'000))};
  channel.terms.to_owner = channel.terms.to_owner - Msat(50'000'000);
  channel.terms.to_other = channel.terms.to_other - Msat(60'000'000);
  auto built = build_commitment(channel.terms);
  ASSERT_TRUE(built);
  ASSERT_EQ(built->htlcs.size(), 2U);
  const auto& outputs = built->transaction.outputs;
  for (const auto& output : built->htlcs) {
    auto tx = channel.signed_htlc(output, output.htlc.offered ? Bytes{} : to_bytes(kPreimage.reveal()));
    auto fee = bitcoin::verify_transaction(tx, std::vector{outputs[output.output_index]});
    ASSERT_TRUE(fee) << bitcoin::name(fee.error().script);
    EXPECT_EQ(*fee, Sat(0));
    EXPECT_EQ(tx.version, 3U);
    EXPECT_EQ(tx.inputs[0].sequence, 0U);
    // The other side's signature lets anybody add inputs and outputs; the owner's does not.
    auto more = tx;
    more.outputs.push_back({Sat(0), bitcoin::p2a_script()});
    EXPECT_FALSE(bitcoin::verify_transaction(more, std::vector{outputs[output.output_index]}));
  }
  auto anchor = std::find_if(outputs.begin(), outputs.end(),
                             [](const auto& output) { return bitcoin::is_p2a(output.script_pubkey); });
  Transaction child;
  child.version = 3;
  auto index = static_cast<std::uint32_t>(anchor - outputs.begin());
  child.inputs.push_back({{bitcoin::txid(built->transaction), index}, {}, bitcoin::kSequenceFinal, {}});
  child.outputs.push_back({Sat(0), bitcoin::p2wpkh_script(channel.terms.owner.funding)});
  EXPECT_TRUE(bitcoin::verify_transaction(child, std::vector{*anchor}));
}

TEST(ZeroFee, TheLargestCommitmentFitsWhatNodesRelay) {
  auto channel = sample_channel();
  channel.terms.to_owner = channel.terms.to_other = Msat(1'000'000'000);
  for (bool offered : {false, true})
    for (std::uint64_t id = 0; id < kMaxZeroFeeHtlcs; ++id)
      channel.terms.htlcs.push_back(htlc(offered, Msat(354'000), id));
  channel.capacity = Sat(2'000'000 + 2 * kMaxZeroFeeHtlcs * 354);
  auto built = build_commitment(channel.terms);
  ASSERT_TRUE(built);
  EXPECT_EQ(built->htlcs.size(), 2U * kMaxZeroFeeHtlcs);
  EXPECT_LE(bitcoin::vsize(channel.signed_commitment(built->transaction)), kMaxVersion3Vsize);
}

}  // namespace
}  // namespace doze::commitment
