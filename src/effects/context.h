// Everything that a step may know besides its state and its input. Time, random bytes, and what other machines know
// arrive here.
#pragma once

#include "base/parallel.h"
#include "base/rng.h"
#include "base/units.h"
#include "effects/config.h"
#include "effects/signer.h"
#include "effects/views.h"

namespace doze {

struct Context {
  MonoTime mono;  // for waits; begins again with each process
  UnixTime wall;  // for expiries; may jump
  BlockHeight tip;
  Rng& rng;
  const Config& config;
  const Views& views;
  const Signer& signer;
  const ParallelMap& parallel;
};

}  // namespace doze
