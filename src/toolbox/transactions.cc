#include "toolbox/transactions.h"

#include <algorithm>

#include "base/bech32.h"
#include "bitcoin/address.h"
#include "bitcoin/interpreter.h"
#include "bitcoin/psbt.h"
#include "bitcoin/script.h"
#include "bitcoin/transaction.h"
#include "toolbox/paste.h"
#include "toolbox/show.h"

namespace doze::toolbox {

namespace {

using bitcoin::PsbtScope;

const char* script_kind(ByteView script) {
  if (bitcoin::is_p2wpkh(script)) return "p2wpkh";
  if (bitcoin::is_p2wsh(script)) return "p2wsh";
  if (bitcoin::is_p2tr(script)) return "p2tr";
  if (bitcoin::is_p2a(script)) return "p2a";
  if (bitcoin::is_p2pkh(script)) return "p2pkh";
  if (bitcoin::is_p2sh(script)) return "p2sh";
  if (!script.empty() && script[0] == bitcoin::OP_RETURN) return "op_return";
  return "other";
}

Value show_output(const bitcoin::TxOut& output) {
  Value out;
  out.set("amount_sat", output.amount.value()).set("kind", script_kind(output.script_pubkey));
  return out.set("script_pubkey", to_hex(output.script_pubkey));
}

Value show_transaction(const bitcoin::Transaction& tx) {
  Value out;
  out.set("txid", bitcoin::txid_to_string(bitcoin::txid(tx))).set("version", tx.version);
  if (tx.locktime >= bitcoin::kLocktimeThreshold)
    out.set("locktime", time_text(UnixTime(tx.locktime))).set("locktime_unix", tx.locktime);
  else
    out.set("locktime_height", tx.locktime);
  out.set("vsize", bitcoin::vsize(tx)).set("weight", bitcoin::weight(tx));
  List inputs, outputs;
  std::uint64_t total = 0;
  for (const auto& input : tx.inputs) {
    Value in;
    in.set("previous_output", bitcoin::outpoint_to_string(input.previous_output)).set("sequence", input.sequence);
    if (!input.script_sig.empty()) in.set("script_sig", to_hex(input.script_sig));
    List witness;
    for (const auto& item : input.witness) witness.push_back(to_hex(item));
    if (!witness.empty()) in.set("witness", std::move(witness));
    inputs.push_back(std::move(in));
  }
  for (const auto& output : tx.outputs) {
    outputs.push_back(show_output(output));
    total += output.amount.value();
  }
  return out.set("outputs_total_sat", total).set("inputs", std::move(inputs)).set("outputs", std::move(outputs));
}

Problem at(std::string kind, std::string rule, std::size_t where) {
  auto out = problem(std::move(kind), std::move(rule));
  out.at = where;
  return out;
}

Value show_map(bitcoin::PsbtScope scope, const bitcoin::PsbtMap& map) {
  Value out = Fields{};
  for (const auto& record : map) {
    const auto* known = bitcoin::psbt_field_name(scope, record.type);
    std::string name = known == nullptr ? "type_" + std::to_string(record.type) : known;
    if (!record.key_data.empty()) name += " " + to_hex(record.key_data);
    out.set(name, to_hex(record.value));
  }
  return out;
}

}  // namespace

Result<Value, Problem> decode_transaction(ByteView bytes) {
  auto tx = bitcoin::parse_transaction(bytes);
  if (!tx) return fail(at("transaction", rule_of(tx.error()), static_cast<std::size_t>(tx.error().where)));
  Value out;
  out.set("type", "transaction");
  join(out, show_transaction(*tx));
  return out;
}

Result<Value, Problem> decode_psbt(ByteView bytes) {
  auto psbt = bitcoin::parse_psbt(bytes);
  if (!psbt) return fail(at("psbt", rule_of(psbt.error()), static_cast<std::size_t>(psbt.error().where)));
  Value out;
  out.set("type", "psbt").set("version", psbt->version).set("global", show_map(PsbtScope::Global, psbt->global));
  if (auto tx = bitcoin::unsigned_transaction(*psbt))
    out.set("unsigned_transaction", show_transaction(*tx));
  else
    out.set("locktime", "none: one input needs a height, another a time");
  List inputs, outputs;
  for (const auto& map : psbt->inputs) inputs.push_back(show_map(PsbtScope::Input, map));
  for (const auto& map : psbt->outputs) outputs.push_back(show_map(PsbtScope::Output, map));
  return out.set("inputs", std::move(inputs)).set("outputs", std::move(outputs));
}

Result<Value, Problem> decode_address(std::string_view text) {
  List networks;
  std::optional<Bytes> script;
  std::optional<ParseError> error;
  for (const auto& [hrp, name] : {std::pair{bitcoin::kHrpMainnet, "mainnet"},
                                  {bitcoin::kHrpTestnet, "testnet, signet"},
                                  {bitcoin::kHrpRegtest, "regtest"}}) {
    auto read = bitcoin::script_of_address(text, hrp);
    if (read) {
      networks.push_back(name);
      script = *std::move(read);
    } else if (!error || read.error().code != ParseCode::BadValue) {
      error = read.error();
    }
  }
  if (!script) {
    auto out =
        problem("bitcoin address", rule_of(*error), "At least one character is mistyped or missing: copy it again.");
    auto small = lower(text);
    auto separator = small.find('1');
    bool segwit = small.starts_with("bc1") || small.starts_with("tb1") || small.starts_with("bcrt1");
    for (auto at = separator + 1; segwit && at < small.size(); ++at) {
      if (bech32_groups(small.substr(at, 1))) continue;
      out.rule = "the character '" + escape_untrusted(text.substr(at, 1)) + "' is not in the alphabet";
      out.character = at + 1;
      break;
    }
    return fail(std::move(out));
  }
  Value out;
  out.set("type", "address").set("networks", std::move(networks)).set("kind", script_kind(*script));
  return out.set("script_pubkey", to_hex(*script));
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    int padding = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      char c = text[i + j];
      int v = c >= 'A' && c <= 'Z'   ? c - 'A'
              : c >= 'a' && c <= 'z' ? c - 'a' + 26
              : c >= '0' && c <= '9' ? c - '0' + 52
              : c == '+'             ? 62
              : c == '/'             ? 63
                                     : -1;
      if (c == '=' && i + 4 == text.size() && j >= 2) {
        ++padding;
        v = 0;
      } else if (v < 0 || padding != 0) {
        return std::nullopt;
      }
      group = (group << 6) | static_cast<std::uint32_t>(v);
    }
    for (int shift = 16; shift >= 8 * padding; shift -= 8) out.push_back(static_cast<std::uint8_t>(group >> shift));
  }
  return out;
}

}  // namespace doze::toolbox
