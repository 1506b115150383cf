// Measuring a step of a room with and without many other rows.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/ids.h"

namespace doze::payment::testing {

inline constexpr std::size_t kRows = 30'000;
inline constexpr double kNoise = 4;

/// The fastest of some rounds, in microseconds.
inline double fastest(int rounds, const std::function<void(int)>& run) {
  double out = 1e12;
  for (int i = 0; i < rounds; ++i) {
    auto start = std::chrono::steady_clock::now();
    run(i);
    std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    out = std::min(out, took.count());
  }
  return out;
}
inline ChannelId far_channel(std::size_t i) {
  ChannelId out;
  out.bytes = {9, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
  return out;
}

}  // namespace doze::payment::testing
