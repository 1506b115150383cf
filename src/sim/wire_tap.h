// The simulator's tap on a connection: it has both nodes' keys, sits in the middle of BOLT 8 and so sees single
// Lightning messages, which it may pass on, drop, repeat or delay. The nodes notice nothing: each has a whole
// transport of its own with what it takes for its peer.
#pragma once

#include "base/rng.h"
#include "effects/signer.h"
#include "transport/noise.h"

namespace doze::sim {

class WireTap {
 public:
  /// Side 0 is the node that dialled. Signers outlive the tap.
  WireTap(const Signer& dialler, const Signer& listener, Rng& chance);
  /// Bytes that `side` wrote: the complete messages in them, decrypted. Empty after a broken frame.
  [[nodiscard]] std::vector<Bytes> feed(std::size_t side, ByteView bytes);
  /// Parts of the handshake that `side` has to get.
  [[nodiscard]] Bytes take_output(std::size_t side) { return ends_[side].take_output(); }
  /// Whether send() can be used towards `side`.
  [[nodiscard]] bool ready(std::size_t side) const { return ends_[side].ready(); }
  /// The message as bytes for `side`, as if its peer had written it.
  [[nodiscard]] Bytes send(std::size_t side, ByteView message);

 private:
  transport::Transport ends_[2];
};

}  // namespace doze::sim
