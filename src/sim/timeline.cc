#include "sim/timeline.h"

#include <algorithm>

namespace doze::sim {

Timeline::Timeline(World& world, std::vector<std::string>& lines) : world_(world), lines_(lines) {
  world.watchers.push_back(this);
}
Timeline::~Timeline() {
  std::erase(world_.watchers, this);
}

void Timeline::tell(const std::string& line) {
  auto ms = std::to_string(world_.now().value());
  ms.insert(0, ms.size() < 9 ? 9 - ms.size() : 0, ' ');
  lines_.push_back(ms + " ms  block " + std::to_string(world_.chain.height().value()) + "  " + line);
}

std::string Timeline::describe(const WireMessage& message) const {
  auto read = wire::decode(message.bytes);
  if (!read) return "";
  // The chatter of connections and gossip hides the story.
  bool chatter = message.type < 32 || (message.type >= 256 && message.type != kOnionMessage);
  if (chatter) return "";
  std::string line = world_.node(message.from).name + " -> " + world_.node(message.to).name + "  " + name(*read);
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&*read))
    line += " " + std::to_string(add->id) + ": " + std::to_string(add->amount_msat.value()) + " msat, expiry " +
            std::to_string(add->cltv_expiry.value()) + (add->hold_htlc ? ", hold" : "");
  if (const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&*read)) line += " " + std::to_string(done->id);
  if (const auto* done = std::get_if<wire::UpdateFailHtlc>(&*read)) line += " " + std::to_string(done->id);
  return line;
}

void Timeline::delivered(const WireMessage& message) {
  if (auto line = describe(message); !line.empty()) tell(line);
}

void Timeline::went_wrong(const WireMessage& message, const std::string& how) {
  if (auto line = describe(message); !line.empty()) tell(line + "  " + how);
}

void Timeline::notified(std::size_t node, const Notify& notify) {
  if (notify.severity == Severity::Debug || notify.event.name().starts_with("peer_")) return;
  std::string line = world_.node(node).name + ": " + std::string(notify.event.name());
  for (const auto& [key, value] : notify.facts)
    if (const auto* text = std::get_if<std::string>(&value.inner()); text != nullptr && key == "reason")
      line += " (" + *text + ")";
  tell(line);
}

void Timeline::happened(std::size_t node, const std::string& what) {
  tell(world_.node(node).name + " " + what);
}

}  // namespace doze::sim
