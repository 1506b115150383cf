// A reply as a tree of plain values. The API turns it into JSON, the command line into a table; amounts stay integers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/units.h"

namespace doze {

class Value;
using List = std::vector<Value>;
/// Fields in the order in which they were added, which tables and documents keep.
using Fields = std::vector<std::pair<std::string, Value>>;

class Value {
 public:
  Value() = default;  // null
  Value(bool v) : inner_(v) {}
  Value(std::uint64_t v) : inner_(v) {}
  Value(std::uint32_t v) : inner_(std::uint64_t{v}) {}
  Value(std::uint16_t v) : inner_(std::uint64_t{v}) {}
  Value(int v) : inner_(static_cast<std::int64_t>(v)) {}
  Value(std::int64_t v) : inner_(v) {}
  Value(const char* v) : inner_(std::string(v)) {}
  Value(std::string v) : inner_(std::move(v)) {}
  Value(List v) : inner_(std::move(v)) {}
  Value(Fields v) : inner_(std::move(v)) {}

  /// Add a field; makes null an object.
  Value& set(std::string key, Value value) {
    if (!std::holds_alternative<Fields>(inner_)) inner_ = Fields{};
    std::get<Fields>(inner_).emplace_back(std::move(key), std::move(value));
    return *this;
  }
  /// Append an item; makes null a list.
  Value& push(Value value) {
    if (!std::holds_alternative<List>(inner_)) inner_ = List{};
    std::get<List>(inner_).push_back(std::move(value));
    return *this;
  }
  [[nodiscard]] const Value* find(std::string_view key) const {
    if (const auto* fields = std::get_if<Fields>(&inner_))
      for (const auto& [name, value] : *fields)
        if (name == key) return &value;
    return nullptr;
  }
  using Inner = std::variant<std::monostate, bool, std::uint64_t, std::int64_t, std::string, List, Fields>;
  [[nodiscard]] const Inner& inner() const { return inner_; }

 private:
  Inner inner_;
};

/// The text, or the number, in a field of an object; empty, or 0, if there is none.
[[nodiscard]] std::string text_in(const Value& object, std::string_view name);
[[nodiscard]] std::uint64_t number_in(const Value& object, std::string_view name);

/// How replies show times: UTC, "2026-11-24T05:10:00Z".
[[nodiscard]] std::string time_text(UnixTime time);

}  // namespace doze
