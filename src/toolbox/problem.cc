#include "toolbox/problem.h"

namespace doze::toolbox {

std::string Problem::text() const {
  std::string out = kind.empty() ? "" : "not a valid " + kind + ": ";
  out += rule;
  if (field) out += ", TLV type " + std::to_string(*field);
  if (at) out += ", at byte " + std::to_string(*at);
  if (character) out += (at ? " (character " : ", at character ") + std::to_string(*character) + (at ? ")" : "");
  if (!hint.empty()) out += ". " + hint;
  return out;
}

Value Problem::value() const {
  Value out;
  if (!kind.empty()) out.set("type", kind);
  out.set("rule", rule);
  if (field) out.set("tlv_type", *field);
  if (at) out.set("byte", std::uint64_t{*at});
  if (character) out.set("character", std::uint64_t{*character});
  if (!hint.empty()) out.set("hint", hint);
  return out;
}

Problem problem(std::string kind, std::string rule, std::string hint) {
  Problem out;
  out.kind = std::move(kind);
  out.rule = std::move(rule);
  out.hint = std::move(hint);
  return out;
}

std::string rule_of(const ParseError& error) {
  std::string what = error.what;
  return what.empty() ? name(error.code) : what + ": " + name(error.code);
}

}  // namespace doze::toolbox
