// The words of a command line as the arguments of a method, by the method's table.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/methods.h"
#include "base/result.h"

namespace doze::cli {

/// "--max-fee-msat" of "max_fee_msat".
[[nodiscard]] std::string flag_of(const std::string& name);
/// The same without its unit, which then follows the number ("--max-fee 5sat"); nullopt: it has no unit. After an
/// option with a unit the number may be bare ("--max-fee-msat 5000").
[[nodiscard]] std::optional<std::string> unitless_flag_of(const api::Param& param);
/// "250000msat", "250sat", "0.0001btc" in thousandths of a satoshi; capitals, "sats" and one space before the unit are
/// the same. A number without a unit is not an amount. nullopt if it is not exact.
[[nodiscard]] std::optional<std::uint64_t> parse_msat(const std::string& text);
/// The same in whole satoshi, from sat and btc.
[[nodiscard]] std::optional<std::uint64_t> parse_sat(const std::string& text);
/// A whole number, digits only.
[[nodiscard]] std::optional<std::uint64_t> parse_number(const std::string& text);
/// ": did you mean pay?" with the known word nearest to a mistyped one; empty: none is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

/// JSON for the API, or the error in words. `--no-NAME` negates a flag.
[[nodiscard]] Result<boost::json::object, std::string> arguments_of(const api::Method& method,
                                                                    const std::vector<std::string>& words);

}  // namespace doze::cli
