#include "chain/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/check.h"

namespace doze::chain {

Wakeup::Wakeup(const std::string& zmq_hashblock) : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  LN_ASSERT(event_ >= 0);
  if (zmq_hashblock.empty()) return;
  context_ = zmq_ctx_new();
  LN_ASSERT(context_ != nullptr);
  socket_ = zmq_socket(context_, ZMQ_SUB);
  LN_ASSERT(socket_ != nullptr);
  int linger = 0, keep = 100;
  std::int64_t max_size = 4096;  // topic, 32-byte hash and counter: larger messages are none of ours
  zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt(socket_, ZMQ_RCVHWM, &keep, sizeof keep);
  zmq_setsockopt(socket_, ZMQ_MAXMSGSIZE, &max_size, sizeof max_size);
  bool good =
      zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, "hashblock", 9) == 0 && zmq_connect(socket_, zmq_hashblock.c_str()) == 0;
  if (!good) {
    zmq_close(socket_);
    socket_ = nullptr;
  }
}

Wakeup::~Wakeup() {
  if (socket_ != nullptr) zmq_close(socket_);
  if (context_ != nullptr) zmq_ctx_term(context_);
  close(event_);
}

void Wakeup::wake() {
  std::uint64_t one = 1;
  // Fails only if the counter is full: then it is awake anyway.
  (void)!write(event_, &one, sizeof one);
}

void Wakeup::wait(std::uint32_t timeout_ms) {
  zmq_pollitem_t items[] = {{nullptr, event_, ZMQ_POLLIN, 0}, {socket_, 0, ZMQ_POLLIN, 0}};
  zmq_poll(items, socket_ != nullptr ? 2 : 1, static_cast<long>(timeout_ms));
  std::uint64_t count = 0;
  (void)!read(event_, &count, sizeof count);
  if (socket_ == nullptr) return;
  // Whatever it says, we ask bitcoind. All parts of all messages are thrown away.
  char ignored[64];
  while (zmq_recv(socket_, ignored, sizeof ignored, ZMQ_DONTWAIT) >= 0) {
  }
}

}  // namespace doze::chain
