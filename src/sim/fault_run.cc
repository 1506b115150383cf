#include "sim/fault_run.h"

#include <set>

namespace doze::sim {
namespace {

/// Blocks to mine at most before a held payment must have ended: its window and the way back.
constexpr int kRestBlocks = 400;

struct Paid {
  std::string id;
  std::string state;
  std::string why;  // as S says it; empty: settled
  std::uint64_t fee = 0;
};

std::string state_of(World& world, std::size_t payer, Paid& paid) {
  auto reply = world.ask(payer, command::GetPayment{*PaymentId::from(hex(paid.id))});
  if (!error_of(reply).empty()) return "";
  paid.fee = number_of(reply, "fee_msat");
  paid.why = text_of(reply, "failure");
  return paid.state = text_of(reply, "state");
}

bool ended(const std::string& state) {
  return state == "settled" || state == "failed" || state == "expired";
}

}  // namespace

FaultResult fault_run(std::uint64_t seed) {
  FaultResult result;
  SeededRng chance(seed, "fault run");
  AsyncSettings settings;
  settings.profile = chance.below(2) == 0 ? Profile::Ldk : Profile::Draft;
  settings.anchors = chance.below(4) != 0;
  settings.same_lsp = chance.below(5) == 0;
  auto network = set_up(seed, settings);
  auto& world = *network.world;
  auto tell = [&](std::string line) { result.story.push_back(std::to_string(world.now().value()) + " ms: " + line); };
  auto problem = [&](std::string what) { result.problems.push_back(std::move(what)); };
  if (!network.trouble.empty()) {
    problem("set-up: " + network.trouble);
    return result;
  }
  auto amount = Msat(1'000'000 + chance.below(40'000'000));
  auto offer = make_offer(network, amount);
  if (!offer) {
    problem("no offer: " + network.trouble);
    return result;
  }
  std::uint64_t before = 0;
  for (auto index : std::set{network.s, network.l, network.m, network.r}) before += channel_balance(world.node(index));
  auto s_before = channel_balance(world.node(network.s)), r_before = channel_balance(world.node(network.r));
  tell(std::string("profile ") + name(settings.profile) + (settings.same_lsp ? ", one LSP" : "") +
       (settings.anchors ? "" : ", static_remotekey"));
  world.stop(network.r);
  world.on_event = [&](const std::string& event) {
    bool noise = event.starts_with("put ") || event.starts_with("erase ") || event.starts_with("bytes ") ||
                 event.find(": peer_") != std::string::npos || event.find("dial") != std::string::npos;
    if (!noise) tell(event);
  };

  // ---- faults ----
  world.faults.cut = static_cast<std::uint32_t>(chance.below(300));
  world.faults.crash_before_commit = static_cast<std::uint32_t>(chance.below(100));
  world.faults.crash_after_commit = static_cast<std::uint32_t>(chance.below(100));
  std::vector<Paid> payments;
  auto count = 1 + chance.below(3);
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < count; ++i) {
    command::Pay pay;
    pay.offer = *offer;
    if (world.node(network.s).running()) world.post(network.s, pay);
    world.run_for(chance.below(8'000));
    if (chance.below(3) == 0) world.mine(1 + chance.below(3));
  }
  world.run_for(chance.below(20'000));
  bool payer_sleeps = chance.below(2) == 0;
  if (payer_sleeps) {
    world.stop(network.s);
    tell("S sleeps");
  }
  world.run_for(chance.below(10'000));
  for (auto blocks = chance.below(30); blocks > 0; --blocks) world.mine(1);
  world.start(network.r);
  tell("R wakes");
  world.run_for(chance.below(30'000));
  if (chance.below(3) == 0) {
    world.stop(network.r);
    world.run_for(chance.below(5'000));
    world.start(network.r);
  }
  world.run_for(20'000);

  // ---- rest ----
  world.faults = {};
  for (auto index : std::set{network.s, network.l, network.m, network.r}) world.start(index);
  world.run_for(2'000);
  for (auto index : std::set{network.s, network.l, network.m, network.r})
    if (!world.node(index).running()) world.start(index);
  world.run_for(120'000);
  auto list = world.ask(network.s, command::ListPayments{});
  if (const auto* value = std::get_if<Value>(&list); value != nullptr && value->find("payments") != nullptr)
    for (const auto& row : std::get<List>(value->find("payments")->inner()))
      payments.push_back({std::get<std::string>(row.find("payment_id")->inner()), "", "", 0});
  result.payments = payments.size();
  for (int blocks = 0; blocks <= kRestBlocks; ++blocks) {
    bool all = true;
    for (auto& paid : payments) all = ended(state_of(world, network.s, paid)) && all;
    std::vector<const SimNode*> nodes;
    for (std::size_t i = 0; i < world.nodes(); ++i) nodes.push_back(&world.node(i));
    if (all && !htlcs_in_flight(world, nodes)) break;
    if (blocks == kRestBlocks) {
      for (auto& paid : payments)
        if (!ended(paid.state)) problem("payment " + paid.id.substr(0, 8) + " is still " + paid.state);
      if (all) problem("an HTLC is still in flight after all payments ended");
      for (const auto* node : nodes) {
        for (const auto& [id, channel] : node->core->channels())
          tell(node->name + ": channel " + id.hex().substr(0, 8) + " " + channel.status + ", offered " +
               std::to_string(channel.offered_htlcs.size()) + ", received " +
               std::to_string(channel.received_htlcs.size()));
      }
      break;
    }
    world.mine(1);
    world.run_for(3'000);
  }
  std::uint64_t spent = 0, received = 0;
  for (const auto& paid : payments) {
    tell("payment " + paid.id.substr(0, 8) + " " + paid.state + (paid.why.empty() ? "" : ": " + paid.why));
    if (paid.state != "settled") continue;
    ++result.settled;
    spent += amount.value() + paid.fee;
    received += amount.value();
  }
  if (result.problems.empty()) {
    std::uint64_t after = 0;
    for (auto index : std::set{network.s, network.l, network.m, network.r}) after += channel_balance(world.node(index));
    if (after != before)
      problem("sums differ: " + std::to_string(before) + " msat before, " + std::to_string(after) + " after");
    auto s_paid = s_before - channel_balance(world.node(network.s));
    if (s_paid != spent)
      problem("S says it paid " + std::to_string(spent) + " msat, its balance says " + std::to_string(s_paid));
    auto r_got = channel_balance(world.node(network.r)) - r_before;
    if (r_got != received)
      problem("R got " + std::to_string(r_got) + " msat, the settled payments are " + std::to_string(received));
  }
  for (std::size_t i = 0; i < world.nodes(); ++i)
    for (const auto& [id, channel] : world.node(i).core->channels())
      if (channel.phase != ChannelPhase::Normal)
        problem(world.node(i).name + ": a channel is " + name(channel.phase) + ": " + channel.status);
  for (const auto& refused : world.chain.refused()) problem("the chain refused " + refused);
  tell(std::to_string(world.crashes) + " crashes, " + std::to_string(world.cuts) + " cuts, " +
       std::to_string(world.steps) + " steps, height " + std::to_string(world.chain.height().value()));
  result.trace_hash = world.trace_hash();
  return result;
}

}  // namespace doze::sim
