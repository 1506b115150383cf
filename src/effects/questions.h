// Questions to the store that a room waits for, each with what the room does with the rows.
//
// The rows of an answer are read later than the step that asks. A row that ends in between may or may not be among
// them. So an ended row leaves memory only when every question asked before its end is answered (all_answered): a
// reader that combines the answer with the rows in memory misses none.
//
// The number of open questions is bounded by the connections of the API (rpc's kMaxConnections) and by the payments
// that get an invoice. The driver answers each right after the commit of its step. doc/LIMITS.md.
#pragma once

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "effects/tags.h"
#include "effects/words.h"

namespace doze {

using Read = std::variant<ReadRows, ReadRange>;

template <class What>
class Questions {
 public:
  explicit Questions(TagOwner owner) : owner_(owner) {}

  struct Answer {
    What what;
    std::vector<std::vector<Row>> rows;  // one list per read
  };
  /// The reads of one question, at least one, are answered together.
  void ask(Effects& out, std::vector<Read> reads, What what) {
    LN_ASSERT(!reads.empty());
    for (auto& read : reads) {
      auto tag = make_tag(owner_, ++last_);
      std::visit([&](auto& one) { one.tag = tag, out.emplace_back(std::move(one)); }, read);
    }
    open_.emplace(last_, Open{std::move(what), reads.size(), {}});
  }
  /// nullopt: other reads of the question are not answered yet, or nobody waits for these rows.
  [[nodiscard]] std::optional<Answer> answered(const RowsRead& in) {
    auto it = open_.lower_bound(in.tag & kNumber);  // a question has the number of its last read
    if (it == open_.end() || it->first - (in.tag & kNumber) >= it->second.reads) return std::nullopt;
    auto& open = it->second;
    open.rows.push_back(in.rows);
    if (open.rows.size() < open.reads) return std::nullopt;
    Answer out{std::move(open.what), std::move(open.rows)};
    open_.erase(it);
    return out;
  }
  /// The number of the last question.
  [[nodiscard]] std::uint64_t last() const { return last_; }
  /// Every question up to this number is answered.
  [[nodiscard]] bool all_answered(std::uint64_t number) const { return open_.empty() || open_.begin()->first > number; }
  void for_each(auto change) {
    for (auto& [number, open] : open_) change(open.what);
  }

 private:
  static constexpr std::uint64_t kNumber = make_tag(TagOwner{}, UINT64_MAX);
  struct Open {
    What what;
    std::size_t reads = 0;
    std::vector<std::vector<Row>> rows;
  };
  TagOwner owner_;
  std::map<std::uint64_t, Open> open_;  // by the number of its last read
  std::uint64_t last_ = 0;
};

}  // namespace doze
