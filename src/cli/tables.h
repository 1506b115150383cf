// Answers for people: lists become tables (blocks of lines where a row is wider than the terminal), objects become
// "name  value" lines.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace doze::cli {

/// With spaces behind it, up to that many columns.
[[nodiscard]] std::string padded(const std::string& text, std::size_t to);

/// Of a terminal that does not say how wide it is.
inline constexpr std::size_t kDefaultColumns = 120;

/// Text for a terminal, with a newline at the end. Foreign text in the answer was escaped by the daemon. Nothing is
/// cut: what is shown can be copied into the next command.
[[nodiscard]] std::string to_text(const boost::json::value& answer, std::size_t columns = kDefaultColumns);

}  // namespace doze::cli
