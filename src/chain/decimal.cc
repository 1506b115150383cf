#include "chain/decimal.h"

namespace doze::chain {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number_char(char c) {
  return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

// The end of the JSON string that begins at `at`, behind its closing quote.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size(); ++at) {
    if (json[at] == '\\') {
      ++at;
    } else if (json[at] == '"') {
      return at + 1;
    }
  }
  return json.size();
}

}  // namespace

std::optional<Sat> parse_bitcoin(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  auto point = text.find('.');
  auto whole = text.substr(0, point);
  auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  // Eight digits are more than 21 million has, and cannot overflow.
  if (whole.empty() || whole.size() > kDigits || fraction.size() > kDigits) return std::nullopt;
  if (point != std::string_view::npos && fraction.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : whole) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  for (std::size_t i = 0; i < kDigits; ++i) {
    char c = i < fraction.size() ? fraction[i] : '0';
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  Sat amount(value);
  if (!amount.is_money()) return std::nullopt;
  return amount;
}

std::string quote_decimals(std::string_view json) {
  std::string out;
  out.reserve(json.size() + 64);
  for (std::size_t at = 0; at < json.size();) {
    auto begin = at;
    if (json[at] == '"') {
      at = string_end(json, at);
      out.append(json.substr(begin, at - begin));
    } else if (is_digit(json[at]) || json[at] == '-') {
      while (at < json.size() && is_number_char(json[at])) ++at;
      auto number = json.substr(begin, at - begin);
      bool integer = number.find_first_of(".eE+") == std::string_view::npos;
      if (!integer) out += '"';
      out.append(number);
      if (!integer) out += '"';
    } else {
      out += json[at++];
    }
  }
  return out;
}

}  // namespace doze::chain
