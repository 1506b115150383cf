#include "effects/ended.h"

#include <algorithm>

#include "effects/record_io.h"

namespace doze {

namespace {
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kPrefix = 1 + 8;
}  // namespace

Bytes EndedList::key(UnixTime time, ByteView key) const {
  return Writer().u8(list_).u64(time.value()).bytes(key).take();
}

std::optional<Place> EndedList::place(ByteView row_key, std::uint8_t kind) const {
  if (row_key.size() < kPrefix || row_key[0] != list_) return std::nullopt;
  Reader in(row_key.subspan(1));
  UnixTime time(in.u64());
  return Place{time, kind, to_bytes(in.rest())};
}

ReadRange EndedList::page(const command::Page& page, std::uint8_t kind) const {
  ReadRange out{table_, Bytes{list_}, Bytes{static_cast<std::uint8_t>(list_ + 1)}, true, page.limit + 1, 0};
  auto before = page.before ? read_place(*page.before) : std::nullopt;
  if (!before) return out;
  // Of one second, a page shows the larger kind first.
  if (kind == before->kind)
    out.to = key(before->time, before->key);
  else
    out.to = from(kind < before->kind ? after_s(before->time, 1) : before->time);
  return out;
}

ReadRange EndedList::oldest(std::uint32_t most) const {
  return {table_, Bytes{list_}, Bytes{static_cast<std::uint8_t>(list_ + 1)}, false, most, 0};
}

Put EndedList::count() const {
  RecordWriter out(kVersion);
  out.put(size_);
  return {Table::Count, Bytes{static_cast<std::uint8_t>(table_), list_}, out.take()};
}

Status<ParseError> EndedList::load(const Row& row) {
  if (row.key != count().key) return Done{};
  RecordReader in(row.value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "number of rows"});
  std::uint64_t rows = 0;
  in.get(rows);
  LN_CHECK(in.finish("number of rows"));
  size_ += rows;
  return Done{};
}

PageSource page_source(const EndedList& list, std::uint8_t kind, std::vector<Row> newest_first,
                       const std::set<Bytes>& known, const std::function<std::optional<Value>(const Row&)>& describe) {
  auto shown = std::make_shared<std::vector<std::pair<Place, Value>>>();  // oldest first: taken from the end
  for (auto row = newest_first.rbegin(); row != newest_first.rend(); ++row) {
    auto place = list.place(row->key, kind);
    if (!place || known.contains(place->key)) continue;
    if (auto value = describe(*row)) shown->emplace_back(*std::move(place), *std::move(value));
  }
  return {
      [shown]() -> std::optional<Place> { return shown->empty() ? std::nullopt : std::optional(shown->back().first); },
      [shown] {
        auto out = std::move(shown->back().second);
        shown->pop_back();
        return out;
      }};
}

}  // namespace doze
