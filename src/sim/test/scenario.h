// What the tests of ways that a payment can go share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/async_network.h"
#include "sim/checker.h"

namespace doze::sim {

inline constexpr std::uint64_t kAmount = 50'000'000;

/// One network, an offer of 50,000 sat, and questions that read well.
class Scenario : public ::testing::Test {
 protected:
  AsyncNetwork network;
  std::string offer;
  std::uint64_t s_before = 0, r_before = 0;

  void prepare(const AsyncSettings& settings = {}) {
    network = set_up(7, settings);
    ASSERT_EQ(network.trouble, "");
    auto made = make_offer(network, Msat(kAmount));
    ASSERT_TRUE(made) << network.trouble;
    offer = *made;
    s_before = channel_balance(world().node(network.s));
    r_before = channel_balance(world().node(network.r));
  }
  World& world() { return *network.world; }
  std::variant<Value, CommandError> pay(std::optional<bool> hold = std::nullopt) {
    command::Pay wanted;
    wanted.offer = offer;
    wanted.hold = hold;
    return world().ask(network.s, wanted);
  }
  std::string state(const std::string& id) {
    return text_of(world().ask(network.s, command::GetPayment{*PaymentId::from(hex(id))}), "state");
  }
  bool becomes(const std::string& id, const std::string& wanted, std::uint64_t ms = 60'000) {
    for (std::uint64_t waited = 0; waited < ms; waited += 500) {
      if (state(id) == wanted) return true;
      world().run_for(500);
    }
    return false;
  }
  std::uint64_t spent() { return s_before - channel_balance(world().node(network.s)); }
  std::uint64_t received() { return channel_balance(world().node(network.r)) - r_before; }
  Value payment(const std::string& id) {
    auto reply = world().ask(network.s, command::GetPayment{*PaymentId::from(hex(id))});
    return std::get<Value>(reply);
  }
  /// Pays and sees the HTLC held; the recipient sleeps.
  std::string held_payment() {
    auto paid = pay();
    EXPECT_EQ(error_of(paid), "");
    EXPECT_EQ(text_of(paid, "state"), "notified");
    return text_of(paid, "payment_id");
  }
  List holds() {
    auto reply = world().ask(network.l, command::ListHolds{});
    const auto* value = std::get_if<Value>(&reply);
    return value == nullptr ? List{} : std::get<List>(value->find("holds")->inner());
  }
  std::string state_of_hold() {
    auto list = holds();
    return list.size() == 1 ? text_of(list.front(), "state") : std::to_string(list.size()) + " holds";
  }
  std::size_t count(std::size_t node, Event event) {
    const auto& log = world().node(node).log;
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const Notify& notify) { return notify.event == event; }));
  }
  void mine_to(std::uint64_t height) {
    while (world().chain.height().value() < height) world().mine(1);
  }
  void restart(std::size_t node) {
    world().stop(node);
    world().run_for(1'000);
    world().start(node);
    world().run_for(3'000);
  }
  /// Nothing is open, nothing was offered twice, everybody has what the settled HTLCs give.
  void expect_clean_rest(Checker& checker, const std::vector<std::uint64_t>& before) {
    EXPECT_TRUE(world().run_until([&] { return !htlcs_in_flight(world()); }, 60'000));
    world().run_for(3'000);
    checker.at_rest(before);
    EXPECT_EQ(checker.problems(), std::vector<std::string>{});
  }
  bool all_open() {
    for (std::size_t i = 0; i < world().nodes(); ++i)
      for (const auto& [id, channel] : world().node(i).core->channels())
        if (channel.phase != ChannelPhase::Normal) return false;
    return true;
  }
};

}  // namespace doze::sim
