// What a bitcoind lets into its mempool: the rules that one transaction keeps or breaks alone, and the numbers of the
// others. Rules, numbers and texts are those that Bitcoin Knots 29.4.3 showed on regtest, with its defaults and with
// -corepolicy=1.
#pragma once

#include <optional>
#include <string>

#include "bitcoin/transaction.h"

namespace doze::sim {

using FeeratePerKvb = Number<struct FeeratePerKvbTag, std::uint64_t>;  // satoshi per 1000 virtual bytes
/// Satoshi for this size, rounded up as bitcoind does.
[[nodiscard]] std::int64_t fee_at(FeeratePerKvb rate, std::uint64_t vsize);
[[nodiscard]] FeeratePerKvb to_kvb(FeeratePerKw rate);
/// Rounded up: who pays it pays enough.
[[nodiscard]] FeeratePerKw to_kw(FeeratePerKvb rate);

/// Transactions that are to be relayed in small groups. BIP 431.
inline constexpr std::uint32_t kTrucVersion = 3;
inline constexpr std::uint64_t kTrucMaxVsize = 10'000;
inline constexpr std::uint64_t kTrucChildMaxVsize = 1'000;

/// Options of bitcoind.
struct RelayPolicy {
  FeeratePerKvb minimum;      // -minrelaytxfee
  FeeratePerKvb incremental;  // -incrementalrelayfee
  /// -mempooltruc=enforce. In a package a version 3 transaction may then pay less than `minimum`.
  bool enforces_truc = false;
  bool permits_dust_to_any_script = false;  // -permitephemeral=send; else only to P2A
  bool permits_dust_amounts = false;        // -permitephemeral=dust; else only 0 sat
  bool charges_for_dust = false;            // -subdustfeepenalty: what dust lacks counts as fee not paid
  bool refuses_locktime_21 = false;         // -rejectparasites
};
[[nodiscard]] RelayPolicy knots_policy();
[[nodiscard]] RelayPolicy core_policy();

/// The least amount that is not dust; 0 for OP_RETURN.
[[nodiscard]] Sat dust_threshold(const bitcoin::TxOut& output);
[[nodiscard]] bool is_dust(const bitcoin::TxOut& output);
[[nodiscard]] bool has_dust(const bitcoin::Transaction& transaction);
/// What the policy counts for this fee: less than nothing where dust costs more.
[[nodiscard]] std::int64_t counted_fee(const RelayPolicy& policy, const bitcoin::Transaction& transaction, Sat fee);

/// Inputs, outputs and amounts that no chain can make good, in bitcoind's words.
[[nodiscard]] std::optional<std::string> malformed(const bitcoin::Transaction& transaction);
/// Forms that are not relayed, in bitcoind's words.
[[nodiscard]] std::optional<std::string> not_standard(const RelayPolicy& policy,
                                                      const bitcoin::Transaction& transaction);

}  // namespace doze::sim
