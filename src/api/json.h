// Value trees and API errors as JSON, and JSON bodies as arguments. Amounts are integers in both directions.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "api/methods.h"
#include "effects/io.h"

namespace doze::api {

/// Bodies beyond this are refused before they are parsed.
inline constexpr std::size_t kMaxBodyBytes = 64 * 1024;
/// Nesting that a request may have: arguments are flat, so this is generous.
inline constexpr std::size_t kMaxDepth = 4;

[[nodiscard]] boost::json::value to_json(const Value& value);
[[nodiscard]] boost::json::value to_json(const CommandError& error);
/// As one line for programs, logs and terminals: texts are those that were signed or given, harmful characters are
/// \uXXXX.
[[nodiscard]] std::string json_text(const boost::json::value& value);
/// An empty body or one flat JSON object of booleans, unsigned integers and strings; null members are left out.
[[nodiscard]] Result<Arguments, CommandError> parse_body(std::string_view body);
/// The OpenAPI 3.0 document made from the methods' table and the list of events.
[[nodiscard]] boost::json::value openapi();

}  // namespace doze::api
