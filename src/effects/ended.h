// Rows that are over: on disk alone, in lists by time, the number of each list in a row of Table::Count.
#pragma once

#include <set>

#include "effects/io.h"
#include "effects/pages.h"

namespace doze {

class EndedList {
 public:
  /// Beyond `most` rows the oldest are to go.
  EndedList(Table table, std::uint8_t list, std::size_t most) : table_(table), list_(list), most_(most) {}

  [[nodiscard]] Table table() const { return table_; }
  /// list ‖ time ‖ key: in the order in which a page shows them.
  [[nodiscard]] Bytes key(UnixTime time, ByteView key) const;
  /// Where a row of this list stands in pages of this kind. nullopt: this is none of its keys.
  [[nodiscard]] std::optional<Place> place(ByteView row_key, std::uint8_t kind) const;
  /// The rows of a page that ends before this place, as many as it can need.
  [[nodiscard]] ReadRange page(const command::Page& page, std::uint8_t kind) const;
  [[nodiscard]] ReadRange oldest(std::uint32_t most) const;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t most() const { return most_; }
  [[nodiscard]] bool too_many() const { return size_ > most_; }
  /// The row that says how many there are now.
  [[nodiscard]] Put add(std::uint64_t rows = 1) { return size_ += rows, count(); }
  [[nodiscard]] Put remove(std::uint64_t rows) { return size_ -= std::min(size_, rows), count(); }
  [[nodiscard]] Put count() const;
  /// At the start: takes the number if this row of Table::Count is its own. Error: it is, and cannot be read.
  [[nodiscard]] Status<ParseError> load(const Row& row);

 private:
  [[nodiscard]] Bytes from(UnixTime time) const { return key(time, {}); }

  Table table_;
  std::uint8_t list_;
  std::size_t most_;
  std::uint64_t size_ = 0;
};

/// Rows of a list as a source of a page. `describe` gives nullopt for what cannot be read: it is left out. Those whose
/// keys (behind the time) are `known` stand in another source already.
[[nodiscard]] PageSource page_source(const EndedList& list, std::uint8_t kind, std::vector<Row> newest_first,
                                     const std::set<Bytes>& known,
                                     const std::function<std::optional<Value>(const Row&)>& describe);

}  // namespace doze
