// Lists in pages, newest first. A page ends with the place of its last row, and the next one begins behind it: rows
// that come or go meanwhile move nothing, and a page costs its own rows only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "effects/io.h"

namespace doze {

/// Where a row stands in its list. `kind` and `key` tell rows of one second apart.
struct Place {
  UnixTime time;
  std::uint8_t kind = 0;
  Bytes key;
  friend auto operator<=>(const Place&, const Place&) = default;
};
[[nodiscard]] std::string text_of(const Place& place);
[[nodiscard]] std::optional<Place> read_place(const std::string& text);
/// Whether this asks for a page. If not, page_of says what is wrong.
[[nodiscard]] bool is_page(const command::Page& page);

/// An index by time.
template <class Key>
using ByTime = std::set<std::pair<UnixTime, Key>>;

/// One index, read backwards. Without `next`: the place that was asked for is none of it.
struct PageSource {
  std::function<std::optional<Place>()> next;  // of the row that take() gives
  std::function<Value()> take;
};
/// `write` and `read` turn a key into bytes and back (nullopt: these are none).
template <class Key, class Write, class Read>
PageSource page_source(const ByTime<Key>& rows, std::uint8_t kind, const std::optional<Place>& before, Write write,
                       Read read, std::function<Value(const Key&)> describe) {
  auto at = rows.end();
  if (before) {
    std::pair<UnixTime, Key> place{before->time, {}};
    if (kind == before->kind) {
      auto key = read(before->key);
      if (!key) return {};
      place.second = *std::move(key);
    } else if (kind < before->kind) {
      place.first = after_s(before->time, 1);
    }
    at = rows.lower_bound(place);
  }
  auto place = std::make_shared<typename ByTime<Key>::const_iterator>(at);
  return {[place, kind, &rows, write]() -> std::optional<Place> {
            if (*place == rows.begin()) return std::nullopt;
            const auto& [time, key] = *std::prev(*place);
            return Place{time, kind, write(key)};
          },
          [place, describe = std::move(describe)] { return describe((--*place)->second); }};
}

/// The sources of a list for what is asked: `before` is already read.
using PageSources = std::function<std::vector<PageSource>(const std::optional<Place>& before)>;
/// {name: rows, "next_before": where older rows follow}, and between them what `more` adds.
[[nodiscard]] std::variant<Value, CommandError> page_of(const char* name, const command::Page& page,
                                                        const PageSources& sources,
                                                        const std::function<void(Value&)>& more = nullptr);

}  // namespace doze
