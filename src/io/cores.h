// The machine's cores for work in independent pieces: signatures of a commitment with many HTLCs.
#pragma once

#include <cstddef>
#include <memory>

#include "base/parallel.h"

namespace boost::asio {
class thread_pool;
}

namespace doze::io {

/// Below this many pieces of some 20 µs each, waking another core costs as much as it saves.
inline constexpr std::size_t kPiecesWorthACore = 16;

class Cores final : public ParallelMap {
 public:
  /// `threads` in addition to the caller's own; by default one less than there are cores. They start with the first
  /// work that is worth them.
  Cores();
  explicit Cores(std::size_t threads);
  ~Cores() override;
  /// From one thread at a time.
  void run(std::size_t count, const std::function<void(std::size_t)>& piece) const override;
  [[nodiscard]] std::size_t threads() const { return threads_; }

 private:
  std::size_t threads_;
  mutable std::unique_ptr<boost::asio::thread_pool> pool_;
};

}  // namespace doze::io
