// Why something that was pasted or built is not valid, for people: the rule, the place, and what to do.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "effects/value.h"

namespace doze::toolbox {

struct Problem {
  std::string kind;                      // what it was taken for; empty: nothing that we know
  std::string rule;                      // what is broken: "offer_amount: forbidden value"
  std::optional<std::uint64_t> field;    // TLV type that is to blame
  std::optional<std::size_t> at;         // byte, from 0
  std::optional<std::size_t> character;  // of the text as it was read, from 1
  std::string hint;                      // what to do about it

  /// "no valid offer: offer_amount: forbidden value, at byte 36 (character 62)"
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Value value() const;
};

/// A problem without a place.
[[nodiscard]] Problem problem(std::string kind, std::string rule, std::string hint = {});
/// "offer_amount: forbidden value"
[[nodiscard]] std::string rule_of(const ParseError& error);

}  // namespace doze::toolbox
