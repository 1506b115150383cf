// M keeps static invoices for its recipients and answers for them.
#include "fake_node.h"
#include "invoicing/answers.h"
#include "invoicing/issuer.h"

namespace doze::invoicing::testing {
namespace {

struct Server : ::testing::Test {
  World world;
  FakeNode& m = world.m;

  /// R's invoice as the server hears it, with other bytes.
  OnionMessageReceived serving(const SendOnionMessage& sent, std::optional<Bytes> invoice = std::nullopt) {
    auto word = world.arriving(world.r, m, sent);
    if (invoice) std::get<onion::ServeStaticInvoice>(word.contents).invoice = *std::move(invoice);
    return word;
  }
  /// The same invoice for the same offer, made anew by R's key with these changes.
  Bytes remade(const SendOnionMessage& sent, const std::function<void(offers::StaticInvoiceTerms&)>& change) {
    auto old = *offers::StaticInvoice::parse(std::get<onion::ServeStaticInvoice>(sent.contents).invoice);
    offers::StaticInvoiceTerms terms;
    terms.profile = old.profile();
    terms.payment_paths = old.payment_paths();
    terms.message_paths = old.message_paths();
    terms.created_at = old.created_at();
    terms.node_key = issuer_key(*world.r.signer, world.r.room.inside->own.at(old.offer_id()).nonce);
    change(terms);
    return offers::StaticInvoice::make(old.offer(), terms)->bytes();
  }
  void expect_refused(const Effects& effects, std::string_view reason) {
    EXPECT_EQ(of<SendOnionMessage>(effects).size(), contents_of<onion::InvoiceError>(effects).size());
    EXPECT_TRUE(of<Put>(effects).empty());
    std::string said;
    for (const auto& word : of<Notify>(effects)) said += text_of(Value(word.facts), "reason");
    EXPECT_NE(said.find(reason), std::string::npos) << said;
  }
  /// What S hears when it asks for this offer.
  Effects answer(const offers::Offer& offer, std::uint8_t number = 1) {
    return world.deliver(world.s, m, World::only(world.ask(offer, number)));
  }
  static std::string error_text(const Effects& effects) {
    auto errors = contents_of<onion::InvoiceError>(effects);
    EXPECT_EQ(errors.size(), 1U);
    EXPECT_TRUE(contents_of<onion::StaticInvoice>(effects).empty());
    return errors.empty() ? "" : offers::InvoiceError::parse(errors[0].bytes)->error;
  }
};

TEST_F(Server, the_acknowledgement_comes_with_the_row_in_one_step) {
  world.join();
  auto effects = m.step(serving(world.served_by_r()));
  ASSERT_EQ(of<Put>(effects).size(), 1U);
  EXPECT_EQ(of<Put>(effects)[0].table, Table::StaticInvoice);
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(effects).size(), 1U);
  EXPECT_EQ(of<SendOnionMessage>(effects).size(), 1U);
}

/// One column of all pages of a list, as long as `limit` makes them.
std::vector<std::string> column(FakeNode& node, const char* list, const char* field, std::size_t limit,
                                const std::function<command::Command(command::Page)>& ask) {
  std::vector<std::string> out;
  command::Page page{static_cast<std::uint32_t>(limit), std::nullopt};
  do {
    auto reply = std::get<Value>(of<Reply>(node.command(ask(page))).at(0).result);
    const auto& rows = std::get<List>(reply.find(list)->inner());
    EXPECT_LE(rows.size(), limit);
    for (const auto& row : rows) out.push_back(text_of(row, field));
    page.before = text_of(reply, "next_before");
  } while (!page.before->empty() && out.size() < 1'000);
  return out;
}

TEST_F(Server, invitations_come_in_pages_the_newest_first_also_after_a_restart) {
  std::vector<std::string> made;
  for (int i = 0; i < 25; ++i) {
    world.invite();
    made.insert(made.begin(), world.invitation);
    m.wall = after_s(m.wall, 1);
  }
  auto ask = [](command::Page page) { return command::ListInvitations{std::move(page)}; };
  for (std::size_t limit : {1UL, 7UL, 25UL, 100UL})
    EXPECT_EQ(column(m, "invitations", "id", limit, ask), made) << limit;
  m.restart();
  EXPECT_EQ(column(m, "invitations", "id", 10, ask), made);
}

TEST_F(Server, offers_and_static_invoices_come_in_pages_at_both_ends) {
  std::vector<std::string> made;
  world.join();
  for (int i = 0; i < 5; ++i) {
    auto command = World::coffee();
    command.description = "cup " + std::to_string(i);
    made.insert(made.begin(), world.offer_served(command).id().hex());
    m.wall = world.r.wall = after_s(m.wall, 1);
  }
  auto offers = [](command::Page page) { return command::ListOffers{std::move(page)}; };
  auto invoices = [](command::Page page) { return command::ListStaticInvoices{std::move(page)}; };
  for (std::size_t limit : {1UL, 2UL, 5UL}) {
    EXPECT_EQ(column(world.r, "offers", "offer_id", limit, offers), made) << limit;
    EXPECT_EQ(column(world.r, "static_invoices", "offer_id", limit, invoices), made) << limit;
    EXPECT_EQ(column(m, "static_invoices", "offer_id", limit, invoices), made) << limit;
  }
  m.restart();
  world.r.restart();
  EXPECT_EQ(column(world.r, "offers", "offer_id", 2, offers), made);
  EXPECT_EQ(column(m, "static_invoices", "offer_id", 2, invoices), made);
  // A revoked invitation's slots leave the list.
  m.command(command::RevokeInvitation{world.invitation});
  EXPECT_TRUE(column(m, "static_invoices", "offer_id", 2, invoices).empty());
  EXPECT_TRUE(m.room.inside->served_by_time.empty());
  EXPECT_EQ(m.room.inside->served_bytes, 0U);
}

TEST_F(Server, a_page_of_another_list_is_a_bad_request) {
  world.join();
  for (const char* before : {"1-00", "x"}) {
    auto reply = of<Reply>(m.command(command::ListInvitations{{10, before}})).at(0);
    EXPECT_EQ(std::get<CommandError>(reply.result).code, CommandErrorCode::BadRequest);
  }
}

TEST_F(Server, both_profiles_are_read_and_answered_in_the_one_asked_in) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    World fresh;
    fresh.join(profile);
    auto asked = fresh.r.command(World::coffee(), 9);
    EXPECT_EQ(contents_of<onion::OfferPathsRequest>(asked).at(0).profile, profile);
    auto paths = fresh.deliver(fresh.r, fresh.m, World::only(asked));
    EXPECT_EQ(contents_of<onion::OfferPaths>(paths).at(0).profile, profile);
    auto served = fresh.deliver(fresh.m, fresh.r, World::only(paths));
    EXPECT_EQ(contents_of<onion::ServeStaticInvoice>(served).at(0).profile, profile);
    auto persisted = fresh.deliver(fresh.r, fresh.m, World::only(served));
    EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(persisted).at(0).profile, profile);
    fresh.deliver(fresh.m, fresh.r, World::only(persisted));
    auto answer = fresh.deliver(fresh.s, fresh.m, World::only(fresh.ask(fresh.newest_offer())));
    auto invoices = contents_of<onion::StaticInvoice>(answer);
    ASSERT_EQ(invoices.size(), 1U);
    EXPECT_EQ(offers::StaticInvoice::parse(invoices[0].bytes)->profile(), profile);
  }
}

TEST_F(Server, the_same_invoice_again_is_acknowledged_again_and_written_once) {
  world.join();
  auto word = serving(world.served_by_r());
  m.step(word);
  auto again = m.step(word);
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(again).size(), 1U);
  EXPECT_TRUE(of<Put>(again).empty());
}

TEST_F(Server, only_a_newer_invoice_replaces_one) {
  world.join();
  auto sent = world.served_by_r();
  m.step(serving(sent));
  auto with_age = [&](std::int64_t seconds) {
    return serving(sent, remade(sent, [&](auto& terms) {
                     terms.created_at = UnixTime(terms.created_at.value() + static_cast<std::uint64_t>(seconds));
                     terms.relative_expiry_s += 1;
                   }));
  };
  expect_refused(m.step(with_age(-1)), "not newer");
  expect_refused(m.step(with_age(0)), "not newer");
  auto newer = m.step(with_age(1));
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(newer).size(), 1U);
  EXPECT_EQ(of<Put>(newer).size(), 1U);
  EXPECT_EQ(m.count(Table::StaticInvoice), 1U);
}

TEST_F(Server, a_slot_belongs_to_the_key_of_its_offer_while_that_lives) {
  world.join();
  auto first = world.served_by_r();
  m.step(serving(first));
  auto second = world.served_by_r();  // another offer of R's, for slot 1
  auto word = serving(first, std::get<onion::ServeStaticInvoice>(second.contents).invoice);
  expect_refused(m.step(word), "belongs to another offer");
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(m.step(serving(second))).size(), 1U);
  m.restart();
  expect_refused(m.step(word), "belongs to another offer");
}

TEST_F(Server, an_invoice_larger_than_the_limit_is_refused) {
  world.join();
  auto sent = world.served_by_r();
  auto size_with = [&](std::size_t bytes) {
    return remade(sent,
                  [&](auto& terms) { terms.message_paths[0].path.back().encrypted_recipient_data.resize(bytes); });
  };
  auto base = size_with(1'000).size() - 1'000;
  auto largest = size_with(kMaxStaticInvoiceBytes - base);
  ASSERT_EQ(largest.size(), kMaxStaticInvoiceBytes);
  auto larger = size_with(kMaxStaticInvoiceBytes - base + 1);
  ASSERT_EQ(larger.size(), kMaxStaticInvoiceBytes + 1);
  expect_refused(m.step(serving(sent, larger)), "5121 bytes, 5120 allowed");
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(m.step(serving(sent, largest))).size(), 1U);
}

TEST_F(Server, so_many_bytes_are_served_and_no_more) {
  world.join();
  auto first = world.served_by_r(), second = world.served_by_r();  // slots 0 and 1
  m.step(serving(first));
  auto& state = *m.room.inside;
  auto size = state.served.begin()->second.bytes();
  EXPECT_EQ(state.served_bytes, size);
  EXPECT_GT(size, state.served.begin()->second.invoice.size());
  state.served_bytes = kMaxServedBytes - size + 1;  // as if others had left many
  expect_refused(m.step(serving(second)), "the limit is 1073741824");
  state.served_bytes = kMaxServedBytes - size;
  EXPECT_EQ(contents_of<onion::StaticInvoicePersisted>(m.step(serving(second))).size(), 1U);
  EXPECT_EQ(state.served_bytes, kMaxServedBytes);
  m.restart();
  EXPECT_EQ(m.room.inside->served_bytes, 2 * size);
  m.command(command::RevokeInvitation{to_hex(m.room.inside->invitations.begin()->first)});
  EXPECT_EQ(m.room.inside->served_bytes, 0U);
  EXPECT_TRUE(m.room.inside->served.empty());
}

TEST_F(Server, so_many_invitations_are_made_and_no_more) {
  auto& invitations = m.room.inside->invitations;
  Invited other;
  while (invitations.size() + 1 < kMaxInvitations) {
    m.rng.fill(other.id);
    invitations.emplace(other.id, other);
  }
  auto refused = [&] {
    auto reply = of<Reply>(m.command(command::AsyncInvite{})).at(0);
    return std::holds_alternative<CommandError>(reply.result);
  };
  EXPECT_FALSE(refused());
  EXPECT_TRUE(refused());
}

TEST_F(Server, garbage_or_expired_invoices_are_refused) {
  world.join();
  auto sent = world.served_by_r();
  expect_refused(m.step(serving(sent, Bytes(50, 7))), "does not parse");
  auto invoice = std::get<onion::ServeStaticInvoice>(sent.contents).invoice;
  auto forged = invoice;
  forged[forged.size() - 1] ^= 1;
  expect_refused(m.step(serving(sent, forged)), "does not parse");
  m.wall = after_s(m.wall, 1'209'601);
  expect_refused(m.step(serving(sent)), "expired");
}

TEST_F(Server, a_recipient_has_so_many_slots) {
  world.join();
  auto asked = world.arriving(world.r, m, World::only(world.r.command(World::coffee())));
  auto& message = std::get<onion::OfferPathsRequest>(asked.contents);
  message.invoice_slot = kSlotsPerRecipient - 1;
  EXPECT_EQ(contents_of<onion::OfferPaths>(m.step(asked)).size(), 1U);
  message.invoice_slot = kSlotsPerRecipient;
  expect_refused(m.step(asked), "no such slot");
}

TEST_F(Server, an_invitation_belongs_to_the_first_node_that_uses_it) {
  auto asked = world.arriving(world.r, m, World::only(world.r.command(command::AsyncJoin{world.invite()})));
  auto first = m.step(asked);
  EXPECT_EQ(of<Put>(first).size(), 1U);  // bound, durably, before the answer leaves
  EXPECT_TRUE(invited(m.room).contains(world.r.id));
  m.restart();
  EXPECT_TRUE(invited(m.room).contains(world.r.id));
  auto thief = asked;
  thief.from = world.s.id;
  expect_refused(m.step(thief), "another recipient");
  EXPECT_EQ(contents_of<onion::OfferPaths>(m.step(asked)).size(), 1U);
}

TEST_F(Server, an_expired_invitation_binds_nobody_but_stays_good_for_who_used_it) {
  command::AsyncInvite command;
  command.expiry_s = 100;
  auto link = text_of(std::get<Value>(of<Reply>(m.command(command)).at(0).result), "link");
  auto asked = world.arriving(world.r, m, World::only(world.r.command(command::AsyncJoin{link})));
  m.wall = after_s(m.wall, 101);
  expect_refused(m.step(asked), "expired");
  m.wall = UnixTime(1'700'000'000 + 100);
  EXPECT_EQ(contents_of<onion::OfferPaths>(m.step(asked)).size(), 1U);
  m.wall = after_s(m.wall, 1'000);
  EXPECT_EQ(contents_of<onion::OfferPaths>(m.step(asked)).size(), 1U);
}

TEST_F(Server, paths_with_forged_contexts_do_nothing) {
  world.join();
  auto asked = world.arriving(world.r, m, World::only(world.r.command(World::coffee())));
  for (std::size_t at = 0; at < asked.path_id->size(); ++at) {
    auto forged = asked;
    forged.path_id->at(at) ^= 1;
    EXPECT_TRUE(m.step(forged).empty()) << at;
  }
  asked.path_id.reset();
  EXPECT_TRUE(m.step(asked).empty());
}

// ---- answers ----

// [AP-offer-04]
TEST_F(Server, a_request_is_answered_with_the_invoice_each_time_and_after_a_restart) {
  world.join();
  auto offer = world.offer_served();
  auto request = World::only(world.ask(offer));
  auto first = world.deliver(world.s, m, request);
  auto second = world.deliver(world.s, m, request);
  ASSERT_EQ(contents_of<onion::StaticInvoice>(first).size(), 1U);
  ASSERT_EQ(contents_of<onion::StaticInvoice>(second).size(), 1U);
  EXPECT_EQ(contents_of<onion::StaticInvoice>(first)[0].bytes, contents_of<onion::StaticInvoice>(second)[0].bytes);
  EXPECT_TRUE(contents_of<onion::InvoiceError>(second).empty());
  m.restart();
  EXPECT_EQ(contents_of<onion::StaticInvoice>(world.deliver(world.s, m, request)).size(), 1U);
}

// [AP-offer-03]
TEST_F(Server, a_request_is_passed_on_to_a_recipient_that_is_there_and_to_no_other) {
  world.join();
  auto offer = world.offer_served();
  auto request = World::only(world.ask(offer));
  auto effects = world.deliver(world.s, m, request);
  EXPECT_EQ(of<SendOnionMessage>(effects).size(), 2U);
  EXPECT_TRUE(std::holds_alternative<onion::StaticInvoice>(of<SendOnionMessage>(effects)[0].contents));
  auto forwarded = World::with<onion::InvoiceRequest>(effects);
  EXPECT_EQ(std::get<onion::InvoiceRequest>(forwarded.contents).bytes,
            std::get<onion::InvoiceRequest>(request.contents).bytes);
  EXPECT_EQ(forwarded.reply_path, request.reply_path);
  EXPECT_EQ(std::get<wire::BlindedPath>(forwarded.destination), m.room.inside->served.begin()->second.forward_path);
  m.channels.begin()->second.usable = false;
  EXPECT_EQ(of<SendOnionMessage>(world.deliver(world.s, m, request)).size(), 1U);
  m.channels.begin()->second.usable = true;
  m.peers.erase(world.r.id);
  EXPECT_EQ(of<SendOnionMessage>(world.deliver(world.s, m, request)).size(), 1U);
}

TEST_F(Server, a_request_that_comes_back_is_not_passed_on_again) {
  world.join();
  auto offer = world.offer_served();
  auto asked = World::only(world.ask(offer));
  auto passed_on = [&](const OnionMessageReceived& word) {
    return contents_of<onion::InvoiceRequest>(m.step(word)).size();
  };
  auto word = world.arriving(world.s, m, asked);
  auto from_us = word;
  from_us.from = m.id;  // over a path that leads from us to us
  EXPECT_EQ(passed_on(from_us), 0U);
  EXPECT_EQ(passed_on(word), 1U);
  EXPECT_EQ(passed_on(word), 0U);  // over another server's path, which leads to ours
  EXPECT_EQ(passed_on(world.arriving(world.s, m, World::only(world.ask(offer, 2)))), 1U) << "another one";
  m.pass(kPassOnAgainMs);
  EXPECT_EQ(passed_on(word), 1U) << "the payer's repetition";
}

TEST_F(Server, the_recipient_answers_a_forwarded_request_with_an_invoice_and_the_payer_takes_what_comes_first) {
  for (bool static_first : {true, false}) {
    World fresh;
    fresh.join();
    auto offer = fresh.offer_served();
    auto effects = fresh.deliver(fresh.s, fresh.m, World::only(fresh.ask(offer)));
    auto by_r = fresh.deliver(fresh.m, fresh.r, World::with<onion::InvoiceRequest>(effects));
    auto late = fresh.arriving(fresh.m, fresh.s, World::with<onion::StaticInvoice>(effects));
    auto ordinary = fresh.arriving(fresh.r, fresh.s, World::with<onion::Invoice>(by_r));
    if (static_first) {
      EXPECT_EQ(of<StaticInvoiceObtained>(fresh.s.step(late)).size(), 1U);
    }
    EXPECT_EQ(of<InvoiceObtained>(fresh.s.step(ordinary)).size(), static_first ? 0U : 1U);
    if (!static_first) {
      EXPECT_TRUE(fresh.s.step(late).empty());
    }
  }
}

TEST_F(Server, a_forwarded_request_is_never_answered_with_an_error) {
  world.join();
  auto offer = world.offer_served();
  auto forwarded = World::with<onion::InvoiceRequest>(answer(offer));
  auto garbage = forwarded;
  std::get<onion::InvoiceRequest>(garbage.contents).bytes = Bytes(9, 9);
  EXPECT_TRUE(world.deliver(m, world.r, garbage).empty());
  world.r.channels.begin()->second.usable = false;
  EXPECT_TRUE(world.deliver(m, world.r, forwarded).empty());
  world.r.command(command::DisableOffer{offer.id()});
  world.r.channels.begin()->second.usable = true;
  EXPECT_TRUE(world.deliver(m, world.r, forwarded).empty());
}

TEST_F(Server, strangers_are_answered_no_more_than_twice_what_they_ask) {
  Context context = m.context();
  Effects out;
  Work work{{*m.room.inside, context, out}};
  NodeId stranger{}, other{}, neighbour{};
  stranger.bytes[0] = 1, other.bytes[0] = 2, neighbour.bytes[0] = 3;
  m.invited.insert(neighbour);
  for (const auto& node : {stranger, other}) m.peers.insert_or_assign(node, PeerView{node, {}, "x", true, m.wall});
  std::uint64_t asked = 0, answered = 0;
  for (int i = 0; i < 96; ++i) {
    asked += kSmallAnswerBytes;
    if (may_answer(work, stranger, 500, 3'000)) answered += kLargeAnswerBytes;
  }
  EXPECT_GE(answered, kLargeAnswerBytes);  // the first one at once
  EXPECT_LE(answered, kStrangersFirstAnswerBytes + kAnswerBytesPerRequestByte * asked);
  // Small answers are never held up by that.
  for (int i = 0; i < 96; ++i) EXPECT_TRUE(may_answer(work, other, 500, 900));
  // All strangers together.
  std::uint64_t in_all = 0;
  for (int i = 0; i < 2'000; ++i) {
    NodeId fresh{};
    fresh.bytes[0] = 4, fresh.bytes[1] = static_cast<std::uint8_t>(i),
    fresh.bytes[2] = static_cast<std::uint8_t>(i / 256);
    m.peers.insert_or_assign(fresh, PeerView{fresh, {}, "x", true, m.wall});
    in_all += may_answer(work, fresh, 500, 3'000) ? kLargeAnswerBytes : 0;
  }
  EXPECT_LE(in_all, kAnswersBurstBytes);
  EXPECT_TRUE(may_answer(work, neighbour, 500, 3'000));
  forget_answers(work, stranger);
  EXPECT_FALSE(m.room.inside->answers.left.contains(stranger));
  // What it sent before it left is heard afterwards: nobody would take a budget back.
  m.peers.erase(stranger);
  EXPECT_FALSE(may_answer(work, stranger, 500, 900));
  EXPECT_FALSE(m.room.inside->answers.left.contains(stranger));
}

// A limiter that is counted for the recipient lets anybody use up what payers of that recipient need.
TEST_F(Server, a_hundred_requests_per_second_of_strangers_keep_no_payer_from_an_answer) {
  world.join();
  auto offer = world.offer_served();
  auto word = world.arriving(world.s, m, World::only(world.ask(offer)));
  auto stranger = [&](int number) {
    auto out = word;
    out.from =
        crypto::public_key(PrivateKey(crypto::sha256(Writer().u32(static_cast<std::uint32_t>(number)).view()).bytes));
    return out;
  };
  // Each comes, asks and goes.
  auto asks = [&](int number) {
    auto asked = stranger(number);
    m.Surroundings::see(asked.from, {});
    auto answer = m.step(asked);
    m.peers.erase(asked.from);
    m.step(PeerGone{asked.from});
    return contents_of<onion::StaticInvoice>(answer).size();
  };
  std::size_t answered = 0;
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 100; ++i) {
      m.pass(10);
      asks(second * 100 + i);
      if (i == 50) answered += asks(1'000'000 + second);
    }
  }
  EXPECT_GE(answered, 57U) << "of 60";
  // Even where each answer is a large onion message and strangers get few of them: who has a channel with us, as the
  // LSP of most payers has, is always answered.
  auto& state = *m.room.inside;
  state.answers.full_at = after_ms(m.mono, 60'000);
  m.add_channel(world.s.id, 9);
  EXPECT_EQ(contents_of<onion::StaticInvoice>(m.step(word)).size(), 1U);
}

// What the server says must not depend on whether the recipient is awake.
TEST_F(Server, an_answer_is_the_same_whether_the_recipient_is_there_or_not) {
  world.join();
  auto offer = world.offer_served();
  auto to_payer = [&](std::uint8_t number) {
    auto sent = of<SendOnionMessage>(answer(offer, number));
    std::erase_if(sent, [&](const auto& word) {
      return std::get<wire::BlindedPath>(word.destination) == m.room.inside->served.begin()->second.forward_path;
    });
    return sent;
  };
  auto there = to_payer(1);
  m.peers.erase(world.r.id);
  m.channels.begin()->second.usable = false;
  auto away = to_payer(2);
  ASSERT_EQ(there.size(), 1U);
  ASSERT_EQ(away.size(), 1U);
  EXPECT_EQ(std::get<onion::StaticInvoice>(there[0].contents).bytes,
            std::get<onion::StaticInvoice>(away[0].contents).bytes);
}

// Its hash would be known to the hops of the first payment.
TEST_F(Server, an_ordinary_invoice_is_not_served) {
  world.join();
  auto sent = world.served_by_r();
  m.step(serving(sent));
  auto passed_on = World::with<onion::InvoiceRequest>(answer(world.newest_offer()));
  auto ordinary = contents_of<onion::Invoice>(world.deliver(m, world.r, passed_on)).at(0).bytes;
  ASSERT_TRUE(offers::Invoice::parse(ordinary).has_value());
  expect_refused(m.step(serving(sent, ordinary)), "does not parse");
}

TEST_F(Server, an_empty_slot_is_an_error_at_once) {
  world.join();
  world.served_by_r();  // lost on its way
  EXPECT_EQ(error_text(answer(world.newest_offer())), "the recipient has not stored an invoice");
}

TEST_F(Server, an_expired_invoice_is_an_error_in_its_profile_and_a_living_one_is_not) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    World fresh;
    fresh.join(profile);
    auto offer = fresh.offer_served();
    fresh.m.wall = after_s(fresh.m.wall, 1'209'600);
    auto request = World::only(fresh.ask(offer));
    EXPECT_EQ(contents_of<onion::StaticInvoice>(fresh.deliver(fresh.s, fresh.m, request)).size(), 1U);
    fresh.m.wall = after_s(fresh.m.wall, 1);
    auto effects = fresh.deliver(fresh.s, fresh.m, request);
    EXPECT_NE(error_text(effects).find("expired"), std::string::npos);
    EXPECT_EQ(contents_of<onion::InvoiceError>(effects)[0].profile, profile);
  }
}

TEST_F(Server, an_expired_offer_is_an_error) {
  world.join();
  auto command = World::coffee();
  command.expiry_s = 1'000;
  auto offer = world.offer_served(command);
  m.wall = after_s(m.wall, 1'001);
  EXPECT_NE(error_text(answer(offer)).find("expired"), std::string::npos);
}

TEST_F(Server, a_request_that_does_not_fit_the_offer_is_an_error) {
  world.join();
  auto offer = world.offer_served();
  PayerRequest cheap{World::payment(2), offer, Msat(49'999'999), std::nullopt, std::nullopt};
  auto effects = world.deliver(world.s, m, World::only(world.s.step(RequestInvoice{cheap})));
  EXPECT_FALSE(error_text(effects).empty());
  auto garbage = world.arriving(world.s, m, World::only(world.ask(offer)));
  std::get<onion::InvoiceRequest>(garbage.contents).bytes = Bytes(9, 9);
  EXPECT_NE(error_text(m.step(garbage)).find("does not parse"), std::string::npos);
}

TEST_F(Server, a_revoked_invitation_ends_its_slots_at_once_and_for_ever) {
  world.join();
  auto offer = world.offer_served();
  auto late = serving(world.served_by_r());
  m.command(command::RevokeInvitation{world.invitation});
  EXPECT_EQ(m.count(Table::StaticInvoice), 0U);
  EXPECT_FALSE(invited(m.room).contains(world.r.id));
  EXPECT_EQ(error_text(answer(offer)), "this offer is no longer served");
  EXPECT_TRUE(m.step(late).empty());
  m.restart();
  EXPECT_EQ(error_text(answer(offer, 2)), "this offer is no longer served");
  EXPECT_FALSE(invited(m.room).contains(world.r.id));
  EXPECT_TRUE(m.step(late).empty());
}

TEST_F(Server, only_a_server_invites) {
  world.r.command(command::AsyncInvite{});
  EXPECT_EQ(world.r.error().code, CommandErrorCode::Refused);
}

}  // namespace
}  // namespace doze::invoicing::testing
