// Work in pieces over several threads.
#include "io/cores.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace doze::io {
namespace {

TEST(Cores, DoEachPieceOnce) {
  for (std::size_t threads : {0, 1, 3})
    for (std::size_t count : {0UL, 1UL, kPiecesWorthACore - 1, kPiecesWorthACore, 1'000UL}) {
      Cores cores(threads);
      std::vector<std::atomic<int>> done(count);
      for (int again = 1; again <= 3; ++again) {
        cores.run(count, [&](std::size_t i) { ++done[i]; });
        for (const auto& times : done) ASSERT_EQ(times, again) << threads << " threads, " << count << " pieces";
      }
    }
}

TEST(Cores, FewPiecesStayWithTheCaller) {
  Cores cores(2);
  std::set<std::thread::id> seen;
  cores.run(kPiecesWorthACore - 1, [&](std::size_t) { seen.insert(std::this_thread::get_id()); });
  EXPECT_EQ(seen, std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST(Cores, ManyPiecesReachTheOthers) {
  Cores cores(1);
  std::atomic<bool> other{false};
  auto us = std::this_thread::get_id();
  // Whoever is the caller waits until the other thread has had a piece.
  cores.run(kPiecesWorthACore, [&](std::size_t) {
    if (std::this_thread::get_id() != us)
      other = true;
    else
      while (!other) std::this_thread::yield();
  });
  EXPECT_TRUE(other);
}

}  // namespace
}  // namespace doze::io
