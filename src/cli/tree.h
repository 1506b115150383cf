// Deep answers for people: fields by line, what is inside of a field indented below it, amounts and times with units.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "effects/value.h"

namespace doze::cli {

/// NAME_unix is left out where NAME is its time as text. Nothing is cut.
[[nodiscard]] std::string to_tree(const boost::json::value& value);
/// JSON with one space of indentation for each level and a line feed at the end: what files hold.
[[nodiscard]] std::string pretty(const boost::json::value& value);
/// The inverse of api::to_json; numbers that are not integers become text.
[[nodiscard]] Value value_of(const boost::json::value& value);

}  // namespace doze::cli
