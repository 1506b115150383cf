// Rows that have ended: they are on disk only, in lists by time. A row of Table::Count has the length of each list.
#pragma once

#include <set>

#include "effects/io.h"
#include "effects/pages.h"

namespace doze {

class EndedList {
 public:
  /// Above `most` rows the oldest are to be erased.
  EndedList(Table table, std::uint8_t list, std::size_t most) : table_(table), list_(list), most_(most) {}

  [[nodiscard]] Table table() const { return table_; }
  /// list ‖ time ‖ key: the rows are in the order in which pages show them.
  [[nodiscard]] Bytes key(UnixTime time, ByteView key) const;
  /// The place of a row of this list in pages of this kind. nullopt: the key is not one of this list.
  [[nodiscard]] std::optional<Place> place(ByteView row_key, std::uint8_t kind) const;
  /// Reads the rows that this page may need: those before its `before`.
  [[nodiscard]] ReadRange page(const command::Page& page, std::uint8_t kind) const;
  [[nodiscard]] ReadRange oldest(std::uint32_t most) const;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t most() const { return most_; }
  [[nodiscard]] bool too_many() const { return size_ > most_; }
  /// These return the row of Table::Count with the new number.
  [[nodiscard]] Put add(std::uint64_t rows = 1) { return size_ += rows, count(); }
  [[nodiscard]] Put remove(std::uint64_t rows) { return size_ -= std::min(size_, rows), count(); }
  [[nodiscard]] Put count() const;
  /// At startup: takes the number, if this row of Table::Count is the list's own. Error: it is, and cannot be read.
  [[nodiscard]] Status<ParseError> load(const Row& row);

 private:
  [[nodiscard]] Bytes from(UnixTime time) const { return key(time, {}); }

  Table table_;
  std::uint8_t list_;
  std::size_t most_;
  std::uint64_t size_ = 0;
};

/// Rows of a list as a source of a page. Rows for which `describe` returns nullopt cannot be read and are left out.
/// Rows whose keys (behind the time) are in `known` are left out as well: another source has them.
[[nodiscard]] PageSource page_source(const EndedList& list, std::uint8_t kind, std::vector<Row> newest_first,
                                     const std::set<Bytes>& known,
                                     const std::function<std::optional<Value>(const Row&)>& describe);

}  // namespace doze
