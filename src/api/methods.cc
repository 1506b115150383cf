#include "api/methods.h"

#include <algorithm>
#include <charconv>

#include "toolbox/decode.h"
#include "toolbox/paste.h"
#include "toolbox/payment_link.h"

namespace doze::api {

namespace {

/// Typed access to checked arguments: presence and type were verified by parse().
class Values {
 public:
  explicit Values(const Arguments& arguments) : arguments_(arguments) {}
  [[nodiscard]] bool has(const char* name) const { return arguments_.contains(name); }
  [[nodiscard]] bool flag(const char* name) const { return has(name) && std::get<bool>(arguments_.at(name)); }
  [[nodiscard]] std::optional<bool> maybe_flag(const char* name) const {
    return has(name) ? std::optional(std::get<bool>(arguments_.at(name))) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::string> maybe_text(const char* name) const {
    return has(name) ? std::optional(std::get<std::string>(arguments_.at(name))) : std::nullopt;
  }
  [[nodiscard]] std::string text(const char* name) const { return maybe_text(name).value_or(""); }
  [[nodiscard]] std::optional<std::uint64_t> maybe_number(const char* name) const {
    return has(name) ? std::optional(std::get<std::uint64_t>(arguments_.at(name))) : std::nullopt;
  }
  template <class T>
  [[nodiscard]] std::optional<T> amount(const char* name) const {
    auto number = maybe_number(name);
    return number ? std::optional(T(*number)) : std::nullopt;
  }
  template <class T>
  [[nodiscard]] T id(const char* name) const {
    return T::from_hex_or_die(text(name));
  }
  [[nodiscard]] std::optional<Profile> profile(const char* name) const {
    if (!has(name)) return std::nullopt;
    return text(name) == "draft" ? Profile::Draft : Profile::Ldk;
  }

 private:
  const Arguments& arguments_;
};

using Built = Result<command::Command, CommandError>;
CommandError bad(std::string message) {
  return CommandError{CommandErrorCode::BadRequest, std::move(message), {}};
}

/// The toolbox writes hints for terminals, with line feeds; an error of the API is one line.
std::string in_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

template <class T>
std::function<Built(const Arguments&)> plain() {
  return [](const Arguments&) -> Built { return command::Command(T{}); };
}

/// A hundred times the highest usual feerate: above it, the number is a mistake.
constexpr std::uint64_t kMaxSatPerVbyte = 100'000;
bool bad_feerate(const Values& values) {
  auto per_vbyte = values.maybe_number("feerate");
  return per_vbyte && (*per_vbyte == 0 || *per_vbyte > kMaxSatPerVbyte);
}
CommandError feerate_error() {
  return bad("feerate: expected 1 to " + std::to_string(kMaxSatPerVbyte) + " sat per virtual byte");
}
/// The feerate that was asked for; only after bad_feerate has returned false.
std::optional<FeeratePerKw> feerate(const Values& values) {
  auto per_vbyte = values.maybe_number("feerate");  // sat/vB, as wallets show it
  return per_vbyte ? std::optional(FeeratePerKw(static_cast<std::uint32_t>(*per_vbyte * 250))) : std::nullopt;
}

/// A hundred years: a later expiry has no use, and other readers cannot show the date.
constexpr std::uint64_t kMaxExpiryS = 3'155'760'000;
/// 0 is wrong as well: the object would have expired already.
bool bad_expiry(const Values& values) {
  auto expiry = values.maybe_number("expiry_s");
  return expiry && (*expiry == 0 || *expiry > kMaxExpiryS);
}
CommandError expiry_error() {
  return bad("expiry_s: expected 1 to " + std::to_string(kMaxExpiryS) + " seconds (a hundred years)");
}

bool bad_key(const Values& values) {
  auto key = values.maybe_text("idempotency_key");
  return key && (key->empty() || key->size() > command::kIdempotencyKeyBytes);
}
CommandError key_error() {
  return bad("idempotency_key: expected 1 to " + std::to_string(command::kIdempotencyKeyBytes) + " bytes");
}

/// One page of a long list, newest rows first if they have a time.
const std::vector<Param>& page_params() {
  static const std::vector<Param> kParams{
      {"limit", Kind::Number, false, false,
       "maximum number of rows, 1 to " + std::to_string(command::kMaxPageRows) +
           "; default: " + std::to_string(command::kDefaultPageRows)},
      {"before", Kind::Text, false, false, "next_before of the previous page; default: the first page"}};
  return kParams;
}
/// Builds a list command with the requested page.
template <class T>
std::function<Built(const Arguments&)> paged() {
  return [](const Arguments& arguments) -> Built {
    Values values(arguments);
    T out;
    auto limit = values.maybe_number("limit").value_or(command::kDefaultPageRows);
    if (limit == 0 || limit > command::kMaxPageRows)
      return fail(bad("limit: expected 1 to " + std::to_string(command::kMaxPageRows)));
    out.page.limit = static_cast<std::uint32_t>(limit);
    out.page.before = values.maybe_text("before");
    return command::Command(std::move(out));
  };
}

/// For texts that are often given to `pay` and are neither an offer nor an invoice: what the text is instead. Otherwise
/// empty.
std::string why_unpayable(const std::string& text) {
  auto small = lower(text);
  if (small.empty())
    return "offer: the text is empty; expected an offer (lno1…) or a BOLT 11 invoice (lnbc…, lntb…, lnbcrt…)";
  if (small.starts_with("lnurl1"))
    return "offer: this is an LNURL, which this version cannot pay: ask the payee for an offer (lno1…) or an invoice";
  if (small.starts_with("lnai1"))
    return "offer: this is an invitation to a static-invoice server and cannot be paid: use asyncjoin";
  if (small.starts_with("lnr1"))
    return "offer: this is an invoice_request and cannot be paid: its maker wants an invoice from you";
  if (auto at = small.find('@'); at != std::string::npos && small.find('.', at) != std::string::npos)
    return "offer: this is a Lightning address or BIP 353 name, which this version cannot look up: ask the payee for "
           "the offer (lno1…) itself";
  if (small.starts_with("bc1") || small.starts_with("tb1") || small.starts_with("bcrt1"))
    return "offer: this is an on-chain address: use sendtoaddress";
  return "";
}

/// A pasted text without surrounding white space, quotes or link scheme.
std::string pasted(const Values& values, const char* name) {
  return toolbox::squeezed(toolbox::clean(values.text(name)).text);
}

Built build_connect(const Arguments& arguments) {
  auto text = Values(arguments).text("peer");
  command::Connect out;
  out.node_id = NodeId::from_hex_or_die(text.substr(0, 66));
  if (text.size() > 66) {
    out.address = wire::parse_address(text.substr(67));
    if (!out.address)
      return fail(
          bad("peer: '" + escape_untrusted(text.substr(67)) + "': expected host:port, as in node.example:9735"));
  }
  return command::Command(std::move(out));
}

Built build_open(const Arguments& arguments) {
  Values values(arguments);
  if (values.flag("announce") && values.flag("private"))
    return fail(bad("announce, private: expected at most one of them"));
  if (bad_feerate(values)) return fail(feerate_error());
  if (bad_key(values)) return fail(key_error());
  command::OpenChannel out{values.id<NodeId>("node_id"),
                           *values.amount<Sat>("amount_sat"),
                           values.amount<Msat>("push_msat").value_or(Msat(0)),
                           std::nullopt,
                           feerate(values),
                           values.text("idempotency_key")};
  if (values.flag("announce")) out.announce = true;
  if (values.flag("private")) out.announce = false;
  return command::Command(std::move(out));
}

Built build_send(const Arguments& arguments) {
  Values values(arguments);
  if (bad_feerate(values)) return fail(feerate_error());
  if (bad_key(values)) return fail(key_error());
  command::SendToAddress out{values.text("address"), std::nullopt, feerate(values), values.text("idempotency_key")};
  bool all = std::holds_alternative<std::string>(arguments.at("amount_sat"));
  if (!all) out.amount = values.amount<Sat>("amount_sat");
  return command::Command(std::move(out));
}

std::vector<Method> make_methods() {
  const Param node{"node_id", Kind::NodeId, true, true, "node id of the peer"};
  const Param channel{"channel_id", Kind::Id, true, true, "as listchannels shows it"};
  const Param payment{"payment_id", Kind::Id, true, true, "as pay or listpayments shows it"};
  const Param either{"payment_id", Kind::Id, true, true,
                     "as pay or listpayments shows it; for a payment to us, its payment_hash"};
  const Param rate{"feerate", Kind::Number, false, false, "in sat per virtual byte; default: the node's estimate"};
  const Param key{
      "idempotency_key", Kind::Text, false, false,
      "a text of your choice: a command repeated with the same key gets the first answer again and spends once"};
  const Param profile{"profile", Kind::Profile, false, false, "feature and message numbers: ldk (default) or draft"};
  using namespace command;
  return {
      {"getinfo", "Node status: id, block height, bitcoind, balances.", {}, "", plain<GetInfo>()},
      {"newaddress", "Make a new address of the wallet.", {}, "", plain<NewAddress>()},
      {"listfunds",
       "List the wallet's coins and balances. A deposit that is in no block yet is shown, but cannot be spent.",
       {},
       "",
       plain<ListFunds>()},
      {"sendtoaddress",
       "Send coins from the wallet on chain.",
       {{"address", Kind::Text, true, true, "address that receives the coins"},
        {"amount_sat", Kind::SatOrAll, true, true, "amount, or 'all'"},
        rate,
        key},
       "bcrt1q… 50000sat",
       build_send,
       true},
      {"connect",
       "Connect to a node. If the connection breaks, this node reconnects to peers with a channel and to servers that "
       "it "
       "joined.",
       {{"peer", Kind::PeerAddress, true, true, "node id, optionally @host:port"}},
       "02ab…@127.0.0.1:9735",
       build_connect,
       true},
      {"disconnect",
       "Disconnect from a node, and do not reconnect before the next connect or start of dozed.",
       {node},
       "02ab…",
       [](const Arguments& a) -> Built { return Command(Disconnect{Values(a).id<NodeId>("node_id")}); }},
      {"listpeers", "List connected peers, and nodes that this node dials.", {}, "", plain<ListPeers>()},
      {"openchannel",
       "Open a channel to a connected peer. Returns when the peer has agreed.",
       {node,
        {"amount_sat", Kind::Sat, true, true, "capacity of the channel"},
        {"push_msat", Kind::Msat, false, false, "part of the capacity that is given to the peer; default: nothing"},
        {"announce", Kind::Flag, false, false, "announce the channel (default between servers)"},
        {"private", Kind::Flag, false, false, "do not announce the channel (default with clients)"},
        rate,
        key},
       "02ab… 1000000sat",
       build_open,
       true},
      {"listchannels",
       "List channels with balances and states. Channels with money left in them are always shown.",
       {{"closed", Kind::Flag, false, false, "also show closed channels without money of ours"}},
       "",
       [](const Arguments& a) -> Built { return Command(ListChannels{Values(a).flag("closed")}); }},
      {"closechannel",
       "Close a channel together with the peer. With --force our commitment is published: the balance comes to the "
       "wallet "
       "after a delay, less on-chain fees.",
       {channel,
        {"force", Kind::Flag, false, false,
         "publish our commitment without the peer; refused, with the sums and the delay, unless yes is set"},
        {"yes", Kind::Flag, false, false, "with force: accept the delay and the on-chain fees"},
        {"address", Kind::Text, false, false, "without force: address that receives our balance; default: our wallet"}},
       "7f3c…",
       [](const Arguments& a) -> Built {
         Values v(a);
         if (v.flag("yes") && !v.flag("force")) return fail(bad("yes: expected only together with force"));
         return Command(
             CloseChannel{v.id<ChannelId>("channel_id"), v.flag("force"), v.maybe_text("address"), v.flag("yes")});
       },
       true},
      {"createoffer",
       "Make a BOLT 12 offer; with --async it can be paid while this node sleeps.",
       {{"async", Kind::Flag, false, false, "the server that we joined answers payers while this node sleeps"},
        {"amount_msat", Kind::Msat, false, false, "amount to ask for, per item; default: the payer decides"},
        {"description", Kind::Text, false, false, "shown to the payer, at most 200 bytes"},
        {"issuer", Kind::Text, false, false, "name of the issuer, shown to the payer"},
        {"expiry_s", Kind::Number, false, false,
         "seconds until the offer expires; default: never, with async when the server's paths expire"},
        {"quantity_max", Kind::Number, false, false,
         "maximum number of items per payment; 0: unlimited; default: the payer names no number"},
        profile},
       "--async --amount 5000sat --description coffee",
       [](const Arguments& a) -> Built {
         Values v(a);
         if (bad_expiry(v)) return fail(expiry_error());
         return Command(CreateOffer{v.flag("async"), v.amount<Msat>("amount_msat"), v.text("description"),
                                    v.maybe_text("issuer"), v.maybe_number("expiry_s"), v.maybe_number("quantity_max"),
                                    v.profile("profile")});
       },
       true},
      {"listoffers", "List this node's offers, newest first.", page_params(), "", paged<ListOffers>()},
      {"disableoffer",
       "Disable an offer; an async offer is also withdrawn at its server.",
       {{"offer_id", Kind::Id, true, true, "as listoffers shows it"}},
       "9be1…",
       [](const Arguments& a) -> Built { return Command(DisableOffer{Values(a).id<OfferId>("offer_id")}); }},
      {"createinvoice",
       "Make a BOLT 11 invoice. It can be paid once, and only while this node is online.",
       {{"amount_msat", Kind::Msat, false, false, "amount to ask for; default: the payer decides"},
        {"description", Kind::Text, false, false, "shown to the payer, at most 639 bytes"},
        {"description_hash", Kind::Id, false, false,
         "instead of description: SHA-256 of a text that the payer already has, 64 hex digits"},
        {"expiry_s", Kind::Number, false, false, "seconds until the invoice expires; default: an hour"}},
       "--amount 5000sat --description coffee",
       [](const Arguments& a) -> Built {
         Values v(a);
         if (bad_expiry(v)) return fail(expiry_error());
         if (v.has("description") && v.has("description_hash"))
           return fail(bad("description, description_hash: expected at most one of them"));
         CreateInvoice out{v.amount<Msat>("amount_msat"), v.text("description"), std::nullopt,
                           v.maybe_number("expiry_s")};
         if (v.has("description_hash")) out.description_hash = v.id<Hash32>("description_hash");
         return Command(std::move(out));
       }},
      {"listinvoices", "List this node's BOLT 11 invoices, paid and unpaid.", page_params(), "", paged<ListInvoices>()},
      {"decode",
       "Decode any Lightning object, or show which rule it breaks and where.",
       {{"text", Kind::Text, true, true, "an offer, invoice, invitation, address, or hex of any object"}},
       "lno1…",
       nullptr,
       false,
       [](const Arguments& a) -> Result<Value, CommandError> {
         auto read = toolbox::decode(Values(a).text("text"));
         if (!read) return fail(bad(in_one_line(read.error().text())));
         return *std::move(read);
       }},
      {"pay",
       "Pay an offer or a BOLT 11 invoice. Returns when the payment is settled, or when it is safe to sleep.",
       {{"offer", Kind::Text, true, true, "lno1…, or lnbc…, lntb…, lntbs…, lnbcrt…"},
        {"amount_msat", Kind::Msat, false, false, "needed if the offer or invoice has no amount"},
        {"max_fee_msat", Kind::Msat, false, false, "maximum routing fee; default: max_fee_ppm in doze.toml"},
        {"quantity", Kind::Number, false, false, "number of items to buy"},
        {"payer_note", Kind::Text, false, false, "text for the recipient"},
        {"hold", Kind::Flag, false, false,
         "let our LSP hold the payment until a sleeping recipient wakes (default for clients)"},
        {"no_hold", Kind::Flag, false, false, "no hold: keep this node running until the payment has ended"},
        key},
       "lno1… --amount 250sat",
       [](const Arguments& a) -> Built {
         Values v(a);
         if (v.flag("hold") && v.flag("no_hold")) return fail(bad("hold, no_hold: expected at most one of them"));
         if (bad_key(v)) return fail(key_error());
         auto asked = toolbox::read_payable(v.text("offer"), v.amount<Msat>("amount_msat"), v.maybe_number("quantity"));
         if (!asked) return fail(bad("offer: " + asked.error().text()));
         if (auto why = why_unpayable(asked->text); !why.empty()) return fail(bad(std::move(why)));
         Pay out{asked->text,
                 asked->amount,
                 v.amount<Msat>("max_fee_msat"),
                 v.maybe_number("quantity"),
                 v.maybe_text("payer_note"),
                 std::nullopt};
         if (v.flag("hold")) out.hold = true;
         if (v.flag("no_hold")) out.hold = false;
         out.idempotency_key = v.text("idempotency_key");
         return Command(std::move(out));
       },
       true},
      {"cancelpayment",
       "Cancel a payment of which no HTLC has been sent yet.",
       {payment},
       "41d0…",
       [](const Arguments& a) -> Built { return Command(CancelPayment{Values(a).id<PaymentId>("payment_id")}); }},
      {"listpayments", "List payments made and received, newest first.", page_params(), "", paged<ListPayments>()},
      {"getpayment",
       "Show one payment, made or received, with its state and deadlines.",
       {either},
       "41d0…",
       [](const Arguments& a) -> Built { return Command(GetPayment{Values(a).id<PaymentId>("payment_id")}); }},
      {"waitpayment",
       "Wait until a payment, made or received, has ended. For an invoice of ours: at most a day.",
       {either, {"notified", Kind::Flag, false, false, "also return in state 'notified'"}},
       "41d0…",
       [](const Arguments& a) -> Built {
         Values v(a);
         return Command(WaitPayment{v.id<PaymentId>("payment_id"), !v.flag("notified")});
       },
       true},
      {"listforwards", "List HTLCs forwarded for others, newest first.", page_params(), "", paged<ListForwards>()},
      {"asyncinvite",
       "Server: make an invitation, a link with which one recipient joins this node as its static-invoice server.",
       {{"label", Kind::Text, false, true, "name shown in listinvitations"},
        {"raw", Kind::Flag, false, false, "print LDK's raw form in hex instead of a link"},
        profile,
        {"expiry_s", Kind::Number, false, false, "seconds until the invitation expires; default: never"}},
       "\"a phone\"",
       [](const Arguments& a) -> Built {
         Values v(a);
         if (bad_expiry(v)) return fail(expiry_error());
         if (v.text("label").size() > command::kLabelBytes)
           return fail(bad("label: expected " + std::to_string(command::kLabelBytes) + " bytes at most"));
         return Command(AsyncInvite{v.text("label"), v.flag("raw"), v.profile("profile"), v.maybe_number("expiry_s")});
       }},
      {"listinvitations", "Server: list invitations and the recipients that joined, newest first.", page_params(), "",
       paged<ListInvitations>()},
      {"revokeinvitation",
       "Server: revoke an invitation and erase the static invoices that were stored with it.",
       {{"id", Kind::Text, true, true, "as listinvitations shows it"}},
       "3d77…",
       [](const Arguments& a) -> Built { return Command(RevokeInvitation{Values(a).text("id")}); }},
      {"asyncjoin",
       "Recipient: join a static-invoice server by its link.",
       {{"link", Kind::Text, true, true, "lnai1…, or LDK's raw form in hex"}},
       "lnai1…",
       [](const Arguments& a) -> Built { return Command(AsyncJoin{pasted(Values(a), "link")}); },
       true},
      {"asyncleave",
       "Recipient: leave a static-invoice server, and withdraw our offers there.",
       {{"server", Kind::NodeId, true, true, "node id of the server, as listoffers shows it"}},
       "02ab…",
       [](const Arguments& a) -> Built { return Command(AsyncLeave{Values(a).id<NodeId>("server")}); },
       true},
      {"liststaticinvoices",
       "List static invoices, newest first: those that a server has for its clients, or those of a recipient at its "
       "servers.",
       page_params(), "", paged<ListStaticInvoices>()},
      {"listholds", "List HTLCs held for sleeping recipients, with deadlines.", page_params(), "", paged<ListHolds>()},
      {"failhold",
       "Fail a held HTLC back now: its payer gets the money back.",
       {channel, {"htlc_id", Kind::Number, true, true, "as listholds shows it"}},
       "7f3c… 12",
       [](const Arguments& a) -> Built {
         Values v(a);
         return Command(FailHold{v.id<ChannelId>("channel_id"), *v.maybe_number("htlc_id")});
       }},
      {"listmailboxes", "List clients for which messages wait, with their number and size.", page_params(), "",
       paged<ListMailboxes>()},
      {"stop", "Stop the daemon.", {}, "", plain<Stop>()},
  };
}

const char* expectation(Kind kind) {
  switch (kind) {
    case Kind::Text:
      return "a text";
    case Kind::Flag:
      return "true or false";
    case Kind::Number:
      return "a whole number";
    case Kind::Sat:
      return "a whole number of satoshi, at most 21 million bitcoin";
    case Kind::SatOrAll:
      return "a whole number of satoshi, or 'all'";
    case Kind::Msat:
      return "a whole number of millisatoshi, at most 21 million bitcoin";
    case Kind::NodeId:
      return "a node id: 66 hex digits that start with 02 or 03";
    case Kind::Id:
      return "64 hex digits";
    case Kind::PeerAddress:
      return "a node id of 66 hex digits, optionally followed by @host:port";
    case Kind::Profile:
      return "'ldk' or 'draft'";
  }
  return "";
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && from_hex(text).has_value();
}
bool is_node_id(std::string_view text) {
  return is_hex(text, 66) && text[0] == '0' && (text[1] == '2' || text[1] == '3');
}

/// The argument in the type of its kind, or nullopt.
std::optional<Argument> coerce(Kind kind, const Argument& given) {
  if (kind == Kind::Flag) {
    if (const auto* text = std::get_if<std::string>(&given)) {
      if (*text == "true") return true;
      if (*text == "false") return false;
      return std::nullopt;
    }
    return std::holds_alternative<bool>(given) ? std::optional(given) : std::nullopt;
  }
  if (kind == Kind::SatOrAll) {
    const auto* text = std::get_if<std::string>(&given);
    return text != nullptr && *text == "all" ? std::optional(given) : coerce(Kind::Sat, given);
  }
  if (kind == Kind::Number || kind == Kind::Sat || kind == Kind::Msat) {
    std::uint64_t number = 0;
    if (const auto* text = std::get_if<std::string>(&given)) {
      auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
      if (error != std::errc() || end != text->data() + text->size() || text->empty()) return std::nullopt;
    } else if (const auto* plain_number = std::get_if<std::uint64_t>(&given)) {
      number = *plain_number;
    } else {
      return std::nullopt;
    }
    if (kind == Kind::Sat && !Sat(number).is_money()) return std::nullopt;
    if (kind == Kind::Msat && !Msat(number).is_money()) return std::nullopt;
    return number;
  }
  if (const auto* number = std::get_if<std::uint64_t>(&given); number != nullptr && kind == Kind::Text)
    return std::to_string(*number);
  const auto* text = std::get_if<std::string>(&given);
  if (text == nullptr) return std::nullopt;
  bool good = kind == Kind::Text || (kind == Kind::NodeId && is_node_id(*text)) ||
              (kind == Kind::Id && is_hex(*text, 64)) ||
              (kind == Kind::PeerAddress && is_node_id(std::string_view(*text).substr(0, 66)) &&
               (text->size() == 66 || (*text)[66] == '@')) ||
              (kind == Kind::Profile && (*text == "ldk" || *text == "draft"));
  return good ? std::optional(given) : std::nullopt;
}

}  // namespace

const char* name(Kind kind) {
  switch (kind) {
    case Kind::Flag:
      return "boolean";
    case Kind::Number:
    case Kind::Sat:
    case Kind::Msat:
      return "integer";
    default:
      return "string";
  }
}

const std::vector<Method>& methods() {
  static const std::vector<Method> kMethods = make_methods();
  return kMethods;
}

const Method* find_method(const std::string& name) {
  for (const auto& method : methods())
    if (method.name == name) return &method;
  return nullptr;
}

Result<Parsed, CommandError> parse(const Method& method, const Arguments& arguments) {
  Arguments checked;
  for (const auto& param : method.params) {
    auto given = arguments.find(param.name);
    if (given == arguments.end()) {
      if (param.required)
        return fail(bad(method.name + ": missing argument " + param.name + ": expected " + expectation(param.kind)));
      continue;
    }
    auto value = coerce(param.kind, given->second);
    if (!value) return fail(bad(param.name + ": expected " + expectation(param.kind)));
    checked.emplace(param.name, *std::move(value));
  }
  for (const auto& [name, value] : arguments) {
    bool known = false;
    for (const auto& param : method.params) known = known || param.name == name;
    if (!known) return fail(bad(method.name + ": unknown argument '" + escape_untrusted(name) + "'"));
  }
  if (method.answer) {
    LN_TRY(answer, method.answer(checked));
    return Parsed(std::move(answer));
  }
  LN_TRY(command, method.build(checked));
  return Parsed(std::move(command));
}

}  // namespace doze::api
