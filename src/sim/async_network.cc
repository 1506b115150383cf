#include "sim/async_network.h"

namespace doze::sim {
namespace {

Config config_of(Role role, const AsyncSettings& settings) {
  Config config;
  config.role = role;
  config.anchors = settings.anchors;
  config.recipient_profile = settings.profile;
  config.offers_ldk_hold = settings.profile == Profile::Ldk;
  config.offers_draft_hold = settings.profile == Profile::Draft;
  config.hold_window_blocks = settings.hold_window_blocks;
  return config;
}

bool all_usable(World& world, std::size_t index, std::size_t count) {
  if (!world.node(index).running()) return false;
  std::size_t usable = 0;
  for (const auto& [id, channel] : world.node(index).core->channels()) usable += channel.usable ? 1 : 0;
  return usable >= count;
}

/// `from` opens to `to`: connected, funded, announced as servers do, until both ends can use it.
bool open(AsyncNetwork& network, std::size_t from, std::size_t to, Sat amount, Msat push) {
  auto& world = *network.world;
  auto before_from = world.node(from).core->channels().size(), before_to = world.node(to).core->channels().size();
  auto peer = world.node(to).signer->node_id();
  auto connected = world.ask(from, command::Connect{peer, world.address(to)});
  if (auto error = error_of(connected); !error.empty()) {
    network.trouble = "connect: " + error;
    return false;
  }
  auto opened = world.ask(from, command::OpenChannel{peer, amount, push, std::nullopt, std::nullopt});
  if (auto error = error_of(opened); !error.empty()) {
    network.trouble = "openchannel: " + error;
    return false;
  }
  world.mine(7);
  if (!world.run_until([&] { return all_usable(world, from, before_from + 1) && all_usable(world, to, before_to + 1); },
                       30'000)) {
    network.trouble = "the channel of " + world.node(from).name + " with " + world.node(to).name + " is not usable";
    return false;
  }
  return true;
}

std::uint64_t graph_channels(World& world, std::size_t index) {
  return number_of(world.ask(index, command::GetInfo{}), "graph_channels");
}

}  // namespace

AsyncNetwork set_up(std::uint64_t seed, const AsyncSettings& settings) {
  AsyncNetwork out;
  out.world = std::make_unique<World>(seed);
  auto& world = *out.world;
  out.s = world.add_node("S", config_of(Role::Client, settings));
  out.l = world.add_node("L", config_of(Role::Server, settings));
  out.m = settings.same_lsp ? out.l : world.add_node("M", config_of(Role::Server, settings));
  out.r = world.add_node("R", config_of(Role::Client, settings));
  world.mine(1);
  for (std::size_t i = 0; i < world.nodes(); ++i) world.start(i);
  for (auto index : {out.s, out.l, out.m}) world.fund(index, Sat(10'000'000));
  world.mine(1);
  if (!open(out, out.s, out.l, Sat(1'000'000), Msat(0))) return out;
  if (!settings.same_lsp && !open(out, out.l, out.m, Sat(2'000'000), Msat(0))) return out;
  // The clients dial: only the server of a pair has an address.
  auto connected = world.ask(out.r, command::Connect{world.node(out.m).signer->node_id(), world.address(out.m)});
  if (auto error = error_of(connected); !error.empty()) {
    out.trouble = "connect: " + error;
    return out;
  }
  // R has M's init; M may not have R's yet.
  auto r_id = world.node(out.r).signer->node_id();
  world.run_until([&] { return world.node(out.m).core->peers().contains(r_id); }, 5'000);
  auto opened = world.ask(out.m, command::OpenChannel{r_id, Sat(1'500'000), Msat(0), {}, {}});
  if (auto error = error_of(opened); !error.empty()) {
    out.trouble = "openchannel: " + error;
    return out;
  }
  world.mine(7);
  if (!world.run_until([&] { return all_usable(world, out.r, 1) && all_usable(world, out.m, 2); }, 30'000)) {
    out.trouble = "the channel of M with R is not usable";
    return out;
  }
  if (!settings.same_lsp) {
    for (int tries = 0; tries < 60; ++tries) {
      if (graph_channels(world, out.s) >= 1 && graph_channels(world, out.m) >= 1) break;
      world.run_for(1'000);
    }
    if (graph_channels(world, out.s) < 1) out.trouble = "S does not learn of the public channel";
  }
  return out;
}

AsyncNetwork asleep(AsyncNetwork network) {
  for (std::size_t i = 0; i < network.world->nodes(); ++i) network.world->stop(i);
  return network;
}

AsyncNetwork copy(const AsyncNetwork& network) {
  return {network.world->copy(), network.s, network.l, network.m, network.r, network.trouble};
}

std::vector<std::uint64_t> balances(const World& world) {
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < world.nodes(); ++i) out.push_back(channel_balance(world.node(i)));
  return out;
}

std::optional<std::string> make_offer(AsyncNetwork& network, std::optional<Msat> amount) {
  auto& world = *network.world;
  auto invited = world.ask(network.m, command::AsyncInvite{"phone", false, std::nullopt, std::nullopt});
  if (network.trouble = error_of(invited); !network.trouble.empty()) return std::nullopt;
  auto joined = world.ask(network.r, command::AsyncJoin{text_of(invited, "link")});
  if (network.trouble = error_of(joined); !network.trouble.empty()) return std::nullopt;
  command::CreateOffer wanted;
  wanted.async = true;
  wanted.amount = amount;
  wanted.description = "coffee";
  auto made = world.ask(network.r, wanted);
  if (network.trouble = error_of(made); !network.trouble.empty()) return std::nullopt;
  return text_of(made, "offer");
}

std::string text_of(const std::variant<Value, CommandError>& reply, std::string_view name) {
  const auto* value = std::get_if<Value>(&reply);
  return value == nullptr ? "" : text_in(*value, name);
}

std::uint64_t number_of(const std::variant<Value, CommandError>& reply, std::string_view name) {
  const auto* value = std::get_if<Value>(&reply);
  return value == nullptr ? 0 : number_in(*value, name);
}

bool ended(const std::string& state) {
  return state == "settled" || state == "failed" || state == "expired";
}

std::string error_of(const std::variant<Value, CommandError>& reply) {
  const auto* error = std::get_if<CommandError>(&reply);
  return error == nullptr ? "" : error->message;
}

std::uint64_t channel_balance(const SimNode& node) {
  std::uint64_t sum = 0;
  for (const auto& [id, channel] : node.core->channels())
    if (channel.phase != ChannelPhase::Closed) sum += channel.local_balance.value();
  return sum;
}

bool htlcs_in_flight(const World& world) {
  for (std::size_t i = 0; i < world.nodes(); ++i) {
    if (!world.node(i).running()) continue;
    for (const auto& [id, channel] : world.node(i).core->channels())
      if (!channel.received_htlcs.empty() || !channel.offered_htlcs.empty()) return true;
  }
  return false;
}

}  // namespace doze::sim
