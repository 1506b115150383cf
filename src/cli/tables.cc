#include "cli/tables.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"

namespace doze::cli {
namespace json = boost::json;
namespace {

std::string cell(const json::value& value) {
  if (value.is_string()) return printable(value.as_string());
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

/// What a person looks for first, in this order; other columns follow while there is room.
constexpr std::array kTelling{"time",
                              "created_at",
                              "direction",
                              "state",
                              "phase",
                              "status",
                              "amount_msat",
                              "amount_sat",
                              "fee_msat",
                              "capacity_sat",
                              "local_balance_msat",
                              "remote_balance_msat",
                              "unclaimed_sat",
                              "payment_id",
                              "payment_hash",
                              "channel_id",
                              "peer",
                              "node_id",
                              "pending_close_sat",
                              "at_risk_sat",
                              "htlc_id",
                              "offer_id",
                              "label",
                              "description",
                              "fail_back_height",
                              "messages"};

bool is_id(std::string_view text) {
  return text.size() >= 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
/// For a line among others: the beginning of what is long.
std::string shortened(const std::string& text) {
  constexpr std::size_t kLongest = 24;
  if (is_id(text)) return text.substr(0, kShortId) + "…";
  if (width(text) <= kLongest) return text;
  auto end = kLongest - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

struct Column {
  std::string name;
  std::vector<std::string> cells;
  std::size_t widest = 0;
};

std::vector<Column> columns_of(const json::array& rows, bool short_cells) {
  std::vector<Column> out;
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (const auto& field : rows[row].as_object()) {
      auto at = std::find_if(out.begin(), out.end(), [&](const Column& c) { return c.name == field.key(); });
      if (at == out.end()) at = out.insert(out.end(), Column{std::string(field.key()), {}, field.key().size()});
      at->cells.resize(rows.size(), "-");
      auto text = cell(field.value());
      at->cells[row] = short_cells ? shortened(text) : text;
      at->widest = std::max(at->widest, width(at->cells[row]));
    }
  return out;
}

std::size_t width_of(const std::vector<Column>& columns, const std::string& indent) {
  auto all = indent.size();
  for (const auto& column : columns) all += column.widest + 2;
  return all;
}

/// The telling ones first, then as the answer has them, while they fit; one at least.
std::vector<Column> that_fit(std::vector<Column> columns, const std::string& indent, std::size_t columns_there) {
  auto rank = [](const Column& column) {
    return std::find(kTelling.begin(), kTelling.end(), column.name) - kTelling.begin();
  };
  std::stable_sort(columns.begin(), columns.end(), [&](const Column& a, const Column& b) { return rank(a) < rank(b); });
  std::vector<Column> out;
  auto used = indent.size();
  for (auto& column : columns) {
    if (!out.empty() && used + column.widest > columns_there) continue;
    used += column.widest + 2;
    out.push_back(std::move(column));
  }
  return out;
}

std::string table(const json::array& rows, const std::string& indent, std::size_t columns_there, Shape shape) {
  if (rows.empty()) return indent + "(none)\n";
  std::string out;
  for (const auto& row : rows)
    if (!row.is_object()) {
      for (const auto& item : rows) out += indent + cell(item) + "\n";
      return out;
    }
  auto columns = columns_of(rows, false);
  if (width_of(columns, indent) > columns_there + 2) {
    if (shape == Shape::Long) {
      for (const auto& row : rows) out += (out.empty() ? "" : "\n") + lines(row.as_object(), indent);
      return out;
    }
    columns = that_fit(columns_of(rows, true), indent, columns_there);
  }
  auto line = [&](auto&& text_of) {
    std::string text = indent;
    for (const auto& column : columns) text += padded(text_of(column), column.widest + 2);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  line([](const Column& column) { return column.name; });
  for (std::size_t row = 0; row < rows.size(); ++row) line([&](const Column& column) { return column.cells[row]; });
  return out;
}

}  // namespace

std::string padded(const std::string& text, std::size_t to) {
  auto wide = width(text);
  return text + std::string(to > wide ? to - wide : 0, ' ');
}

std::string to_text(const json::value& answer, std::size_t columns, Shape shape) {
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
    tables += table(*list, object.size() > 1 ? "  " : "", columns, shape);
  }
  return lines(plain, "") + tables;
}

}  // namespace doze::cli
