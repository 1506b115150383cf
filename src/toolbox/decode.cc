#include "toolbox/decode.h"

#include <algorithm>

#include "base/bech32.h"
#include "bitcoin/psbt.h"
#include "crypto/crypto.h"
#include "offers/invitation.h"
#include "offers/invoice_request.h"
#include "offers/text.h"
#include "onion/sphinx.h"
#include "toolbox/bolt11.h"
#include "toolbox/failures.h"
#include "toolbox/guess.h"
#include "toolbox/messages.h"
#include "toolbox/onions.h"
#include "toolbox/paste.h"
#include "toolbox/payment_link.h"
#include "toolbox/show.h"
#include "toolbox/streams.h"
#include "toolbox/transactions.h"

namespace doze::toolbox {

namespace {

using Read = Result<Value, Problem>;

std::optional<Stream> stream_of(std::string_view kind) {
  for (auto stream : {Stream::Offer, Stream::InvoiceRequest, Stream::Invoice, Stream::StaticInvoice,
                      Stream::InvoiceError, Stream::Invitation})
    if (kind == name(stream)) return stream;
  return std::nullopt;
}

std::string shown_char(std::string_view text, std::size_t at) {
  return "'" + escape_untrusted(text.substr(at, 1)) + "'";
}

/// The first character that a BOLT 12 text must not contain, and why.
Problem locate_text(std::string_view prefix, std::string_view text, Stream stream, const ParseError& error) {
  auto out = problem(name(stream), rule_of(error));
  if (error.code != ParseCode::BadEncoding) return out;
  auto small = lower(text);
  if (auto cut = text.find("..."); cut != std::string_view::npos || text.find("…") != std::string_view::npos) {
    out.character = std::min(cut, text.find("…")) + 1;
    out.rule = "the text was cut short";
    out.hint = "It was shortened for display: copy the whole text.";
    return out;
  }
  if (std::string_view(error.what) == "padding") {
    auto groups = error.where - prefix.size() - 1;  // without joins
    bool superfluous = groups * 5 % 8 > 4;
    out.rule = superfluous ? "the last character is superfluous: it adds less than a byte"
                           : "the last character has bits that must be zero";
    out.character = text.size();
    out.hint = superfluous ? "One character is superfluous, or some are missing: copy the whole text."
                           : "A character at the end is missing or mistyped: copy the whole text.";
    return out;
  }
  if (!small.starts_with(std::string(prefix) + "1")) return out;
  for (std::size_t i = prefix.size() + 1; i < text.size(); ++i) {
    char c = small[i];
    if (c == '+' || c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (bech32_groups(std::string_view(&c, 1))) continue;
    out.character = i + 1;
    out.rule = "the character " + shown_char(text, i) + " is not in the alphabet";
    out.hint = c == 'o'               ? "The alphabet has no letter o: it is probably the digit 0."
               : c == 'i' || c == '1' ? "The alphabet has neither i nor 1 after the prefix: it is probably an l."
               : c == 'b'             ? "The alphabet has no letter b: it is probably an 8 or a 6."
                                      : "Copy it again from its source.";
    return out;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    if ((upper(text[0]) && letter(text[i])) || (letter(text[0]) && upper(text[i]))) {
      out.character = i + 1;
      out.rule = "upper and lower case are mixed";
      out.hint = "All letters must have the same case; a phone may have capitalised the first one.";
      return out;
    }
  }
  return out;
}

/// The first drafts had the node id in type 30 and a signature in type 240.
bool is_early_offer(ByteView bytes) {
  auto records = wire::parse_tlv_stream(bytes);
  return records && (wire::find(*records, 30) != nullptr || wire::find(*records, 240) != nullptr);
}

Read decode_text_of(Stream stream, std::string_view prefix, std::string_view text) {
  auto bytes = offers::decode_text(prefix, text);
  if (!bytes) return fail(locate_text(prefix, text, stream, bytes.error()));
  auto read = decode_stream(stream, *bytes);
  if (read) return read;
  auto out = read.error();
  if (stream == Stream::Offer && is_early_offer(*bytes))
    out.hint =
        "It has the form of the first drafts of BOLT 12 (before 2023), which current software cannot pay: ask for a "
        "new one.";
  // Five bits a character behind the prefix and its 1; joins would shift it.
  if (out.at && text.find('+') == std::string_view::npos) out.character = prefix.size() + 1 + *out.at * 8 / 5 + 1;
  if (out.hint.empty() && (out.rule.starts_with("TLV") || out.rule.starts_with("signature")))
    out.hint =
        "BOLT 12 texts have no checksum, so a mistyped or missing character causes such an error. Copy it again.";
  return fail(std::move(out));
}

Read decode_raw_invitation(ByteView bytes) {
  auto invitation = offers::Invitation::parse(to_hex(bytes));
  if (!invitation) {
    auto out = problem("raw invitation", rule_of(invitation.error()));
    auto inside = decode_blinded_paths(bytes.size() > 2 ? bytes.subspan(2) : ByteView());
    if (!inside && inside.error().at) out.at = *inside.error().at + 2;
    return fail(std::move(out));
  }
  Value out;
  out.set("type", "invitation").set("profile", name(invitation->profile)).set("raw", true);
  if (invitation->server) out.set("server_node_id", invitation->server->hex());
  return out.set("server_paths", show(invitation->paths));
}

Read decode_public_key(ByteView bytes) {
  if (!crypto::parse_point(bytes))
    return fail(problem("node id", bytes.size() == 33 ? "the curve has no point with this x" : "expected 33 bytes"));
  Value out;
  return out.set("type", "node_id").set("node_id", to_hex(bytes)).set("note", "a public key: a node id, or any other");
}

Read no_object(std::string rule, std::string hint) {
  return fail(problem("", std::move(rule), std::move(hint)));
}

constexpr const char* kExpected =
    "Expected: an offer (lno1…), an invoice_request (lnr1…), an invoice (lni1…, lnbc…), an invitation (lnai1…), an "
    "address, a PSBT, or hex of any of these, of a static invoice, a blinded path, a message, an onion or a "
    "transaction.";

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      inside = false;
      continue;
    }
    if (c < 'a' || c > 'z') return 0;
    words += inside ? 0 : 1;
    inside = true;
  }
  return words;
}

/// user@domain, and not a node id with an address behind it.
bool is_name(std::string_view text) {
  auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && text.find('@', at + 1) == std::string_view::npos &&
         text.find(' ') == std::string_view::npos && text.find('.', at) != std::string_view::npos && at != 66;
}
Problem about_name(std::string_view text) {
  auto name = offers::HumanName::parse(text);
  if (!name)
    return problem(
        "", "this is an e-mail or Lightning address, but not a valid BIP 353 name",
        "BIP 353 names contain only letters, digits, '-', '_' and '.'. Ask the payee for the offer itself: lno1…");
  return problem("", "this is a BIP 353 name or a Lightning address",
                 "Its offer is in the DNS, in the TXT record of " + name->name + ".user._bitcoin-payment." +
                     name->domain + ". Paste that record.");
}

/// Explains texts that people paste and that are not an object, instead of "unknown".
std::optional<Problem> known_stranger(std::string_view text, std::string_view small) {
  auto words = count_words(small);
  if (words >= 12 && words <= 24 && words % 3 == 0)
    return problem("", "these look like seed words",
                   "Never paste them anywhere: anyone who has them can spend the money. Clear your shell's history.");
  for (std::string_view prefix : {"xprv", "tprv", "nsec1", "zprv", "vprv"})
    if (small.starts_with(prefix))
      return problem("", "this is a private key", "Never paste it anywhere: anyone who has it can spend the money.");
  if (small.starts_with("lnurl1"))
    return problem("", "this is an LNURL, which is a web address and not part of the BOLTs",
                   "Ask the recipient for an offer: lno1…");
  if (small.starts_with("mailto:"))
    return problem("", "this is an e-mail link", "If it is a BIP 353 name, paste only user@domain.");
  if (is_name(text)) return about_name(text);
  if (small.starts_with("{") || small.starts_with("["))
    return problem("", "this is JSON without an offer or an invoice", "Paste one of its values.");
  if (small.starts_with("-----begin"))
    return problem("", "this is a PEM file: a certificate or key, not a Lightning object", "");
  return std::nullopt;
}

Read decode_hex(std::string text, std::vector<std::string>& notes) {
  auto before = text;
  text = squeezed(text);
  if (lower(text).starts_with("0x")) text.erase(0, 2);
  std::erase_if(text, [](char c) { return c == ':' || c == ','; });
  if (text != before) notes.push_back("white space, separators or 0x were removed from the hex");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (from_hex(std::string{'0', text[i]})) continue;
    auto out = problem("hex", "the character " + shown_char(text, i) + " is not a hex digit");
    out.character = i + 1;
    out.at = i / 2;
    return fail(std::move(out));
  }
  auto bytes = from_hex(text);
  if (!bytes) {
    auto out = problem("hex", "an odd number of digits (" + std::to_string(text.size()) + ")",
                       "One digit is missing or superfluous: copy it again.");
    out.character = text.size();
    return fail(std::move(out));
  }
  return decode_guessed(*bytes);
}

/// Mostly hex digits: it was meant as hex.
bool looks_like_hex(std::string_view text) {
  if (is_name(text)) return false;  // a domain may be made of a to f
  auto squeezed_text = squeezed(text);
  auto digits = std::count_if(squeezed_text.begin(), squeezed_text.end(), [](char c) {
    return from_hex(std::string{'0', c}) || c == ':' || c == ',';
  });
  return squeezed_text.size() >= 4 && static_cast<std::size_t>(digits) * 10 >= squeezed_text.size() * 9;
}

bool looks_like_address(std::string_view text, std::string_view small) {
  for (std::string_view prefix : {"bc1", "tb1", "bcrt1"})
    if (small.starts_with(prefix)) return true;
  return text.size() >= 26 && text.size() <= 35 && std::string_view("13mn2").find(text[0]) != std::string_view::npos &&
         text.find_first_of(" .:/0OIl") == std::string_view::npos;
}

Read decode_clean(std::string text, std::vector<std::string>& notes) {
  if (text.empty()) return no_object("the text is empty", kExpected);
  auto small = lower(text);
  const std::pair<std::string_view, Stream> texts[] = {{offers::kOfferPrefix, Stream::Offer},
                                                       {offers::kInvoiceRequestPrefix, Stream::InvoiceRequest},
                                                       {offers::kInvoicePrefix, Stream::Invoice},
                                                       {offers::kInvitationPrefix, Stream::Invitation}};
  for (const auto& [prefix, stream] : texts) {
    if (!squeezed(small).starts_with(std::string(prefix) + "1") && !offers::has_prefix(prefix, text)) continue;
    if (squeezed(text) == text || text.find('+') != std::string::npos) return decode_text_of(stream, prefix, text);
    // A line break inside of it, or words behind it?
    auto whole = decode_text_of(stream, prefix, squeezed(text));
    auto word = word_inside(text);
    auto first = whole ? whole : decode_text_of(stream, prefix, word);
    notes.push_back(!whole && first ? "the words after it were ignored" : "white space and line breaks were removed");
    return first ? first : whole;
  }
  if (is_bolt11(small)) {
    auto tight = squeezed(text);
    if (tight != text) notes.push_back("white space and line breaks were removed");
    return decode_bolt11(tight);
  }
  if (looks_like_address(text, small)) return decode_address(text);
  if (auto bytes = from_base64(squeezed(text)); bytes && bitcoin::is_psbt(*bytes)) return decode_psbt(*bytes);
  if (text.size() > 66 && text[66] == '@' && from_hex(text.substr(0, 66))) {
    notes.push_back("the address " + std::string(text.substr(67)) + " follows the node id");
    return decode_public_key(*from_hex(text.substr(0, 66)));
  }
  if (auto stranger = known_stranger(text, small);
      stranger && !word_inside(text).empty() && small[0] != '{' && small[0] != '[')
    return fail(*std::move(stranger));
  if (looks_like_hex(text)) return decode_hex(text, notes);
  if (auto word = word_inside(text); !word.empty() && word != text) {
    notes.push_back("found inside other text");
    return decode_clean(word, notes);
  }
  if (auto stranger = known_stranger(text, small)) return fail(*std::move(stranger));
  if (small.starts_with("ln")) return no_object("unknown prefix: " + escape_untrusted(text.substr(0, 8)), kExpected);
  return no_object("unknown kind of object", kExpected);
}

Value show_link(const PaymentLink& link) {
  Value out = Fields{};
  if (!link.address.empty()) out.set("address", std::string(link.address));
  if (link.amount) out.set("amount_msat", link.amount->value());
  if (link.label) out.set("label", std::string(*link.label));
  if (link.message) out.set("message", std::string(*link.message));
  List ignored;
  for (const auto& key : link.ignored) ignored.push_back(std::string(key));
  if (!ignored.empty()) out.set("ignored", std::move(ignored));
  return out;
}

/// What a payer would take from a link, and the link's own fields.
Read decode_link(std::string_view text, std::vector<std::string>& notes) {
  LN_TRY(link, read_payment_link(text));
  const auto& instructions = link.instructions;
  if (instructions.empty()) {
    if (link.address.empty()) return no_object("this payment link has no payment instruction", kExpected);
    notes.push_back("the address of a link without an offer or invoice");
    LN_TRY(address, decode_address(link.address));
    return address.set("link", show_link(link));
  }
  auto payable = read_payable(text);
  if (!payable) {
    // With one instruction only, where exactly it is broken, or what else it is, says more.
    if (instructions.size() > 1) return fail(payable.error());
    LN_TRY(only, decode_clean(instructions.front().value, notes));
    auto type = text_in(only, "type");
    if (type == "offer" || type == "bolt11_invoice") return fail(payable.error());
    return only.set("link", show_link(link));
  }
  for (const auto& instruction : instructions)
    if (squeezed(instruction.value).ends_with(payable->text)) {
      notes.push_back("taken from the parameter '" + instruction.key + "=' of a link");
      break;
    }
  notes.insert(notes.end(), payable->notes.begin(), payable->notes.end());
  LN_TRY(out, decode_clean(payable->text, notes));
  return out.set("link", show_link(link));
}

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> kKinds = {
      "offer",          "invoice_request", "invoice", "static_invoice", "invoice_error",   "invitation",
      "raw_invitation", "blinded_path",    "message", "onion_packet",   "payment_payload", "encrypted_data",
      "node_id",        "transaction",     "psbt",    "bolt11_invoice", "address",         "failure_message"};
  return kKinds;
}

Read decode_bytes(ByteView bytes, std::string_view as) {
  if (auto stream = stream_of(as)) return decode_stream(*stream, bytes);
  if (as == "raw_invitation") return decode_raw_invitation(bytes);
  if (as == "blinded_path") return decode_blinded_paths(bytes);
  if (as == "message") return decode_message(bytes);
  if (as == "onion_packet") return decode_packet(bytes);
  if (as == "payment_payload") return decode_payment_payload(bytes, true, true);
  if (as == "encrypted_data") return decode_recipient_data(bytes);
  if (as == "node_id") return decode_public_key(bytes);
  if (as == "transaction") return decode_transaction(bytes);
  if (as == "psbt") return decode_psbt(bytes);
  if (as == "failure_message") return decode_failure_message(bytes);
  return fail(problem("", "unknown kind '" + std::string(as) + "' for bytes"));
}

Read decode(std::string_view pasted, std::string_view as) {
  if (pasted.size() > kMaxPastedBytes)
    return no_object("longer than any Lightning object (" + std::to_string(pasted.size()) + " bytes)", "");
  auto [text, notes] = clean(pasted);
  auto read = [&]() -> Read {
    if (as.empty()) return is_payment_link(text) ? decode_link(text, notes) : decode_clean(text, notes);
    if (std::find(kinds().begin(), kinds().end(), as) == kinds().end()) {
      std::string all;
      for (const auto& kind : kinds()) all += (all.empty() ? "" : ", ") + kind;
      return no_object("unknown kind '" + escape_untrusted(as) + "'", "Kinds: " + all);
    }
    if (as == "bolt11_invoice") return decode_bolt11(text);
    if (as == "address") return decode_address(text);
    if (auto bytes = from_hex(squeezed(text))) return decode_bytes(*bytes, as);
    auto guessed = is_payment_link(text) ? decode_link(text, notes) : decode_clean(text, notes);
    if (!guessed) return guessed;
    auto found = text_in(*guessed, "type");
    if (found == as) return guessed;
    return fail(problem(std::string(as), "it is " + (found.empty() ? "another kind of object" : "a valid " + found)));
  }();
  if (!read) {
    auto out = read.error();
    for (const auto& note : notes) out.hint += (out.hint.empty() ? "Note: " : "\nNote: ") + note + ".";
    return fail(std::move(out));
  }
  if (!notes.empty()) {
    List list;
    for (const auto& note : notes) list.push_back(note);
    read->set("notes", std::move(list));
  }
  return read;
}

}  // namespace doze::toolbox
