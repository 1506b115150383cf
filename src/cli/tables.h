// Answers for people: lists become tables, one line an entry, with the columns that matter and short ids; objects
// become "name  value" lines. Long: every field, nothing cut, blocks of lines where a row is wider than the terminal.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>

namespace doze::cli {

/// With spaces behind it, up to that many columns.
[[nodiscard]] std::string padded(const std::string& text, std::size_t to);

/// Of a terminal that does not say how wide it is.
inline constexpr std::size_t kDefaultColumns = 120;

enum class Shape : std::uint8_t { Short, Long };

/// Text for a terminal, with a newline at the end. Foreign text in the answer was escaped by the daemon. In the short
/// shape a list whose rows are wider than the terminal shows ids by their first kShortId digits, long texts by their
/// beginning, and only as many columns as fit, the most telling first.
[[nodiscard]] std::string to_text(const boost::json::value& answer, std::size_t columns = kDefaultColumns,
                                  Shape shape = Shape::Long);
/// Digits shown of 64: in practice no two ids of one node begin with the same ones.
inline constexpr std::size_t kShortId = 8;

}  // namespace doze::cli
