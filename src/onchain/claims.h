// Which transactions of ours should be in the mempool for a channel that closed on chain: a function of its facts, the
// tip, the fees and what was broadcast before. It is computed at each block, each preimage and each start; a
// transaction that did not change is broadcast again, because mempools drop them without a word.
//
// One output per transaction: no transaction of somebody else's can make two of ours invalid at once.
#pragma once

#include <functional>
#include <set>

#include "base/parallel.h"
#include "commitment/claim_transactions.h"
#include "onchain/close.h"

namespace doze::onchain {

/// A penalty must be in a block so long before the peer can spend. BOLT 5, "security_delay".
inline constexpr std::uint32_t kSecurityDelay = 18;
/// Percent of an output's value that its claim may pay in fees.
struct Share {
  std::uint32_t usual = 0, in_last_blocks = 0;
};
inline constexpr Share kShareOfHtlc{50, 80}, kShareOfOwnTimeout{25, 25}, kShareOfPenalty{90, 90},
    kShareOfBalance{10, 10};

/// What a step knows beside the facts.
struct Now {
  BlockHeight tip;
  const FeeTable& fees;
  /// Of HTLCs that we offered for others: the height by which the incoming one must be failed. Others are our own.
  const std::function<std::optional<BlockHeight>(std::uint64_t id)>& fail_back_by;
};

/// An output that can be claimed in the next block.
struct Due {
  commitment::Claim claim;
  Terms terms;         // with one coin and its change, if it needs any
  bool coins = false;  // an HTLC transaction that pays no fee by itself
};
/// Unspent outputs whose locks are over for the next block, in the order of their deadlines.
[[nodiscard]] std::vector<Due> due(const Close& close, const Now& now);
/// The first block that may have the claim of this output; nullopt: it has none, without a preimage.
[[nodiscard]] std::optional<BlockHeight> claimable_from(const Close& close, const Output& output);
/// ... and by when it should be in a block; nullopt: nobody else can take it.
[[nodiscard]] std::optional<BlockHeight> deadline(const Close& close, const Output& output, const Now& now);

/// Coins of the wallet for one claim, all that it has.
struct Coins {
  std::vector<commitment::Coin> coins;
  Bytes change_script;
  commitment::CoinSigner sign;
};
struct Made {
  bitcoin::Transaction transaction;
  bool is_new = false;  // another one than the last that was broadcast for this output
};
/// The claim's transaction, signed, and what is to be remembered of it. A refusal: it is not worth its fee now, or
/// coins are short.
[[nodiscard]] Result<Made, commitment::ClaimRefusal> make(Close& close, const Due& due, const Now& now,
                                                          const commitment::ChannelSigner& signer,
                                                          const Coins& coins = {});
/// What the wallet must give to this claim for make to succeed at the feerate of this tip: one coin with change is
/// counted in `amount`, each further one costs its weight at `feerate`.
struct CoinsNeeded {
  Sat amount;
  FeeratePerKw feerate;
};
[[nodiscard]] CoinsNeeded coins_needed(const Close& close, const Due& due, const Now& now);

}  // namespace doze::onchain
