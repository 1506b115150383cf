// Text that must not stay in memory: seed words. It never moves while it grows, and is wiped on destruction.
#pragma once

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace doze {

class SecretString {
 public:
  /// 24 seed words of 8 letters and a line for channels are less than 300 bytes; whole seed files fit.
  static constexpr std::size_t kCapacity = 1'024;

  SecretString() = default;
  SecretString(const SecretString&) = delete;
  SecretString& operator=(const SecretString&) = delete;
  SecretString(SecretString&& other) noexcept { take(other); }
  SecretString& operator=(SecretString&& other) noexcept {
    if (this != &other) {
      wipe();
      take(other);
    }
    return *this;
  }
  ~SecretString() { wipe(); }

  /// False, and nothing is added, if it would not fit.
  [[nodiscard]] bool append(std::string_view text) {
    if (text.size() > kCapacity - size_) return false;
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  void wipe() {
    explicit_bzero(bytes_.data(), bytes_.size());
    size_ = 0;
  }
  void take(SecretString& other) {
    std::memcpy(bytes_.data(), other.bytes_.data(), other.size_);
    size_ = other.size_;
    other.wipe();
  }

  std::array<char, kCapacity> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace doze
