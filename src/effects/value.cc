#include "effects/value.h"

#include "base/utc.h"

namespace doze {

std::string text_in(const Value& object, std::string_view name) {
  const auto* value = object.find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(&value->inner());
  return text == nullptr ? "" : *text;
}

std::uint64_t number_in(const Value& object, std::string_view name) {
  const auto* value = object.find(name);
  const auto* number = value == nullptr ? nullptr : std::get_if<std::uint64_t>(&value->inner());
  return number == nullptr ? 0 : *number;
}

std::string time_text(UnixTime time) {
  return utc_text(time);
}

}  // namespace doze
