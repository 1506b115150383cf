#include "sim/relay_policy.h"

#include <algorithm>
#include <set>

#include "bitcoin/interpreter.h"
#include "bitcoin/script.h"

namespace doze::sim {

namespace {
constexpr FeeratePerKvb kDustRelayFee(3'000);  // -dustrelayfee
constexpr std::size_t kMaxDataScript = 83;     // -datacarriersize
constexpr std::uint32_t kParasiteLocktime = 21;
// Bytes of an input that spends an output of each kind, as -dustrelayfee counts them.
constexpr std::uint64_t kWitnessSpend = 67, kOtherSpend = 148;

bool is_data(ByteView script) {
  return !script.empty() && script[0] == bitcoin::OP_RETURN;
}

bool is_standard_script(ByteView script) {
  if (is_data(script)) return script.size() <= kMaxDataScript;
  return bitcoin::witness_program(script) || bitcoin::is_p2pkh(script) || bitcoin::is_p2sh(script);
}

/// The last output that is not permitted gives the reason.
std::optional<std::string> bad_dust(const RelayPolicy& policy, const bitcoin::Transaction& transaction) {
  std::size_t dust = 0;
  for (auto it = transaction.outputs.rbegin(); it != transaction.outputs.rend(); ++it) {
    const auto& output = *it;
    if (!is_dust(output)) continue;
    ++dust;
    if (!policy.permits_dust_to_any_script && !bitcoin::is_p2a(output.script_pubkey)) return "dust-nonanchor";
    if (!policy.permits_dust_amounts && output.amount != Sat(0)) return "dust-nonzero";
  }
  if (dust > 1) return "dust";
  return std::nullopt;
}
}  // namespace

std::int64_t fee_at(FeeratePerKvb rate, std::uint64_t vsize) {
  return static_cast<std::int64_t>((rate.value() * vsize + 999) / 1000);
}

FeeratePerKvb to_kvb(FeeratePerKw rate) {
  return FeeratePerKvb(std::uint64_t{rate.value()} * 4);
}

FeeratePerKw to_kw(FeeratePerKvb rate) {
  return FeeratePerKw(static_cast<std::uint32_t>((rate.value() + 3) / 4));
}

RelayPolicy knots_policy() {
  RelayPolicy policy{FeeratePerKvb(1'000), FeeratePerKvb(1'000)};
  policy.charges_for_dust = policy.refuses_locktime_21 = true;
  return policy;
}

RelayPolicy core_policy() {
  RelayPolicy policy{FeeratePerKvb(100), FeeratePerKvb(100)};
  policy.enforces_truc = policy.permits_dust_to_any_script = policy.permits_dust_amounts = true;
  return policy;
}

Sat dust_threshold(const bitcoin::TxOut& output) {
  if (is_data(output.script_pubkey)) return Sat(0);
  Writer bytes;
  bitcoin::write_tx_out(bytes, output);
  auto spend = bitcoin::witness_program(output.script_pubkey) ? kWitnessSpend : kOtherSpend;
  return Sat(static_cast<std::uint64_t>(fee_at(kDustRelayFee, bytes.view().size() + spend)));
}

bool is_dust(const bitcoin::TxOut& output) {
  return output.amount < dust_threshold(output);
}

bool has_dust(const bitcoin::Transaction& transaction) {
  return std::any_of(transaction.outputs.begin(), transaction.outputs.end(), is_dust);
}

std::int64_t counted_fee(const RelayPolicy& policy, const bitcoin::Transaction& transaction, Sat fee) {
  auto counted = static_cast<std::int64_t>(fee.value());
  if (!policy.charges_for_dust) return counted;
  for (const auto& output : transaction.outputs)
    counted -= static_cast<std::int64_t>(sub_or_zero(dust_threshold(output), output.amount).value());
  return counted;
}

std::optional<std::string> malformed(const bitcoin::Transaction& transaction) {
  if (transaction.inputs.empty()) return "bad-txns-vin-empty";
  if (transaction.outputs.empty()) return "bad-txns-vout-empty";
  Sat sum;
  for (const auto& output : transaction.outputs) {
    if (!output.amount.is_money()) return "bad-txns-vout-toolarge";
    sum += output.amount;
    if (!sum.is_money()) return "bad-txns-txouttotal-toolarge";
  }
  std::set<Outpoint> spent;
  for (const auto& input : transaction.inputs)
    if (!spent.insert(input.previous_output).second) return "bad-txns-inputs-duplicate";
  return std::nullopt;
}

std::optional<std::string> not_standard(const RelayPolicy& policy, const bitcoin::Transaction& transaction) {
  if (transaction.version < 1 || transaction.version > kTrucVersion) return "version";
  if (bitcoin::weight(transaction) > bitcoin::kMaxStandardWeight) return "tx-size";
  if (policy.refuses_locktime_21 && transaction.locktime == kParasiteLocktime) return "parasite-cat21";
  std::size_t data = 0;
  for (const auto& output : transaction.outputs) {
    if (!is_standard_script(output.script_pubkey)) return "scriptpubkey";
    if (is_data(output.script_pubkey)) ++data;
  }
  if (auto dust = bad_dust(policy, transaction)) return dust;
  if (data > 1) return "multi-op-return";
  return std::nullopt;
}

}  // namespace doze::sim
