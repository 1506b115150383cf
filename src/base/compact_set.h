// A sorted multiset of small values for hundreds of thousands of them: in arrays, some 1.4 times the size of the values
// themselves, where a node of std::set takes 40 bytes more for each. Values that others choose make nothing slow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace doze {

template <class T>
class CompactSet {
 public:
  void insert(const T& value) {
    ++size_;
    if (chunks_.empty()) return chunks_.push_back({value});
    auto& chunk = chunks_[chunk_of(value)];
    chunk.insert(std::upper_bound(chunk.begin(), chunk.end(), value), value);
    if (chunk.size() > kMostInChunk) split(static_cast<std::size_t>(&chunk - chunks_.data()));
  }
  /// One of them; false if there is none.
  bool erase_one(const T& value) {
    if (chunks_.empty()) return false;
    auto number = chunk_of(value);
    auto& chunk = chunks_[number];
    auto at = std::lower_bound(chunk.begin(), chunk.end(), value);
    if (at == chunk.end() || value < *at) return false;
    chunk.erase(at);
    if (chunk.empty()) chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(number));
    --size_;
    return true;
  }
  [[nodiscard]] bool contains(const T& value) const {
    if (chunks_.empty()) return false;
    const auto& chunk = chunks_[chunk_of(value)];
    return std::binary_search(chunk.begin(), chunk.end(), value);
  }
  /// All from `first` to `last`, these two included, in order.
  [[nodiscard]] std::vector<T> between(const T& first, const T& last) const {
    std::vector<T> out;
    auto begins_above = [](const T& value, const std::vector<T>& chunk) { return !(chunk.front() < value); };
    auto chunk = std::upper_bound(chunks_.begin(), chunks_.end(), first, begins_above);
    if (chunk != chunks_.begin()) --chunk;  // its end may have the first ones
    for (; chunk != chunks_.end() && !(last < chunk->front()); ++chunk)
      out.insert(out.end(), std::lower_bound(chunk->begin(), chunk->end(), first),
                 std::upper_bound(chunk->begin(), chunk->end(), last));
    return out;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  /// What an insertion moves: 4 KiB of 8-byte values.
  static constexpr std::size_t kMostInChunk = 512;

  /// The last chunk that begins at or below the value, or the first one.
  [[nodiscard]] std::size_t chunk_of(const T& value) const {
    auto above = std::upper_bound(chunks_.begin(), chunks_.end(), value,
                                  [](const T& one, const std::vector<T>& chunk) { return one < chunk.front(); });
    return above == chunks_.begin() ? 0 : static_cast<std::size_t>(above - chunks_.begin()) - 1;
  }
  void split(std::size_t number) {
    auto middle = chunks_[number].begin() + kMostInChunk / 2;
    std::vector<T> lower(chunks_[number].begin(), middle), upper(middle, chunks_[number].end());
    chunks_[number] = std::move(lower);
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(number) + 1, std::move(upper));
  }

  std::vector<std::vector<T>> chunks_;  // none is empty
  std::size_t size_ = 0;
};

}  // namespace doze
