// find_route against a search that tries everything, on small random graphs; and every route is walked forwards, as the
// nodes on it would check it.
#include <random>

#include "graph/test/small_graph.h"

namespace doze::graph::test {
namespace {

struct Edge {
  std::uint32_t channel;
  std::uint8_t from, to;
  PolicyText policy;
};

struct World {
  Graph graph;
  std::vector<Edge> edges;
  RouteRequest request;
  std::uint8_t payee = 0;
};

struct Ranges {
  std::uint32_t ppm;        // largest
  std::uint64_t max_fee;    // drawn below
  std::uint32_t max_delta;  // drawn below
  std::uint32_t max_hops;
};

World random_world(std::uint32_t seed, const Ranges& ranges) {
  std::mt19937 random(seed);
  auto below = [&](std::uint64_t n) { return random() % n; };
  World world;
  auto nodes = static_cast<std::uint8_t>(4 + below(3));  // besides ourselves, who are 1
  auto channels = 4 + below(7);
  for (std::uint32_t number = 10; number < 10 + channels; ++number) {
    auto a = static_cast<std::uint8_t>(2 + below(nodes)), b = static_cast<std::uint8_t>(2 + below(nodes));
    if (a == b) continue;
    add_channel(world.graph, number, a, b);
    for (auto [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      PolicyText policy{.fee_base = static_cast<std::uint32_t>(below(3'000)),
                        .ppm = ranges.ppm == 0 ? 0 : static_cast<std::uint32_t>(below(ranges.ppm)),
                        .cltv = static_cast<std::uint16_t>(below(150)),
                        .maximum = below(4) == 0 ? 1'000'000 + below(4'000) : 1'000'000'000,
                        .disabled = below(8) == 0};
      set_policy(world.graph, number, from, to, policy);
      world.edges.push_back({number, from, to, policy});
    }
  }
  auto& request = world.request;
  world.payee = static_cast<std::uint8_t>(2 + below(nodes));
  request.local_node_id = id(1);
  for (std::uint32_t number = 1; number <= 1 + below(2); ++number) {
    request.channels.push_back(local(number, static_cast<std::uint8_t>(2 + below(nodes)), 1'000'000 + below(8'000)));
  }
  request.destination = PlainDestination{id(world.payee), {}};
  request.amount = Msat(1'000'000);
  request.final_cltv_expiry = CltvExpiry(1'000);
  request.max_fee = Msat(below(ranges.max_fee));
  request.max_cltv_expiry = CltvExpiry(1'000 + static_cast<std::uint32_t>(below(ranges.max_delta)));
  request.max_hops = 1 + below(ranges.max_hops);
  request.risk.liquidity_ppm = 0;
  return world;
}

// Least cost over all simple ways from the payee back to a peer, by the definition in pathfind.h; nullopt if there is
// none.
struct Everything {
  const World& world;
  std::optional<std::uint64_t> best;
  std::set<std::uint8_t> visited;

  void visit(std::uint8_t node, std::uint64_t amount, std::uint32_t expiry, std::size_t hops, std::uint64_t cost) {
    const auto& request = world.request;
    if (amount - request.amount.value() > request.max_fee.value()) return;
    if (expiry > request.max_cltv_expiry.value() || hops > request.max_hops) return;
    for (const auto& channel : request.channels) {
      if (channel.peer == id(node) && channel.spendable.value() >= amount) best = std::min(best.value_or(cost), cost);
    }
    visited.insert(node);
    for (const auto& edge : world.edges) {
      if (edge.to != node || visited.contains(edge.from) || edge.policy.disabled || amount > edge.policy.maximum)
        continue;
      auto fee = edge.policy.fee_base + amount * edge.policy.ppm / 1'000'000;
      auto hop = request.risk.hop.value() + request.amount.value() * request.risk.hop_ppm / 1'000'000;
      auto delay = request.amount.value() * request.risk.block_ppb * 1024 / 1'000'000'000 * edge.policy.cltv / 1024;
      visit(edge.from, amount + fee, expiry + edge.policy.cltv, hops + 1, cost + fee + hop + delay);
    }
    visited.erase(node);
  }
};

std::optional<std::uint64_t> least_cost(const World& world) {
  Everything everything{world, std::nullopt, {}};
  everything.visit(world.payee, world.request.amount.value(), world.request.final_cltv_expiry.value(), 1, 0);
  return everything.best;
}

// Walks the route from us to the payee; each forwarding node checks what it would check. Returns the cost.
std::uint64_t walk(const World& world, const Route& route) {
  const auto& request = world.request;
  const auto& first = request.channels.at(route.channel);
  EXPECT_FALSE(route.hops.empty());
  EXPECT_EQ(route.hops[0].node_id, first.peer);
  EXPECT_EQ(route.hops[0].incoming, first.scid);
  EXPECT_LE(route.amount_msat, first.spendable);
  EXPECT_EQ(route.amount_msat, route.hops[0].amount_msat);
  EXPECT_EQ(route.cltv_expiry, route.hops[0].cltv_expiry);
  EXPECT_EQ(route.fee, route.amount_msat - request.amount);
  EXPECT_LE(route.fee, request.max_fee);
  EXPECT_LE(route.cltv_expiry, request.max_cltv_expiry);
  EXPECT_LE(route.hops.size(), request.max_hops);
  std::uint64_t cost = 0;
  for (std::size_t i = 0; i + 1 < route.hops.size(); ++i) {
    const auto &here = route.hops[i], &next = route.hops[i + 1];
    EXPECT_EQ(here.short_channel_id, next.incoming);
    EXPECT_EQ(here.amt_to_forward, next.amount_msat);
    EXPECT_EQ(here.outgoing_cltv_value, next.cltv_expiry);
    const Edge* used = nullptr;
    for (const auto& edge : world.edges) {
      if (scid(edge.channel) == next.incoming && id(edge.from) == here.node_id) used = &edge;
    }
    if (used == nullptr || id(used->to) != next.node_id || used->policy.disabled) {
      ADD_FAILURE() << "hop " << i << " does not exist";
      return 0;
    }
    auto forward = here.amt_to_forward.value();
    auto fee = used->policy.fee_base + forward * used->policy.ppm / 1'000'000;
    EXPECT_EQ(here.amount_msat.value(), forward + fee);
    EXPECT_EQ(here.cltv_expiry.value(), here.outgoing_cltv_value.value() + used->policy.cltv);
    EXPECT_LE(forward, used->policy.maximum);
    cost += fee + request.risk.hop.value() + request.amount.value() * request.risk.hop_ppm / 1'000'000 +
            request.amount.value() * request.risk.block_ppb * 1024 / 1'000'000'000 * used->policy.cltv / 1024;
  }
  const auto& last = route.hops.back();
  EXPECT_EQ(last.node_id, id(world.payee));
  EXPECT_EQ(last.amount_msat, request.amount);
  EXPECT_EQ(last.cltv_expiry, request.final_cltv_expiry);
  EXPECT_EQ(last.amt_to_forward, request.amount);
  EXPECT_EQ(last.outgoing_cltv_value, request.final_cltv_expiry);
  return cost;
}

struct Tally {
  int found = 0, missing = 0;
};

Tally compare(const Ranges& ranges) {
  Tally tally;
  for (std::uint32_t seed = 0; seed < 4'000; ++seed) {
    auto world = random_world(seed, ranges);
    auto expected = least_cost(world);
    auto route = find_route(world.graph, world.request);
    EXPECT_EQ(route.has_value(), expected.has_value()) << "seed " << seed;
    if (route.has_value() != expected.has_value()) break;
    if (!route) {
      ++tally.missing;
      continue;
    }
    ++tally.found;
    auto cost = walk(world, *route);
    EXPECT_GE(cost, *expected) << "seed " << seed;
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "seed " << seed;
      break;
    }
  }
  return tally;
}

TEST(FindRouteAgainstEverything, is_cheapest_where_limits_do_not_bind_and_fees_are_fixed) {
  for (std::uint32_t seed = 0; seed < 4'000; ++seed) {
    auto world = random_world(seed, {.ppm = 0, .max_fee = 1, .max_delta = 1, .max_hops = 1});
    world.request.max_fee = Msat(1'000'000);
    world.request.max_cltv_expiry = CltvExpiry(10'000);
    world.request.max_hops = 20;
    for (auto& channel : world.request.channels) channel.spendable = Msat(10'000'000);
    for (auto& edge : world.edges) edge.policy.maximum = 1'000'000'000;
    Graph graph;
    std::set<std::uint32_t> known;
    for (const auto& edge : world.edges) {
      if (known.insert(edge.channel).second) add_channel(graph, edge.channel, edge.from, edge.to);
      set_policy(graph, edge.channel, edge.from, edge.to, edge.policy);
    }
    world.graph = graph;
    auto expected = least_cost(world);
    auto route = find_route(world.graph, world.request);
    ASSERT_EQ(route.has_value(), expected.has_value()) << "seed " << seed;
    if (route) {
      ASSERT_EQ(walk(world, *route), *expected) << "seed " << seed;
    }
  }
}

TEST(FindRouteAgainstEverything, finds_a_way_exactly_where_there_is_one_within_tight_limits) {
  auto tally = compare({.ppm = 2'000, .max_fee = 9'000, .max_delta = 400, .max_hops = 6});
  EXPECT_GT(tally.found, 500);
  EXPECT_GT(tally.missing, 500);
}

TEST(FindRouteAgainstEverything, equal_requests_give_equal_routes) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Ranges ranges{.ppm = 2'000, .max_fee = 9'000, .max_delta = 400, .max_hops = 6};
    auto one = random_world(seed, ranges), two = random_world(seed, ranges);
    auto first = find_route(one.graph, one.request), second = find_route(two.graph, two.request);
    ASSERT_EQ(first.has_value(), second.has_value());
    if (first) {
      EXPECT_EQ(*first, *second);
    } else {
      EXPECT_EQ(first.error(), second.error());
    }
  }
}

}  // namespace
}  // namespace doze::graph::test
