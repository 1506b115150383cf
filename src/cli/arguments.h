// The words of a command line as the arguments of a method, by the method's table.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rpc/methods.h"

namespace doze::cli {

/// "--max-fee-msat" of "max_fee_msat".
[[nodiscard]] std::string flag_of(const std::string& name);
/// The same without its unit, which then stands behind the number ("--max-fee 5sat"); nullopt: it has no unit.
[[nodiscard]] std::optional<std::string> unitless_flag_of(const rpc::Param& param);
/// "250000", "250sat", "0.0001btc" in thousandths of a satoshi; a bare number is already that. Exact or nothing.
[[nodiscard]] std::optional<std::uint64_t> parse_msat(const std::string& text);
/// The same in whole satoshi, where a bare number means satoshi.
[[nodiscard]] std::optional<std::uint64_t> parse_sat(const std::string& text);

/// JSON for the API, or what is wrong in words. `--no-NAME` negates a flag.
[[nodiscard]] Result<boost::json::object, std::string> arguments_of(const rpc::Method& method,
                                                                    const std::vector<std::string>& words);

}  // namespace doze::cli
