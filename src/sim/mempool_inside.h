// What mempool.cc and mempool_package.cc share.
#pragma once

#include "sim/mempool.h"

namespace doze::sim {

inline constexpr auto kAlreadyKnown = "txn-already-known";  // it is in a block, and an output of it is unspent

inline Failure<Refusal> refuse(std::string reason, Refusal::Kind kind = Refusal::Kind::Other) {
  return fail(Refusal{kind, std::move(reason)});
}

inline std::string less(std::int64_t there, std::int64_t wanted) {
  return std::to_string(there) + " < " + std::to_string(wanted);
}

/// Satoshi per 1000 vB, the rest dropped: so bitcoind compares.
inline std::int64_t rate(std::int64_t fee, std::uint64_t vsize) {
  return fee * 1000 / static_cast<std::int64_t>(vsize);
}

inline std::string named(const char* what, const Txid& txid) {
  return std::string(what) + " " + bitcoin::txid_to_string(txid);
}

inline Status<Refusal> check_scripts(const bitcoin::Transaction& transaction, std::span<const bitcoin::TxOut> spent) {
  auto verified = bitcoin::verify_transaction(transaction, spent);
  if (verified) return Done{};
  std::string why = bitcoin::name(verified.error().code);
  if (verified.error().code == bitcoin::TransactionError::Code::Script) why = bitcoin::name(verified.error().script);
  return refuse("mempool-script-verify-flag-failed (" + why + ")", Refusal::Kind::Broken);
}

}  // namespace doze::sim
