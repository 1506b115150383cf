// shutdown and closing_signed: when, with which outputs, at which fee, and what a lost connection changes.
#include "channel/state.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

void close(FakeNode& node, const ChannelId& id, bool force = false) {
  node.step(CommandReceived{
      9, command::CloseChannel{id, force, address(bitcoin::p2wpkh_script(node.signer->wallet_key(true, 1))), force}});
}
std::vector<Input> settle(const HtlcReceived& word) {
  return {FulfillHtlc{word.channel_id, word.htlc.id, preimage(word.htlc.onion_routing_packet[0])}};
}
std::optional<Txid> last_broadcast(const FakeNode& node) {
  auto all = node.all<Broadcast>();
  return all.empty() ? std::nullopt : std::optional(bitcoin::txid(all.back().transaction));
}
/// Both published the same transaction, and a miner takes it.
void expect_agreed(const Pair& pair) {
  auto published = pair.a.all<Broadcast>();
  ASSERT_FALSE(published.empty());
  EXPECT_EQ(last_broadcast(pair.a), last_broadcast(pair.b));
  EXPECT_TRUE(pair.spends_funding(published.back().transaction));
  for (const auto* node : {&pair.a, &pair.b}) {
    EXPECT_EQ(node->only_channel().phase, ChannelPhase::Closing);
    EXPECT_TRUE(node->sent<wire::Error>().empty());
  }
}
/// BOLT 2: no shutdown while an update of the sender waits for its commitment_signed.
void expect_clean_shutdowns(const FakeNode& node) {
  bool unsigned_update = false;
  for (const auto& word : node.all<SendMessage>())
    std::visit(Overloaded{[&](const wire::UpdateAddHtlc&) { unsigned_update = true; },
                          [&](const wire::UpdateFulfillHtlc&) { unsigned_update = true; },
                          [&](const wire::CommitmentSigned&) { unsigned_update = false; },
                          [&](const wire::ChannelReestablish&) { unsigned_update = false; },
                          [&](const wire::Shutdown&) { EXPECT_FALSE(unsigned_update); }, [](const auto&) {}},
               word.message);
}

// ---- shutdown ----

// [B2-shut-03, B2-shut-04, B2-shut-05]
TEST(Shutdown, leaves_once_and_no_update_after_it) {
  Pair pair;
  pair.open();
  close(pair.a, pair.id());
  pair.a.step(FeeEstimate{FeeratePerKw(pair.a.only_channel().feerate.value() * 3)});
  pair.a.step(pair.a.add(pair.id(), Msat(10'000'000), 1));
  close(pair.a, pair.id());
  pair.run();
  EXPECT_EQ(pair.a.sent<wire::Shutdown>().size(), 1U);
  EXPECT_TRUE(pair.a.sent<wire::UpdateFee>().empty());
  EXPECT_TRUE(pair.a.sent<wire::UpdateAddHtlc>().empty());
  EXPECT_EQ(pair.a.all<HtlcRefused>().size(), 1U);
  EXPECT_TRUE(pair.a.sent<wire::CommitmentSigned>().empty());
}

// [B2-shut-01]
TEST(Shutdown, does_not_leave_before_the_channel_is_there) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.deliver(pair.a);
  close(pair.a, pair.a.rng.id<ChannelId>());
  pair.run();
  close(pair.a, pair.a.only_channel().channel_id);  // its funding is not in a block yet
  EXPECT_TRUE(pair.a.sent<wire::Shutdown>().empty());
  EXPECT_EQ(std::get<CommandError>(pair.a.all<Reply>().back().result).code, CommandErrorCode::NotReady);
}

TEST(Shutdown, while_an_htlc_is_held_the_operator_is_answered_at_once_and_the_channel_says_what_it_waits_for) {
  Pair pair;
  pair.open();
  auto add = pair.a.add(pair.id(), Msat(10'000'000), 1);
  pair.a.step(add);
  pair.run();
  close(pair.a, pair.id());
  auto replies = pair.a.all<Reply>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(number_of(std::get<Value>(replies[0].result), "last_expiry_height"), add.cltv_expiry.value());
  EXPECT_NE(pair.a.only_channel().status.find("waits for 1 HTLC"), std::string::npos);
  pair.run();
  pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
  pair.run();
  expect_agreed(pair);
  EXPECT_EQ(pair.a.all<Reply>().size(), 1U);
}

struct ClosingUnderWay {
  Pair pair;
  ClosingUnderWay() {
    pair.open();
    pair.a.on_received = pair.b.on_received = settle;
    pair.a.step(pair.a.add(pair.id(), Msat(10'000'000), 1));
    pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 2));
    pair.a.step(pair.a.add(pair.id(), Msat(20'000'000), 3));  // waits for the revocation
    close(pair.a, pair.id());
  }
  void expect_end() {
    pair.run();
    expect_agreed(pair);
    expect_clean_shutdowns(pair.a);
    expect_clean_shutdowns(pair.b);
    EXPECT_EQ(pair.a.all<HtlcFulfilled>().size(), 2U);
    EXPECT_EQ(pair.b.all<HtlcFulfilled>().size(), 1U);
  }
};

// [B2-shut-02, B2-shut-10]
TEST(Shutdown, waits_until_the_updates_before_it_are_signed) {
  ClosingUnderWay closing;
  EXPECT_TRUE(closing.pair.a.sent<wire::Shutdown>().empty());
  closing.expect_end();
  EXPECT_EQ(closing.pair.a.sent<wire::Shutdown>().size(), 1U);
  EXPECT_EQ(closing.pair.b.sent<wire::Shutdown>().size(), 1U);
}

// [B2-re-22]
TEST(Shutdown, comes_again_after_the_updates_when_the_connection_was_cut_anywhere) {
  for (int cut_after = 0; cut_after < 30; ++cut_after)
    for (int restart = 0; restart < 4; ++restart) {
      SCOPED_TRACE("cut after " + std::to_string(cut_after) + ", restart " + std::to_string(restart));
      ClosingUnderWay closing;
      auto& pair = closing.pair;
      for (int i = 0; i < cut_after; ++i)
        if (!pair.deliver(i % 2 == 0 ? pair.a : pair.b)) pair.deliver(i % 2 == 0 ? pair.b : pair.a);
      pair.cut();
      if (restart & 1) pair.a.restart();
      if (restart & 2) pair.b.restart();
      pair.connect();
      closing.expect_end();
      if (HasFailure()) return;
    }
}

TEST(Shutdown, refuses_htlcs_after_it_only_in_the_connection_that_brought_it) {
  Pair pair;
  pair.open();
  auto add = pair.a.add(pair.id(), Msat(10'000'000), 1);
  pair.a.step(add);  // B holds it: the channel stays
  pair.run();
  auto rows = pair.a.rows;
  close(pair.a, pair.id());
  pair.deliver(pair.a);
  ASSERT_TRUE(pair.a.outbox.empty());
  pair.cut();
  pair.a.rows = rows;  // A stopped before it knew: its shutdown was never durable
  pair.a.restart();
  pair.connect();
  pair.deliver(pair.a);
  pair.b.outbox.resize(1);  // channel_reestablish; B's shutdown is still under way
  pair.deliver(pair.b);
  pair.a.step(pair.a.add(pair.id(), Msat(11'000'000), 2));
  pair.deliver(pair.a);
  EXPECT_TRUE(pair.b.sent<wire::Error>().empty());
}

TEST(Shutdown, of_a_peer_before_channel_ready_closes_the_channel_by_agreement) {
  for (bool mined : {false, true}) {
    Pair pair;
    pair.connect();
    pair.start_opening();
    pair.run();
    pair.funding = pair.a.all<Broadcast>().at(0).transaction;
    if (mined) pair.mine({pair.funding});
    for (auto* node : {&pair.a, &pair.b}) node->said.clear();
    pair.b.outbox.emplace_back(wire::Shutdown{pair.id(), bitcoin::p2wpkh_script(pair.b.id), {}});
    pair.deliver(pair.b);
    EXPECT_TRUE(pair.a.sent<wire::Error>().empty());
    EXPECT_EQ(pair.a.sent<wire::Shutdown>().size(), 1U);
    EXPECT_EQ(pair.a.sent<wire::ClosingSigned>().size(), 1U);
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closing);
  }
}

// ---- closing_signed ----

/// A, the opener, pays B almost everything that it can.
void drain(Pair& pair) {
  pair.open(Sat(100'000), Msat(0));
  pair.b.on_received = settle;
  pair.a.step(pair.a.add(pair.id(), pair.a.only_channel().spendable, 1));
  pair.run();
  ASSERT_EQ(pair.a.all<HtlcFulfilled>().size(), 1U);
}

TEST(ClosingFee, is_never_more_than_the_opener_has) {
  Pair pair;
  drain(pair);
  pair.a.step(FeeEstimate{FeeratePerKw(20'000)});
  pair.run();
  auto left = to_sat_floor(pair.a.only_channel().local_balance);
  close(pair.a, pair.id());
  pair.run();
  expect_agreed(pair);
  auto sent = pair.a.sent<wire::ClosingSigned>();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent[0].fee_satoshis, left);
  EXPECT_EQ(sent[0].fee_range->max_fee_satoshis, left);
}

/// B, who did not open, has this much; until A's closing_signed is under way.
void until_closing_signed(Pair& pair, Sat of_b, FeeratePerKw wanted = FeeratePerKw(253)) {
  pair.open(Sat(100'000), to_msat(of_b));
  pair.a.config.feerate_floor = pair.a.config.default_feerate = wanted;
  close(pair.a, pair.id());
  for (int i = 0; i < 10 && pair.a.sent<wire::ClosingSigned>().empty(); ++i)
    if (!pair.deliver(pair.a)) pair.deliver(pair.b);
  ASSERT_EQ(pair.a.sent<wire::ClosingSigned>().size(), 1U);
}

/// A wants to pay 2 sat; B gets its offer with this fee_range.
void offer_too_little(Pair& pair, std::optional<wire::FeeRange> range) {
  until_closing_signed(pair, Sat(10'000), FeeratePerKw(2));
  auto& message = std::get<wire::ClosingSigned>(pair.a.outbox.back());
  ASSERT_EQ(message.fee_satoshis, Sat(2));
  message.fee_range = range;
  while (pair.deliver(pair.a)) {
  }
  EXPECT_TRUE(pair.b.all<Broadcast>().empty());
  EXPECT_TRUE(pair.b.sent<wire::Error>().empty());
}

TEST(ClosingFee, that_no_miner_takes_is_not_signed) {
  Pair pair;
  offer_too_little(pair, wire::FeeRange{Sat(1), Sat(100)});
  EXPECT_FALSE(pair.b.dropped);
  EXPECT_EQ(pair.b.sent<wire::Warning>().size(), 1U);
}

TEST(ClosingFee, before_shutdown_ends_the_connection_and_not_the_channel) {
  Pair pair;
  pair.open();
  pair.b.step(MessageReceived{pair.a.id, wire::ClosingSigned{pair.id(), Sat(500), {}, {}, {}}});
  EXPECT_TRUE(pair.b.dropped);
  EXPECT_EQ(pair.b.sent<wire::Warning>().size(), 1U);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
}

// [B2-clos-04, B2-clos-07, B2-clos-12]
TEST(ClosingFee, that_is_too_low_is_answered_with_one_that_both_accept) {
  Pair pair;
  offer_too_little(pair, wire::FeeRange{Sat(1), Sat(1'000)});
  ASSERT_EQ(pair.b.sent<wire::ClosingSigned>().size(), 1U);
  EXPECT_EQ(pair.b.sent<wire::ClosingSigned>()[0].fee_satoshis, Sat(1'000));
  pair.a.config.default_feerate = FeeratePerKw(1'000);  // so that it is in A's range
  pair.run();
  expect_agreed(pair);
}

// [B2-clos-10]
TEST(ClosingFee, that_the_opener_did_not_offer_ends_the_channel) {
  Pair pair;
  pair.b.config.default_feerate = FeeratePerKw(100'000);
  offer_too_little(pair, wire::FeeRange{Sat(1), Sat(50'000)});
  ASSERT_EQ(pair.b.sent<wire::ClosingSigned>().size(), 1U);
  pair.a.config.feerate_floor = pair.a.config.default_feerate = FeeratePerKw(253);
  pair.run();
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::ForceClosing);
}

// [B2-clos-06, B2-clos-15]
TEST(ClosingOutputs, below_the_signers_dust_limit_are_left_out) {
  for (std::uint64_t sat : {353, 354}) {
    Pair pair;
    until_closing_signed(pair, Sat(sat));
    pair.run();
    expect_agreed(pair);
    EXPECT_EQ(pair.a.all<Broadcast>().back().transaction.outputs.size(), sat < 354 ? 1U : 2U);
  }
}

// [B2-clos-06]
TEST(ClosingOutputs, may_lack_the_one_of_who_signs) {
  Pair pair;
  until_closing_signed(pair, Sat(400));
  auto proposed = pair.a.sent<wire::ClosingSigned>()[0];
  pair.deliver(pair.a);
  auto both = pair.b.all<Broadcast>().at(0).transaction;
  ASSERT_EQ(both.outputs.size(), 2U);
  auto without = both;
  std::erase_if(without.outputs, [](const auto& output) { return output.amount == Sat(400); });
  ASSERT_EQ(without.outputs.size(), 1U);
  without.inputs[0].witness.clear();
  auto signer = pair.b.signer->channel(pair.b.only_channel().key_index);
  auto script = both.inputs[0].witness.back();
  pair.b.outbox.clear();
  pair.b.outbox.emplace_back(wire::ClosingSigned{
      pair.id(), proposed.fee_satoshis, signer->sign_funding_input(without, script, Sat(100'000)), {}, {}});
  pair.deliver(pair.b);
  EXPECT_TRUE(pair.a.sent<wire::Error>().empty());
  ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U);
  EXPECT_EQ(pair.a.all<Broadcast>()[0].transaction.outputs, without.outputs);
  EXPECT_TRUE(pair.spends_funding(pair.a.all<Broadcast>()[0].transaction));
}

// ---- a peer without fee_range ----

/// B signs what A would publish at this fee.
wire::ClosingSigned signed_by_b(const Pair& pair, Sat fee) {
  const auto& view = pair.a.only_channel();
  auto ours = pair.a.signer->channel(view.key_index), theirs = pair.b.signer->channel(pair.b.only_channel().key_index);
  commitment::ClosingTerms terms;
  terms.funding = *view.funding;
  terms.script_a = pair.a.sent<wire::Shutdown>().at(0).scriptpubkey;
  terms.script_b = pair.b.sent<wire::Shutdown>().at(0).scriptpubkey;
  terms.amount_a = to_sat_floor(view.local_balance) - fee;
  terms.amount_b = to_sat_floor(view.remote_balance);
  terms.dust_limit_a = terms.dust_limit_b = Sat(354);
  auto script = commitment::funding_script(ours->public_keys().funding, theirs->public_keys().funding);
  auto signature = theirs->sign_funding_input(commitment::closing_transaction(terms), script, view.capacity);
  return {pair.id(), fee, signature, std::nullopt, {}};
}

/// A, the opener, negotiates with an LND that wants `ideal`: it takes what is within 30 % of its last offer, and comes
/// down by a tenth otherwise. Says what LND heard last.
Sat negotiate_with_lnd(Pair& pair, std::uint64_t ideal) {
  auto last = ideal;
  for (int round = 0; round < 40; ++round) {
    auto offers = pair.a.sent<wire::ClosingSigned>();
    auto offer = offers.back().fee_satoshis.value();
    bool near = offer * 10 >= last * 7;
    last = near ? offer : round == 0 ? last : last * 9 / 10;
    pair.a.outbox.clear();
    pair.a.step(MessageReceived{pair.b.id, signed_by_b(pair, Sat(last))});
    if (!pair.a.all<Broadcast>().empty() || pair.a.sent<wire::ClosingSigned>().size() == offers.size()) break;
  }
  return Sat(last);
}

// [B2-clos-14]
TEST(ClosingSteps, end_with_a_fee_between_ours_and_the_one_that_the_peer_wants) {
  for (std::uint64_t ideal : {500, 1'826, 3'000, 4'525, 7'000}) {
    Pair pair;
    until_closing_signed(pair, Sat(10'000), FeeratePerKw(2'500));
    ASSERT_EQ(pair.a.sent<wire::ClosingSigned>()[0].fee_satoshis, Sat(1'826));
    auto fee = negotiate_with_lnd(pair, ideal);
    ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U) << ideal;
    EXPECT_TRUE(pair.spends_funding(pair.a.all<Broadcast>()[0].transaction));
    EXPECT_FALSE(pair.a.dropped);
    EXPECT_EQ(pair.a.sent<wire::ClosingSigned>().back().fee_satoshis, fee);
    EXPECT_LE(fee, Sat(3 * 1'826));
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closing);
  }
}

TEST(ClosingSteps, that_lead_nowhere_keep_the_connection_and_are_shown) {
  Pair pair;
  until_closing_signed(pair, Sat(10'000), FeeratePerKw(2'500));
  negotiate_with_lnd(pair, 20'000);
  EXPECT_FALSE(pair.a.dropped);
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closing);
  EXPECT_NE(pair.a.only_channel().status.find("sat is requested"), std::string::npos);
  EXPECT_EQ(deadline(pair.a.room), after_ms(pair.a.mono, kClosingPatienceMs));
  // Each offer lay between the two before it, and none above three times what we want.
  for (const auto& message : pair.a.sent<wire::ClosingSigned>()) EXPECT_LE(message.fee_satoshis, Sat(3 * 1'826));
  // The next connection begins anew, and the peer may have come down.
  pair.cut();
  pair.connect();
  pair.run();
  EXPECT_EQ(pair.a.all<Broadcast>().size(), 1U);
  EXPECT_EQ(deadline(pair.a.room), std::nullopt);
}

// [B2-clos-03, B2-clos-09]
TEST(ClosingSteps, that_lead_nowhere_for_a_week_end_with_our_commitment) {
  Pair pair;
  until_closing_signed(pair, Sat(10'000), FeeratePerKw(2'500));
  negotiate_with_lnd(pair, 20'000);
  pair.a.pass_to(deadline(pair.a.room));
  pair.a.step(DeadlineReached{});
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::ForceClosing);
}

// [B2-clos-13]
TEST(ClosingSteps, a_fee_that_is_not_between_the_last_two_ends_the_connection) {
  Pair pair;
  until_closing_signed(pair, Sat(10'000), FeeratePerKw(2'500));
  pair.a.step(MessageReceived{pair.b.id, signed_by_b(pair, Sat(7'000))});
  ASSERT_EQ(pair.a.sent<wire::ClosingSigned>().size(), 2U);
  pair.a.step(MessageReceived{pair.b.id, signed_by_b(pair, Sat(7'500))});
  EXPECT_TRUE(pair.a.dropped);
  EXPECT_EQ(pair.a.sent<wire::Warning>().size(), 1U);
  EXPECT_TRUE(pair.a.sent<wire::Error>().empty());
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closing);
}

// ---- a second fee ----

// [B2-clos-11]
TEST(ClosingFee, after_the_one_that_both_signed_is_not_signed) {
  for (bool with_range : {false, true}) {
    Pair pair;
    until_closing_signed(pair, Sat(10'000), FeeratePerKw(1'000));
    auto b_signs = [&](std::uint64_t fee) {
      auto message = signed_by_b(pair, Sat(fee));
      if (with_range) message.fee_range = wire::FeeRange{Sat(500), Sat(9'000)};
      pair.a.step(MessageReceived{pair.b.id, message});
    };
    b_signs(1'000);
    ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U);
    auto agreed = last_broadcast(pair.a);
    b_signs(1'200);
    EXPECT_TRUE(pair.a.dropped);
    EXPECT_EQ(pair.a.sent<wire::Warning>().size(), 1U);
    EXPECT_TRUE(pair.a.sent<wire::Error>().empty());
    EXPECT_EQ(last_broadcast(pair.a), agreed);
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closing);
  }
}

TEST(ClosingFee, with_a_range_whose_minimum_is_above_its_maximum_ends_the_connection) {
  Pair pair;
  until_closing_signed(pair, Sat(10'000), FeeratePerKw(1'000));
  auto message = signed_by_b(pair, Sat(1'000));
  message.fee_range = wire::FeeRange{Sat(9'000), Sat(500)};
  pair.a.step(MessageReceived{pair.b.id, message});
  EXPECT_TRUE(pair.a.dropped);
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
}

// [B2-clos-08]
TEST(ClosingFee, without_one_in_common_keeps_the_connection_and_is_shown) {
  Pair pair;
  until_closing_signed(pair, Sat(10'000), FeeratePerKw(1'000));
  auto message = signed_by_b(pair, Sat(8'000));
  message.fee_range = wire::FeeRange{Sat(7'500), Sat(9'000)};
  pair.a.step(MessageReceived{pair.b.id, message});
  EXPECT_FALSE(pair.a.dropped);
  EXPECT_EQ(pair.a.sent<wire::Warning>().size(), 1U);
  EXPECT_NE(pair.a.only_channel().status.find("no common fee"), std::string::npos);
}

// ---- where our balance goes ----

// [B2-shut-07]
TEST(ClosingScript, follows_what_blocks_paid_and_not_what_strangers_opened) {
  Pair pair;
  pair.open();
  pair.a.views.next_closing_script = 7;
  pair.a.step(CommandReceived{9, command::CloseChannel{pair.id()}});
  pair.run();
  auto script = [](const FakeNode& node, std::uint32_t index) {
    return bitcoin::p2wpkh_script(node.signer->wallet_key(false, kChannelScriptIndexBase + index));
  };
  EXPECT_EQ(pair.a.sent<wire::Shutdown>().at(0).scriptpubkey, script(pair.a, 7));
  EXPECT_EQ(pair.b.sent<wire::Shutdown>().at(0).scriptpubkey, script(pair.b, 0));
  expect_agreed(pair);
  // While that one waits for its block another channel names the next one.
  pair.start_opening();
  pair.run();
  auto second = pair.a.all<Broadcast>().back().transaction;
  pair.mine({second}, 3);
  ChannelId id;
  for (const auto& [other, view] : pair.a.channels)
    if (view.phase == ChannelPhase::Normal) id = other;
  pair.a.step(CommandReceived{9, command::CloseChannel{id}});
  pair.run();
  EXPECT_EQ(pair.a.sent<wire::Shutdown>().back().scriptpubkey, script(pair.a, 8));
}

TEST(ClosingScript, of_a_channel_that_was_never_funded_takes_none_from_the_others) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  pair.a.outbox.clear();
  pair.b.step(MessageReceived{pair.a.id, wire::Shutdown{pair.id(), bitcoin::p2wpkh_script(pair.a.id), {}}});
  EXPECT_EQ(
      pair.b.sent<wire::Shutdown>().at(0).scriptpubkey,
      bitcoin::p2wpkh_script(pair.b.signer->wallet_key(false, kChannelScriptIndexBase + kClosingScriptsAhead - 1)));
}

// [B2-shut-09]
TEST(Shutdown, with_a_script_that_is_not_allowed_gets_a_warning_and_keeps_the_connection) {
  Pair pair;
  pair.open();
  pair.b.step(MessageReceived{pair.a.id, wire::Shutdown{pair.id(), Bytes{0x76, 0xa9}, {}}});
  EXPECT_EQ(pair.b.sent<wire::Warning>().size(), 1U);
  EXPECT_FALSE(pair.b.dropped);
  EXPECT_TRUE(pair.b.only_channel().usable);
}

// ---- after the agreement ----

// [B5-fail-02]
TEST(Agreed, a_peer_that_has_forgotten_the_channel_does_not_make_us_publish_our_commitment) {
  for (bool restart : {false, true}) {
    Pair pair;
    pair.open();
    close(pair.a, pair.id());
    pair.run();
    expect_agreed(pair);
    auto agreed = last_broadcast(pair.a);
    pair.cut();
    if (restart) pair.a.restart();
    pair.a.said.clear();
    pair.connect();
    pair.b.outbox.clear();
    wire::ChannelReestablish bogus;  // both numbers 0: what LDK says of a channel that it does not know
    bogus.channel_id = pair.id();
    bogus.my_current_per_commitment_point = pair.b.id;
    pair.b.outbox.emplace_back(bogus);
    pair.b.outbox.emplace_back(wire::Error{pair.id(), {}});
    while (pair.deliver(pair.b)) {
    }
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closing);
    EXPECT_EQ(last_broadcast(pair.a), agreed);
    EXPECT_TRUE(pair.a.sent<wire::Error>().empty());
    pair.a.restart();
    EXPECT_EQ(last_broadcast(pair.a), agreed);
  }
}

TEST(Agreed, the_operator_may_still_publish_our_commitment) {
  Pair pair;
  pair.open();
  close(pair.a, pair.id());
  pair.run();
  auto agreed = last_broadcast(pair.a);
  close(pair.a, pair.id(), true);
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::ForceClosing);
  EXPECT_NE(last_broadcast(pair.a), agreed);
}

// [B2-clos-07]
TEST(Agreed, an_answer_lost_with_the_connection_comes_again) {
  Pair pair;
  pair.open();
  close(pair.a, pair.id());
  for (int i = 0; i < 10 && pair.b.all<Broadcast>().empty(); ++i)
    if (!pair.deliver(pair.a)) pair.deliver(pair.b);
  ASSERT_EQ(pair.b.all<Broadcast>().size(), 1U);
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
  pair.cut();
  pair.connect();
  pair.run();
  expect_agreed(pair);
}

// ---- what the peer publishes ----

/// The commitment that a node with these rows would publish.
bitcoin::Transaction commitment_of(const FakeNode& node, const std::map<std::pair<Table, Bytes>, Bytes>& rows) {
  FakeNode twin(1, node.config.role);
  twin.rows = rows;
  twin.tip = node.tip;
  twin.restart();
  twin.pass(kSpeakFirstMs);
  close(twin, twin.only_channel().channel_id, true);
  auto published = twin.all<Broadcast>();
  LN_ASSERT(!published.empty());
  return published.back().transaction;
}
void pay_once(Pair& pair, std::uint64_t number) {
  pair.b.on_received = [](const HtlcReceived& word) {
    return std::vector<Input>{FulfillHtlc{word.channel_id, word.htlc.id, preimage(1)}};
  };
  pair.a.step(pair.a.add(pair.id(), Msat(50'000'000), number));
  pair.run();
}
bool told(const FakeNode& node, Event event) {
  auto lines = node.all<Notify>();
  return std::any_of(lines.begin(), lines.end(), [&](const Notify& line) { return line.event == event; });
}

// [B5-gen-06]
TEST(Published, a_revoked_commitment_of_the_peer_is_told_as_such) {
  Pair pair;
  pair.open();
  auto old = commitment_of(pair.a, pair.a.rows);
  ASSERT_TRUE(pair.spends_funding(old));
  pay_once(pair, 1);
  ASSERT_EQ(pair.b.only_channel().local_balance, Msat(350'000'000));
  pair.mine({old});
  EXPECT_TRUE(told(pair.b, "revoked_commitment"));
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::OnChain);
  EXPECT_NE(pair.b.only_channel().status.find("revoked"), std::string::npos);
}

// [B2-re-21, B5-gen-01, B5-gen-04, B5-gen-05, B5-theirs-01]
TEST(Published, the_present_commitment_of_the_peer_is_no_alarm) {
  Pair pair;
  pair.open();
  pay_once(pair, 1);
  pair.mine({commitment_of(pair.a, pair.a.rows)});
  EXPECT_FALSE(told(pair.b, "revoked_commitment"));
  EXPECT_EQ(pair.b.only_channel().status, "the peer's commitment is on chain");
}

TEST(Closing, a_channel_that_is_not_there_or_an_address_that_is_none_is_refused_and_nothing_is_said) {
  Pair pair;
  pair.open();
  pair.a.said.clear();
  auto refused = [&](command::CloseChannel command) {
    pair.a.step(CommandReceived{9, std::move(command)});
    auto replies = pair.a.all<Reply>();
    pair.a.said.clear();
    return replies.size() == 1 ? std::get<CommandError>(replies[0].result) : CommandError{};
  };
  auto unknown = refused({ChannelId()});
  EXPECT_EQ(unknown.code, CommandErrorCode::NotFound);
  EXPECT_NE(unknown.message.find("channel_id: no such channel"), std::string::npos);
  auto mainnet = *bitcoin::address_of_script(bitcoin::p2wpkh_script(pair.a.id), bitcoin::kHrpMainnet);
  for (const auto& text : {std::string("bcrt1q"), mainnet}) {
    auto mistyped = refused({pair.id(), false, text});
    EXPECT_EQ(mistyped.code, CommandErrorCode::BadRequest);
    EXPECT_NE(mistyped.message.find("address: not a valid address"), std::string::npos);
  }
  EXPECT_TRUE(pair.a.sent<wire::Shutdown>().empty());
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Normal);
}

// ---- what closing by force costs ----

TEST(Force, without_a_yes_is_refused_with_what_it_costs) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(10'000'000), 1));
  pair.run();
  pair.a.said.clear();
  pair.a.step(CommandReceived{9, command::CloseChannel{pair.id(), true}});
  auto replies = pair.a.all<Reply>();
  ASSERT_EQ(replies.size(), 1U);
  const auto* error = std::get_if<CommandError>(&replies[0].result);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->code, CommandErrorCode::Refused);
  auto balance = number_of(error->numbers, "balance_sat");
  EXPECT_EQ(number_of(error->numbers, "offered_htlcs_sat"), 10'000U);
  EXPECT_EQ(number_of(error->numbers, "delay_blocks"), 144U);
  EXPECT_GT(balance, 680'000U);  // 690,000 but for fee and anchors
  EXPECT_LT(balance, 690'000U);
  EXPECT_TRUE(error->message.ends_with("add yes"));
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Normal);
}

// [B2-re-06]
TEST(Force, is_said_again_to_a_peer_that_comes_back) {
  Pair pair;
  pair.open();
  pair.cut();
  command::CloseChannel command;
  command.channel_id = pair.id();
  command.force = command.accept_cost = true;
  pair.a.step(CommandReceived{9, command});
  pair.a.said.clear();
  pair.connect();
  auto errors = pair.a.sent<wire::Error>();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].channel_id, pair.id());
  EXPECT_TRUE(pair.a.sent<wire::ChannelReestablish>().empty());
  pair.run();
  EXPECT_EQ(pair.a.sent<wire::Error>().size(), 1U) << "nothing that the peer says counts";
  EXPECT_EQ(pair.a.all<SendMessage>().size(), 1U);
}

// [B5-gen-02, B5-gen-06]
TEST(Force, leaves_sums_that_are_shown_until_everything_is_spent_a_hundred_blocks_deep) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(10'000'000), 1));
  pair.run();
  close(pair.a, pair.id(), true);
  auto commitment = pair.a.all<Broadcast>().back().transaction;
  auto expected = pair.a.only_channel().pending_close;
  EXPECT_GT(expected, Sat(690'000));
  pair.mine({commitment});
  for (bool restarted : {false, true}) {
    if (restarted) pair.a.restart();
    const auto& view = pair.a.only_channel();
    EXPECT_EQ(view.phase, ChannelPhase::OnChain);
    EXPECT_EQ(view.pending_close + view.at_risk, expected);
    EXPECT_EQ(view.at_risk, Sat(10'000));
    EXPECT_EQ(view.closing_txid, bitcoin::txid(commitment));
    EXPECT_EQ(view.closing_height, pair.tip);
  }
  // The peer's side: its balance, not the HTLC that it was offered, and not the anchors.
  EXPECT_EQ(pair.b.only_channel().pending_close, Sat(300'000));
  EXPECT_EQ(pair.b.only_channel().at_risk, Sat(0));
}

// ---- what is watched ----

/// Named last by the room, in the order of the outputs.
std::map<Outpoint, Bytes> watched_by(const FakeNode& node) {
  std::map<Outpoint, Bytes> out;
  for (const auto& watch : node.all<Watch>())
    for (const auto& output : watch.what.outputs) out[output.outpoint] = output.script_pubkey;
  return out;
}

TEST(Watching, a_funding_is_watched_before_the_peer_can_broadcast_it) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  while (pair.b.sent<wire::FundingSigned>().empty()) ASSERT_TRUE(pair.deliver(pair.a) || pair.deliver(pair.b));
  ASSERT_FALSE(pair.b.outbox.empty()) << "funding_signed has not left";
  for (auto* node : {&pair.a, &pair.b}) {
    auto watched = watched_by(*node);
    ASSERT_EQ(watched.size(), node == &pair.a ? 0U : 1U) << "A watches when it has the peer's signature";
    for (const auto& [outpoint, script] : watched)
      EXPECT_EQ(script, bitcoin::p2wsh_script(funding_script(node->room.inside->channels.begin()->second.params())));
  }
  pair.run();
  EXPECT_EQ(pair.a.all<Broadcast>().size(), 1U);
  EXPECT_EQ(watched_by(pair.a), watched_by(pair.b));
}

TEST(Watching, outputs_of_a_commitment_on_chain_are_watched_with_their_scripts_also_after_a_restart) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(10'000'000), 1));
  pair.run();
  close(pair.a, pair.id(), true);
  auto commitment = pair.a.all<Broadcast>().back().transaction;
  pair.mine({commitment});
  Outpoint funding{bitcoin::txid(pair.funding), 1};
  for (auto* node : {&pair.a, &pair.b})
    for (bool restarted : {false, true}) {
      if (restarted) {
        node->said.clear();
        node->restart();
      }
      auto watched = watched_by(*node);
      EXPECT_EQ(watched.erase(funding), restarted ? 1U : 0U) << "it is watched since the opening";
      EXPECT_EQ(watched.size(), 2U) << "its balance, and the HTLC that A offered to B";
      for (const auto& [outpoint, script] : watched) {
        EXPECT_EQ(outpoint.txid, bitcoin::txid(commitment));
        EXPECT_EQ(script, commitment.outputs.at(outpoint.index).script_pubkey);
      }
      EXPECT_TRUE(node->watched.has_output(funding)) << "a reorganisation may bring another commitment";
    }
}

TEST(Watching, a_commitment_and_the_spends_of_its_outputs_may_be_in_one_block) {
  Pair pair;
  pair.open();
  close(pair.a, pair.id(), true);
  auto commitment = pair.a.all<Broadcast>().back().transaction;
  bitcoin::Transaction sweep;
  for (std::uint32_t i = 0; i < commitment.outputs.size(); ++i)
    sweep.inputs.push_back({{bitcoin::txid(commitment), i}, {}, 0, {}});
  sweep.outputs.push_back({Sat(1'000), {}});
  pair.mine({commitment, sweep});
  for (const auto* node : {&pair.a, &pair.b}) {
    EXPECT_EQ(node->only_channel().pending_close, Sat(0));
    EXPECT_GT(node->only_channel().lost, Sat(0));
  }
}

TEST(Watching, a_forgotten_channel_is_watched_no_longer) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  EXPECT_EQ(pair.b.watched.size(), 1U);
  pair.cut();
  pair.mine({}, kForgetUnfundedBlocks + 2);
  EXPECT_TRUE(pair.b.channels.empty());
  EXPECT_EQ(pair.b.watched.size(), 0U);
}

// ---- broadcasting ----

TEST(Rebroadcast, a_closing_transaction_goes_out_again_until_it_confirms) {
  for (bool force : {false, true}) {
    Pair pair;
    pair.open();
    close(pair.a, pair.id(), force);
    pair.run();
    auto first = pair.a.all<Broadcast>();
    ASSERT_EQ(first.size(), 1U);
    pair.a.step(
        BroadcastResult{bitcoin::txid(first[0].transaction), BroadcastOutcome::FeeTooLow, "mempool min fee not met"});
    pair.a.said.clear();
    pair.mine({}, kRebroadcastBlocks);
    ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U);
    EXPECT_EQ(pair.a.all<Broadcast>()[0].transaction, first[0].transaction);
    pair.mine({first[0].transaction}, 2 * kRebroadcastBlocks);
    EXPECT_EQ(pair.a.only_channel().phase, force ? ChannelPhase::OnChain : ChannelPhase::Closed);
    EXPECT_LE(pair.a.all<Broadcast>().size(), 1U);
  }
}

TEST(Rebroadcast, a_backend_that_was_away_gets_everything_again) {
  Pair pair;
  pair.open();
  pair.mine({}, 20);
  close(pair.a, pair.id(), true);
  pair.a.said.clear();
  pair.hear({ChainStatus{false, false, "connection refused"}, ChainStatus{true, true, ""}});
  EXPECT_EQ(pair.a.all<Broadcast>().size(), 1U);
  pair.hear({ChainStatus{true, false, "block 1 of 2"}, ChainStatus{true, true, ""}});
  EXPECT_EQ(pair.a.all<Broadcast>().size(), 1U);
}

TEST(Rebroadcast, the_funding_goes_out_again_until_it_confirms) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  auto funding = pair.a.all<Broadcast>().at(0).transaction;
  pair.a.said.clear();
  pair.mine({}, kRebroadcastBlocks);
  ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U);
  EXPECT_EQ(pair.a.all<Broadcast>()[0].transaction, funding);
  pair.mine({funding}, 2 * kRebroadcastBlocks);
  EXPECT_EQ(pair.a.all<Broadcast>().size(), 1U);
}

}  // namespace
}  // namespace doze::channel
