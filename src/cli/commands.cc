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
    "A key is 64 hex digits, or a name whose key is derived from the seed: calls with the same seed use the same key "
    "for alice. Never use named keys for real money: anyone who knows the seed has them.";

std::vector<Command> toolbox_commands() {
  const auto key = text("key", "private key that signs or decrypts: 64 hex digits or a name", true);
  const auto seed = text("seed", "text from which named keys and random values are derived; default: doze");
  const Param profile{"profile", Kind::Profile, false, false, "feature and message numbers: ldk (default) or draft"};
  const auto chain = text("chain", "mainnet, testnet4, signet, regtest, or a chain hash");
  const auto payment_paths = text("payment_paths", "PATH:PAYINFO,… in hex; default: one hop, the node of the key");
  const auto payer_note = text("payer_note", "shown to the recipient"),
             metadata = text("metadata", "hex; default: derived from the seed"),
             payer_paths = text("payer_paths", "blinded paths to the payer in hex, separated by commas");
  const auto multipart = flag("multipart", "set bit 17: payment in several parts is allowed");
  const std::string keys_note = kKeysNote;
  return {
      offline(
          "decode", "Decode any Lightning object, or show which rule it breaks and where.",
          {word("text", "the object, - for standard input, or @FILE for a file"),
           text(
               "as", "decode as this kind: " +
                         [] {
                           std::string all;
                           for (const auto& kind : toolbox::kinds()) all += (all.empty() ? "" : ", ") + kind;
                           return all;
                         }())},
          "Takes offers, invoice_requests, invoices (BOLT 12 and 11), static invoices in both profiles, invitations, "
          "blinded paths, messages, onions, payloads, transactions, PSBTs, addresses and node ids: as text, as hex "
          "or as the contents of a QR code. Files may also contain the raw bytes. The exit code is 0 only if the "
          "object is valid.",
          {"doze decode lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrc…",
           "doze decode --json @invoice.hex", "doze decode --as static_invoice - < bytes"}),
      offline("keys", "Show the keys that names or private keys stand for.",
              {word("names", "names or private keys, separated by commas; default: alice", false), seed}, keys_note,
              {"doze keys alice,bob --seed test"}),
      offline("descriptors", "Print a wallet's output descriptors, for Bitcoin Core's importdescriptors.",
              {text("network", "mainnet, testnet4, signet or regtest (default)"),
               flag("private", "include private keys: anyone who has them can spend the coins"),
               number("timestamp", "time of the oldest coin, in seconds since 1970; default: 0, the whole chain"),
               number("range", "how many keys of each chain to watch; default: 1000")},
              "Reads the seed words of a node from stdin, one line. A wallet with these descriptors shows the coins of "
              "BIP 84's account 0; with --private it can spend them. Coins from mutual closes are not included.",
              {"doze descriptors --json < words | jq -c .descriptors"}),
      offline(
          "create offer", "Make an offer.",
          {text("key", "64 hex digits or a name; its public key is the issuer_id"), seed,
           flag("no_issuer_id", "leave issuer_id out: payers then need the paths"),
           text("chain", "mainnet, testnet4, signet, regtest, or chain hashes, separated by commas"),
           msat("amount_msat", "price of one item"),
           text("currency", "three letters of ISO 4217, for a price that the payer converts"),
           number("currency_amount", "price of one item, in the currency's smallest unit"),
           text("description", "what the payment is for"), text("issuer", "name of the issuer"),
           number("expires_at", "seconds since 1970"), text("paths", "blinded paths in hex, separated by commas"),
           number("quantity_max", "maximum number of items per payment; 0: unlimited"), text("metadata", "hex")},
          keys_note,
          {"doze create offer --key bob --chain regtest --amount 5sat --description tea",
           "doze create offer --key bob --paths $(doze create blindedpath --nodes server,bob --json | jq -r .hex)"}),
      offline("create invoicerequest", "Make and sign an invoice_request for an offer.",
              {text("offer", "lno1… or hex", true), key, seed, chain,
               msat("amount_msat", "needed if the offer has none"), number("quantity", "number of items"), payer_note,
               metadata, payer_paths, text("bip353_name", "user@domain, if the offer was found through this name")},
              keys_note, {"doze create invoicerequest --offer lno1… --key alice"}),
      offline("create refund", "Make a refund, an invoice_request without an offer. It pays the node that answers it.",
              {text("key", "64 hex digits or a name; its public key is the invreq_payer_id", true),
               seed,
               chain,
               {"amount_msat", Kind::Msat, true, false, "amount to pay"},
               text("description", "what the payment is for", true),
               text("issuer", "name of the payer"),
               number("expires_at", "seconds since 1970"),
               payer_note,
               metadata,
               payer_paths},
              keys_note,
              {"doze create refund --key shop --chain regtest --amount 5sat --description 'the cup was broken'"}),
      offline("create invoice", "Make and sign an invoice for an invoice_request.",
              {text("request", "invoice_request, for an offer or a refund: hex or lnr1…", true), key, seed,
               number("created_at", "seconds since 1970", true), number("relative_expiry_s", "seconds; default: 7200"),
               text("payment_hash", "64 hex digits; default: the hash of a preimage derived from the seed"),
               payment_paths, multipart},
              keys_note, {"doze create invoice --request 0020… --key bob --created-at 1750000000"}),
      offline(
          "create staticinvoice", "Make and sign a static invoice for an offer.",
          {text("offer", "lno1… or hex", true), key, seed, profile, number("created_at", "seconds since 1970", true),
           number("relative_expiry_s", "seconds; default: two weeks"), payment_paths,
           text("message_paths", "blinded paths in hex, separated by commas; default: one to the node of the key"),
           multipart},
          keys_note, {"doze create staticinvoice --offer lno1… --key bob --created-at 1750000000 --profile draft"}),
      offline(
          "create invoiceerror", "Make an invoice_error.",
          {text("error", "what went wrong, in words", true), number("erroneous_field", "TLV type of the wrong field"),
           text("suggested_value", "hex: a valid value for that field")},
          "Prints the bare TLV stream. To send it, give it to doze onion build --message invoice_error --contents.",
          {"doze create invoiceerror --error 'too little' --erroneous-field 82 --suggested-value 2710"}),
      offline("create blindedpath", "Make a blinded path, for messages or for payments.",
              {text("nodes", "node ids or names, introduction node first", true),
               text("session_key", "64 hex digits or a name; default: session"), seed,
               text("path_id", "hex, for the last node"), text("scids", "600x2x1,… instead of node ids for the hops"),
               text("introduction",
                    "600x1x0/1: name the first node by a channel and its side there, 0 or 1 (shorter than a node id)"),
               number("dummy_hops", "extra hops after the last node that are that node again, at most 10"),
               flag("padded", "give the data of all hops the same size; always done with dummy hops"),
               flag("payment", "a payment path: with payment_relay and blinded_payinfo"),
               msat("fee_base_msat", "base fee of each hop"),
               number("fee_proportional_millionths", "proportional fee of each hop"),
               number("cltv_expiry_delta", "delta of each hop"),
               number("final_cltv_delta", "delta of the last node; default: 42"),
               number("max_cltv_expiry", "height for payment_constraints"), msat("htlc_minimum_msat", "default: 1msat"),
               msat("htlc_maximum_msat", "default: 1btc")},
              keys_note,
              {"doze create blindedpath --nodes server,bob --path-id 2a",
               "doze create blindedpath --nodes lsp,bob --scids 600x1x0 --payment --cltv-expiry-delta 72",
               "doze create blindedpath --nodes server,bob --introduction 600x1x0/1 --dummy-hops 3"}),
      offline(
          "onion build", "Build a payment onion or an onion message.",
          {text("hops",
                "payment: NODE:HEX, NODE:forward:MSAT:CLTV:SCID or NODE:final:MSAT:CLTV[:TOTAL], separated by commas"),
           text("associated_data", "payment: the payment_hash, in hex"),
           text("message", "onion message: its kind, such as held_htlc_available or offer_paths_request"),
           text("to", "onion message: recipient as a blinded path in hex, a node id or a name"),
           text("way", "onion message: nodes that relay it to the path's first node, separated by commas"),
           text("introduction", "onion message: node id of the path's first node, if the path names it by a channel"),
           text("contents", "the request, invoice or error in the message, in hex"),
           text("paths", "paths for offer_paths, or the path for serve_static_invoice"),
           text("reply_path", "a blinded path in hex"), number("invoice_slot", "slot for offer_paths_request"),
           number("expires_at", "expiry for offer_paths, seconds since 1970"), profile,
           text("session_key", "64 hex digits or a name; default: session"),
           text("onion_key", "onion message: key of the packet; default: onion"), seed},
          keys_note,
          {"doze onion build --hops carol:forward:5005:650:600x1x0,bob:final:5000:600",
           "doze onion build --message held_htlc_available --to bob --profile draft"}),
      offline("onion peel", "Open one layer of a payment onion or an onion message.",
              {word("packet", "the packet or the whole onion_message, in hex"), key, seed,
               text("associated_data", "the payment_hash, in hex"),
               text("path_key", "path_key of update_add_htlc, 66 hex digits")},
              keys_note, {"doze onion peel 0201… --key bob"}),
      offline("onion wrap", "Build a failure as a hop would return it, with the time that it held the payment.",
              {text("shared_secret", "the hop's shared secret, as onion build and onion peel print it", true),
               text("failure", "failure of this hop: temporary_node_failure, 0x2002, …"),
               text("data", "data of that failure in hex, without channel_update: an empty one is added"),
               text("reason", "reason of the next hop's update_fail_htlc, in hex"),
               text("attribution_data", "attribution_data that the next hop sent with it, in hex"),
               number("hold_time_ms", "hold time, reported to the payer in tenths of a second; default: 0")},
              "With --failure it builds a failure of this hop. With --reason it adds this hop's layer to the next "
              "hop's failure. With neither it builds the attribution_data for update_fulfill_htlc.",
              {"doze onion wrap --shared-secret SECRET --failure temporary_node_failure --hold-time-ms 300",
               "doze onion wrap --shared-secret SECRET --reason HEX --attribution-data HEX"}),
      offline(
          "onion unwrap", "Show which node failed a payment and why, and how long each node held it.",
          {text("shared_secrets", "of all hops, the payer's neighbour first, separated by commas", true),
           text("reason", "reason of update_fail_htlc, in hex; leave it out for a fulfilled payment"),
           text("attribution_data", "attribution_data that arrived with it, in hex")},
          "Shows the hold times of the nodes from the first one on, as long as their MACs are valid. Where the list "
          "ends early, one of three things happened: the last node shown failed the payment; the next node sends no "
          "attribution_data; or one of these two changed the data.",
          {"doze onion unwrap --shared-secrets SECRET,SECRET --reason HEX --attribution-data HEX"}),
      offline(
          "check-static-invoice", "Run a payer's checks of a static invoice, one line per rule.",
          {text("offer", "lno1…, hex or @FILE", true), text("invoice", "hex or @FILE", true),
           number("at", "time of the check, seconds since 1970; default: now")},
          "Accepts both profiles: the invoice shows which one it has. The exit code is 0 only if all rules are kept.",
          {"doze check-static-invoice --offer lno1… --invoice @invoice.hex"}),
      offline("vectors write", "Write the test vectors of async payments into a folder.",
              {word("folder", "folder to write to")}, "The output is always the same; the files contain all keys.",
              {"doze vectors write vectors/async"}),
      offline("vectors run", "Run test vectors: Doze's own, or others in the same schema.",
              {word("files", "one or more JSON files")}, "vectors/async/README.md explains the schema.",
              {"doze vectors run vectors/async/*.json"}),
      offline("completion", "Print a completion script.", {word("shell", "bash, zsh or fish")}, "",
              {"doze completion bash > ~/.local/share/bash-completion/completions/doze"}),
      offline("man", "Print a man page.", {word("command", "command to describe; default: doze itself", false)}, "",
              {"doze man decode | man -l -"}),
      offline("init", "Create a node: configuration and seed words.",
              {text("network", "regtest (default), signet or testnet4"), text("role", "client (default) or server"),
               text("alias", "name shown to other nodes"), number("listen_port", "port for peers; default: 9735"),
               number("rpc_port", "port of the API on 127.0.0.1; default: 9737"),
               text("announce", "servers: HOST:PORT that other nodes dial; the node listens there"), profile,
               number("bitcoind_port", "bitcoind's RPC port; default: the usual one of the network"),
               text("bitcoind_cookie", "bitcoind's cookie file, for example ~/.bitcoin/regtest/.cookie"),
               text("bitcoind_user", "bitcoind's RPC user, instead of a cookie"),
               text("bitcoind_password", "bitcoind's RPC password, instead of a cookie"),
               flag("restore", "read the seed words of an earlier node from stdin, one line"),
               number("birthday", "with --restore: height of the first block to search for coins; default: 0")},
              "Writes doze.toml and the seed into --datadir, and shows the seed words once. A client is a wallet that "
              "may sleep. A server is announced to all nodes, forwards and holds payments, and answers for sleeping "
              "recipients. --restore brings back the node id and the coins on chain, but no channels, offers or "
              "payments. Never run the old node again after a restore: two nodes with one identity lose money.",
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
