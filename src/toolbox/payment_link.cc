#include "toolbox/payment_link.h"

#include <algorithm>

#include "bitcoin/address.h"
#include "offers/bolt11.h"
#include "offers/offer.h"
#include "toolbox/bolt11.h"
#include "toolbox/paste.h"
#include "toolbox/transactions.h"

namespace doze::toolbox {

namespace {

constexpr const char* kKind = "payment link";
constexpr std::size_t kMaxDecimals = 11;  // a millisatoshi is 10^-11 bitcoin
constexpr std::uint64_t kMsatPerBitcoin = 100'000'000'000;
constexpr const char* kBoth = "Ask the payee which one is right, and pay the offer or invoice alone with that amount.";

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// BIP 321, "Transfer amount": digits, and at most one period.
std::optional<Msat> decimal_bitcoin(std::string_view text) {
  auto period = text.find('.');
  auto whole = text.substr(0, period);
  auto part = period == std::string_view::npos ? std::string_view() : text.substr(period + 1);
  if ((whole.empty() && part.empty()) || whole.size() > 8 || part.size() > kMaxDecimals) return std::nullopt;
  std::uint64_t bitcoin = 0, msat = 0, unit = kMsatPerBitcoin;
  for (char c : whole) {
    if (c < '0' || c > '9') return std::nullopt;
    bitcoin = bitcoin * 10 + static_cast<std::uint64_t>(c - '0');
  }
  for (char c : part) {
    if (c < '0' || c > '9') return std::nullopt;
    unit /= 10;
    msat += static_cast<std::uint64_t>(c - '0') * unit;
  }
  if (bitcoin > 21'000'000) return std::nullopt;
  Msat out(bitcoin * kMsatPerBitcoin + msat);
  if (!out.is_money() || out.value() == 0) return std::nullopt;
  return out;
}

/// "5000 sat", or "5000.001 sat".
std::string shown(Msat amount) {
  auto sat = std::to_string(amount.value() / 1000), rest = std::to_string(amount.value() % 1000);
  return sat + (rest == "0" ? "" : "." + std::string(3 - rest.size(), '0') + rest) + " sat";
}

bool is_web(std::string_view small) {
  return small.starts_with("http://") || small.starts_with("https://");
}

struct Parameter {
  std::string key;  // in small letters, without "req-"
  std::string value;
  bool required = false;
};
std::vector<Parameter> parameters_of(std::string_view text) {
  std::vector<Parameter> out;
  auto query = text.find('?');
  if (query == std::string_view::npos) return out;
  text = text.substr(query + 1);
  text = text.substr(0, text.find('#'));
  while (!text.empty()) {
    auto end = std::min(text.find('&'), text.size());
    auto each = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (each.empty()) continue;
    auto equals = std::min(each.find('='), each.size());
    Parameter parameter;
    parameter.key = lower(each.substr(0, equals));
    parameter.value = percent_decoded(each.substr(std::min(equals + 1, each.size())));
    parameter.required = parameter.key.starts_with("req-");
    if (parameter.required) parameter.key.erase(0, 4);
    out.push_back(std::move(parameter));
  }
  return out;
}

bool is_address_key(std::string_view key) {
  return key == bitcoin::kHrpMainnet || key == bitcoin::kHrpTestnet || key == bitcoin::kHrpRegtest;
}

/// Keeps a value that may come once.
std::optional<Problem> once(std::optional<std::string>& kept, const Parameter& parameter) {
  if (kept) return problem(kKind, "'" + parameter.key + "' appears twice", "Ask the payee for a corrected link.");
  kept = parameter.value;
  return std::nullopt;
}

struct LinkParts {
  PaymentLink link;
  std::optional<std::string> amount, pop;
  std::vector<std::string> invoices;

  std::optional<Problem> take(const Parameter& parameter) {
    const auto& key = parameter.key;
    if (key == "lno") {
      link.instructions.push_back({key, parameter.value});
    } else if (key == "lightning") {
      invoices.push_back(parameter.value);
    } else if (key == "amount") {
      return once(amount, parameter);
    } else if (key == "label") {
      return once(link.label, parameter);
    } else if (key == "message") {
      return once(link.message, parameter);
    } else if (key == "pop") {
      if (auto twice = once(pop, parameter)) return twice;
      if (parameter.required)
        return problem(kKind, "it demands a proof of payment ('req-pop'), which this program does not send",
                       "Pay it with a wallet on the device that opened the link.");
    } else if (is_address_key(key)) {
      if (!lower(parameter.value).starts_with(key + "1"))
        return problem(kKind, "'" + key + "=' contains an address of another network");
      if (auto address = decode_address(parameter.value); !address) return fault_of_address(address.error());
      if (link.address.empty()) link.address = parameter.value;
    } else if (parameter.required) {
      return problem(kKind, "it requires '" + escape_untrusted(key) + "', which this program does not know",
                     "A link with an unknown requirement must not be paid. Ask the payee for another one.");
    } else {
      link.ignored.push_back(key);
    }
    return std::nullopt;
  }
  static Problem fault_of_address(const Problem& error) {
    return problem(kKind, "its address is not valid: " + error.rule, error.hint);
  }
};

}  // namespace

bool is_payment_link(std::string_view text) {
  auto small = lower(text.substr(0, 8));
  if (small.starts_with("bitcoin:")) return true;
  if (!is_web(small)) return false;
  auto parameters = parameters_of(text);
  return std::any_of(parameters.begin(), parameters.end(), [](const Parameter& each) {
    return (each.key == "lno" || each.key == "lightning") && !each.value.empty();
  });
}

Result<PaymentLink, Problem> read_payment_link(std::string_view text) {
  LinkParts parts;
  auto small = lower(text.substr(0, 8));
  auto& link = parts.link;
  link.scheme = small.substr(0, small.find(':'));
  if (!is_web(small)) {
    auto body = text.substr(std::min(link.scheme.size() + 1, text.size()));
    body = body.substr(0, body.find_first_of("?#"));
    while (body.starts_with('/')) body.remove_prefix(1);
    link.address = percent_decoded(body);
    if (!link.address.empty())
      if (auto address = decode_address(link.address); !address)
        return fail(LinkParts::fault_of_address(address.error()));
  }
  for (const auto& parameter : parameters_of(text))
    if (auto fault = parts.take(parameter)) return fail(*std::move(fault));
  if (parts.amount) {
    link.amount = decimal_bitcoin(*parts.amount);
    if (!link.amount)
      return fail(problem(kKind,
                          "'amount=" + escape_untrusted(*parts.amount, 40) + "' is not a decimal number of bitcoin",
                          "Expected digits with at most one period, above 0 and at most 21000000: amount=0.001"));
  }
  for (auto& invoice : parts.invoices) link.instructions.push_back({"lightning", std::move(invoice)});
  return link;
}

namespace {

/// What one offer or invoice asks for; nullopt inside: any amount.
using Asked = Result<std::optional<Msat>, std::string>;
Asked amount_asked(const std::string& text, std::optional<std::uint64_t> quantity) {
  if (is_bolt11(lower(text))) {
    auto invoice = offers::Bolt11Invoice::parse(text);
    if (!invoice) return fail(rule_of(invoice.error()));
    return invoice->amount();
  }
  auto offer = offers::Offer::parse(text);
  if (!offer) return fail(rule_of(offer.error()));
  if (offer->currency()) return std::optional<Msat>();
  if (offer->amount() && !expected_amount(*offer, quantity)) return fail("the amount is above 21 million bitcoin");
  return expected_amount(*offer, quantity);
}

Problem conflict(const std::string& one, Msat first, const std::string& other, Msat second) {
  return problem(kKind, one + " has " + shown(first) + ", " + other + " has " + shown(second), kBoth);
}

Result<Payable, Problem> payable_of(const PaymentLink& link, std::optional<Msat> amount,
                                    std::optional<std::uint64_t> quantity) {
  if (link.instructions.empty())
    return fail(link.address.empty()
                    ? problem(kKind, "it has no payment instruction")
                    : problem(kKind, "it allows only a payment on chain, to " + escape_untrusted(link.address),
                              "Use sendtoaddress" + (link.amount ? ": the link asks for " + shown(*link.amount) + "."
                                                                 : std::string("."))));
  Payable out;
  if (link.amount && amount && *link.amount != *amount)
    return fail(conflict("the link", *link.amount, "--amount", *amount));
  out.amount = amount ? amount : link.amount;
  std::string faults;
  for (const auto& instruction : link.instructions) {
    auto text = squeezed(instruction.value);
    auto small = lower(text);
    if (small.starts_with("lightning:")) text.erase(0, 10);
    auto asked = amount_asked(text, quantity);
    if (!asked) {
      auto note = "'" + instruction.key + "=' of the link was skipped: " + asked.error();
      faults += (faults.empty() ? "" : "; ") + note;
      out.notes.push_back(std::move(note));
      continue;
    }
    auto what = is_bolt11(lower(text)) ? std::string("the invoice in it") : std::string("the offer in it");
    if (link.amount && *asked && **asked != *link.amount)
      return fail(conflict("the link", *link.amount, what, **asked));
    out.text = std::move(text);
    if (link.instructions.size() > out.notes.size() + 1)
      out.notes.push_back("the link has " + std::to_string(link.instructions.size()) +
                          " payment instructions for Lightning; this is the first usable one");
    return out;
  }
  return fail(problem(kKind, "none of its payment instructions is readable: " + faults,
                      link.address.empty() ? ""
                                           : "Its address on chain, " + escape_untrusted(link.address) +
                                                 ", could be paid with sendtoaddress."));
}

}  // namespace

Result<Payable, Problem> read_payable(std::string_view text, std::optional<Msat> amount,
                                      std::optional<std::uint64_t> quantity) {
  auto [cleaned, notes] = clean(text);
  if (!is_payment_link(cleaned)) return Payable{squeezed(cleaned), amount, std::move(notes)};
  LN_TRY(link, read_payment_link(cleaned));
  LN_TRY(out, payable_of(link, amount, quantity));
  out.notes.insert(out.notes.begin(), notes.begin(), notes.end());
  return out;
}

}  // namespace doze::toolbox
