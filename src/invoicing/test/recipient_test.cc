// R joins a server, gets an offer served, and keeps its static invoice fresh.
#include "fake_node.h"

namespace doze::invoicing::testing {
namespace {

struct Recipient : ::testing::Test {
  World world;
  FakeNode& r = world.r;

  static std::size_t served(const Effects& effects) { return contents_of<onion::ServeStaticInvoice>(effects).size(); }
  static UnixTime own_created(const SendOnionMessage& sent) {
    return offers::StaticInvoice::parse(std::get<onion::ServeStaticInvoice>(sent.contents).invoice)->created_at();
  }
  const OwnOffer& own() { return r.room.inside->own.begin()->second; }
};

TEST_F(Recipient, joining_is_durable_and_wants_the_server_as_a_peer_also_after_a_restart) {
  auto effects = r.command(command::AsyncJoin{world.invite()});
  ASSERT_EQ(of<WantPeer>(effects).size(), 1U);
  EXPECT_TRUE(of<WantPeer>(effects)[0].keep);
  EXPECT_EQ(r.count(Table::Joined), 1U);
  r.restart();
  ASSERT_EQ(r.all<WantPeer>().size(), 1U);
  EXPECT_EQ(r.all<WantPeer>()[0].node_id, world.m.id);
}

TEST_F(Recipient, a_wrong_expired_or_own_link_is_refused) {
  r.command(command::AsyncJoin{"lnai1zzzz"});
  EXPECT_EQ(r.error().code, CommandErrorCode::BadRequest);
  command::AsyncInvite command;
  command.expiry_s = 10;
  auto link = text_of(std::get<Value>(of<Reply>(world.m.command(command)).at(0).result), "link");
  r.said.clear();
  r.wall = after_s(r.wall, 11);
  r.command(command::AsyncJoin{link});
  EXPECT_EQ(r.error().code, CommandErrorCode::Expired);
  world.m.said.clear();
  world.m.command(command::AsyncJoin{link});
  EXPECT_EQ(world.m.error().code, CommandErrorCode::BadRequest);
  EXPECT_EQ(r.count(Table::Joined) + world.m.count(Table::Joined), 0U);
}

TEST_F(Recipient, an_async_offer_needs_a_server_a_connection_and_a_usable_channel) {
  auto refusal = [&] {
    r.said.clear();
    r.command(World::coffee());
    EXPECT_TRUE(r.all<SendOnionMessage>().empty());
    EXPECT_EQ(r.error().code, CommandErrorCode::NotReady);
    return r.error().message;
  };
  EXPECT_NE(refusal().find("this node has not joined a server"), std::string::npos);
  world.join();
  r.channels.begin()->second.usable = false;
  EXPECT_NE(refusal().find("no usable channel"), std::string::npos);
  r.peers.clear();
  EXPECT_NE(refusal().find("not connected to the server"), std::string::npos);
}

TEST_F(Recipient, the_offer_is_answered_when_the_server_has_acknowledged_and_not_before) {
  world.join();
  r.said.clear();
  auto sent = world.served_by_r();
  EXPECT_TRUE(r.all<Reply>().empty());
  EXPECT_EQ(r.count(Table::Offer), 1U);  // durable before its invoice leaves
  auto acknowledged = world.arriving(world.m, r, World::only(world.deliver(r, world.m, sent)));
  auto forged = acknowledged;
  forged.path_id->back() ^= 1;
  EXPECT_TRUE(r.step(forged).empty());
  auto effects = r.step(acknowledged);
  ASSERT_EQ(of<Reply>(effects).size(), 1U);
  EXPECT_EQ(of<Reply>(effects)[0].request, 9U);
  EXPECT_EQ(text_of(std::get<Value>(of<Reply>(effects)[0].result), "offer"), own().offer.text());
  EXPECT_EQ(own().acknowledged, own().invoice_created_at);
}

TEST_F(Recipient, a_description_of_200_bytes_is_taken_one_more_is_refused) {
  world.join();
  auto command = World::coffee();
  command.description = std::string(kMaxAsyncDescriptionBytes + 1, 'x');
  r.said.clear();
  r.command(command);
  EXPECT_EQ(r.error().code, CommandErrorCode::BadRequest);
  EXPECT_NE(r.error().message.find("not 201"), std::string::npos) << r.error().message;
  command.description.pop_back();
  EXPECT_EQ(world.offer_served(command).description()->size(), kMaxAsyncDescriptionBytes);
}

TEST_F(Recipient, a_request_that_would_not_fit_the_onion_is_refused_with_the_bytes_too_many) {
  world.join();
  auto with_issuer = [&](std::size_t bytes) {
    auto command = World::coffee();
    command.issuer = std::string(bytes, 'i');
    r.said.clear();
    auto asked = r.command(command, 9);
    world.deliver(world.m, r, World::only(world.deliver(r, world.m, World::only(asked))));
  };
  with_issuer(700);
  ASSERT_EQ(r.error().code, CommandErrorCode::BadRequest);
  EXPECT_EQ(r.count(Table::Offer), 0U);
  auto text = r.error().message;
  auto too_many = std::stoul(text.substr(text.find("is ") + 3));
  EXPECT_NE(text.find(" bytes too long"), std::string::npos) << text;
  ASSERT_LT(too_many, 700U);
  with_issuer(700 - too_many + 1);
  EXPECT_NE(r.error().message.find("is 1 bytes too long"), std::string::npos) << r.error().message;
  with_issuer(700 - too_many);
  EXPECT_EQ(r.error().message, "no error");
  EXPECT_EQ(r.count(Table::Offer), 1U);
}

TEST_F(Recipient, there_are_so_many_slots) {
  world.join();
  for (std::uint16_t slot = 0; slot < kSlotsPerRecipient; ++slot) {
    world.offer_served();
    EXPECT_EQ(r.room.inside->own.size(), slot + 1U);
  }
  r.said.clear();
  r.command(World::coffee());
  EXPECT_EQ(r.error().code, CommandErrorCode::Limit);
  r.command(command::DisableOffer{world.newest_offer().id()});
  r.said.clear();
  r.command(World::coffee());
  EXPECT_EQ(r.error().code, CommandErrorCode::Limit);  // the server still has its invoice
  r.wall = after_s(r.wall, r.config.static_invoice_expiry_s + 1);
  r.said.clear();
  EXPECT_EQ(contents_of<onion::OfferPathsRequest>(r.command(World::coffee())).at(0).invoice_slot,
            kSlotsPerRecipient - 1);
}

TEST_F(Recipient, a_new_offer_is_served_at_once_after_another_was_disabled) {
  world.join();
  auto first = world.offer_served();
  r.command(command::DisableOffer{first.id()});
  auto second = world.offer_served();
  EXPECT_NE(second, first);
  EXPECT_EQ(r.room.inside->own.at(second.id()).slot, 1U);
  EXPECT_EQ(world.m.count(Table::StaticInvoice), 2U);
  // Until the server takes another key for the slot, and then both agree again.
  for (auto* node : {&r, &world.m}) node->wall = after_s(node->wall, r.config.static_invoice_expiry_s + 1);
  auto third = world.served_by_r();
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(world.deliver(r, world.m, third)).size(), 1U);
  EXPECT_EQ(world.m.count(Table::StaticInvoice), 2U);
}

TEST_F(Recipient, an_offer_that_never_had_an_invoice_leaves_its_slot_at_once) {
  world.join();
  auto asked = r.command(World::coffee(), 9);
  r.policies.clear();  // no payment path: no invoice
  world.deliver(world.m, r, World::only(world.deliver(r, world.m, World::only(asked))));
  r.command(command::DisableOffer{own().offer.id()});
  r.pass(kServeWaitMs);  // createoffer has its answer
  EXPECT_EQ(contents_of<onion::OfferPathsRequest>(r.command(World::coffee())).at(0).invoice_slot, 0U);
}

TEST_F(Recipient, a_server_that_is_silent_is_asked_again_and_given_up_after_a_minute) {
  world.join();
  r.said.clear();
  r.command(World::coffee());
  EXPECT_EQ(contents_of<onion::OfferPathsRequest>(r.pass(kServeRepeatMs)).size(), 1U);
  for (auto ms = kServeRepeatMs; ms + kServeRepeatMs < kServeWaitMs; ms += kServeRepeatMs) r.pass(kServeRepeatMs);
  EXPECT_TRUE(r.all<Reply>().empty());
  EXPECT_TRUE(contents_of<onion::OfferPathsRequest>(r.pass(kServeRepeatMs)).empty());
  EXPECT_EQ(r.error().code, CommandErrorCode::NotReady);
  EXPECT_FALSE(deadline(r.room).has_value());
}

TEST_F(Recipient, an_invoice_that_is_not_acknowledged_is_sent_again_at_growing_distances_also_after_a_restart) {
  world.join();
  world.served_by_r();
  std::uint64_t wait = kServeRepeatMs;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(served(r.pass(wait - 1)), 0U) << i;
    EXPECT_EQ(served(r.pass(1)), 1U) << i;
    wait = std::min(wait * 2, kServeRepeatMaxMs);
  }
  r.restart();
  EXPECT_EQ(served(r.said), 0U);
  r.said.clear();
  EXPECT_EQ(served(r.step(ChannelUsable{r.channels.begin()->first, world.m.id})), 1U);
}

TEST_F(Recipient, an_invoice_is_renewed_after_an_eighth_of_its_life_with_a_later_creation_time) {
  world.join();
  world.offer_served();
  auto first = own().invoice_created_at;
  ChannelUsable usable{r.channels.begin()->first, world.m.id};
  r.wall = after_s(r.wall, 1'209'600 / kRenewAfterPart - 1);
  EXPECT_EQ(served(r.step(usable)), 0U);
  r.wall = after_s(r.wall, 1);
  auto effects = r.step(usable);
  ASSERT_EQ(served(effects), 1U);
  EXPECT_GT(own().invoice_created_at, first);
  world.deliver(world.m, r, World::only(world.deliver(r, world.m, World::only(effects))));
  EXPECT_EQ(own().acknowledged, own().invoice_created_at);
  EXPECT_EQ(served(r.step(usable)), 0U);
}

struct StaysOnline : Recipient {
  StaysOnline() {
    world.join();
    world.offer_served();
  }
  void hear_m(const Effects& effects) {
    for (const auto& sent : of<SendOnionMessage>(effects))
      for (const auto& answer : of<SendOnionMessage>(world.deliver(r, world.m, sent)))
        world.deliver(world.m, r, answer);
  }
  /// How many invoices were made while this time passed, each acknowledged.
  std::size_t pass(std::uint64_t ms) {
    std::size_t count = 0;
    auto end = after_ms(r.mono, ms);
    while (auto next = deadline(r.room)) {
      EXPECT_GT(*next, r.mono);
      if (*next > end) break;
      auto effects = r.next_deadline();
      world.m.wall = r.wall;
      count += served(effects);
      hear_m(effects);
    }
    r.pass(end.value() - r.mono.value());
    return count;
  }
  Effects usable(std::uint8_t number, bool is) {
    ChannelId id;
    id.bytes.fill(number);
    r.channels.at(id).usable = is;
    return is ? r.step(ChannelUsable{id, world.m.id}) : r.step(ChannelUnusable{id, world.m.id});
  }
};

TEST_F(StaysOnline, its_invoice_is_renewed_though_its_channel_never_goes) {
  const std::uint64_t life_ms = 1'209'600'000;
  EXPECT_EQ(pass(life_ms / kRenewAfterPart - kServedCheckMs), 0U);
  EXPECT_EQ(pass(2 * kServedCheckMs), 1U);
  auto renewed = pass(life_ms);
  EXPECT_GE(renewed, kRenewAfterPart - 1U);
  EXPECT_LE(renewed, kRenewAfterPart);
  EXPECT_FALSE(world.m.room.inside->served.begin()->second.expired(r.wall));
}

TEST_F(StaysOnline, a_channel_that_is_gone_or_new_or_has_another_policy_makes_a_new_invoice) {
  const auto payment_paths = [&] {
    return offers::StaticInvoice::parse(world.m.room.inside->served.begin()->second.invoice)->payment_paths().size();
  };
  r.add_channel(world.m.id, 4);
  usable(4, true);
  EXPECT_EQ(pass(kChannelsSettleMs), 1U);
  EXPECT_EQ(payment_paths(), 2U);
  pass(kServedCheckMs);
  usable(4, false);
  EXPECT_EQ(pass(kChannelsSettleMs - 1), 0U);
  EXPECT_EQ(pass(1), 1U);
  EXPECT_EQ(payment_paths(), 1U);
  r.policies.begin()->second.remote->fee_base = Msat(2'000);
  EXPECT_EQ(pass(kServedCheckMs), 1U);
  EXPECT_EQ(pass(kServedCheckMs), 0U);
}

TEST_F(StaysOnline, a_channel_that_comes_back_in_time_changes_nothing_also_after_a_restart) {
  usable(3, false);
  EXPECT_EQ(pass(kChannelsSettleMs - 1), 0U);
  usable(3, true);
  EXPECT_EQ(pass(kServedCheckMs), 0U);
  r.restart();
  usable(3, true);
  EXPECT_EQ(pass(kServedCheckMs), 0U);
  r.restart();  // and while it was away the policy changed
  r.policies.begin()->second.remote->fee_base = Msat(2'000);
  auto effects = usable(3, true);
  EXPECT_EQ(served(effects), 1U);
  hear_m(effects);
  EXPECT_EQ(pass(kChannelsSettleMs), 0U);
}

TEST_F(StaysOnline, an_invoice_whose_channel_is_gone_is_renewed_as_soon_as_another_channel_is_usable) {
  ChannelId gone;
  gone.bytes.fill(3);
  for (bool closing : {true, false}) {
    SCOPED_TRACE(closing);
    r.restart();
    r.add_channel(world.m.id, 4);
    r.channels.at(gone).usable = false;
    if (closing)
      r.channels.at(gone).phase = ChannelPhase::Closing;
    else
      r.channels.erase(gone);
    auto effects = usable(4, true);
    ASSERT_EQ(served(effects), 1U);  // in this very step, not after half a minute
    hear_m(effects);
    auto kept = offers::StaticInvoice::parse(world.m.room.inside->served.begin()->second.invoice);
    EXPECT_EQ(kept->payment_paths().size(), 1U);
    EXPECT_EQ(served(usable(4, true)), 0U);
    if (!closing) break;
    // Back to the invoice over channel 3.
    r.channels.at(gone).phase = ChannelPhase::Normal;
    r.channels.at(gone).usable = true;
    ChannelId four;
    four.bytes.fill(4);
    r.channels.erase(four);
    r.restart();
    hear_m(usable(3, true));
    EXPECT_EQ(own().named.at(0).channel_id, gone);
  }
}

TEST_F(StaysOnline, a_channel_that_closes_while_it_is_online_makes_a_new_invoice_at_once) {
  r.add_channel(world.m.id, 4);
  usable(4, true);
  EXPECT_EQ(pass(kChannelsSettleMs), 1U);
  ChannelId gone;
  gone.bytes.fill(3);
  r.channels.at(gone).phase = ChannelPhase::Closing;
  auto effects = usable(3, false);
  EXPECT_EQ(served(effects), 1U);
  hear_m(effects);
  EXPECT_EQ(offers::StaticInvoice::parse(world.m.room.inside->served.begin()->second.invoice)->payment_paths().size(),
            1U);
}

TEST_F(StaysOnline, a_policy_that_comes_with_the_connection_makes_a_new_invoice_within_two_seconds) {
  r.restart();
  EXPECT_EQ(served(usable(3, true)), 0U);
  r.policies.begin()->second.remote->fee_base = Msat(2'000);
  EXPECT_EQ(pass(kUpdatesSettleMs), 1U);
}

TEST_F(StaysOnline, an_invoice_for_changed_channels_is_sent_until_the_server_has_it_also_after_a_restart) {
  r.add_channel(world.m.id, 4);
  usable(4, true);
  EXPECT_EQ(served(r.pass(kChannelsSettleMs)), 1U);  // lost
  r.restart();
  auto again = usable(4, true);
  ASSERT_EQ(served(again), 1U);
  hear_m(again);
  EXPECT_EQ(pass(kServedCheckMs), 0U);
}

TEST_F(StaysOnline, channels_that_come_and_go_make_an_invoice_in_ten_minutes_at_most) {
  r.add_channel(world.m.id, 4);
  std::size_t made = 0;
  for (int i = 0; i < 60; ++i) {  // an hour
    usable(4, i % 2 == 0);
    made += pass(60'000);
  }
  EXPECT_GE(made, 3U);
  EXPECT_LE(made, 7U);
}

TEST_F(StaysOnline, without_a_usable_channel_nothing_is_looked_at) {
  usable(3, false);
  EXPECT_EQ(pass(kServedCheckMs), 0U);
  EXPECT_FALSE(deadline(r.room).has_value());
}

TEST_F(Recipient, two_invoices_of_one_second_have_different_creation_times) {
  world.join();
  auto first = own_created(world.served_by_r());
  auto again = contents_of<onion::ServeStaticInvoice>(r.pass(kServeRepeatMs));
  r.wall = UnixTime(1'700'000'000);  // the clock was set back
  auto third = contents_of<onion::ServeStaticInvoice>(r.pass(10 * kServeRepeatMs));
  ASSERT_EQ(again.size() + third.size(), 2U);
  auto second_at = offers::StaticInvoice::parse(again[0].invoice)->created_at();
  EXPECT_GT(second_at, first);
  EXPECT_GT(offers::StaticInvoice::parse(third[0].invoice)->created_at(), second_at);
}

// An hour without anything to do: a client that said its offers anew at every tick once flooded its own server.
TEST_F(StaysOnline, an_idle_recipient_sends_ten_messages_per_hour_at_most) {
  for (int hour = 0; hour < 14 * 24; ++hour) {
    r.said.clear();
    pass(3'600'000);
    EXPECT_LE(r.all<SendOnionMessage>().size(), 10U) << hour;
  }
}

// Each of the three clocks is right, a day behind or a day ahead, and then the recipient's jumps.
TEST(Clocks, a_day_of_difference_between_payer_server_and_recipient_stops_no_payment) {
  const std::int64_t day = 86'400;
  auto set = [](FakeNode& node, std::int64_t seconds) {
    node.wall = UnixTime(node.wall.value() + static_cast<std::uint64_t>(seconds));
  };
  for (int which = 0; which < 27; ++which) {
    SCOPED_TRACE(which);
    World world;
    set(world.s, (which % 3 - 1) * day);
    set(world.m, (which / 3 % 3 - 1) * day);
    set(world.r, (which / 9 - 1) * day);
    world.join();
    auto offer = world.offer_served();
    auto obtained = [&](std::uint8_t number) {
      auto asked = World::only(world.ask(offer, number));
      auto answer = World::with<onion::StaticInvoice>(world.deliver(world.s, world.m, asked));
      return of<StaticInvoiceObtained>(world.deliver(world.m, world.s, answer)).size();
    };
    EXPECT_EQ(obtained(1), 1U);
    for (std::int64_t jump : {-2 * day, 2 * day}) {
      set(world.r, jump);
      world.r.policies.begin()->second.remote->fee_base += Msat(1);  // a reason for another invoice
      ChannelId id;
      id.bytes.fill(3);
      world.r.step(ChannelUsable{id, world.m.id});
      auto effects = world.r.pass(kServedCheckMs);
      auto renewed = contents_of<onion::ServeStaticInvoice>(effects);
      ASSERT_EQ(renewed.size(), 1U);
      auto sent = World::with<onion::ServeStaticInvoice>(effects);
      EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(world.deliver(world.r, world.m, sent)).size(), 1U);
      EXPECT_EQ(world.m.room.inside->served.begin()->second.invoice, renewed[0].invoice);
      EXPECT_EQ(obtained(jump < 0 ? 2 : 3), 1U);
    }
  }
}

// A short channel id in its place would lead nowhere when that channel closes.
// [B12-offer-10, AP-offer-01]
TEST_F(Recipient, offers_and_their_invoices_name_nodes_where_their_message_paths_begin) {
  world.join();
  auto offer = world.offer_served();
  r.command([] {
    command::CreateOffer command;
    command.amount = Msat(5'000);
    command.description = "tea";
    return command;
  }());
  std::vector<wire::BlindedPath> paths = offer.paths();
  for (const auto& [id, own] : r.room.inside->own)
    for (const auto& path : own.offer.paths()) paths.push_back(path);
  auto invoice = offers::StaticInvoice::parse(world.m.room.inside->served.begin()->second.invoice);
  for (const auto& path : invoice->message_paths()) paths.push_back(path);
  ASSERT_GE(paths.size(), 4U);
  for (const auto& path : paths) EXPECT_EQ(path.first_node_id, wire::IntroductionNode(world.m.id));
}

TEST_F(Recipient, without_a_payment_path_nothing_is_served_until_there_is_one) {
  world.join();
  world.served_by_r();
  r.policies.clear();  // the server's channel_update is not there
  EXPECT_EQ(served(r.pass(kServeRepeatMs)), 0U);
  r.add_channel(world.m.id);
  EXPECT_EQ(served(r.pass(1'000)), 1U);
}

TEST_F(Recipient, a_static_invoice_begins_at_the_lsp_also_if_the_channel_is_public) {
  r.announce_channel();
  world.join();
  auto served = std::get<onion::ServeStaticInvoice>(world.served_by_r().contents);
  auto ways = offers::StaticInvoice::parse(served.invoice)->payment_paths();
  ASSERT_EQ(ways.size(), 1U);
  EXPECT_EQ(ways[0].path.first_node_id, wire::IntroductionNode(world.m.id));
}

TEST_F(Recipient, paths_that_nobody_asked_for_make_no_offer) {
  world.join();
  auto asked = r.command(World::coffee(), 9);
  auto paths = world.arriving(world.m, r, World::only(world.deliver(r, world.m, World::only(asked))));
  auto wrong = paths;
  wrong.path_id->at(0) ^= 1;
  EXPECT_TRUE(r.step(wrong).empty());
  wrong = paths;
  wrong.reply_path.reset();
  EXPECT_TRUE(r.step(wrong).empty());
  wrong = paths;
  std::get<onion::OfferPaths>(wrong.contents).paths.clear();
  EXPECT_TRUE(r.step(wrong).empty());
  EXPECT_EQ(served(r.step(paths)), 1U);
  EXPECT_TRUE(r.step(paths).empty());  // once
  EXPECT_EQ(r.count(Table::Offer), 1U);
}

TEST_F(Recipient, the_offer_ends_with_the_servers_paths) {
  world.join();
  world.m.config.offer_paths_expiry_s = 1'000;
  auto offer = world.offer_served();
  EXPECT_EQ(offer.absolute_expiry(), after_s(world.m.wall, 1'000));
}

TEST_F(Recipient, an_offer_that_would_have_expired_or_would_name_ourselves_is_not_made) {
  world.join();
  auto with = [&](const std::function<void(onion::OfferPaths&)>& change) {
    r.said.clear();
    auto asked = r.command(World::coffee(), 9);
    auto word = world.arriving(world.m, r, World::only(world.deliver(r, world.m, World::only(asked))));
    change(std::get<onion::OfferPaths>(word.contents));
    r.step(word);
    return r.error().message;
  };
  EXPECT_NE(with([&](auto& paths) { paths.paths_absolute_expiry = UnixTime(r.wall.value() - 1); }).find("would expire"),
            std::string::npos);
  EXPECT_NE(with([&](auto& paths) {
              paths.paths_absolute_expiry = UnixTime(r.wall.value() + kLeastOfferLifeS - 1);
            }).find("would expire"),
            std::string::npos);
  EXPECT_NE(with([&](auto& paths) { paths.paths[0].first_node_id = r.id; }).find("begin at this node"),
            std::string::npos);
  EXPECT_NE(with([&](auto& paths) {
              paths.paths[0].first_path_key =
                  PublicKey::from_hex_or_die("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
            }).find("not valid points"),
            std::string::npos);
  EXPECT_EQ(r.count(Table::Offer), 0U);
  // The next path of the server may be good.
  EXPECT_EQ(with([&](auto& paths) {
              paths.paths.push_back(paths.paths[0]);
              paths.paths[0].first_node_id = r.id;
            }),
            "no error");
  EXPECT_EQ(r.count(Table::Offer), 1U);
}

TEST_F(Recipient, so_many_offers_are_made_and_no_more) {
  world.join();
  world.offer_served();
  auto& all = r.room.inside->own;
  auto one = all.begin()->second;
  OfferId id;
  for (std::uint32_t i = 0; all.size() + 1 < kMaxOffers; ++i) {
    id.bytes[0] = static_cast<std::uint8_t>(i), id.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    all.emplace(id, one);
  }
  command::CreateOffer command;
  command.amount = Msat(5'000);
  command.description = "tea";
  r.said.clear();
  r.command(command);
  EXPECT_EQ(r.error().message, "no error");
  r.command(command);
  EXPECT_EQ(r.error().code, CommandErrorCode::Limit);
  r.said.clear();
  r.command(World::coffee());  // one for a server, too
  EXPECT_EQ(r.error().code, CommandErrorCode::Limit);
}

TEST_F(Recipient, listoffers_says_which_offers_have_expired) {
  world.join();
  auto command = World::coffee();
  command.expiry_s = 3'600;
  world.offer_served(command);
  auto status = [&] {
    r.said.clear();
    r.command(command::ListOffers{});
    auto list = std::get<List>(std::get<Value>(r.all<Reply>().at(0).result).find("offers")->inner());
    return text_of(list.at(0), "status");
  };
  EXPECT_EQ(status(), "served");
  r.wall = after_s(r.wall, 3'601);
  EXPECT_EQ(status(), "expired");
}

}  // namespace
}  // namespace doze::invoicing::testing
