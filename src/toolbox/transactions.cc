#include "toolbox/transactions.h"

#include <algorithm>

#include "base/bech32.h"
#include "bitcoin/address.h"
#include "bitcoin/compact_size.h"
#include "bitcoin/script.h"
#include "bitcoin/transaction.h"
#include "toolbox/paste.h"
#include "toolbox/show.h"

namespace doze::toolbox {

namespace {

constexpr std::uint8_t kPsbtMagic[] = {0x70, 0x73, 0x62, 0x74, 0xff};
/// Locktimes from here on are seconds since 1970, below they are heights.
constexpr std::uint32_t kLocktimeThreshold = 500'000'000;

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
  if (tx.locktime >= kLocktimeThreshold)
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

struct Pair {
  std::uint64_t type = 0;
  Bytes key, value;
  std::size_t where = 0;
};
/// Key-value pairs up to the byte 00.
Result<std::vector<Pair>, Problem> read_map(Reader& in) {
  std::vector<Pair> out;
  while (true) {
    auto start = in.at();
    auto key_length = bitcoin::read_compact_size(in);
    if (!in.ok()) return fail(at("psbt", "truncated: key length", start));
    if (key_length == 0) return out;
    if (key_length > in.remaining()) return fail(at("psbt", "truncated: key", start));
    auto key = in.bytes(static_cast<std::size_t>(key_length));
    Reader inside(key);
    Pair pair;
    pair.type = bitcoin::read_compact_size(inside);
    if (!inside.ok()) return fail(at("psbt", "key type: bad length", start));
    pair.key = to_bytes(key);
    auto value_length = bitcoin::read_compact_size(in);
    if (!in.ok() || value_length > in.remaining()) return fail(at("psbt", "truncated: value", in.at()));
    pair.where = in.at();
    pair.value = to_bytes(in.bytes(static_cast<std::size_t>(value_length)));
    if (std::any_of(out.begin(), out.end(), [&](const Pair& other) { return other.key == pair.key; }))
      return fail(at("psbt", "a key that is there twice", start));
    out.push_back(std::move(pair));
  }
}

constexpr const char* kInputTypes[] = {"non_witness_utxo", "witness_utxo",    "partial_sig",
                                       "sighash_type",     "redeem_script",   "witness_script",
                                       "bip32_derivation", "final_scriptsig", "final_scriptwitness"};
constexpr const char* kOutputTypes[] = {"redeem_script", "witness_script", "bip32_derivation"};

Value show_map(const std::vector<Pair>& map, std::span<const char* const> names) {
  Value out = Fields{};
  for (const auto& pair : map) {
    auto known = pair.type < names.size();
    std::string name = known ? names[static_cast<std::size_t>(pair.type)] : "type_" + std::to_string(pair.type);
    if (pair.key.size() > 1) name += " " + to_hex(ByteView(pair.key).subspan(1));
    out.set(name, to_hex(pair.value));
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

bool is_psbt(ByteView bytes) {
  return bytes.size() >= 5 && std::equal(std::begin(kPsbtMagic), std::end(kPsbtMagic), bytes.begin());
}

Result<Value, Problem> decode_psbt(ByteView bytes) {
  if (!is_psbt(bytes)) return fail(at("psbt", "magic: must be 70736274ff", 0));
  Reader in(bytes);
  (void)in.bytes(5);
  LN_TRY(global, read_map(in));
  std::optional<bitcoin::Transaction> tx;
  for (const auto& pair : global) {
    if (pair.type == 0xfb && pair.value.size() == 4 && pair.value != Bytes(4))
      return fail(at("psbt", "version: only 0 (BIP 174) is read", pair.where));
    if (pair.type != 0) continue;
    auto read = bitcoin::parse_transaction(pair.value);
    if (!read)
      return fail(at("psbt", "unsigned transaction: " + rule_of(read.error()),
                     pair.where + static_cast<std::size_t>(read.error().where)));
    for (const auto& input : read->inputs)
      if (!input.script_sig.empty() || !input.witness.empty())
        return fail(at("psbt", "unsigned transaction: it has a signature", pair.where));
    tx = *std::move(read);
  }
  if (!tx) return fail(at("psbt", "unsigned transaction: missing field", 5));
  List inputs, outputs;
  for (std::size_t i = 0; i < tx->inputs.size(); ++i) {
    LN_TRY(map, read_map(in));
    inputs.push_back(show_map(map, kInputTypes));
  }
  for (std::size_t i = 0; i < tx->outputs.size(); ++i) {
    LN_TRY(map, read_map(in));
    outputs.push_back(show_map(map, kOutputTypes));
  }
  if (!in.done()) return fail(at("psbt", "trailing bytes", in.at()));
  Value out;
  out.set("type", "psbt").set("unsigned_transaction", show_transaction(*tx));
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
        problem("bitcoin address", rule_of(*error), "One character or more is mistyped or missing: copy it again.");
    auto small = lower(text);
    auto separator = small.find('1');
    bool segwit = small.starts_with("bc1") || small.starts_with("tb1") || small.starts_with("bcrt1");
    for (auto at = separator + 1; segwit && at < small.size(); ++at) {
      if (bech32_groups(small.substr(at, 1))) continue;
      out.rule = "the character '" + escape_untrusted(text.substr(at, 1)) + "' is not one of this alphabet";
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
