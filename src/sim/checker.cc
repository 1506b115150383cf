#include "sim/checker.h"

#include <algorithm>

#include "sim/async_network.h"

namespace doze::sim {
namespace {

const Value* field(const Fields& facts, std::string_view name) {
  for (const auto& [key, value] : facts)
    if (key == name) return &value;
  return nullptr;
}

std::string called(const World& world, const SeenHtlc& htlc) {
  return "HTLC " + std::to_string(htlc.id.id) + " of " + world.node(htlc.id.offerer).name + " to " +
         world.node(htlc.receiver).name;
}

}  // namespace

std::string SeenEvent::text(std::string_view name) const {
  const auto* value = field(facts, name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(&value->inner());
  return text == nullptr ? "" : *text;
}
std::uint64_t SeenEvent::number(std::string_view name) const {
  const auto* value = field(facts, name);
  const auto* number = value == nullptr ? nullptr : std::get_if<std::uint64_t>(&value->inner());
  return number == nullptr ? 0 : *number;
}

Checker::Checker(World& world) : world_(world), lives_(world.nodes()) {
  for (std::size_t i = 0; i < world.nodes(); ++i)
    if (world.node(i).running()) lives_[i].push_back({world.now(), std::nullopt});
  world.watchers.push_back(this);
}
Checker::~Checker() {
  std::erase(world_.watchers, this);
}

void Checker::problem(std::string what) {
  // One broken promise repeats itself with every retransmission.
  if (std::find(problems_.begin(), problems_.end(), what) == problems_.end()) problems_.push_back(std::move(what));
}

SeenHtlc* Checker::find(std::size_t receiver, const ChannelId& channel, std::uint64_t id) {
  for (auto& [key, htlc] : htlcs_)
    if (key.channel_id == channel && key.id == id && htlc.receiver == receiver) return &htlc;
  return nullptr;
}

void Checker::offered(const WireMessage& message, const wire::UpdateAddHtlc& add) {
  HtlcId id{add.channel_id, message.from, add.id};
  auto onion = crypto::sha256(add.onion_routing_packet);
  auto [it, fresh] = htlcs_.try_emplace(id);
  auto& htlc = it->second;
  if (!fresh) {
    if (htlc.onion != onion || htlc.amount != add.amount_msat || htlc.payment_hash != add.payment_hash)
      problem(called(world_, htlc) + " came again as another HTLC");
    return;
  }
  htlc = {id,
          message.to,
          add.payment_hash,
          add.amount_msat,
          add.cltv_expiry,
          add.hold_htlc.has_value(),
          onion,
          world_.now(),
          std::nullopt,
          false,
          false,
          false,
          false,
          {}};
  auto [other, first] = onions_.try_emplace(onion, id);
  if (!first)
    problem(called(world_, htlc) + " is the same HTLC as " + called(world_, htlcs_.at(other->second)) +
            ": offered twice");
  // A forwarder offers no more HTLCs of one payment hash than it received.
  std::size_t in = 0, out = 0;
  for (const auto& [key, seen] : htlcs_) {
    if (seen.payment_hash != add.payment_hash) continue;
    in += seen.receiver == message.from && seen.arrived ? 1 : 0;
    out += key.offerer == message.from ? 1 : 0;
  }
  if (in != 0 && out > in) problem(called(world_, htlc) + ": more were offered downstream than came in");
}

void Checker::check_fail_upstream(std::size_t node, const SeenHtlc& htlc) {
  std::size_t in = 0, out = 0;
  for (const auto& [key, seen] : htlcs_) {
    if (seen.payment_hash != htlc.payment_hash) continue;
    if (seen.receiver == node && seen.arrived && !seen.failed) ++in;
    if (key.offerer == node && !seen.failure_arrived) ++out;
  }
  if (out > in) problem(called(world_, htlc) + " was failed while it may be settled downstream");
}

void Checker::ends(const WireMessage& message, const ChannelId& channel, std::uint64_t id, const Preimage* preimage) {
  auto* htlc = find(message.from, channel, id);
  if (htlc == nullptr) return problem("an HTLC ends that nobody offered");
  bool again = htlc->fulfilled || htlc->failed;
  if (again && htlc->fulfilled != (preimage != nullptr))
    problem(called(world_, *htlc) + " was both fulfilled and failed");
  if (again) return;
  htlc->ended = world_.chain.height();
  if (htlc->hold && world_.chain.height().value() >= htlc->expiry.value())
    problem(called(world_, *htlc) + " was held up to its expiry");
  if (preimage == nullptr) {
    htlc->failed = true;
    return check_fail_upstream(message.from, *htlc);
  }
  htlc->fulfilled = true;
  if (crypto::payment_hash(*preimage) != htlc->payment_hash)
    problem(called(world_, *htlc) + " was fulfilled with a wrong preimage");
  bool forwards = false, settled = false;
  for (const auto& [key, seen] : htlcs_) {
    if (key.offerer != message.from || seen.payment_hash != htlc->payment_hash) continue;
    forwards = true;
    settled = settled || seen.fulfil_arrived;
  }
  if (forwards && !settled) problem(called(world_, *htlc) + " was settled before the one downstream");
}

void Checker::sent(const WireMessage& message) {
  if (message.type < 128 || message.type > 135) return;
  auto read = wire::decode(message.bytes);
  if (!read) return problem(world_.node(message.from).name + " sent a malformed message");
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&*read)) offered(message, *add);
  if (const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&*read))
    ends(message, done->channel_id, done->id, &done->payment_preimage);
  if (const auto* done = std::get_if<wire::UpdateFailHtlc>(&*read)) ends(message, done->channel_id, done->id, nullptr);
  if (const auto* done = std::get_if<wire::UpdateFailMalformedHtlc>(&*read))
    ends(message, done->channel_id, done->id, nullptr);
}

void Checker::delivered(const WireMessage& message) {
  heard_[{message.from, message.to}].push_back(world_.now());
  if (message.type < 128 || message.type > 135) return;
  auto read = wire::decode(message.bytes);
  if (!read) return;
  auto mark = [&](const ChannelId& channel, std::uint64_t id, bool SeenHtlc::*what) {
    if (auto* htlc = find(message.from, channel, id)) htlc->*what = true;
  };
  if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&*read)) {
    auto it = htlcs_.find({add->channel_id, message.from, add->id});
    if (it != htlcs_.end() && !it->second.arrived) it->second.arrived = world_.now();
  }
  if (const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&*read))
    mark(done->channel_id, done->id, &SeenHtlc::fulfil_arrived);
  if (const auto* done = std::get_if<wire::UpdateFailHtlc>(&*read))
    mark(done->channel_id, done->id, &SeenHtlc::failure_arrived);
  if (const auto* done = std::get_if<wire::UpdateFailMalformedHtlc>(&*read))
    mark(done->channel_id, done->id, &SeenHtlc::failure_arrived);
}

void Checker::notified(std::size_t node, const Notify& notify) {
  if (auto mistakes = mistakes_in(notify); !mistakes.empty())
    problem("an event with other fields than its row: " + mistakes);
  auto tip = world_.node(node).core->tip();
  events_.push_back({node, world_.now(), tip ? tip->height : BlockHeight(0), notify.event, notify.facts});
}

void Checker::happened(std::size_t node, const std::string&) {
  auto& lives = lives_[node];
  if (!lives.empty() && !lives.back().to)
    lives.back().to = world_.now();
  else
    lives.push_back({world_.now(), std::nullopt});
}

std::optional<MonoTime> Checker::last_heard(std::size_t from, std::size_t to, MonoTime before) const {
  auto it = heard_.find({from, to});
  if (it == heard_.end()) return std::nullopt;
  std::optional<MonoTime> last;
  for (auto time : it->second)
    if (time <= before) last = time;
  return last;
}

void Checker::at_rest(const std::vector<std::uint64_t>& before) {
  std::vector<std::int64_t> change(world_.nodes(), 0);
  for (const auto& [id, htlc] : htlcs_) {
    if (!htlc.fulfilled && !htlc.failed) problem(called(world_, htlc) + " never ended");
    if (!htlc.fulfilled) continue;
    change[id.offerer] -= static_cast<std::int64_t>(htlc.amount.value());
    change[htlc.receiver] += static_cast<std::int64_t>(htlc.amount.value());
  }
  for (std::size_t i = 0; i < world_.nodes(); ++i) {
    auto now = static_cast<std::int64_t>(channel_balance(world_.node(i)));
    auto expected = static_cast<std::int64_t>(before[i]) + change[i];
    if (now != expected)
      problem(world_.node(i).name + " has " + std::to_string(now) + " msat in its channels, the settled HTLCs give " +
              std::to_string(expected));
    for (const auto& [id, channel] : world_.node(i).core->channels())
      if (channel.phase != ChannelPhase::Normal)
        problem(world_.node(i).name + ": a channel is " + name(channel.phase) + ": " + channel.status);
  }
  for (const auto& refused : world_.chain.refused()) problem("the chain refused " + refused);
}

}  // namespace doze::sim
