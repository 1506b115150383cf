// Transactions that claim outputs of commitments: which inputs and outputs they have, what they pay, their signatures.
// BOLT 3, BOLT 5. What is claimed together, when, and at which feerate is decided by the caller.
//
// Every transaction built here signals replacement (BIP 125).
#pragma once

#include <functional>

#include "commitment/claims.h"

namespace doze::commitment {

/// A P2WPKH output of the wallet, confirmed.
struct Coin {
  Outpoint outpoint;
  bitcoin::TxOut output;
};
struct ClaimRefusal {
  enum class Code : std::uint8_t {
    Nothing,      // no claim was given
    NotTogether,  // these claims, or these coins, cannot be in one transaction
    BelowDust,    // needed: the least output and the fee; there: what the claims are worth
    CoinsShort,   // needed: of all inputs for outputs and fee; there: what they have
    NotNeeded,    // the parent alone pays this feerate. needed, there: fees of the parent
    TooHeavy,     // weight; there: the limit
  } code;
  std::uint64_t needed = 0, there = 0;  // sat, or weight
};
[[nodiscard]] const char* name(ClaimRefusal::Code code);
struct Unsigned {
  bitcoin::Transaction transaction;
  std::uint64_t weight = 0;  // at most, when it is signed
  Sat fee;
};
/// What a transaction must pay: the feerate on its weight (rounded up), and at least `least`, as a replacement must.
struct FeeRule {
  FeeratePerKw feerate;
  Sat least;
};

/// Claims that pay all to one script: input i is claims[i]. No second stages; locktime is the highest that one asks
/// for, so an HTLC that times out makes all of them wait.
[[nodiscard]] Result<Unsigned, ClaimRefusal> build_claims(std::span<const Claim> claims, const Bytes& script_pubkey,
                                                          FeeRule fee);
/// Second stages of our commitment: input and output i are those of claims[i], which are all HtlcSuccess, or all
/// HtlcTimeout with one cltv_expiry. Behind them coins, and their change unless it is dust: then it is fee.
/// static_remotekey: one claim and no coins, and the fee is what was signed, whatever `fee` says. With anchors of
/// either kind the coins pay the whole fee.
[[nodiscard]] Result<Unsigned, ClaimRefusal> build_second_stage(std::span<const Claim> claims,
                                                                std::span<const Coin> coins, const Bytes& change_script,
                                                                FeeRule fee);
/// What a child must pay for.
struct Parent {
  std::uint64_t weight = 0;
  Sat fee;
};
/// A child that lifts an unconfirmed commitment: input 0 spends an anchor, or to_remote where it has no lock, then
/// coins (none, if the output is enough); one output of kLeastChildOutput at least. Both together pay `fee.feerate`;
/// `fee.least` is of the child alone.
[[nodiscard]] Result<Unsigned, ClaimRefusal> build_child(const Claim& claim, const Parent& parent,
                                                         std::span<const Coin> coins, const Bytes& script_pubkey,
                                                         FeeRule fee);

/// Gives a coin's witness. SIGHASH_ALL.
using CoinSigner = std::function<bitcoin::Witness(const Coin& coin, const bitcoin::Transaction& transaction,
                                                  const bitcoin::SegwitHashes& hashes, std::size_t input)>;
/// Signs a transaction that was built from these claims, all of one channel, and these coins. For claims of several
/// channels: claim_witness for each input.
void sign_claims(bitcoin::Transaction& transaction, std::span<const Claim> claims, const PublishedCommitment& published,
                 const ChannelSigner& signer, std::span<const Coin> coins = {}, const CoinSigner& sign_coin = {});

}  // namespace doze::commitment
