// Every row of what can be claimed: the claim is built, signed, and tried in blocks.
#include "commitment/claims.h"

#include <set>

#include "commitment/limits.h"
#include "commitment/scripts.h"
#include "scene.h"

namespace doze::commitment {
namespace {

using Kind = OutputKind;
using Path = SpendPath;
using Refusal = ClaimRefusal::Code;

void each_scene(const std::function<void(Scene&)>& test) {
  for (auto format : kFormats)
    for (bool we_opened : {true, false}) {
      SCOPED_TRACE(std::string(name(format)) + (we_opened ? ", ours" : ", theirs"));
      Scene scene(format, we_opened);
      scene.add_usual();
      test(scene);
    }
}

/// A block one too early refuses it, the first one that may have it takes it; the weight is within the estimate.
void expect_in_time(const Scene& scene, const Unsigned& claim, BlockHeight from, BlockHeight parent) {
  EXPECT_EQ(scene.chain.refusal(claim.transaction, from), "");
  if (from > parent) {
    EXPECT_NE(scene.chain.refusal(claim.transaction, BlockHeight(from.value() - 1)), "");
  }
  auto weight = bitcoin::weight(claim.transaction);
  EXPECT_LE(weight, claim.weight);
  EXPECT_GE(weight + 4 * claim.transaction.inputs.size(), claim.weight);  // signatures of 70 bytes are rare
  EXPECT_EQ(scene.chain.fee(claim.transaction), claim.fee);
  for (const auto& input : claim.transaction.inputs) EXPECT_LE(input.sequence, kSequenceReplaceable);
}

/// With less than what the script asks of nSequence and nLockTime no block takes it.
void expect_locks_matter(const Scene& scene, const Claim& claim, const PublishedCommitment& published,
                         const Unsigned& good) {
  auto sign_again = [&](bitcoin::Transaction tx) {
    if (is_second_stage(claim.path)) return tx;  // what the peer signed
    sign_claims(tx, std::vector{claim}, published, *scene.us.signer);
    return tx;
  };
  auto tx = good.transaction;
  auto& sequence = tx.inputs[0].sequence;
  if (sequence != kSequenceReplaceable) {
    for (std::uint32_t wrong : {sequence == 0 ? 1 : sequence - 1, 0xffff'fffeU}) {
      sequence = wrong;
      EXPECT_NE(scene.chain.refusal(sign_again(tx), BlockHeight(5'000)), "") << wrong;
    }
  }
  tx = good.transaction;
  if (tx.locktime > 0) {
    tx.locktime -= 1;
    EXPECT_NE(scene.chain.refusal(sign_again(tx), BlockHeight(5'000)), "");
  }
}

/// Claims all that is ours in a commitment; gives how many of each path.
std::map<Path, int> claim_all(Scene& scene, const bitcoin::Transaction& tx) {
  auto published = scene.publish(tx);
  std::map<Path, int> out;
  for (const auto& output : outputs_of(scene.us.c, published, scene.log, tx)) {
    SCOPED_TRACE(name(output.kind));
    auto claim = claim_of(output, preimage_of(output));
    if (!claim || output.kind == Kind::AnchorOurs || output.kind == Kind::AnchorShared) continue;
    ++out[claim->path];
    auto from = *claimable_from(*claim, Scene::kClosed);
    auto built = claim_alone(*claim, published, scene.us, scene.chain);
    expect_in_time(scene, built, from, Scene::kClosed);
    expect_locks_matter(scene, *claim, published, built);
    if (!is_second_stage(claim->path)) continue;
    scene.chain.add(built.transaction, from);
    auto second = outputs_of_second_stage(scene.us.c.params, published, std::vector{output}, built.transaction);
    EXPECT_EQ(second.size(), 1U);
    if (second.empty()) continue;
    EXPECT_EQ(second[0].kind, Kind::ToUsDelayed);
    EXPECT_EQ(second[0].htlc, output.htlc);
    auto last = claim_of(second[0]);
    EXPECT_TRUE(last.has_value());
    if (!last) continue;
    auto last_from = *claimable_from(*last, from);
    EXPECT_EQ(last_from.value(), from.value() + Scene::kOurDelay);
    auto last_built = claim_alone(*last, published, scene.us, scene.chain);
    expect_in_time(scene, last_built, last_from, from);
    expect_locks_matter(scene, *last, published, last_built);
  }
  return out;
}

// [B5-ours-01, B5-ours-02, B5-ours-03, B5-ours-05]
TEST(Claims, of_our_commitment_are_valid_from_their_first_block_on) {
  each_scene([](Scene& scene) {
    auto tx = commitment_of(scene.us);
    EXPECT_EQ(claim_all(scene, tx),
              (std::map<Path, int>{{Path::Delayed, 1}, {Path::HtlcTimeout, 3}, {Path::HtlcSuccess, 2}}));
    for (const auto& output : outputs_of(scene.us.c, scene.publish(tx), {}, tx)) {
      auto claim = claim_of(output, preimage_of(output));
      auto lock = has_own_anchors(scene.us.c.params.format) ? 1U : 0U;
      if (output.kind == Kind::HtlcOffered) {
        EXPECT_EQ(claimable_from(*claim, Scene::kClosed), BlockHeight(output.htlc->cltv_expiry.value() + 1));
        EXPECT_EQ(sequence_of(*claim), lock);
        EXPECT_EQ(locktime_of(*claim), output.htlc->cltv_expiry.value());
      }
      if (output.kind == Kind::HtlcReceived) {
        EXPECT_EQ(claimable_from(*claim, Scene::kClosed), BlockHeight(Scene::kClosed.value() + lock));
        EXPECT_EQ(sequence_of(*claim), lock);
        EXPECT_EQ(locktime_of(*claim), 0U);
      }
    }
  });
}

// [B5-theirs-02, B5-theirs-04]
TEST(Claims, of_the_peers_commitments_are_valid_from_their_first_block_on) {
  each_scene([](Scene& scene) {
    std::map<Path, int> expected{{Path::Payment, 1}, {Path::ByTimeout, 3}, {Path::ByPreimage, 2}};
    auto current = commitment_of(scene.peer);
    EXPECT_EQ(claim_all(scene, current), expected);
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    auto message = scene.two.commit(scene.us);
    ASSERT_TRUE(receive(scene.peer.c, message, *scene.peer.signer, scene.two.parallel).has_value());
    EXPECT_EQ(claim_all(scene, current), expected);
    expected[Path::ByTimeout] = 4;
    EXPECT_EQ(claim_all(scene, commitment_of(scene.peer)), expected);
  });
}

// [B5-pen-02]
TEST(Claims, of_a_revoked_commitment_take_everything_at_once) {
  each_scene([](Scene& scene) {
    auto tx = commitment_of(scene.peer);
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    EXPECT_EQ(claim_all(scene, tx),
              (std::map<Path, int>{{Path::Payment, 1}, {Path::Penalty, 1}, {Path::PenaltyHtlc, 5}}));
    auto published = scene.publish(tx);
    for (const auto& output : outputs_of(scene.us.c, published, scene.log, tx)) {
      auto claim = claim_of(output);
      if (!claim || claim->path == Path::Payment) continue;
      EXPECT_EQ(claimable_from(*claim, Scene::kClosed), Scene::kClosed);  // in the block of the commitment
      EXPECT_TRUE(claimable_from(*claim, std::nullopt));
    }
  });
}

// [B5-pen-02]
TEST(Claims, take_what_the_peers_htlc_transactions_of_a_revoked_commitment_pay_however_they_are_batched) {
  each_scene([](Scene& scene) {
    auto cheat = scene.peer.c;
    auto tx = own_commitment(cheat, *scene.peer.signer);
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    auto published = scene.publish(tx);
    ASSERT_EQ(published.whose, WhoseCommitment::Revoked);
    auto ours = outputs_of(scene.us.c, published, scene.log, tx);
    auto theirs_published = *identify(cheat, *scene.peer.signer, tx);
    ASSERT_EQ(theirs_published.whose, WhoseCommitment::Ours);
    std::vector<Claim> successes;
    for (const auto& output : outputs_of(cheat, theirs_published, {}, tx))
      if (auto claim = claim_of(output, preimage_of(output)); claim && claim->path == Path::HtlcSuccess)
        successes.push_back(*claim);
    ASSERT_EQ(successes.size(), 3U);
    bool batched = scene.us.c.params.format != CommitmentFormat::StaticRemotekey;
    if (!batched) successes.resize(1);
    Purse purse;
    std::vector<Coin> coins;
    if (batched) coins.push_back(purse.coin(scene.chain, 150, Sat(50'000)));
    auto spend = build_second_stage(successes, coins, purse.script, kUsualFee);
    ASSERT_TRUE(spend.has_value());
    sign_claims(spend->transaction, successes, theirs_published, *scene.peer.signer, coins, purse.signer());
    BlockHeight second(Scene::kClosed.value() + 1);
    ASSERT_EQ(scene.chain.refusal(spend->transaction, second), "");
    scene.chain.add(spend->transaction, second);
    auto found = outputs_of_second_stage(scene.us.c.params, published, ours, spend->transaction);
    ASSERT_EQ(found.size(), successes.size());  // the peer's change is not among them
    EXPECT_EQ(preimages_in(spend->transaction, ours).size(), successes.size());
    std::vector<Claim> penalties;
    for (const auto& output : found) {
      EXPECT_EQ(output.kind, Kind::RevokedToLocal);
      EXPECT_EQ(output.csv_delay, Scene::kTheirDelay);
      EXPECT_EQ(peer_can_spend_from(output, second), BlockHeight(second.value() + Scene::kTheirDelay));
      auto claim = claim_of(output);
      ASSERT_TRUE(claim.has_value());
      penalties.push_back(*claim);
      EXPECT_EQ(penalties.back().path, Path::Penalty);
    }
    auto penalty = build_claims(penalties, purse.script, kUsualFee);
    ASSERT_TRUE(penalty.has_value());
    sign_claims(penalty->transaction, penalties, published, *scene.us.signer);
    expect_in_time(scene, *penalty, second, second);
    // The same transaction of a commitment that is not revoked pays to the peer alone.
    auto peers = outputs_of_second_stage(
        scene.us.c.params, {WhoseCommitment::Theirs, published.number, published.point, {}}, ours, spend->transaction);
    for (const auto& output : peers) EXPECT_FALSE(claim_of(output));
  });
}

TEST(Claims, of_a_commitment_that_we_do_not_know_take_our_balance) {
  each_scene([](Scene& scene) {
    auto now = scene.us.c;
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    scene.us.c = now;  // restored
    EXPECT_EQ(claim_all(scene, commitment_of(scene.peer)), (std::map<Path, int>{{Path::Payment, 1}}));
  });
}

TEST(Claims, of_our_balance_wait_for_our_delay_when_another_copy_of_this_node_closed) {
  each_scene([](Scene& scene) {
    auto now = scene.us.c;
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    auto newer = commitment_of(scene.us);
    scene.us.c = now;
    EXPECT_EQ(claim_all(scene, newer), (std::map<Path, int>{{Path::Delayed, 1}}));
  });
}

// [B5-ours-06]
TEST(Claims, of_received_htlcs_need_a_preimage_with_their_hash) {
  each_scene([](Scene& scene) {
    for (const auto* side : {&scene.us, &scene.peer}) {
      auto tx = commitment_of(*side);
      int received = 0;
      for (const auto& output : outputs_of(scene.us.c, scene.publish(tx), {}, tx)) {
        if (output.kind != Kind::HtlcReceived) continue;
        ++received;
        EXPECT_FALSE(claim_of(output));
        EXPECT_FALSE(claim_of(output, preimage(Scene::kOffered)));
        EXPECT_TRUE(claim_of(output, preimage(Scene::kReceived)));
      }
      EXPECT_EQ(received, 2);
    }
  });
}

TEST(Claims, together_in_one_transaction_pay_one_script) {
  each_scene([](Scene& scene) {
    auto tx = commitment_of(scene.peer);
    auto published = scene.publish(tx);
    std::vector<Claim> claims;
    for (const auto& output : outputs_of(scene.us.c, published, scene.log, tx))
      if (auto claim = claim_of(output, preimage_of(output)); claim && output.kind != Kind::AnchorOurs)
        claims.push_back(*claim);
    Purse purse;
    auto built = build_claims(claims, purse.script, kUsualFee);
    ASSERT_TRUE(built.has_value());
    EXPECT_EQ(built->transaction.locktime, 510U);  // the last of those that time out
    sign_claims(built->transaction, claims, published, *scene.us.signer);
    expect_in_time(scene, *built, BlockHeight(511), Scene::kClosed);
  });
}

TEST(Claims, of_several_channels_in_one_transaction_are_signed_one_by_one) {
  Purse purse;
  std::vector<Scene> scenes;
  scenes.reserve(2);
  scenes.emplace_back(CommitmentFormat::StaticRemotekey, true);
  scenes.emplace_back(CommitmentFormat::AnchorsZeroFeeHtlc, false);
  std::vector<Claim> claims;
  std::vector<PublishedCommitment> published;
  Chain chain;
  for (auto& scene : scenes) {
    scene.add_usual();
    auto tx = commitment_of(scene.peer);
    published.push_back(scene.publish(tx));
    chain.add(tx, Scene::kClosed);
    for (const auto& output : outputs_of(scene.us.c, published.back(), {}, tx))
      if (output.kind == Kind::ToUs) claims.push_back(*claim_of(output));
  }
  ASSERT_EQ(claims.size(), 2U);
  auto built = build_claims(claims, purse.script, kUsualFee);
  ASSERT_TRUE(built.has_value());
  bitcoin::SegwitHashes hashes(built->transaction);
  for (std::size_t i = 0; i < 2; ++i)
    built->transaction.inputs[i].witness =
        claim_witness(claims[i], published[i], *scenes[i].us.signer, built->transaction, hashes, i);
  EXPECT_EQ(chain.refusal(built->transaction, BlockHeight(Scene::kClosed.value() + 1)), "");
}

TEST(Claims, worth_less_than_their_fee_and_the_least_output_are_refused_with_numbers) {
  Scene scene(CommitmentFormat::AnchorsZeroFeeHtlc);
  scene.add_usual();
  auto tx = commitment_of(scene.peer);
  auto published = scene.publish(tx);
  Purse purse;
  EXPECT_EQ(build_claims({}, purse.script, kUsualFee).error().code, Refusal::Nothing);
  for (const auto& output : outputs_of(scene.us.c, published, scene.log, tx)) {
    if (output.kind != Kind::HtlcOffered || output.output.amount != Sat(50'000)) continue;
    std::vector claims{*claim_of(output)};
    auto dust = bitcoin::dust_limit(purse.script);
    auto most = output.output.amount - dust;
    auto built = build_claims(claims, purse.script, {FeeratePerKw(253), most});
    ASSERT_TRUE(built.has_value());
    EXPECT_EQ(built->transaction.outputs[0].amount, dust);
    EXPECT_EQ(built->fee, most);
    auto refused = build_claims(claims, purse.script, {FeeratePerKw(253), most + Sat(1)});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Refusal::BelowDust);
    EXPECT_EQ(refused.error().needed, 50'001U);
    EXPECT_EQ(refused.error().there, 50'000U);
    // The feerate decides where it asks for more than the least fee.
    built = build_claims(claims, purse.script, {FeeratePerKw(10'000), Sat(1)});
    ASSERT_TRUE(built.has_value());
    EXPECT_EQ(built->fee.value(), (built->weight * 10'000 + 999) / 1'000);
  }
}

// [B5-htlc-01, B5-htlc-02]
TEST(SecondStages, of_one_kind_share_coins_and_change_and_each_output_is_behind_its_input) {
  for (auto format : {CommitmentFormat::AnchorsZeroFeeHtlc, CommitmentFormat::ZeroFeeCommitments}) {
    Scene scene(format);
    for (int i = 0; i < 9; ++i) scene.add(scene.peer, scene.us, Scene::kReceived, 520, Msat(20'000'000));
    for (std::uint32_t expiry : {505, 505, 510})
      scene.add(scene.us, scene.peer, Scene::kEqual, expiry, Msat(30'000'000));
    scene.settle();
    auto tx = commitment_of(scene.us);
    auto published = scene.publish(tx);
    std::map<Path, std::vector<Claim>> claims;
    for (const auto& output : outputs_of(scene.us.c, published, {}, tx))
      if (auto claim = claim_of(output, preimage_of(output))) claims[claim->path].push_back(*claim);
    const auto& successes = claims[Path::HtlcSuccess];
    ASSERT_EQ(successes.size(), 9U);
    Purse purse;
    std::vector coins{purse.coin(scene.chain, 120, Sat(20'000))};
    auto built = build_second_stage(successes, coins, purse.script, kUsualFee);
    ASSERT_TRUE(built.has_value());
    EXPECT_EQ(built->transaction.version, transaction_version(format));
    ASSERT_EQ(built->transaction.outputs.size(), 10U);
    for (std::size_t i = 0; i < 9; ++i) {
      EXPECT_EQ(built->transaction.inputs[i].previous_output, successes[i].output.outpoint);
      EXPECT_EQ(built->transaction.outputs[i], successes[i].output.second_stage->output);
    }
    EXPECT_EQ(built->transaction.outputs[9].amount, Sat(20'000) - built->fee);
    sign_claims(built->transaction, successes, published, *scene.us.signer, coins, purse.signer());
    expect_in_time(scene, *built, *claimable_from(successes[0], Scene::kClosed), Scene::kClosed);
    EXPECT_EQ(built->weight, second_stage_weight(Path::HtlcSuccess, format, 9, 1) - 9);  // these expiries are short

    auto& timeouts = claims[Path::HtlcTimeout];
    ASSERT_EQ(timeouts.size(), 3U);
    EXPECT_EQ(build_second_stage(timeouts, coins, purse.script, kUsualFee).error().code, Refusal::NotTogether);
    auto mixed = successes;
    mixed.push_back(timeouts[0]);
    EXPECT_EQ(build_second_stage(mixed, coins, purse.script, kUsualFee).error().code, Refusal::NotTogether);
    EXPECT_EQ(build_claims(successes, purse.script, kUsualFee).error().code, Refusal::NotTogether);
    std::erase_if(timeouts, [](const Claim& claim) { return locktime_of(claim) != 505; });
    ASSERT_EQ(timeouts.size(), 2U);
    built = build_second_stage(timeouts, coins, purse.script, kUsualFee);
    ASSERT_TRUE(built.has_value());
    sign_claims(built->transaction, timeouts, published, *scene.us.signer, coins, purse.signer());
    expect_in_time(scene, *built, BlockHeight(506), Scene::kClosed);
    // Nobody but us adds to it: our own signature covers everything.
    built->transaction.outputs.back().amount -= Sat(1);
    EXPECT_NE(scene.chain.refusal(built->transaction, BlockHeight(506)), "");
  }
}

TEST(SecondStages, of_40_equal_htlcs_have_each_its_own_signature_and_expiry) {
  each_scene([](Scene& scene) {
    for (std::uint32_t i = 0; i < 40; ++i)
      scene.add(scene.us, scene.peer, Scene::kEqual, 600 + i * 7 % 40 / 2, Msat(5'000'000 + i));
    scene.settle();
    auto tx = commitment_of(scene.us);
    auto published = scene.publish(tx);
    std::set<std::uint64_t> ids;
    for (const auto& output : outputs_of(scene.us.c, published, {}, tx)) {
      if (output.kind != Kind::HtlcOffered || output.output.amount != Sat(5'000)) continue;
      ids.insert(output.htlc->id.id);
      EXPECT_EQ(output.htlc->cltv_expiry, scene.us.c.local.spec.htlcs.at(output.htlc->id).cltv_expiry);
      auto claim = *claim_of(output);
      auto built = claim_alone(claim, published, scene.us, scene.chain);
      EXPECT_EQ(scene.chain.refusal(built.transaction, BlockHeight(output.htlc->cltv_expiry.value() + 1)), "");
    }
    EXPECT_EQ(ids.size(), 40U);
  });
}

TEST(SecondStages, need_coins_for_the_whole_fee_and_give_change_back_unless_it_is_dust) {
  Scene scene(CommitmentFormat::AnchorsZeroFeeHtlc);
  scene.add_usual();
  auto tx = commitment_of(scene.us);
  auto published = scene.publish(tx);
  Purse purse;
  for (const auto& output : outputs_of(scene.us.c, published, {}, tx)) {
    if (output.kind != Kind::HtlcReceived) continue;
    std::vector claims{*claim_of(output, preimage(Scene::kReceived))};
    auto with = [&](Sat amount) {
      return build_second_stage(claims, std::vector{purse.coin(scene.chain, 121, amount)}, purse.script, kUsualFee);
    };
    auto weight = with(Sat(100'000))->weight;
    Sat with_change((weight * 1'000 + 999) / 1'000), without(with_change - Sat(kP2wpkhOutputWeight));
    auto dust = bitcoin::dust_limit(purse.script);
    EXPECT_EQ(with(without - Sat(1)).error().code, Refusal::CoinsShort);
    EXPECT_EQ(with(without - Sat(1)).error().needed - with(without - Sat(1)).error().there, 1U);
    EXPECT_EQ(with(without)->transaction.outputs.size(), 1U);
    EXPECT_EQ(with(with_change + dust - Sat(1))->transaction.outputs.size(), 1U);
    EXPECT_EQ(with(with_change + dust - Sat(1))->fee, with_change + dust - Sat(1));
    ASSERT_EQ(with(with_change + dust)->transaction.outputs.size(), 2U);
    EXPECT_EQ(with(with_change + dust)->transaction.outputs[1].amount, dust);
    EXPECT_EQ(build_second_stage(claims, {}, purse.script, kUsualFee).error().code, Refusal::CoinsShort);
  }
}

TEST(SecondStages, of_static_remotekey_are_what_the_peer_signed_and_stand_alone) {
  Scene scene(CommitmentFormat::StaticRemotekey);
  scene.add_usual();
  auto tx = commitment_of(scene.us);
  auto published = scene.publish(tx);
  Purse purse;
  std::vector<Claim> successes;
  for (const auto& output : outputs_of(scene.us.c, published, {}, tx))
    if (output.kind == Kind::HtlcReceived) successes.push_back(*claim_of(output, preimage(Scene::kReceived)));
  ASSERT_EQ(successes.size(), 2U);
  EXPECT_EQ(build_second_stage(successes, {}, purse.script, kUsualFee).error().code, Refusal::NotTogether);
  std::vector coins{purse.coin(scene.chain, 122, Sat(20'000))};
  EXPECT_EQ(build_second_stage(std::span(successes).first(1), coins, purse.script, kUsualFee).error().code,
            Refusal::NotTogether);
  auto built = build_second_stage(std::span(successes).first(1), {}, purse.script, {FeeratePerKw(90'000), Sat(0)});
  ASSERT_TRUE(built.has_value());
  EXPECT_EQ(built->fee, htlc_fee(CommitmentFormat::StaticRemotekey, scene.us.c.local.spec.feerate, false));
}

TEST(SecondStages, of_version_3_are_not_heavier_than_what_nodes_relay) {
  Scene scene(CommitmentFormat::ZeroFeeCommitments);
  scene.add_usual();
  auto tx = commitment_of(scene.us);
  auto published = scene.publish(tx);
  Purse purse;
  std::vector<Claim> claims;
  for (const auto& output : outputs_of(scene.us.c, published, {}, tx))
    if (output.kind == Kind::HtlcReceived) claims.push_back(*claim_of(output, preimage(Scene::kReceived)));
  claims.resize(1);
  auto fits = [&](std::size_t count) {
    std::vector coins(count, purse.coin(scene.chain, 123, Sat(1'000)));
    return build_second_stage(claims, coins, purse.script, {FeeratePerKw(253), Sat(0)});
  };
  std::size_t most = 0;
  while (second_stage_weight(Path::HtlcSuccess, CommitmentFormat::ZeroFeeCommitments, 1, most + 1) <= 40'000) ++most;
  EXPECT_TRUE(fits(most).has_value());
  EXPECT_EQ(fits(most + 1).error().code, Refusal::TooHeavy);
  EXPECT_EQ(fits(most + 1).error().there, 40'000U);
}

// [B5-fail-05]
TEST(Children, lift_the_commitment_in_the_mempool_to_the_feerate_whoever_published_it) {
  for (auto format : {CommitmentFormat::AnchorsZeroFeeHtlc, CommitmentFormat::ZeroFeeCommitments}) {
    Scene scene(format);
    scene.add_usual();
    Purse purse;
    for (const auto* side : {&scene.us, &scene.peer}) {
      auto tx = commitment_of(*side);
      auto published = scene.publish(tx);
      Parent parent{bitcoin::weight(tx), scene.chain.fee(tx)};
      for (const auto& output : outputs_of(scene.us.c, published, {}, tx)) {
        if (output.kind != Kind::AnchorOurs && output.kind != Kind::AnchorShared) continue;
        auto claim = *claim_of(output);
        EXPECT_TRUE(claimable_from(claim, std::nullopt));
        std::vector coins{purse.coin(scene.chain, 130, Sat(100'000))};
        FeeRule rule{FeeratePerKw(12'500), Sat(0)};
        auto built = build_child(claim, parent, coins, purse.script, rule);
        ASSERT_TRUE(built.has_value());
        EXPECT_EQ(built->transaction.version, transaction_version(format));
        EXPECT_EQ(built->weight, anchor_child_weight(format, 1));
        sign_claims(built->transaction, std::vector{claim}, published, *scene.us.signer, coins, purse.signer());
        expect_in_time(scene, *built, Scene::kClosed, Scene::kClosed);
        EXPECT_EQ((parent.fee + built->fee).value(), ((parent.weight + built->weight) * 12'500 + 999) / 1'000);

        auto least = built->fee + Sat(5'000);  // a replacement's
        EXPECT_EQ(build_child(claim, parent, coins, purse.script, {rule.feerate, least})->fee, least);
        auto in = output.output.amount;
        auto needs = built->fee + kLeastChildOutput - in;
        auto enough = build_child(claim, parent, std::vector{purse.coin(scene.chain, 131, needs)}, purse.script, rule);
        ASSERT_TRUE(enough.has_value());
        EXPECT_EQ(enough->transaction.outputs[0].amount, kLeastChildOutput);
        auto short_of =
            build_child(claim, parent, std::vector{purse.coin(scene.chain, 131, needs - Sat(1))}, purse.script, rule);
        EXPECT_EQ(short_of.error().code, Refusal::CoinsShort);
        EXPECT_EQ(short_of.error().needed - short_of.error().there, 1U);
        Parent rich{parent.weight, Sat((parent.weight * 12'500 + 999) / 1'000)};
        EXPECT_EQ(build_child(claim, rich, coins, purse.script, rule).error().code, Refusal::NotNeeded);
        rich.fee -= Sat(1);
        EXPECT_TRUE(build_child(claim, rich, coins, purse.script, rule).has_value());
      }
    }
  }
}

TEST(Children, of_version_3_have_1000_vbytes_at_most) {
  Scene scene(CommitmentFormat::ZeroFeeCommitments);
  scene.add_usual();
  auto tx = commitment_of(scene.us);
  auto published = scene.publish(tx);
  Purse purse;
  for (const auto& output : outputs_of(scene.us.c, published, {}, tx)) {
    if (output.kind != Kind::AnchorShared) continue;
    auto child = [&](std::size_t count) {
      std::vector coins(count, purse.coin(scene.chain, 132, Sat(10'000)));
      return build_child(*claim_of(output), {bitcoin::weight(tx), Sat(0)}, coins, purse.script, kUsualFee);
    };
    std::size_t most = 0;
    while (anchor_child_weight(CommitmentFormat::ZeroFeeCommitments, most + 1) <= 4'000) ++most;
    EXPECT_EQ(most, 13U);
    EXPECT_TRUE(child(most).has_value());
    EXPECT_EQ(child(most + 1).error().code, Refusal::TooHeavy);
  }
}

TEST(Children, spend_to_remote_of_the_peers_commitment_only_where_it_has_no_lock_and_no_anchor) {
  each_scene([](Scene& scene) {
    auto tx = commitment_of(scene.peer);
    auto published = scene.publish(tx);
    Purse purse;
    for (const auto& output : outputs_of(scene.us.c, published, {}, tx)) {
      auto claim = claim_of(output);
      if (!claim || output.kind == Kind::AnchorOurs || output.kind == Kind::AnchorShared) continue;
      Parent parent{bitcoin::weight(tx), scene.chain.fee(tx)};
      FeeRule rule{FeeratePerKw(12'500), Sat(0)};
      auto built = build_child(*claim, parent, {}, purse.script, rule);
      if (scene.us.c.params.format != CommitmentFormat::StaticRemotekey) {
        EXPECT_EQ(built.error().code, Refusal::NotTogether);
      } else if (output.kind == Kind::ToUs) {
        ASSERT_TRUE(built.has_value());
        sign_claims(built->transaction, std::vector{*claim}, published, *scene.us.signer);
        expect_in_time(scene, *built, Scene::kClosed, Scene::kClosed);
      }
    }
  });
}

TEST(Signers, never_sign_a_spend_of_the_funding_output_as_an_anchor) {
  Scene scene(CommitmentFormat::AnchorsZeroFeeHtlc);
  auto tx = commitment_of(scene.us);
  bitcoin::SegwitHashes hashes(tx);
  auto signature = scene.us.signer->sign_anchor(tx, hashes, 0);
  auto script = funding_script(scene.us.c.params);
  const auto& key = scene.us.c.params.local.keys.funding;
  EXPECT_FALSE(crypto::ecdsa_verify(key, funding_digest(tx, script, scene.us.c.params.capacity), signature));
  auto right = scene.us.signer->sign_funding_input(tx, script, scene.us.c.params.capacity);
  EXPECT_TRUE(crypto::ecdsa_verify(key, funding_digest(tx, script, scene.us.c.params.capacity), right));
}

// ---- weights ----

struct Measured {
  std::uint64_t estimate, measured;
};
/// Measured with a bitcoind and short expiries; the estimate is for the longest signatures and four bytes of expiry.
void expect_close(const Measured& pair, std::uint64_t slack) {
  EXPECT_GE(pair.estimate, pair.measured);
  EXPECT_LE(pair.estimate, pair.measured + slack);
}

TEST(Weights, are_never_below_those_of_transactions_that_bitcoind_took) {
  constexpr auto kStatic = CommitmentFormat::StaticRemotekey, kAnchors = CommitmentFormat::AnchorsZeroFeeHtlc,
                 kZeroFee = CommitmentFormat::ZeroFeeCommitments;
  auto script = bitcoin::p2wpkh_script(Purse().point);
  expect_close({commitment_weight(kAnchors, 2), 1'456}, 4);
  expect_close({commitment_weight(kStatic, 2), 1'064}, 4);
  expect_close({(commitment_weight(kZeroFee, 228) + 3) / 4, 9'997}, 1);
  expect_close({second_stage_weight(Path::HtlcSuccess, kAnchors, 1, 0), 699}, 4);
  expect_close({second_stage_weight(Path::HtlcSuccess, kAnchors, 1, 1), 1'094}, 5);
  expect_close({second_stage_weight(Path::HtlcTimeout, kAnchors, 1, 0), 662}, 3);
  expect_close({second_stage_weight(Path::HtlcTimeout, kAnchors, 1, 1), 1'057}, 4);
  expect_close({second_stage_weight(Path::HtlcSuccess, kAnchors, 9, 1), 6'349}, 30);
  expect_close({anchor_child_weight(kAnchors, 1), 715}, 3);
  expect_close({anchor_child_weight(kZeroFee, 1), 602}, 3);
  expect_close({claims_weight(Path::Penalty, kAnchors, 1, script), 483}, 2);
  expect_close({claims_weight(Path::PenaltyHtlc, kAnchors, 1, script), 579}, 4);
  expect_close({claims_weight(Path::ByPreimage, kAnchors, 1, script), 573}, 2);
  expect_close({claims_weight(Path::ByTimeout, kAnchors, 1, script), 546}, 4);
  expect_close({claims_weight(Path::Payment, kAnchors, 1, script), 441}, 2);
  expect_close({claims_weight(Path::Delayed, kAnchors, 1, script), 482}, 2);
  EXPECT_GE(claims_weight(Path::PenaltyHtlc, kAnchors, 18, script) + kBareInputWeight +
                witness_weight(Path::Penalty, kAnchors),
            7'872U);
}

TEST(Weights, of_paths_are_those_of_scripts_with_a_mainnet_expiry) {
  each_scene([](Scene& scene) {
    auto format = scene.us.c.params.format;
    scene.add(scene.us, scene.peer, Scene::kLate, 812'345, Msat(11'000'000));
    scene.add(scene.peer, scene.us, Scene::kLate, 812'345, Msat(12'000'000));
    scene.settle();
    std::map<Path, int> seen;
    auto see = [&](const bitcoin::Transaction& tx) {
      for (const auto& output : outputs_of(scene.us.c, scene.publish(tx), scene.log, tx)) {
        auto claim = claim_of(output, preimage_of(output));
        if (!claim || (output.htlc && output.htlc->cltv_expiry != CltvExpiry(812'345))) continue;
        bool smaller = output.kind == Kind::RevokedHtlcReceived;  // the peer offered it: no expiry in its script
        EXPECT_EQ(witness_weight(*claim) + (smaller ? 6 : 0), witness_weight(claim->path, format));
        ++seen[claim->path];
      }
    };
    see(commitment_of(scene.us));
    auto revoked = commitment_of(scene.peer);
    see(revoked);
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    see(revoked);
    EXPECT_EQ(seen.size(), format == CommitmentFormat::StaticRemotekey ? 8U : 9U);
  });
}

TEST(Weights, of_commitments_are_never_below_the_real_ones) {
  each_scene([](Scene& scene) {
    auto format = scene.us.c.params.format;
    auto tx = commitment_of(scene.us);
    EXPECT_LE(bitcoin::weight(tx), commitment_weight(format, 5));
    EXPECT_GE(bitcoin::weight(tx) + 4, commitment_weight(format, 5));
  });
  // From 253 outputs on their count takes three bytes.
  EXPECT_EQ(commitment_weight(CommitmentFormat::StaticRemotekey, 251) -
                commitment_weight(CommitmentFormat::StaticRemotekey, 250),
            kP2wshOutputWeight + 8);
}

}  // namespace
}  // namespace doze::commitment
