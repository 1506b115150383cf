// What floods of gossip cost us, and that they keep nobody else out.
#include <ctime>

#include "gossip/inside.h"
#include "gossip/test/world.h"

namespace doze::gossip {
namespace {

TEST_F(GossipTest, WaitingAnnouncementsAndLookUpsAreBounded) {
  check_reload_ = false;
  ready(1);
  std::size_t asked = 0;
  constexpr auto kTaken = kMaxWaitingOfPeer;  // what is looked up is among them
  for (std::uint32_t i = 0; i < kTaken + 3; ++i) asked += lookups(say(1, announcement(1, 2, scid(i)))).size();
  EXPECT_EQ(asked, kMaxLookUps);
  // Each answer lets the next one be asked, and as many in all as there was room for.
  for (std::uint32_t i = 0; i < kTaken; ++i) {
    EXPECT_EQ(graph(gossip_).channel(scid(i)), nullptr);
    asked += lookups(tell(OutputLookedUp{scid(i), funding_output(announcement(1, 2, scid(i)))})).size();
  }
  EXPECT_EQ(asked, kTaken);
  EXPECT_EQ(graph(gossip_).channels().size(), kTaken);
  EXPECT_EQ(lookups(say(1, announcement(1, 2, scid(kTaken)))).size(), 1u);
}

TEST_F(GossipTest, APeerThatFloodsWithInventedChannelsDoesNotKeepAnothersRealOneOut) {
  check_reload_ = false;
  ready(1);
  ready(2);
  ready(3);
  std::set<ShortChannelId> under_way;
  auto note = [&](const Effects& effects) {
    for (auto id : lookups(effects)) under_way.insert(id);
    return sent<wire::Warning>(effects, id(1)).size();
  };
  for (std::uint32_t i = 0; i < kMaxWaiting; ++i) note(say(i % 2 == 0 ? 1 : 3, announcement(1, 3, scid(i))));
  auto real = announcement(1, 2, scid(100'000));
  note(say(2, real));
  // It waits for what is under way and its turn, not for thousands.
  std::size_t before = 0;
  while (!under_way.contains(scid(100'000)) && before < 2 * kMaxLookUps) {
    auto next = *under_way.begin();
    under_way.erase(under_way.begin());
    note(tell(OutputLookedUp{next, std::nullopt}));
    ++before;
  }
  EXPECT_LE(before, 3u);
  tell(OutputLookedUp{scid(100'000), funding_output(real)});
  EXPECT_NE(graph(gossip_).channel(scid(100'000)), nullptr);
}

TEST_F(GossipTest, WhereTheRoomIsFullThePeerWithMostWaitingLosesSome) {
  check_reload_ = false;
  for (std::size_t i : {1, 2, 3}) ready(i);
  for (std::uint32_t i = 0; i < kMaxWaiting + 100; ++i) say(i % 2 == 0 ? 1 : 3, announcement(1, 3, scid(i)));
  for (std::uint32_t i = 0; i < 10; ++i) say(2, announcement(1, 2, scid(50'000 + i)));
  EXPECT_EQ(gossip_.inside->waiting.size(), kMaxWaitingOfKind);
  EXPECT_EQ(gossip_.inside->peers.at(id(2)).waiting.size(), 10u);
  // The waiting of a peer that goes is forgotten, but for what is under way.
  tell(PeerGone{id(1)});
  tell(PeerGone{id(3)});
  EXPECT_EQ(gossip_.inside->waiting.size(), 10u + kMaxLookUps);
}

TEST_F(GossipTest, InventedChannelsAreLookedUpOnceAndTheirTellerIsNoLongerHeard) {
  check_reload_ = false;
  ready(1);
  ready(2);
  std::size_t warnings = 0;
  for (std::uint32_t i = 0; i < kMaxBogus; ++i) {
    ASSERT_EQ(lookups(say(1, announcement(1, 2, scid(i)))).size(), 1u);
    warnings += sent<wire::Warning>(tell(OutputLookedUp{scid(i), std::nullopt}), id(1)).size();
  }
  EXPECT_EQ(warnings, 1u);
  EXPECT_TRUE(lookups(say(1, announcement(1, 2, scid(9'999)))).empty());
  // From another peer: what is missing is not sought again for a while, anything else is.
  EXPECT_TRUE(lookups(say(2, announcement(1, 2, scid(7)))).empty());
  EXPECT_EQ(lookups(say(2, announcement(1, 2, scid(9'999)))).size(), 1u);
  mono_ += kHousekeepingMs;
  tell(DeadlineReached{});
  EXPECT_EQ(lookups(say(2, announcement(1, 2, scid(7)))).size(), 1u);
}

// What is over leaves the store: after 30 days it is as large as after three.
TEST_F(GossipTest, AMonthOfChannelsThatComeAndGoLeavesAStoreOfTheSameSize) {
  check_reload_ = false;
  ready(1);
  ready(2);
  test::TestChain blocks(BlockHeight(900));
  std::vector<wire::ChannelAnnouncement> open;
  auto bytes = [&] {
    std::size_t out = 0;
    for (const auto& [key, value] : rows_) out += key.second.size() + value.size();
    return out;
  };
  std::size_t after_three = 0, largest = 0;
  std::uint32_t number = 0;
  for (int day = 1; day <= 30; ++day) {
    auto now = [&] { return static_cast<std::uint32_t>(wall_); };
    std::vector<bitcoin::Transaction> spends;
    for (int i = 0; i < 10; ++i) {
      auto channel = announcement(1, 2, scid(++number));
      say(1, channel);
      tell(OutputLookedUp{channel.short_channel_id, funding_output(channel)});
      open.push_back(channel);
    }
    while (open.size() > 20) {
      auto script = commitment::funding_script(open.front().bitcoin_key_1, open.front().bitcoin_key_2);
      spends.emplace_back().inputs.push_back({.witness = {{}, {}, {}, script}});
      open.erase(open.begin());
    }
    // Each hour each direction says something new, and both nodes do.
    for (int hour = 0; hour < 24; ++hour) {
      for (const auto& channel : open)
        for (auto [from, to] : {std::pair(1, 2), std::pair(2, 1)})
          say(1, update(static_cast<std::size_t>(from), static_cast<std::size_t>(to), channel.short_channel_id, now()));
      for (std::size_t node : {1, 2}) say(1, node_announcement(node, now()));
      wall_ += 3'600;
      mono_ += 3'600'000;
      tell(DeadlineReached{});
    }
    hear(blocks.mine(std::move(spends), 144));
    if (day == 3) after_three = bytes();
    if (day > 3) largest = std::max(largest, bytes());
  }
  EXPECT_EQ(graph(gossip_).channels().size(), open.size() + 0U);
  EXPECT_GT(after_three, 10'000U);
  EXPECT_LE(largest, after_three + after_three / 10);
  check_reload_ = true;
  tell(DeadlineReached{});
}

TEST_F(GossipTest, AForgedAnnouncementOfARealOutputDoesNotKeepTheRealOneOut) {
  ready(1);
  ready(2);
  auto real = announcement(1, 2, scid(1));
  say(1, announcement(1, 3, scid(1)));
  tell(OutputLookedUp{scid(1), funding_output(real)});
  ASSERT_EQ(graph(gossip_).channel(scid(1)), nullptr);
  say(2, real);
  tell(OutputLookedUp{scid(1), funding_output(real)});
  EXPECT_NE(graph(gossip_).channel(scid(1)), nullptr);
}

TEST_F(GossipTest, AChannelIsLookedUpWhenItIsSixBlocksDeep) {
  ready(1);
  auto fresh = ShortChannelId::of(tip_ - 4, 1, 0);  // five blocks with its own
  auto channel = announcement(1, 2, fresh);
  EXPECT_TRUE(lookups(say(1, channel)).empty());
  auto ahead = ShortChannelId::of(tip_ + 3, 1, 0);
  EXPECT_TRUE(lookups(say(1, announcement(1, 2, ahead))).empty());
  // What is deep is not held up by them.
  EXPECT_EQ(lookups(say(1, announcement(1, 2, scid(1)))).size(), 1u);
  ++tip_;
  EXPECT_EQ(lookups(tell(BlockConnected{BlockHeight(tip_), {}, {}})), std::vector{fresh});
  tell(OutputLookedUp{fresh, funding_output(channel)});
  EXPECT_NE(graph(gossip_).channel(fresh), nullptr);
  tip_ += 7;
  EXPECT_EQ(lookups(tell(BlockConnected{BlockHeight(tip_), {}, {}})), std::vector{ahead});
}

TEST_F(GossipTest, WhoSaysWhatIsSignedWronglyIsNotVerifiedForEver) {
  ready(1);
  ready(2);
  own_channel(2, false);
  ready(2);
  learn(3, 2, scid(1));
  auto forged = [&](std::size_t from, std::uint32_t number) {
    auto update_of_another = update(1, 3, scid(1), kNow + number);
    update_of_another.channel_flags = id(2) < id(3) ? 0 : 1;
    update_of_another.raw.clear();
    update_of_another.raw = wire::encode(update_of_another);
    return say(from, update_of_another);
  };
  auto drops = [](const Effects& effects) {
    return std::count_if(effects.begin(), effects.end(),
                         [](const Effect& effect) { return std::holds_alternative<DropPeer>(effect); });
  };
  std::map<std::size_t, std::size_t> warnings, dropped;
  for (std::uint32_t i = 1; i <= 1'000; ++i)
    for (std::size_t from : {1, 2}) {
      auto effects = forged(from, i);
      warnings[from] += sent<wire::Warning>(effects, id(from)).size();
      dropped[from] += static_cast<std::size_t>(drops(effects));
    }
  EXPECT_EQ(warnings[1], kMaxWrongSignatures);
  EXPECT_EQ(warnings[2], kMaxWrongSignatures);
  EXPECT_EQ(dropped[1], 1u);
  EXPECT_EQ(dropped[2], 0u);  // it has a channel with us
  EXPECT_TRUE(say(2, update(2, 3, scid(1), kNow + 5)).empty());
}

TEST_F(GossipTest, WhatSomebodyPutBehindAnHonestAnnouncementIsNotItsTellersFault) {
  ready(1);
  ready(2);
  for (std::uint32_t i = 1; i <= 2 * kMaxWrongSignatures; ++i) {
    auto channel = announcement(1, 3, scid(i));
    say(1, channel);
    auto forged = update(2, 3, scid(i), kNow);
    forged.channel_flags = 0;
    forged.raw.clear();
    forged.raw = wire::encode(forged);
    say(2, forged);
    EXPECT_TRUE(sent<wire::Warning>(tell(OutputLookedUp{scid(i), funding_output(channel)}), id(1)).empty());
  }
  EXPECT_EQ(gossip_.inside->peers.at(id(1)).wrong_signatures, 0u);
}

/// A graph of `count` channels that nobody signed, to look at only.
void fill(graph::Graph& graph, std::uint32_t count, std::uint32_t timestamp) {
  for (std::uint32_t i = 0; i < count; ++i) {
    wire::ChannelAnnouncement channel;
    channel.short_channel_id = ShortChannelId::of(1'000 + i / 4, i % 4, 0);
    for (auto* id : {&channel.node_id_1, &channel.node_id_2}) {
      auto number = id == &channel.node_id_1 ? i % 5'000 : 5'000 + i % 7'000;
      id->bytes = {2};
      for (int byte = 0; byte < 4; ++byte) id->bytes[1 + byte] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    }
    channel.bitcoin_key_1 = channel.node_id_1;
    channel.bitcoin_key_2 = channel.node_id_2;
    channel.raw = wire::encode(channel);
    ASSERT_TRUE(graph.add_channel(channel, channel.raw, Sat(100'000), UnixTime(timestamp)).has_value());
    for (std::uint8_t direction : {0, 1}) {
      wire::ChannelUpdate update;
      update.short_channel_id = channel.short_channel_id;
      update.timestamp = timestamp - i % 1'000;
      update.channel_flags = direction;
      update.htlc_maximum_msat = Msat(1'000);
      ASSERT_TRUE(graph.apply(update, wire::encode(update)).has_value());
    }
  }
}

TEST_F(GossipTest, QuestionsThatFindNothingLookAtNothing) {
  check_reload_ = false;
  fill(gossip_.inside->graph, 40'000, kNow);
  ready(1);
  auto per_question = [&](auto question) {
    constexpr int kQuestions = 50;
    auto start = std::clock();
    for (int i = 0; i < kQuestions; ++i) {
      question();
      mono_ += kPieceWaitMs;
    }
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / kQuestions;
  };
  auto chain = wire::chain_hash(wire::Network::Regtest);
  auto empty_filter = per_question([&] { EXPECT_EQ(sent_count(set_filter(1, kNow + 100, 1'000)), 0u); });
  EXPECT_FALSE(gossip_.inside->peers.at(id(1)).backlog.has_value());
  auto empty_range = per_question([&] {
    EXPECT_EQ(sent_count(say(1, wire::QueryChannelRange{chain, 500, 0, {}})), 1u);
  });
  auto high_range = per_question([&] {
    EXPECT_EQ(sent_count(say(1, wire::QueryChannelRange{chain, 900'000, 9, {}})), 1u);
  });
  // A walk over 40,000 channels takes some 10 ms; this is what a step costs anyway.
  EXPECT_LT(empty_filter, 0.000'5);
  EXPECT_LT(empty_range, 0.000'5);
  EXPECT_LT(high_range, 0.000'5);
}

TEST_F(GossipTest, EveryRangeQueryIsAnsweredAtARateHoweverManyThereAre) {
  check_reload_ = false;
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  std::size_t answers = 0, asked = 0;
  auto count = [&](const Effects& effects) { answers += sent<wire::ReplyChannelRange>(effects, id(1)).size(); };
  for (int hour = 0; hour < 5; ++hour) {
    for (std::size_t i = 0; i < kMaxRangesWaiting; ++i, ++asked)
      count(say(1, wire::QueryChannelRange{chain, 5, 1, {}}));
    if (hour == 0) {
      EXPECT_LT(answers, kMaxRangesWaiting);
      EXPECT_TRUE(sent<wire::Warning>(say(1, wire::QueryChannelRange{chain, 5, 1, {}}), id(1)).empty());
      ++asked;
      EXPECT_EQ(sent<wire::Warning>(say(1, wire::QueryChannelRange{chain, 5, 1, {}}), id(1)).size(), 1u);
    }
    for (int i = 0; i < 500 && answers < asked; ++i) {
      mono_ = std::max(mono_ + 1, deadline(gossip_)->value());
      count(tell(DeadlineReached{}));
    }
    EXPECT_EQ(answers, asked);
  }
}

TEST_F(GossipTest, ALargeRangeIsAnsweredInStepsAndCoversEveryBlock) {
  check_reload_ = false;
  constexpr std::uint32_t kChannels = 20'000;
  fill(gossip_.inside->graph, kChannels, kNow);
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  std::vector<wire::ReplyChannelRange> replies;
  auto add = [&](const Effects& effects) {
    auto some = sent<wire::ReplyChannelRange>(effects, id(1));
    EXPECT_LE(some.size(), 3u);
    replies.insert(replies.end(), some.begin(), some.end());
  };
  add(say(1, wire::QueryChannelRange{chain, 0, 0xffffffff, {}}));
  for (int i = 0; i < 100 && replies.back().sync_complete == 0; ++i) {
    mono_ = std::max(mono_ + 1, deadline(gossip_)->value());
    add(tell(DeadlineReached{}));
  }
  ASSERT_EQ(replies.size(), 3u);
  std::vector<ShortChannelId> ids;
  std::uint64_t next = 0;
  for (const auto& reply : replies) {
    EXPECT_EQ(reply.first_blocknum, next);
    next = std::uint64_t{reply.first_blocknum} + reply.number_of_blocks;
    auto some = *wire::read_short_ids(reply.encoded_short_ids);
    ids.insert(ids.end(), some.begin(), some.end());
  }
  EXPECT_EQ(next, 0xffffffffu);
  EXPECT_EQ(ids.size(), kChannels);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST_F(GossipTest, IdsAreAnsweredOnceHoweverOftenTheyAreNamed) {
  ready(1);
  learn(1, 2, scid(1));
  learn(1, 2, scid(2));
  std::vector<ShortChannelId> ids(8'000, scid(1));
  ids.push_back(scid(2));
  ids.push_back(scid(1));
  std::reverse(ids.begin(), ids.end());
  auto chain = wire::chain_hash(wire::Network::Regtest);
  auto effects = say(1, wire::QueryShortChannelIds{chain, wire::write_short_ids(ids), {}});
  EXPECT_EQ(sent_count(effects), 2 * 3u + 1);
  // Of one id with several flags everything is wanted that any of them names.
  Bytes flags{1, 3, 0, /*announcement*/ 1, /*update of node 1*/ 2};
  mono_ += kPieceWaitMs;
  effects = say(1, wire::QueryShortChannelIds{chain, wire::write_short_ids({scid(1), scid(1)}), flags});
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(1)).size(), 1u);
  EXPECT_EQ(sent<wire::ChannelUpdate>(effects, id(1)).size(), 1u);
}

TEST_F(GossipTest, APeerThatLeavesOutputUnreadGetsTheNextPieceWhenItReadsAgain) {
  check_reload_ = false;
  fill(gossip_.inside->graph, 2'000, kNow);
  ready(1, false);
  EXPECT_GT(sent_count(set_filter(1)), 0u);
  auto next = [&] {
    mono_ = std::max(mono_ + 1, deadline(gossip_)->value());
    return sent_count(tell(DeadlineReached{}));
  };
  peers_.at(id(1)).unread = true;
  auto before = mono_;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(next(), 0u);
  EXPECT_GE(mono_, before + 10 * kPieceWaitMs);  // and nobody is busy waiting
  peers_.at(id(1)).unread = false;
  EXPECT_GT(next(), 0u);
}

TEST_F(GossipTest, AllStrangersTogetherGetOneRateOfBytesAndPeersWithChannelsDoNotWaitForThem) {
  check_reload_ = false;
  fill(gossip_.inside->graph, 8'000, kNow);
  constexpr std::size_t kStrangers = 40;
  std::map<NodeId, std::uint64_t> bytes;
  auto count = [&](const Effects& effects) {
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<SendMessage>(&effect))
        bytes[send->node_id] += wire::encode(send->message).size();
  };
  for (std::uint8_t seed = 50; seed < 50 + kStrangers; ++seed) {
    nodes_.push_back(make_seed_signer(Bytes(64, seed), wire::Network::Regtest));
    ready(nodes_.size() - 1, false);
    count(set_filter(nodes_.size() - 1));
  }
  own_channel(1, false);
  ready(1);
  count(set_filter(1));
  constexpr std::uint64_t kMs = 3'000;
  for (auto end = mono_ + kMs; mono_ < end;) {
    mono_ = std::max(mono_ + 1, deadline(gossip_)->value());
    count(tell(DeadlineReached{}));
  }
  auto familiar = bytes[id(1)];
  std::uint64_t strangers = 0;
  for (const auto& [node, sum] : bytes) strangers += node == id(1) ? 0 : sum;
  EXPECT_LE(strangers, kStrangersBurstBytes + kMs * kStrangersBytesPerS / 1'000 + 300'000);
  EXPECT_GE(strangers, kStrangersBurstBytes);
  EXPECT_GE(familiar, kMs / kPieceWaitMs * kPieceMessages * 130);
}

TEST_F(GossipTest, IdsThatStrangersWaitForAreBoundedAndWhoHasMostIsToldToAskAgain) {
  check_reload_ = false;
  own_channel(1, false);
  ready(1);
  ready(2);
  auto chain = wire::chain_hash(wire::Network::Regtest);
  auto question = [](std::size_t count) {
    std::vector<ShortChannelId> ids;
    for (std::size_t i = 1; i <= count; ++i) ids.push_back(ShortChannelId(i));
    return wire::write_short_ids(ids);
  };
  gossip_.inside->strangers_full_at = MonoTime(mono_ + 3'600'000);  // nobody is served meanwhile
  say(2, wire::QueryShortChannelIds{chain, question(500), {}});
  std::size_t cut = 0;
  for (std::uint8_t i = 0; i < 80; ++i) {
    nodes_.push_back(make_seed_signer(Bytes(64, static_cast<std::uint8_t>(50 + i)), wire::Network::Regtest));
    ready(nodes_.size() - 1, false);
    for (const auto& effect : say(nodes_.size() - 1, wire::QueryShortChannelIds{chain, question(8'000), {}}))
      if (const auto* send = std::get_if<SendMessage>(&effect))
        if (const auto* end = std::get_if<wire::ReplyShortChannelIdsEnd>(&send->message)) {
          EXPECT_EQ(end->full_information, 0);
          EXPECT_NE(send->node_id, id(2));
          ++cut;
        }
  }
  std::size_t left = 0;
  for (const auto& [node, peer] : gossip_.inside->peers) left += peer.answer ? peer.answer->left() : 0;
  EXPECT_LE(left, kMaxIdsOfStrangers);
  EXPECT_GT(left, kMaxIdsOfStrangers - 8'000);
  EXPECT_EQ(cut, 80 - kMaxIdsOfStrangers / 8'000);
  EXPECT_TRUE(gossip_.inside->peers.at(id(2)).answer.has_value());
}

TEST_F(GossipTest, AFloodOfUpdatesIsNeitherStoredNorRelayedBeyondItsRate) {
  check_reload_ = false;
  ready(1);
  ready(2);
  learn(1, 2, scid(1));
  own_channel(1, false);
  set_filter(2);
  std::size_t puts = 0, relayed = 0;
  auto count = [&](const Effects& effects) {
    relayed += sent_count(effects);
    puts += static_cast<std::size_t>(std::count_if(
        effects.begin(), effects.end(), [](const Effect& effect) { return std::holds_alternative<Put>(effect); }));
  };
  constexpr std::uint32_t kFlood = 3'334;
  for (std::uint32_t i = 1; i <= kFlood; ++i) {
    count(say(1, update(1, 2, scid(1), kNow + i)));
    count(say(1, node_announcement(1, kNow + i)));
    count(say(1, update(1, 0, ShortChannelId(0x1111 + 1), kNow + i)));  // of our own channel
  }
  EXPECT_LE(puts, 3 * kNewsBurst);
  EXPECT_LE(relayed, 2 * kNewsBurst);
  EXPECT_GE(relayed, 2 * (kNewsBurst - 1));
  // The newest counts nevertheless.
  EXPECT_EQ(graph(gossip_).channel(scid(1))->directions[id(1) < id(2) ? 0 : 1]->timestamp, kNow + kFlood);
  EXPECT_EQ(graph(gossip_).node(id(1))->announced->timestamp, kNow + kFlood);
  // An hour later one more, and the other direction was never held up.
  mono_ += kNewsEveryMs;
  relayed = 0;
  for (std::uint32_t i = 1; i <= 3; ++i) count(say(1, update(1, 2, scid(1), kNow + kFlood + i)));
  EXPECT_EQ(relayed, 1u);
  count(say(1, update(2, 1, scid(1), kNow + 1)));
  EXPECT_EQ(relayed, 2u);
}

TEST_F(GossipTest, IdsThatNobodyAskedForAreIgnoredAndRepeatsAreAskedForOnce) {
  auto chain = wire::chain_hash(wire::Network::Regtest);
  ready(1);
  ready(2, false);  // knows no queries: it was asked nothing
  auto reply = [&](std::size_t from, std::uint32_t blocks, const std::vector<ShortChannelId>& ids) {
    return sent<wire::QueryShortChannelIds>(
        say(from, wire::ReplyChannelRange{chain, 0, blocks, 1, wire::write_short_ids(ids), {}}), id(from));
  };
  EXPECT_TRUE(reply(2, 1'000, {scid(1)}).empty());
  auto query = reply(1, 1'000, {scid(1), scid(1), scid(2), scid(1)});
  ASSERT_EQ(query.size(), 1u);
  EXPECT_EQ(*wire::read_short_ids(query[0].encoded_short_ids), (std::vector{scid(1), scid(2)}));
  reply(1, 0xffffffff, {scid(3), scid(3)});  // the end of the range
  reply(1, 0xffffffff, {scid(4)});
  query = sent<wire::QueryShortChannelIds>(say(1, wire::ReplyShortChannelIdsEnd{chain, 1}), id(1));
  ASSERT_EQ(query.size(), 1u);
  EXPECT_EQ(*wire::read_short_ids(query[0].encoded_short_ids), std::vector{scid(3)});
}

TEST_F(GossipTest, WantedChannelsAreBoundedForAPeerAndInAll) {
  check_reload_ = false;
  auto chain = wire::chain_hash(wire::Network::Regtest);
  std::uint64_t number = 0;
  auto name_ids = [&](std::size_t peer, std::size_t count) {
    while (count > 0) {
      std::vector<ShortChannelId> ids;
      for (; count > 0 && ids.size() < kIdsInReply; --count) ids.push_back(ShortChannelId(++number));
      say(peer, wire::ReplyChannelRange{chain, 0, 1'000, 1, wire::write_short_ids(ids), {}});
    }
  };
  auto wanted = [&](const NodeId& peer) { return gossip_.inside->peers.at(peer).wanted.size(); };
  ready(1);
  name_ids(1, kMaxWanted + 20'000);
  EXPECT_EQ(wanted(id(1)), kMaxWanted - kQueryBatch);
  // More peers than there is room for; the last one gets its share.
  std::vector<NodeId> crowd;
  for (std::uint8_t seed = 50; seed < 54; ++seed) {
    nodes_.push_back(make_seed_signer(Bytes(64, seed), wire::Network::Regtest));
    crowd.push_back(nodes_.back()->node_id());
    ready(nodes_.size() - 1);
    name_ids(nodes_.size() - 1, kMaxWanted);
  }
  std::size_t in_all = wanted(id(1));
  for (const auto& peer : crowd) in_all += wanted(peer);
  EXPECT_LE(in_all, kMaxWantedOfKind);
  EXPECT_GE(wanted(crowd.back()), kMaxWantedOfKind / 5 - kQueryBatch - kIdsInReply);
}

TEST_F(GossipTest, StrangersThatAskForTheWholeGraphAreServedByTurnsInBoundedSteps) {
  check_reload_ = false;
  constexpr std::size_t kChannels = 200, kStrangers = 20;  // more than a piece for each
  ready(1);
  for (std::uint32_t i = 0; i < kChannels; ++i) learn(1, 2, scid(i));
  std::map<NodeId, std::size_t> got;
  auto note = [&](const Effects& effects) {
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<SendMessage>(&effect))
        got[send->node_id] += std::holds_alternative<wire::ChannelAnnouncement>(send->message) ? 1 : 0;
    return sent_count(effects);
  };
  constexpr auto kMost = kStepMessages + kPieceMessages + 4;  // the last channel of a piece is sent whole
  std::size_t at_once = 0;
  for (std::uint8_t seed = 50; seed < 50 + kStrangers; ++seed) {
    nodes_.push_back(make_seed_signer(Bytes(64, seed), wire::Network::Regtest));
    ready(nodes_.size() - 1, false);
    at_once += note(set_filter(nodes_.size() - 1));
  }
  EXPECT_LE(at_once, kMost);
  EXPECT_GE(at_once, kStepMessages);
  // The others' turn comes a little later, and before anybody has a second piece.
  std::size_t steps = 0;
  while (deadline(gossip_)->value() <= mono_ + kPieceWaitMs && steps < 100) {
    ASSERT_GT(deadline(gossip_)->value(), mono_);
    mono_ = deadline(gossip_)->value();
    EXPECT_LE(note(tell(DeadlineReached{})), kMost);
    if (++steps == kStrangers / 2) {
      EXPECT_EQ(got.size(), kStrangers);
    }
  }
  EXPECT_LT(steps, 100u);
  ASSERT_EQ(got.size(), kStrangers);
  for (const auto& [stranger, count] : got) EXPECT_EQ(count, kChannels);
}

TEST_F(GossipTest, ABurstOfNewsIsRelayedInBoundedStepsAndReachesEveryPeerOnce) {
  check_reload_ = false;
  constexpr std::uint32_t kChannels = 50;
  constexpr std::size_t kPeers = 40;
  ready(1);
  for (std::uint32_t i = 0; i < kChannels; ++i) learn(1, 2, scid(i));
  for (std::uint8_t seed = 50; seed < 50 + kPeers; ++seed) {
    nodes_.push_back(make_seed_signer(Bytes(64, seed), wire::Network::Regtest));
    ready(nodes_.size() - 1, false);
    set_filter(nodes_.size() - 1, kNow);
  }
  std::map<NodeId, std::map<ShortChannelId, std::vector<std::uint32_t>>> got;
  auto note = [&](const Effects& effects) {
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<SendMessage>(&effect))
        if (const auto* update = std::get_if<wire::ChannelUpdate>(&send->message))
          got[send->node_id][update->short_channel_id].push_back(update->timestamp);
    return sent_count(effects);
  };
  std::size_t at_once = 0;
  for (std::uint32_t i = 0; i < kChannels; ++i) at_once += note(say(1, update(1, 2, scid(i), kNow)));
  // What changes while it waits is sent as it is then.
  at_once += note(say(1, update(1, 2, scid(kChannels - 1), kNow + 1)));
  EXPECT_EQ(at_once, kStepMessages);
  // One of them leaves: nothing waits for it.
  tell(PeerGone{nodes_.back()->node_id()});
  got.erase(nodes_.back()->node_id());
  std::size_t steps = 0;
  for (; deadline(gossip_)->value() <= mono_ + kPieceWaitMs && steps < 100; ++steps) {
    mono_ = deadline(gossip_)->value();
    EXPECT_LE(note(tell(DeadlineReached{})), kStepMessages + kPieceMessages);
  }
  EXPECT_LT(steps, 100u);
  EXPECT_TRUE(gossip_.inside->news.empty());
  EXPECT_TRUE(gossip_.inside->news_numbers.empty());
  ASSERT_EQ(got.size(), kPeers - 1);
  for (const auto& [peer, updates] : got) {
    ASSERT_EQ(updates.size(), kChannels);
    for (const auto& [channel, timestamps] : updates)
      EXPECT_EQ(timestamps, std::vector{channel == scid(kChannels - 1) ? kNow + 1 : kNow});
  }
  // Nobody waits any more, so the next goes at once.
  mono_ += kStepWaitMs;
  EXPECT_EQ(note(say(1, update(1, 2, scid(0), kNow + 1))), kPeers - 1);
}

TEST_F(GossipTest, ChannelsThatAreAllStaleAfterTwoWeeksAwayAreForgottenInBoundedSteps) {
  check_reload_ = false;
  ready(1);
  auto enter = [&](std::uint32_t number) {
    auto channel = announcement(1, 2, scid(number));
    say(1, channel);
    tell(OutputLookedUp{scid(number), funding_output(channel)});
  };
  for (std::uint32_t i = 0; i < kPrunedAtATime + 20; ++i) enter(i);
  wall_ += graph::kStaleAfterS + 1;
  enter(50'000);
  restart();
  EXPECT_EQ(graph(gossip_).channels().size(), 21u);
  EXPECT_EQ(gossip_.inside->fundings.size(), 21u);
  EXPECT_EQ(deadline(gossip_), MonoTime(mono_ + kStepWaitMs));
  mono_ = deadline(gossip_)->value();
  tell(DeadlineReached{});
  EXPECT_EQ(graph(gossip_).channels().size(), 1u);
  EXPECT_NE(graph(gossip_).channel(scid(50'000)), nullptr);
  EXPECT_EQ(gossip_.inside->fundings.size(), 1u);
  EXPECT_EQ(rows_.size(), 1u);
  EXPECT_EQ(deadline(gossip_), MonoTime(mono_ + kHousekeepingMs));
}

TEST_F(GossipTest, WhatWaitsForItsOutputIsBoundedInBytesToo) {
  ready(1);
  wire::FeatureBits many;
  many.set(8 * kMaxWaitingBytes + 1);
  EXPECT_TRUE(lookups(say(1, announcement(1, 2, scid(1), many))).empty());
  EXPECT_TRUE(gossip_.inside->waiting.empty());
  auto channel = announcement(1, 2, scid(2));
  say(1, channel);
  // What follows is not verified yet, so anybody could have blown it up.
  auto large_update = update(1, 2, scid(2), kNow + 5);
  large_update.raw.resize(60'000);
  auto large_node = node_announcement(2, kNow + 5);
  large_node.raw.resize(60'000);
  say(1, large_update);
  say(1, large_node);
  EXPECT_LE(gossip_.inside->waiting.at(scid(2)).bytes(), kMaxWaitingBytes);
  say(1, update(1, 2, scid(2), kNow));
  say(1, update(2, 1, scid(2), kNow));
  say(1, node_announcement(1, kNow));
  say(1, node_announcement(2, kNow));
  tell(OutputLookedUp{scid(2), funding_output(channel)});
  const auto* known = graph(gossip_).channel(scid(2));
  ASSERT_NE(known, nullptr);
  EXPECT_TRUE(known->directions[0] && known->directions[1]);
  EXPECT_TRUE(graph(gossip_).node(id(1))->announced.has_value());
  EXPECT_TRUE(graph(gossip_).node(id(2))->announced.has_value());
}

}  // namespace
}  // namespace doze::gossip
