// What we say of ourselves.
#include "gossip/test/world.h"
#include "graph/verify.h"

namespace doze::gossip {

bool GossipTest::verified(const wire::ChannelUpdate& update) const {
  return graph::verify_channel_update(update, wire::encode(update), self().node_id()).has_value();
}

namespace {

TEST_F(GossipTest, PrivateChannelsUpdateGoesToItsPeerOnlyAndNamesThePeersAlias) {
  ready(1);
  ready(2);
  set_filter(2);
  const auto& channel = own_channel(1, false);
  auto effects = tell(ChannelUsable{channel.channel_id, channel.peer});
  auto updates = sent<wire::ChannelUpdate>(effects, id(1));
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(sent_count(effects), 1u);
  const auto& update = updates[0];
  EXPECT_TRUE(verified(update));
  EXPECT_EQ(update.short_channel_id, *channel.remote_alias);
  EXPECT_EQ(update.message_flags, 3);  // htlc_maximum_msat, dont_forward
  EXPECT_EQ(update.channel_flags, id(0) < id(1) ? 0 : 1);
  EXPECT_EQ(update.htlc_maximum_msat, Msat(100'000'000));
  EXPECT_EQ(update.htlc_minimum_msat, Msat(500));
  EXPECT_EQ(update.cltv_expiry_delta, 72);
  EXPECT_EQ(update.timestamp, kNow);
  ASSERT_TRUE(policies(gossip_).contains(channel.channel_id));
  EXPECT_EQ(policies(gossip_).at(channel.channel_id).local->htlc_minimum, Msat(500));
  EXPECT_TRUE(graph(gossip_).channels().empty());
}

TEST_F(GossipTest, PrivateChannelWithoutAnAliasIsNamedByItsScid) {
  auto& channel = own_channel(1, false);
  channel.remote_alias.reset();
  auto effects = tell(ChannelNeedsUpdate{channel.channel_id});
  ASSERT_EQ(sent<wire::ChannelUpdate>(effects, id(1)).size(), 1u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(1))[0].short_channel_id, *channel.scid);
  channel.scid.reset();
  EXPECT_EQ(sent_count(tell(ChannelNeedsUpdate{channel.channel_id})), 0u);
}

TEST_F(GossipTest, TheSameTermsAreNotSignedAgainAndNewTermsAreNewer) {
  const auto& channel = own_channel(1, false);
  auto first = sent<wire::ChannelUpdate>(tell(ChannelUsable{channel.channel_id, channel.peer}), id(1)).at(0);
  wall_ += 50;
  restart();
  auto second = sent<wire::ChannelUpdate>(tell(ChannelUsable{channel.channel_id, channel.peer}), id(1)).at(0);
  EXPECT_EQ(first.raw, second.raw);
  config_.fees.fee_base = Msat(7);
  wall_ = kNow - 500;  // the clock went back
  auto third = sent<wire::ChannelUpdate>(tell(ChannelUsable{channel.channel_id, channel.peer}), id(1)).at(0);
  EXPECT_EQ(third.fee_base_msat, 7u);
  EXPECT_EQ(third.timestamp, first.timestamp + 1);
  EXPECT_TRUE(verified(third));
}

TEST_F(GossipTest, PeersUpdateOfAPrivateChannelBecomesItsPolicy) {
  ready(1);
  const auto& channel = own_channel(1, false);
  say(1, update(1, 0, *channel.local_alias, kNow));
  const auto& policy = policies(gossip_).at(channel.channel_id).remote;
  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->fee_base, Msat(1'000));
  EXPECT_EQ(policy->cltv_expiry_delta, CltvDelta(40));
  EXPECT_FALSE(policy->disabled);
  say(1, update(1, 0, *channel.scid, kNow + 1, true));
  EXPECT_TRUE(policies(gossip_).at(channel.channel_id).remote->disabled);
  // Older, or for our direction, or signed by somebody else: nothing changes.
  say(1, update(1, 0, *channel.scid, kNow));
  say(1, update(0, 1, *channel.scid, kNow + 2));
  auto forged = update(2, 0, *channel.scid, kNow + 2);
  forged.channel_flags = id(1) < id(0) ? 0 : 1;
  forged.raw = {};
  forged.raw = wire::encode(forged);
  EXPECT_EQ(sent<wire::Warning>(say(1, forged), id(1)).size(), 1u);
  EXPECT_TRUE(policies(gossip_).at(channel.channel_id).remote->disabled);
  EXPECT_TRUE(graph(gossip_).channels().empty());
}

TEST_F(GossipTest, AnotherPeerSaysNothingAboutOurPrivateChannel) {
  ready(2);
  const auto& channel = own_channel(1, false);
  say(2, update(1, 0, *channel.local_alias, kNow));
  EXPECT_TRUE(policies(gossip_).empty());
}

TEST_F(GossipTest, AnnouncedChannelEntersTheGraphAndIsRelayedWithUpdateAndNode) {
  ready(1);
  ready(2);
  set_filter(2);
  auto effects = announce_own(1);
  const auto& view = channels_.begin()->second;
  const auto* channel = graph(gossip_).channel(*view.scid);
  ASSERT_NE(channel, nullptr);
  EXPECT_EQ(channel->capacity, Sat(100'000));
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(2)).size(), 1u);
  auto update = sent<wire::ChannelUpdate>(effects, id(2)).at(0);
  EXPECT_EQ(update.short_channel_id, *view.scid);
  EXPECT_EQ(update.message_flags, 1);
  EXPECT_TRUE(verified(update));
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(1)).at(0).raw, update.raw);  // the peer, filter or not
  auto node = sent<wire::NodeAnnouncement>(effects, id(2)).at(0);
  EXPECT_TRUE(graph::verify_node_announcement(node, node.raw));
  EXPECT_EQ(node.addresses, config_.announced_addresses);
  EXPECT_EQ(std::string(node.alias.begin(), node.alias.begin() + 6), "server");
  EXPECT_TRUE(node.features.supports(wire::kOnionMessages));
  // Said again, it is nothing new.
  auto again = tell(ChannelAnnounced{view.channel_id, announcement(0, 1, *view.scid)});
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(again, id(2)).size(), 0u);
  EXPECT_EQ(sent<wire::NodeAnnouncement>(again, id(2)).size(), 0u);
}

TEST_F(GossipTest, OwnAnnouncementWithAWrongSignatureGoesNowhere) {
  ready(2);
  set_filter(2);
  const auto& view = own_channel(1, true);
  auto wrong = announcement(0, 1, *view.scid);
  wrong.raw.clear();
  wrong.bitcoin_signature_2 = wrong.bitcoin_signature_1;
  auto effects = tell(ChannelAnnounced{view.channel_id, wrong});
  EXPECT_EQ(sent_count(effects), 0u);
  EXPECT_TRUE(graph(gossip_).channels().empty());
}

TEST_F(GossipTest, ClientsDoNotAnnounceThemselves) {
  config_.role = Role::Client;
  announce_own(1);
  EXPECT_FALSE(graph(gossip_).node(id(0))->announced.has_value());
}

TEST_F(GossipTest, NodeAnnouncementIsRenewedWhenItChangesAndAfterAWeek) {
  announce_own(1);
  auto timestamp = [&] { return graph(gossip_).node(id(0))->announced->timestamp; };
  auto first = timestamp();
  wall_ += 1'000;
  restart();
  EXPECT_EQ(timestamp(), first);
  config_.alias = "other";
  restart();
  EXPECT_EQ(timestamp(), kNow + 1'000);
  const auto& scid = *channels_.begin()->second.scid;
  std::uint8_t ours = id(0) < id(1) ? 0 : 1;
  EXPECT_EQ(graph(gossip_).channel(scid)->directions[ours]->timestamp, kNow);
  wall_ += 604'801;
  mono_ = deadline(gossip_)->value();
  tell(DeadlineReached{});
  EXPECT_EQ(timestamp(), wall_);
  EXPECT_EQ(graph(gossip_).channel(scid)->directions[ours]->timestamp, wall_);
  EXPECT_GT(*deadline(gossip_), MonoTime(mono_));
}

TEST_F(GossipTest, ChangedTermsOfAPublicChannelAreRelayedAtStart) {
  announce_own(1);
  config_.fees.fee_base = Msat(3);
  restart();
  std::uint8_t ours = id(0) < id(1) ? 0 : 1;
  EXPECT_EQ(graph(gossip_).channel(*channels_.begin()->second.scid)->directions[ours]->fee_base, Msat(3));
}

TEST_F(GossipTest, ClosedChannelLosesItsPoliciesAndIsDisabled) {
  ready(1);
  ready(2);
  set_filter(2);
  announce_own(1);
  auto view = channels_.begin()->second;
  say(1, update(1, 0, *view.scid, kNow));
  channels_.begin()->second.phase = ChannelPhase::Closing;
  auto effects = tell(ChannelClosed{view.channel_id, view.peer, "mutual"});
  ASSERT_EQ(sent<wire::ChannelUpdate>(effects, id(2)).size(), 1u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(2))[0].channel_flags & 2, 2);
  EXPECT_TRUE(policies(gossip_).empty());
}

TEST_F(GossipTest, SendsOurGossipAtOnceWithoutAFilter) {
  ready(1);
  ready(3);
  announce_own(1);
  auto foreign = learn(1, 2, scid(5));
  say(1, node_announcement(1, kNow));
  auto effects = tell(SendOurGossip{id(3)});
  // Our channel and one of our channel peer's, and both nodes; not node 2, which is no peer of ours.
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(3)).size(), 2u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(3)).size(), 3u);
  auto nodes = sent<wire::NodeAnnouncement>(effects, id(3));
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_TRUE((nodes[0].node_id == id(0) && nodes[1].node_id == id(1)) ||
              (nodes[0].node_id == id(1) && nodes[1].node_id == id(0)));
}

TEST_F(GossipTest, WhatWeSayOfOurselvesGoesToEveryPeerWhateverItsFilterSays) {
  ready(1);
  ready(2);
  ready(3);
  set_filter(1, 0xffffffff, 0);
  set_filter(2);
  auto effects = announce_own(1);
  for (std::size_t i : {1, 2, 3}) {  // node 3 has set no filter
    EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(i)).size(), 1u) << i;
    EXPECT_EQ(sent<wire::NodeAnnouncement>(effects, id(i)).size(), 1u) << i;
    EXPECT_GE(sent<wire::ChannelUpdate>(effects, id(i)).size(), 1u) << i;
  }
  // What others say follows the filters.
  learn(2, 3, scid(1));
  effects = say(2, update(2, 3, scid(1), kNow));
  EXPECT_EQ(sent_count(effects), 0u);
}

}  // namespace
}  // namespace doze::gossip
