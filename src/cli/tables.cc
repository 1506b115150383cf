#include "cli/tables.h"

#include <algorithm>
#include <vector>

namespace doze::cli {
namespace json = boost::json;
namespace {

std::string cell(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_null()) return "-";
  if (value.is_bool()) return value.as_bool() ? "yes" : "no";
  return json::serialize(value);
}

/// Long hex ids are cut in tables: --json has them whole.
std::string short_cell(const json::value& value) {
  auto text = cell(value);
  bool hex = text.size() >= 40 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex) return text.substr(0, 12) + "…";
  if (text.size() > 48) return text.substr(0, 45) + "…";
  return text;
}

std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string table(const json::array& rows, const std::string& indent) {
  if (rows.empty()) return indent + "(none)\n";
  std::vector<std::string> columns;
  for (const auto& row : rows) {
    if (!row.is_object()) {
      std::string out;
      for (const auto& item : rows) out += indent + cell(item) + "\n";
      return out;
    }
    for (const auto& field : row.as_object())
      if (std::find(columns.begin(), columns.end(), field.key()) == columns.end()) columns.emplace_back(field.key());
  }
  std::vector<std::size_t> widths;
  for (const auto& column : columns) {
    auto widest = column.size();
    for (const auto& row : rows)
      if (const auto* value = row.as_object().if_contains(column)) widest = std::max(widest, width(short_cell(*value)));
    widths.push_back(widest);
  }
  std::string out = indent;
  for (std::size_t i = 0; i < columns.size(); ++i)
    out += columns[i] + std::string(widths[i] - columns[i].size() + (i + 1 < columns.size() ? 2 : 0), ' ');
  out += "\n";
  for (const auto& row : rows) {
    out += indent;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto* value = row.as_object().if_contains(columns[i]);
      auto text = value == nullptr ? std::string("-") : short_cell(*value);
      out += text + std::string(widths[i] - width(text) + (i + 1 < columns.size() ? 2 : 0), ' ');
    }
    out += "\n";
  }
  return out;
}

}  // namespace

std::string to_text(const json::value& answer) {
  if (!answer.is_object()) return cell(answer) + "\n";
  const auto& object = answer.as_object();
  std::size_t widest = 0;
  for (const auto& field : object)
    if (!field.value().is_array()) widest = std::max(widest, field.key().size());
  std::string out;
  for (const auto& field : object) {
    if (field.value().is_array()) {
      if (object.size() > 1) out += std::string(field.key()) + ":\n";
      out += table(field.value().as_array(), object.size() > 1 ? "  " : "");
    } else {
      out += std::string(field.key()) + std::string(widest - field.key().size() + 2, ' ') + cell(field.value()) + "\n";
    }
  }
  return out;
}

}  // namespace doze::cli
