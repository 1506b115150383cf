#include "sim/wire_tap.h"

namespace doze::sim {
namespace {

transport::Ecdh ecdh_of(const Signer& signer) {
  return [&signer](const PublicKey& point) { return signer.node_ecdh(point); };
}

PrivateKey ephemeral(Rng& chance) {
  auto key = chance.secret<PrivateKey>();
  key.raw()[0] = 1;  // below the order, not zero
  return key;
}

}  // namespace

WireTap::WireTap(const Signer& dialler, const Signer& listener, Rng& chance)
    : ends_{transport::Transport::responder(listener.node_id(), ecdh_of(listener), ephemeral(chance)),
            transport::Transport::initiator(listener.node_id(), dialler.node_id(), ecdh_of(dialler),
                                            ephemeral(chance))} {}

std::vector<Bytes> WireTap::feed(std::size_t side, ByteView bytes) {
  auto fed = ends_[side].feed(bytes);
  return fed ? ends_[side].take_messages() : std::vector<Bytes>{};
}

Bytes WireTap::send(std::size_t side, ByteView message) {
  ends_[side].send(message);
  return ends_[side].take_output();
}

}  // namespace doze::sim
