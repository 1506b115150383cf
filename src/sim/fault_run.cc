#include "sim/fault_run.h"

#include <algorithm>
#include <set>

#include "sim/endings.h"
#include "sim/timeline.h"

namespace doze::sim {
namespace {

List rows_of(World& world, std::size_t node, command::Command command, std::string_view name) {
  auto reply = world.ask(node, std::move(command));
  const auto* value = std::get_if<Value>(&reply);
  const auto* list = value == nullptr ? nullptr : value->find(name);
  return list == nullptr ? List{} : std::get<List>(list->inner());
}

Faults random_faults(SeededRng& chance) {
  Faults faults;
  auto upto = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(chance.below(limit)); };
  faults.cut = upto(300);
  faults.crash_before_commit = upto(100);
  faults.crash_after_commit = upto(100);
  // Onion messages: a third of the runs has a postman who is quite unreliable.
  std::uint32_t worst = chance.below(3) == 0 ? 5'000 : 1'500;
  faults.onion_lost = upto(worst);
  faults.onion_repeated = upto(worst);
  faults.onion_delayed = upto(worst);
  faults.onion_replayed = upto(worst);
  faults.block = chance.below(2) == 0 ? upto(400) : 0;
  if (chance.below(4) == 0) faults.restart_ms = 60'000;
  faults.lazy_commits = chance.below(2) == 0;
  return faults;
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
  Timeline timeline(world, result.story);
  auto tell = [&](const std::string& line) { timeline.tell(line); };
  auto problem = [&](std::string what) { result.problems.push_back(std::move(what)); };
  if (!network.trouble.empty()) {
    problem("set-up: " + network.trouble);
    return result;
  }
  // A quarter is so small that the HTLC is trimmed from the commitments.
  auto amount = chance.below(4) == 0 ? Msat(1'000 + chance.below(500'000)) : Msat(1'000'000 + chance.below(40'000'000));
  auto offer = make_offer(network, amount);
  if (!offer) {
    problem("no offer: " + network.trouble);
    return result;
  }
  auto before = balances(world);
  tell(std::string("profile ") + name(settings.profile) + (settings.same_lsp ? ", one LSP" : "") +
       (settings.anchors ? "" : ", static_remotekey"));
  world.stop(network.r);
  Checker checker(world);

  // ---- faults ----
  world.faults = random_faults(chance);
  auto count = 1 + chance.below(chance.below(4) == 0 ? 8 : 3);
  for (std::uint64_t i = 0; i < count; ++i) {
    command::Pay pay;
    pay.offer = *offer;
    if (world.node(network.s).running()) world.post(network.s, pay);
    world.run_for(chance.below(8'000));
    if (chance.below(3) == 0) world.mine(1 + chance.below(3));
    if (chance.below(6) == 0) {
      auto depth = 1 + chance.below(3);
      world.reorganise(depth, depth + chance.below(2));
      tell("a reorganisation of " + std::to_string(depth) + " blocks");
    }
  }
  world.run_for(chance.below(20'000));
  bool payer_sleeps = chance.below(2) == 0;
  if (payer_sleeps) {
    world.stop(network.s);
    tell("S sleeps");
  }
  world.run_for(chance.below(10'000));
  // Mostly a nap; sometimes as long as the hold window, so that deadlines pass while everything is in motion.
  auto nap = chance.below(4) == 0 ? 60 + chance.below(110) : chance.below(30);
  for (std::uint64_t mined = 0; mined < nap; ++mined) world.mine(1);
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
  List payments;
  for (int blocks = 0;; ++blocks) {
    payments = rows_of(world, network.s, command::ListPayments{{command::kMaxPageRows, {}}}, "payments");
    bool all =
        std::all_of(payments.begin(), payments.end(), [](const Value& row) { return ended(text_in(row, "state")); });
    if (all && !htlcs_in_flight(world)) break;
    if (blocks == kRestBlocks) {
      problem(all ? "an HTLC is still in flight after all payments ended" : "a payment has not ended");
      break;
    }
    world.mine(1);
    world.run_for(3'000);
  }
  result.payments = payments.size();
  std::uint64_t spent = 0, received = 0;
  for (const auto& row : payments) {
    auto name = "payment " + text_in(row, "payment_id").substr(0, 8) + " ";
    if (text_in(row, "state") == "settled") {
      ++result.settled;
      spent += number_in(row, "amount_msat") + number_in(row, "fee_msat");
      received += number_in(row, "amount_msat");
      tell(name + "settled");
      continue;
    }
    auto ending = explain(checker, network, row);
    tell(name + text_in(row, "state") + ": " + text_in(row, "failure") + " (" + ending.why + ")");
    ++result.endings[ending.limit];
    if (!ending.confirmed) problem(name + text_in(row, "state") + ": " + text_in(row, "failure") + ": " + ending.why);
  }
  checker.at_rest(before);
  for (const auto& what : checker.problems()) problem(what);
  auto after = balances(world);
  auto paid = static_cast<std::int64_t>(before[network.s] - after[network.s]);
  if (paid != static_cast<std::int64_t>(spent))
    problem("S says it paid " + std::to_string(spent) + " msat, its balance says " + std::to_string(paid));
  auto got = static_cast<std::int64_t>(after[network.r] - before[network.r]);
  if (got != static_cast<std::int64_t>(received))
    problem("R got " + std::to_string(got) + " msat, the settled payments are " + std::to_string(received));
  for (auto index : std::set{network.l, network.m}) {
    std::uint64_t fees = 0;
    for (const auto& row : rows_of(world, index, command::ListForwards{{command::kMaxPageRows, {}}}, "forwards"))
      if (text_in(row, "state") == "settled") fees += number_in(row, "fee_msat");
    auto gained = static_cast<std::int64_t>(after[index] - before[index]);
    if (gained != static_cast<std::int64_t>(fees))
      problem(world.node(index).name + " lists fees of " + std::to_string(fees) + " msat, its balances say " +
              std::to_string(gained));
  }
  tell(std::to_string(world.crashes) + " crashes, " + std::to_string(world.cuts) +
       " cuts, onion messages: " + std::to_string(world.lost) + " lost, " + std::to_string(world.repeated) +
       " repeated, " + std::to_string(world.delayed) + " delayed, " + std::to_string(world.replayed) + " replayed; " +
       std::to_string(world.steps) + " steps, height " + std::to_string(world.chain.height().value()));
  result.trace_hash = world.trace_hash();
  return result;
}

}  // namespace doze::sim
