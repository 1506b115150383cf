// Decimal numbers in JSON, exactly.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace doze::chain {

/// Whole satoshi of a bitcoin amount as bitcoind writes it: "0.00012345", "21000000", at most 8 digits behind the
/// point, no sign, no exponent. nullopt otherwise or beyond 21 million.
[[nodiscard]] std::optional<Sat> parse_bitcoin(std::string_view text);

/// JSON text in which every number that is no plain integer has become a string, so that a parser cannot round it.
/// Strings are left alone. Malformed text stays malformed.
[[nodiscard]] std::string quote_decimals(std::string_view json);

}  // namespace doze::chain
