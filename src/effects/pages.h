// Lists in pages, newest first. A reply contains the place of the page's last row, and the next page begins behind it.
// So rows that are added or erased meanwhile shift nothing, and only the page's own rows are looked at.
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

/// A row's place in its list. `kind` and `key` order the rows of one second.
struct Place {
  UnixTime time;
  std::uint8_t kind = 0;
  Bytes key;
  friend auto operator<=>(const Place&, const Place&) = default;
};
[[nodiscard]] std::string text_of(const Place& place);
[[nodiscard]] std::optional<Place> read_place(const std::string& text);
/// Whether this is a valid page. If not, page_of returns the error.
[[nodiscard]] bool is_page(const command::Page& page);

/// An index by time.
template <class Key>
using ByTime = std::set<std::pair<UnixTime, Key>>;

/// One index, read backwards. `next` is empty if the requested place cannot be one of this index.
struct PageSource {
  std::function<std::optional<Place>()> next;  // place of the row that take() returns
  std::function<Value()> take;
};
/// `write` and `read` turn a key into bytes and back. `read` returns nullopt for bytes that are not a key.
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

/// Makes the sources of a list for a page. `before` is the page's own, already read.
using PageSources = std::function<std::vector<PageSource>(const std::optional<Place>& before)>;
/// {name: rows, "next_before": only if older rows follow}. `more` adds fields in between.
[[nodiscard]] std::variant<Value, CommandError> page_of(const char* name, const command::Page& page,
                                                        const PageSources& sources,
                                                        const std::function<void(Value&)>& more = nullptr);

}  // namespace doze
