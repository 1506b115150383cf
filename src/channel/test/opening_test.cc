// From open_channel to channel_ready and the announcement, from both sides.
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

// [B2-open-01, B2-open-05, B2-open-12, B2-open-27, B2-acc-01, B2-acc-03, B2-fund-01, B2-ready-02]
TEST(Opening, AChannelOpensAfterTheDepthThatTheAccepterAsksFor) {
  Pair pair;
  pair.b.config.minimum_depth = 2;
  pair.connect();
  pair.start_opening();
  pair.run();
  ASSERT_EQ(pair.a.all<Reply>().size(), 1U);
  EXPECT_NE(std::get<Value>(pair.a.all<Reply>()[0].result).find("channel_id"), nullptr);
  auto broadcast = pair.a.all<Broadcast>();
  ASSERT_EQ(broadcast.size(), 1U);
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Opening);
  EXPECT_FALSE(pair.a.only_channel().scid.has_value());
  pair.mine({broadcast[0].transaction});
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Opening);
  pair.mine();
  for (const auto* node : {&pair.a, &pair.b}) {
    const auto& view = node->only_channel();
    EXPECT_EQ(view.phase, ChannelPhase::Normal);
    EXPECT_TRUE(view.usable);
    EXPECT_EQ(view.scid, ShortChannelId::of(101, 1, 1));
    EXPECT_EQ(view.format, commitment::CommitmentFormat::AnchorsZeroFeeHtlc);
    EXPECT_FALSE(view.announced);
    EXPECT_TRUE(view.alias_only);
    EXPECT_EQ(node->all<ChannelUsable>().size(), 1U);
    EXPECT_EQ(node->all<ChannelNeedsUpdate>().size(), 1U);
    EXPECT_TRUE(node->all<ChannelAnnounced>().empty());
  }
  const auto &a = pair.a.only_channel(), &b = pair.b.only_channel();
  EXPECT_EQ(a.local_balance, Msat(700'000'000));
  EXPECT_EQ(b.local_balance, Msat(300'000'000));
  EXPECT_EQ(a.local_alias, b.remote_alias);
  EXPECT_EQ(b.local_alias, a.remote_alias);
  EXPECT_NE(a.local_alias, b.local_alias);
  EXPECT_TRUE(a.funder);
  EXPECT_FALSE(b.funder);
  // What B can send is what A can receive: both count the same reserves and fees.
  EXPECT_EQ(b.spendable, a.receivable);
  EXPECT_EQ(a.spendable, b.receivable);
}

TEST(Opening, TheLogSaysOnceWhenAChannelOpensAndWhenItIsOpen) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  auto lines = [](const FakeNode& node, Event event) {
    std::size_t count = 0;
    for (const auto& line : node.all<Notify>()) {
      if (line.event != event) continue;
      EXPECT_EQ(number_of(line.facts, "capacity_sat"), 1'000'000U);
      ++count;
    }
    return count;
  };
  for (const auto* node : {&pair.a, &pair.b}) {
    EXPECT_EQ(lines(*node, "channel_opening"), 1U);
    EXPECT_EQ(lines(*node, "channel_open"), 0U);
  }
  pair.mine({pair.a.all<Broadcast>().at(0).transaction}, 8);
  for (const auto* node : {&pair.a, &pair.b}) EXPECT_EQ(lines(*node, "channel_open"), 1U);
}

// [B2-open-07, B2-open-09, B2-open-10, B2-ready-04]
TEST(Opening, APrivateChannelHasTheAliasTypeAndAnOldPeerGetsStaticRemotekey) {
  Pair pair;
  pair.b.config.anchors = false;
  pair.open();
  EXPECT_EQ(pair.a.only_channel().format, commitment::CommitmentFormat::StaticRemotekey);
  Pair modern;
  modern.connect();
  modern.start_opening();
  auto message = modern.a.sent<wire::OpenChannel>();
  ASSERT_EQ(message.size(), 1U);
  EXPECT_EQ(message[0].channel_type, (wire::FeatureBits{wire::kStaticRemotekey, wire::kAnchors, wire::kScidAlias}));
  EXPECT_EQ(message[0].channel_flags, 0);
}

// [B2-open-11]
TEST(Opening, ServersAnnounceTheirChannelAfterSixConfirmations) {
  Pair pair(Role::Server, Role::Server);
  pair.open();
  EXPECT_TRUE(pair.a.only_channel().announced);
  EXPECT_FALSE(pair.a.only_channel().alias_only);
  pair.mine({}, 2);
  EXPECT_TRUE(pair.a.all<ChannelAnnounced>().empty());
  pair.mine();
  auto a = pair.a.all<ChannelAnnounced>(), b = pair.b.all<ChannelAnnounced>();
  ASSERT_EQ(a.size(), 1U);
  ASSERT_EQ(b.size(), 1U);
  EXPECT_EQ(wire::encode(a[0].announcement), wire::encode(b[0].announcement));
  const auto& m = a[0].announcement;
  auto digest = wire::signature_hash(m);
  EXPECT_LT(m.node_id_1, m.node_id_2);
  EXPECT_TRUE(crypto::ecdsa_verify(m.node_id_1, digest, m.node_signature_1));
  EXPECT_TRUE(crypto::ecdsa_verify(m.node_id_2, digest, m.node_signature_2));
  EXPECT_TRUE(crypto::ecdsa_verify(m.bitcoin_key_1, digest, m.bitcoin_signature_1));
  EXPECT_TRUE(crypto::ecdsa_verify(m.bitcoin_key_2, digest, m.bitcoin_signature_2));
  EXPECT_EQ(pair.funding.outputs[1].script_pubkey,
            bitcoin::p2wsh_script(commitment::funding_script(m.bitcoin_key_1, m.bitcoin_key_2)));
}

TEST(Opening, AnnouncementSignaturesLostWithTheConnectionComeAgain) {
  Pair pair(Role::Server, Role::Server);
  pair.open();
  pair.mine({}, 2);
  pair.block();
  ASSERT_TRUE(pair.deliver(pair.a));  // B has both, A never gets B's
  pair.cut();
  pair.a.restart();
  EXPECT_EQ(pair.b.all<ChannelAnnounced>().size(), 1U);
  EXPECT_TRUE(pair.a.all<ChannelAnnounced>().empty());
  pair.connect();
  pair.run();
  EXPECT_EQ(pair.a.all<ChannelAnnounced>().size(), 1U);
}

// [B2-re-01, B2-re-02, B2-re-03]
TEST(Opening, CutAfterAnyMessageEitherBothHaveTheChannelOrItNeverWillBeFunded) {
  for (int cut_after = 0; cut_after < 8; ++cut_after) {
    Pair pair;
    pair.connect();
    pair.start_opening();
    for (int i = 0; i < cut_after; ++i) {
      if (!pair.deliver(pair.a)) pair.deliver(pair.b);
    }
    pair.cut();
    pair.a.restart();
    pair.b.restart();
    pair.connect();
    pair.run();
    auto broadcasts = pair.a.all<Broadcast>();
    EXPECT_EQ(pair.a.all<Reply>().size(), 1U);
    if (broadcasts.empty()) {
      EXPECT_TRUE(pair.a.channels.empty()) << cut_after;
      EXPECT_EQ(pair.a.all<ReleaseFunding>().size(), cut_after >= 2 ? 1U : 0U) << cut_after;
      for (const auto& [id, view] : pair.b.channels) EXPECT_FALSE(view.usable);
      continue;
    }
    pair.funding = broadcasts[0].transaction;
    pair.mine({pair.funding}, 3);
    EXPECT_TRUE(pair.a.only_channel().usable);
    EXPECT_TRUE(pair.b.only_channel().usable);
  }
}

// [B2-re-11]
TEST(Opening, ChannelReadyLostWithTheConnectionComesAgain) {
  for (bool restart_a : {false, true})
    for (bool deliver_one : {false, true}) {
      Pair pair;
      pair.connect();
      pair.start_opening();
      pair.run();
      pair.funding = pair.a.all<Broadcast>()[0].transaction;
      pair.mine({pair.funding}, 2);
      pair.block();
      if (deliver_one) pair.deliver(pair.a);
      pair.cut();
      if (restart_a) pair.a.restart();
      pair.connect();
      pair.run();
      EXPECT_TRUE(pair.a.only_channel().usable);
      EXPECT_TRUE(pair.b.only_channel().usable);
    }
}

// [B2-fund-03]
TEST(Opening, FundingIsBroadcastAgainUntilItConfirms) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  auto funding = pair.a.all<Broadcast>()[0].transaction;
  pair.a.said.clear();
  pair.cut();
  pair.a.restart();
  ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U);
  EXPECT_EQ(pair.a.all<Broadcast>()[0].transaction, funding);
  pair.connect();
  pair.run();
  pair.mine({funding}, 3);
  pair.a.said.clear();
  pair.cut();
  pair.a.restart();
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
}

TEST(Opening, KeyIndexesAreNeverUsedTwice) {
  Pair pair;
  pair.connect();
  std::set<PublicKey> keys;
  for (int i = 0; i < 4; ++i) {
    pair.a.said.clear();
    pair.start_opening();
    keys.insert(pair.a.sent<wire::OpenChannel>().at(0).funding_pubkey);
    pair.run();
    pair.cut();
    pair.a.restart();
    pair.connect();
  }
  EXPECT_EQ(keys.size(), 4U);
}

TEST(Opening, ARepeatedKeyOpensOneChannelAndAnswersEveryRequest) {
  Pair pair;
  pair.connect();
  command::OpenChannel command;
  command.node_id = pair.b.id;
  command.amount = Sat(1'000'000);
  command.idempotency_key = "channel 1";
  pair.a.step(OpenChannelNow{1, command});
  pair.a.step(OpenChannelNow{2, command});
  EXPECT_EQ(pair.a.sent<wire::OpenChannel>().size(), 1U);
  pair.run();
  auto replies = pair.a.all<Reply>();
  ASSERT_EQ(replies.size(), 2U);
  auto id = text_of(std::get<Value>(replies[0].result), "channel_id");
  EXPECT_EQ(id, pair.id().hex());
  for (RequestId request : {3, 4}) {
    if (request == 4) pair.a.restart();
    pair.a.step(OpenChannelNow{request, command});
    auto last = pair.a.all<Reply>().back();
    EXPECT_EQ(last.request, request);
    EXPECT_EQ(text_of(std::get<Value>(last.result), "channel_id"), id);
  }
  EXPECT_EQ(pair.a.all<Broadcast>().size(), 1U + 1U);  // the second is the restart's repetition
  command.amount = Sat(1'000'001);
  pair.a.step(OpenChannelNow{5, command});
  EXPECT_EQ(std::get<CommandError>(pair.a.all<Reply>().back().result).code, CommandErrorCode::BadRequest);
}

TEST(Opening, WithoutCoinsTheRequestFailsAndThePeerIsTold) {
  Pair pair;
  pair.a.has_coins = false;
  pair.connect();
  pair.start_opening();
  pair.run();
  ASSERT_EQ(pair.a.all<Reply>().size(), 1U);
  EXPECT_EQ(std::get<CommandError>(pair.a.all<Reply>()[0].result).code, CommandErrorCode::InsufficientFunds);
  EXPECT_EQ(pair.a.sent<wire::Error>().size(), 1U);
  EXPECT_TRUE(pair.a.channels.empty());
  EXPECT_TRUE(pair.b.channels.empty());
}

/// What B answers to an open_channel that differs from a good one.
std::string refusal_of(const std::function<void(wire::OpenChannel&)>& change) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  auto& message = std::get<wire::OpenChannel>(pair.a.outbox.back());
  change(message);
  auto id = message.temporary_channel_id;
  pair.deliver(pair.a);
  auto errors = pair.b.sent<wire::Error>();
  if (errors.size() != 1 || !pair.b.sent<wire::AcceptChannel>().empty()) return "accepted";
  EXPECT_EQ(errors[0].channel_id, id);
  pair.run();
  EXPECT_EQ(pair.a.all<Reply>().size(), 1U);
  EXPECT_TRUE(std::holds_alternative<CommandError>(pair.a.all<Reply>()[0].result));
  return std::string(errors[0].data.begin(), errors[0].data.end());
}

// [B2-open-06, B2-open-13, B2-open-14, B2-open-16, B2-open-17, B2-open-18, B2-open-19, B2-open-20, B2-open-21]
// [B2-open-22, B2-open-23, B2-open-24, B2-open-25, B2-open-26, B2-acc-04]
TEST(Opening, TermsThatAreNotAcceptableAreRefusedWithTheReason) {
  auto says = [](const std::string& what, const std::function<void(wire::OpenChannel&)>& change) {
    EXPECT_NE(refusal_of(change).find(what), std::string::npos) << what << ": " << refusal_of(change);
  };
  EXPECT_EQ(refusal_of([](auto&) {}), "accepted");
  says("chain", [](auto& m) { m.chain_hash.bytes[0] ^= 1; });
  says("funding_satoshis", [](auto& m) { m.funding_satoshis = Sat(19'999); });
  says("funding_satoshis", [](auto& m) { m.funding_satoshis = Sat(20'000'000); });
  says("push_msat", [](auto& m) { m.push_msat = Msat(1'000'000'001); });
  says("feerate", [](auto& m) { m.feerate_per_kw = FeeratePerKw(252); });
  says("feerate", [](auto& m) { m.feerate_per_kw = FeeratePerKw(1'000'000); });
  says("channel_type", [](auto& m) { m.channel_type.reset(); });
  says("channel_type", [](auto& m) { m.channel_type->set(wire::kZeroConf); });
  says("channel_type", [](auto& m) { m.channel_type = wire::FeatureBits{wire::kAnchors}; });
  says("announced", [](auto& m) { m.channel_flags = 1; });
  EXPECT_EQ(refusal_of([](auto& m) { m.channel_flags = 0xfe; }), "accepted") << "undefined bits";
  auto no_point = PublicKey::from_hex_or_die("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
  says("htlc_basepoint is not a valid point", [&](auto& m) { m.htlc_basepoint = no_point; });
  says("first_per_commitment_point is not a valid point", [&](auto& m) { m.first_per_commitment_point = no_point; });
  says("dust_limit", [](auto& m) { m.dust_limit_satoshis = Sat(353); });
  says("dust_limit", [](auto& m) { m.dust_limit_satoshis = Sat(10'001); });
  says("reserve", [](auto& m) { m.channel_reserve_satoshis = Sat(353); });
  says("channel_reserve_satoshis 500 is below dust_limit_satoshis 600", [](auto& m) {
    m.dust_limit_satoshis = Sat(600);
    m.channel_reserve_satoshis = Sat(500);
  });
  says("reserve", [](auto& m) { m.channel_reserve_satoshis = Sat(200'001); });
  says("to_self_delay", [](auto& m) { m.to_self_delay = 2017; });
  says("max_accepted_htlcs", [](auto& m) { m.max_accepted_htlcs = 0; });
  says("max_accepted_htlcs", [](auto& m) { m.max_accepted_htlcs = 484; });
  says("htlc_minimum", [](auto& m) { m.htlc_minimum_msat = Msat(10'000'001); });
  says("in_flight", [](auto& m) { m.max_htlc_value_in_flight_msat = Msat(999'999); });
  says("first commitment", [](auto& m) { m.push_msat = Msat(999'000'000); });
}

// [B2-acc-05, B2-acc-06]
TEST(Opening, AnAnswerWithOtherTermsThanAskedForIsRefused) {
  for (int which = 0; which < 5; ++which) {
    Pair pair;
    pair.connect();
    pair.start_opening();
    pair.deliver(pair.a);
    auto& message = std::get<wire::AcceptChannel>(pair.b.outbox.back());
    if (which == 0) message.channel_type = wire::FeatureBits{wire::kStaticRemotekey};
    if (which == 1) message.minimum_depth = 100'000;
    if (which == 2) message.channel_reserve_satoshis = Sat(500'000);
    if (which == 3) message.dust_limit_satoshis = Sat(353);
    if (which == 4) message.dust_limit_satoshis = Sat(message.channel_reserve_satoshis.value() + 1);
    pair.run();
    EXPECT_TRUE(pair.a.all<PrepareFunding>().empty());
    ASSERT_EQ(pair.a.all<Reply>().size(), 1U) << which;
    EXPECT_TRUE(std::holds_alternative<CommandError>(pair.a.all<Reply>()[0].result));
  }
}

// [B2-fund-02, B2-fund-04]
TEST(Opening, WrongSignaturesEndTheOpeningBeforeAnythingIsBroadcast) {
  Pair created;
  created.connect();
  created.start_opening();
  created.deliver(created.a);
  created.deliver(created.b);
  std::get<wire::FundingCreated>(created.a.outbox.back()).signature.bytes[40] ^= 1;
  created.run();
  EXPECT_TRUE(created.b.channels.empty());
  EXPECT_EQ(created.b.sent<wire::Error>().size(), 1U);
  EXPECT_EQ(created.a.all<ReleaseFunding>().size(), 1U);

  Pair answer;
  answer.connect();
  answer.start_opening();
  answer.deliver(answer.a);
  answer.deliver(answer.b);
  answer.deliver(answer.a);
  std::get<wire::FundingSigned>(answer.b.outbox.back()).signature.bytes[40] ^= 1;
  answer.run();
  EXPECT_TRUE(answer.a.channels.empty());
  EXPECT_TRUE(answer.a.all<Broadcast>().empty());
  EXPECT_EQ(answer.a.all<ReleaseFunding>().size(), 1U);
}

// [B2-open-03, B2-open-04]
TEST(Opening, OneDisconnectedPeerOrSillyAmountIsRefusedAtOnce) {
  Pair pair;
  auto code = [&] { return std::get<CommandError>(pair.a.all<Reply>().back().result).code; };
  pair.start_opening();
  EXPECT_EQ(code(), CommandErrorCode::NotReady);
  pair.connect();
  pair.start_opening(Sat(100));
  EXPECT_EQ(code(), CommandErrorCode::BadRequest);
  pair.start_opening(Sat(100'000), Msat(100'000'001));
  EXPECT_EQ(code(), CommandErrorCode::BadRequest);
  pair.a.views.chain_synced = false;
  pair.start_opening();
  EXPECT_EQ(code(), CommandErrorCode::NotReady);
  EXPECT_TRUE(pair.a.sent<wire::OpenChannel>().empty());
}

// [B2-open-02, B2-open-15]
TEST(Opening, ANewConnectionBeginsAnew) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.deliver(pair.a);
  EXPECT_EQ(pair.b.sent<wire::AcceptChannel>().size(), 1U);
  pair.cut();
  pair.connect();
  pair.start_opening();
  pair.run();
  EXPECT_EQ(pair.b.sent<wire::AcceptChannel>().size(), 2U);
  EXPECT_EQ(pair.b.channels.size(), 1U);
  auto opened = pair.a.sent<wire::OpenChannel>();
  ASSERT_EQ(opened.size(), 2U);
  EXPECT_NE(opened[0].temporary_channel_id, opened[1].temporary_channel_id);
}

TEST(Opening, APeerCannotStartManyOpenings) {
  Pair pair;
  pair.connect();
  for (int i = 0; i < 10; ++i) pair.start_opening();
  while (pair.deliver(pair.a)) {
  }
  EXPECT_EQ(pair.b.sent<wire::AcceptChannel>().size(), 4U);
  EXPECT_EQ(pair.b.sent<wire::Error>().size(), 6U);
}

// [B2-ready-07]
TEST(Opening, AChannelThatIsNeverFundedIsForgottenByTheAccepter) {
  Pair pair;
  pair.connect();
  pair.start_opening();
  pair.run();
  pair.mine({}, 2017);
  EXPECT_EQ(pair.b.all<ChannelClosed>().size(), 1U);
  EXPECT_TRUE(pair.a.all<ChannelClosed>().empty());
  EXPECT_TRUE(pair.b.channels.empty());
}

// The accepter has seen only an id and a number: what stands behind them it sees in the block.
// [B2-ready-01]
TEST(Opening, AFundingOutputOfAnotherAmountScriptOrPlaceNeverOpensTheChannel) {
  for (int wrong = 0; wrong < 3; ++wrong) {
    SCOPED_TRACE(wrong);
    Pair pair;
    pair.a.to_fund.emplace();
    pair.connect();
    pair.start_opening();
    pair.run();
    ASSERT_EQ(pair.a.to_fund->size(), 1U);
    const auto& word = pair.a.to_fund->at(0);
    bitcoin::Transaction funding;
    funding.inputs.push_back({{pair.a.rng.id<Txid>(), 0}, {}, 0, {}});
    auto amount = wrong == 0 ? word.amount - Sat(1) : word.amount;
    auto script = wrong == 1 ? bitcoin::p2wpkh_script(pair.a.signer->wallet_key(true, 0)) : word.script_pubkey;
    funding.outputs.push_back({amount, script});
    pair.a.step(FundingPrepared{word.temporary_channel_id, funding, wrong == 2 ? 1U : 0U});
    pair.run();
    ASSERT_EQ(pair.b.channels.size(), 1U);
    auto before = pair.b.all<Broadcast>().size();
    pair.mine({funding}, 20);
    for (const auto& [id, view] : pair.b.channels) {
      EXPECT_NE(view.phase, ChannelPhase::Normal);
      EXPECT_FALSE(view.usable);
    }
    EXPECT_TRUE(pair.b.sent<wire::ChannelReady>().empty());
    EXPECT_TRUE(pair.b.all<ChannelUsable>().empty());
    EXPECT_FALSE(pair.b.sent<wire::Error>().empty());
    EXPECT_EQ(pair.b.all<Broadcast>().size(), before) << "a commitment that spends nothing";
    for (const auto& line : pair.b.all<Notify>()) EXPECT_NE(line.event, Event("channel_force_closed"));
    pair.mine({}, 2'016);
    EXPECT_TRUE(pair.b.channels.empty());
    EXPECT_EQ(pair.b.count(Table::Channel), 1U) << "the counter of key indexes";
  }
}

// [B2-fund-06]
TEST(Opening, OneTransactionMayFundTwoChannels) {
  Pair pair;
  pair.a.to_fund.emplace();
  pair.connect();
  for (int i = 0; i < 2; ++i) pair.start_opening();
  pair.run();
  ASSERT_EQ(pair.a.to_fund->size(), 2U);
  bitcoin::Transaction funding;
  funding.inputs.push_back({{pair.a.rng.id<Txid>(), 0}, {}, 0, {}});
  for (const auto& word : *pair.a.to_fund) funding.outputs.push_back({word.amount, word.script_pubkey});
  for (std::uint32_t i = 0; i < 2; ++i)
    pair.a.step(FundingPrepared{pair.a.to_fund->at(i).temporary_channel_id, funding, i});
  pair.run();
  pair.mine({funding}, 3);
  for (const auto* node : {&pair.a, &pair.b}) {
    ASSERT_EQ(node->channels.size(), 2U);
    for (const auto& [id, view] : node->channels) EXPECT_TRUE(view.usable);
  }
}

TEST(Opening, TheOperatorsFeerateIsTheFundings) {
  Pair pair;
  pair.connect();
  command::OpenChannel command;
  command.node_id = pair.b.id;
  command.amount = Sat(1'000'000);
  command.feerate = FeeratePerKw(20'000);
  pair.a.step(OpenChannelNow{7, command});
  pair.run();
  EXPECT_EQ(pair.a.sent<wire::OpenChannel>().at(0).feerate_per_kw, pair.a.config.default_feerate);
  EXPECT_EQ(pair.a.all<PrepareFunding>().at(0).feerate, FeeratePerKw(20'000));
}

TEST(Opening, AnErrorEndsItUnderEachOfItsIds) {
  for (int which = 0; which < 3; ++which) {
    Pair pair;
    pair.connect();
    pair.start_opening();
    for (int i = 0; i < 10 && pair.a.sent<wire::FundingCreated>().empty(); ++i)
      if (!pair.deliver(pair.a)) pair.deliver(pair.b);
    auto created = pair.a.sent<wire::FundingCreated>().at(0);
    ChannelId id;
    if (which == 1) id = created.temporary_channel_id;
    if (which == 2) id.bytes = created.funding_txid.bytes;
    if (which == 2) id.bytes[31] ^= static_cast<std::uint8_t>(created.funding_output_index);
    pair.a.step(MessageReceived{pair.b.id, wire::Error{id, {}}});
    EXPECT_EQ(pair.a.all<ReleaseFunding>().size(), 1U) << which;
    ASSERT_EQ(pair.a.all<Reply>().size(), 1U);
    EXPECT_TRUE(std::holds_alternative<CommandError>(pair.a.all<Reply>()[0].result));
  }
}

TEST(Opening, AnOpenChannelWhoseFundingIsMinedElsewhereGetsTheNewScidAndIsAnnouncedAnew) {
  Pair pair(Role::Server, Role::Server);
  pair.open();
  pair.mine({}, 5);
  auto before = *pair.a.only_channel().scid;
  ASSERT_EQ(pair.a.all<ChannelAnnounced>().size(), 1U);
  pair.disconnect_blocks(8);
  EXPECT_FALSE(pair.a.only_channel().usable);
  EXPECT_FALSE(pair.a.only_channel().scid.has_value());
  pair.mine({}, 2);
  pair.mine({pair.funding}, 6);
  for (auto* node : {&pair.a, &pair.b}) {
    const auto& view = node->only_channel();
    ASSERT_TRUE(view.usable && view.scid);
    EXPECT_EQ(view.scid->block(), before.block() + 2);
    auto announced = node->all<ChannelAnnounced>();
    ASSERT_EQ(announced.size(), 2U);
    EXPECT_EQ(announced[1].announcement.short_channel_id, *view.scid);
  }
  EXPECT_TRUE(pair.a.sent<wire::Warning>().empty() && pair.b.sent<wire::Warning>().empty());
}

TEST(Opening, AReorganisationOfAnOldChannelDoesNotMakeTheAccepterForgetIt) {
  Pair pair;
  pair.open();
  pair.mine({}, 2'100);
  pair.disconnect_blocks(2'103);
  pair.mine({}, 2'103);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
  EXPECT_TRUE(pair.b.all<ChannelClosed>().empty());
}

// ---- a funding that leaves the chain ----

TEST(Reorganised, a_channel_takes_no_htlc_until_its_funding_is_as_deep_again) {
  for (bool restart : {false, true}) {
    Pair pair;
    pair.open();
    pair.disconnect_blocks(3);
    EXPECT_EQ(pair.a.all<ChannelUnusable>().size(), 1U);
    auto refused = [&] {
      pair.a.said.clear();
      pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
      auto words = pair.a.all<HtlcRefused>();
      return words.size() == 1 && words[0].reason == AddRefusal::NotUsable;
    };
    EXPECT_TRUE(refused());
    EXPECT_TRUE(pair.a.only_channel().reorganised);
    EXPECT_NE(pair.a.only_channel().status.find("reorganised out of the chain"), std::string::npos);
    pair.mine({}, 50);  // without the funding
    EXPECT_TRUE(refused());
    pair.mine({pair.funding}, 2);
    EXPECT_TRUE(refused());
    if (restart) {
      pair.cut();
      pair.a.restart();
      pair.connect();
      pair.run();
      EXPECT_TRUE(refused());
    }
    pair.mine();
    EXPECT_TRUE(pair.a.only_channel().usable);
    EXPECT_FALSE(pair.a.only_channel().reorganised);
    EXPECT_EQ(pair.a.all<ChannelUsable>().size(), 1U);
    EXPECT_FALSE(refused());
  }
}

TEST(Reorganised, blocks_above_the_funding_change_nothing) {
  Pair pair;
  pair.open();
  pair.disconnect_blocks(2);
  EXPECT_TRUE(pair.a.only_channel().usable);
  pair.mine({}, 2);
  EXPECT_TRUE(pair.a.all<ChannelUnusable>().empty());
}

// ---- a funding that the backend refuses ----

TEST(RefusedFunding, frees_its_coins_and_ends_the_channel_also_if_it_was_closed_by_force) {
  for (bool force : {false, true}) {
    Pair pair;
    pair.connect();
    pair.start_opening();
    pair.run();
    auto txid = bitcoin::txid(pair.a.all<Broadcast>().at(0).transaction);
    if (force) pair.a.step(CommandReceived{9, command::CloseChannel{pair.id(), true}});
    pair.a.said.clear();
    pair.a.step(FundingRefused{txid, "mempool min fee not met"});
    ASSERT_EQ(pair.a.all<ReleaseFunding>().size(), 1U);
    EXPECT_EQ(pair.a.all<ReleaseFunding>()[0].txid, txid);
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Closed);
    EXPECT_NE(pair.a.only_channel().status.find("mempool min fee not met"), std::string::npos);
    pair.mine({}, 20);
    EXPECT_TRUE(pair.a.all<Broadcast>().empty());
  }
}

TEST(RefusedFunding, of_a_confirmed_channel_is_no_reason_to_end_it) {
  Pair pair;
  pair.open();
  pair.a.step(FundingRefused{bitcoin::txid(pair.funding), "bad-txns-inputs-missingorspent"});
  EXPECT_TRUE(pair.a.only_channel().usable);
}

// ---- key indexes ----

TEST(KeyIndexes, openings_that_fail_take_none_and_write_nothing) {
  Pair pair;
  pair.connect();
  for (int i = 0; i < 150; ++i) {
    for (auto* node : {&pair.a, &pair.b}) node->mono = after_ms(node->mono, kOpeningEveryMs);  // one allowed again
    pair.start_opening();
    pair.deliver(pair.a);
    auto accept = std::get<wire::AcceptChannel>(pair.b.outbox.back());
    pair.b.outbox.clear();
    pair.b.step(MessageReceived{pair.a.id, wire::Error{accept.temporary_channel_id, {}}});
    pair.a.step(MessageReceived{pair.b.id, wire::Error{accept.temporary_channel_id, {}}});
  }
  for (const auto* node : {&pair.a, &pair.b}) EXPECT_EQ(node->count(Table::Channel), 0U);
  pair.start_opening();
  pair.run();
  for (const auto* node : {&pair.a, &pair.b}) EXPECT_EQ(node->only_channel().key_index, 0U);
}

TEST(KeyIndexes, openings_under_way_have_different_ones_and_a_channel_keeps_its_own) {
  Pair pair;
  pair.connect();
  for (int i = 0; i < 3; ++i) pair.start_opening();
  pair.run();
  ASSERT_EQ(pair.a.channels.size(), 3U);
  for (const auto* node : {&pair.a, &pair.b}) {
    std::set<std::uint64_t> indexes;
    for (const auto& [id, view] : node->channels) indexes.insert(view.key_index);
    EXPECT_EQ(indexes, (std::set<std::uint64_t>{0, 1, 2}));
  }
  pair.cut();
  pair.b.restart();
  pair.connect();
  pair.run();
  pair.start_opening();
  pair.run();
  EXPECT_EQ(pair.b.channels.size(), 4U);
}

}  // namespace
}  // namespace doze::channel
