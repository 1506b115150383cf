#include "graph/graph.h"

#include "graph/test/small_graph.h"

namespace doze::graph::test {
namespace {

RefusalCode code(const auto& result) {
  EXPECT_FALSE(result.has_value());
  return result.error().code;
}

TEST(Graph, adding_a_channel_makes_its_nodes_known) {
  Graph graph;
  auto added = graph.add_channel(announcement(1, 5, 3), Bytes{1, 2, 3}, Sat(1'000), UnixTime(7));
  ASSERT_TRUE(added.has_value());
  EXPECT_EQ(added->new_nodes, (std::vector{id(3), id(5)}));
  const auto* channel = graph.channel(scid(1));
  ASSERT_NE(channel, nullptr);
  EXPECT_EQ(channel->node_1, id(3));
  EXPECT_EQ(channel->node_2, id(5));
  EXPECT_EQ(channel->capacity, Sat(1'000));
  EXPECT_EQ(channel->raw, (Bytes{1, 2, 3}));
  EXPECT_EQ(graph.node_count(), 2u);
  auto second = graph.add_channel(announcement(2, 5, 6), {}, std::nullopt, UnixTime(7));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->new_nodes, (std::vector{id(6)}));
  EXPECT_EQ(graph.node(id(5))->channels, (std::vector{scid(1), scid(2)}));
}

TEST(Graph, has_room_for_so_many_channels_and_no_more) {
  Graph graph;
  std::uint32_t number = 0;
  auto one = [&] { return graph.add_channel(announcement(++number, 3, 5), {}, Sat(1'000), UnixTime(7)); };
  while (graph.channels().size() < kMaxChannels) ASSERT_TRUE(one().has_value());
  auto refused = one();
  EXPECT_EQ(code(refused), RefusalCode::GraphFull);
  ASSERT_TRUE(graph.remove_channel(scid(1)).has_value());
  EXPECT_TRUE(one().has_value());
  EXPECT_EQ(code(one()), RefusalCode::GraphFull);
}

TEST(Graph, a_known_channel_is_refused_and_other_nodes_are_told_apart) {
  Graph graph;
  add_channel(graph, 1, 3, 5);
  EXPECT_EQ(code(graph.add_channel(announcement(1, 3, 5), {}, Sat(1), UnixTime(0))), RefusalCode::ChannelKnown);
  EXPECT_EQ(code(graph.add_channel(announcement(1, 3, 6), {}, Sat(1), UnixTime(0))), RefusalCode::ConflictingNodes);
  auto wrong_order = announcement(2, 3, 5);
  std::swap(wrong_order.node_id_1, wrong_order.node_id_2);
  EXPECT_EQ(code(graph.add_channel(wrong_order, {}, Sat(1), UnixTime(0))), RefusalCode::NodesNotAscending);
  EXPECT_EQ(code(graph.add_channel(announcement(2, 3, 3), {}, Sat(1), UnixTime(0))), RefusalCode::NodesNotAscending);
  EXPECT_EQ(graph.channels().size(), 1u);
}

TEST(Graph, an_update_sets_the_direction_that_its_flag_names) {
  Graph graph;
  add_channel(graph, 1, 3, 5);
  auto applied =
      graph.apply(update(1, 5, 3, {.fee_base = 7, .ppm = 8, .cltv = 9, .minimum = 10, .maximum = 11}), raw_update(1));
  ASSERT_TRUE(applied.has_value());
  EXPECT_EQ(applied->direction, 1);
  EXPECT_TRUE(applied->first);
  const auto& channel = *graph.channel(scid(1));
  EXPECT_FALSE(channel.directions[0].has_value());
  ASSERT_TRUE(channel.directions[1].has_value());
  const auto& direction = *channel.directions[1];
  EXPECT_TRUE(direction.enabled);
  EXPECT_EQ(direction.fee_base, Msat(7));
  EXPECT_EQ(direction.fee_proportional_millionths, 8u);
  EXPECT_EQ(direction.cltv_expiry_delta, CltvDelta(9));
  EXPECT_EQ(direction.htlc_minimum, Msat(10));
  EXPECT_EQ(direction.htlc_maximum, Msat(11));
  EXPECT_EQ(direction.raw, raw_update(1));
  // It leads from 5 to 3.
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(3))).size(), 1u);
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(5))).size(), 0u);
}

TEST(Graph, only_newer_updates_are_taken) {
  Graph graph;
  add_channel(graph, 1, 3, 5);
  EXPECT_EQ(code(graph.apply(update(2, 3, 5, {}), raw_update(1))), RefusalCode::UnknownChannel);
  set_policy(graph, 1, 3, 5, {.fee_base = 1, .timestamp = 100});
  auto stale = graph.apply(update(1, 3, 5, {.fee_base = 2, .timestamp = 99}), raw_update(99));
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error(), (Refusal{RefusalCode::Stale, 100, 99}));
  EXPECT_EQ(code(graph.apply(update(1, 3, 5, {.timestamp = 100}), raw_update(100, 9))), RefusalCode::SameTimestamp);
  EXPECT_EQ(code(graph.apply(update(1, 3, 5, {.timestamp = 100}), raw_update(101))), RefusalCode::SameTimestampDiffers);
  EXPECT_EQ(graph.channel(scid(1))->directions[0]->fee_base, Msat(1));
  auto newer = graph.apply(update(1, 3, 5, {.fee_base = 3, .timestamp = 101}), raw_update(101));
  ASSERT_TRUE(newer.has_value());
  EXPECT_FALSE(newer->first);
  EXPECT_EQ(graph.channel(scid(1))->directions[0]->fee_base, Msat(3));
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(5))).size(), 1u);
}

TEST(Graph, node_announcements_need_a_channel_and_must_be_newer) {
  Graph graph;
  EXPECT_EQ(code(graph.apply(node_announcement(3, {}), raw_update(1))), RefusalCode::UnknownNode);
  add_channel(graph, 1, 3, 5);
  auto first = graph.apply(node_announcement(3, {39}, 50), raw_update(50));
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->first);
  EXPECT_EQ(graph.node(id(3))->announced->timestamp, 50u);
  EXPECT_EQ(code(graph.apply(node_announcement(3, {39}, 49), raw_update(49))), RefusalCode::Stale);
  EXPECT_EQ(code(graph.apply(node_announcement(3, {39}, 50), raw_update(50))), RefusalCode::SameTimestamp);
  ASSERT_TRUE(graph.apply(node_announcement(3, {39}, 51), raw_update(51)).has_value());
  EXPECT_EQ(graph.node(id(3))->announced->timestamp, 51u);
}

TEST(Graph, directions_that_must_not_be_used_lead_nowhere) {
  struct Case {
    const char* what;
    PolicyText policy;
    bool usable;
  };
  const Case cases[] = {
      {"ordinary", {.maximum = 1'000'000}, true},
      {"as much as the capacity", {.maximum = 10'000'000}, true},
      {"above the capacity", {.maximum = 10'000'001}, false},
      {"minimum above maximum", {.minimum = 11, .maximum = 10}, false},
      {"disabled", {.maximum = 1'000'000, .disabled = true}, false},
  };
  for (const auto& each : cases) {
    Graph graph;
    add_channel(graph, 1, 3, 5, Sat(10'000));
    set_policy(graph, 1, 3, 5, each.policy);
    EXPECT_EQ(graph.edges_into(*graph.index_of(id(5))).size(), each.usable ? 1u : 0u) << each.what;
  }
}

TEST(Graph, a_spent_channel_stays_in_use_until_it_is_disabled_and_goes_after_72_blocks) {
  Graph graph;
  connect(graph, 1, 3, 5, {.timestamp = 10});
  connect(graph, 2, 5, 6, {.timestamp = 10});
  announce(graph, 3, {});
  ASSERT_TRUE(graph.mark_spent(scid(1), BlockHeight(100)).has_value());
  EXPECT_EQ(code(graph.mark_spent(scid(9), BlockHeight(100))), RefusalCode::UnknownChannel);
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(3))).size(), 1u);  // it may have been spliced
  EXPECT_TRUE(graph.apply(update(1, 3, 5, {.timestamp = 11}), raw_update(11)).has_value());
  EXPECT_TRUE(graph.apply(update(1, 5, 3, {.disabled = true, .timestamp = 11}), raw_update(11)).has_value());
  EXPECT_TRUE(graph.edges_into(*graph.index_of(id(3))).empty());
  EXPECT_EQ(graph.spent_since(BlockHeight(100)), std::vector{scid(1)});
  EXPECT_TRUE(graph.spent_since(BlockHeight(101)).empty());
  EXPECT_TRUE(graph.forget_spent(BlockHeight(171)).empty());
  auto removed = graph.forget_spent(BlockHeight(172));
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].scid, scid(1));
  EXPECT_EQ(removed[0].gone_nodes, (std::vector{id(3)}));
  EXPECT_EQ(graph.node(id(3)), nullptr);
  EXPECT_EQ(graph.node(id(5))->channels, (std::vector{scid(2)}));
  EXPECT_TRUE(graph.spent_since(BlockHeight(0)).empty());
}

/// The orders by time say what the channels and nodes say.
void expect_orders(const Graph& graph) {
  std::set<UpdateTime> updates;
  std::set<NodeTime> nodes;
  for (const auto& [scid, channel] : graph.channels())
    for (std::uint8_t direction : {0, 1})
      if (const auto& known = channel.directions[direction]) updates.insert({known->timestamp, scid, direction});
  graph.for_each_node([&](const Node& node) {
    if (node.announced) nodes.insert({node.announced->timestamp, *graph.index_of(node.node_id)});
  });
  EXPECT_EQ(graph.update_times(), updates);
  EXPECT_EQ(graph.node_times(), nodes);
}

TEST(Graph, the_orders_by_time_follow_every_change) {
  Graph graph;
  connect(graph, 1, 3, 5, {.timestamp = 10});
  add_channel(graph, 2, 5, 6);
  announce(graph, 3, {39}, 7);
  announce(graph, 5, {39}, 8);
  expect_orders(graph);
  set_policy(graph, 1, 3, 5, {.timestamp = 20});
  announce(graph, 3, {}, 9);
  expect_orders(graph);
  ASSERT_TRUE(graph.mark_spent(scid(1), BlockHeight(5)).has_value());
  expect_orders(graph);
  ASSERT_TRUE(graph.remove_channel(scid(1)).has_value());
  expect_orders(graph);
  EXPECT_EQ(graph.node_times().size(), 1u);
  // The place of the node that went is used again, without what it had.
  connect(graph, 3, 7, 8, {.timestamp = 30});
  expect_orders(graph);
  EXPECT_FALSE(graph.relays_messages(*graph.index_of(id(7))));
}

TEST(Graph, a_spend_that_was_reorganised_away_makes_the_channel_usable_again) {
  Graph graph;
  connect(graph, 1, 3, 5, {});
  ASSERT_TRUE(graph.mark_spent(scid(1), BlockHeight(100)).has_value());
  ASSERT_TRUE(graph.mark_unspent(scid(1)).has_value());
  EXPECT_TRUE(graph.spent_since(BlockHeight(0)).empty());
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(3))).size(), 1u);
  EXPECT_TRUE(graph.forget_spent(BlockHeight(1'000)).empty());
}

TEST(Graph, removing_the_last_channel_forgets_the_nodes_and_their_places_are_used_again) {
  Graph graph;
  connect(graph, 1, 3, 5, {});
  auto slots = graph.slot_count();
  auto removed = graph.remove_channel(scid(1));
  ASSERT_TRUE(removed.has_value());
  EXPECT_EQ(removed->gone_nodes, (std::vector{id(3), id(5)}));
  EXPECT_EQ(code(graph.remove_channel(scid(1))), RefusalCode::UnknownChannel);
  EXPECT_EQ(graph.node_count(), 0u);
  connect(graph, 2, 7, 8, {});
  EXPECT_EQ(graph.slot_count(), slots);
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(7))).size(), 1u);
  EXPECT_EQ(graph.index_of(id(3)), std::nullopt);
}

TEST(Graph, channels_without_news_for_two_weeks_are_pruned_by_their_older_direction) {
  constexpr std::uint32_t kNow = 2'000'000;
  constexpr auto kOldest = static_cast<std::uint32_t>(kNow - kStaleAfterS);
  auto graph_with = [&](std::uint32_t there, std::uint32_t back) {
    Graph graph;
    add_channel(graph, 1, 3, 5);
    set_policy(graph, 1, 3, 5, {.timestamp = there});
    set_policy(graph, 1, 5, 3, {.timestamp = back});
    return graph;
  };
  auto fresh = graph_with(kOldest, kNow);
  EXPECT_TRUE(fresh.prune_stale(UnixTime(kNow)).empty());
  auto ours = graph_with(kOldest - 1, kNow);
  EXPECT_TRUE(ours.prune_stale(UnixTime(kNow), id(3)).empty());
  auto stale = graph_with(kOldest - 1, kNow);
  EXPECT_EQ(stale.prune_stale(UnixTime(kNow), id(9)).size(), 1u);
  EXPECT_TRUE(stale.channels().empty());

  // Without updates the day of the announcement counts (1,000 in add_channel).
  Graph bare;
  add_channel(bare, 1, 3, 5);
  EXPECT_TRUE(bare.prune_stale(UnixTime(1'000 + kStaleAfterS)).empty());
  EXPECT_EQ(bare.prune_stale(UnixTime(1'001 + kStaleAfterS)).size(), 1u);
}

TEST(Graph, no_more_stale_channels_are_pruned_at_once_than_were_asked_for) {
  Graph graph;
  for (std::uint64_t i = 1; i <= 3; ++i) add_channel(graph, i, 3, 5);
  UnixTime late(1'001 + kStaleAfterS);
  EXPECT_EQ(graph.prune_stale(late, std::nullopt, 2).size(), 2u);
  EXPECT_EQ(graph.channels().size(), 1u);
  EXPECT_EQ(graph.prune_stale(late, std::nullopt, 2).size(), 1u);
  EXPECT_TRUE(graph.channels().empty());
}

TEST(Graph, an_introduction_node_is_found_by_id_or_by_channel_and_direction) {
  Graph graph;
  add_channel(graph, 1, 3, 5);
  EXPECT_EQ(graph.resolve(wire::ScidDir{0, scid(1)}), id(3));
  EXPECT_EQ(graph.resolve(wire::ScidDir{1, scid(1)}), id(5));
  EXPECT_EQ(graph.resolve(wire::ScidDir{2, scid(1)}), std::nullopt);
  EXPECT_EQ(graph.resolve(wire::ScidDir{0, scid(2)}), std::nullopt);
  EXPECT_EQ(graph.resolve(wire::IntroductionNode{id(77)}), id(77));
}

TEST(Graph, a_node_with_unknown_even_features_does_not_forward) {
  Graph graph;
  add_channel(graph, 1, 3, 5);
  announce(graph, 3, {0, 8, 14, 39, 301});
  EXPECT_TRUE(graph.forwards(*graph.index_of(id(3))));
  announce(graph, 3, {300}, 1'001);
  EXPECT_FALSE(graph.forwards(*graph.index_of(id(3))));
}

TEST(Graph, a_copy_is_independent) {
  Graph graph;
  connect(graph, 1, 3, 5, {});
  auto copy = graph;
  ASSERT_TRUE(copy.remove_channel(scid(1)).has_value());
  EXPECT_EQ(graph.channels().size(), 1u);
  EXPECT_EQ(graph.edges_into(*graph.index_of(id(3))).size(), 1u);
}

}  // namespace
}  // namespace doze::graph::test
