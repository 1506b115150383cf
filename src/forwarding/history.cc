#include "forwarding/history.h"

#include "forwarding/state.h"

namespace doze::forwarding {

namespace {
/// A step ends a few rows; a larger batch makes room over the next steps.
constexpr std::size_t kForgottenPerStep = 4;

void forget(Work& work, const ByTime<HtlcKey>& old, std::size_t most) {
  for (std::size_t count = 0; old.size() > most && count < kForgottenPerStep; ++count) {
    auto key = old.begin()->second;
    work.say(Erase{Table::Forward, key_of(key)});
    work.state.forwards.erase(key);
  }
}
}  // namespace

void forget_history(Work& work) {
  auto& forwards = work.state.forwards;
  forget(work, forwards.index().settled, kMaxSettledForwards);
  forget(work, forwards.index().failed, kMaxFailedForwards);
}

}  // namespace doze::forwarding
