#include "cli/commands.h"

#include <algorithm>

#include "toolbox/decode.h"
#include "toolbox/onion_tools.h"

namespace doze::cli {

namespace {

using api::Kind;
using api::Param;

Param text(std::string name, std::string help, bool required = false) {
  return {std::move(name), Kind::Text, required, false, std::move(help)};
}
Param word(std::string name, std::string help, bool required = true) {
  return {std::move(name), Kind::Text, required, true, std::move(help)};
}
Param number(std::string name, std::string help, bool required = false) {
  return {std::move(name), Kind::Number, required, false, std::move(help)};
}
Param flag(std::string name, std::string help) {
  return {std::move(name), Kind::Flag, false, false, std::move(help)};
}
Param msat(std::string name, std::string help) {
  return {std::move(name), Kind::Msat, false, false, std::move(help)};
}

Command offline(std::string name, std::string summary, std::vector<Param> params, std::string details,
                std::vector<std::string> examples) {
  return {api::Method{std::move(name), std::move(summary), std::move(params), "", nullptr}, true, std::move(details),
          std::move(examples)};
}

const char* kKeysNote =
    "A key is 64 hex digits, or a name whose key is derived from the seed, so that every call with the same seed knows "
    "the same alice. Such keys are for tests: whoever knows the seed has them.";

std::vector<Command> toolbox_commands() {
  const auto key = text("key", "64 hex digits or a name: signs, or opens", true);
  const auto seed = text("seed", "what named keys and all chance are derived from; default: doze");
  const Param profile{"profile", Kind::Profile, false, false, "numbers on the wire: ldk (default) or draft"};
  const auto chain = text("chain", "mainnet, testnet4, signet, regtest, or a chain hash");
  const auto payment_paths = text("payment_paths", "PATH:PAYINFO,… in hex; default: one hop, the key's node");
  const auto payer_note = text("payer_note", "shown to the recipient"),
             metadata = text("metadata", "hex; default: from the seed"),
             payer_paths = text("payer_paths", "blinded paths to the payer in hex, between commas");
  const auto multipart = flag("multipart", "set bit 17: payable in several parts");
  const std::string keys_note = kKeysNote;
  return {
      offline(
          "decode", "Say what something of Lightning is and means, or which rule it breaks and where.",
          {word("text", "the thing; - for standard input, @FILE for a file"),
           text(
               "as", "take it for this kind: " +
                         [] {
                           std::string all;
                           for (const auto& kind : toolbox::kinds()) all += (all.empty() ? "" : ", ") + kind;
                           return all;
                         }())},
          "Takes offers, invoice_requests, invoices (BOLT 12 and 11), static invoices in both profiles, invitations, "
          "blinded paths, messages, onions, payloads, transactions, PSBTs, addresses and node ids: as text, as hex "
          "or as a QR code gives them. Files may hold the bytes themselves. The exit code is 0 only if it is valid.",
          {"doze decode lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrc…",
           "doze decode --json @invoice.hex", "doze decode --as static_invoice - < bytes"}),
      offline("keys", "Keys by name from a seed.",
              {word("names", "names or private keys, between commas", false), seed}, keys_note,
              {"doze keys alice,bob --seed test"}),
      offline("descriptors", "A wallet's keys as output descriptors, for Bitcoin Core's importdescriptors.",
              {text("network", "mainnet, testnet4, signet or regtest (default)"),
               flag("private", "with private keys: whoever has them has the coins"),
               number("timestamp", "seconds since 1970: when the oldest coin came; default: 0, the whole chain"),
               number("range", "how many keys of each chain to watch; default: 1000")},
              "Reads the seed words of a node from stdin, one line. Prints what sees (or, with --private, spends) the "
              "coins of BIP 84's account 0; what mutual closes paid is not among them.",
              {"doze descriptors --json < words | jq -c .descriptors"}),
      offline(
          "create offer", "Make an offer.",
          {text("key", "64 hex digits or a name: its public key is the issuer_id"), seed,
           flag("no_issuer_id", "name nobody: the paths must be enough"),
           text("chain", "mainnet, testnet4, signet, regtest, or chain hashes, between commas"),
           msat("amount_msat", "what one item costs"),
           text("currency", "three letters of ISO 4217: a price that others convert"),
           number("currency_amount", "what one item costs, in the currency's smallest unit"),
           text("description", "what is paid for"), text("issuer", "who asks"),
           number("expires_at", "seconds since 1970"), text("paths", "blinded paths in hex, between commas"),
           number("quantity_max", "0: any number of items"), text("metadata", "hex")},
          keys_note,
          {"doze create offer --key bob --chain regtest --amount 5sat --description tea",
           "doze create offer --key bob --paths $(doze create blindedpath --nodes server,bob --json | jq -r .hex)"}),
      offline("create invoicerequest", "Make and sign an invoice_request for an offer.",
              {text("offer", "lno1… or hex", true), key, seed, chain,
               msat("amount_msat", "needed where the offer has none"), number("quantity", "items"), payer_note,
               metadata, payer_paths, text("bip353_name", "user@domain, if the offer was found that way")},
              keys_note, {"doze create invoicerequest --offer lno1… --key alice"}),
      offline("create refund", "Make an invoice_request without an offer: whoever answers it is paid.",
              {text("key", "64 hex digits or a name: its public key is the invreq_payer_id", true),
               seed,
               chain,
               {"amount_msat", Kind::Msat, true, false, "what is paid"},
               text("description", "what it is paid for", true),
               text("issuer", "who pays"),
               number("expires_at", "seconds since 1970"),
               payer_note,
               metadata,
               payer_paths},
              keys_note,
              {"doze create refund --key shop --chain regtest --amount 5sat --description 'the cup was broken'"}),
      offline("create invoice", "Make and sign an invoice for an invoice_request.",
              {text("request", "of either kind: hex or lnr1…", true), key, seed,
               number("created_at", "seconds since 1970", true), number("relative_expiry_s", "seconds; default: 7200"),
               text("payment_hash", "64 hex digits; default: of a preimage from the seed"), payment_paths, multipart},
              keys_note, {"doze create invoice --request 0020… --key bob --created-at 1750000000"}),
      offline(
          "create staticinvoice", "Make and sign a static invoice for an offer.",
          {text("offer", "lno1… or hex", true), key, seed, profile, number("created_at", "seconds since 1970", true),
           number("relative_expiry_s", "seconds; default: two weeks"), payment_paths,
           text("message_paths", "hex, between commas; default: to the key's node"), multipart},
          keys_note, {"doze create staticinvoice --offer lno1… --key bob --created-at 1750000000 --profile draft"}),
      offline("create invoiceerror", "Make an invoice_error.",
              {text("error", "what went wrong, for people", true), number("erroneous_field", "the TLV type to blame"),
               text("suggested_value", "hex: a value of that field that would do")},
              "The bare TLV stream; doze onion build --message invoice_error gives it the form of a profile.",
              {"doze create invoiceerror --error 'too little' --erroneous-field 82 --suggested-value 2710"}),
      offline("create blindedpath", "Make a blinded path, for messages or for payments.",
              {text("nodes", "node ids or names, introduction node first", true),
               text("session_key", "64 hex digits or a name; default: session"), seed,
               text("path_id", "hex, for the last node"), text("scids", "600x2x1,… instead of node ids for the hops"),
               text("introduction", "600x1x0/1: name the first node by a channel and its end, which is shorter"),
               number("dummy_hops", "hops of the last node's own behind it, at most 10"),
               flag("padded", "the data of all hops has the same size; with dummy hops it always has"),
               flag("payment", "with payment_relay and blinded_payinfo"), msat("fee_base_msat", "of each hop"),
               number("fee_proportional_millionths", "of each hop"), number("cltv_expiry_delta", "of each hop"),
               number("final_cltv_delta", "of the last node; default: 42"),
               number("max_cltv_expiry", "payment_constraints: a height"), msat("htlc_minimum_msat", "default: 1"),
               msat("htlc_maximum_msat", "default: 1 bitcoin")},
              keys_note,
              {"doze create blindedpath --nodes server,bob --path-id 2a",
               "doze create blindedpath --nodes lsp,bob --scids 600x1x0 --payment --cltv-expiry-delta 72",
               "doze create blindedpath --nodes server,bob --introduction 600x1x0/1 --dummy-hops 3"}),
      offline(
          "onion build", "Build a payment onion or an onion message.",
          {text("hops", "payment: NODE:HEX, NODE:forward:MSAT:CLTV:SCID, NODE:final:MSAT:CLTV[:TOTAL], between commas"),
           text("associated_data", "payment: hex, the payment_hash"),
           text("message", "onion message: held_htlc_available, offer_paths_request, …"),
           text("to", "onion message: a blinded path in hex, a node id or a name"),
           text("way", "onion message: nodes in front of the path, between commas"),
           text("introduction", "onion message: the path's first node, where it is named by a channel"),
           text("contents", "hex of the request, invoice or error in the message"),
           text("paths", "paths of offer_paths, or the path of serve_static_invoice"),
           text("reply_path", "a blinded path in hex"), number("invoice_slot", "of offer_paths_request"),
           number("expires_at", "of offer_paths, seconds since 1970"), profile,
           text("session_key", "64 hex digits or a name; default: session"),
           text("onion_key", "onion message: the packet's key; default: onion"), seed},
          keys_note,
          {"doze onion build --hops carol:forward:5005:650:600x1x0,bob:final:5000:600",
           "doze onion build --message held_htlc_available --to bob --profile draft"}),
      offline("onion peel", "Open one layer of a payment onion or an onion message.",
              {word("packet", "hex of the packet, or of the whole onion_message"), key, seed,
               text("associated_data", "hex, the payment_hash"), text("path_key", "of update_add_htlc, 66 hex digits")},
              keys_note, {"doze onion peel 0201… --key bob"}),
      offline("onion wrap", "What a node of a payment's way sends back: a failure, and how long it held the payment.",
              {text("shared_secret", "of this node, as onion build and onion peel print it", true),
               text("failure", "this node fails the payment: temporary_node_failure, 0x2002, …"),
               text("data", "hex, of that failure, without channel_update: an empty one is added"),
               text("reason", "hex of the next node's update_fail_htlc"),
               text("attribution_data", "hex, what the next node sent beside it"),
               number("hold_time_ms", "told to the payer in tenths of a second; default: 0")},
              "With --failure one of its own, with --reason one more layer around the next node's, with neither the "
              "attribution_data beside update_fulfill_htlc.",
              {"doze onion wrap --shared-secret SECRET --failure temporary_node_failure --hold-time-ms 300",
               "doze onion wrap --shared-secret SECRET --reason HEX --attribution-data HEX"}),
      offline(
          "onion unwrap", "Say which node failed a payment and why, and how long each held it.",
          {text("shared_secrets", "of all nodes of the way, the payer's neighbour first, between commas", true),
           text("reason", "hex, of update_fail_htlc; without it the payment was fulfilled"),
           text("attribution_data", "hex, what came beside it")},
          "Hold times are those of the nodes whose MAC fits, from the first on. The one behind them, or the last of "
          "them, changed something, has no attribution_data, or is behind the node that failed the payment.",
          {"doze onion unwrap --shared-secrets SECRET,SECRET --reason HEX --attribution-data HEX"}),
      offline("check-static-invoice", "The payer's checks of a static invoice, one line a rule.",
              {text("offer", "lno1…, hex or @FILE", true), text("invoice", "hex or @FILE", true),
               number("at", "the time, seconds since 1970; default: now")},
              "Both profiles: the invoice says which it has. The exit code is 0 only if every rule is kept.",
              {"doze check-static-invoice --offer lno1… --invoice @invoice.hex"}),
      offline("vectors write", "Write the test vectors of async payments into a folder.", {word("folder", "where to")},
              "The same bytes every time: all keys are in the files.", {"doze vectors write vectors/async"}),
      offline("vectors run", "Run test vectors, ours or anybody's of the same schema.",
              {word("files", "one or more JSON files")}, "vectors/async/README.md explains the schema.",
              {"doze vectors run vectors/async/*.json"}),
      offline("completion", "Print a completion script.", {word("shell", "bash, zsh or fish")}, "",
              {"doze completion bash > ~/.local/share/bash-completion/completions/doze"}),
      offline("man", "Print a man page.", {word("command", "of this command; default: of doze itself", false)}, "",
              {"doze man decode | man -l -"}),
      offline(
          "init", "Make a node: configuration and seed words.",
          {text("network", "regtest (default), signet or testnet4"), text("role", "client (default) or server"),
           text("alias", "shown to others"), number("listen_port", "default: 9735"),
           number("rpc_port", "default: 9737"),
           text("announce", "HOST:PORT that others dial, for servers: they listen there"), profile,
           number("bitcoind_port", "default: the network's"), text("bitcoind_cookie", "a file"),
           text("bitcoind_user", "instead of a cookie"), text("bitcoind_password", "instead of a cookie"),
           text("zmq_hashblock", "tcp://HOST:PORT"),
           flag("restore", "read the seed words of an earlier node from stdin, one line"),
           number("birthday", "with --restore: the block from which its coins are looked for; default: all")},
          "Writes doze.toml and the seed into --datadir, and shows the seed words once. Restored words bring back the "
          "node id and the coins on chain; no channels, offers or payments.",
          {"doze --datadir ~/.doze init --network regtest --bitcoind-cookie ~/.bitcoin/regtest/.cookie"}),
  };
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kAll = [] {
    auto all = toolbox_commands();
    for (const auto& method : api::methods()) {
      if (method.name == "decode") continue;  // the same without a daemon
      auto example = "doze " + method.name + (method.example.empty() ? "" : " " + method.example);
      all.push_back({method, false, "", {example}});
    }
    return all;
  }();
  return kAll;
}

const Command* find_command(const std::vector<std::string>& words, std::size_t* used) {
  for (std::size_t count : {2, 1}) {
    if (words.size() < count) continue;
    auto name = count == 2 ? words[0] + " " + words[1] : words[0];
    for (const auto& command : commands())
      if (command.method.name == name) {
        if (used != nullptr) *used = count;
        return &command;
      }
  }
  return nullptr;
}

std::string page_name(const Command& command) {
  auto out = command.method.name;
  std::replace(out.begin(), out.end(), ' ', '-');
  return out;
}

std::vector<std::string> choices(const Command& command, const api::Param& param) {
  if (param.kind == Kind::Profile) return {"ldk", "draft"};
  if (param.name == "as") return toolbox::kinds();
  if (param.name == "network" && command.method.name == "init") return {"regtest", "signet", "testnet4"};
  if (param.name == "network" || param.name == "chain") return {"mainnet", "testnet4", "signet", "regtest"};
  if (command.method.name == "man") {
    std::vector<std::string> pages;
    for (const auto& each : commands()) pages.push_back(page_name(each));
    return pages;
  }
  if (param.name == "role") return {"client", "server"};
  if (param.name == "shell") return {"bash", "zsh", "fish"};
  if (param.name == "message") return toolbox::onion_message_names();
  return {};
}

}  // namespace doze::cli
