// Rows of one table with their indexes. Rows under way are kept as values. Rows that have ended leave memory (kLeaves:
// then they are on disk only, see questions.h), or stay in memory as the bytes that are on disk. With kLeaves, rows
// that had already ended when they were loaded also stay as bytes, until to_move() has given them to their room.
//
// Rows are changed through edit(). A row that was edited is indexed again before an index is read and at the end of the
// step. So a step walks over the rows that it touched, never over the table.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"

namespace doze {

/// Keys by the time at which they are due.
template <class Key>
using Due = std::set<std::pair<MonoTime, Key>>;

/// Arguments for a function of an index that names each of its sets once: one adds an entry to a set, the other removes
/// it.
inline constexpr auto kInsert = [](auto& set, auto entry) { set.insert(std::move(entry)); };
inline constexpr auto kErase = [](auto& set, const auto& entry) { set.erase(entry); };
template <class Key>
void one_less(std::map<Key, std::size_t>& counts, const Key& key) {
  auto it = counts.find(key);
  LN_ASSERT(it != counts.end());
  if (--it->second == 0) counts.erase(it);
}

/// What an Index has: the types Key, Row and Marks (a row's entries in the indexes); key_of(row), marks_of(row),
/// put(marks), take(marks); over(row): the row has ended; unpack(bytes), unless no row has ended when it is loaded;
/// pack(row), unless ended rows leave.
template <class Index, bool kLeaves = false>
class Rows {
 public:
  using Key = typename Index::Key;
  using Row = typename Index::Row;
  using Marks = typename Index::Marks;

  /// nullptr: the row has ended, or there is none. With kLeaves also a row that has ended in this step or waits to
  /// leave.
  [[nodiscard]] const Row* live(const Key& key) const {
    auto it = live_.find(key);
    return it == live_.end() ? nullptr : &it->second.row;
  }
  [[nodiscard]] bool contains(const Key& key) const { return live_.contains(key) || ended_.contains(key); }
  /// A copy of the row, even if it has ended.
  [[nodiscard]] std::optional<Row> find(const Key& key) const {
    if (const auto* row = live(key)) return *row;
    if constexpr (!kPacked) {
      return std::nullopt;
    } else {
      auto it = ended_.find(key);
      return it == ended_.end() ? std::nullopt : std::optional(Index::unpack(it->second));
    }
  }
  [[nodiscard]] Row at(const Key& key) const {
    auto row = find(key);
    LN_ASSERT(row.has_value());
    return *std::move(row);
  }
  /// The row, to be changed; valid until the step ends. A row that has ended is under way again until then. nullptr:
  /// there is none.
  [[nodiscard]] Row* edit(const Key& key) {
    auto it = live_.find(key);
    if constexpr (!kPacked) {
      if (it == live_.end()) return nullptr;
    } else if (it == live_.end()) {
      auto old = ended_.find(key);
      if (old == ended_.end()) return nullptr;
      auto row = Index::unpack(old->second);
      auto marks = Index::marks_of(row);
      ended_.erase(old);
      if constexpr (kLeaves) woken_.push_back(key);
      it = live_.emplace(key, Slot{std::move(row), std::move(marks)}).first;
    }
    touched_.push_back(key);
    return &it->second.row;
  }
  /// Replaces a row with the same key.
  Row& add(Row row) {
    auto key = Index::key_of(row);
    erase(key);
    touched_.push_back(key);
    return live_.emplace(key, Slot{std::move(row), std::nullopt}).first->second.row;
  }
  void erase(const Key& key) {
    if (auto it = live_.find(key); it != live_.end()) {
      if (it->second.marks) index_.take(*it->second.marks);
      if (it->second.leaves) leaving_.erase({*it->second.leaves, key});
      live_.erase(it);
    }
    if constexpr (kPacked)
      if (auto it = ended_.find(key); it != ended_.end()) {
        index_.take(Index::marks_of(Index::unpack(it->second)));
        ended_.erase(it);
      }
  }
  /// With every change of this step until now.
  [[nodiscard]] const Index& index() {
    for (; indexed_ < touched_.size(); ++indexed_) refresh(touched_[indexed_]);
    return index_;
  }
  /// Without the changes of this step.
  [[nodiscard]] const Index& index() const { return index_; }
  /// At the end of a step.
  void settle()
    requires(!kLeaves)
  {
    each_that_ended([&](const Key& key, const Row& row) {
      ended_.emplace(key, Index::pack(row));
      live_.erase(key);
    });
  }
  /// At the end of a step. A row that has ended leaves when all questions asked until now are answered.
  void settle(const auto& questions)
    requires kLeaves
  {
    each_that_ended([&](const Key& key, const Row&) {
      auto& leaves = live_.at(key).leaves;
      if (leaves) leaving_.erase({*leaves, key});  // it ended before, and was touched again
      leaves = questions.last();
      leaving_.emplace(*leaves, key);
    });
    while (!leaving_.empty() && questions.all_answered(leaving_.begin()->first))
      erase(leaving_.extract(leaving_.begin()).value().second);
  }
  /// Returns rows that had already ended when they were loaded: those that this step edited, and others up to `most`.
  /// They are live now and leave at the end of the step. Before that, the caller writes them to the list in which they
  /// are found from then on. While earlier ones wait for a question no others are added, so that no more than `most`
  /// are unpacked at a time.
  [[nodiscard]] std::vector<Key> to_move(std::size_t most)
    requires kLeaves
  {
    while (leaving_.empty() && woken_.size() < most && !ended_.empty()) (void)edit(Key(ended_.begin()->first));
    return std::exchange(woken_, {});
  }
  /// Rows are left for to_move().
  [[nodiscard]] bool is_moving() const
    requires kLeaves
  {
    return !ended_.empty();
  }
  /// Rows that have ended wait for the answer to a question.
  [[nodiscard]] bool is_leaving() const { return !leaving_.empty(); }
  /// At startup, in the order of the keys. `bytes`: the row as it is on disk.
  void load(Row row, [[maybe_unused]] ByteView bytes = {}) {
    auto marks = Index::marks_of(row);
    index_.put(marks);
    auto key = Index::key_of(row);
    if constexpr (kPacked)
      if (Index::over(row)) {
        ended_.emplace_hint(ended_.end(), key, to_bytes(bytes));
        return;
      }
    live_.emplace_hint(live_.end(), key, Slot{std::move(row), std::move(marks)});
  }
  /// Keys of the rows under way, in order.
  [[nodiscard]] std::vector<Key> live_keys() const {
    std::vector<Key> out;
    for (const auto& [key, slot] : live_) out.push_back(key);
    return out;
  }
  /// The first row under way whose key is `key` or above. nullptr: there is none.
  [[nodiscard]] const Row* live_from(const Key& key) const {
    auto it = live_.lower_bound(key);
    return it == live_.end() ? nullptr : &it->second.row;
  }
  [[nodiscard]] std::size_t size() const { return live_.size() + ended_.size(); }

 private:
  static constexpr bool kPacked = !kLeaves || requires(ByteView bytes) { Index::unpack(bytes); };
  struct Slot {
    Row row;
    std::optional<Marks> marks;
    std::optional<std::uint64_t> leaves = std::nullopt;  // in leaving_ with this question
  };
  void each_that_ended(auto end) {
    for (const auto& key : touched_) {
      refresh(key);
      auto it = live_.find(key);
      if (it != live_.end() && Index::over(it->second.row)) end(key, it->second.row);
    }
    touched_.clear();
    indexed_ = 0;
  }
  void refresh(const Key& key) {
    auto it = live_.find(key);
    if (it == live_.end()) return;
    if (it->second.marks) index_.take(*it->second.marks);
    it->second.marks = Index::marks_of(it->second.row);
    index_.put(*it->second.marks);
  }

  std::map<Key, Slot> live_;
  std::map<Key, Bytes> ended_;
  std::set<std::pair<std::uint64_t, Key>> leaving_;  // by the last question before their end
  std::vector<Key> woken_;                           // had ended when they were loaded, and were edited in this step
  std::vector<Key> touched_;                         // edited or added in this step
  std::size_t indexed_ = 0;                          // how many of `touched_` the index has seen
  Index index_;
};

}  // namespace doze
