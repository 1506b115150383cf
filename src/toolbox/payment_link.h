// A text that asks for money, read whole: a link with alternatives, or the offer or invoice alone. `decode`, `pay` and
// the API use this one reader, so that all of them see the same request. BIP 321.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "toolbox/problem.h"

namespace doze::toolbox {

/// One payment instruction of a link, in the order in which we use them: offers (`lno`) before invoices (`lightning`),
/// each in the order of the link.
struct Instruction {
  std::string key;    // "lno" or "lightning"
  std::string value;  // percent-decoded; untrusted
};

struct PaymentLink {
  std::string scheme;          // "bitcoin", "http" or "https"
  std::string address;         // on chain; empty if there is none
  std::optional<Msat> amount;  // `amount=`
  std::optional<std::string> label, message;
  std::vector<Instruction> instructions;  // on Lightning; may be empty
  std::vector<std::string> ignored;       // keys that we do not know and that are not required; untrusted
};

/// True for `bitcoin:` in any case, and for web links that carry a payment instruction.
[[nodiscard]] bool is_payment_link(std::string_view text);
/// Errors: a required key (`req-…`) that we do not know, `req-pop` (no proof of payment leaves this program), a
/// repeated amount, label, message or pop, an amount that is not a decimal number of bitcoin, an address that is not
/// one, an address under the key of another network. BIP 321, "Query Keys", "Forward compatibility".
[[nodiscard]] Result<PaymentLink, Problem> read_payment_link(std::string_view text);

/// What a payer needs of a text: exactly one offer or invoice, and how much.
struct Payable {
  std::string text;                // an offer (`lno1…`) or an invoice of BOLT 11, without white space
  std::optional<Msat> amount;      // what the link says or the caller wants; nullopt: what `text` asks for
  std::vector<std::string> notes;  // what was passed over and why, one sentence each; escaped
};
/// `amount` and `quantity`: what the caller wants to pay, if he said it. The first alternative that can be read is
/// taken. Where the link and the offer or invoice, or the link and the caller, name different amounts, nothing is
/// payable: the error shows both.
[[nodiscard]] Result<Payable, Problem> read_payable(std::string_view text, std::optional<Msat> amount = std::nullopt,
                                                    std::optional<std::uint64_t> quantity = std::nullopt);

}  // namespace doze::toolbox
