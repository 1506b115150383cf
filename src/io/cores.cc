#include "io/cores.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <latch>
#include <thread>

namespace doze::io {

Cores::Cores() : Cores(std::max(1U, std::thread::hardware_concurrency()) - 1) {}
Cores::Cores(std::size_t threads) : threads_(threads) {}
Cores::~Cores() = default;

void Cores::run(std::size_t count, const std::function<void(std::size_t)>& piece) const {
  if (threads_ == 0 || count < kPiecesWorthACore) return ParallelMap::run(count, piece);
  if (!pool_) pool_ = std::make_unique<boost::asio::thread_pool>(threads_);
  std::atomic<std::size_t> next{0};
  auto work = [&] {
    for (auto i = next.fetch_add(1); i < count; i = next.fetch_add(1)) piece(i);
  };
  std::latch others(static_cast<std::ptrdiff_t>(threads_));
  for (std::size_t i = 0; i < threads_; ++i)
    boost::asio::post(*pool_, [&] {
      work();
      others.count_down();
    });
  work();
  others.wait();
}

}  // namespace doze::io
