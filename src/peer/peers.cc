#include "peer/peers.h"

#include "peer/commands.h"
#include "peer/connection.h"
#include "peer/dialling.h"
#include "peer/places.h"
#include "peer/pongs.h"
#include "peer/state.h"

namespace doze::peer {

DOZE_COMPILED_HERE(Input)

Peers::Peers() : inside(make_hidden<Inside>()) {}

namespace {
void hear(Work& work, const DeadlineReached&) {
  connection_deadlines(work);
  dial_deadlines(work);
}
}  // namespace

Transition<Peers> step(Peers state, const Input& input, const Context& context) {
  Effects out;
  Work work{{*state.inside, context, out}};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  return {std::move(state), std::move(out)};
}

void record_messages(Peers& state) {
  state.inside->recording = true;
}

std::optional<MonoTime> deadline(const Peers& state) {
  const auto& inside = *state.inside;
  Earliest earliest;
  earliest.consider_first(inside.wake_ups);
  earliest.consider_first(inside.dials_due);
  if (!inside.owing.empty()) earliest.consider(inside.pongs_at);
  return earliest.time();
}

const std::map<NodeId, PeerView>& views(const Peers& state) {
  return state.inside->views;
}

}  // namespace doze::peer
