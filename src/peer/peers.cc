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

namespace {
MonoTime next_deadline(const Connection& connection) {
  if (!connection.ready) return after_ms(connection.since, kHandshakeMs);
  if (connection.pings.empty()) return after_ms(connection.heard, kIdlePingMs);
  auto oldest = connection.pings.front().at;
  return std::min(after_ms(std::max(connection.heard, oldest), kSilenceMs), after_ms(oldest, kPongPatienceMs));
}
}  // namespace

std::optional<MonoTime> deadline(const Peers& state) {
  std::optional<MonoTime> earliest;
  auto consider = [&](MonoTime time) {
    if (!earliest || time < *earliest) earliest = time;
  };
  for (const auto& [id, connection] : state.inside->connections) consider(next_deadline(connection));
  for (const auto& [node, known] : state.inside->known)
    if (known.next) consider(*known.next);
  return earliest;
}

void Work::connection_deadlines() {
  std::vector<ConnectionId> due;
  for (const auto& [id, connection] : self_.connections)
    if (next_deadline(connection) <= context_.mono) due.push_back(id);
  for (auto id : due) {
    auto& connection = self_.connections.at(id);
    if (!connection.ready)
      close(id, "the handshake took too long", true);
    else if (connection.pings.empty())
      ping(connection, std::nullopt);
    else
      close(id, "no answer to a ping", true);
  }
}

const std::map<NodeId, PeerView>& views(const Peers& state) {
  return state.inside->views;
}

}  // namespace doze::peer
