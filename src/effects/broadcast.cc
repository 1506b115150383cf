#include "effects/broadcast.h"

namespace doze {
namespace {

constexpr int kAlreadyInChain = -27;  // bitcoind's RPC_VERIFY_ALREADY_IN_UTXO_SET

using Means = BroadcastOutcome;
struct Text {
  std::string_view begins;
  Means means;
};
/// The first that fits counts: exceptions stand before their rule.
constexpr Text kTexts[] = {
    {"Transaction outputs already in utxo set", Means::AlreadyInChain},
    {"Transaction already in block chain", Means::AlreadyInChain},
    {"txn-already-known", Means::AlreadyInChain},
    {"txn-already-in-mempool", Means::Accepted},
    {"txn-same-nonwitness-data-in-mempool", Means::Accepted},
    {"bad-txns-inputs-missingorspent", Means::MissingInputs},
    {"missing-inputs", Means::MissingInputs},
    {"min relay fee not met", Means::FeeTooLow},
    {"mempool min fee not met", Means::FeeTooLow},
    {"mempool full", Means::FeeTooLow},
    {"insufficient fee", Means::ReplacementLow},
    {"txn-mempool-conflict", Means::CannotReplace},
    {"too many potential replacements", Means::CannotReplace},
    {"replacement-adds-unconfirmed", Means::CannotReplace},
    {"replacement-failed", Means::CannotReplace},
    {"bad-txns-spends-conflicting-tx", Means::CannotReplace},
    {"non-final", Means::NotFinal},
    {"non-BIP68-final", Means::NotFinalRelative},
    {"bad-txns-premature-spend-of-coinbase", Means::NotFinalRelative},
    {"too-long-mempool-chain", Means::ChainTooLong},
    {"too-large-cluster", Means::ChainTooLong},
    {"Fee exceeds maximum configured by user", Means::FeeTooHigh},
    {"max-fee-exceeded", Means::FeeTooHigh},
    {"package-", Means::PackageShape},
    {"dust", Means::Policy},
    {"missing-ephemeral-spends", Means::Policy},
    {"truc-", Means::Policy},
    {"TRUC-violation", Means::Policy},
    {"parasite-", Means::Policy},
    {"tokens-", Means::Policy},
    {"bare-", Means::Policy},
    {"tx-size", Means::Policy},
    {"version", Means::Policy},
    {"scriptpubkey", Means::Policy},
    {"scriptsig-", Means::Policy},
    {"multi-op-return", Means::Policy},
    {"datacarrier", Means::Policy},
    {"bad-txns-nonstandard-inputs", Means::Policy},
    {"bad-witness-nonstandard", Means::Policy},
    {"bad-txns-too-many-sigops", Means::Policy},
    {"bad-", Means::Invalid},
    {"coinbase", Means::Invalid},
    {"mempool-script-verify-flag-failed", Means::Invalid},
    {"mandatory-script-verify-flag", Means::Invalid},
    {"non-mandatory-script-verify-flag", Means::Invalid},
    {"TX decode failed", Means::Invalid},
};

}  // namespace

const char* name(BroadcastOutcome outcome) {
  switch (outcome) {
    case Means::Accepted:
      return "accepted";
    case Means::AlreadyInChain:
      return "already_in_chain";
    case Means::MissingInputs:
      return "missing_inputs";
    case Means::FeeTooLow:
      return "fee_too_low";
    case Means::ReplacementLow:
      return "replacement_low";
    case Means::CannotReplace:
      return "cannot_replace";
    case Means::NotFinal:
      return "not_final";
    case Means::NotFinalRelative:
      return "not_final_relative";
    case Means::ChainTooLong:
      return "chain_too_long";
    case Means::FeeTooHigh:
      return "fee_too_high";
    case Means::Policy:
      return "policy";
    case Means::PackageShape:
      return "package_shape";
    case Means::Invalid:
      return "invalid";
    case Means::OtherRefusal:
      return "other_refusal";
    case Means::Unanswered:
      return "unanswered";
    case Means::MaybeOut:
      return "maybe_out";
  }
  return "?";
}

BroadcastOutcome classify_refusal(int rpc_code, std::string_view text) {
  if (rpc_code == kAlreadyInChain) return Means::AlreadyInChain;
  for (const auto& known : kTexts)
    if (text.starts_with(known.begins)) return known.means;
  return Means::OtherRefusal;
}

}  // namespace doze
