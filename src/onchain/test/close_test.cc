#include "onchain/close.h"

#include <gtest/gtest.h>

#include "bitcoin/script.h"
#include "crypto/crypto.h"

namespace doze::onchain {
namespace {

constexpr BlockHeight kClosed{100};
const Bytes kOurScript = bitcoin::p2wsh_script(Bytes{1});  // the wallet's
const Bytes kPeerScript = bitcoin::p2wsh_script(Bytes{2});
const Bytes kDelayed{3};  // a witness script

Preimage preimage(std::uint8_t number) {
  Preimage out;
  out.raw()[0] = number;
  return out;
}
PaymentHash hash(std::uint8_t number) {
  return crypto::payment_hash(preimage(number));
}
Txid txid(std::uint8_t number) {
  Txid out;
  out.bytes[0] = number;
  return out;
}

/// A commitment with a balance (output 0) and HTLCs behind it.
struct Closed {
  Close close;
  explicit Closed(Which which) {
    close.which = which;
    close.txid = txid(0xcc);
    close.height = kClosed;
    close.script = kOurScript;
    close.delayed_script = kDelayed;
    close.delay = 144;
    bool ours = which == Which::Ours, revoked = which == Which::Revoked;
    add(ours ? Kind::ToUsDelayed : revoked ? Kind::RevokedBalance : Kind::ToUs, Sat(50'000));
  }
  Outpoint add(Kind kind, Sat amount) {
    Outpoint at{close.txid, static_cast<std::uint32_t>(close.outputs.size())};
    close.outputs[at] = Output{.kind = kind, .amount = amount, .height = kClosed};
    return at;
  }
  Outpoint add_htlc(bool offered, std::uint64_t id, std::uint8_t number, Sat amount = Sat(10'000)) {
    bool revoked = close.which == Which::Revoked;
    auto at = add(revoked ? Kind::RevokedHtlc : offered ? Kind::HtlcOffered : Kind::HtlcReceived, amount);
    auto& output = close.outputs[at];
    output.htlc = commitment::HtlcId{offered, id};
    output.payment_hash = hash(number);
    output.cltv_expiry = CltvExpiry(150);
    if (offered) close.open[id] = Open{hash(number), at, false};
    return at;
  }
};

bitcoin::Transaction spend(const std::vector<Outpoint>& outpoints, const Bytes& script, bitcoin::Witness witness = {}) {
  bitcoin::Transaction out;
  for (const auto& outpoint : outpoints) {
    out.inputs.push_back({outpoint, {}, 0, witness});
    out.outputs.push_back({Sat(9'000), script});
  }
  return out;
}
bitcoin::Witness with(const Preimage& preimage) {
  return {Bytes(71, 1), to_bytes(preimage.reveal()), Bytes(130, 2)};
}
bitcoin::Transaction second_stage(const std::vector<Outpoint>& outpoints, bitcoin::Witness witness = {}) {
  return spend(outpoints, bitcoin::p2wsh_script(kDelayed), std::move(witness));
}
std::vector<std::uint64_t> failed(const std::vector<Outcome>& outcomes) {
  std::vector<std::uint64_t> out;
  for (const auto& outcome : outcomes)
    if (!outcome.preimage) out.push_back(outcome.id);
  return out;
}

// [B5-theirs-02, B5-ours-03]
TEST(Outcomes, a_preimage_in_the_peers_spend_fulfils_at_once_whichever_commitment_it_is) {
  for (auto which : {Which::Ours, Which::Theirs, Which::TheirsNext, Which::Revoked}) {
    Closed channel(which);
    auto htlc = channel.add_htlc(true, 7, 1);
    EXPECT_TRUE(see(channel.close, spend({htlc}, kPeerScript, with(preimage(1))), BlockHeight(101)));
    auto outcomes = take_outcomes(channel.close, BlockHeight(101));
    ASSERT_EQ(outcomes.size(), 1U) << name(which);
    EXPECT_EQ(outcomes[0].id, 7U);
    EXPECT_EQ(outcomes[0].preimage, preimage(1));
    EXPECT_TRUE(take_outcomes(channel.close, BlockHeight(300)).empty()) << "said once";
  }
}

// [B5-ours-04, B5-theirs-03]
TEST(Outcomes, our_timeout_is_believed_six_blocks_deep) {
  for (auto which : {Which::Ours, Which::Theirs}) {
    Closed channel(which);
    auto htlc = channel.add_htlc(true, 7, 1);
    see(channel.close, which == Which::Ours ? second_stage({htlc}) : spend({htlc}, kOurScript), BlockHeight(151));
    EXPECT_TRUE(take_outcomes(channel.close, BlockHeight(155)).empty());
    EXPECT_EQ(failed(take_outcomes(channel.close, BlockHeight(156))), std::vector<std::uint64_t>{7});
  }
}

TEST(Outcomes, a_spend_of_the_peers_without_a_preimage_says_nothing_about_an_htlc) {
  Closed channel(Which::Theirs);
  auto htlc = channel.add_htlc(true, 7, 1);
  see(channel.close, spend({htlc}, kPeerScript, with(preimage(2))), BlockHeight(101));
  EXPECT_TRUE(take_outcomes(channel.close, BlockHeight(1'000)).empty());
}

TEST(Outcomes, an_htlc_without_an_output_fails_at_once_if_no_commitment_has_one_and_six_deep_otherwise) {
  Closed channel(Which::Theirs);
  channel.close.open[1] = Open{hash(1), std::nullopt, false};
  channel.close.open[2] = Open{hash(2), std::nullopt, true};
  EXPECT_EQ(failed(take_outcomes(channel.close, BlockHeight(100))), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(take_outcomes(channel.close, BlockHeight(104)).empty());
  EXPECT_EQ(failed(take_outcomes(channel.close, BlockHeight(105))), std::vector<std::uint64_t>{2});
}

TEST(Outcomes, an_htlc_that_the_confirmed_commitment_lacks_is_fulfilled_by_any_preimage_that_is_known) {
  for (bool elsewhere : {false, true}) {
    Closed channel(Which::TheirsNext);
    channel.close.open[1] = Open{hash(1), std::nullopt, elsewhere};
    learn(channel.close, preimage(1));
    auto outcomes = take_outcomes(channel.close, BlockHeight(100));
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_TRUE(outcomes[0].preimage.has_value());
  }
}

TEST(Outcomes, after_a_revoked_commitment_htlcs_fail_six_deep_unless_a_preimage_was_seen) {
  Closed channel(Which::Revoked);
  channel.add_htlc(true, 1, 1);
  auto taken = channel.add_htlc(true, 2, 2);
  see(channel.close, second_stage({taken}, with(preimage(2))), BlockHeight(100));
  auto first = take_outcomes(channel.close, BlockHeight(100));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].preimage, preimage(2));
  EXPECT_EQ(failed(take_outcomes(channel.close, BlockHeight(105))), std::vector<std::uint64_t>{1});
}

TEST(Outcomes, of_two_htlcs_with_one_hash_each_has_its_own) {
  Closed channel(Which::Theirs);
  auto first = channel.add_htlc(true, 1, 1);
  channel.add_htlc(true, 2, 1);
  see(channel.close, spend({first}, kOurScript), BlockHeight(151));
  EXPECT_EQ(failed(take_outcomes(channel.close, BlockHeight(160))), std::vector<std::uint64_t>{1});
}

TEST(Reorganised, spends_go_with_their_block_and_a_preimage_stays_known) {
  Closed channel(Which::Theirs);
  auto htlc = channel.add_htlc(true, 7, 1), balance = Outpoint{channel.close.txid, 0};
  see(channel.close, spend({balance, htlc}, kOurScript), BlockHeight(151));
  EXPECT_TRUE(undo(channel.close, BlockHeight(151)));
  EXPECT_FALSE(channel.close.outputs.at(balance).spend.has_value());
  EXPECT_EQ(channel.close.height, kClosed);
  see(channel.close, spend({htlc}, kPeerScript, with(preimage(1))), BlockHeight(151));
  undo(channel.close, BlockHeight(100));
  EXPECT_EQ(channel.close.height, BlockHeight(0));
  EXPECT_TRUE(channel.close.preimages.contains(hash(1)));
  EXPECT_FALSE(undo(channel.close, BlockHeight(100)));
}

TEST(Reorganised, an_output_of_an_htlc_transaction_is_there_once_however_often_its_block_comes) {
  Closed channel(Which::Ours);
  auto htlc = channel.add_htlc(true, 7, 1);
  auto transaction = second_stage({htlc});
  Outpoint made{bitcoin::txid(transaction), 0};
  see(channel.close, transaction, BlockHeight(151));
  ASSERT_TRUE(channel.close.outputs.contains(made));
  EXPECT_FALSE(see(channel.close, transaction, BlockHeight(151)));
  undo(channel.close, BlockHeight(151));
  EXPECT_FALSE(channel.close.outputs.contains(made));
  see(channel.close, transaction, BlockHeight(153));
  EXPECT_EQ(channel.close.outputs.at(made).height, BlockHeight(153));
}

// [B5-pen-02]
TEST(Penalties, every_output_of_the_cheaters_htlc_transactions_is_found_in_a_batch_too) {
  Closed channel(Which::Revoked);
  std::vector<Outpoint> htlcs;
  for (std::uint8_t i = 1; i <= 3; ++i) htlcs.push_back(channel.add_htlc(i != 2, i, i));
  auto transaction = second_stage(htlcs);
  see(channel.close, transaction, BlockHeight(101));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto& made = channel.close.outputs.at({bitcoin::txid(transaction), i});
    EXPECT_EQ(made.kind, Kind::RevokedSecond);
    EXPECT_EQ(made.amount, Sat(9'000));
    EXPECT_EQ(made.witness_script, kDelayed);
    EXPECT_EQ(made.delay, 0);
  }
}

TEST(Received, an_htlc_is_ours_six_blocks_after_our_spend_and_lost_after_somebody_elses) {
  for (bool ours : {false, true}) {
    Closed channel(Which::Theirs);
    auto htlc = channel.add_htlc(false, 3, 1);
    EXPECT_EQ(received_outcome(channel.close, 3, BlockHeight(500)), std::nullopt);
    see(channel.close, spend({htlc}, ours ? kOurScript : kPeerScript), BlockHeight(110));
    EXPECT_EQ(received_outcome(channel.close, 3, BlockHeight(114)), std::nullopt);
    EXPECT_EQ(received_outcome(channel.close, 3, BlockHeight(115)), std::optional(ours));
    EXPECT_EQ(received_outcome(channel.close, 4, BlockHeight(115)), std::optional(false)) << "has no output";
  }
}

TEST(Resolved, a_channel_is_when_each_output_is_spent_a_hundred_blocks_deep) {
  Closed channel(Which::Theirs);
  auto htlc = channel.add_htlc(true, 7, 1), balance = Outpoint{channel.close.txid, 0};
  see(channel.close, spend({balance}, kOurScript), BlockHeight(101));
  EXPECT_FALSE(is_resolved(channel.close, BlockHeight(10'000)));
  see(channel.close, spend({htlc}, kPeerScript, with(preimage(1))), BlockHeight(120));
  EXPECT_FALSE(is_resolved(channel.close, BlockHeight(10'000))) << "its outcome was not told";
  EXPECT_EQ(take_outcomes(channel.close, BlockHeight(120)).size(), 1U);
  EXPECT_FALSE(is_resolved(channel.close, BlockHeight(218)));
  EXPECT_TRUE(is_resolved(channel.close, BlockHeight(219)));
}

TEST(Resolved, an_htlc_that_was_never_ours_does_not_keep_a_channel_for_ever) {
  Closed channel(Which::Theirs);
  channel.add_htlc(false, 3, 1);
  see(channel.close, spend({{channel.close.txid, 0}}, kOurScript), BlockHeight(101));
  EXPECT_FALSE(is_resolved(channel.close, BlockHeight(249)));
  EXPECT_TRUE(is_resolved(channel.close, BlockHeight(250)));
  learn(channel.close, preimage(1));
  EXPECT_FALSE(is_resolved(channel.close, BlockHeight(250)));
}

TEST(Sums, no_satoshi_is_in_two_of_them_or_in_none) {
  Closed channel(Which::Ours);
  auto offered = channel.add_htlc(true, 1, 1, Sat(10'000)), paid = channel.add_htlc(true, 2, 2, Sat(20'000));
  auto received = channel.add_htlc(false, 1, 3, Sat(30'000));
  auto is = [&](std::uint64_t pending, std::uint64_t at_risk, std::uint64_t claimed, std::uint64_t lost) {
    auto now = sums(channel.close);
    EXPECT_EQ(now.pending, Sat(pending));
    EXPECT_EQ(now.at_risk, Sat(at_risk));
    EXPECT_EQ(now.claimed, Sat(claimed));
    EXPECT_EQ(now.lost, Sat(lost));
  };
  is(50'000, 30'000, 0, 0);
  learn(channel.close, preimage(3));
  is(50'000, 60'000, 0, 0);
  see(channel.close, spend({paid}, kPeerScript, with(preimage(2))), BlockHeight(101));
  is(50'000, 40'000, 0, 0);
  auto timeout = second_stage({offered});
  see(channel.close, timeout, BlockHeight(151));
  is(59'000, 30'000, 0, 0);
  see(channel.close, spend({received}, kPeerScript), BlockHeight(152));
  is(59'000, 0, 0, 30'000);
  see(channel.close, spend({{bitcoin::txid(timeout), 0}}, kOurScript), BlockHeight(300));
  is(50'000, 0, 9'000, 30'000);
}

}  // namespace
}  // namespace doze::onchain
