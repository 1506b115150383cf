// Payments in both directions, holds, and what a peer may not do.
#include "onion/release_path.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// Both sides agree on the balances, and nothing is lost.
void expect_balances(const Pair& pair, Msat a, Msat b) {
  const auto &of_a = pair.a.only_channel(), &of_b = pair.b.only_channel();
  EXPECT_EQ(of_a.local_balance, a);
  EXPECT_EQ(of_a.remote_balance, b);
  EXPECT_EQ(of_b.local_balance, b);
  EXPECT_EQ(of_b.remote_balance, a);
  EXPECT_TRUE(of_a.offered_htlcs.empty() && of_a.received_htlcs.empty());
  EXPECT_TRUE(of_b.offered_htlcs.empty() && of_b.received_htlcs.empty());
}

// [B2-ready-03, B2-fwd-01, B2-rem-02, B2-sign-06, B2-rev-01]
TEST(Normal, AnHtlcIsAddedCommittedReceivedOnceAndSettled) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(50'000'000), 1));
  ASSERT_EQ(pair.a.all<HtlcAdded>().size(), 1U);
  EXPECT_EQ(pair.a.all<HtlcAdded>()[0].origin, HtlcOrigin(LocalOrigin{payment(1)}));
  EXPECT_EQ(pair.a.only_channel().offered_htlcs, std::set<std::uint64_t>{0});
  EXPECT_TRUE(pair.a.all<OfferedHtlcCommitted>().empty());
  pair.run();
  EXPECT_EQ(pair.a.all<OfferedHtlcCommitted>().size(), 1U);
  auto received = pair.b.all<HtlcReceived>();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].peer, pair.a.id);
  EXPECT_EQ(received[0].htlc.amount_msat, Msat(50'000'000));
  EXPECT_EQ(received[0].htlc.onion_routing_packet, Bytes(1366, 1));
  EXPECT_EQ(pair.b.only_channel().received_htlcs, std::set<std::uint64_t>{0});
  EXPECT_EQ(pair.a.only_channel().local_balance, Msat(650'000'000));
  pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
  pair.run();
  auto fulfilled = pair.a.all<HtlcFulfilled>();
  ASSERT_EQ(fulfilled.size(), 1U);
  EXPECT_TRUE(fulfilled[0].preimage == preimage(1));
  EXPECT_TRUE(pair.a.all<HtlcFailed>().empty());
  expect_balances(pair, Msat(650'000'000), Msat(350'000'000));
}

TEST(Normal, AReceivedHtlcIsGoneWhenBothCommitmentsAreWithoutItAndThatIsSaidOnce) {
  for (bool fulfilled : {true, false})
    for (bool cut : {false, true}) {
      Pair pair;
      pair.open();
      pair.a.step(pair.a.add(pair.id(), Msat(50'000'000), 1));
      pair.run();
      if (fulfilled)
        pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
      else
        pair.b.step(FailHtlc{pair.id(), 0, Bytes{1, 2, 3}});
      EXPECT_TRUE(pair.b.all<ReceivedHtlcGone>().empty());
      pair.deliver(pair.b);  // update and commitment_signed
      EXPECT_TRUE(pair.b.all<ReceivedHtlcGone>().empty());
      if (cut) {
        pair.cut();
        pair.b.restart();
        pair.connect();
      }
      pair.run();
      auto gone = pair.b.all<ReceivedHtlcGone>();
      ASSERT_EQ(gone.size(), 1U) << fulfilled << cut;
      EXPECT_EQ(gone[0].htlc_id, 0U);
      EXPECT_EQ(gone[0].fulfilled, fulfilled);
      EXPECT_TRUE(pair.a.all<ReceivedHtlcGone>().empty());
    }
}

// [B2-fwd-02]
TEST(Normal, FailuresGiveTheAmountBackAndSayWhy) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(50'000'000), 1));
  pair.a.step(pair.a.add(pair.id(), Msat(60'000'000), 2));
  pair.run();
  ASSERT_EQ(pair.b.all<HtlcReceived>().size(), 2U);
  pair.b.step(FailHtlc{pair.id(), 0, Bytes{1, 2, 3}});
  pair.b.step(FailMalformedHtlc{pair.id(), 1, Hash32{}, 0xc005});
  EXPECT_TRUE(pair.a.all<HtlcFailed>().empty());
  pair.run();
  auto failed = pair.a.all<HtlcFailed>();
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(std::get<Bytes>(failed[0].reason), (Bytes{1, 2, 3}));
  EXPECT_EQ(std::get<MalformedReason>(failed[1].reason).failure_code, 0xc005);
  expect_balances(pair, Msat(700'000'000), Msat(300'000'000));
}

// [B2-sign-01]
TEST(Normal, UpdatesOfOneStepShareACommitmentSigned) {
  Pair pair;
  pair.open();
  pair.b.on_received = [&](const HtlcReceived& word) -> std::vector<Input> {
    return {FailHtlc{word.channel_id, word.htlc.id, Bytes{9}}};
  };
  for (std::uint64_t i = 1; i <= 3; ++i) pair.a.step(pair.a.add(pair.id(), Msat(1'000'000), i));
  // The first step signs; the other two wait for the revocation and go together.
  EXPECT_EQ(pair.a.sent<wire::CommitmentSigned>().size(), 1U);
  pair.run();
  EXPECT_LE(pair.a.sent<wire::CommitmentSigned>().size(), 5U);
  EXPECT_EQ(pair.a.all<HtlcFailed>().size(), 3U);
  expect_balances(pair, Msat(700'000'000), Msat(300'000'000));
}

TEST(Normal, BothSidesPayAtOnce) {
  for (auto first : {true, false}) {
    Pair pair;
    pair.open();
    for (auto* node : {&pair.a, &pair.b})
      node->on_received = [](const HtlcReceived& word) -> std::vector<Input> {
        return {FulfillHtlc{word.channel_id, word.htlc.id, preimage(word.htlc.onion_routing_packet[0])}};
      };
    pair.a.step(pair.a.add(pair.id(), Msat(20'000'000), 1));
    pair.b.step(pair.b.add(pair.id(), Msat(30'000'000), 2));
    if (!first) pair.deliver(pair.b);
    pair.a.step(pair.a.add(pair.id(), Msat(1'000'000), 3));
    if (!first) pair.deliver(pair.b);
    pair.b.step(pair.b.add(pair.id(), Msat(2'000'000), 4));
    pair.run();
    EXPECT_EQ(pair.a.all<HtlcFulfilled>().size(), 2U);
    EXPECT_EQ(pair.b.all<HtlcFulfilled>().size(), 2U);
    expect_balances(pair, Msat(711'000'000), Msat(289'000'000));
  }
}

// [B2-add-01, B2-add-02]
TEST(Normal, ALargePushLeavesWhatTheViewSaysAndOneMoreIsRefused) {
  for (bool anchors : {true, false}) {
    Pair pair;
    pair.a.config.anchors = anchors;
    pair.open();
    auto refused = [](FakeNode& node) {
      auto all = node.all<HtlcRefused>();
      return all.empty() ? std::nullopt : std::optional(all.back().reason);
    };
    auto most = pair.a.only_channel().spendable;
    pair.a.step(pair.a.add(pair.id(), Msat(most.value() + 1), 1));
    EXPECT_EQ(refused(pair.a), AddRefusal::InsufficientFunds);
    EXPECT_EQ(pair.b.only_channel().receivable, most);
    pair.a.step(pair.a.add(pair.id(), most, 2));
    EXPECT_EQ(pair.a.all<HtlcAdded>().size(), 1U);
    pair.run();
    pair.b.step(FulfillHtlc{pair.id(), 0, preimage(2)});
    pair.run();
    EXPECT_EQ(pair.a.only_channel().local_balance.value(), 700'000'000 - most.value());
    EXPECT_LT(pair.a.only_channel().spendable, Msat(1'000));
    auto back = pair.b.only_channel().spendable;
    pair.b.step(pair.b.add(pair.id(), Msat(back.value() + 1), 3));
    EXPECT_EQ(refused(pair.b), AddRefusal::InsufficientFunds);
    pair.b.step(pair.b.add(pair.id(), back, 4));
    EXPECT_EQ(pair.b.all<HtlcAdded>().size(), 1U);
    pair.run();
    EXPECT_TRUE(pair.a.only_channel().usable);
    ASSERT_EQ(pair.a.all<HtlcReceived>().size(), 1U);
  }
}

/// BOLT 2: others close the channel when an HTLC of ours takes the opener below its reserve.
// [B2-add-03]
TEST(Normal, TheAccepterAddsNothingThatTheOpenerCannotPayFor) {
  Pair pair;
  pair.open();
  pair.b.on_received = [](const HtlcReceived& word) -> std::vector<Input> {
    return {FulfillHtlc{word.channel_id, word.htlc.id, preimage(1)}};
  };
  pair.a.step(pair.a.add(pair.id(), pair.a.only_channel().spendable, 1));
  pair.run();
  ASSERT_GT(pair.b.only_channel().spendable.value(), 0U);
  pair.a.step(FeeEstimate{FeeratePerKw(5'700)});  // one output more would cost A its reserve
  pair.run();
  ASSERT_EQ(pair.b.only_channel().feerate, FeeratePerKw(5'700));
  EXPECT_EQ(pair.b.only_channel().spendable, Msat(0));
  EXPECT_EQ(pair.a.only_channel().receivable, Msat(0));
  pair.b.step(pair.b.add(pair.id(), Msat(1'000'000), 2));
  ASSERT_EQ(pair.b.all<HtlcRefused>().size(), 1U);
  EXPECT_EQ(pair.b.all<HtlcRefused>()[0].reason, AddRefusal::InsufficientFunds);
  pair.a.step(FeeEstimate{FeeratePerKw(2'500)});
  pair.run();
  pair.b.step(pair.b.add(pair.id(), Msat(1'000'000), 3));
  EXPECT_EQ(pair.b.all<HtlcAdded>().size(), 1U);
}

// [B2-dust-02, B2-add-04, B2-add-05, B2-add-06]
TEST(Normal, AddsThatTheChannelCannotTakeAreRefusedWithTheReason) {
  Pair pair;
  auto reason = [&](AddHtlc add) {
    auto before = pair.a.all<HtlcRefused>().size();
    pair.a.step(add);
    auto all = pair.a.all<HtlcRefused>();
    return all.size() > before ? std::optional(all.back().reason) : std::nullopt;
  };
  EXPECT_EQ(reason(pair.a.add(ChannelId{}, Msat(1), 1)), AddRefusal::NotUsable);
  pair.open();
  EXPECT_EQ(reason(pair.a.add(pair.id(), Msat(0), 1)), AddRefusal::BelowMinimum);
  auto expired = pair.a.add(pair.id(), Msat(1000), 1);
  expired.cltv_expiry = CltvExpiry(pair.tip.value());
  EXPECT_EQ(reason(expired), AddRefusal::ExpiryTooSoon);
  expired.cltv_expiry = CltvExpiry(500'000'000);
  EXPECT_EQ(reason(expired), AddRefusal::ExpiryTooFar);
  for (std::uint64_t i = 0; i < 15; ++i) EXPECT_FALSE(reason(pair.a.add(pair.id(), Msat(330'000), i)));
  EXPECT_EQ(reason(pair.a.add(pair.id(), Msat(330'000), 20)), AddRefusal::DustExposure);
  pair.cut();
  EXPECT_EQ(reason(pair.a.add(pair.id(), Msat(1'000'000), 21)), AddRefusal::NotUsable);
}

// [B2-sign-02]
TEST(Normal, ThereAreAtMost483HtlcsAndTheirTransactionsHold) {
  Pair pair;
  pair.open(Sat(10'000'000), Msat(0));
  for (std::uint64_t i = 0; i < 484; ++i) pair.a.step(pair.a.add(pair.id(), Msat(1'000'000), i));
  EXPECT_EQ(pair.a.all<HtlcAdded>().size(), 483U);
  ASSERT_EQ(pair.a.all<HtlcRefused>().size(), 1U);
  EXPECT_EQ(pair.a.all<HtlcRefused>()[0].reason, AddRefusal::TooManyHtlcs);
  EXPECT_EQ(pair.a.only_channel().spendable, Msat(0));
  pair.run();
  EXPECT_EQ(pair.b.all<HtlcReceived>().size(), 483U);
  EXPECT_EQ(pair.b.only_channel().received_htlcs.size(), 483U);
  // Channel rows stay small: onions are in them only until they are handed over.
  for (const auto* node : {&pair.a, &pair.b})
    for (const auto& [key, value] : node->rows) EXPECT_LT(value.size(), 200'000U);
}

TEST(Normal, BothSidesMayHave483HtlcsAtOnce) {
  Pair pair;
  pair.open(Sat(10'000'000), Msat(1'000'000'000));
  for (std::uint64_t i = 0; i < 483; ++i) pair.a.step(pair.a.add(pair.id(), Msat(1'000'000), i));
  pair.b.step(pair.b.add(pair.id(), Msat(1'000'000), 999));
  pair.run();
  EXPECT_EQ(pair.a.all<HtlcReceived>().size(), 1U);
  std::size_t most = 0;
  for (const auto* node : {&pair.a, &pair.b})
    for (const auto& message : node->sent<wire::CommitmentSigned>())
      most = std::max(most, message.htlc_signatures.size());
  EXPECT_EQ(most, 484U);
  EXPECT_TRUE(pair.a.only_channel().usable && pair.b.only_channel().usable);
}

// ---- holds ----

// [AP-hold-06]
TEST(Hold, TheSecondRevocationOfARoundCarriesPathsForTheHeldHtlc) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    Pair pair;
    pair.open();
    pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1));  // an ordinary one
    pair.run();
    pair.b.step(pair.b.add(pair.id(), Msat(7'000'000), 2, profile));
    pair.run();
    auto received = pair.a.all<HtlcReceived>();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_FALSE(received[0].htlc.hold_htlc);
    EXPECT_EQ(received[1].htlc.hold_htlc, profile);
    auto released = pair.b.all<ReleasePathsReceived>();
    ASSERT_EQ(released.size(), 1U);
    EXPECT_EQ(released[0].htlc_id, 1U);
    EXPECT_EQ(released[0].origin, HtlcOrigin(LocalOrigin{payment(2)}));
    EXPECT_EQ(released[0].paths,
              onion::release_paths(pair.a.signer->secret(SecretUse::ReleasePath), pair.a.id, {pair.id(), 1}, profile));
    EXPECT_EQ(pair.b.all<OfferedHtlcCommitted>().size(), 2U);
    // The paths are in the message that answers the commitment_signed with the HTLC, in no other.
    std::size_t with_paths = 0;
    for (const auto& message : pair.a.sent<wire::RevokeAndAck>()) with_paths += message.release_paths.empty() ? 0 : 1;
    EXPECT_EQ(with_paths, 1U);
  }
}

TEST(Hold, LdksFormNamesTheHtlcSoThatManyShareARound) {
  Pair pair;
  pair.open();
  for (std::uint64_t i = 1; i <= 4; ++i)
    pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), i, i == 3 ? std::nullopt : std::optional(Profile::Ldk)));
  pair.run();
  auto released = pair.b.all<ReleasePathsReceived>();
  ASSERT_EQ(released.size(), 3U);
  EXPECT_EQ(released[0].htlc_id, 0U);
  EXPECT_EQ(released[1].htlc_id, 1U);
  EXPECT_EQ(released[2].htlc_id, 3U);
}

TEST(Hold, TheDraftsFormHoldsOneHtlcARound) {
  Pair pair;
  pair.open();
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1, Profile::Draft));
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 2, Profile::Draft));
  ASSERT_EQ(pair.b.all<HtlcRefused>().size(), 1U);
  EXPECT_EQ(pair.b.all<HtlcRefused>()[0].reason, AddRefusal::HoldLimit);
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 3));  // an ordinary one is no problem
  EXPECT_EQ(pair.b.all<HtlcAdded>().size(), 2U);
  pair.run();
  EXPECT_EQ(pair.b.all<ReleasePathsReceived>().size(), 1U);
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 4, Profile::Draft));
  pair.run();
  EXPECT_EQ(pair.b.all<ReleasePathsReceived>().size(), 2U);
}

// [AP-hold-07]
TEST(Hold, PathsForAnHtlcWithoutTheFlagAreIgnored) {
  Pair pair;
  pair.open();
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1));
  for (int i = 0; i < 2; ++i) pair.deliver(pair.b);
  auto& message = std::get<wire::RevokeAndAck>(pair.a.outbox.front());
  for (const auto& path : onion::release_paths(Secret{}, pair.a.id, {pair.id(), 0}, Profile::Ldk))
    message.release_paths.push_back({0, path, Profile::Ldk});
  pair.run();
  EXPECT_TRUE(pair.b.all<ReleasePathsReceived>().empty());
  EXPECT_EQ(pair.b.all<OfferedHtlcCommitted>().size(), 1U);
}

// ---- fees ----

// [B2-fee-01]
TEST(Fees, TheOpenerFollowsTheEstimateWhenItDiffersALot) {
  Pair pair;
  pair.open();
  auto before = pair.a.only_channel().feerate;
  pair.a.step(FeeEstimate{FeeratePerKw(before.value() + before.value() / 8)});
  EXPECT_TRUE(pair.a.sent<wire::UpdateFee>().empty());
  pair.b.step(FeeEstimate{FeeratePerKw(before.value() * 2)});  // not the opener
  EXPECT_TRUE(pair.b.sent<wire::UpdateFee>().empty());
  pair.a.step(FeeEstimate{FeeratePerKw(before.value() * 2)});
  pair.a.step(FeeEstimate{FeeratePerKw(before.value() * 2)});
  EXPECT_EQ(pair.a.sent<wire::UpdateFee>().size(), 1U);
  pair.run();
  EXPECT_EQ(pair.a.only_channel().feerate.value(), before.value() * 2);
  EXPECT_EQ(pair.b.only_channel().feerate.value(), before.value() * 2);
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 1));
  pair.run();
  EXPECT_EQ(pair.a.all<HtlcReceived>().size(), 1U);
}

TEST(Fees, an_estimate_that_came_while_the_peers_were_apart_is_followed_when_they_meet) {
  Pair pair;
  pair.open();
  auto before = pair.a.only_channel().feerate;
  pair.cut();
  pair.a.restart();
  pair.a.step(FeeEstimate{FeeratePerKw(before.value() * 2)});  // a daemon asks before it dials
  pair.connect();
  pair.run();
  EXPECT_EQ(pair.a.sent<wire::UpdateFee>().size(), 1U);
  EXPECT_EQ(pair.a.only_channel().feerate.value(), before.value() * 2);
  EXPECT_EQ(pair.b.only_channel().feerate.value(), before.value() * 2);
}

TEST(Fees, an_estimate_beyond_all_reason_is_cut_to_what_a_peer_takes_too) {
  Pair pair;
  pair.open();
  pair.a.step(FeeEstimate{FeeratePerKw(4'000'000'000)});
  pair.run();
  EXPECT_EQ(pair.b.only_channel().feerate, kMaxFeerate);
  EXPECT_TRUE(pair.a.only_channel().usable && pair.b.only_channel().usable);
}

TEST(Fees, an_estimate_beyond_all_reason_neither_opens_nor_closes_at_any_price) {
  Pair opening;
  opening.connect();
  opening.a.step(FeeEstimate{FeeratePerKw(4'000'000'000)});
  opening.start_opening();
  EXPECT_EQ(opening.a.sent<wire::OpenChannel>().at(0).feerate_per_kw, kMaxFeerate);
  EXPECT_EQ(opening.a.sent<wire::OpenChannel>().size(), 1U);

  Pair closing;
  closing.open();
  closing.a.step(FeeEstimate{FeeratePerKw(4'000'000'000)});
  closing.run();
  command::CloseChannel close;
  close.channel_id = closing.id();
  close.address = address(bitcoin::p2wpkh_script(closing.a.signer->wallet_key(false, 7)));
  closing.a.step(CommandReceived{3, close});
  closing.run();
  auto sent = closing.a.sent<wire::ClosingSigned>();
  ASSERT_FALSE(sent.empty());
  EXPECT_LT(sent[0].fee_satoshis, Sat(200'000));  // of 700,000
}

// LDK takes the top of the range if the other side pays.
// [B2-clos-02]
TEST(Closing, the_opener_offers_at_most_twice_the_fee_that_it_wants) {
  Pair pair;
  pair.open();
  command::CloseChannel close;
  close.channel_id = pair.id();
  auto script = bitcoin::p2wpkh_script(pair.a.signer->wallet_key(false, 7));
  close.address = address(script);
  pair.a.step(CommandReceived{3, close});
  pair.run();
  auto sent = pair.a.sent<wire::ClosingSigned>();
  ASSERT_FALSE(sent.empty());
  ASSERT_TRUE(sent[0].fee_range);
  EXPECT_LE(sent[0].fee_range->max_fee_satoshis.value(), 2 * sent[0].fee_satoshis.value());
  EXPECT_FALSE(pair.a.all<Broadcast>().empty());
}

// ---- what a peer may not do: it ends the connection, or the channel with an error and our commitment ----

struct Violation {
  const char* what;
  std::function<void(Pair&)> act;  // puts the bad message into A's outbox
  const char* words = "";          // of the warning
};

class HungUp : public ::testing::TestWithParam<Violation> {};

// Where BOLT 2 leaves the choice: nothing of a channel is lost by a peer's mistake that it may mend.
// [B2-add-09, B2-add-10, B2-add-11, B2-add-12, B2-rem-08, B2-rem-09, B2-rem-10, B2-sign-05, B2-fee-03, B2-fee-05]
TEST_P(HungUp, EndsTheConnectionAndTheChannelGoesOn) {
  Pair pair;
  pair.open();
  GetParam().act(pair);
  ASSERT_FALSE(pair.a.outbox.empty());
  for (int i = 0; i < 20 && !pair.b.dropped && pair.deliver(pair.a); ++i) {
  }
  EXPECT_TRUE(pair.b.dropped);
  auto warnings = pair.b.sent<wire::Warning>();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].channel_id, pair.id());
  std::string said(warnings[0].data.begin(), warnings[0].data.end());
  EXPECT_NE(said.find(GetParam().words), std::string::npos) << said;
  EXPECT_TRUE(pair.b.sent<wire::Error>().empty() && pair.b.all<Broadcast>().empty());
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
  pair.cut();
  pair.connect();
  pair.run();
  EXPECT_TRUE(pair.a.only_channel().usable && pair.b.only_channel().usable);
  EXPECT_TRUE(pair.b.loaded().has_value());
}

class Broken : public ::testing::TestWithParam<Violation> {};

// [B2-rev-02]
TEST_P(Broken, EndsTheChannel) {
  Pair pair;
  pair.open();
  GetParam().act(pair);
  ASSERT_FALSE(pair.a.outbox.empty());
  for (int i = 0; i < 20 && pair.deliver(pair.a); ++i) {
  }
  auto errors = pair.b.sent<wire::Error>();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].channel_id, pair.id());
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::ForceClosing);
  auto broadcast = pair.b.all<Broadcast>();
  ASSERT_EQ(broadcast.size(), 1U);
  EXPECT_TRUE(pair.spends_funding(broadcast[0].transaction));
  EXPECT_EQ(pair.b.all<ChannelUnusable>().size(), 1U);
}

template <class M>
M& first(Pair& pair) {
  for (auto& message : pair.a.outbox)
    if (auto* found = std::get_if<M>(&message)) return *found;
  ADD_FAILURE() << "no such message";
  static M none;
  return none;
}

template <class Change>
Violation bad_add(const char* what, Change change, const char* words = "") {
  return {what,
          [change](Pair& pair) {
            pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
            change(first<wire::UpdateAddHtlc>(pair), pair);
          },
          words};
}

/// B holds an HTLC of A's, A holds one of B's (id 0 each), both committed.
void with_one_htlc_each(Pair& pair) {
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 2));
  pair.run();
}

INSTANTIATE_TEST_SUITE_P(
    Rules, HungUp,
    ::testing::Values(bad_add("id_skipped", [](auto& m, auto&) { m.id = 1; }),
                      bad_add("amount_zero", [](auto& m, auto&) { m.amount_msat = Msat(0); }),
                      bad_add("above_balance", [](auto& m, auto&) { m.amount_msat = Msat(800'000'000); }),
                      bad_add("below_reserve", [](auto& m, auto&) { m.amount_msat = Msat(691'000'000); }),
                      bad_add("fee_not_payable", [](auto& m, auto&) { m.amount_msat = Msat(689'500'000); }),
                      bad_add("expiry_is_a_time", [](auto& m, auto&) { m.cltv_expiry = CltvExpiry(500'000'000); }),
                      bad_add("other_amount_than_signed", [](auto& m, auto&) { m.amount_msat = Msat(6'000'000); }),
                      bad_add("other_hash_than_signed", [](auto& m, auto&) { m.payment_hash.bytes[0] ^= 1; }),
                      bad_add("commitment_signature",
                              [](auto&, Pair& pair) { first<wire::CommitmentSigned>(pair).signature.bytes[40] ^= 1; }),
                      bad_add(
                          "htlc_signature",
                          [](auto&, Pair& pair) {
                            first<wire::CommitmentSigned>(pair).htlc_signatures.at(0).bytes[40] ^= 1;
                          },
                          "htlc_signature 1 of 1"),
                      bad_add(
                          "htlc_signature_missing",
                          [](auto&, Pair& pair) { first<wire::CommitmentSigned>(pair).htlc_signatures.clear(); },
                          "0 htlc_signatures, expected 1"),
                      Violation{"revocation_out_of_the_blue",
                                [](Pair& pair) {
                                  wire::RevokeAndAck message;
                                  message.channel_id = pair.id();
                                  message.next_per_commitment_point = pair.a.id;
                                  pair.a.outbox.emplace_back(message);
                                }},
                      Violation{"settles_what_does_not_exist",
                                [](Pair& pair) {
                                  pair.a.outbox.emplace_back(wire::UpdateFulfillHtlc{pair.id(), 0, preimage(2), {}});
                                }},
                      Violation{"wrong_preimage",
                                [](Pair& pair) {
                                  with_one_htlc_each(pair);
                                  pair.a.outbox.emplace_back(wire::UpdateFulfillHtlc{pair.id(), 0, preimage(99), {}});
                                }},
                      Violation{"removes_twice",
                                [](Pair& pair) {
                                  with_one_htlc_each(pair);
                                  pair.a.outbox.emplace_back(wire::UpdateFailHtlc{pair.id(), 0, {}, {}});
                                  pair.a.outbox.emplace_back(wire::UpdateFulfillHtlc{pair.id(), 0, preimage(2), {}});
                                }},
                      Violation{"malformed_without_badonion",
                                [](Pair& pair) {
                                  with_one_htlc_each(pair);
                                  pair.a.outbox.emplace_back(wire::UpdateFailMalformedHtlc{pair.id(), 0, {}, 5});
                                },
                                "failure_code 5 without BADONION"},
                      Violation{"removes_before_committed",
                                [](Pair& pair) {
                                  pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 2));
                                  pair.a.outbox.emplace_back(wire::UpdateFailHtlc{pair.id(), 0, {}, {}});
                                }},
                      Violation{"feerate_too_low",
                                [](Pair& pair) {
                                  pair.a.outbox.emplace_back(wire::UpdateFee{pair.id(), FeeratePerKw(100)});
                                }},
                      Violation{"feerate_too_high",
                                [](Pair& pair) {
                                  pair.a.outbox.emplace_back(wire::UpdateFee{pair.id(), FeeratePerKw(300'000)});
                                }}),
    [](const auto& info) { return std::string(info.param.what); });

INSTANTIATE_TEST_SUITE_P(Rules, Broken,
                         ::testing::Values(Violation{"wrong_secret",
                                                     [](Pair& pair) {
                                                       pair.b.step(pair.b.add(pair.id(), Msat(5'000'000), 2));
                                                       while (pair.deliver(pair.b)) {
                                                       }
                                                       first<wire::RevokeAndAck>(pair).per_commitment_secret.raw()[5] ^=
                                                           1;
                                                     }}),
                         [](const auto& info) { return std::string(info.param.what); });

// [B2-fee-02, B2-fee-04]
TEST(BrokenByTheAccepter, OnlyTheOpenerChangesTheFee) {
  Pair pair;
  pair.open();
  pair.b.outbox.emplace_back(wire::UpdateFee{pair.id(), FeeratePerKw(5'000)});
  pair.deliver(pair.b);
  EXPECT_TRUE(pair.a.dropped);
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::Normal);
  EXPECT_EQ(pair.a.sent<wire::Warning>().size(), 1U);
  EXPECT_TRUE(pair.a.sent<wire::Error>().empty());
}

TEST(BrokenByTheAccepter, AMessageAboutAnUnknownChannelIsAnsweredWithAnErrorAndHurtsNoChannel) {
  Pair pair;
  pair.open();
  auto unknown = pair.id();
  unknown.bytes[0] ^= 1;
  pair.a.outbox.emplace_back(wire::UpdateFailHtlc{unknown, 0, {}, {}});
  pair.deliver(pair.a);
  ASSERT_EQ(pair.b.sent<wire::Error>().size(), 1U);
  EXPECT_TRUE(pair.b.only_channel().usable);
}

}  // namespace
}  // namespace doze::channel
