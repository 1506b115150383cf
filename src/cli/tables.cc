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
  std::string out;
  if (const auto* list = value.if_array()) {
    for (const auto& item : *list) out += (out.empty() ? "" : ", ") + cell(item);
    return list->empty() ? "-" : out;
  }
  if (const auto* object = value.if_object()) {
    for (const auto& field : *object)
      out += (out.empty() ? "" : ", ") + std::string(field.key()) + " " + cell(field.value());
    return out;
  }
  return json::serialize(value);
}

std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string lines(const json::object& object, const std::string& indent) {
  std::size_t widest = 0;
  for (const auto& field : object) widest = std::max(widest, field.key().size());
  std::string out;
  for (const auto& field : object)
    out += indent + padded(std::string(field.key()), widest + 2) + cell(field.value()) + "\n";
  return out;
}

std::string table(const json::array& rows, const std::string& indent, std::size_t columns_there) {
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
  std::size_t all = indent.size();
  for (const auto& column : columns) {
    auto widest = column.size();
    for (const auto& row : rows)
      if (const auto* value = row.as_object().if_contains(column)) widest = std::max(widest, width(cell(*value)));
    widths.push_back(widest);
    all += widest + 2;
  }
  std::string out;
  if (all > columns_there + 2) {
    for (const auto& row : rows) out += (out.empty() ? "" : "\n") + lines(row.as_object(), indent);
    return out;
  }
  auto line = [&](auto&& text_of) {
    std::string text = indent;
    for (std::size_t i = 0; i < columns.size(); ++i) text += padded(text_of(columns[i]), widths[i] + 2);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  line([](const std::string& column) { return column; });
  for (const auto& row : rows)
    line([&](const std::string& column) {
      const auto* value = row.as_object().if_contains(column);
      return value == nullptr ? std::string("-") : cell(*value);
    });
  return out;
}

}  // namespace

std::string padded(const std::string& text, std::size_t to) {
  auto wide = width(text);
  return text + std::string(to > wide ? to - wide : 0, ' ');
}

std::string to_text(const json::value& answer, std::size_t columns) {
  if (!answer.is_object()) return cell(answer) + "\n";
  json::object plain;
  std::string tables;
  const auto& object = answer.as_object();
  for (const auto& field : object) {
    const auto* list = field.value().if_array();
    if (list == nullptr) {
      plain.insert(field);
      continue;
    }
    if (object.size() > 1) tables += std::string(field.key()) + ":\n";
    tables += table(*list, object.size() > 1 ? "  " : "", columns);
  }
  return lines(plain, "") + tables;
}

}  // namespace doze::cli
