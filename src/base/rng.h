// Chance arrives as an argument. Floor 8 gives the system's generator, the simulator a seeded one.
#pragma once

#include <span>

#include "base/ids.h"

namespace doze {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  [[nodiscard]] std::uint64_t u64() {
    std::array<std::uint8_t, 8> bytes{};
    fill(bytes);
    std::uint64_t out = 0;
    for (auto byte : bytes) out = (out << 8) | byte;
    return out;
  }
  template <class T>  // an Opaque
  [[nodiscard]] T id() {
    T out;
    fill(out.bytes);
    return out;
  }
  template <class T>  // a Secret32
  [[nodiscard]] T secret() {
    T out;
    fill(out.raw());
    return out;
  }
};

}  // namespace doze
