// An ordered map for a million random keys: as many maps as it takes for a few entries each, chosen by how a key
// begins. A lookup costs two or three cache misses instead of twenty, and entries come in the order of their keys, as
// they must where nothing may depend on chance.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace doze {

/// `Prefix`: the first bits of a key as a number. It must grow with the keys, and its upper bits should be spread
/// evenly: keys that others choose make it slow, as slow as one std::map. Addresses of entries stay.
template <class Key, class T, class Prefix>
class PrefixMap {
  using Bucket = std::map<Key, T>;

  template <class Owner, class Inner>
  class Walk {
   public:
    Walk(Owner* owner, std::size_t bucket, Inner at) : owner_(owner), bucket_(bucket), at_(at) { skip(); }
    auto& operator*() const { return *at_; }
    auto* operator->() const { return &*at_; }
    Walk& operator++() {
      ++at_;
      skip();
      return *this;
    }
    friend bool operator==(const Walk& a, const Walk& b) { return a.bucket_ == b.bucket_ && a.at_ == b.at_; }

   private:
    void skip() {
      while (at_ == owner_->buckets_[bucket_].end() && bucket_ + 1 < owner_->buckets_.size())
        at_ = owner_->buckets_[++bucket_].begin();
    }
    Owner* owner_;
    std::size_t bucket_;
    Inner at_;
  };

 public:
  using value_type = typename Bucket::value_type;
  using iterator = Walk<PrefixMap, typename Bucket::iterator>;
  using const_iterator = Walk<const PrefixMap, typename Bucket::const_iterator>;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] iterator begin() { return {this, 0, buckets_.front().begin()}; }
  [[nodiscard]] iterator end() { return {this, buckets_.size() - 1, buckets_.back().end()}; }
  [[nodiscard]] const_iterator begin() const { return {this, 0, buckets_.front().begin()}; }
  [[nodiscard]] const_iterator end() const { return {this, buckets_.size() - 1, buckets_.back().end()}; }

  [[nodiscard]] iterator find(const Key& key) {
    auto bucket = bucket_of(key);
    auto at = buckets_[bucket].find(key);
    return at == buckets_[bucket].end() ? end() : iterator(this, bucket, at);
  }
  [[nodiscard]] const_iterator find(const Key& key) const {
    auto bucket = bucket_of(key);
    auto at = buckets_[bucket].find(key);
    return at == buckets_[bucket].end() ? end() : const_iterator(this, bucket, at);
  }
  /// False if the key exists already: then nothing changes.
  template <class... Args>
  bool emplace(const Key& key, Args&&... args) {
    make_room();
    bool added = buckets_[bucket_of(key)].try_emplace(key, std::forward<Args>(args)...).second;
    size_ += added ? 1 : 0;
    return added;
  }
  void insert_or_assign(const Key& key, T value) {
    make_room();
    size_ += buckets_[bucket_of(key)].insert_or_assign(key, std::move(value)).second ? 1 : 0;
  }
  /// The number of entries erased: 0 or 1.
  std::size_t erase(const Key& key) {
    auto erased = buckets_[bucket_of(key)].erase(key);
    size_ -= erased;
    return erased;
  }

 private:
  static constexpr std::size_t kEntriesPerBucket = 4;

  [[nodiscard]] std::size_t bucket_of(const Key& key) const {
    return bits_ == 0 ? 0 : static_cast<std::size_t>(Prefix()(key) >> (64 - bits_));
  }
  /// Twice as many maps when they are full: each is split in two, in place.
  void make_room() {
    if (size_ < kEntriesPerBucket * buckets_.size()) return;
    ++bits_;
    std::vector<Bucket> old(2 * buckets_.size());
    old.swap(buckets_);
    for (auto& bucket : old)
      while (!bucket.empty()) {
        auto node = bucket.extract(bucket.begin());
        auto& to = buckets_[bucket_of(node.key())];
        to.insert(to.end(), std::move(node));
      }
  }

  std::vector<Bucket> buckets_ = std::vector<Bucket>(1);
  std::size_t size_ = 0;
  unsigned bits_ = 0;
};

/// The first 8 bytes of random bytes.
struct FirstBytes {
  template <class Bytes>
  std::uint64_t operator()(const Bytes& bytes) const {
    static_assert(sizeof(Bytes) >= 8);
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | bytes[i];
    return out;
  }
};

}  // namespace doze
