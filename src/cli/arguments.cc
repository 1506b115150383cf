#include "cli/arguments.h"

namespace doze::cli {

namespace {

/// A decimal number times ten to the `places`, if that is whole and fits.
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

bool strip(std::string_view& text, std::string_view unit) {
  if (!text.ends_with(unit)) return false;
  text.remove_suffix(unit.size());
  return true;
}

bool is_amount(const rpc::Param& param) {
  return param.kind == rpc::Kind::Msat || param.kind == rpc::Kind::Sat || param.kind == rpc::Kind::SatOrAll;
}

/// What is wrong with the text, or nothing and it stands in `out`.
std::string set(boost::json::object& out, const rpc::Param& param, const std::string& text) {
  bool all = param.kind == rpc::Kind::SatOrAll && text == "all";
  if (all || (param.kind != rpc::Kind::Number && !is_amount(param))) {
    out[param.name] = text;
    return "";
  }
  auto value = param.kind == rpc::Kind::Msat ? parse_msat(text) : is_amount(param) ? parse_sat(text) : scaled(text, 0);
  if (!value) {
    const char* wanted = param.kind == rpc::Kind::Msat  ? "no amount: 250000 (msat), 250sat or 0.0001btc"
                         : param.kind == rpc::Kind::Sat ? "no amount: 250000 (sat) or 0.0025btc"
                         : is_amount(param)             ? "no amount: 250000 (sat), 0.0025btc or all"
                                                        : "no whole number";
    return param.name + ": '" + text + "' is " + wanted;
  }
  out[param.name] = *value;
  return "";
}

}  // namespace

std::string flag_of(const std::string& name) {
  std::string out = "--" + name;
  for (auto& c : out)
    if (c == '_') c = '-';
  return out;
}

std::optional<std::string> unitless_flag_of(const rpc::Param& param) {
  if (!is_amount(param)) return std::nullopt;
  auto flag = flag_of(param.name);
  auto at = flag.rfind('-');
  return at > 2 ? std::optional(flag.substr(0, at)) : std::nullopt;
}

std::optional<std::uint64_t> parse_msat(const std::string& text) {
  std::string_view number = text;
  if (strip(number, "msat")) return scaled(number, 0);
  if (strip(number, "sat")) return scaled(number, 3);
  if (strip(number, "btc")) return scaled(number, 11);
  return scaled(number, 0);
}

std::optional<std::uint64_t> parse_sat(const std::string& text) {
  std::string_view number = text;
  if (number.ends_with("msat")) return std::nullopt;
  if (strip(number, "btc")) return scaled(number, 8);
  strip(number, "sat");
  return scaled(number, 0);
}

Result<boost::json::object, std::string> arguments_of(const rpc::Method& method,
                                                      const std::vector<std::string>& words) {
  boost::json::object out;
  std::size_t position = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with("--")) {
      const rpc::Param* found = nullptr;
      bool negated = false;
      for (const auto& param : method.params) {
        if (flag_of(param.name) == words[i]) {  // an option's own name counts before the negation of another
          found = &param, negated = false;
          break;
        }
        if (unitless_flag_of(param) == words[i]) found = &param, negated = false;
        if (param.kind == rpc::Kind::Flag && "--no-" + flag_of(param.name).substr(2) == words[i])
          found = &param, negated = true;
      }
      if (found == nullptr) return fail("unknown option '" + words[i] + "': see doze help " + method.name);
      if (found->kind == rpc::Kind::Flag) {
        out[found->name] = !negated;
        continue;
      }
      if (i + 1 >= words.size()) return fail(words[i] + " needs a value: see doze help " + method.name);
      if (auto problem = set(out, *found, words[++i]); !problem.empty()) return fail(problem);
      continue;
    }
    const rpc::Param* found = nullptr;
    std::size_t index = 0;
    for (const auto& param : method.params)
      if (param.positional && index++ == position) found = &param;
    if (found == nullptr) return fail("too many arguments ('" + words[i] + "'): see doze help " + method.name);
    ++position;
    if (auto problem = set(out, *found, words[i]); !problem.empty()) return fail(problem);
  }
  return out;
}

}  // namespace doze::cli
