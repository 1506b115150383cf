#include "chain/wakeup.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace doze::chain {

Wakeup::Wakeup() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  LN_ASSERT(event_ >= 0);
}

Wakeup::~Wakeup() {
  close(event_);
}

void Wakeup::wake() {
  std::uint64_t one = 1;
  // Fails only if the counter is full: then it is awake anyway.
  (void)!write(event_, &one, sizeof one);
}

void Wakeup::wait(std::uint32_t timeout_ms) {
  constexpr auto kLongest = static_cast<std::uint32_t>(std::numeric_limits<int>::max());
  pollfd item{event_, POLLIN, 0};
  poll(&item, 1, static_cast<int>(std::min(timeout_ms, kLongest)));  // a signal ends it early: the caller looks again
  std::uint64_t count = 0;
  (void)!read(event_, &count, sizeof count);
}

}  // namespace doze::chain
