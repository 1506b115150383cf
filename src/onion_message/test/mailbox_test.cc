// Mail for clients that sleep.
#include <malloc.h>

#include "fake_node.h"
#include "onion_message/records.h"
#include "onion_message/state.h"

namespace doze::onion_message::testing {
namespace {

struct MailboxTest : ::testing::Test {
  FakeNode sender{1}, second_sender{4}, server{2, Role::Server}, client{3};
  const wire::FeatureBits plain{wire::kOnionMessages + 1};

  MailboxTest() {
    server.add_channel(client.id, ShortChannelId::of(16'000'000, 1, 1));
    sender.see(server.id);
    second_sender.see(server.id);
    server.see(sender.id);
    server.see(second_sender.id);
  }
  Effects post(std::uint8_t which, std::size_t size = 10) { return post_from(sender, which, size); }
  Effects post_from(FakeNode& from, std::uint8_t which, std::size_t size = 10) {
    auto path = *onion::path_through_peer(fresh_key(client.rng), server.id, client.id, Bytes{5});
    auto effects = from.step(SendOnionMessage{path, contents(which, size), std::nullopt, false, 0});
    server.mono = after_ms(server.mono, 1000);  // within the limits
    return server.step(MessageReceived{from.id, of<SendMessage>(effects).at(0).message});
  }
  Effects become_usable() {
    for (auto& [id, channel] : server.channels) channel.usable = true;
    return server.step(ChannelUsable{server.channels.begin()->first, client.id});
  }
  /// The client connects and hears our gossip; what leaves after its first pong.
  Effects wake() {
    server.ready(client.id, plain);
    return pong(become_usable());
  }
  Effects pong(const Effects& effects) {
    auto pings = of<PingPeer>(effects);
    EXPECT_EQ(pings.size(), 1U);
    if (pings.empty()) return {};
    return server.step(PongReceived{pings[0].node_id, pings[0].token});
  }
  /// What the client reads of it.
  std::vector<int> read(const Effects& effects) {
    std::vector<int> out;
    for (const auto& message : of<SendMessage>(effects)) {
      if (message.node_id != client.id) continue;
      client.mono = after_ms(client.mono, 1000);
      for (const auto& got : of<OnionMessageReceived>(client.step(MessageReceived{server.id, message.message})))
        out.push_back(which(got.contents));
    }
    return out;
  }
  std::uint64_t number(const char* field) {
    auto value = listed(field);
    return value ? std::get<std::uint64_t>(value->inner()) : 0;
  }
  std::string state() { return std::get<std::string>(listed("state")->inner()); }
  /// A field of the one mailbox that listmailboxes shows.
  std::optional<Value> listed(const char* field) {
    auto replies = of<Reply>(server.step(CommandReceived{1, command::ListMailboxes{}}));
    const auto* boxes = std::get<Value>(replies.at(0).result).find("mailboxes");
    const auto& list = std::get<List>(boxes->inner());
    if (list.empty()) return std::nullopt;
    return *list[0].find(field);
  }
};

TEST_F(MailboxTest, mail_is_durable_and_delivered_after_gossip_once_channels_are_usable) {
  EXPECT_EQ(story(post(7)), "put");
  EXPECT_EQ(story(post(8)), "put");
  EXPECT_EQ(server.rows.size(), 2U);
  server.restart();
  EXPECT_EQ(story(server.ready(client.id, plain)), "")
      << "awake when it is sent mail";  // not yet: its channels are not usable
  auto effects = become_usable();
  EXPECT_EQ(story(effects), "gossip ping");
  effects = pong(effects);
  EXPECT_EQ(story(effects), "mail mail ping awake");
  EXPECT_EQ(read(effects), (std::vector<int>{7, 8}));
  EXPECT_EQ(server.rows.size(), 2U);
  effects = pong(effects);
  EXPECT_EQ(story(effects), "erase erase");
  EXPECT_TRUE(server.rows.empty());
  EXPECT_FALSE(deadline(server.room).has_value());
}

TEST_F(MailboxTest, a_lost_connection_before_the_second_pong_means_delivery_again) {
  post(7);
  auto effects = wake();
  EXPECT_EQ(read(effects), std::vector<int>{7});
  EXPECT_EQ(state(), "open");
  server.gone(client.id);
  EXPECT_EQ(state(), "asleep");
  auto late = of<PingPeer>(effects).at(0);
  server.step(PongReceived{late.node_id, late.token});  // of the connection before
  EXPECT_EQ(server.rows.size(), 1U);
  effects = wake();
  EXPECT_EQ(read(effects), std::vector<int>{7});
  pong(effects);
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(MailboxTest, a_crash_between_mail_and_pong_means_delivery_again) {
  post(7);
  EXPECT_EQ(read(wake()), std::vector<int>{7});
  server.restart();
  auto effects = wake();
  EXPECT_EQ(read(effects), std::vector<int>{7});
  pong(effects);
  server.restart();
  EXPECT_EQ(story(wake()), "");
}

TEST_F(MailboxTest, an_invited_client_without_channels_gets_its_mail_at_peer_ready) {
  server.channels.clear();
  server.invited.insert(client.id);
  post(7);
  auto effects = server.ready(client.id, plain);
  EXPECT_EQ(story(effects), "gossip ping");
  EXPECT_EQ(read(pong(effects)), std::vector<int>{7});
}

TEST_F(MailboxTest, channels_that_never_become_usable_do_not_stop_the_mail_for_ever) {
  post(7);
  server.ready(client.id, plain);
  auto effects = server.next_deadline();
  EXPECT_EQ(story(effects), "gossip ping");
  EXPECT_EQ(read(pong(effects)), std::vector<int>{7});
}

TEST_F(MailboxTest, a_foreign_client_gets_time_to_verify_our_gossip) {
  post(7);
  server.ready(client.id, {wire::kOnionMessages + 1, wire::kBasicMpp + 1});
  auto effects = pong(become_usable());
  EXPECT_EQ(story(effects), "");
  auto asked = server.mono;
  effects = server.next_deadline();
  EXPECT_EQ(server.mono, after_ms(asked, kRawClientGossipWaitMs));
  EXPECT_EQ(read(effects), std::vector<int>{7});
}

TEST_F(MailboxTest, an_awake_client_is_sent_mail_at_once_but_durably) {
  wake();
  auto effects = post(7);
  EXPECT_EQ(story(effects), "put mail ping awake");
  auto more = post(8);  // while the first is under way
  EXPECT_EQ(read(more), std::vector<int>{8});
  EXPECT_EQ(story(pong(effects)), "erase");
  EXPECT_EQ(story(pong(more)), "erase");
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(MailboxTest, mail_that_comes_while_the_client_is_not_ready_yet_waits) {
  server.ready(client.id, plain);
  EXPECT_EQ(story(post(7)), "put");
  auto effects = become_usable();
  EXPECT_EQ(story(post(8)), "put");
  EXPECT_EQ(read(pong(effects)), (std::vector<int>{7, 8}));
}

TEST_F(MailboxTest, our_own_message_for_a_sleeping_client_behind_us_goes_into_its_mailbox_and_counts_as_confirmed) {
  auto path = *onion::path_through_peer(fresh_key(client.rng), server.id, client.id, Bytes{5});
  auto tag = make_tag(TagOwner::Payment, 3);
  auto effects = server.step(SendOnionMessage{path, onion::Invoice{Bytes(10, 7)}, std::nullopt, true, tag});
  EXPECT_EQ(story(effects), "put");
  auto outcomes = of<OnionMessageOutcome>(effects);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].fate, OnionMessageFate::Confirmed);
  EXPECT_EQ(read(wake()), std::vector<int>{7});
}

TEST_F(MailboxTest, our_own_invoice_request_for_a_client_behind_us_is_no_mail) {
  auto path = *onion::path_through_peer(fresh_key(client.rng), server.id, client.id, Bytes{5});
  SendOnionMessage request{path, contents(7), std::nullopt, false, 0};
  server.step(request);
  EXPECT_TRUE(server.rows.empty());
  wake();
  EXPECT_EQ(read(server.step(request)), std::vector<int>{7});
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(MailboxTest, strangers_and_clients_of_a_client_have_no_mailbox) {
  server.channels.clear();
  EXPECT_EQ(story(post(7)), "");
  server.invited.insert(client.id);
  server.config.role = Role::Client;
  EXPECT_EQ(story(post(7)), "");
}

// ---- limits ----

/// Both senders have channels with the server: a mailbox may be all theirs.
struct FullMailboxTest : MailboxTest {
  FullMailboxTest() {
    server.add_channel(sender.id, ShortChannelId::of(16'000'000, 2, 1));
    server.add_channel(second_sender.id, ShortChannelId::of(16'000'000, 3, 1));
  }
};

/// What somebody without a channel posts, whose id the test chooses; or an LSP, many times.
struct CrowdTest : FullMailboxTest {
  wire::OnionMessage message = std::get<wire::OnionMessage>([this] {
    auto path = *onion::path_through_peer(fresh_key(client.rng), server.id, client.id, Bytes{5});
    auto effects = sender.step(SendOnionMessage{path, contents(1), std::nullopt, false, 0});
    return of<SendMessage>(effects).at(0).message;
  }());
  std::uint64_t units(std::size_t packet) { return (kMailOverhead + packet + kMailUnitBytes - 1) / kMailUnitBytes; }
  Effects post_as(std::uint8_t first_byte, std::size_t number) {
    NodeId source;
    source.bytes.fill(first_byte);
    source.bytes[31] = static_cast<std::uint8_t>(number >> 8);
    source.bytes[32] = static_cast<std::uint8_t>(number);
    server.see(source);
    server.peers.at(source).address = "10.0." + std::to_string(number % 250) + ".1:9735";  // not one network's crowd
    return server.step(MessageReceived{source, message});
  }
  Effects post_again(const NodeId& source) { return server.step(MessageReceived{source, message}); }
};

TEST_F(CrowdTest, what_a_thousand_fresh_ids_leave_drives_no_older_mail_out_and_a_payers_lsp_gets_in) {
  server.channels.clear();
  server.add_channel(client.id, ShortChannelId::of(16'000'000, 1, 1));
  server.add_channel(second_sender.id, ShortChannelId::of(16'000'000, 3, 1));
  post(7);  // an honest stranger, first
  auto honest = server.rows;
  for (std::uint8_t side : {0x00, 0xff})  // lesser and greater ids than the honest one's
    for (std::size_t i = 0; i < 500; ++i) post_as(side, i);
  EXPECT_TRUE(server.rows.contains(honest.begin()->first));
  EXPECT_EQ(story(post_as(0x77, 1)), "put");  // a payer that comes now
  // Where there were more of them it is refused, before its pong. Its LSP, over which it sends as well, is not.
  for (std::size_t i = 0; i < kStrangersMail.burst_units; ++i) post_as(0x01, i);
  EXPECT_EQ(server.rows.size(), kStrangersMail.burst_units);
  auto refused = post_as(0x77, 1);
  EXPECT_EQ(story(refused), "");
  EXPECT_EQ(of<DropPeer>(refused).size(), 1U);
  EXPECT_EQ(story(post_from(second_sender, 9)), "put");
  EXPECT_TRUE(server.rows.contains(honest.begin()->first));
  // And minutes after the flood it gets in itself.
  server.mono = after_ms(server.mono, kStrangersMail.unit_ms);
  EXPECT_EQ(story(post_as(0x77, 1)), "put");
}

TEST_F(CrowdTest, a_flood_that_never_ends_does_not_fill_the_room_of_strangers) {
  auto& box = server.room.inside->mailboxes;
  // Three weeks' flood, an hour at a time.
  for (int hour = 0; hour < 24 * 21; ++hour) {
    while (story(post_as(0xff, 1)) == "put") {
    }
    server.mono = after_ms(server.mono, 3'600'000);
    server.wall = after_s(server.wall, 3'600);
    server.step(DeadlineReached{});
    ASSERT_LT(box.at(client.id).strangers.units, kStrangersMail.most_units);
  }
  EXPECT_GT(box.at(client.id).strangers.units, kStrangersMail.most_units / 2);
  EXPECT_EQ(story(post_as(0x77, 1)), "put");
}

TEST_F(CrowdTest, an_lsp_may_announce_hundreds_at_once_and_what_it_left_stays) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < kPeersMail.burst_units + 10; ++i) kept += story(post_again(sender.id)) == "put" ? 1 : 0;
  EXPECT_EQ(kept, kPeersMail.burst_units);
  EXPECT_EQ(server.all<DropPeer>().size(), 0U);  // a neighbour brings the messages of many
  EXPECT_EQ(server.rows.size(), kept);
  EXPECT_EQ(story(post_from(second_sender, 200)), "put");
  server.mono = after_ms(server.mono, kPeersMail.unit_ms);
  EXPECT_EQ(story(post_again(sender.id)), "put");
}

TEST_F(CrowdTest, a_mailbox_is_bounded_and_keeps_a_reserve_for_each_peer_with_a_channel) {
  auto& box = server.room.inside->mailboxes[client.id];
  box.all.units = kBoxUnits;
  for (std::uint64_t i = 0; i < kSourceReserve; ++i) ASSERT_EQ(story(post_again(sender.id)), "put");
  EXPECT_EQ(story(post_again(sender.id)), "");
  EXPECT_EQ(story(post_again(second_sender.id)), "put");
}

TEST_F(CrowdTest, all_mailboxes_together_are_bounded_strangers_apart) {
  auto& inside = *server.room.inside;
  inside.strangers_units = kAllStrangersMail;
  // An empty mailbox has room for some all the same: the crowd may be in those of other clients.
  std::uint64_t taken = 0;
  while (taken < 2 * kStrangersReserve && story(post_as(0xff, taken)) == "put") ++taken;
  EXPECT_EQ(taken, kStrangersReserve);
  inside.strangers_units = kAllStrangersMail + kAllStrangersReserves;
  EXPECT_EQ(story(post_as(0xff, 1)), "");
  EXPECT_EQ(story(post_again(sender.id)), "put");
  inside.source_units[sender.id] = kSourceUnitsInAll;
  EXPECT_EQ(story(post_again(sender.id)), "");
  EXPECT_EQ(story(post_again(second_sender.id)), "put");
  inside.familiar_units = kAllFamiliarMail;
  EXPECT_EQ(story(post_again(second_sender.id)), "");
  inside.strangers_units = 0;
  EXPECT_EQ(story(post_as(0xff, 0)), "put");
}

TEST_F(CrowdTest, large_messages_count_as_many_small_ones) {
  std::uint64_t kept = 0;
  for (int i = 0; i < 100; ++i) kept += story(post(1, 20'000)) == "put" ? 1 : 0;
  EXPECT_EQ(kept, kPeersMail.burst_units / units(onion::kLargeMessagePayloads + 66));
}

TEST_F(CrowdTest, our_own_mail_is_never_a_strangers) {
  for (std::size_t i = 0; i < 2 * kStrangersMail.burst_units; ++i) post_as(0xff, i);
  auto path = *onion::path_through_peer(fresh_key(client.rng), server.id, client.id, Bytes{5});
  onion::HeldHtlcAvailable ours{Profile::Ldk};
  EXPECT_EQ(story(server.step(SendOnionMessage{path, ours, std::nullopt, true, 0})), "put");
}

TEST_F(CrowdTest, mail_is_counted_the_same_after_a_restart) {
  post_again(sender.id);
  post_as(0xff, 1);
  post_as(0xff, 2);
  auto units = server.room.inside->strangers_units;
  auto count = [&] {
    const auto& box = server.room.inside->mailboxes.at(client.id);
    return std::tuple(box.all.messages, box.strangers.messages, box.sources.size(), server.room.inside->strangers_units,
                      server.room.inside->familiar_units);
  };
  auto before = count();
  EXPECT_EQ(before, std::tuple(3U, 2U, 1U, units, units / 2));
  server.restart();
  EXPECT_EQ(count(), before);
  auto effects = wake();
  pong(effects);
  EXPECT_EQ(server.room.inside->strangers_units, 0U);
  EXPECT_EQ(server.room.inside->familiar_units, 0U);
  EXPECT_TRUE(server.room.inside->source_units.empty());
}

TEST_F(CrowdTest, a_full_mailbox_comes_in_batches_and_passes_the_clients_own_limits) {
  for (std::size_t i = 0; i < kPeersMail.burst_units; ++i) post_again(sender.id);
  for (std::size_t i = 0; i < kStrangersMail.burst_units; ++i) post_as(0xff, i);
  auto all = server.rows.size();
  ASSERT_EQ(all, kPeersMail.burst_units + kStrangersMail.burst_units);
  client.add_channel(server.id, ShortChannelId::of(16'000'000, 1, 1));
  auto effects = wake();
  std::size_t heard = 0, batches = 0;
  while (!of<PingPeer>(effects).empty() && batches < 100) {
    auto batch = of<SendMessage>(effects);
    EXPECT_LE(batch.size(), kBatchMessages);
    for (const auto& one : batch)
      heard += of<OnionMessageReceived>(client.step(MessageReceived{server.id, one.message})).size();
    ++batches;
    effects = pong(effects);
  }
  EXPECT_EQ(heard, all);
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(MailboxTest, old_mail_goes_while_running_and_at_start) {
  post(7);
  server.wall = after_s(server.wall, kMailboxAgeS / 2);
  post(8);
  EXPECT_EQ(number("oldest_age_s"), kMailboxAgeS / 2);
  server.next_deadline();
  EXPECT_EQ(server.rows.size(), 2U);
  server.wall = after_s(server.wall, kMailboxAgeS / 2);
  server.next_deadline();
  EXPECT_EQ(server.rows.size(), 1U);
  server.wall = after_s(server.wall, kMailboxAgeS);
  server.restart();
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(MailboxTest, mail_of_somebody_who_is_no_client_any_more_goes) {
  post(7);
  server.channels.clear();
  server.next_deadline();
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(CrowdTest, mailboxes_come_in_pages) {
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 9; ++i) {
    NodeId id = client.id;
    id.bytes[32] = static_cast<std::uint8_t>(i);
    server.room.inside->mailboxes[id].mail.emplace(i + 1, Mail{sender.id, server.wall, 1'366});
    expected.insert(expected.begin(), id.hex());
  }
  for (std::uint32_t limit : {1U, 4U, 9U, 10U}) {
    std::vector<std::string> got;
    command::Page page{limit, std::nullopt};
    do {
      auto reply =
          std::get<Value>(of<Reply>(server.step(CommandReceived{1, command::ListMailboxes{page}})).at(0).result);
      for (const auto& row : std::get<List>(reply.find("mailboxes")->inner())) got.push_back(text_of(row, "node_id"));
      page.before = text_of(reply, "next_before");
    } while (!page.before->empty() && got.size() < 100);
    EXPECT_EQ(got, expected) << limit;
  }
  auto reply = of<Reply>(server.step(CommandReceived{1, command::ListMailboxes{{5, "1-0011"}}})).at(0);
  EXPECT_TRUE(std::holds_alternative<CommandError>(reply.result));
}

// ---- the messages are on disk only ----

/// Batches wait until the test lets the driver answer.
struct ReadTest : CrowdTest {
  ReadTest() { server.answers_reads = false; }
  /// The next question, and what follows from its answer: the rows as they are now.
  Effects answer_one() {
    auto wanted = std::move(server.asked.front());
    server.asked.pop_front();
    return server.step(server.read(wanted));
  }
};

TEST_F(ReadTest, a_batch_is_asked_for_by_its_rows_and_leaves_when_they_come) {
  post(7);
  post(8);
  auto effects = wake();
  EXPECT_EQ(story(effects), "");
  ASSERT_EQ(server.asked.size(), 1U);
  const auto& wanted = server.asked.front();
  EXPECT_EQ(wanted.table, Table::Mailbox);
  ASSERT_EQ(wanted.keys.size(), 2U);
  for (const auto& key : wanted.keys) EXPECT_TRUE(server.rows.contains({Table::Mailbox, key}));
  effects = answer_one();
  EXPECT_EQ(story(effects), "mail mail ping awake");
  EXPECT_EQ(read(effects), (std::vector{7, 8}));
  EXPECT_EQ(story(pong(effects)), "erase erase");
}

TEST_F(ReadTest, mail_that_comes_while_a_batch_is_read_follows_it_in_order) {
  post(7);
  wake();
  EXPECT_EQ(story(post(8)), "put");
  EXPECT_EQ(story(post(9)), "put");
  EXPECT_EQ(server.asked.size(), 1U);  // one batch at a time
  auto first = answer_one();
  EXPECT_EQ(read(first), std::vector{7});
  ASSERT_EQ(server.asked.size(), 1U);
  EXPECT_EQ(read(answer_one()), (std::vector{8, 9}));
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(ReadTest, mail_that_became_too_old_while_it_was_read_is_not_sent) {
  post(7);
  server.wall = after_s(server.wall, kMailboxAgeS / 2);
  post(8);
  wake();
  auto wanted = server.asked.front();
  auto as_it_was = server.read(wanted);  // read before the other step's batch is committed
  server.wall = after_s(server.wall, kMailboxAgeS / 2);
  server.next_deadline();
  EXPECT_EQ(server.rows.size(), 1U);
  EXPECT_EQ(server.read(wanted).rows.size(), 1U);
  auto effects = server.step(as_it_was);
  EXPECT_EQ(story(effects), "mail ping awake");
  EXPECT_EQ(read(effects), std::vector{8});
  EXPECT_EQ(story(pong(effects)), "erase");
}

TEST_F(ReadTest, a_row_that_is_gone_is_not_in_the_answer_and_not_awaited) {
  post(7);
  post(8);
  wake();
  server.rows.erase(server.rows.begin());
  auto effects = answer_one();
  EXPECT_EQ(read(effects), std::vector{8});
  EXPECT_EQ(server.room.inside->sessions.at(client.id).messages_under_way, 1U);
}

TEST_F(ReadTest, a_batch_of_which_nothing_is_left_makes_room_for_the_next) {
  for (std::size_t i = 0; i < kBatchMessages; ++i) ASSERT_EQ(story(post_again(sender.id)), "put");
  server.wall = after_s(server.wall, kMailboxAgeS / 2);
  post(7);
  wake();
  ASSERT_EQ(server.asked.front().keys.size(), kBatchMessages);
  server.wall = after_s(server.wall, kMailboxAgeS / 2);
  server.next_deadline();
  EXPECT_EQ(server.rows.size(), 1U);
  EXPECT_EQ(story(answer_one()), "");
  ASSERT_EQ(server.asked.size(), 1U);
  auto effects = answer_one();
  EXPECT_EQ(read(effects), std::vector{7});
  pong(effects);
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(ReadTest, a_batch_for_a_connection_that_has_ended_is_not_sent_over_the_next_one) {
  post(7);
  wake();
  server.gone(client.id);
  EXPECT_EQ(server.asked.size(), 1U);
  wake();  // before the answer to the first
  ASSERT_EQ(server.asked.size(), 2U);
  EXPECT_EQ(story(answer_one()), "");
  auto effects = answer_one();
  EXPECT_EQ(read(effects), std::vector{7});
  pong(effects);
  EXPECT_TRUE(server.rows.empty());
  EXPECT_TRUE(server.room.inside->reads.empty());
}

TEST_F(ReadTest, a_client_that_goes_while_its_batch_is_read_leaves_its_mail_and_nothing_else) {
  post(7);
  wake();
  server.gone(client.id);
  EXPECT_EQ(story(answer_one()), "");
  EXPECT_EQ(server.rows.size(), 1U);
  EXPECT_TRUE(server.room.inside->reads.empty());
  EXPECT_TRUE(server.room.inside->asked.empty());
}

TEST_F(ReadTest, a_crash_while_a_batch_is_read_means_delivery_at_the_next_connection) {
  post(7);
  wake();
  auto lost = server.asked.front();
  server.restart();
  EXPECT_EQ(story(server.step(server.read(lost))), "");  // of the process before
  wake();
  auto effects = answer_one();
  EXPECT_EQ(read(effects), std::vector{7});
  pong(effects);
  EXPECT_TRUE(server.rows.empty());
}

TEST_F(ReadTest, a_row_that_cannot_be_read_any_more_is_told_and_stops_nothing) {
  post(7);
  post(8);
  wake();
  server.rows.begin()->second[0] = 99;  // its version
  auto effects = answer_one();
  EXPECT_EQ(read(effects), std::vector{8});
  ASSERT_EQ(of<Notify>(effects).size(), 1U);
  EXPECT_EQ(of<Notify>(effects)[0].event, Event("mail_unreadable"));
  EXPECT_EQ(of<Notify>(effects)[0].severity, Severity::Error);
}

TEST_F(ReadTest, batches_of_all_clients_are_read_a_few_at_a_time_and_everybody_gets_a_turn) {
  constexpr std::size_t kClients = 3 * kBatchesRead;
  std::vector<NodeId> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    NodeId id = client.id;
    id.bytes[32] = static_cast<std::uint8_t>(i);
    clients.push_back(id);
    server.invited.insert(id);
    auto& mailbox = server.room.inside->mailboxes[id];
    mailbox.mail.emplace(i + 1, Mail{sender.id, server.wall, 1'366});
    mailbox.all.add(mailbox.mail.at(i + 1));
    mailbox.sources[sender.id].add(mailbox.mail.at(i + 1));
    server.rows[{Table::Mailbox, mail_key(id, i + 1)}] = encode(StoredMail{sender.id, server.wall, message});
  }
  for (const auto& id : clients) {
    auto effects = server.ready(id, plain);
    pong(effects);
  }
  EXPECT_EQ(server.asked.size(), kBatchesRead);
  server.gone(clients[kBatchesRead]);  // it waited for its turn
  std::set<NodeId> served;
  while (!server.asked.empty()) {
    EXPECT_LE(server.room.inside->reads.size(), kBatchesRead);
    for (const auto& sent : of<SendMessage>(answer_one())) served.insert(sent.node_id);
  }
  EXPECT_EQ(served.size(), kClients - 1);
  EXPECT_TRUE(server.room.inside->turns.empty());
}

/// Bytes that the process has from its allocator.
std::size_t allocated() {
  auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_F(ReadTest, what_waits_in_mailboxes_costs_an_index_in_memory_whether_it_came_or_was_loaded) {
  constexpr std::size_t kMessages = 400;
  constexpr std::size_t kPacket = onion::kLargeMessagePayloads + 66;
  message.onion_message_packet.resize(kPacket);
  auto path = *onion::path_through_peer(fresh_key(client.rng), server.id, client.id, Bytes{5});
  auto large = sender.step(SendOnionMessage{path, contents(1, 20'000), std::nullopt, false, 0});
  message = std::get<wire::OnionMessage>(of<SendMessage>(large).at(0).message);
  ASSERT_EQ(message.onion_message_packet.size(), kPacket);
  auto before = allocated();
  if (before == 0) GTEST_SKIP() << "the sanitizers' allocator does not tell";
  // The rows are written down elsewhere; what is left is the room's own.
  std::vector<Row> rows;
  rows.reserve(kMessages);
  std::size_t on_disk = 0;
  server.wall = after_s(server.wall, 1);
  for (std::size_t i = 0; i < kMessages; ++i) {
    server.mono = after_ms(server.mono, kPeersMail.unit_ms * 17);
    auto transition =
        onion_message::step(std::move(server.room), MessageReceived{sender.id, message}, server.context());
    server.room = std::move(transition.next);
    auto puts = of<Put>(transition.effects);
    if (puts.empty()) break;  // the room of one source is full
    on_disk += puts[0].value.size();
    rows.push_back({puts[0].table, puts[0].key, std::move(puts[0].value)});
  }
  auto kept = rows.size();
  ASSERT_GT(kept, 100U);
  auto state = allocated() - before;
  std::size_t row_bytes = 0;
  for (const auto& row : rows) row_bytes += row.value.capacity() + row.key.capacity() + 32;
  EXPECT_GT(on_disk, kept * 30'000);
  EXPECT_LT(state, row_bytes + kept * kMailIndexBytes + 65'536);
  // And after a start.
  auto loaded_before = allocated();
  auto loaded = load(rows);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_LT(allocated() - loaded_before, kept * kMailIndexBytes + 65'536);
}

TEST_F(MailboxTest, rows_that_are_cut_short_or_of_another_version_are_refused) {
  post(7);
  ASSERT_EQ(server.rows.size(), 1U);
  const auto& [place, value] = *server.rows.begin();
  const auto& key = place.second;
  ASSERT_EQ(key.size(), 41U);
  auto loads = [](Bytes name, Bytes changed) {
    std::vector<Row> rows{{Table::Mailbox, std::move(name), std::move(changed)}};
    return load(rows).has_value();
  };
  EXPECT_TRUE(loads(key, value));
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_FALSE(loads(key, {value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size)}));
  for (std::size_t size = 0; size < key.size(); ++size)
    EXPECT_FALSE(loads({key.begin(), key.begin() + static_cast<std::ptrdiff_t>(size)}, value));
  auto other = value;
  other[0] = 2;
  EXPECT_FALSE(loads(key, other));
}

}  // namespace
}  // namespace doze::onion_message::testing
