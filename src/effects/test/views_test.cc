// The index of channels says what a walk over all of them would say.
#include <gtest/gtest.h>

#include <algorithm>

#include "effects/test/surroundings.h"

namespace doze {
namespace {

struct IndexTest : ::testing::Test {
  test::CountingRng rng{7};
  ChannelViews views;
  std::set<NodeId> invited;

  std::uint64_t below(std::uint64_t limit) { return rng.u64() % limit; }
  static NodeId node(std::uint64_t number) {
    NodeId out;
    out.bytes[0] = 2;
    out.bytes[32] = static_cast<std::uint8_t>(number);
    return out;
  }
  static ChannelId channel(std::uint64_t number) {
    ChannelId out;
    out.bytes[31] = static_cast<std::uint8_t>(number);
    return out;
  }
  static ShortChannelId name(std::uint64_t number) {
    return ShortChannelId::of(static_cast<std::uint32_t>(number) + 1, 1, 0);
  }
  void change_something(ChannelView& view) {
    view.phase = static_cast<ChannelPhase>(below(5));
    view.usable = view.phase == ChannelPhase::Normal && below(2) == 0;
    view.scid = below(3) == 0 ? std::nullopt : std::optional(name(below(8)));
    view.local_alias = below(3) == 0 ? std::nullopt : std::optional(name(below(8)));
    view.alias_only = below(2) == 0;
    view.funder = below(3) == 0;
  }
  void step() {
    auto id = channel(below(12));
    switch (below(4)) {
      case 0:
        return views.erase(id);
      case 1:
        return views.change(id, [&](ChannelView& view) { change_something(view); });
      default:
        ChannelView view;
        view.channel_id = id;
        view.peer = node(below(4));
        change_something(view);
        views.put(std::move(view));
    }
  }
  void expect_walks() const {
    EXPECT_TRUE(views.index() == ChannelIndex(views.all()));
    graph::Graph graph;
    std::map<NodeId, PeerView> peers;
    std::map<ChannelId, PolicyPair> policies;
    std::map<OfferId, OfferView> offers;
    Views seen{graph, views.all(), views.index(), peers, policies, offers, invited};
    std::size_t normal = 0, usable = 0;
    for (const auto& [id, view] : views.all()) {
      normal += view.phase == ChannelPhase::Normal ? 1 : 0;
      usable += view.usable ? 1 : 0;
    }
    EXPECT_EQ(views.index().normal(), normal);
    EXPECT_EQ(views.index().usable(), usable);
    for (std::uint64_t n = 0; n < 5; ++n) expect_walks_for(seen, node(n));
    for (std::uint64_t n = 0; n < 9; ++n) {
      const ChannelView* found = nullptr;
      for (const auto& [id, view] : views.all())
        if (found == nullptr && view.phase == ChannelPhase::Normal &&
            (view.local_alias == name(n) || (view.scid == name(n) && !view.alias_only)))
          found = &view;
      EXPECT_EQ(seen.channel_by_scid(name(n)), found);
    }
  }
  void expect_walks_for(const Views& seen, const NodeId& peer) const {
    std::vector<const ChannelView*> with;
    for (const auto& [id, view] : views.all())
      if (view.peer == peer && view.phase != ChannelPhase::Closed) with.push_back(&view);
    EXPECT_EQ(seen.channels_with(peer), with);
    bool funded = std::any_of(with.begin(), with.end(), [](const auto* view) { return view->funded(); });
    EXPECT_EQ(seen.is_client(peer), funded || invited.contains(peer));
  }
};

TEST_F(IndexTest, says_what_a_walk_over_all_channels_says_after_many_random_changes) {
  invited.insert(node(3));
  std::size_t most = 0;
  for (int i = 0; i < 3'000; ++i) {
    step();
    most = std::max(most, views.all().size());
    expect_walks();
    if (HasFailure()) return;
  }
  EXPECT_GT(most, 8U);
}

TEST_F(IndexTest, forgets_channels_that_are_closed_so_that_history_costs_nothing) {
  for (std::uint64_t n = 0; n < 200; ++n) {
    ChannelView view;
    view.channel_id = channel(n);
    view.peer = node(1);
    view.phase = ChannelPhase::Normal;
    view.scid = name(n);
    views.put(view);
    views.change(view.channel_id, [](ChannelView& each) { each.phase = ChannelPhase::Closed; });
  }
  EXPECT_EQ(views.all().size(), 200U);
  EXPECT_TRUE(views.index() == ChannelIndex());
}

}  // namespace
}  // namespace doze
