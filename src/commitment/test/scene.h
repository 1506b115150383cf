// A channel with HTLCs both ways, whose commitments go on chain; and a chain that says whether a block may have a
// transaction.
#pragma once

#include <algorithm>

#include "bitcoin/interpreter.h"
#include "bitcoin/script.h"
#include "commitment/claim_transactions.h"
#include "two_sides.h"

namespace doze::commitment {

constexpr CommitmentFormat kFormats[] = {CommitmentFormat::StaticRemotekey, CommitmentFormat::AnchorsZeroFeeHtlc,
                                         CommitmentFormat::ZeroFeeCommitments};

/// A median time: later than the locktimes of commitments, which are times of 1987.
constexpr UnixTime kNow{1'800'000'000};

/// Outputs with the heights of their blocks.
struct Chain {
  struct Entry {
    bitcoin::TxOut output;
    BlockHeight height;
  };
  std::map<Outpoint, Entry> outputs;

  void add(const Outpoint& outpoint, const bitcoin::TxOut& output, BlockHeight height) {
    outputs[outpoint] = {output, height};
  }
  void add(const bitcoin::Transaction& transaction, BlockHeight height) {
    auto id = bitcoin::txid(transaction);
    for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) add({id, i}, transaction.outputs[i], height);
  }
  /// Why a block of this height may not have it; empty: it may.
  [[nodiscard]] std::string refusal(const bitcoin::Transaction& transaction, BlockHeight height) const {
    std::vector<bitcoin::TxOut> spent;
    std::vector<bitcoin::SpentAt> at;
    for (const auto& input : transaction.inputs) {
      auto it = outputs.find(input.previous_output);
      if (it == outputs.end()) return "missing input";
      spent.push_back(it->second.output);
      at.push_back({it->second.height, kNow});
    }
    auto fee = bitcoin::verify_transaction(transaction, spent);
    if (!fee) {
      auto code = fee.error().code;
      return code == bitcoin::TransactionError::Code::Script ? bitcoin::name(fee.error().script) : bitcoin::name(code);
    }
    if (!bitcoin::is_final(transaction, height, kNow)) return "non-final";
    if (!bitcoin::relative_locks_passed(transaction, at, height, kNow)) return "non-BIP68-final";
    return "";
  }
  [[nodiscard]] Sat fee(const bitcoin::Transaction& transaction) const {
    Sat in, out;
    for (const auto& input : transaction.inputs) in += outputs.at(input.previous_output).output.amount;
    for (const auto& output : transaction.outputs) out += output.amount;
    return in - out;
  }
};

/// Two sides; `us` opened the channel or the peer did. Equal HTLCs, dust, and both directions.
struct Scene {
  static constexpr std::uint16_t kOurDelay = 720, kTheirDelay = 144;  // that we wait, that the peer waits
  static constexpr std::uint64_t kOffered = 1, kEqual = 2, kReceived = 3, kDust = 4, kLate = 5;  // preimages
  static constexpr BlockHeight kClosed{400};

  Two two;
  Side &us, &peer;
  std::vector<CommittedHtlc> log;
  Chain chain;

  explicit Scene(CommitmentFormat format, bool we_opened = true)
      : two(format), us(we_opened ? two.a : two.b), peer(we_opened ? two.b : two.a) {
    for (auto [side, ours, theirs] :
         {std::tuple(&us, kTheirDelay, kOurDelay), std::tuple(&peer, kOurDelay, kTheirDelay)}) {
      side->c.params.local.to_self_delay = ours;
      side->c.params.remote.to_self_delay = theirs;
      for (auto* terms : {&side->c.params.local, &side->c.params.remote}) {
        terms->max_accepted_htlcs = 100;
        terms->max_htlc_value_in_flight = Msat(1'000'000'000);
      }
    }
    auto script = funding_script(us.c.params);
    chain.add(us.c.params.funding, {us.c.params.capacity, bitcoin::p2wsh_script(script)}, BlockHeight(50));
  }

  void add(Side& from, Side& to, std::uint64_t number, std::uint32_t expiry, Msat amount) {
    auto message = Two::add(number, amount);
    message.cltv_expiry = CltvExpiry(expiry);
    auto sent = offer(from.c, message, kTip);
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(receive(to.c, *sent).has_value());
  }
  /// Both commitments get everything, and our log what got an output.
  void settle() {
    two.settle();
    note(us.c.remote.spec);
  }
  void note(const Spec& spec) {
    for (const auto& id : htlcs_with_outputs(us.c.params, spec)) {
      auto htlc = committed_htlc(id, spec.htlcs.at(id));
      if (std::ranges::find(log, htlc) == log.end()) log.push_back(htlc);
    }
  }
  /// Three that we offer, two of them equal and the later one first; two that we receive; one dust each way.
  void add_usual() {
    add(us, peer, kOffered, 500, Msat(50'000'000));
    add(us, peer, kEqual, 510, Msat(30'000'999));
    add(us, peer, kEqual, 505, Msat(30'000'001));
    add(us, peer, kDust, 500, Msat(300'000));
    add(peer, us, kReceived, 520, Msat(60'000'000));
    add(peer, us, kReceived, 521, Msat(60'000'000));
    add(peer, us, kDust, 500, Msat(300'000));
    settle();
  }
  /// Puts it into block kClosed.
  PublishedCommitment publish(const bitcoin::Transaction& transaction) {
    EXPECT_EQ(chain.refusal(transaction, kClosed), "");
    chain.add(transaction, kClosed);
    auto published = identify(us.c, *us.signer, transaction);
    EXPECT_TRUE(published.has_value());
    return published.value_or(PublishedCommitment{});
  }
};

inline bitcoin::Transaction commitment_of(const Side& side) {
  return own_commitment(side.c, *side.signer);
}
inline std::optional<Preimage> preimage_of(const ChannelOutput& output) {
  for (std::uint64_t number = 1; number <= 5; ++number)
    if (output.htlc && crypto::hash160(preimage(number).reveal()) == output.htlc->hash160) return preimage(number);
  return std::nullopt;
}

/// The wallet: one key, coins of any amount.
struct Purse {
  PrivateKey key = *crypto::parse_private_key(Bytes(32, 77));
  PublicKey point = crypto::public_key(key);
  Bytes script = bitcoin::p2wpkh_script(point);

  Coin coin(Chain& chain, std::uint8_t number, Sat amount) const {
    Coin out;
    out.outpoint.txid.bytes.fill(number);
    out.output = {amount, script};
    chain.add(out.outpoint, out.output, BlockHeight(10));
    return out;
  }
  CoinSigner signer() const {
    return [this](const Coin& coin, const bitcoin::Transaction& transaction, const bitcoin::SegwitHashes& hashes,
                  std::size_t input) -> bitcoin::Witness {
      auto code = bitcoin::p2pkh_script(crypto::hash160(point.view()));
      auto digest =
          bitcoin::segwit_sighash(transaction, input, code, coin.output.amount, bitcoin::Sighash::All, &hashes);
      return {bitcoin::signature_item(crypto::ecdsa_sign(key, digest), bitcoin::Sighash::All), to_bytes(point.view())};
    };
  }
};

constexpr FeeRule kUsualFee{FeeratePerKw(1'000), Sat(0)};

/// One claim alone, signed; with a coin where the peer's signature leaves room for one.
inline Unsigned claim_alone(const Claim& claim, const PublishedCommitment& published, const Side& side, Chain& chain,
                            FeeRule fee = kUsualFee) {
  Purse purse;
  std::vector<Coin> coins;
  if (is_second_stage(claim.path) && claim.output.format != CommitmentFormat::StaticRemotekey)
    coins.push_back(purse.coin(chain, 200, Sat(20'000)));
  auto built = is_second_stage(claim.path) ? build_second_stage(std::vector{claim}, coins, purse.script, fee)
                                           : build_claims(std::vector{claim}, purse.script, fee);
  EXPECT_TRUE(built.has_value());
  if (!built) return {};
  sign_claims(built->transaction, std::vector{claim}, published, *side.signer, coins, purse.signer());
  return *built;
}

}  // namespace doze::commitment
