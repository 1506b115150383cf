// Rows of one table with their indexes. What is under way is kept as values. What is over leaves memory (kLeaves: it is
// on disk alone, see questions.h) or is kept as its bytes on disk. Of those that leave, the ones that were over already
// when they were loaded are kept as bytes, too, until to_move() has given them to their room.
//
// Whoever changes a row takes it with edit(). What was taken is indexed anew before an index is read and at the end of
// the step: a step walks over the rows that it touched, never over the table.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"

namespace doze {

/// What is due when.
template <class Key>
using Due = std::set<std::pair<MonoTime, Key>>;

/// What an index does with each set that a row stands in, when it is put and when it is taken: the same sets, named
/// once.
inline constexpr auto kInsert = [](auto& set, auto entry) { set.insert(std::move(entry)); };
inline constexpr auto kErase = [](auto& set, const auto& entry) { set.erase(entry); };
template <class Key>
void one_less(std::map<Key, std::size_t>& counts, const Key& key) {
  auto it = counts.find(key);
  LN_ASSERT(it != counts.end());
  if (--it->second == 0) counts.erase(it);
}

/// Index: Key, Row, Marks (where a row stands in the indexes); marks_of(row), put(marks), take(marks), over(row) (it
/// has ended); unpack(bytes), unless no row is over when it is loaded; unless it leaves, pack(row).
template <class Index, bool kLeaves = false>
class Rows {
 public:
  using Key = typename Index::Key;
  using Row = typename Index::Row;
  using Marks = typename Index::Marks;

  /// nullptr: it has ended, or there is none. Of those that leave also one that has ended and is still here.
  [[nodiscard]] const Row* live(const Key& key) const {
    auto it = live_.find(key);
    return it == live_.end() ? nullptr : &it->second.row;
  }
  [[nodiscard]] bool contains(const Key& key) const { return live_.contains(key) || ended_.contains(key); }
  /// A copy, of one that has ended, too.
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
  /// For changing it: good until the step ends. One that has ended lives again until then. nullptr: there is none.
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
  /// In the place of another one with the same key.
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
  /// With everything that was taken until now.
  [[nodiscard]] const Index& index() {
    for (; indexed_ < touched_.size(); ++indexed_) refresh(touched_[indexed_]);
    return index_;
  }
  /// As the last step left it.
  [[nodiscard]] const Index& index() const { return index_; }
  /// The end of a step.
  void settle()
    requires(!kLeaves)
  {
    each_that_ended([&](const Key& key, const Row& row) {
      ended_.emplace(key, Index::pack(row));
      live_.erase(key);
    });
  }
  /// The end of a step. What has ended leaves when all questions are answered that were asked until now.
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
  /// Of what was over when it was loaded: those that this step took, and as many more as make `most`. They are live
  /// now, and leave at the end of the step: before, the caller puts them where they are found from then on. Nothing
  /// more is taken while others wait for a question, so that no more of them than `most` are unpacked.
  [[nodiscard]] std::vector<Key> to_move(std::size_t most)
    requires kLeaves
  {
    while (leaving_.empty() && woken_.size() < most && !ended_.empty()) (void)edit(Key(ended_.begin()->first));
    return std::exchange(woken_, {});
  }
  /// Something is left for to_move().
  [[nodiscard]] bool is_moving() const
    requires kLeaves
  {
    return !ended_.empty();
  }
  /// Some that ended wait for a question.
  [[nodiscard]] bool is_leaving() const { return !leaving_.empty(); }
  /// At the start, in the order of the keys: `bytes` is what is on disk.
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
  /// Those under way, in the order of their keys.
  [[nodiscard]] std::vector<Key> live_keys() const {
    std::vector<Key> out;
    for (const auto& [key, slot] : live_) out.push_back(key);
    return out;
  }
  /// The first one under way whose key is not below.
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
  std::vector<Key> woken_;                           // in this step, of what was over when it was loaded
  std::vector<Key> touched_;                         // in this step
  std::size_t indexed_ = 0;                          // of those: the index knows them as they were then
  Index index_;
};

}  // namespace doze
