// What others say: what enters the graph, what leaves it, what peers ask and get.
#include "gossip/inside.h"
#include "gossip/test/world.h"

namespace doze::gossip {
namespace {

TEST_F(GossipTest, AnnouncementEntersTheGraphWhenItsFundingOutputIsThere) {
  ready(1);
  auto channel = announcement(1, 2, scid(1));
  EXPECT_EQ(lookups(say(1, channel)), std::vector{scid(1)});
  EXPECT_TRUE(graph(gossip_).channels().empty());
  EXPECT_TRUE(lookups(say(1, channel)).empty());  // waiting already
  tell(OutputLookedUp{scid(1), funding_output(channel)});
  ASSERT_NE(graph(gossip_).channel(scid(1)), nullptr);
  EXPECT_EQ(graph(gossip_).channel(scid(1))->capacity, Sat(100'000));
  EXPECT_TRUE(lookups(say(1, channel)).empty());  // known
}

TEST_F(GossipTest, AnnouncementWithoutItsFundingOutputIsDropped) {
  ready(1);
  say(1, announcement(1, 2, scid(1)));
  tell(OutputLookedUp{scid(1), std::nullopt});
  say(1, announcement(1, 2, scid(2)));
  tell(OutputLookedUp{scid(2), funding_output(announcement(1, 3, scid(2)))});
  EXPECT_TRUE(graph(gossip_).channels().empty());
  EXPECT_TRUE(rows_.empty());
}

TEST_F(GossipTest, AnnouncementWithAnyWrongSignatureIsNotLookedUp) {
  ready(1);
  for (int which = 0; which < 4; ++which) {
    auto channel = announcement(1, 2, scid(1));
    Signature* signatures[] = {&channel.node_signature_1, &channel.node_signature_2, &channel.bitcoin_signature_1,
                               &channel.bitcoin_signature_2};
    signatures[which]->bytes[5] ^= 1;
    channel.raw.clear();
    channel.raw = wire::encode(channel);
    auto effects = say(1, channel);
    EXPECT_TRUE(lookups(effects).empty());
    EXPECT_EQ(sent<wire::Warning>(effects, id(1)).size(), 1u);
  }
}

TEST_F(GossipTest, AnnouncementOfAnotherChainIsIgnored) {
  ready(1);
  auto channel = announcement(1, 2, scid(1));
  channel.chain_hash = wire::chain_hash(wire::Network::Mainnet);
  EXPECT_TRUE(say(1, channel).empty());
}

TEST_F(GossipTest, WhatFollowsAWaitingAnnouncementIsKeptForIt) {
  ready(1);
  auto channel = announcement(1, 2, scid(1));
  say(1, channel);
  say(1, update(1, 2, scid(1), kNow));
  say(1, update(2, 1, scid(1), kNow));
  say(1, node_announcement(1, kNow));
  say(1, node_announcement(2, kNow));
  tell(OutputLookedUp{scid(1), funding_output(channel)});
  const auto* known = graph(gossip_).channel(scid(1));
  ASSERT_NE(known, nullptr);
  EXPECT_TRUE(known->directions[0] && known->directions[1]);
  EXPECT_TRUE(graph(gossip_).node(id(1))->announced.has_value());
  EXPECT_TRUE(graph(gossip_).node(id(2))->announced.has_value());
}

TEST_F(GossipTest, OnlyNewerUpdatesAndNodesCount) {
  ready(1);
  learn(1, 2, scid(1));
  say(1, node_announcement(2, kNow));
  for (const wire::Message& old :
       {wire::Message(update(1, 2, scid(1), kNow - 10)), wire::Message(update(1, 2, scid(1), kNow - 20)),
        wire::Message(node_announcement(2, kNow)), wire::Message(node_announcement(2, kNow - 1))})
    EXPECT_TRUE(say(1, old).empty());
  EXPECT_FALSE(say(1, update(1, 2, scid(1), kNow - 9, true)).empty());
  EXPECT_FALSE(graph(gossip_).channel(scid(1))->directions[id(1) < id(2) ? 0 : 1]->enabled);
  // Stamped for the day after tomorrow: it could never be replaced.
  EXPECT_TRUE(say(1, update(1, 2, scid(1), kNow + 200'000)).empty());
}

TEST_F(GossipTest, UpdatesOlderThanTwoWeeksAreIgnored) {
  ready(1);
  auto channel = announcement(1, 2, scid(1));
  say(1, channel);
  tell(OutputLookedUp{scid(1), funding_output(channel)});
  EXPECT_TRUE(say(1, update(1, 2, scid(1), kNow - graph::kStaleAfterS - 1)).empty());
  EXPECT_FALSE(say(1, update(1, 2, scid(1), kNow - graph::kStaleAfterS)).empty());
}

TEST_F(GossipTest, WrongSignaturesChangeNothing) {
  ready(1);
  learn(1, 2, scid(1));
  auto forged = update(3, 2, scid(1), kNow);
  forged.channel_flags = id(1) < id(2) ? 0 : 1;
  forged.raw.clear();
  forged.raw = wire::encode(forged);
  EXPECT_EQ(sent<wire::Warning>(say(1, forged), id(1)).size(), 1u);
  auto node = node_announcement(2, kNow);
  node.alias[0] = 'y';
  node.raw.clear();
  node.raw = wire::encode(node);
  EXPECT_EQ(sent<wire::Warning>(say(1, node), id(1)).size(), 1u);
  EXPECT_FALSE(graph(gossip_).node(id(2))->announced.has_value());
}

TEST_F(GossipTest, NewsGoesToPeersWithAFilterAnnouncementWithTheFirstUpdate) {
  ready(1);
  ready(2);
  ready(3);
  set_filter(1);
  set_filter(2);
  auto channel = announcement(1, 2, scid(1));
  say(1, channel);
  EXPECT_EQ(sent_count(tell(OutputLookedUp{scid(1), funding_output(channel)})), 0u);
  auto effects = say(1, update(1, 2, scid(1), kNow));
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(2)).at(0).raw, channel.raw);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(2)).size(), 1u);
  EXPECT_EQ(sent_count(effects), 2u);  // nothing back to node 1, nothing to node 3
  effects = say(1, update(2, 1, scid(1), kNow));
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(2)).size(), 0u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(2)).size(), 1u);
  EXPECT_EQ(sent<wire::NodeAnnouncement>(say(1, node_announcement(1, kNow)), id(2)).size(), 1u);
  set_filter(2, 0xffffffff, 0);
  EXPECT_EQ(sent_count(say(1, update(2, 1, scid(1), kNow + 1))), 0u);
}

TEST_F(GossipTest, AsksEveryPeerThatKnowsQueries) {
  auto effects = ready(1);
  auto filter = sent<wire::GossipTimestampFilter>(effects, id(1)).at(0);
  EXPECT_EQ(filter.first_timestamp, 0u);
  EXPECT_EQ(filter.timestamp_range, 0xffffffffu);
  EXPECT_EQ(sent<wire::QueryChannelRange>(effects, id(1)).size(), 1u);
  EXPECT_EQ(sent_count(ready(2, false)), 0u);
}

TEST_F(GossipTest, FilterGetsTheWholeGraphOnce) {
  ready(1);
  learn(1, 2, scid(1));
  learn(1, 3, scid(2));
  say(1, node_announcement(1, kNow));
  ready(2);
  auto effects = set_filter(2);
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(2)).size(), 2u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(2)).size(), 4u);
  EXPECT_EQ(sent<wire::NodeAnnouncement>(effects, id(2)).size(), 1u);
  mono_ += 1'000;
  EXPECT_EQ(sent_count(tell(DeadlineReached{})), 0u);
  EXPECT_EQ(sent_count(set_filter(2, kNow + 5)), 0u);
}

TEST_F(GossipTest, LargeBacklogsGoInPieces) {
  check_reload_ = false;
  ready(1);
  for (std::uint32_t i = 0; i < 200; ++i) learn(1, 2, scid(i));
  ready(2);
  auto count = sent<wire::ChannelAnnouncement>(set_filter(2), id(2)).size();
  EXPECT_LT(count, 200u);
  EXPECT_GE(count, kPieceMessages / 3);
  EXPECT_EQ(deadline(gossip_), MonoTime(mono_ + kPieceWaitMs));
  // Asking again does not make it faster.
  EXPECT_EQ(sent_count(tell(DeadlineReached{})), 0u);
  mono_ = deadline(gossip_)->value();
  count += sent<wire::ChannelAnnouncement>(tell(DeadlineReached{}), id(2)).size();
  EXPECT_EQ(count, 200u);
  EXPECT_GT(*deadline(gossip_), MonoTime(mono_ + kPieceWaitMs));
}

TEST_F(GossipTest, AnswersRangeQueries) {
  ready(1);
  learn(1, 2, scid(1));   // block 100
  learn(1, 3, scid(4));   // block 102
  learn(1, 2, scid(20));  // block 110
  auto query = [&](std::uint32_t first, std::uint32_t number) {
    mono_ += kPieceWaitMs;
    auto effects = say(1, wire::QueryChannelRange{wire::chain_hash(wire::Network::Regtest), first, number, {}});
    auto reply = sent<wire::ReplyChannelRange>(effects, id(1)).at(0);
    EXPECT_EQ(reply.sync_complete, 1);
    EXPECT_EQ(reply.first_blocknum, first);
    return *wire::read_short_ids(reply.encoded_short_ids);
  };
  EXPECT_EQ(query(0, 0xffffffff), (std::vector{scid(1), scid(4), scid(20)}));
  EXPECT_EQ(query(101, 9), std::vector{scid(4)});
  EXPECT_EQ(query(101, 10), (std::vector{scid(4), scid(20)}));
  EXPECT_EQ(query(500, 1), std::vector<ShortChannelId>{});
  EXPECT_EQ(query(5, 0xffffffff).size(), 3u);
  EXPECT_EQ(query(0xffffffff, 1), std::vector<ShortChannelId>{});
}

TEST_F(GossipTest, ARangeThatBeginsAtTheLastBlockIsAnsweredAsItWasAsked) {
  ready(1);
  auto effects = say(1, wire::QueryChannelRange{wire::chain_hash(wire::Network::Regtest), 0xffffffff, 5, {}});
  auto reply = sent<wire::ReplyChannelRange>(effects, id(1)).at(0);
  EXPECT_EQ(reply.first_blocknum, 0xffffffffu);
  EXPECT_EQ(reply.number_of_blocks, 1u);
}

TEST_F(GossipTest, QueriesWithUnknownEvenRecordsAreMalformedAndTheNextOneWorks) {
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  learn(1, 2, scid(1));
  Bytes strange{200, 1, 0}, odd{201, 1, 0};
  auto ids = wire::write_short_ids({scid(1)});
  for (const wire::Message& message : {wire::Message(wire::QueryShortChannelIds{chain, ids, strange}),
                                       wire::Message(wire::QueryChannelRange{chain, 0, 1, strange}),
                                       wire::Message(wire::GossipTimestampFilter{chain, 0, 1, strange}),
                                       wire::Message(wire::ReplyChannelRange{chain, 0, 1, 1, ids, strange}),
                                       wire::Message(wire::ReplyShortChannelIdsEnd{chain, 1, strange})}) {
    auto effects = say(1, message);
    EXPECT_EQ(sent<wire::Warning>(effects, id(1)).size(), 1u) << wire::name(message);
    EXPECT_EQ(sent_count(effects), 1u);
  }
  EXPECT_EQ(sent<wire::ReplyChannelRange>(say(1, wire::QueryChannelRange{chain, 0, 1, odd}), id(1)).size(), 1u);
}

TEST_F(GossipTest, AnswersShortIdQueriesWithAndWithoutFlags) {
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  learn(1, 2, scid(1));
  learn(1, 2, scid(2));
  say(1, node_announcement(1, kNow));
  auto ids = wire::write_short_ids({scid(1), scid(2), scid(3)});
  auto effects = say(1, wire::QueryShortChannelIds{chain, ids, {}});
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(1)).size(), 2u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(1)).size(), 4u);
  EXPECT_EQ(sent<wire::NodeAnnouncement>(effects, id(1)).size(), 1u);
  ASSERT_EQ(sent<wire::ReplyShortChannelIdsEnd>(effects, id(1)).size(), 1u);
  EXPECT_EQ(sent<wire::ReplyShortChannelIdsEnd>(effects, id(1))[0].full_information, 1);
  mono_ += 1'000;
  Bytes flags{1, 4, 0, /*update of node 1*/ 2, /*announcement*/ 1, 31};
  effects = say(1, wire::QueryShortChannelIds{chain, ids, flags});
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(1)).size(), 1u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(1)).size(), 1u);
  EXPECT_EQ(sent<wire::NodeAnnouncement>(effects, id(1)).size(), 0u);
  // One flag for three ids; an encoding that nobody uses any more.
  EXPECT_EQ(sent<wire::Warning>(say(1, wire::QueryShortChannelIds{chain, ids, Bytes{1, 2, 0, 31}}), id(1)).size(), 1u);
  EXPECT_EQ(sent<wire::Warning>(say(1, wire::QueryShortChannelIds{chain, Bytes{1, 7}, {}}), id(1)).size(), 1u);
}

TEST_F(GossipTest, SecondQueryBeforeTheEndIsRefused) {
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  auto ids = wire::write_short_ids({scid(1)});
  EXPECT_EQ(sent<wire::ReplyShortChannelIdsEnd>(say(1, wire::QueryShortChannelIds{chain, ids, {}}), id(1)).size(), 1u);
  // The pause after a piece has not passed, so this answer waits, and a third one is too many.
  EXPECT_EQ(sent_count(say(1, wire::QueryShortChannelIds{chain, ids, {}})), 0u);
  EXPECT_EQ(sent<wire::Warning>(say(1, wire::QueryShortChannelIds{chain, ids, {}}), id(1)).size(), 1u);
  mono_ = deadline(gossip_)->value();
  EXPECT_EQ(sent<wire::ReplyShortChannelIdsEnd>(tell(DeadlineReached{}), id(1)).size(), 1u);
}

TEST_F(GossipTest, AsksForUnknownChannelsInBatches) {
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  learn(1, 2, scid(1));
  std::vector<ShortChannelId> ids;
  for (std::uint32_t i = 0; i <= kQueryBatch + 10; ++i) ids.push_back(scid(i));
  auto effects = say(1, wire::ReplyChannelRange{chain, 0, 1'000, 1, wire::write_short_ids(ids), {}});
  auto query = sent<wire::QueryShortChannelIds>(effects, id(1));
  ASSERT_EQ(query.size(), 1u);
  auto asked = *wire::read_short_ids(query[0].encoded_short_ids);
  EXPECT_EQ(asked.size(), kQueryBatch);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), scid(1)), 0);
  query = sent<wire::QueryShortChannelIds>(say(1, wire::ReplyShortChannelIdsEnd{chain, 1}), id(1));
  ASSERT_EQ(query.size(), 1u);
  EXPECT_EQ(wire::read_short_ids(query[0].encoded_short_ids)->size(), 10u);
  EXPECT_EQ(sent_count(say(1, wire::ReplyShortChannelIdsEnd{chain, 1})), 0u);
}

TEST_F(GossipTest, SpentChannelIsNoLongerSentAndForgottenAfter72Blocks) {
  ready(1);
  ready(2);
  auto channel = learn(1, 2, scid(1));
  bitcoin::Transaction spend;
  spend.inputs.push_back(
      {.witness = {{}, {}, {}, commitment::funding_script(channel.bitcoin_key_1, channel.bitcoin_key_2)}});
  test::TestChain blocks(BlockHeight(900));
  hear(blocks.mine({spend}));
  ASSERT_TRUE(graph(gossip_).channel(scid(1))->spent_at.has_value());
  // It may have been spliced: it is routed through until its ends disable it.
  EXPECT_FALSE(graph(gossip_).edges_into(*graph(gossip_).index_of(id(2))).empty());
  EXPECT_EQ(sent_count(set_filter(2)), 0u);
  hear(blocks.mine({}, 71));
  EXPECT_NE(graph(gossip_).channel(scid(1)), nullptr);
  hear(blocks.mine());
  EXPECT_EQ(graph(gossip_).channel(scid(1)), nullptr);
  EXPECT_TRUE(rows_.empty());
}

TEST_F(GossipTest, ChannelSpentInABlockThatGoesIsRoutedAgain) {
  ready(1);
  ready(2);
  auto channel = learn(1, 2, scid(1));
  bitcoin::Transaction spend;
  spend.inputs.push_back(
      {.witness = {{}, {}, {}, commitment::funding_script(channel.bitcoin_key_1, channel.bitcoin_key_2)}});
  test::TestChain blocks(BlockHeight(900));
  hear(blocks.mine({spend}, 2));
  hear(blocks.reorganise(1, 0));
  EXPECT_TRUE(graph(gossip_).channel(scid(1))->spent_at.has_value());
  hear(blocks.reorganise(1, 0));
  EXPECT_FALSE(graph(gossip_).channel(scid(1))->spent_at.has_value());
  EXPECT_FALSE(graph(gossip_).edges_into(*graph(gossip_).index_of(id(2))).empty());
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(set_filter(2), id(2)).size(), 1u);
  restart();
  EXPECT_FALSE(graph(gossip_).channel(scid(1))->spent_at.has_value());
}

TEST_F(GossipTest, ChannelsWithoutNewsForTwoWeeksAreForgottenOursAreNot) {
  ready(1);
  learn(1, 2, scid(1));
  announce_own(1);
  wall_ += 1'300'000;
  mono_ += 3'700'000;
  tell(DeadlineReached{});
  EXPECT_EQ(graph(gossip_).channel(scid(1)), nullptr);
  EXPECT_EQ(graph(gossip_).channels().size(), 1u);
}

TEST_F(GossipTest, ANodeWithTwoDnsNamesIsNeitherKeptNorRelayed) {
  ready(1);
  ready(2);
  learn(1, 2, scid(1));
  set_filter(2);
  auto node = node_announcement(1, kNow);
  for (const char* name : {"one.example:9735", "two.example:9735"}) {
    node.addresses.push_back(*wire::parse_address(name));
    node.raw.clear();
    node.signature = this->node(1).sign_with_node_key(wire::signature_hash(node));
    node.raw = wire::encode(node);
    bool one = node.addresses.size() == 1;
    EXPECT_EQ(sent<wire::NodeAnnouncement>(say(1, node), id(2)).size(), one ? 1u : 0u);
    node.timestamp += 1;
  }
  EXPECT_EQ(graph(gossip_).node(id(1))->announced->addresses.size(), 1u);
}

TEST_F(GossipTest, AnUpdateWithoutTheBitThatMustBeOneCounts) {
  ready(1);
  learn(1, 2, scid(1));
  auto news = update(1, 2, scid(1), kNow);
  news.message_flags = 0;
  news.raw.clear();
  news.signature = node(1).sign_with_node_key(wire::signature_hash(news));
  news.raw = wire::encode(news);
  say(1, news);
  EXPECT_EQ(graph(gossip_).channel(scid(1))->directions[id(1) < id(2) ? 0 : 1]->timestamp, kNow);
}

TEST_F(GossipTest, AFilterInTheMiddleGetsEachChannelInFrontOfItsUpdatesAndNodesLast) {
  check_reload_ = false;
  ready(1);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    auto channel = announcement(1, 2, scid(i));
    say(1, channel);
    tell(OutputLookedUp{scid(i), funding_output(channel)});
    say(1, update(1, 2, scid(i), kNow - 100 + 10 * i));
    if (i != 3) say(1, update(2, 1, scid(i), kNow - 105 + 10 * i));
  }
  say(1, node_announcement(1, kNow - 75));
  say(1, node_announcement(2, kNow - 20));
  ready(2);
  std::set<ShortChannelId> announced;
  std::vector<std::uint32_t> timestamps;
  std::size_t nodes = 0;
  for (const auto& effect : set_filter(2, kNow - 85, 30)) {
    const auto* send = std::get_if<SendMessage>(&effect);
    if (send == nullptr) continue;
    if (const auto* channel = std::get_if<wire::ChannelAnnouncement>(&send->message)) {
      EXPECT_TRUE(announced.insert(channel->short_channel_id).second);
    }
    if (const auto* news = std::get_if<wire::ChannelUpdate>(&send->message)) {
      EXPECT_TRUE(announced.contains(news->short_channel_id));
      EXPECT_EQ(nodes, 0u);
      timestamps.push_back(news->timestamp);
    }
    if (const auto* node = std::get_if<wire::NodeAnnouncement>(&send->message)) {
      EXPECT_EQ(node->node_id, id(1));
      ++nodes;
    }
  }
  EXPECT_EQ(timestamps, (std::vector{kNow - 85, kNow - 80, kNow - 70, kNow - 65, kNow - 60}));
  EXPECT_EQ(nodes, 1u);
}

TEST_F(GossipTest, RefusesCutAndUnknownRows) {
  ready(1);
  learn(1, 2, scid(1));
  say(1, node_announcement(1, kNow));
  const auto& channel = own_channel(1, false);
  tell(ChannelUsable{channel.channel_id, channel.peer});
  ASSERT_EQ(rows_.size(), 5u);
  for (const auto& [key, value] : rows_) {
    // All rows but this one as they are: only this one can be what is refused.
    auto refusal = [&, table = key.first, row_key = key.second](const Bytes& changed) -> std::optional<LoadError> {
      std::vector<Row> rows;
      for (const auto& [other, kept] : rows_)
        rows.push_back({other.first, other.second, other == std::pair(table, row_key) ? changed : kept});
      auto loaded = load(rows);
      return loaded ? std::nullopt : std::optional(loaded.error());
    };
    EXPECT_FALSE(refusal(value).has_value());
    for (std::size_t size = 0; size < value.size(); ++size) {
      auto refused = refusal(Bytes(value.begin(), value.begin() + size));
      ASSERT_TRUE(refused.has_value());
      EXPECT_EQ(refused->key, key.second);
    }
    auto unknown = value;
    unknown[0] = 9;
    EXPECT_EQ(refusal(unknown)->error.code, ParseCode::UnknownVersion);
  }
}

}  // namespace
}  // namespace doze::gossip
