#include "sim/enumerate.h"

#include <algorithm>

#include "effects/limits.h"
#include "sim/endings.h"

namespace doze::sim {
namespace {

constexpr std::uint64_t kAmount = 50'000'000;
/// After a disturbance everything comes back on its own within this time.
constexpr std::uint64_t kPatienceMs = 300'000;

struct Run {
  AsyncNetwork network;
  const std::string& offer;
  Checker checker;
  FlowResult result;

  Run(AsyncNetwork made, const std::string& to) : network(std::move(made)), offer(to), checker(*network.world) {}
  [[nodiscard]] World& world() const { return *network.world; }

  bool eventually(const std::function<bool()>& done) const { return world().run_until(done, kPatienceMs); }
  [[nodiscard]] bool usable(std::size_t node, std::size_t count) const {
    if (!world().node(node).running()) return false;
    std::size_t usable = 0;
    for (const auto& [id, channel] : world().node(node).core->channels()) usable += channel.usable ? 1 : 0;
    return usable >= count;
  }
  /// S's only payment as listpayments shows it; null: there is none, or S does not run just now.
  [[nodiscard]] Value payment() const {
    auto reply = world().ask(network.s, command::ListPayments{});
    const auto* value = std::get_if<Value>(&reply);
    if (value == nullptr) return {};
    const auto& rows = std::get<List>(value->find("payments")->inner());
    return rows.empty() ? Value() : rows.front();
  }
  [[nodiscard]] std::string state() const { return text_of(payment(), "state"); }
  /// The app asks, and asks again if the node died before it had written anything down.
  void pay_until_notified() const;
  void sleep_and_wake() const;
  void rest();
};

void Run::pay_until_notified() const {
  std::optional<std::uint64_t> asked_in;  // life of S
  auto end = after_ms(world().now(), kPatienceMs);
  while (world().now() < end) {
    const auto& s = world().node(network.s);
    auto now = state();
    if (now == "notified" || ended(now)) return;
    if (s.running() && now.empty() && asked_in != s.life) {
      asked_in = s.life;
      command::Pay pay;
      pay.offer = offer;
      world().post(network.s, pay);
    }
    world().run_for(100);
  }
}

void Run::sleep_and_wake() const {
  world().stop(network.s);
  world().run_for(500);
  world().stop(network.l);
  world().run_for(500);
  world().start(network.l);
  world().run_for(2'000);
  world().start(network.r);
  auto paid = [&] {
    return world().node(network.r).running() && !checker.htlcs().empty() &&
           std::all_of(checker.htlcs().begin(), checker.htlcs().end(),
                       [](const auto& entry) { return entry.second.fulfilled || entry.second.failed; });
  };
  static_cast<void>(eventually(paid));
  world().run_for(1'000);
  world().start(network.s);
}

void Run::rest() {
  auto done = [&] { return !htlcs_in_flight(world()) && ended(state()); };
  // A node that was killed a moment ago must be back before anything can be said about its channels.
  auto all_run = [&] {
    for (std::size_t i = 0; i < world().nodes(); ++i)
      if (!world().node(i).running()) return false;
    return true;
  };
  for (int tries = 0; tries < 60 && !(all_run() && done()); ++tries) world().run_for(1'000);
  for (int blocks = 0; blocks < kRestBlocks && !done(); ++blocks) {
    world().mine(1);
    world().run_for(3'000);
  }
  world().run_for(2'000);
}

}  // namespace

std::string Disturbance::text(const World& world) const {
  if (cut_after) return "cut after message " + std::to_string(*cut_after);
  if (crash)
    return "crash of " + world.node(crash->node).name + (crash->after ? " after" : " before") + " commit " +
           std::to_string(crash->commit);
  if (blocks != 0) return std::to_string(blocks) + " blocks after message " + std::to_string(blocks_after);
  return "no disturbance";
}

FlowStart flow_start(const AsyncSettings& settings) {
  FlowStart out;
  out.network = set_up(1, settings);
  if (!out.network.trouble.empty()) return out;
  auto offer = make_offer(out.network, Msat(kAmount));
  if (!offer) return out;
  out.offer = *offer;
  out.network.world->run_for(5'000);
  out.network = asleep(std::move(out.network));
  return out;
}

FlowResult run_flow(const FlowStart& start, const Disturbance& disturbance) {
  Run run(copy(start.network), start.offer);
  auto& world = run.world();
  auto& network = run.network;
  auto problem = [&](const std::string& what) { run.result.problems.push_back(disturbance.text(world) + ": " + what); };
  for (std::size_t i = 0; i < world.nodes(); ++i) world.start(i);
  if (!run.eventually([&] {
        return run.usable(network.s, 1) && run.usable(network.r, 1) && run.usable(network.l, 2) &&
               run.usable(network.m, 2);
      })) {
    problem("the channels do not come back");
    return run.result;
  }
  auto before = balances(world);
  world.stop(network.r);
  world.run_for(1'000);

  auto first = world.messages;
  std::vector<std::uint64_t> commits;
  for (std::size_t i = 0; i < world.nodes(); ++i) commits.push_back(world.node(i).commits);
  world.on_message = [&](const WireMessage& message) {
    Fate fate;
    fate.cut_after = disturbance.cut_after && message.number == first + *disturbance.cut_after;
    if (disturbance.blocks != 0 && message.number == first + disturbance.blocks_after)
      world.mine_scattered(disturbance.blocks, 2'000);
    return fate;
  };
  if (disturbance.crash)
    world.crash_at = CrashAt{disturbance.crash->node, commits[disturbance.crash->node] + disturbance.crash->commit,
                             disturbance.crash->after};
  run.pay_until_notified();
  run.sleep_and_wake();
  run.rest();
  auto& result = run.result;
  result.messages = world.messages - first;
  for (std::size_t i = 0; i < world.nodes(); ++i) result.commits.push_back(world.node(i).commits - commits[i]);

  auto payment = run.payment();
  result.settled = text_of(payment, "state") == "settled";
  if (disturbance.blocks == 0 && !result.settled)
    problem("the payment is " + text_of(payment, "state") + ": " + text_of(payment, "failure"));
  if (disturbance.blocks != 0 && !result.settled) {
    auto ending = explain(run.checker, network, payment);
    result.ending = ending.limit;
    if (!ending.confirmed) problem("not a limit: " + text_of(payment, "failure") + ": " + ending.why);
  }
  run.checker.at_rest(before);
  for (const auto& what : run.checker.problems()) problem(what);
  std::uint64_t expected = result.settled ? kAmount : 0;
  if (channel_balance(world.node(network.r)) - before[network.r] != expected) problem("R has not got what was paid");
  if (disturbance.cut_after && *disturbance.cut_after <= result.messages && world.cuts != 1)
    problem("the connection was not cut once");
  if (disturbance.crash && world.crashes != 1) problem("the process did not die once");
  return result;
}

std::vector<Disturbance> disturbances(const FlowStart& start, Where where, std::size_t stride, std::size_t offset) {
  auto plain = run_flow(start, {});
  std::vector<Disturbance> all;
  if (where == Where::Messages)
    for (std::uint64_t n = 1; n <= plain.messages; ++n) all.push_back({n, {}, 0, 0});
  if (where == Where::BeforeCommits || where == Where::AfterCommits)
    for (std::size_t node = 0; node < plain.commits.size(); ++node)
      for (std::uint64_t n = 1; n <= plain.commits[node]; ++n)
        all.push_back({{}, CrashAt{node, n, where == Where::AfterCommits}, 0, 0});
  if (where == Where::Blocks) {
    // S adds at this height: its release deadline, the last moment for R, L's fail-back.
    const auto& config = start.network.node(start.network.s).config;
    auto window = config.hold_window_blocks;
    auto behind =
        kFinalCltvDelta.value() + (start.network.l == start.network.m ? 0 : config.fees.cltv_expiry_delta.value());
    auto fail_back = 1 + window + behind - kFailBackOutgoing.value();
    for (std::uint64_t n = 1; n <= plain.messages; ++n)
      for (std::uint64_t blocks :
           {std::uint32_t{1}, window - kReleaseDeadlineBlocks, 1 + window - kReleaseDeadlineBlocks, window + 1,
            window + 2, fail_back - 1, fail_back, fail_back + 30})
        all.push_back({{}, {}, n, blocks});
  }
  std::vector<Disturbance> out;
  for (auto at = offset; at < all.size(); at += stride) out.push_back(all[at]);
  return out;
}

}  // namespace doze::sim
