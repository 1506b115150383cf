// Waiting for any of: a time, a call of wake() from another thread, a ZMQ hashblock message. Private to this room.
#pragma once

#include <cstdint>
#include <string>

namespace doze::chain {

class Wakeup {
 public:
  /// Subscribes to `zmq_hashblock` unless it is empty. ZMQ reconnects by itself; what it loses, polling finds.
  explicit Wakeup(const std::string& zmq_hashblock);
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// From any thread. Counts also if nobody waits yet.
  void wake();
  /// On the driver's thread: returns at the first reason, and forgets all reasons there were.
  void wait(std::uint32_t timeout_ms);
  /// False if the address could not be used: there is only polling.
  [[nodiscard]] bool subscribed() const { return socket_ != nullptr; }

 private:
  int event_ = -1;
  void* context_ = nullptr;
  void* socket_ = nullptr;
};

}  // namespace doze::chain
