// Gossip that is larger than real gossip, and crowds of free ids beside peers with a channel.
#include <deque>

#include "effects/record_io.h"
#include "gossip/inside.h"
#include "gossip/test/world.h"

namespace doze::gossip {
namespace {

class GossipCrowd : public GossipTest {
 protected:
  /// Strangers behind the four nodes of the world; their ids are free.
  std::size_t add_stranger() {
    Bytes seed(64, 77);
    seed[0] = static_cast<std::uint8_t>(nodes_.size());
    seed[1] = static_cast<std::uint8_t>(nodes_.size() >> 8);
    nodes_.push_back(make_seed_signer(seed, wire::Network::Regtest));
    return nodes_.size() - 1;
  }
  const PeerState& peer(std::size_t i) const { return gossip_.inside->peers.at(id(i)); }
  void connect_with_channel(std::size_t i) {
    own_channel(i, false);
    ready(i);
  }
  /// With bytes behind it that we do not know, signed with the rest.
  wire::ChannelUpdate padded_update(std::size_t from, std::size_t to, ShortChannelId scid, std::uint32_t timestamp,
                                    std::size_t padding) const {
    auto out = update(from, to, scid, timestamp);
    out.raw.insert(out.raw.end(), padding, 7);
    out.signature = node(from).sign_with_node_key(wire::signature_hash(out));
    std::copy(out.signature.bytes.begin(), out.signature.bytes.end(), out.raw.begin() + 2);
    return out;
  }
  wire::NodeAnnouncement with_addresses(std::size_t from, std::uint32_t timestamp, std::size_t count) const {
    auto out = node_announcement(from, timestamp);
    for (std::size_t i = 0; i < count; ++i)
      out.addresses.push_back(
          *wire::parse_address("1.2." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":1"));
    out.raw.clear();
    out.signature = node(from).sign_with_node_key(wire::signature_hash(out));
    out.raw = wire::encode(out);
    return out;
  }
  static std::size_t bytes_to(const Effects& effects, const NodeId& to) {
    std::size_t out = 0;
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<SendMessage>(&effect); send != nullptr && send->node_id == to)
        out += wire::encode(send->message).size();
    return out;
  }
  Effects name_ids(std::size_t from, const std::vector<ShortChannelId>& ids, std::uint32_t blocks = 1'000) {
    auto chain = wire::chain_hash(wire::Network::Regtest);
    return say(from, wire::ReplyChannelRange{chain, 0, blocks, 1, wire::write_short_ids(ids), {}});
  }
};

TEST_F(GossipCrowd, what_is_larger_than_real_gossip_is_neither_kept_nor_relayed_and_the_reason_is_said) {
  for (std::size_t i : {1, 3}) ready(i);
  set_filter(3);
  learn(1, 2, scid(1));
  auto rows = rows_;
  auto refused = [&](const wire::Message& message) {
    auto effects = say(1, message);
    EXPECT_EQ(sent<wire::Warning>(effects, id(1)).size(), 1U);
    EXPECT_EQ(bytes_to(effects, id(3)), 0U);
    EXPECT_EQ(rows_, rows);
  };
  refused(padded_update(1, 2, scid(1), kNow, 65'000));
  refused(padded_update(1, 2, scid(1), kNow, kMaxUpdateBytes));
  refused(with_addresses(1, kNow, 9'000));
  refused(with_addresses(1, kNow, kMaxNodeBytes / 7));
  wire::FeatureBits many;
  many.set(8 * kMaxAnnouncementBytes + 1);
  refused(announcement(1, 2, scid(2), many));
  EXPECT_TRUE(gossip_.inside->waiting.empty());
  // For our own channel with the peer as well.
  own_channel(1, false);
  refused(padded_update(1, 0, ShortChannelId(0x1111 + 1), kNow, 60'000));
  // What others really send is taken, records that we do not know included.
  EXPECT_GT(bytes_to(say(1, padded_update(1, 2, scid(1), kNow, 200)), id(3)), 300U);
  EXPECT_GT(bytes_to(say(1, with_addresses(1, kNow, 150)), id(3)), 1'000U);
  EXPECT_EQ(graph(gossip_).node(id(1))->announced->addresses.size(), kMaxAddressesOfNode);
}

TEST_F(GossipCrowd, rows_of_large_gossip_that_was_kept_before_are_not_read_and_erased) {
  ready(1);
  for (std::uint32_t i = 1; i <= 3; ++i) learn(1, 2, scid(i));
  learn(3, 1, scid(4));
  say(1, node_announcement(2, kNow));
  say(1, node_announcement(3, kNow));
  auto& own = own_channel(1, false);
  say(1, update(1, 0, *own.local_alias, kNow));
  ASSERT_TRUE(policies(gossip_).at(own.channel_id).remote.has_value());
  check_reload_ = false;
  auto record = [](ByteView raw) {
    RecordWriter out(1);
    out.put(to_bytes(raw));
    return out.take();
  };
  auto key = [](ShortChannelId scid, std::uint8_t part) { return Writer().u64(scid.value()).u8(part).take(); };
  std::uint8_t direction = id(1) < id(2) ? 0 : 1;
  // An update, a node, and the announcement of node 3's only channel, whose other rows then lead nowhere.
  rows_[{Table::GossipChannel, key(scid(1), std::uint8_t(1 + direction))}] =
      record(padded_update(1, 2, scid(1), kNow, 65'000).raw);
  rows_[{Table::GossipNode, to_bytes(id(2).view())}] = record(with_addresses(2, kNow, 9'000).raw);
  rows_.at({Table::GossipChannel, key(scid(4), 0)}).resize(60'000);
  for (auto& [name, value] : rows_)
    if (name.first == Table::PeerPolicy) value = record(padded_update(1, 0, *own.local_alias, kNow, 65'000).raw);
  auto before = rows_.size();
  restart();
  EXPECT_FALSE(graph(gossip_).channel(scid(1))->directions[direction].has_value());
  EXPECT_TRUE(graph(gossip_).channel(scid(1))->directions[direction ^ 1].has_value());
  EXPECT_EQ(graph(gossip_).channels().size(), 3U);
  EXPECT_FALSE(graph(gossip_).node(id(2))->announced.has_value());
  EXPECT_EQ(graph(gossip_).node(id(3)), nullptr);
  EXPECT_FALSE(policies(gossip_).contains(own.channel_id));
  // The update, the node, the channel, its two updates, its node, what the peer said of our channel.
  EXPECT_EQ(rows_.size(), before - 7);
  check_reload_ = true;
  expect_same_after_reload();
}

TEST_F(GossipCrowd, a_piece_has_so_many_bytes_however_large_its_messages_are) {
  check_reload_ = false;
  ready(1);
  wire::FeatureBits many;
  many.set(8 * 500 + 1);
  for (std::uint32_t i = 0; i < 300; ++i) {
    auto channel = announcement(1, 2, scid(i), many);
    say(1, channel);
    tell(OutputLookedUp{scid(i), funding_output(channel)});
    say(1, padded_update(1, 2, scid(i), kNow, 350));
    say(1, padded_update(2, 1, scid(i), kNow, 350));
  }
  connect_with_channel(3);
  std::size_t in_all = 0, steps = 0;
  for (auto effects = set_filter(3);; effects = tell(DeadlineReached{})) {
    auto bytes = bytes_to(effects, id(3));
    EXPECT_LE(bytes, kPieceBytes + kMaxAnnouncementBytes + kMaxUpdateBytes);
    in_all += bytes;
    if (!peer(3).backlog || ++steps == 50) break;
    mono_ += kPieceWaitMs;
  }
  EXPECT_GT(in_all, 300U * (930 + 2 * 480));
}

TEST_F(GossipCrowd, nothing_is_relayed_to_a_peer_for_which_output_waits_until_it_reads_again) {
  for (std::size_t i : {1, 3}) ready(i);
  for (std::uint32_t i = 0; i < 20; ++i) learn(1, 2, scid(i));
  set_filter(3, kNow);
  peers_.at(id(3)).unread = true;
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    bytes += bytes_to(say(1, update(1, 2, scid(i), kNow)), id(3));
    mono_ += kStepWaitMs;
  }
  mono_ += kPieceWaitMs;
  bytes += bytes_to(tell(DeadlineReached{}), id(3));
  EXPECT_EQ(bytes, 0U);
  peers_.at(id(3)).unread = false;
  mono_ += kPieceWaitMs;
  EXPECT_EQ(sent<wire::ChannelUpdate>(tell(DeadlineReached{}), id(3)).size(), 20U);
}

TEST_F(GossipCrowd, what_a_client_is_told_of_us_at_once_is_bounded_however_many_channels_we_have) {
  check_reload_ = false;
  announce_own(1);
  for (std::uint32_t i = 0; i < 500; ++i) {
    auto channel = announcement(0, 2, scid(i));
    ASSERT_TRUE(gossip_.inside->graph.add_channel(channel, channel.raw, Sat(1), UnixTime(kNow)).has_value());
  }
  auto effects = tell(SendOurGossip{id(3)});
  EXPECT_EQ(sent<wire::ChannelAnnouncement>(effects, id(3)).size(), kOwnChannelsToAClient + 1);
  EXPECT_LE(bytes_to(effects, id(3)), kOurGossipBytes);
  EXPECT_EQ(sent<wire::NodeAnnouncement>(effects, id(3)).size(), 1U);
}

TEST_F(GossipCrowd, what_strangers_announce_leaves_half_of_the_room_to_peers_with_a_channel) {
  check_reload_ = false;
  constexpr std::size_t kCrowd = 300;
  std::uint32_t number = 0;
  for (std::size_t c = 0; c < kCrowd; ++c) {
    auto stranger = add_stranger();
    ready(stranger, false);
    // Not deep enough to be looked up, so they stay.
    for (int i = 0; i < 8; ++i) say(stranger, announcement(1, 3, ShortChannelId::of(tip_ + 2, ++number, 0)));
  }
  EXPECT_EQ(gossip_.inside->waiting.size(), kMaxWaitingOfKind);
  connect_with_channel(2);
  std::deque<ShortChannelId> asked;
  std::map<ShortChannelId, wire::ChannelAnnouncement> real;
  for (std::uint32_t i = 0; i < kQueryBatch; ++i) {
    auto channel = announcement(1, 2, scid(i));
    real.emplace(channel.short_channel_id, channel);
    for (auto id : lookups(say(2, channel))) asked.push_back(id);
  }
  for (; !asked.empty(); asked.pop_front())
    for (auto next : lookups(tell(OutputLookedUp{asked.front(), funding_output(real.at(asked.front()))})))
      asked.push_back(next);
  EXPECT_EQ(graph(gossip_).channels().size(), kQueryBatch);
  // And what waits has an end, whoever told it.
  mono_ += kMaxWaitingMs;
  tell(DeadlineReached{});
  EXPECT_TRUE(gossip_.inside->waiting.empty());
  EXPECT_TRUE(gossip_.inside->waiting_nodes.empty());
  EXPECT_EQ(gossip_.inside->waiting_of_strangers, 0U);
}

TEST_F(GossipCrowd, where_the_room_is_full_a_peer_is_asked_for_its_share_of_it_and_that_gets_in) {
  check_reload_ = false;
  std::uint32_t number = 0;
  auto waits = [&] { return ShortChannelId::of(tip_ + 2, ++number, 0); };
  for (int c = 0; c < 100; ++c) {
    auto stranger = add_stranger();
    ready(stranger, false);
    for (int i = 0; i < 21; ++i) say(stranger, announcement(1, 3, waits()));
  }
  ASSERT_EQ(gossip_.inside->waiting.size(), kMaxWaitingOfKind);
  auto late = add_stranger();
  ready(late);
  std::vector<ShortChannelId> list;
  for (int i = 0; i < 100; ++i) list.push_back(waits());
  auto query = sent<wire::QueryShortChannelIds>(name_ids(late, list), id(late));
  ASSERT_EQ(query.size(), 1U);
  auto asked = *wire::read_short_ids(query[0].encoded_short_ids);
  EXPECT_EQ(asked.size(), kMaxWaitingOfKind / 101 - 1);
  for (auto scid : asked) say(late, announcement(1, 2, scid));
  EXPECT_EQ(peer(late).waiting.size(), asked.size());
  EXPECT_EQ(peer(late).wanted.size(), list.size() - asked.size());
}

TEST_F(GossipCrowd, an_invented_announcement_that_is_looked_up_first_does_not_keep_the_real_one_out) {
  for (bool by_stranger : {false, true}) {
    auto number = by_stranger ? 1U : 2U;
    auto place = scid(number);
    ready(1);
    if (by_stranger)
      ready(2);
    else
      connect_with_channel(2);
    auto invented = announcement(1, 3, place), real = announcement(2, 3, place);
    ASSERT_EQ(lookups(say(1, invented)).size(), 1U);
    EXPECT_TRUE(lookups(say(2, real)).empty()) << "one look-up is enough";
    say(2, real);
    say(1, real);
    tell(OutputLookedUp{place, funding_output(real)});
    const auto* channel = graph(gossip_).channel(place);
    ASSERT_NE(channel, nullptr);
    EXPECT_EQ(channel->raw, real.raw);
    EXPECT_EQ(peer(1).bogus, 1U);
    EXPECT_EQ(peer(2).bogus, 0U);
    EXPECT_EQ(gossip_.inside->rivals, 0U);
    say(2, update(2, 3, place, kNow - 10));
    EXPECT_TRUE(channel->directions[0] || channel->directions[1]);
    tell(PeerGone{id(2)});
  }
}

TEST_F(GossipCrowd, rivals_of_one_channel_and_of_all_are_bounded_and_a_peer_with_a_channel_takes_a_strangers_place) {
  check_reload_ = false;
  std::vector<std::size_t> strangers;
  for (std::size_t i = 0; i < kMaxRivals + 2; ++i) {
    strangers.push_back(add_stranger());
    ready(strangers.back());
  }
  connect_with_channel(2);
  auto place = ShortChannelId::of(50, 7, 0);
  for (auto stranger : strangers) say(stranger, announcement(stranger, 3, place));
  EXPECT_EQ(gossip_.inside->rivals, kMaxRivals);
  auto real = announcement(2, 3, place);
  say(2, real);
  EXPECT_EQ(gossip_.inside->rivals, kMaxRivals);
  tell(OutputLookedUp{place, funding_output(real)});
  EXPECT_NE(graph(gossip_).channel(place), nullptr);
  // All of them together; who goes takes what it has told along.
  for (std::uint32_t i = 0; i < kMaxRivalsInAll; ++i)
    for (std::size_t who : {0, 1, 2}) {
      auto stranger = strangers[who];
      auto waits = ShortChannelId::of(tip_ + 2, i, 0);  // not deep enough to be looked up
      say(stranger, announcement(stranger, 3, waits));
    }
  EXPECT_EQ(gossip_.inside->rivals, kMaxRivalsInAll);
  tell(PeerGone{id(strangers[0])});
  EXPECT_EQ(gossip_.inside->rivals, 0U);
}

TEST_F(GossipCrowd, a_peer_with_a_channel_goes_first_and_what_a_stranger_told_before_is_tried_behind_it) {
  ready(1);
  connect_with_channel(2);
  auto place = ShortChannelId::of(tip_ + 1, 7, 0);  // not deep enough
  auto real = announcement(1, 3, place), invented = announcement(2, 3, place);
  say(1, real);
  say(2, invented);
  EXPECT_EQ(waiting_of_kind(*gossip_.inside, true), 0U);
  tip_ += 6;
  test::TestChain blocks{BlockHeight(tip_)};
  hear(blocks.mine({}));
  tell(OutputLookedUp{place, funding_output(real)});
  ASSERT_NE(graph(gossip_).channel(place), nullptr);
  EXPECT_EQ(graph(gossip_).channel(place)->raw, real.raw);
}

TEST_F(GossipCrowd, a_look_up_without_an_answer_says_nothing_of_the_channel_or_its_teller) {
  connect_with_channel(2);
  auto channel = announcement(2, 3, scid(1));
  say(2, channel);
  tell(OutputLookedUp{scid(1), std::nullopt, true});
  EXPECT_EQ(peer(2).bogus, 0U);
  EXPECT_TRUE(peer(2).cut) << "its list is asked for again";
  ASSERT_EQ(lookups(say(2, channel)).size(), 1U);
  tell(OutputLookedUp{scid(1), funding_output(channel)});
  EXPECT_NE(graph(gossip_).channel(scid(1)), nullptr);
}

TEST_F(GossipCrowd, every_second_look_up_is_of_a_peer_with_a_channel_however_many_strangers_wait) {
  check_reload_ = false;
  constexpr std::size_t kCrowd = 100, kReal = 200;
  std::deque<ShortChannelId> asked;
  auto note = [&](const Effects& effects) {
    for (auto id : lookups(effects)) asked.push_back(id);
  };
  std::uint32_t number = 0;
  for (std::size_t c = 0; c < kCrowd; ++c) {
    auto stranger = add_stranger();
    ready(stranger, false);
    for (int i = 0; i < 8; ++i) note(say(stranger, announcement(1, 3, ShortChannelId::of(50, ++number, 7))));
  }
  connect_with_channel(2);
  std::set<ShortChannelId> real;
  for (std::uint32_t i = 0; i < kReal; ++i) {
    real.insert(scid(i));
    note(say(2, announcement(1, 2, scid(i))));
  }
  std::size_t answered = 0, of_the_peer = 0;
  for (; of_the_peer < kReal && !asked.empty(); ++answered) {
    auto next = asked.front();
    asked.pop_front();
    of_the_peer += real.contains(next) ? 1 : 0;
    note(tell(OutputLookedUp{next, std::nullopt}));
  }
  EXPECT_EQ(of_the_peer, kReal);
  EXPECT_LE(answered, kMaxLookUps + 2 * kReal + 2);
  // Where no peer with a channel waits, strangers have every turn.
  while (!asked.empty()) {
    auto next = asked.front();
    asked.pop_front();
    ++answered;
    note(tell(OutputLookedUp{next, std::nullopt}));
  }
  EXPECT_EQ(answered, kReal + kCrowd * 8);
}

TEST_F(GossipCrowd, channels_far_above_our_tip_are_not_taken_and_asked_for_when_our_chain_is_there) {
  ready(1);
  connect_with_channel(2);
  auto ahead = ShortChannelId::of(tip_ + kMaxBlocksAhead + 1, 1, 0);
  EXPECT_TRUE(say(1, announcement(1, 3, ShortChannelId::of(5'000'000, 1, 0))).empty());
  EXPECT_TRUE(say(2, announcement(1, 3, ahead)).empty());
  EXPECT_TRUE(gossip_.inside->waiting.empty());
  EXPECT_EQ(peer(1).bogus, 0U);
  EXPECT_EQ(peer(2).bogus, 0U);
  // A list that names it, and one that does not lie ahead: only that is asked for.
  auto query = sent<wire::QueryShortChannelIds>(name_ids(1, {scid(1), ahead}), id(1));
  ASSERT_EQ(query.size(), 1U);
  EXPECT_EQ(*wire::read_short_ids(query[0].encoded_short_ids), std::vector{scid(1)});
  auto chain = wire::chain_hash(wire::Network::Regtest);
  EXPECT_TRUE(sent<wire::QueryShortChannelIds>(say(1, wire::ReplyShortChannelIdsEnd{chain, 1}), id(1)).empty());
  ++tip_;
  auto effects = tell(BlockConnected{BlockHeight(tip_), {}, {}});
  for (std::size_t i : {1, 2}) {
    query = sent<wire::QueryShortChannelIds>(effects, id(i));
    ASSERT_EQ(query.size(), 1U) << i;
    EXPECT_EQ(*wire::read_short_ids(query[0].encoded_short_ids), std::vector{ahead});
  }
}

TEST_F(GossipCrowd, a_strangers_invented_channel_does_not_keep_out_what_a_peer_with_a_channel_says_of_it) {
  ready(1);
  connect_with_channel(2);
  auto place = ShortChannelId::of(tip_, 1, 0);  // not deep enough yet
  say(1, announcement(1, 3, place));
  auto real = announcement(1, 2, place);
  say(2, real);
  EXPECT_EQ(gossip_.inside->waiting_of_strangers, 0U);
  EXPECT_TRUE(peer(1).waiting.empty());
  say(1, announcement(1, 3, place));  // a stranger's comes too late
  tip_ += kDeepEnough;
  EXPECT_EQ(lookups(tell(BlockConnected{BlockHeight(tip_), {}, {}})), std::vector{place});
  tell(OutputLookedUp{place, funding_output(real)});
  EXPECT_NE(graph(gossip_).channel(place), nullptr);
}

TEST_F(GossipCrowd, a_channel_that_a_stranger_has_invented_is_asked_for_at_a_peer_with_a_channel_all_the_same) {
  ready(1);
  connect_with_channel(2);
  auto place = ShortChannelId::of(tip_, 1, 0);
  say(1, announcement(1, 3, place));
  EXPECT_EQ(sent<wire::QueryShortChannelIds>(name_ids(2, {place}), id(2)).size(), 1U);
}

TEST_F(GossipCrowd, what_finds_no_room_of_a_peer_with_a_channel_is_asked_for_again) {
  check_reload_ = false;
  connect_with_channel(2);
  auto waits = [&](std::uint32_t i) { return ShortChannelId::of(tip_ + 1 + i / 1'000, i % 1'000, 0); };
  for (std::uint32_t i = 0; i < kMaxWaitingOfPeer; ++i) say(2, announcement(1, 3, waits(i)));
  say(2, announcement(1, 3, waits(5'000)));  // refused
  connect_with_channel(3);
  say(3, announcement(1, 3, waits(5'500)));  // at the cost of the other's last one
  EXPECT_EQ(gossip_.inside->waiting.size(), kMaxWaitingOfKind);
  EXPECT_EQ(peer(2).wanted, (std::set{waits(kMaxWaitingOfPeer - 1), waits(5'000)}));
}

TEST_F(GossipCrowd, what_strangers_name_leaves_half_of_the_wanted_to_peers_with_a_channel) {
  check_reload_ = false;
  std::uint64_t number = 0;
  auto name = [&](std::size_t from, std::size_t count, std::uint32_t blocks = 1'000) {
    std::vector<ShortChannelId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(ShortChannelId(++number));
    return name_ids(from, ids, blocks);
  };
  connect_with_channel(2);
  for (int i = 0; i < 10; ++i) name(2, 5'000);
  for (int c = 0; c < 120; ++c) {
    auto stranger = add_stranger();
    ready(stranger);
    name(stranger, 4'000);
  }
  std::size_t of_strangers = 0;
  for (const auto& [node, peer] : gossip_.inside->peers) of_strangers += peer.stranger ? peer.wanted.size() : 0;
  EXPECT_LE(of_strangers, kMaxWantedOfKind);
  EXPECT_EQ(peer(2).wanted.size(), 50'000 - kQueryBatch);
}

TEST_F(GossipCrowd, a_list_that_was_cut_is_asked_for_again_when_the_rest_has_been_asked_for) {
  check_reload_ = false;
  std::uint64_t number = 0;
  auto name = [&](std::size_t from, std::size_t count) {
    for (std::size_t left = count; left > 0;) {
      std::vector<ShortChannelId> ids;
      for (; left > 0 && ids.size() < kIdsInReply; --left) ids.push_back(ShortChannelId(++number));
      name_ids(from, ids, left > 0 ? 1'000 : 0xffffffff);
    }
  };
  for (std::size_t i : {1, 2, 3}) connect_with_channel(i);
  for (std::size_t i : {1, 2}) name(i, kMaxWanted);
  name(3, 20'000);
  EXPECT_TRUE(peer(1).cut || peer(2).cut);
  std::size_t cut = peer(1).cut ? 1 : 2;
  auto answered = [&] {
    auto chain = wire::chain_hash(wire::Network::Regtest);
    return sent<wire::QueryChannelRange>(say(cut, wire::ReplyShortChannelIdsEnd{chain, 1}), id(cut)).size();
  };
  EXPECT_EQ(answered(), 0U);
  gossip_.inside->peers.at(id(cut)).wanted.clear();  // asked for, one batch after the other
  EXPECT_EQ(answered(), 0U);
  mono_ += kListAgainMs;
  EXPECT_EQ(answered(), 1U);
  mono_ += kListAgainMs;
  EXPECT_EQ(answered(), 0U);
}

TEST_F(GossipCrowd, an_id_that_is_wanted_already_takes_nobodys_place) {
  check_reload_ = false;
  std::uint64_t number = 0;
  auto fresh = [&](std::size_t count) {
    std::vector<ShortChannelId> ids;
    for (; count > 0; --count) ids.push_back(ShortChannelId(++number));
    return ids;
  };
  for (std::size_t i : {1, 2, 3}) ready(i);
  for (std::size_t i : {1, 2})
    for (std::size_t named = 0; named < kMaxWanted + 500; named += 6'700) name_ids(i, fresh(6'700));
  auto in_all = [&] {
    std::size_t out = 0;
    for (const auto& [node, peer] : gossip_.inside->peers) out += peer.wanted.size();
    return out;
  };
  auto ids = fresh(kIdsInReply);
  name_ids(3, ids);
  auto before = std::pair(in_all(), peer(3).wanted.size());
  for (int i = 0; i < 5; ++i) name_ids(3, std::vector(ids.begin() + kQueryBatch, ids.end()));
  EXPECT_EQ(std::pair(in_all(), peer(3).wanted.size()), before);
}

}  // namespace
}  // namespace doze::gossip
