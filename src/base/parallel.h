// Several cores as an argument, as time and chance are.
#pragma once

#include <cstddef>
#include <functional>

namespace doze {

/// Runs independent pieces of work; the order of results never depends on it. Floor 8 may use several cores.
class ParallelMap {
 public:
  virtual ~ParallelMap() = default;
  /// piece(0) … piece(count - 1), each once, in any order and at the same time. Returns when all are done.
  virtual void run(std::size_t count, const std::function<void(std::size_t)>& piece) const {
    for (std::size_t i = 0; i < count; ++i) piece(i);
  }
};

}  // namespace doze
