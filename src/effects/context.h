// Everything a step may know beside its state and its input. No clock, no chance, no other machine: they arrive here.
#pragma once

#include <functional>

#include "base/rng.h"
#include "base/units.h"
#include "effects/config.h"
#include "effects/signer.h"
#include "effects/views.h"

namespace doze {

/// Runs independent pieces of work; the order of results never depends on it. Floor 7 may use several cores.
class ParallelMap {
 public:
  virtual ~ParallelMap() = default;
  virtual void run(std::size_t count, const std::function<void(std::size_t)>& piece) const {
    for (std::size_t i = 0; i < count; ++i) piece(i);
  }
};

struct Context {
  MonoTime mono;  // for waits; starts anew with the process
  UnixTime wall;  // for expiries; may jump
  BlockHeight tip;
  Rng& rng;
  const Config& config;
  const Views& views;
  const Signer& signer;
  const ParallelMap& parallel;
};

}  // namespace doze
