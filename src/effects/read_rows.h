// How the simulator and the tests answer ReadRows and ReadRange, from rows in memory.
#pragma once

#include <map>
#include <utility>

#include "effects/io.h"

namespace doze {

using RowMap = std::map<std::pair<Table, Bytes>, Bytes>;

[[nodiscard]] inline RowsRead read_rows(const RowMap& rows, const ReadRows& wanted) {
  RowsRead out{wanted.tag, {}};
  for (const auto& key : wanted.keys)
    if (auto row = rows.find({wanted.table, key}); row != rows.end())
      out.rows.push_back({wanted.table, key, row->second});
  return out;
}
[[nodiscard]] inline RowsRead read_rows(const RowMap& rows, const ReadRange& wanted) {
  RowsRead out{wanted.tag, {}};
  auto begin = rows.lower_bound({wanted.table, wanted.from}), end = rows.lower_bound({wanted.table, wanted.to});
  if (wanted.to <= wanted.from) return out;
  auto take = [&](const auto& row) { out.rows.push_back({row.first.first, row.first.second, row.second}); };
  if (wanted.newest)
    while (end != begin && out.rows.size() < wanted.most) take(*--end);
  else
    for (; begin != end && out.rows.size() < wanted.most; ++begin) take(*begin);
  return out;
}
/// All of one table.
[[nodiscard]] inline std::vector<Row> rows_of_table(const RowMap& rows, Table table) {
  std::vector<Row> out;
  for (auto it = rows.lower_bound({table, {}}); it != rows.end() && it->first.first == table; ++it)
    out.push_back({table, it->first.second, it->second});
  return out;
}

}  // namespace doze
