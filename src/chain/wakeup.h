// Waiting for a time or for a call of wake() from another thread. Private to this room.
#pragma once

#include <cstdint>

namespace doze::chain {

class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// From any thread. Counts also if nobody waits yet.
  void wake();
  /// On the driver's thread: returns at the first reason, and forgets all reasons there were.
  void wait(std::uint32_t timeout_ms);

 private:
  int event_ = -1;
};

}  // namespace doze::chain
