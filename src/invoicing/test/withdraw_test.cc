// Joining and leaving a server, and offers that are withdrawn: told to the server, also later, and to payers.
#include "effects/record_io.h"
#include "fake_node.h"
#include "invoicing/recipient.h"

namespace doze::invoicing::testing {
namespace {

struct Servers : ::testing::Test {
  World world;
  FakeNode& r = world.r;
  FakeNode& m = world.m;

  const OwnOffer& own() { return r.room.inside->own.begin()->second; }
  static std::size_t served(const Effects& effects) { return contents_of<onion::ServeStaticInvoice>(effects).size(); }
  /// R's words for M, M's answers, and what R says then.
  Effects converse(const Effects& effects) {
    Effects out;
    for (const auto& sent : of<SendOnionMessage>(effects))
      for (const auto& answer : of<SendOnionMessage>(world.deliver(r, m, sent)))
        for (auto& more : world.deliver(m, r, answer)) out.push_back(more);
    return out;
  }
  Value value(RequestId request) {
    for (const auto& reply : r.all<Reply>())
      if (reply.request == request)
        if (const auto* found = std::get_if<Value>(&reply.result)) return *found;
    return {};
  }
  bool replied(RequestId request) {
    for (const auto& reply : r.all<Reply>())
      if (reply.request == request) return true;
    return false;
  }
  /// What M answers to a payer.
  std::string answer_to_payer(const offers::Offer& offer) {
    auto answers = of<SendOnionMessage>(world.deliver(world.s, m, World::only(world.ask(offer))));
    if (answers.empty()) return "silence";
    if (const auto* error = std::get_if<onion::InvoiceError>(&answers[0].contents))
      return offers::InvoiceError::parse(error->bytes)->error;
    return "invoice";
  }
  void connected(bool is) {
    if (is) {
      r.see(m);
      r.channels.begin()->second.usable = true;
      r.step(PeerReady{m.id});
    } else {
      r.peers.clear();
      r.channels.begin()->second.usable = false;
    }
  }
};

// ---- joining ----

TEST_F(Servers, joining_is_answered_when_the_server_has_taken_the_invitation) {
  r.said.clear();
  auto asked = r.command(command::AsyncJoin{world.invite()}, 5);
  EXPECT_FALSE(replied(5));
  EXPECT_EQ(r.count(Table::Joined), 1U);
  converse(asked);
  ASSERT_TRUE(replied(5));
  EXPECT_TRUE(flag_of(value(5), "confirmed"));
  EXPECT_TRUE(flag_of(value(5), "ready"));
  EXPECT_FALSE(deadline(r.room).has_value());
}

TEST_F(Servers, a_used_or_revoked_link_is_told_and_nothing_is_joined) {
  auto link = world.invite();
  FakeNode& other = world.s;
  auto asked = World::only(other.command(command::AsyncJoin{link}));
  world.deliver(m, other, World::only(world.deliver(other, m, asked)));
  r.said.clear();
  converse(r.command(command::AsyncJoin{link}, 5));
  EXPECT_EQ(r.error().code, CommandErrorCode::Refused);
  EXPECT_NE(r.error().message.find("belongs to another recipient"), std::string::npos) << r.error().message;
  EXPECT_EQ(r.count(Table::Joined), 0U);
  auto second = world.invite();
  m.command(command::RevokeInvitation{world.invitation});
  r.said.clear();
  converse(r.command(command::AsyncJoin{second}, 6));
  EXPECT_NE(r.error().message.find("revoked"), std::string::npos) << r.error().message;
  EXPECT_EQ(r.count(Table::Joined), 0U);
  EXPECT_FALSE(deadline(r.room).has_value());
}

TEST_F(Servers, a_bad_link_of_a_server_leaves_the_good_one_as_it_was) {
  world.join();
  auto good = r.room.inside->joined.begin()->second.token;
  auto used = world.invite();
  m.command(command::RevokeInvitation{world.invitation});
  converse(r.command(command::AsyncJoin{used}));
  EXPECT_EQ(r.room.inside->joined.begin()->second.token, good);
  r.restart();
  EXPECT_EQ(r.room.inside->joined.begin()->second.token, good);
}

TEST_F(Servers, a_server_that_is_silent_is_asked_again_and_what_is_missing_is_said_after_ten_seconds) {
  auto link = world.invite();
  r.command(command::AsyncJoin{link}, 5);  // lost
  EXPECT_EQ(contents_of<onion::OfferPathsRequest>(r.pass(kServeRepeatMs)).size(), 1U);
  r.pass(kServerWordMs - kServeRepeatMs);
  ASSERT_TRUE(replied(5));
  EXPECT_FALSE(flag_of(value(5), "confirmed"));
  EXPECT_NE(text_of(value(5), "missing").find("not confirmed"), std::string::npos);
  r.channels.begin()->second.usable = false;
  r.command(command::AsyncJoin{link}, 6);
  r.pass(kServerWordMs);
  EXPECT_NE(text_of(value(6), "missing").find("no usable channel yet"), std::string::npos);
  r.peers.clear();
  r.command(command::AsyncJoin{link}, 7);
  r.pass(kServerWordMs);
  EXPECT_NE(text_of(value(7), "missing").find("not connected to the server"), std::string::npos);
  EXPECT_EQ(r.count(Table::Joined), 1U);
  EXPECT_FALSE(deadline(r.room).has_value());
}

TEST_F(Servers, it_is_asked_as_soon_as_it_is_connected) {
  connected(false);
  EXPECT_TRUE(of<SendOnionMessage>(r.command(command::AsyncJoin{world.invite()}, 5)).empty());
  connected(true);
  converse(r.pass(1'000));
  EXPECT_TRUE(flag_of(value(5), "confirmed"));
}

TEST_F(Servers, createoffer_says_at_once_why_the_server_refuses) {
  world.join();
  m.command(command::RevokeInvitation{world.invitation});
  r.said.clear();
  converse(r.command(World::coffee(), 9));
  EXPECT_EQ(r.error().code, CommandErrorCode::Refused);
  EXPECT_NE(r.error().message.find("revoked"), std::string::npos);
}

// ---- withdrawing ----

TEST_F(Servers, a_disabled_offer_is_withdrawn_at_the_server_and_payers_are_told) {
  world.join();
  auto offer = world.offer_served();
  EXPECT_EQ(answer_to_payer(offer), "invoice");
  r.said.clear();
  auto effects = r.command(command::DisableOffer{offer.id()}, 5);
  EXPECT_FALSE(replied(5));
  ASSERT_EQ(served(effects), 1U);
  converse(effects);
  ASSERT_TRUE(replied(5));
  EXPECT_EQ(text_of(value(5), "status"), "disabled");
  EXPECT_EQ(answer_to_payer(offer), "the recipient has withdrawn this offer");
  EXPECT_EQ(served(r.pass(10'000'000)), 0U);
}

TEST_F(Servers, a_payer_of_another_server_sees_from_the_invoice_that_the_offer_is_withdrawn) {
  world.join();
  auto offer = world.offer_served();
  auto withdrawal = contents_of<onion::ServeStaticInvoice>(r.command(command::DisableOffer{offer.id()})).at(0);
  auto invoice = offers::StaticInvoice::parse(withdrawal.invoice);
  ASSERT_TRUE(invoice.has_value());
  EXPECT_TRUE(offers::is_withdrawn(*invoice));
  EXPECT_EQ(invoice->expires_at(), after_s(invoice->created_at(), kWithdrawnLifeS));
  EXPECT_FALSE(offers::check_static_invoice(*invoice, offer, r.wall).has_value()) << "any server takes it";
  auto asked = World::only(world.ask(offer));
  auto answer = world.s.step(OnionMessageReceived{m.id, world.s.path_id(*asked.reply_path, &m), std::nullopt,
                                                  onion::StaticInvoice{withdrawal.invoice}});
  ASSERT_EQ(of<InvoiceFailed>(answer).size(), 1U);
  EXPECT_NE(of<InvoiceFailed>(answer)[0].error.message.find("withdrawn"), std::string::npos);
}

TEST_F(Servers, a_server_that_is_away_is_told_when_it_is_back_also_after_a_restart_and_without_a_channel) {
  world.join();
  auto offer = world.offer_served();
  connected(false);
  r.said.clear();
  EXPECT_EQ(served(r.command(command::DisableOffer{offer.id()}, 5)), 0U);
  ASSERT_TRUE(replied(5));
  EXPECT_EQ(text_of(value(5), "status"), "withdrawing");
  EXPECT_EQ(answer_to_payer(offer), "invoice");
  r.restart();
  r.see(m);
  r.step(PeerReady{m.id});
  auto late = r.next_deadline();
  ASSERT_EQ(served(late), 1U);  // lost
  r.restart();
  r.see(m);
  r.step(PeerReady{m.id});
  converse(r.next_deadline());
  EXPECT_NE(own().withdrawn.value(), 0U);
  EXPECT_EQ(answer_to_payer(offer), "the recipient has withdrawn this offer");
  r.restart();
  r.see(m);
  r.step(PeerReady{m.id});
  EXPECT_FALSE(deadline(r.room).has_value());
}

TEST_F(Servers, an_acknowledgement_of_an_older_invoice_withdraws_nothing) {
  world.join();
  auto offer = world.offer_served();
  auto renewed = World::only([&] {
    r.wall = after_s(r.wall, 1'209'600 / kRenewAfterPart);
    return r.step(ChannelUsable{r.channels.begin()->first, m.id});
  }());
  auto acknowledged = World::only(world.deliver(r, m, renewed));
  r.command(command::DisableOffer{offer.id()}, 5);
  world.deliver(m, r, acknowledged);
  EXPECT_EQ(own().withdrawn.value(), 0U);
  EXPECT_TRUE(wants_withdrawal(own(), r.context()));
}

TEST_F(Servers, an_offer_that_was_disabled_by_4887d87_is_withdrawn_after_the_update) {
  world.join();
  auto offer = world.offer_served();
  RecordWriter old(2);
  const auto& o = own();
  old.all(o.offer.bytes(), o.nonce, o.async, true, o.created_at, o.payments, o.received, o.profile, o.server, o.slot,
          o.serve_path, o.invoice_created_at, o.acknowledged, o.channels, o.channels_since);
  r.rows[{Table::Offer, to_bytes(offer.id().view())}] = old.take();
  r.restart();
  converse(r.step(ChannelUsable{r.channels.begin()->first, m.id}));
  EXPECT_EQ(answer_to_payer(offer), "the recipient has withdrawn this offer");
}

TEST_F(Servers, a_slot_takes_another_offer_soon_after_its_own_was_withdrawn) {
  world.join();
  auto first = world.offer_served();
  converse(r.command(command::DisableOffer{first.id()}));
  auto slot_of_next = [&] {
    auto asked = r.command(World::coffee(), 9);
    auto slot = contents_of<onion::OfferPathsRequest>(asked).at(0).invoice_slot;
    r.pass(kServeWaitMs);
    return slot;
  };
  EXPECT_EQ(slot_of_next(), 1U);
  for (auto* node : {&r, &m}) node->wall = after_s(node->wall, kWithdrawnLifeS + 1);
  EXPECT_EQ(slot_of_next(), 0U);
  auto next = world.offer_served();
  EXPECT_EQ(answer_to_payer(next), "invoice");
}

TEST_F(Servers, what_has_ended_by_itself_is_not_withdrawn) {
  world.join();
  auto offer = world.offer_served();
  r.wall = after_s(r.wall, 1'209'601);
  r.said.clear();
  EXPECT_EQ(served(r.command(command::DisableOffer{offer.id()}, 5)), 0U);
  EXPECT_EQ(text_of(value(5), "status"), "disabled");
}

// ---- leaving ----

TEST_F(Servers, leaving_withdraws_all_offers_and_forgets_the_server) {
  world.join();
  auto first = world.offer_served(), second = world.offer_served();
  r.said.clear();
  converse(r.command(command::AsyncLeave{m.id}, 5));
  ASSERT_TRUE(replied(5));
  EXPECT_EQ(text_of(value(5), "status"), "left");
  EXPECT_EQ(number_of(value(5), "offers_disabled"), 2U);
  for (const auto& offer : {first, second}) {
    EXPECT_EQ(answer_to_payer(offer), "the recipient has withdrawn this offer");
    EXPECT_TRUE(offers(r.room).at(offer.id()).disabled);
  }
  EXPECT_EQ(r.count(Table::Joined), 0U);
  r.said.clear();
  r.command(World::coffee());
  EXPECT_EQ(r.error().code, CommandErrorCode::NotReady);
  r.restart();
  EXPECT_TRUE(r.all<WantPeer>().empty());
}

TEST_F(Servers, leaving_a_server_that_is_away_goes_on_when_it_is_back) {
  world.join();
  auto offer = world.offer_served();
  connected(false);
  r.said.clear();
  r.command(command::AsyncLeave{m.id}, 5);
  EXPECT_EQ(text_of(value(5), "status"), "leaving");
  EXPECT_EQ(r.count(Table::Joined), 1U);
  r.restart();
  connected(true);
  converse(r.next_deadline());
  EXPECT_EQ(answer_to_payer(offer), "the recipient has withdrawn this offer");
  EXPECT_EQ(r.count(Table::Joined), 0U);
}

TEST_F(Servers, leaving_a_server_that_we_did_not_join_is_an_error) {
  r.command(command::AsyncLeave{m.id}, 5);
  EXPECT_EQ(r.error().code, CommandErrorCode::NotFound);
}

TEST_F(Servers, who_left_may_join_again) {
  world.join();
  r.command(command::AsyncLeave{m.id}, 5);
  world.join();
  world.offer_served();
  EXPECT_FALSE(r.room.inside->joined.begin()->second.left);
}

}  // namespace
}  // namespace doze::invoicing::testing
