// A BOLT 8 connection between two nodes, the handshake done: frames in and out.
#pragma once

#include "bench.h"
#include "transport/noise.h"

namespace bench {

inline transport::Ecdh ecdh_of(const BenchNode& node) {
  return [&node](const PublicKey& point) { return node.signer->node_ecdh(point); };
}

class Link {
 public:
  /// `far` dials.
  Link(BenchNode& near, BenchNode& far)
      : far_(transport::Transport::initiator(near.id, far.id, ecdh_of(far), fresh_key(far.rng))),
        near_(transport::Transport::responder(near.id, ecdh_of(near), fresh_key(near.rng))) {
    bool good = near_.feed(far_.take_output()).has_value() && far_.feed(near_.take_output()).has_value() &&
                near_.feed(far_.take_output()).has_value();
    must(good && near_.ready() && far_.ready(), "no handshake");
  }
  Bytes far_sends(ByteView message) { return sent(far_, message); }
  Bytes near_sends(ByteView message) { return sent(near_, message); }
  std::vector<Bytes> near_receives(ByteView frame) {
    must(near_.feed(frame).has_value(), "a frame does not open");
    return near_.take_messages();
  }

 private:
  static Bytes sent(transport::Transport& side, ByteView message) {
    side.send(message);
    return side.take_output();
  }
  transport::Transport far_, near_;
};

}  // namespace bench
