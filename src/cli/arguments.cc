#include "cli/arguments.h"

#include <algorithm>
#include <cctype>

namespace doze::cli {

namespace {

/// A decimal number times ten to the power of `places`, if the result is whole and fits.
std::optional<std::uint64_t> scaled(std::string_view text, unsigned places) {
  std::uint64_t value = 0;
  bool point = false, digit = false;
  auto push = [&](unsigned next) {
    return !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
           !__builtin_add_overflow(value, std::uint64_t{next}, &value);
  };
  for (char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || (point && places == 0) || !push(static_cast<unsigned>(c - '0'))) return std::nullopt;
    digit = true;
    if (point) --places;
  }
  if (!digit || text.back() == '.') return std::nullopt;
  for (; places > 0; --places)
    if (!push(0)) return std::nullopt;
  return value;
}

bool is_amount(const api::Param& param) {
  return param.kind == api::Kind::Msat || param.kind == api::Kind::Sat || param.kind == api::Kind::SatOrAll;
}

/// A number, and the unit after it in lower case and singular: "msat", "sat", "btc", or empty.
struct Measured {
  std::string_view number;
  std::string unit;
};
Measured measured(std::string_view text) {
  auto letters = text.size();
  while (letters > 0 && std::isalpha(static_cast<unsigned char>(text[letters - 1])) != 0) --letters;
  Measured out{text.substr(0, letters), std::string(text.substr(letters))};
  for (auto& c : out.unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (out.unit == "sats" || out.unit == "msats") out.unit.pop_back();
  if (!out.unit.empty() && out.number.ends_with(' ')) out.number.remove_suffix(1);  // "250 sat"
  return out;
}

bool is_decimal(std::string_view text) {
  return scaled(text, 18).has_value() || (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos);
}

/// What is wrong with an amount, and what to write instead.
std::string not_an_amount(const api::Param& param, const std::string& shown, const std::string& text) {
  bool sat = param.kind != api::Kind::Msat;
  auto said = shown + ": '" + text + "' ";
  if (is_decimal(text)) {
    auto whole = text.find('.') == std::string::npos;
    return said + "has no unit. Write " +
           (!whole ? text + "btc, or whole satoshi as in 250sat"
            : sat  ? text + "sat, or bitcoin as in 0.0025btc"
                   : text + "sat or " + text + "msat, or bitcoin as in 0.0025btc");
  }
  auto parts = measured(text);
  if (sat && parse_msat(text)) return said + "is not a whole number of satoshi. Write 250sat or 0.0025btc";
  if ((parts.unit == "sat" || parts.unit == "msat" || parts.unit == "btc") && is_decimal(parts.number))
    return said + "is finer than a millisatoshi, or too large";
  return said + "is not an amount. Write 250sat, 0.0025btc" + (sat ? "" : " or 250000msat") +
         (param.kind == api::Kind::SatOrAll ? ", or all" : "");
}

/// Parses the text into `out`. Returns what is wrong, or an empty string. `shown`: the parameter as the user wrote it.
std::string set(boost::json::object& out, const api::Param& param, const std::string& shown, const std::string& text) {
  bool all = param.kind == api::Kind::SatOrAll && text == "all";
  if (all || (param.kind != api::Kind::Number && !is_amount(param))) {
    out[param.name] = text;
    return "";
  }
  std::optional<std::uint64_t> value;
  if (param.kind == api::Kind::Number) {
    value = parse_number(text);
    if (!value) return shown + ": expected a whole number, not '" + text + "'";
  } else {
    // The option's name contains the unit: "--amount-msat 250000".
    if (shown == flag_of(param.name) && unitless_flag_of(param)) value = scaled(text, 0);
    if (!value) value = param.kind == api::Kind::Msat ? parse_msat(text) : parse_sat(text);
    if (!value) return not_an_amount(param, shown, text);
  }
  out[param.name] = *value;
  return "";
}

/// The number of letters to change, insert, remove or swap to turn one word into the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      auto change = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  return table[a.size()][b.size()];
}

}  // namespace

std::string flag_of(const std::string& name) {
  std::string out = "--" + name;
  for (auto& c : out)
    if (c == '_') c = '-';
  return out;
}

std::optional<std::string> unitless_flag_of(const api::Param& param) {
  if (!is_amount(param)) return std::nullopt;
  auto flag = flag_of(param.name);
  auto at = flag.rfind('-');
  return at > 2 ? std::optional(flag.substr(0, at)) : std::nullopt;
}

std::optional<std::uint64_t> parse_msat(const std::string& text) {
  auto [number, unit] = measured(text);
  if (unit == "msat") return scaled(number, 0);
  if (unit == "sat") return scaled(number, 3);
  if (unit == "btc") return scaled(number, 11);
  return std::nullopt;
}

std::optional<std::uint64_t> parse_sat(const std::string& text) {
  auto [number, unit] = measured(text);
  if (unit == "btc") return scaled(number, 8);
  if (unit == "sat") return scaled(number, 0);
  return std::nullopt;
}

std::optional<std::uint64_t> parse_number(const std::string& text) {
  return text.find('.') == std::string::npos ? scaled(text, 0) : std::nullopt;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestWord = 64;  // no command is longer, and the comparison has quadratic cost
  if (word.size() > kLongestWord) return "";
  std::string best;
  auto least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& each : known)
    if (auto far = distance(word, each); far < least) {
      least = far;
      best = each;
    }
  return best.empty() ? "" : ": did you mean " + best + "?";
}

Result<boost::json::object, std::string> arguments_of(const api::Method& method,
                                                      const std::vector<std::string>& words) {
  boost::json::object out;
  std::size_t position = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with("--")) {
      const api::Param* found = nullptr;
      bool negated = false;
      for (const auto& param : method.params) {
        if (flag_of(param.name) == words[i]) {  // an option's own name counts before the negation of another
          found = &param, negated = false;
          break;
        }
        if (unitless_flag_of(param) == words[i]) found = &param, negated = false;
        if (param.kind == api::Kind::Flag && "--no-" + flag_of(param.name).substr(2) == words[i])
          found = &param, negated = true;
      }
      if (found == nullptr) {
        std::vector<std::string> known;
        for (const auto& param : method.params)
          if (!param.positional) known.push_back(unitless_flag_of(param).value_or(flag_of(param.name)));
        auto meant = did_you_mean(words[i], known);
        return fail("unknown option '" + words[i] + "'" + (meant.empty() ? ": see doze help " + method.name : meant));
      }
      if (found->kind == api::Kind::Flag) {
        out[found->name] = !negated;
        continue;
      }
      if (i + 1 >= words.size()) return fail(words[i] + " needs a value: see doze help " + method.name);
      auto shown = words[i];
      if (auto problem = set(out, *found, shown, words[++i]); !problem.empty()) return fail(problem);
      continue;
    }
    const api::Param* found = nullptr;
    std::size_t index = 0;
    for (const auto& param : method.params)
      if (param.positional && index++ == position) found = &param;
    if (found == nullptr) return fail("too many arguments ('" + words[i] + "'): see doze help " + method.name);
    ++position;
    auto shown = unitless_flag_of(*found).value_or(flag_of(found->name)).substr(2);
    if (auto problem = set(out, *found, shown, words[i]); !problem.empty()) return fail(problem);
  }
  return out;
}

}  // namespace doze::cli
