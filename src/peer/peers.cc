#include "peer/peers.h"

#include "peer/inside.h"

namespace doze::peer {

DOZE_COMPILED_HERE(Input)

Peers::Peers() : inside(std::make_unique<Inside>()) {}
Peers::~Peers() = default;
Peers::Peers(Peers&&) noexcept = default;
Peers& Peers::operator=(Peers&&) noexcept = default;

Transition<Peers> step(Peers state, const Input& input, const Context& context) {
  Work work(*state.inside, context);
  std::visit([&](const auto& in) { work.on(in); }, input);
  return {std::move(state), work.take()};
}

void record_messages(Peers& state) {
  state.inside->recording = true;
}

std::optional<MonoTime> deadline(const Peers& state) {
  const auto& self = *state.inside;
  std::optional<MonoTime> earliest;
  auto consider = [&](MonoTime time) {
    if (!earliest || time < *earliest) earliest = time;
  };
  if (!self.wake_ups.empty()) consider(self.wake_ups.begin()->first);
  if (!self.dials_due.empty()) consider(self.dials_due.begin()->first);
  if (!self.owing.empty()) consider(self.pongs_at);
  return earliest;
}

const std::map<NodeId, PeerView>& views(const Peers& state) {
  return state.inside->views;
}

}  // namespace doze::peer
