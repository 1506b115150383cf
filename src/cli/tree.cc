#include "cli/tree.h"

#include <algorithm>

#include "base/bytes.h"

namespace doze::cli {
namespace json = boost::json;
namespace {

std::string with_unit(std::string_view name, const std::string& number) {
  if (name.ends_with("_msat")) {
    auto digits = number.size();
    if (digits > 3 && number.ends_with("000")) return number + " msat (" + number.substr(0, digits - 3) + " sat)";
    return number + " msat";
  }
  if (name.ends_with("_sat") || name.ends_with("_satoshis")) return number + " sat";
  if (name.ends_with("_s")) return number + " s";
  return number;
}

std::string scalar(std::string_view name, const json::value& value) {
  if (value.is_string()) return printable(value.as_string());
  if (value.is_bool()) return value.as_bool() ? "yes" : "no";
  if (value.is_null()) return "-";
  return with_unit(name, json::serialize(value));
}

bool is_deep(const json::value& value) {
  return value.is_object() || value.is_array();
}

void write(std::string& out, const json::value& value, const std::string& indent);

void write_fields(std::string& out, const json::object& object, const std::string& indent) {
  std::size_t widest = 0;
  for (const auto& field : object)
    if (!is_deep(field.value())) widest = std::max(widest, field.key().size());
  for (const auto& field : object) {
    std::string key(field.key());
    if (key.ends_with("_unix") && object.if_contains(key.substr(0, key.size() - 5)) != nullptr) continue;
    if (is_deep(field.value())) {
      bool empty = field.value().is_array() ? field.value().as_array().empty() : field.value().as_object().empty();
      out += indent + key + (empty ? ":  (none)\n" : ":\n");
      write(out, field.value(), indent + "  ");
      continue;
    }
    auto pad = std::string(widest > key.size() ? widest - key.size() : 0, ' ');
    out += indent + key + pad + "  " + scalar(key, field.value()) + "\n";
  }
}

void write(std::string& out, const json::value& value, const std::string& indent) {
  if (const auto* object = value.if_object()) return write_fields(out, *object, indent);
  const auto* list = value.if_array();
  if (list == nullptr) {
    out += indent + scalar("", value) + "\n";
    return;
  }
  for (const auto& item : *list) {
    if (!is_deep(item)) {
      out += indent + scalar("", item) + "\n";
      continue;
    }
    std::string inner;
    write(inner, item, indent + "  ");
    if (inner.size() > indent.size()) inner[indent.size()] = '-';
    out += inner;
  }
}

void write_pretty(std::string& out, const json::value& value, std::size_t depth) {
  std::string indent(depth + 1, ' ');
  auto close = [&](char c) {
    out += "\n" + std::string(depth, ' ');
    out.push_back(c);
  };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& field : *object) {
      out += (first ? "" : ",\n") + indent + printable_json(json::serialize(json::string(field.key()))) + ": ";
      write_pretty(out, field.value(), depth + 1);
      first = false;
    }
    return close('}');
  }
  if (const auto* list = value.if_array(); list != nullptr && !list->empty()) {
    out += "[\n";
    bool first = true;
    for (const auto& item : *list) {
      out += (first ? "" : ",\n") + indent;
      write_pretty(out, item, depth + 1);
      first = false;
    }
    return close(']');
  }
  out += printable_json(json::serialize(value));
}

}  // namespace

std::string to_tree(const json::value& value) {
  std::string out;
  write(out, value, "");
  return out;
}

std::string pretty(const json::value& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out + "\n";
}

Value value_of(const json::value& value) {
  if (value.is_null()) return {};
  if (const auto* flag = value.if_bool()) return *flag;
  if (const auto* number = value.if_uint64()) return *number;
  if (const auto* number = value.if_int64()) {
    if (*number >= 0) return static_cast<std::uint64_t>(*number);
    return *number;
  }
  if (const auto* text = value.if_string()) return std::string(*text);
  if (const auto* list = value.if_array()) {
    List out;
    for (const auto& item : *list) out.push_back(value_of(item));
    return out;
  }
  if (const auto* object = value.if_object()) {
    Fields out;
    for (const auto& field : *object) out.emplace_back(std::string(field.key()), value_of(field.value()));
    return out;
  }
  return json::serialize(value);
}

}  // namespace doze::cli
