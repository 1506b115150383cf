// Sending, relaying, receiving, limits.
#include "fake_node.h"
#include "onion_message/state.h"

namespace doze::onion_message::testing {
namespace {

const ShortChannelId kAlias = ShortChannelId::of(16'000'000, 1, 1);

/// Node ids that nobody has.
NodeId nowhere(std::size_t number) {
  Bytes seed(64, 99);
  seed[0] = static_cast<std::uint8_t>(number);
  seed[1] = static_cast<std::uint8_t>(number >> 8);
  return make_seed_signer(seed, wire::Network::Regtest)->node_id();
}

struct MessagesTest : ::testing::Test {
  FakeNode sender{1}, relay{2, Role::Server}, recipient{3}, second{4};
  /// Of a server that keeps mail.
  const wire::FeatureBits holds{wire::kOnionMessages + 1, wire::kHtlcHoldLdk + 1};
  const std::uint64_t tag = make_tag(TagOwner::Payment, 1);

  void join(FakeNode& a, FakeNode& b) {
    a.ready(b.id);
    b.ready(a.id);
    a.said.clear();
    b.said.clear();
  }
  /// What `from` says to `to` arrives there.
  Effects carry(const Effects& effects, const FakeNode& from, FakeNode& to) {
    Effects out;
    for (const auto& message : of<SendMessage>(effects)) {
      EXPECT_EQ(message.node_id, to.id);
      for (auto& effect : to.step(MessageReceived{from.id, message.message})) out.push_back(std::move(effect));
    }
    return out;
  }
  wire::BlindedPath path_over_relay(ByteView path_id) {
    return *onion::path_through_peer(fresh_key(recipient.rng), relay.id, recipient.id, path_id);
  }
  wire::BlindedPath own_path(FakeNode& node, ByteView path_id) {
    return *onion::path_to_self(fresh_key(node.rng), node.id, path_id);
  }
  /// A path over `first` to the recipient that names the next hop by its channel.
  wire::BlindedPath path_by_scid(const NodeId& first, ShortChannelId scid) {
    onion::RecipientData hop;
    hop.short_channel_id = scid;
    return *onion::blind(fresh_key(recipient.rng), {{first, onion::encode(hop)}, {recipient.id, {}}});
  }
  void announce(FakeNode& node, const NodeId& a, const NodeId& b, std::uint32_t number) {
    wire::ChannelAnnouncement channel;
    channel.short_channel_id = ShortChannelId::of(1, number, 0);
    channel.node_id_1 = std::min(a, b);
    channel.node_id_2 = std::max(a, b);
    ASSERT_TRUE(node.graph.add_channel(channel, {}, Sat(1000), node.wall).has_value());
    wire::ChannelUpdate update;
    update.short_channel_id = channel.short_channel_id;
    update.timestamp = 1;
    ASSERT_TRUE(node.graph.apply(update, {}).has_value());
  }
  void announce_node(FakeNode& node, const NodeId& id) {
    wire::NodeAnnouncement announcement;
    announcement.node_id = id;
    announcement.timestamp = 1;
    announcement.addresses = {*wire::parse_address("127.0.0.1:9735")};
    ASSERT_TRUE(node.graph.apply(announcement, {}).has_value());
  }
  OnionMessageFate only_fate(const FakeNode& node) {
    auto outcomes = node.all<OnionMessageOutcome>();
    EXPECT_EQ(outcomes.size(), 1U);
    if (outcomes.empty()) return OnionMessageFate::Undeliverable;
    EXPECT_EQ(outcomes[0].tag, tag);
    return outcomes[0].fate;
  }
};

TEST_F(MessagesTest, a_connected_node_gets_it_and_its_pong_confirms) {
  join(sender, recipient);
  sender.see(recipient.id, holds);
  auto path_id = Bytes{1, 2, 3};
  auto reply_path = own_path(sender, Bytes{9});
  auto effects = sender.step(SendOnionMessage{own_path(recipient, path_id), contents(7), reply_path, false, tag});
  EXPECT_EQ(story(effects), "mail ping");
  auto received = of<OnionMessageReceived>(carry(effects, sender, recipient));
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].from, sender.id);
  EXPECT_EQ(received[0].path_id, std::optional(path_id));
  EXPECT_EQ(received[0].reply_path, std::optional(reply_path));
  EXPECT_EQ(which(received[0].contents), 7);
  EXPECT_TRUE(sender.all<OnionMessageOutcome>().empty());
  sender.answer(effects);
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Confirmed);
}

// [B12-read-14]
TEST_F(MessagesTest, a_node_id_is_a_destination_without_path_id) {
  join(sender, recipient);
  auto effects = sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, false, 0});
  EXPECT_EQ(story(effects), "mail");  // no tag: nobody wants to know
  auto received = of<OnionMessageReceived>(carry(effects, sender, recipient));
  ASSERT_EQ(received.size(), 1U);
  EXPECT_FALSE(received[0].path_id.has_value());
}

TEST_F(MessagesTest, a_lost_connection_before_the_pong_means_undeliverable_and_a_late_pong_nothing) {
  join(sender, recipient);
  sender.see(recipient.id, holds);
  auto effects = sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, false, tag});
  sender.gone(recipient.id);
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Undeliverable);
  sender.ready(recipient.id);
  sender.answer(effects);
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Undeliverable);
}

// [B4-msg-13, B4-msg-14]
TEST_F(MessagesTest, a_peer_relays_by_node_id_and_by_the_alias_that_it_gave_out) {
  join(sender, relay);
  join(relay, recipient);
  relay.add_channel(recipient.id, kAlias, true);
  for (const auto& path : {path_over_relay(Bytes{5}), path_by_scid(relay.id, kAlias)}) {
    auto effects = sender.step(SendOnionMessage{path, contents(7), std::nullopt, false, 0});
    auto onward = carry(effects, sender, relay);
    EXPECT_TRUE(of<OnionMessageReceived>(onward).empty());
    EXPECT_EQ(of<OnionMessageReceived>(carry(onward, relay, recipient)).size(), 1U);
  }
}

TEST_F(MessagesTest, nothing_goes_back_to_where_it_came_from_or_to_unknown_channels) {
  join(recipient, relay);
  // The recipient itself sends over a path that leads from the relay back to it.
  for (const auto& path : {path_over_relay(Bytes{5}), path_by_scid(relay.id, kAlias)}) {
    auto effects = recipient.step(SendOnionMessage{path, contents(7), std::nullopt, false, 0});
    EXPECT_TRUE(of<SendMessage>(carry(effects, recipient, relay)).empty());
  }
}

TEST_F(MessagesTest, a_relay_sends_nothing_to_a_peer_without_onion_messages) {
  join(sender, relay);
  relay.ready(recipient.id, {});
  auto effects = sender.step(SendOnionMessage{path_over_relay(Bytes{5}), contents(7), std::nullopt, false, 0});
  EXPECT_TRUE(of<SendMessage>(carry(effects, sender, relay)).empty());
}

// [B4-msg-09]
TEST_F(MessagesTest, rubbish_is_ignored) {
  join(sender, relay);
  auto effects = sender.step(SendOnionMessage{path_over_relay(Bytes{5}), contents(7), std::nullopt, false, 0});
  auto message = std::get<wire::OnionMessage>(of<SendMessage>(effects).at(0).message);
  for (std::size_t at : {0UL, 1UL, 40UL, message.onion_message_packet.size() - 1}) {
    auto changed = message;
    changed.onion_message_packet[at] ^= 1;
    auto out = relay.step(MessageReceived{sender.id, changed});
    EXPECT_TRUE(of<SendMessage>(out).empty());
    EXPECT_TRUE(of<OnionMessageReceived>(out).empty());
  }
  for (std::size_t size = 0; size < message.onion_message_packet.size(); size += 97) {
    auto cut = message;
    cut.onion_message_packet.resize(size);
    EXPECT_TRUE(of<SendMessage>(relay.step(MessageReceived{sender.id, cut})).empty());
  }
}

// ---- ways to the introduction node ----

TEST_F(MessagesTest, over_the_graph_it_is_only_relayed) {
  join(sender, relay);
  join(relay, recipient);
  announce(sender, relay.id, recipient.id, 1);
  auto effects = sender.step(SendOnionMessage{own_path(recipient, Bytes{1}), contents(7), std::nullopt, false, tag});
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Relayed);
  EXPECT_TRUE(of<WantPeer>(effects).empty());
  auto onward = carry(effects, sender, relay);
  auto received = of<OnionMessageReceived>(carry(onward, relay, recipient));
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].path_id, std::optional(Bytes{1}));
}

TEST_F(MessagesTest, an_announcement_is_relayed_at_once_and_its_introduction_node_is_dialled_to_confirm_it) {
  join(sender, relay);
  announce(sender, relay.id, recipient.id, 1);
  SendOnionMessage direct{own_path(recipient, Bytes{1}), contents(7), std::nullopt, true, tag};
  auto effects = sender.step(direct);
  ASSERT_EQ(of<WantPeer>(effects).size(), 1U);
  EXPECT_EQ(of<WantPeer>(effects)[0].node_id, recipient.id);
  ASSERT_EQ(of<SendMessage>(effects).size(), 1U);
  EXPECT_EQ(of<SendMessage>(effects)[0].node_id, relay.id);
  effects = sender.ready(recipient.id, holds);
  EXPECT_EQ(story(effects), "mail ping");
  EXPECT_TRUE(sender.all<OnionMessageOutcome>().empty());
  sender.answer(effects);
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Confirmed);

  sender.gone(recipient.id);
  sender.said.clear();
  sender.step(direct);
  effects = sender.step(PeerUnreachable{recipient.id, "nobody there"});
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Relayed);
  EXPECT_TRUE(of<SendMessage>(effects).empty());
}

TEST_F(MessagesTest, a_payer_that_does_not_want_to_dial_is_told_that_a_relay_has_it) {
  sender.config.dial_to_confirm = false;
  join(sender, relay);
  announce(sender, relay.id, recipient.id, 1);
  auto effects = sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, true, tag});
  EXPECT_TRUE(of<WantPeer>(effects).empty());
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Relayed);
}

TEST_F(MessagesTest, a_client_dials_nobody_whom_a_path_names_and_its_lsp_does_instead) {
  join(sender, relay);
  join(relay, sender);
  sender.add_channel(relay.id, kAlias);
  relay.add_channel(sender.id, kAlias);
  recipient.config.role = Role::Server;
  // The graph shows no way, and the reply path of whoever asks begins at a node of its own.
  auto effects = sender.step(SendOnionMessage{own_path(recipient, Bytes{1}), contents(7), std::nullopt, false, tag});
  EXPECT_TRUE(of<WantPeer>(effects).empty());
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Relayed);
  ASSERT_EQ(of<SendMessage>(effects).size(), 1U);
  // The LSP dials announced nodes only.
  EXPECT_TRUE(of<WantPeer>(carry(effects, sender, relay)).empty());
  announce(relay, recipient.id, second.id, 1);
  announce_node(relay, recipient.id);
  auto onward = carry(effects, sender, relay);
  ASSERT_EQ(of<WantPeer>(onward).size(), 1U);
  EXPECT_EQ(of<WantPeer>(onward)[0].node_id, recipient.id);
  onward = relay.ready(recipient.id);
  auto received = of<OnionMessageReceived>(carry(onward, relay, recipient));
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].path_id, std::optional(Bytes{1}));
  EXPECT_FALSE(deadline(relay.room).has_value());
}

TEST_F(MessagesTest, a_stranger_has_a_server_dial_nobody) {
  join(sender, relay);
  announce(relay, recipient.id, second.id, 1);
  announce_node(relay, recipient.id);
  onion::RecipientData hop;
  hop.next_node_id = recipient.id;
  auto path = *onion::blind(fresh_key(recipient.rng), {{relay.id, onion::encode(hop)}, {recipient.id, {}}});
  auto effects = sender.step(SendOnionMessage{path, contents(7), std::nullopt, false, 0});
  EXPECT_TRUE(of<WantPeer>(carry(effects, sender, relay)).empty());
}

TEST_F(MessagesTest, what_waits_for_a_dial_of_ours_for_a_client_is_bounded_and_ends) {
  join(sender, relay);
  relay.add_channel(sender.id, kAlias);
  std::size_t dialled = 0;
  for (std::size_t i = 0; i < kMaxOnwardOfClient + 5; ++i) {
    auto target = nowhere(i);
    announce(relay, target, recipient.id, static_cast<std::uint32_t>(i) + 1);
    announce_node(relay, target);
    onion::RecipientData hop;
    hop.next_node_id = target;
    auto path = *onion::blind(fresh_key(recipient.rng), {{relay.id, onion::encode(hop)}, {recipient.id, {}}});
    auto effects = sender.step(SendOnionMessage{path, contents(7), std::nullopt, false, 0});
    dialled += of<WantPeer>(carry(effects, sender, relay)).size();
  }
  EXPECT_EQ(dialled, kMaxOnwardOfClient);
  relay.step(PeerUnreachable{nowhere(0), "nobody there"});
  EXPECT_EQ(relay.room.inside->onward.size(), kMaxOnwardOfClient - 1);
  relay.next_deadline();
  EXPECT_TRUE(relay.room.inside->onward.empty());
}

// [B4-msg-04]
TEST_F(MessagesTest, where_there_is_no_channel_with_the_introduction_node_repetitions_take_turns) {
  join(sender, recipient);
  join(sender, relay);
  sender.add_channel(relay.id, kAlias);
  announce(sender, relay.id, recipient.id, 1);
  std::vector<NodeId> first_hops;
  for (std::uint32_t attempt = 0; attempt < 4; ++attempt) {
    SendOnionMessage message{recipient.id, contents(7), std::nullopt, false, 0, attempt};
    for (const auto& sent : of<SendMessage>(sender.step(message))) first_hops.push_back(sent.node_id);
  }
  EXPECT_EQ(first_hops, (std::vector{recipient.id, relay.id, recipient.id, relay.id}));
  // With a channel there is no doubt.
  sender.add_channel(recipient.id, ShortChannelId::of(16'000'000, 2, 2));
  SendOnionMessage message{recipient.id, contents(7), std::nullopt, false, 0, 1};
  EXPECT_EQ(of<SendMessage>(sender.step(message)).at(0).node_id, recipient.id);
}

TEST_F(MessagesTest, the_pong_of_a_node_without_a_channel_and_without_holds_proves_nothing) {
  sender.add_channel(relay.id, kAlias);
  join(sender, relay);
  announce(sender, relay.id, recipient.id, 1);
  join(sender, recipient);
  auto effects = sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, true, tag});
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Relayed);
  EXPECT_TRUE(of<PingPeer>(effects).empty());
  EXPECT_EQ(of<SendMessage>(effects).size(), 2U);  // and our LSP has it, too
}

TEST_F(MessagesTest, a_peer_with_a_channel_is_the_first_relay) {
  join(sender, relay);
  join(sender, second);
  announce(sender, relay.id, recipient.id, 1);
  announce(sender, second.id, recipient.id, 2);
  for (const auto& lsp : {relay.id, second.id}) {
    sender.channels.clear();
    sender.add_channel(lsp, kAlias);
    sender.mono = after_ms(sender.mono, kWaysEveryMs);
    auto effects = sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, false, 0});
    ASSERT_EQ(of<SendMessage>(effects).size(), 1U);
    EXPECT_EQ(of<SendMessage>(effects)[0].node_id, lsp);
  }
}

TEST_F(MessagesTest, without_any_way_it_is_undeliverable) {
  sender.config.role = Role::Server;
  join(sender, relay);
  auto effects = sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, false, tag});
  EXPECT_EQ(of<WantPeer>(effects).size(), 1U);
  sender.step(PeerUnreachable{recipient.id, "no address is known"});
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Undeliverable);
  EXPECT_FALSE(deadline(sender.room).has_value());
}

TEST_F(MessagesTest, a_dial_that_takes_too_long_is_undeliverable) {
  sender.config.role = Role::Server;
  join(sender, relay);
  sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, false, tag});
  sender.next_deadline();
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Undeliverable);
}

TEST_F(MessagesTest, a_node_that_just_started_waits_for_a_peer_that_can_relay) {
  announce(sender, relay.id, recipient.id, 1);
  sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, true, tag});
  sender.step(PeerUnreachable{recipient.id, "no address is known"});
  EXPECT_TRUE(sender.all<OnionMessageOutcome>().empty());
  auto effects = sender.ready(relay.id);
  EXPECT_EQ(of<SendMessage>(effects).size(), 1U);
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Relayed);
}

TEST_F(MessagesTest, introduction_nodes_named_by_a_channel_are_found_in_the_graph_and_among_our_own) {
  join(sender, recipient);
  announce(sender, relay.id, recipient.id, 1);
  sender.add_channel(recipient.id, kAlias);
  for (auto [scid, other] : {std::pair(ShortChannelId::of(1, 1, 0), relay.id), std::pair(kAlias, sender.id)}) {
    auto path = own_path(recipient, Bytes{1});
    std::uint8_t direction = recipient.id < other ? 0 : 1;
    path.first_node_id = wire::ScidDir{direction, scid};
    auto effects = sender.step(SendOnionMessage{path, contents(7), std::nullopt, false, 0});
    ASSERT_EQ(of<SendMessage>(effects).size(), 1U);
    EXPECT_EQ(of<SendMessage>(effects)[0].node_id, recipient.id);
  }
  auto path = own_path(recipient, Bytes{1});
  path.first_node_id = wire::ScidDir{0, ShortChannelId::of(5, 5, 5)};
  sender.step(SendOnionMessage{path, contents(7), std::nullopt, false, tag});
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Undeliverable);
}

TEST_F(MessagesTest, our_own_hop_is_unwrapped) {
  join(relay, recipient);
  relay.see(recipient.id, holds);
  auto effects = relay.step(SendOnionMessage{path_over_relay(Bytes{5}), contents(7), std::nullopt, false, tag});
  auto received = of<OnionMessageReceived>(carry(effects, relay, recipient));
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].path_id, std::optional(Bytes{5}));
  relay.answer(effects);
  EXPECT_EQ(only_fate(relay), OnionMessageFate::Confirmed);
}

TEST_F(MessagesTest, a_path_that_ends_at_ourselves_is_heard_at_once) {
  auto effects = relay.step(SendOnionMessage{own_path(relay, Bytes{5}), contents(7), std::nullopt, false, tag});
  auto received = of<OnionMessageReceived>(effects);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].path_id, std::optional(Bytes{5}));
  EXPECT_EQ(only_fate(relay), OnionMessageFate::Confirmed);
}

TEST_F(MessagesTest, contents_that_fit_into_no_packet_are_undeliverable) {
  join(sender, recipient);
  sender.step(SendOnionMessage{recipient.id, contents(7, 40'000), std::nullopt, false, tag});
  EXPECT_EQ(only_fate(sender), OnionMessageFate::Undeliverable);
}

// ---- limits ----

TEST_F(MessagesTest, one_node_that_answers_no_dial_keeps_no_others_message_from_waiting) {
  sender.config.role = Role::Server;
  SendOnionMessage answer{recipient.id, contents(7), std::nullopt, false, 0};
  std::size_t dialled = 0;
  for (int i = 0; i < 40; ++i) dialled += of<WantPeer>(sender.step(answer)).size();
  EXPECT_EQ(dialled, kMaxWaitingForNode);
  sender.said.clear();
  sender.step(SendOnionMessage{relay.id, contents(7), std::nullopt, true, tag});
  EXPECT_EQ(sender.all<WantPeer>().size(), 1U);
  EXPECT_TRUE(sender.all<OnionMessageOutcome>().empty());
  // What does wait leaves with the connection.
  EXPECT_EQ(of<SendMessage>(sender.ready(recipient.id)).size(), kMaxWaitingForNode);
}

TEST_F(MessagesTest, answers_to_nowhere_leave_room_for_our_own_messages) {
  sender.config.role = Role::Server;
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < kMaxWaiting; ++i)
    waiting += of<WantPeer>(sender.step(SendOnionMessage{nowhere(i), contents(7), std::nullopt, false, 0})).size();
  EXPECT_EQ(waiting, kMaxWaitingAnswers);
  sender.step(SendOnionMessage{recipient.id, contents(7), std::nullopt, true, tag});
  EXPECT_TRUE(sender.all<OnionMessageOutcome>().empty());
  EXPECT_EQ(story(sender.ready(recipient.id, holds)), "mail ping");
}

TEST_F(MessagesTest, our_own_waiting_messages_are_bounded) {
  sender.config.role = Role::Server;
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < kMaxWaiting + 20; ++i)
    waiting += of<WantPeer>(sender.step(SendOnionMessage{nowhere(i), contents(7), std::nullopt, true, tag})).size();
  EXPECT_EQ(waiting, kMaxWaiting);
  EXPECT_EQ(sender.all<OnionMessageOutcome>().size(), 20U);
}

TEST_F(MessagesTest, ways_to_many_nodes_are_found_in_one_pass_over_the_graph) {
  std::uint32_t number = 1;
  constexpr std::size_t kTargets = 40;
  for (std::size_t i = 0; i < kTargets; ++i) announce(sender, relay.id, nowhere(i), number++);
  for (std::size_t i = 0; i < kTargets; ++i)
    sender.step(SendOnionMessage{nowhere(i), contents(7), std::nullopt, false, 0});
  EXPECT_EQ(of<SendMessage>(sender.ready(relay.id)).size(), kTargets);
  EXPECT_TRUE(sender.room.inside->waiting.empty());
}

TEST_F(MessagesTest, a_graph_that_changes_all_the_time_is_not_searched_all_the_time) {
  join(sender, relay);
  auto& ways = sender.room.inside->ways;
  std::set<std::uint64_t> versions;
  for (std::uint32_t i = 1; i <= 100; ++i) {
    announce(sender, relay.id, nowhere(i), i);
    sender.step(SendOnionMessage{nowhere(i), contents(7), std::nullopt, false, 0});
    versions.insert(ways.over_all->version());
  }
  EXPECT_LE(versions.size(), kWaysBurst);
  sender.mono = after_ms(sender.mono, kWaysEveryMs);
  auto effects = sender.step(SendOnionMessage{nowhere(100), contents(7), std::nullopt, false, 0});
  EXPECT_EQ(of<SendMessage>(effects).size(), 1U);
}

TEST_F(MessagesTest, budgets_of_those_who_went_are_forgotten_without_looking_at_all_of_them) {
  auto& inside = *relay.room.inside;
  join(sender, relay);
  auto effects = sender.step(SendOnionMessage{relay.id, contents(7), std::nullopt, false, 0});
  auto message = of<SendMessage>(effects).at(0).message;
  for (std::size_t i = 0; i < 20; ++i) {
    relay.ready(nowhere(i));
    relay.step(MessageReceived{nowhere(i), message});
    relay.gone(nowhere(i));
  }
  EXPECT_EQ(inside.budgets.size(), 20U);
  relay.mono = after_ms(relay.mono, kBudgetMemoryMs);
  relay.ready(nowhere(50));
  relay.gone(nowhere(50));
  EXPECT_TRUE(inside.budgets.empty());
  EXPECT_TRUE(inside.gone.empty());
}

TEST_F(MessagesTest, all_strangers_together_have_one_rate) {
  join(sender, relay);
  auto effects = sender.step(SendOnionMessage{relay.id, contents(7), std::nullopt, false, 0});
  auto message = of<SendMessage>(effects).at(0).message;
  std::size_t taken = 0;
  auto from = [&](const NodeId& node, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      taken += of<OnionMessageReceived>(relay.step(MessageReceived{node, message})).size();
  };
  constexpr std::size_t kStrangers = 60, kEach = 90;
  for (std::size_t i = 0; i < kStrangers; ++i) {
    relay.ready(nowhere(i));
    from(nowhere(i), kEach);
  }
  EXPECT_LE(taken, kAllStrangersAllowance.messages);
  EXPECT_LT(taken, kStrangers * kEach);
  // Nobody with a channel waits for them.
  relay.add_channel(second.id, kAlias);
  relay.ready(second.id);
  taken = 0;
  from(second.id, 100);
  EXPECT_EQ(taken, 100U);
}

/// The crowd of free ids of one network has used up what it may, and goes on: who comes from elsewhere is heard.
TEST_F(MessagesTest, a_crowd_of_one_network_shuts_no_stranger_of_another_out) {
  join(sender, relay);
  auto effects = sender.step(SendOnionMessage{relay.id, contents(7), std::nullopt, false, 0});
  auto message = of<SendMessage>(effects).at(0).message;
  auto come = [&](std::size_t i, const std::string& address) {
    relay.ready(nowhere(i));
    relay.peers.at(nowhere(i)).address = address;
  };
  auto say_from = [&](std::size_t i) {
    return !of<OnionMessageReceived>(relay.step(MessageReceived{nowhere(i), message})).empty();
  };
  constexpr std::size_t kCrowd = 90, kHonest = 500;
  std::size_t of_crowd = 0;
  for (std::size_t i = 0; i < kCrowd; ++i) come(i, "203.0.113." + std::to_string(i) + ":9735");
  for (std::size_t round = 0; round < 120; ++round) {  // a minute
    for (std::size_t i = 0; i < kCrowd; ++i)
      for (int times = 0; times < (round == 0 ? 96 : 2); ++times) of_crowd += say_from(i) ? 1 : 0;
    auto honest = kHonest + round;
    come(honest, "198.51." + std::to_string(round % 4) + ".7:9735");
    EXPECT_TRUE(say_from(honest)) << round;
    relay.mono = after_ms(relay.mono, 500);
  }
  EXPECT_GT(of_crowd, kAllStrangersAllowance.messages / 3) << "the crowd has its part, too";
  EXPECT_LT(relay.room.inside->networks.size(), 6U);
}

TEST_F(MessagesTest, networks_that_are_silent_are_forgotten_and_thousands_of_them_leave_each_a_part_of_use) {
  join(sender, relay);
  auto effects = sender.step(SendOnionMessage{relay.id, contents(7), std::nullopt, false, 0});
  auto message = of<SendMessage>(effects).at(0).message;
  auto& inside = *relay.room.inside;
  auto taken = [&](std::size_t i, const std::string& address) {
    relay.ready(nowhere(i));
    relay.peers.at(nowhere(i)).address = address;
    return !of<OnionMessageReceived>(relay.step(MessageReceived{nowhere(i), message})).empty();
  };
  for (std::size_t i = 0; i < 2'000; ++i)
    EXPECT_TRUE(taken(i, "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1:1")) << i;
  for (std::uint64_t i = 1; i < kLeastOfNetwork.messages; ++i) EXPECT_TRUE(taken(0, "10.0.0.1:1")) << i;
  EXPECT_EQ(inside.networks.size(), 2'000U);
  relay.mono = after_ms(relay.mono, kNetworkMemoryMs);
  EXPECT_TRUE(taken(3'000, "11.0.0.1:1"));
  EXPECT_EQ(inside.networks.size(), 1U);
  EXPECT_EQ(inside.networks_seen.size(), 1U);
}

// As large as a message can be, and one byte less: it is passed on, and is as large behind us.
TEST_F(MessagesTest, the_largest_messages_leave_as_large_as_they_came) {
  join(sender, relay);
  join(relay, recipient);
  for (std::size_t size : {wire::kMaxMessageBytes, wire::kMaxMessageBytes - 1}) {
    // Type, path key, length; version, ephemeral key and MAC of the packet.
    auto payloads = size - (2 + 33 + 2) - (1 + 33 + 32);
    onion::RecipientData hop;
    hop.next_node_id = recipient.id;
    auto path = *onion::blind(key(50), {{relay.id, onion::encode(hop)}, {recipient.id, {}}});
    std::vector<onion::Hop> hops;
    for (const auto& [id, data] : path.path)  // encrypted_recipient_data
      hops.push_back(
          {id, onion::with_length(Writer().u8(4).u8(static_cast<std::uint8_t>(data.size())).bytes(data).take())});
    auto packet = onion::build_packet(key(51), hops, {}, payloads);
    ASSERT_TRUE(packet.has_value());
    wire::OnionMessage message{path.first_path_key, *packet};
    ASSERT_EQ(wire::encode(message).size(), size);
    auto effects = relay.step(MessageReceived{sender.id, message});
    auto onward = of<SendMessage>(effects);
    ASSERT_EQ(onward.size(), 1U);
    EXPECT_EQ(onward[0].node_id, recipient.id);
    EXPECT_EQ(wire::encode(onward[0].message).size(), size);
  }
}

// [B4-msg-07]
TEST_F(MessagesTest, a_flood_is_cut_by_count_and_by_bytes_and_time_refills) {
  for (std::size_t size : {10UL, 20'000UL}) {
    FakeNode target(9, Role::Server);
    target.see(sender.id);
    join(sender, target);
    auto effects = sender.step(SendOnionMessage{target.id, contents(7, size), std::nullopt, false, 0});
    auto message = of<SendMessage>(effects).at(0).message;
    auto arrives = [&] { return !of<OnionMessageReceived>(target.step(MessageReceived{sender.id, message})).empty(); };
    std::size_t got = 0;
    while (got < 1000 && arrives()) ++got;
    EXPECT_EQ(target.all<DropPeer>().size(), 1U);  // before its pong
    EXPECT_GE(got, size == 10 ? kBatchMessages : kBatchBytes / onion::kLargeMessagePayloads);
    EXPECT_LT(got, 200U);
    target.mono = after_ms(target.mono, 1100);
    EXPECT_TRUE(arrives());
    target.gone(sender.id);
    target.ready(sender.id);
    target.mono = after_ms(target.mono, 10);
    std::size_t more = 0;
    while (more < 1000 && arrives()) ++more;
    EXPECT_LT(more, 10U);  // a new connection is no new budget
    target.mono = after_ms(target.mono, 90'000);
    more = 0;
    while (more < 1000 && arrives()) ++more;
    EXPECT_EQ(more, got);
  }
}

}  // namespace
}  // namespace doze::onion_message::testing
