#include "graph/pathfind.h"

#include "graph/search.h"
#include "graph/test/small_graph.h"

namespace doze::graph::test {
namespace {

constexpr std::uint32_t kFinal = 900'060;

// We are node 1; the channel to `peer` is not part of the graph unless a test adds it.
RouteRequest request(std::uint64_t amount, std::vector<LocalChannel> channels, std::uint8_t payee) {
  RouteRequest out;
  out.local_node_id = id(1);
  out.channels = std::move(channels);
  out.destination = PlainDestination{id(payee), {}};
  out.amount = Msat(amount);
  out.final_cltv_expiry = CltvExpiry(kFinal);
  out.max_fee = Msat(amount);
  out.max_cltv_expiry = CltvExpiry(kFinal + 1'000);
  return out;
}

RouteRequest blinded_request(std::uint64_t amount, std::vector<LocalChannel> channels,
                             std::vector<BlindedDestination> paths) {
  auto out = request(amount, std::move(channels), 0);
  out.destination = std::move(paths);
  return out;
}

wire::BlindedPayInfo payinfo(std::uint32_t base, std::uint32_t ppm, std::uint16_t cltv, std::uint64_t minimum = 0,
                             std::uint64_t maximum = 1'000'000'000) {
  return {base, ppm, cltv, Msat(minimum), Msat(maximum), {}};
}

RouteFailure failure(const Result<Route, RouteFailure>& result) {
  EXPECT_FALSE(result.has_value());
  return result.has_value() ? RouteFailure{RouteFailureCode::NoPath} : result.error();
}

TEST(ForwardingFee, is_rounded_down_and_exact_for_large_amounts) {
  EXPECT_EQ(forwarding_fee(Msat(4'999'999), Msat(200), 2'000), Msat(10'199));
  EXPECT_EQ(forwarding_fee(Msat(999'999), Msat(0), 1), Msat(0));
  EXPECT_EQ(forwarding_fee(Msat(1'000'000), Msat(0), 1), Msat(1));
  EXPECT_EQ(forwarding_fee(Msat::max_money(), Msat(0), 1'000'000), Msat::max_money());
  EXPECT_EQ(forwarding_fee(Msat::max_money(), Msat(0), UINT32_MAX), std::nullopt);
}

// The square of BOLT 7, "Routing Example": A = 1, B = 2, C = 3, D = 4; final expiry = height + 18 + 42.
Graph square() {
  Graph graph;
  const PolicyText policies[] = {{},
                                 {.fee_base = 100, .ppm = 1'000, .cltv = 10},
                                 {.fee_base = 200, .ppm = 2'000, .cltv = 20},
                                 {.fee_base = 300, .ppm = 3'000, .cltv = 30},
                                 {.fee_base = 400, .ppm = 4'000, .cltv = 40}};
  const std::uint8_t sides[][2] = {{1, 2}, {1, 4}, {2, 3}, {4, 3}};
  std::uint32_t number = 10;
  for (const auto& [a, b] : sides) {
    add_channel(graph, number, a, b);
    set_policy(graph, number, a, b, policies[a]);
    set_policy(graph, number, b, a, policies[b]);
    ++number;
  }
  return graph;
}

TEST(FindRoute, a_direct_payment_has_no_fee_and_no_delta) {
  auto graph = square();
  auto route = find_route(graph, request(4'999'999, {local(10, 2)}, 2));
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->fee, Msat(0));
  EXPECT_EQ(route->cltv_expiry, CltvExpiry(kFinal));
  RouteHop only{id(2),        scid(10),        Msat(4'999'999),   CltvExpiry(kFinal),
                std::nullopt, Msat(4'999'999), CltvExpiry(kFinal)};
  EXPECT_EQ(route->hops, std::vector{only});
}

TEST(FindRoute, example_over_b_has_the_amounts_of_bolt_7) {
  auto graph = square();
  auto route = find_route(graph, request(4'999'999, {local(10, 2), local(11, 4)}, 3));
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->channel, 0u);
  EXPECT_EQ(route->amount_msat, Msat(5'010'198));
  EXPECT_EQ(route->fee, Msat(10'199));
  EXPECT_EQ(route->cltv_expiry, CltvExpiry(kFinal + 20));
  RouteHop b{id(2), scid(10), Msat(5'010'198), CltvExpiry(kFinal + 20), scid(12), Msat(4'999'999), CltvExpiry(kFinal)};
  RouteHop c{id(3), scid(12), Msat(4'999'999), CltvExpiry(kFinal), std::nullopt, Msat(4'999'999), CltvExpiry(kFinal)};
  EXPECT_EQ(route->hops, (std::vector{b, c}));
}

TEST(FindRoute, example_over_d_has_the_amounts_of_bolt_7) {
  auto graph = square();
  auto asked = request(4'999'999, {local(10, 2), local(11, 4)}, 3);
  asked.only_channels = std::set{scid(11)};
  auto route = find_route(graph, asked);
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->channel, 1u);
  EXPECT_EQ(route->amount_msat, Msat(5'020'398));
  EXPECT_EQ(route->cltv_expiry, CltvExpiry(kFinal + 40));
}

TEST(FindRoute, three_hops_pay_fees_on_fees) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 1'000, .ppm = 10'000, .cltv = 34});
  connect(graph, 11, 3, 4, {.fee_base = 2'000, .ppm = 20'000, .cltv = 80});
  auto route = find_route(graph, request(1'000'001, {local(1, 2)}, 4));
  ASSERT_TRUE(route.has_value());
  // 3 forwards 1,000,001: 2,000 + 20,000.02. 2 forwards 1,022,001: 1,000 + 10,220.01.
  ASSERT_EQ(route->hops.size(), 3u);
  EXPECT_EQ(route->hops[2].amount_msat, Msat(1'000'001));
  EXPECT_EQ(route->hops[1].amount_msat, Msat(1'022'001));
  EXPECT_EQ(route->hops[0].amount_msat, Msat(1'033'221));
  EXPECT_EQ(route->hops[2].cltv_expiry, CltvExpiry(kFinal));
  EXPECT_EQ(route->hops[1].cltv_expiry, CltvExpiry(kFinal + 80));
  EXPECT_EQ(route->hops[0].cltv_expiry, CltvExpiry(kFinal + 114));
  EXPECT_EQ(route->hops[0].amt_to_forward, route->hops[1].amount_msat);
  EXPECT_EQ(route->hops[0].outgoing_cltv_value, route->hops[1].cltv_expiry);
}

TEST(FindRoute, a_blinded_path_adds_its_fee_and_its_whole_delta) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 500, .ppm = 100, .cltv = 40});
  BlindedDestination path{id(3), payinfo(1'000, 5'000, 114)};
  auto route = find_route(graph, blinded_request(2'000'000, {local(1, 2)}, {path}));
  ASSERT_TRUE(route.has_value());
  ASSERT_EQ(route->hops.size(), 2u);
  EXPECT_EQ(route->blinded, 0u);
  const auto& introduction = route->hops[1];
  EXPECT_EQ(introduction.node_id, id(3));
  EXPECT_EQ(introduction.amount_msat, Msat(2'011'000));
  EXPECT_EQ(introduction.cltv_expiry, CltvExpiry(kFinal + 114));
  EXPECT_EQ(introduction.short_channel_id, std::nullopt);
  EXPECT_EQ(introduction.amt_to_forward, Msat(2'000'000));
  EXPECT_EQ(introduction.outgoing_cltv_value, CltvExpiry(kFinal));
  EXPECT_EQ(route->amount_msat, Msat(2'011'701));
  EXPECT_EQ(route->fee, Msat(11'701));
  EXPECT_EQ(route->cltv_expiry, CltvExpiry(kFinal + 154));
}

TEST(FindRoute, the_introduction_node_may_be_a_peer_that_the_graph_does_not_know) {
  Graph graph;
  auto route = find_route(graph, blinded_request(1'000, {local(1, 2)}, {{id(2), payinfo(7, 0, 50)}}));
  ASSERT_TRUE(route.has_value());
  ASSERT_EQ(route->hops.size(), 1u);
  EXPECT_EQ(route->hops[0].node_id, id(2));
  EXPECT_EQ(route->amount_msat, Msat(1'007));
  EXPECT_EQ(route->cltv_expiry, CltvExpiry(kFinal + 50));
}

TEST(FindRoute, the_introduction_node_may_be_named_by_a_channel) {
  Graph graph;
  connect(graph, 10, 2, 3, {});
  auto by_graph =
      find_route(graph, blinded_request(1'000, {local(1, 2)}, {{wire::ScidDir{1, scid(10)}, payinfo(0, 0, 9)}}));
  ASSERT_TRUE(by_graph.has_value());
  EXPECT_EQ(by_graph->hops.back().node_id, id(3));
  // By a channel of our own: we are 1, so direction 1 is the peer, 0 ourselves.
  auto peer = find_route(graph, blinded_request(1'000, {local(1, 2)}, {{wire::ScidDir{1, scid(1)}, payinfo(0, 0, 9)}}));
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->hops.back().node_id, id(2));
  auto us = find_route(graph, blinded_request(1'000, {local(1, 2)}, {{wire::ScidDir{0, scid(1)}, payinfo(0, 0, 9)}}));
  EXPECT_EQ(failure(us).code, RouteFailureCode::IntroductionIsUs);
  auto unknown =
      find_route(graph, blinded_request(1'000, {local(1, 2)}, {{wire::ScidDir{0, scid(99)}, payinfo(0, 0, 9)}}));
  EXPECT_EQ(failure(unknown).code, RouteFailureCode::DestinationUnknown);
}

TEST(FindRoute, the_cheapest_blinded_path_is_taken) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 1, .cltv = 10});
  connect(graph, 11, 2, 4, {.fee_base = 1, .cltv = 10});
  std::vector<BlindedDestination> paths{
      {id(3), payinfo(500, 0, 100)}, {id(4), payinfo(400, 0, 100)}, {id(77), payinfo(0, 0, 100)}};
  auto route = find_route(graph, blinded_request(100'000, {local(1, 2)}, paths));
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->blinded, 1u);
  EXPECT_EQ(route->fee, Msat(401));
}

// [B12-invread-12]
TEST(FindRoute, of_equal_blinded_paths_the_first_is_taken) {
  Graph graph;
  auto taken = [&](std::vector<BlindedDestination> paths) {
    return find_route(graph, blinded_request(100'000, {local(1, 2), local(2, 3)}, std::move(paths)))->blinded;
  };
  EXPECT_EQ(taken({{id(2), payinfo(7, 0, 10)}, {id(2), payinfo(7, 0, 10)}}), 0u);
  EXPECT_EQ(taken({{id(2), payinfo(7, 0, 10)}, {id(3), payinfo(7, 0, 10)}}), 0u);
  EXPECT_EQ(taken({{id(3), payinfo(7, 0, 10)}, {id(2), payinfo(7, 0, 10)}}), 0u);
  EXPECT_EQ(taken({{id(3), payinfo(8, 0, 10)}, {id(2), payinfo(7, 0, 10)}}), 1u);
}

TEST(FindRoute, limits_of_blinded_paths_are_kept) {
  Graph graph;
  auto asked = [&](std::uint64_t amount) {
    return find_route(
        graph, blinded_request(amount, {local(1, 2)},
                               {{id(2), payinfo(0, 0, 10, 1'000, 2'000)}, {id(2), payinfo(0, 0, 10, 800, 1'500)}}));
  };
  EXPECT_EQ(failure(asked(799)), (RouteFailure{RouteFailureCode::AmountBelowMinimum, 800, 799}));
  EXPECT_EQ(asked(800)->blinded, 1u);
  EXPECT_EQ(asked(1'501)->blinded, 0u);
  EXPECT_EQ(failure(asked(2'001)), (RouteFailure{RouteFailureCode::AmountAboveMaximum, 2'001, 2'000}));
}

TEST(FindRoute, blinded_paths_with_unknown_even_features_are_not_used) {
  Graph graph;
  auto odd = payinfo(0, 0, 10), even = odd;
  odd.features = {0x02};
  even.features = {0x01};
  EXPECT_TRUE(find_route(graph, blinded_request(1'000, {local(1, 2)}, {{id(2), odd}})).has_value());
  EXPECT_EQ(failure(find_route(graph, blinded_request(1'000, {local(1, 2)}, {{id(2), even}}))).code,
            RouteFailureCode::DestinationFeatures);
}

TEST(FindRoute, a_route_hint_leads_to_an_unannounced_payee) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 10, .cltv = 5});
  auto asked = request(1'000'000, {local(1, 2)}, 9);
  EXPECT_EQ(failure(find_route(graph, asked)).code, RouteFailureCode::NoPath);
  PlainDestination payee{
      id(9), {{{id(3), scid(50), Msat(100), 1'000, CltvDelta(20)}, {id(8), scid(51), Msat(200), 0, CltvDelta(30)}}}};
  asked.destination = payee;
  auto route = find_route(graph, asked);
  ASSERT_TRUE(route.has_value());
  ASSERT_EQ(route->hops.size(), 4u);
  RouteHop last{id(9),        scid(51),        Msat(1'000'000),   CltvExpiry(kFinal),
                std::nullopt, Msat(1'000'000), CltvExpiry(kFinal)};
  RouteHop third{id(8),    scid(50),        Msat(1'000'200),   CltvExpiry(kFinal + 30),
                 scid(51), Msat(1'000'000), CltvExpiry(kFinal)};
  RouteHop second{id(3),    scid(10),        Msat(1'001'300),        CltvExpiry(kFinal + 50),
                  scid(50), Msat(1'000'200), CltvExpiry(kFinal + 30)};
  EXPECT_EQ(route->hops[3], last);
  EXPECT_EQ(route->hops[2], third);
  EXPECT_EQ(route->hops[1], second);
  EXPECT_EQ(route->hops[0].amount_msat, Msat(1'001'310));
  EXPECT_EQ(route->hops[0].cltv_expiry, CltvExpiry(kFinal + 55));
}

TEST(FindRoute, without_a_usable_channel_it_says_so) {
  auto graph = square();
  EXPECT_EQ(failure(find_route(graph, request(1'000, {}, 3))).code, RouteFailureCode::NoUsableChannel);
  auto asked = request(1'000, {local(10, 2)}, 3);
  asked.only_channels = std::set{scid(99)};
  EXPECT_EQ(failure(find_route(graph, asked)).code, RouteFailureCode::NoUsableChannel);
}

TEST(FindRoute, a_balance_that_is_too_small_is_named_with_both_numbers) {
  auto graph = square();
  EXPECT_EQ(failure(find_route(graph, request(1'000'000, {local(10, 2, 999'999), local(11, 4, 5)}, 2))),
            (RouteFailure{RouteFailureCode::InsufficientBalance, 1'000'000, 999'999}));
  // Enough for the amount, not for the fee on top: 200 + 2000 ppm.
  EXPECT_EQ(failure(find_route(graph, request(1'000'000, {local(10, 2, 1'002'199)}, 3))),
            (RouteFailure{RouteFailureCode::InsufficientBalance, 1'002'200, 1'002'199}));
  EXPECT_TRUE(find_route(graph, request(1'000'000, {local(10, 2, 1'002'200)}, 3)).has_value());
}

TEST(FindRoute, the_fee_limit_is_exact) {
  auto graph = square();
  auto asked = request(1'000'000, {local(10, 2)}, 3);
  asked.max_fee = Msat(2'200);
  EXPECT_TRUE(find_route(graph, asked).has_value());
  asked.max_fee = Msat(2'199);
  EXPECT_EQ(failure(find_route(graph, asked)), (RouteFailure{RouteFailureCode::FeeTooHigh, 2'200, 2'199}));
}

TEST(FindRoute, the_fee_of_a_blinded_path_counts_against_the_limit) {
  Graph graph;
  auto asked = blinded_request(1'000'000, {local(1, 2)}, {{id(2), payinfo(1'000, 1'000, 10)}});
  asked.max_fee = Msat(1'999);
  EXPECT_EQ(failure(find_route(graph, asked)), (RouteFailure{RouteFailureCode::FeeTooHigh, 2'000, 1'999}));
}

TEST(FindRoute, the_expiry_limit_is_exact) {
  auto graph = square();
  auto asked = request(1'000'000, {local(10, 2)}, 3);
  asked.max_cltv_expiry = CltvExpiry(kFinal + 20);
  EXPECT_TRUE(find_route(graph, asked).has_value());
  asked.max_cltv_expiry = CltvExpiry(kFinal + 19);
  EXPECT_EQ(failure(find_route(graph, asked)), (RouteFailure{RouteFailureCode::CltvTooFar, kFinal + 20, kFinal + 19}));
  asked.max_cltv_expiry = CltvExpiry(kFinal - 1);
  EXPECT_EQ(failure(find_route(graph, asked)), (RouteFailure{RouteFailureCode::CltvTooFar, kFinal, kFinal - 1}));
  auto blinded = blinded_request(1'000, {local(1, 2)}, {{id(2), payinfo(0, 0, 100)}});
  blinded.max_cltv_expiry = CltvExpiry(kFinal + 99);
  EXPECT_EQ(failure(find_route(graph, blinded)),
            (RouteFailure{RouteFailureCode::CltvTooFar, kFinal + 100, kFinal + 99}));
}

TEST(FindRoute, the_hop_limit_is_exact) {
  Graph graph;
  for (std::uint8_t i = 2; i < 22; ++i) connect(graph, i, i, static_cast<std::uint8_t>(i + 1), {.cltv = 1});
  auto asked = request(1'000'000, {local(1, 2)}, 21);
  EXPECT_EQ(find_route(graph, asked)->hops.size(), kMaxRouteHops);
  asked.destination = PlainDestination{id(22), {}};
  EXPECT_EQ(failure(find_route(graph, asked)), (RouteFailure{RouteFailureCode::TooManyHops, 21, 20}));
  asked.destination = PlainDestination{id(4), {}};
  asked.max_hops = 3;
  EXPECT_TRUE(find_route(graph, asked).has_value());
  asked.max_hops = 2;
  EXPECT_EQ(failure(find_route(graph, asked)), (RouteFailure{RouteFailureCode::TooManyHops, 3, 2}));
}

TEST(FindRoute, a_dearer_way_is_taken_when_the_cheap_one_is_too_slow) {
  Graph graph;
  // 2 -> 3 -> 4: the hop from 3 to 4 is cheap and slow on channel 11, dear and quick on channel 12.
  connect(graph, 10, 2, 3, {.fee_base = 1, .cltv = 10});
  connect(graph, 11, 3, 4, {.fee_base = 1, .cltv = 300});
  connect(graph, 12, 3, 4, {.fee_base = 5'000, .cltv = 10});
  auto asked = request(100'000, {local(1, 2)}, 4);
  EXPECT_EQ(find_route(graph, asked)->hops[2].incoming, scid(11));
  asked.max_cltv_expiry = CltvExpiry(kFinal + 305);
  auto quick = find_route(graph, asked);
  ASSERT_TRUE(quick.has_value());
  EXPECT_EQ(quick->hops[2].incoming, scid(12));
  EXPECT_EQ(quick->fee, Msat(5'001));
}

TEST(FindRoute, risk_prefers_fewer_hops_and_less_delay_at_equal_fees) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 10, .cltv = 10});
  connect(graph, 11, 2, 4, {.fee_base = 5, .cltv = 5});
  connect(graph, 12, 4, 3, {.fee_base = 5, .cltv = 5});
  EXPECT_EQ(find_route(graph, request(1'000, {local(1, 2)}, 3))->hops.size(), 2u);
  connect(graph, 13, 2, 3, {.fee_base = 10, .cltv = 9});
  auto large = request(100'000'000, {local(1, 2)}, 3);
  EXPECT_EQ(find_route(graph, large)->hops[1].incoming, scid(13));
}

TEST(FindRoute, risk_prefers_channels_with_more_room) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 10, .maximum = 1'000'000});
  connect(graph, 11, 2, 3, {.fee_base = 10, .maximum = 900'000'000});
  EXPECT_EQ(find_route(graph, request(1'000'000, {local(1, 2)}, 3))->hops[1].incoming, scid(11));
}

TEST(FindRoute, ties_go_to_the_smaller_scid_in_whatever_order_gossip_came) {
  for (bool reversed : {false, true}) {
    Graph graph;
    connect(graph, reversed ? 12 : 11, 2, 3, {.fee_base = 10, .cltv = 10});
    connect(graph, reversed ? 11 : 12, 2, 3, {.fee_base = 10, .cltv = 10});
    auto route = find_route(graph, request(1'000, {local(6, 2), local(5, 2)}, 3));
    ASSERT_TRUE(route.has_value());
    EXPECT_EQ(route->hops[1].incoming, scid(11));
    EXPECT_EQ(route->hops[0].incoming, scid(5));
    EXPECT_EQ(route->channel, 1u);
  }
}

TEST(FindRoute, htlc_minimum_and_maximum_hold_for_the_amount_that_crosses) {
  Graph graph;
  add_channel(graph, 10, 2, 3);
  add_channel(graph, 11, 3, 4);
  set_policy(graph, 10, 2, 3, {.fee_base = 0, .maximum = 1'000'010});
  set_policy(graph, 11, 3, 4, {.fee_base = 10, .minimum = 1'000});
  EXPECT_TRUE(find_route(graph, request(1'000'000, {local(1, 2)}, 4)).has_value());
  // With 3's fee the first channel would have to carry 1,000,011.
  EXPECT_EQ(failure(find_route(graph, request(1'000'001, {local(1, 2)}, 4))).code, RouteFailureCode::NoPath);
  EXPECT_TRUE(find_route(graph, request(1'000, {local(1, 2)}, 4)).has_value());
  EXPECT_EQ(failure(find_route(graph, request(999, {local(1, 2)}, 4))).code, RouteFailureCode::NoPath);
}

TEST(FindRoute, the_peers_minimum_holds_for_our_own_channel) {
  Graph graph;
  auto channel = local(1, 2);
  channel.htlc_minimum = Msat(1'000);
  EXPECT_TRUE(find_route(graph, request(1'000, {channel}, 2)).has_value());
  EXPECT_EQ(failure(find_route(graph, request(999, {channel}, 2))).code, RouteFailureCode::NoPath);
}

TEST(FindRoute, avoided_directions_and_nodes_are_left_out) {
  auto graph = square();
  std::vector<LocalChannel> channels{local(10, 2), local(11, 4)};
  auto asked = request(1'000'000, channels, 3);
  asked.avoid = {{scid(12), 0, Msat(0)}};  // 2 -> 3
  EXPECT_EQ(find_route(graph, asked)->channel, 1u);
  asked.avoid = {{scid(12), 1, Msat(0)}};  // 3 -> 2 is not what we use
  EXPECT_EQ(find_route(graph, asked)->channel, 0u);
  asked.avoid = {{scid(12), 0, Msat(1'000'001)}};  // smaller amounts may still pass
  EXPECT_EQ(find_route(graph, asked)->channel, 0u);
  asked.avoid = {{scid(12), 0, Msat(1'000'000)}};
  EXPECT_EQ(find_route(graph, asked)->channel, 1u);
  asked.avoid = {{scid(10), 0, Msat(0)}};  // our own channel to 2
  EXPECT_EQ(find_route(graph, asked)->channel, 1u);
  asked.avoid = {};
  asked.avoid_nodes = {id(2)};
  EXPECT_EQ(find_route(graph, asked)->channel, 1u);
  asked.avoid_nodes = {id(2), id(4)};
  EXPECT_EQ(failure(find_route(graph, asked)).code, RouteFailureCode::NoPath);
}

TEST(FindRoute, nothing_is_routed_through_ourselves_or_through_unknown_features) {
  Graph graph;
  // 2 - 1 - 3 is the only announced way, and we are 1 with a channel to 2 only.
  connect(graph, 10, 1, 2, {});
  connect(graph, 11, 1, 3, {});
  EXPECT_EQ(failure(find_route(graph, request(1'000, {local(10, 2)}, 3))).code, RouteFailureCode::NoPath);
  EXPECT_EQ(failure(find_route(graph, request(1'000, {local(10, 2)}, 1))).code, RouteFailureCode::DestinationUnknown);
  connect(graph, 12, 2, 3, {});
  EXPECT_TRUE(find_route(graph, request(1'000, {local(10, 2)}, 3)).has_value());
  announce(graph, 2, {300});
  EXPECT_EQ(failure(find_route(graph, request(1'000, {local(10, 2)}, 3))).code, RouteFailureCode::NoPath);
  EXPECT_TRUE(find_route(graph, request(1'000, {local(10, 2)}, 2)).has_value());  // to it, not through it
}

TEST(FindRoute, a_peer_whose_channel_is_too_small_can_be_reached_by_another) {
  Graph graph;
  connect(graph, 10, 2, 3, {.fee_base = 1});
  connect(graph, 11, 3, 4, {.fee_base = 1});
  auto route = find_route(graph, request(100'000, {local(1, 2), local(2, 3, 50'000)}, 4));
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->channel, 0u);
  EXPECT_EQ(route->hops.size(), 3u);
}

TEST(FindRoute, amounts_as_large_as_all_bitcoin_do_not_overflow) {
  Graph graph;
  for (std::uint32_t i = 2; i < 8; ++i) {
    add_channel(graph, i, static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i + 1), std::nullopt);
    set_policy(graph, i, static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i + 1),
               {.fee_base = UINT32_MAX, .ppm = UINT32_MAX, .cltv = UINT16_MAX, .maximum = Msat::max_money().value()});
  }
  auto asked = request(Msat::max_money().value(), {local(1, 2, Msat::max_money().value())}, 8);
  asked.max_fee = Msat::max_money();
  EXPECT_EQ(failure(find_route(graph, asked)).code, RouteFailureCode::NoPath);
  asked.destination = PlainDestination{id(2), {}};
  EXPECT_TRUE(find_route(graph, asked).has_value());
  asked.final_cltv_expiry = asked.max_cltv_expiry = CltvExpiry(UINT32_MAX);
  EXPECT_TRUE(find_route(graph, asked).has_value());
}

TEST(FindRoute, failures_describe_themselves_with_their_numbers) {
  EXPECT_EQ(describe({RouteFailureCode::FeeTooHigh, 1'200, 1'000}),
            "fee too high: 1200 msat needed, 1000 msat available");
  EXPECT_EQ(describe({RouteFailureCode::NoPath}), "no path");
}

// ---- onion messages ----

MessagePathFailure why(const Result<std::vector<NodeId>, MessagePathFailure>& result) {
  EXPECT_FALSE(result.has_value());
  return result.has_value() ? MessagePathFailure::NoPath : result.error();
}

TEST(FindRoute, a_second_pass_that_finds_nothing_ends_when_it_has_looked_at_enough) {
  // A ladder of which every rung can be dear or slow: labels multiply, and no way keeps both limits.
  Graph graph;
  std::uint32_t number = 100;
  constexpr std::uint8_t kRungs = 60;
  for (std::uint8_t i = 2; i < 2 + kRungs; ++i) {
    auto next = static_cast<std::uint8_t>(i + 1);
    for (std::uint32_t k = 0; k < 20; ++k)
      connect(graph, number++, i, next, {.fee_base = 1'000 * k, .cltv = static_cast<std::uint16_t>(20 - k)});
  }
  RouteRequest wanted;
  wanted.local_node_id = id(1);
  wanted.channels = {local(1, 2)};
  wanted.destination = PlainDestination{id(2 + kRungs), {}};
  wanted.amount = Msat(1'000'000);
  wanted.final_cltv_expiry = CltvExpiry(100);
  wanted.max_fee = Msat(100'000'000);
  wanted.max_cltv_expiry = CltvExpiry(100'000);
  std::vector<Tail> tails{{.entry = id(2 + kRungs), .amount = wanted.amount, .cltv_expiry = CltvExpiry(100)}};
  Search search(graph, wanted, tails);
  auto limits = search.limits();
  ASSERT_FALSE(search.run(limits, kMaxLabels).has_value());  // more than 20 hops
  auto all = search.looks();
  constexpr std::size_t kMost = 500;
  ASSERT_GT(all, 2 * kMost);
  EXPECT_FALSE(search.run(limits, kMaxLabels, kMost).has_value());
  EXPECT_LE(search.looks(), kMost + 2 * 20);
}

TEST(FindMessagePath, a_connected_destination_is_its_own_path) {
  Graph graph;
  EXPECT_EQ(*find_message_path(graph, id(1), {id(2), id(3)}, id(3)), (std::vector{id(3)}));
}

TEST(FindMessagePath, leads_only_through_nodes_with_onion_messages) {
  Graph graph;
  connect(graph, 10, 2, 3, {});
  connect(graph, 11, 3, 5, {});
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(5))), MessagePathFailure::NoPath);
  announce(graph, 3, {37});
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(5))), MessagePathFailure::NoPath);
  announce(graph, 3, {39}, 1'001);
  EXPECT_EQ(*find_message_path(graph, id(1), {id(2)}, id(5)), (std::vector{id(2), id(3), id(5)}));
  announce(graph, 3, {38}, 1'002);
  EXPECT_EQ(*find_message_path(graph, id(1), {id(2)}, id(5)), (std::vector{id(2), id(3), id(5)}));
}

TEST(FindMessagePath, the_shortest_is_taken_and_ties_go_to_the_smaller_node) {
  Graph graph;
  connect(graph, 10, 2, 4, {});
  connect(graph, 11, 4, 9, {});
  connect(graph, 12, 2, 3, {});
  connect(graph, 13, 3, 9, {});
  connect(graph, 14, 2, 6, {});
  connect(graph, 15, 6, 7, {});
  for (std::uint8_t node : {3, 4, 6, 7}) announce(graph, node, {39});
  EXPECT_EQ(*find_message_path(graph, id(1), {id(2)}, id(9)), (std::vector{id(2), id(3), id(9)}));
  EXPECT_EQ(*find_message_path(graph, id(1), {id(2), id(4)}, id(9)), (std::vector{id(4), id(9)}));
}

TEST(FindMessagePath, failures_are_told_apart) {
  Graph graph;
  for (std::uint8_t i = 2; i < 8; ++i) {
    connect(graph, i, i, static_cast<std::uint8_t>(i + 1), {});
    announce(graph, i, {39});
  }
  EXPECT_EQ(why(find_message_path(graph, id(1), {}, id(5))), MessagePathFailure::NoPeers);
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(99))), MessagePathFailure::DestinationUnknown);
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(1))), MessagePathFailure::DestinationUnknown);
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(98)}, id(5))), MessagePathFailure::NoPath);
  EXPECT_EQ(find_message_path(graph, id(1), {id(2)}, id(8), 7)->size(), 7u);
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(8), 6)), MessagePathFailure::TooLong);
}

TEST(FindMessagePath, closed_and_disabled_channels_and_ourselves_are_no_way) {
  Graph graph;
  connect(graph, 10, 2, 3, {});
  announce(graph, 3, {39});
  EXPECT_TRUE(find_message_path(graph, id(1), {id(2)}, id(3)).has_value());
  ASSERT_TRUE(graph.mark_spent(scid(10), BlockHeight(1)).has_value());
  EXPECT_TRUE(find_message_path(graph, id(1), {id(2)}, id(3)).has_value());  // spliced perhaps
  ASSERT_EQ(graph.forget_spent(BlockHeight(100)).size(), 1u);
  connect(graph, 11, 2, 3, {.disabled = true});
  announce(graph, 3, {39});
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(3))), MessagePathFailure::NoPath);
  connect(graph, 12, 1, 2, {});
  connect(graph, 13, 1, 3, {});
  announce(graph, 1, {39});
  EXPECT_EQ(why(find_message_path(graph, id(1), {id(2)}, id(3))), MessagePathFailure::NoPath);
}

TEST(FindMessagePath, a_tree_serves_many_destinations_and_notices_what_went_meanwhile) {
  Graph graph;
  for (std::uint8_t i = 2; i < 8; ++i) {
    connect(graph, i, i, static_cast<std::uint8_t>(i + 1), {});
    announce(graph, i, {39});
  }
  MessageTree tree(graph, id(1), {id(2)});
  EXPECT_EQ(tree.version(), graph.version());
  EXPECT_EQ(*tree.way_to(graph, id(4)), (std::vector{id(2), id(3), id(4)}));
  EXPECT_EQ(tree.way_to(graph, id(8), 7)->size(), 7u);
  // A node that is gone, and one that is new.
  ASSERT_TRUE(graph.remove_channel(scid(7)).has_value());
  connect(graph, 20, 2, 9, {});
  connect(graph, 21, 9, 10, {});
  EXPECT_NE(tree.version(), graph.version());
  EXPECT_EQ(why(tree.way_to(graph, id(8))), MessagePathFailure::DestinationUnknown);
  EXPECT_EQ(why(tree.way_to(graph, id(10))), MessagePathFailure::NoPath);
  EXPECT_EQ(*MessageTree(graph, id(1), {id(2)}).way_to(graph, id(9)), (std::vector{id(2), id(9)}));
}

}  // namespace
}  // namespace doze::graph::test
