#include "effects/broadcast.h"

#include <gtest/gtest.h>

#include <set>

namespace doze {
namespace {

/// As a bitcoind (Knots 29.4.3, and with the policy of Bitcoin Core) says them, with what it adds behind the comma.
TEST(Broadcast, a_refusal_of_bitcoind_is_one_of_a_closed_list) {
  using enum BroadcastOutcome;
  struct Case {
    int code;
    const char* text;
    BroadcastOutcome means;
  };
  for (const auto& [code, text, means] : {
           Case{-27, "Transaction outputs already in utxo set", AlreadyInChain},
           Case{-27, "Transaction already in block chain", AlreadyInChain},
           Case{-27, "a text of a later version", AlreadyInChain},
           Case{0, "txn-already-known", AlreadyInChain},
           Case{-26, "txn-already-in-mempool", Accepted},
           Case{-26, "txn-same-nonwitness-data-in-mempool", Accepted},
           Case{-25, "bad-txns-inputs-missingorspent", MissingInputs},
           Case{0, "missing-inputs", MissingInputs},
           Case{-26, "insufficient fee, rejecting replacement abc; 1 < 2", ReplacementLow},
           Case{-26, "insufficient fee, rejecting replacement abc, not enough additional fees", ReplacementLow},
           Case{-26, "insufficient feerate: does not improve feerate diagram", ReplacementLow},
           Case{-26, "txn-mempool-conflict", CannotReplace},
           Case{-26, "too many potential replacements, rejecting replacement abc", CannotReplace},
           Case{-26, "replacement-adds-unconfirmed, replacement abc adds unconfirmed input", CannotReplace},
           Case{-26, "bad-txns-spends-conflicting-tx, abc spends conflicting transaction def", CannotReplace},
           Case{-26, "min relay fee not met, 0 < 110", FeeTooLow},
           Case{-26, "min relay fee not met, -240 < 193", FeeTooLow},
           Case{-26, "mempool min fee not met, 1 < 2", FeeTooLow},
           Case{-26, "mempool full", FeeTooLow},
           Case{-26, "non-final", NotFinal},
           Case{-26, "non-BIP68-final", NotFinalRelative},
           Case{-26, "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 3", NotFinalRelative},
           Case{-26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]", ChainTooLong},
           Case{-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", FeeTooHigh},
           Case{0, "max-fee-exceeded", FeeTooHigh},
           Case{0, "package-not-child-with-unconfirmed-parents", PackageShape},
           Case{-26, "dust", Policy},
           Case{-26, "dust, tx with dust output must be 0-fee", Policy},
           Case{-26, "dust-nonzero", Policy},
           Case{-26, "dust-nonanchor", Policy},
           Case{-26, "missing-ephemeral-spends, tx abc did not spend parent's ephemeral dust", Policy},
           Case{-26, "truc-child-toobig", Policy},
           Case{-26, "truc-spends-nontruc", Policy},
           Case{-26, "TRUC-violation, tx abc is version=3 and too big", Policy},
           Case{-26, "parasite-cat21", Policy},
           Case{-26, "tokens-runes", Policy},
           Case{-26, "bare-anchor", Policy},
           Case{-26, "tx-size", Policy},
           Case{-26, "tx-size-small", Policy},
           Case{-26, "scriptpubkey", Policy},
           Case{-26, "bad-txns-nonstandard-inputs", Policy},
           Case{-26, "mempool-script-verify-flag-failed (Signature must be zero)", Invalid},
           Case{-26, "mandatory-script-verify-flag-failed (Locktime requirement not satisfied)", Invalid},
           Case{-26, "non-mandatory-script-verify-flag (No error)", Invalid},
           Case{-26, "bad-txns-in-belowout, value in (1) < value out (2)", Invalid},
           Case{-22, "TX decode failed", Invalid},
           Case{-26, "a text of a later version", OtherRefusal},
           Case{-26, "", OtherRefusal},
       })
    EXPECT_EQ(classify_refusal(code, text), means) << text << ": " << name(classify_refusal(code, text));
}

TEST(Broadcast, every_outcome_has_a_name_and_is_success_or_refusal_or_unanswered) {
  std::set<std::string> names;
  int successes = 0, unanswered = 0;
  for (int i = 0; i <= static_cast<int>(OnDisk<BroadcastOutcome>::last); ++i) {
    auto outcome = static_cast<BroadcastOutcome>(i);
    names.insert(name(outcome));
    successes += is_success(outcome) ? 1 : 0;
    unanswered += is_unanswered(outcome) ? 1 : 0;
    EXPECT_FALSE(is_success(outcome) && is_unanswered(outcome));
  }
  EXPECT_EQ(names.size(), 16U);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_EQ(successes, 2);
  EXPECT_EQ(unanswered, 2);
}

}  // namespace
}  // namespace doze
