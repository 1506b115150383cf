// What the simulator's chain shares with a bitcoind. The texts are those that Bitcoin Knots 29.4.3 gave on regtest for
// the same transactions.
#include "sim/chain.h"

#include "bitcoin/sighash.h"
#include "coin_maker.h"
#include "crypto/crypto.h"

namespace doze::sim {
namespace {

using bitcoin::TxOut;

PrivateKey secret_key() {
  std::array<std::uint8_t, 32> bytes{};
  bytes[31] = 7;
  return PrivateKey(bytes);
}

/// The witness of input 0 for a P2WSH output of `script`, by the key above.
bitcoin::Witness signed_witness(const bitcoin::Transaction& transaction, const Bytes& script, Sat amount) {
  auto digest = bitcoin::segwit_sighash(transaction, 0, script, amount, bitcoin::Sighash::All);
  return {bitcoin::signature_item(crypto::ecdsa_sign(secret_key(), digest), bitcoin::Sighash::All), script};
}

// ---- locks ----

TEST_F(ChainTest, a_locktime_is_taken_when_the_tip_has_reached_it_and_not_a_block_before) {
  auto lock = chain.height().value() + 3;
  auto claim = make({.from = {coin()}, .fee = Sat(1'000), .locktime = lock});
  mine();  // the tip is lock - 1
  EXPECT_EQ(send(claim), "non-final");
  mine();
  EXPECT_EQ(send(claim), "ok");
  mine();
  EXPECT_TRUE(confirmed(claim));
}

TEST_F(ChainTest, a_locktime_in_seconds_waits_for_the_median_of_eleven_blocks) {
  mine(11);
  auto from = coin();
  auto claim = make({.from = {from}, .fee = Sat(1'000), .locktime = static_cast<std::uint32_t>(now.value())});
  EXPECT_EQ(send(claim), "non-final");
  mine(5);
  EXPECT_EQ(send(claim), "non-final");
  mine();
  EXPECT_EQ(send(claim), "ok");
}

TEST_F(ChainTest, a_relative_lock_counts_from_the_block_of_the_spent_output) {
  auto from = coin();
  from.sequence = 3;
  auto claim = make({.from = {from}, .fee = Sat(1'000)});
  EXPECT_EQ(send(claim), "non-BIP68-final");
  mine();
  EXPECT_EQ(send(claim), "non-BIP68-final");
  mine();
  EXPECT_EQ(send(claim), "ok");
}

TEST_F(ChainTest, an_output_without_a_block_passes_no_relative_lock) {
  auto parent = make({.from = {coin()}, .fee = Sat(1'000)});
  ASSERT_EQ(send(parent), "ok");
  auto claim = make({.from = {output(parent, 0, 1)}, .fee = Sat(1'000)});
  EXPECT_EQ(send(claim), "non-BIP68-final");
  mine();
  EXPECT_EQ(send(claim), "ok");
}

TEST_F(ChainTest, a_signed_claim_of_a_delayed_output_is_verified_with_its_lock) {
  auto script = bitcoin::ScriptBuilder()
                    .number(2)
                    .op(bitcoin::OP_CHECKSEQUENCEVERIFY)
                    .op(bitcoin::OP_DROP)
                    .push(crypto::public_key(secret_key()).view())
                    .op(bitcoin::OP_CHECKSIG)
                    .take();
  auto close = make({.from = {coin()}, .fee = Sat(1'000), .first = {{Sat(50'000), bitcoin::p2wsh_script(script)}}});
  ASSERT_EQ(send(close), "ok");
  mine();
  auto claim = make({.from = {output(close, 0, 2)}, .fee = Sat(500)});
  claim.inputs[0].witness = signed_witness(claim, script, Sat(50'000));
  EXPECT_EQ(send(claim), "non-BIP68-final");
  auto early = claim;
  early.inputs[0].sequence = 1;
  early.inputs[0].witness = signed_witness(early, script, Sat(50'000));
  EXPECT_EQ(send(early), "mempool-script-verify-flag-failed (unsatisfied locktime)");
  mine();
  auto changed = claim;
  changed.outputs[0].amount -= Sat(1);
  EXPECT_EQ(send(changed).substr(0, 33), "mempool-script-verify-flag-failed");
  EXPECT_EQ(chain.refused().size(), 2U);
  EXPECT_EQ(send(claim), "ok");
  EXPECT_EQ(chain.refused().size(), 2U);
}

// ---- what is known, missing or no transaction ----

TEST_F(ChainTest, a_known_transaction_is_accepted_again_until_all_its_outputs_are_spent_in_blocks) {
  auto a = make({.from = {coin()}, .fee = Sat(1'000)});
  EXPECT_EQ(send(a), "ok");
  EXPECT_EQ(send(a), "ok");
  mine();
  EXPECT_EQ(chain.broadcast(a, now).reason, "Transaction outputs already in utxo set");
  auto b = make({.from = {output(a)}, .fee = Sat(1'000)});
  ASSERT_EQ(send(b), "ok");
  EXPECT_EQ(send(a), "ok");
  mine();
  EXPECT_EQ(send(a), "bad-txns-inputs-missingorspent");
}

TEST_F(ChainTest, what_no_chain_takes_is_refused_and_remembered) {
  auto from = coin();
  auto none = make({.from = {from}, .fee = Sat(0)});
  none.outputs.clear();
  EXPECT_EQ(send(none), "bad-txns-vout-empty");
  auto more = make({.from = {from}, .fee = Sat(0)});
  more.outputs[0].amount += Sat(1);
  EXPECT_EQ(send(more), "bad-txns-in-belowout");
  EXPECT_EQ(send(make({.from = {from, from}, .fee = Sat(1'000)})), "bad-txns-inputs-duplicate");
  EXPECT_EQ(chain.refused().size(), 3U);
  EXPECT_EQ(send(make({.from = {{{Txid{{1}}, 0}, Sat(5'000)}}, .fee = Sat(1'000)})), "bad-txns-inputs-missingorspent");
  EXPECT_EQ(chain.refused().size(), 3U);
}

TEST_F(ChainTest, forms_that_are_not_relayed_are_refused_by_name) {
  EXPECT_EQ(send(make({.from = {coin()}, .fee = Sat(1'000), .version = 4})), "version");
  EXPECT_EQ(send(make({.from = {coin()}, .fee = Sat(1'000), .version = 1})), "ok");
  auto odd = make({.from = {coin()}, .fee = Sat(1'000)});
  odd.outputs[0].script_pubkey = Bytes{bitcoin::OP_1};
  EXPECT_EQ(send(odd), "scriptpubkey");
  Bytes data{bitcoin::OP_RETURN, 1, 'x'};
  EXPECT_EQ(send(make({.from = {coin()}, .fee = Sat(1'000), .first = {{Sat(0), data}}})), "ok");
  EXPECT_EQ(send(make({.from = {coin()}, .fee = Sat(1'000), .first = {{Sat(0), data}, {Sat(0), data}}})),
            "multi-op-return");
  EXPECT_EQ(send(make({.from = {coin(Sat(10'000'000))}, .fee = Sat(100'000), .equal = 2'400})), "tx-size");
  while (chain.height() < BlockHeight(21)) mine();
  auto parasite = make({.from = {coin()}, .fee = Sat(1'000), .locktime = 21});
  EXPECT_EQ(send(parasite), "parasite-cat21");
  chain.set_relay_policy(core_policy());
  EXPECT_EQ(send(parasite), "ok");
}

TEST_F(ChainTest, amounts_are_dust_below_what_their_form_costs_to_spend) {
  auto wpkh = bitcoin::p2wpkh_script(crypto::public_key(secret_key()));
  auto pays = [&](std::uint64_t amount, const Bytes& script) {
    return send(make({.from = {coin()}, .fee = Sat(1'000), .first = {{Sat(amount), script}}}));
  };
  EXPECT_EQ(pays(293, wpkh), "dust-nonanchor");
  EXPECT_EQ(pays(294, wpkh), "ok");
  EXPECT_EQ(pays(329, anyones_script()), "dust-nonanchor");
  EXPECT_EQ(pays(330, anyones_script()), "ok");
  EXPECT_EQ(pays(239, bitcoin::p2a_script()), "dust-nonzero");
  EXPECT_EQ(pays(0, bitcoin::p2a_script()), "dust");
  EXPECT_EQ(pays(240, bitcoin::p2a_script()), "ok");
  chain.set_relay_policy(core_policy());
  EXPECT_EQ(pays(293, wpkh), "dust");
  EXPECT_EQ(pays(239, bitcoin::p2a_script()), "dust");
}

// ---- fees and eviction ----

TEST_F(ChainTest, the_relay_minimum_is_one_satoshi_per_byte_or_a_tenth_by_policy) {
  auto from = coin();
  auto size = static_cast<std::uint64_t>(bitcoin::vsize(make({.from = {from}, .fee = Sat(0)})));
  auto few = make({.from = {from}, .fee = Sat(size - 1)});
  EXPECT_EQ(chain.broadcast(few, now).reason,
            "min relay fee not met, " + std::to_string(size - 1) + " < " + std::to_string(size));
  EXPECT_EQ(send(make({.from = {from}, .fee = Sat(size)})), "ok");
  chain.set_relay_policy(core_policy());
  from = coin();
  EXPECT_EQ(send(make({.from = {from}, .fee = Sat((size + 9) / 10 - 1)})), "min relay fee not met");
  EXPECT_EQ(send(make({.from = {from}, .fee = Sat((size + 9) / 10)})), "ok");
}

TEST_F(ChainTest, fee_and_size_of_a_transaction_are_known_in_the_mempool_and_in_a_block) {
  auto a = make({.from = {coin()}, .fee = Sat(1'234)});
  EXPECT_FALSE(chain.paid(bitcoin::txid(a)));
  ASSERT_EQ(send(a), "ok");
  auto paid = *chain.paid(bitcoin::txid(a));
  EXPECT_EQ(paid.fee, Sat(1'234));
  EXPECT_EQ(paid.vsize, bitcoin::vsize(a));
  EXPECT_EQ(paid.feerate(), FeeratePerKvb(1'234'000 / paid.vsize));
  EXPECT_FALSE(paid.height);
  mine();
  paid = *chain.paid(bitcoin::txid(a));
  EXPECT_EQ(paid.fee, Sat(1'234));
  EXPECT_EQ(paid.height, chain.height());
  chain.undo(1);
  EXPECT_FALSE(chain.paid(bitcoin::txid(a))->height);
}

TEST_F(ChainTest, a_spike_evicts_what_pays_less_with_its_descendants_and_says_nothing) {
  auto cheap = make({.from = {coin()}, .fee = Sat(200)});
  auto child = make({.from = {output(cheap)}, .fee = Sat(150)});
  auto dear = make({.from = {coin()}, .fee = Sat(50'000)});
  for (const auto& one : {cheap, child, dear}) ASSERT_EQ(send(one), "ok");
  chain.set_mempool_minimum(FeeratePerKw(30 * 253));
  EXPECT_FALSE(pending(cheap));
  EXPECT_FALSE(pending(child));
  EXPECT_TRUE(pending(dear));
  EXPECT_EQ(chain.mempool_minimum(), FeeratePerKw(30 * 253));
  EXPECT_EQ(send(cheap), "mempool min fee not met");
  mine();
  EXPECT_FALSE(confirmed(cheap));
  chain.set_mempool_minimum(FeeratePerKw(0));
  EXPECT_EQ(chain.mempool_minimum(), FeeratePerKw(250));
  EXPECT_EQ(send(cheap), "ok");
}

TEST_F(ChainTest, a_parent_stays_in_a_spike_for_what_its_child_pays_and_goes_when_that_is_replaced) {
  auto first = coin(), second = coin();
  auto parent = make({.from = {first}, .fee = Sat(200)});
  auto child = make({.from = {output(parent), second}, .fee = Sat(60'000)});
  ASSERT_EQ(send(parent), "ok");
  ASSERT_EQ(send(child), "ok");
  chain.set_mempool_minimum(FeeratePerKw(30 * 253));
  EXPECT_TRUE(pending(parent));
  EXPECT_EQ(send(make({.from = {second}, .fee = Sat(70'000)})), "ok");
  EXPECT_FALSE(pending(child));
  EXPECT_FALSE(pending(parent));
}

TEST_F(ChainTest, a_transaction_is_forgotten_after_two_weeks) {
  auto old = make({.from = {coin()}, .fee = Sat(1'000)});
  auto other = make({.from = {coin()}, .fee = Sat(1'000)}), next = make({.from = {coin()}, .fee = Sat(1'000)});
  ASSERT_EQ(send(old), "ok");
  now = after_s(now, kMempoolExpiryS);
  ASSERT_EQ(send(other), "ok");
  EXPECT_TRUE(pending(old));
  now = after_s(now, 1);
  ASSERT_EQ(send(next), "ok");
  EXPECT_FALSE(pending(old));
  EXPECT_TRUE(pending(other));
}

TEST_F(ChainTest, a_chain_of_25_is_the_longest_and_a_small_child_of_one_parent_is_let_in_above_25_descendants) {
  auto place = coin();
  for (int i = 0; i < 25; ++i) {
    auto next = make({.from = {place}, .fee = Sat(1'000)});
    ASSERT_EQ(send(next), "ok") << i;
    place = output(next);
  }
  EXPECT_EQ(send(make({.from = {place}, .fee = Sat(1'000)})), "too-long-mempool-chain");
  auto fan = make({.from = {coin()}, .fee = Sat(5'000), .equal = 30});
  ASSERT_EQ(send(fan), "ok");
  for (std::uint32_t i = 0; i < 25; ++i) ASSERT_EQ(send(make({.from = {output(fan, i)}, .fee = Sat(500)})), "ok") << i;
  EXPECT_EQ(send(make({.from = {output(fan, 25)}, .fee = Sat(500)})), "too-long-mempool-chain");
}

// ---- replacement ----

TEST_F(ChainTest, a_replacement_pays_a_higher_feerate_and_the_fees_before_and_its_own_relay) {
  auto from = coin();
  auto first = make({.from = {from}, .fee = Sat(1'000)});
  auto size = bitcoin::vsize(first);
  ASSERT_EQ(send(first), "ok");
  auto why = [&](std::uint64_t fee, std::size_t outputs) {
    auto verdict = chain.broadcast(make({.from = {from}, .fee = Sat(fee), .equal = outputs}), now);
    auto text = verdict.reason;
    return verdict.accepted ? std::string("ok") : text.substr(0, text.find_first_of(",;"));
  };
  EXPECT_EQ(why(1'000 + size - 1, 2), "insufficient fee");  // a lower feerate
  EXPECT_EQ(why(1'000 + size - 1, 1), "insufficient fee");  // a satoshi too few to relay it
  EXPECT_TRUE(pending(first));
  EXPECT_EQ(why(1'000 + size, 1), "ok");
  EXPECT_FALSE(pending(first));
  EXPECT_EQ(chain.mempool_size(), 1U);
}

TEST_F(ChainTest, descendants_of_what_is_replaced_must_be_paid_for_and_fall_out) {
  auto from = coin();
  auto first = make({.from = {from}, .fee = Sat(1'000)});
  auto child = make({.from = {output(first)}, .fee = Sat(20'000)});
  ASSERT_EQ(send(first), "ok");
  ASSERT_EQ(send(child), "ok");
  EXPECT_NE(chain.broadcast(make({.from = {from}, .fee = Sat(20'999)}), now).reason.find("less fees than conflicting"),
            std::string::npos);
  EXPECT_EQ(send(make({.from = {from}, .fee = Sat(21'200)})), "ok");
  EXPECT_FALSE(pending(child));
  EXPECT_EQ(send(child), "bad-txns-inputs-missingorspent");
}

TEST_F(ChainTest, a_small_fast_conflict_blocks_a_large_batch_until_that_is_split) {
  std::vector<Place> places;
  for (int i = 0; i < 19; ++i) places.push_back(coin());
  ASSERT_EQ(send(make({.from = {places[4]}, .fee = Sat(3'000)})), "ok");
  EXPECT_EQ(send(make({.from = places, .fee = Sat(20'000)})), "insufficient fee");
  places.erase(places.begin() + 4);
  EXPECT_EQ(send(make({.from = places, .fee = Sat(20'000)})), "ok");
}

TEST_F(ChainTest, a_replacement_spends_no_new_unconfirmed_output_and_nothing_of_what_it_replaces) {
  auto from = coin();
  auto first = make({.from = {from}, .fee = Sat(1'000)});
  auto other = make({.from = {coin()}, .fee = Sat(1'000)});
  ASSERT_EQ(send(first), "ok");
  ASSERT_EQ(send(other), "ok");
  EXPECT_EQ(send(make({.from = {from, output(other)}, .fee = Sat(90'000)})), "replacement-adds-unconfirmed");
  EXPECT_EQ(send(make({.from = {from, output(first)}, .fee = Sat(90'000)})), "bad-txns-spends-conflicting-tx");
}

TEST_F(ChainTest, at_most_a_hundred_transactions_fall_out) {
  std::vector<Place> roots;
  for (int i = 0; i < 5; ++i) {
    auto root = coin();
    auto fan = make({.from = {root}, .fee = Sat(1'000), .equal = i == 4 ? 18U : 20U});
    ASSERT_EQ(send(fan), "ok");
    for (std::uint32_t n = 0; n + 1 < fan.outputs.size(); ++n)
      ASSERT_EQ(send(make({.from = {output(fan, n)}, .fee = Sat(200)})), "ok");
    roots.push_back(root);
  }
  auto one_more = coin();
  auto last = make({.from = {one_more}, .fee = Sat(1'000), .equal = 3});
  ASSERT_EQ(send(last), "ok");  // 4 x 20 + 18 + 3 = 101
  for (std::uint32_t n = 0; n < 2; ++n) ASSERT_EQ(send(make({.from = {output(last, n)}, .fee = Sat(200)})), "ok");
  auto all = roots;
  all.push_back(one_more);
  EXPECT_EQ(send(make({.from = all, .fee = Sat(500'000)})), "too many potential replacements");
  auto spare = make({.from = {one_more}, .fee = Sat(5'000)});
  ASSERT_EQ(send(spare), "ok");  // 4 x 20 + 18 + 1 = 99
  ASSERT_EQ(send(make({.from = {output(spare)}, .fee = Sat(200)})), "ok");
  EXPECT_EQ(send(make({.from = all, .fee = Sat(500'000)})), "ok");
  EXPECT_EQ(chain.mempool_size(), 1U);
}

// ---- blocks ----

TEST_F(ChainTest, a_block_takes_the_best_families_that_fit_and_nothing_below_the_miners_minimum) {
  auto poor = make({.from = {coin()}, .fee = Sat(200)});
  auto parent = make({.from = {coin()}, .fee = Sat(200)});
  auto child = make({.from = {output(parent)}, .fee = Sat(5'000)});
  auto rich = make({.from = {coin()}, .fee = Sat(9'000)});
  for (const auto& one : {poor, parent, child, rich}) ASSERT_EQ(send(one), "ok");
  chain.set_block_policy({.minimum = FeeratePerKvb(10'000), .max_weight = bitcoin::weight(rich)});
  mine();
  EXPECT_TRUE(confirmed(rich));
  EXPECT_EQ(chain.mempool_size(), 3U);
  chain.set_block_policy({.minimum = FeeratePerKvb(10'000)});
  mine();
  EXPECT_TRUE(confirmed(parent));
  EXPECT_TRUE(confirmed(child));
  EXPECT_FALSE(confirmed(poor));
  chain.set_block_policy({});
  mine();
  EXPECT_TRUE(confirmed(poor));
}

TEST_F(ChainTest, a_block_can_be_empty_and_leaves_the_mempool_as_it_is) {
  auto waiting = make({.from = {coin()}, .fee = Sat(1'000)});
  ASSERT_EQ(send(waiting), "ok");
  auto before = chain.height().value();
  EXPECT_TRUE(chain.mine_only({}, now).accepted);
  EXPECT_EQ(chain.height().value(), before + 1);
  EXPECT_EQ(chain.block(chain.height())->transactions.size(), 1U);
  EXPECT_TRUE(pending(waiting));
}

TEST_F(ChainTest, a_block_with_a_conflict_drops_what_it_conflicts_with_and_the_descendants) {
  auto from = coin();
  auto ours = make({.from = {from}, .fee = Sat(9'000)});
  auto child = make({.from = {output(ours)}, .fee = Sat(1'000)});
  ASSERT_EQ(send(ours), "ok");
  ASSERT_EQ(send(child), "ok");
  auto theirs = make({.from = {from}, .fee = Sat(0)});  // no mempool has seen it
  EXPECT_TRUE(chain.mine_only({theirs}, now).accepted);
  EXPECT_TRUE(confirmed(theirs));
  EXPECT_EQ(chain.mempool_size(), 0U);
  EXPECT_EQ(send(ours), "bad-txns-inputs-missingorspent");
}

TEST_F(ChainTest, an_invalid_block_is_refused_and_changes_nothing) {
  auto from = coin();
  auto height = chain.height();
  auto a = make({.from = {from}, .fee = Sat(1'000)}), b = make({.from = {from}, .fee = Sat(2'000)});
  EXPECT_EQ(chain.mine_only({a, b}, now).reason, "bad-txns-inputs-missingorspent");
  EXPECT_EQ(chain.mine_only({make({.from = {output(a)}, .fee = Sat(1'000)}), a}, now).reason,
            "bad-txns-inputs-missingorspent");
  EXPECT_EQ(chain.mine_only({make({.from = {from}, .fee = Sat(0), .locktime = height.value() + 1})}, now).reason,
            "bad-txns-nonfinal");
  from.sequence = 2;
  EXPECT_EQ(chain.mine_only({make({.from = {from}, .fee = Sat(0)})}, now).reason, "bad-txns-nonfinal");
  auto unsigned_spend = a;
  unsigned_spend.inputs[0].witness.clear();
  EXPECT_EQ(chain.mine_only({unsigned_spend}, now).reason, "mandatory-script-verify-flag-failed");
  EXPECT_EQ(chain.height(), height);
  EXPECT_TRUE(chain.mine_only({a, make({.from = {output(a)}, .fee = Sat(1'000)})}, now).accepted);
}

// ---- reorganisations ----

TEST_F(ChainTest, a_reorganisation_puts_back_what_is_valid_and_drops_locks_that_the_tip_no_longer_passes) {
  auto close = make({.from = {coin()}, .fee = Sat(1'000), .equal = 2});
  auto height = chain.height().value();
  ASSERT_EQ(send(close), "ok");
  mine();
  auto delayed = make({.from = {output(close, 0, 1)}, .fee = Sat(1'000)});
  auto timeout = make({.from = {coin()}, .fee = Sat(1'000), .locktime = height + 2});
  auto child = make({.from = {output(timeout)}, .fee = Sat(1'000)});
  auto plain = make({.from = {output(close, 1)}, .fee = Sat(1'000)});
  for (const auto& one : {delayed, timeout, child, plain}) ASSERT_EQ(send(one), "ok");
  chain.undo(2);
  EXPECT_TRUE(pending(close));
  EXPECT_TRUE(pending(plain));
  EXPECT_FALSE(pending(delayed));
  EXPECT_FALSE(pending(timeout));
  EXPECT_FALSE(pending(child));
  mine(2);  // and they do not come back by themselves
  EXPECT_TRUE(confirmed(close));
  EXPECT_TRUE(confirmed(plain));
  EXPECT_FALSE(pending(delayed));
  EXPECT_FALSE(pending(timeout));
  EXPECT_EQ(send(delayed), "ok");
}

TEST_F(ChainTest, after_a_reorganisation_another_transaction_may_take_the_place_of_one_that_was_confirmed) {
  auto from = coin();
  auto ours = make({.from = {from}, .fee = Sat(1'000)});
  ASSERT_EQ(send(ours), "ok");
  mine();
  auto claim = make({.from = {output(ours)}, .fee = Sat(1'000)});
  ASSERT_EQ(send(claim), "ok");
  mine(5);
  ASSERT_TRUE(confirmed(claim));
  auto theirs = make({.from = {from}, .fee = Sat(500)});
  chain.undo(6);
  EXPECT_TRUE(pending(ours));
  EXPECT_TRUE(chain.mine_only({theirs}, now).accepted);
  EXPECT_FALSE(pending(ours));
  EXPECT_FALSE(pending(claim));
  EXPECT_FALSE(chain.paid(bitcoin::txid(claim)));
  mine(6);
  EXPECT_EQ(chain.unspent(ShortChannelId::of(chain.height().value() - 6, 1, 0))->amount, Sat(999'500));
}

TEST_F(ChainTest, coins_of_a_block_that_goes_are_what_they_were_before_it) {
  auto from = coin(Sat(700'000));
  auto all = [&] { return chain.unspent_sum([](ByteView script) { return equal(script, anyones_script()); }); };
  ASSERT_EQ(all(), Sat(700'000));
  auto a = make({.from = {from}, .fee = Sat(1'000)});
  auto b = make({.from = {output(a)}, .fee = Sat(2'000), .equal = 3});
  ASSERT_TRUE(chain.mine_only({a, b}, now).accepted);  // one spends the other in the same block
  EXPECT_EQ(all(), Sat(697'000));
  chain.undo(1);
  EXPECT_EQ(all(), Sat(700'000));
  mine();
  EXPECT_EQ(all(), Sat(697'000));
  EXPECT_EQ(chain.unspent_sum([](ByteView) { return false; }), Sat(0));
}

TEST_F(ChainTest, coins_from_outside_come_again_after_a_reorganisation_with_what_spent_them) {
  auto from = coin();
  auto spend = make({.from = {from}, .fee = Sat(1'000)});
  ASSERT_EQ(send(spend), "ok");
  mine();
  chain.set_mempool_minimum(FeeratePerKw(30 * 253));
  chain.undo(2);
  EXPECT_EQ(chain.mempool_size(), 1U);  // the spike evicts only the spend
  chain.set_mempool_minimum(FeeratePerKw(0));
  EXPECT_EQ(send(spend), "ok");
  mine();
  EXPECT_TRUE(confirmed(spend));
}

TEST_F(ChainTest, what_miners_took_below_the_relay_minimum_comes_back_after_a_reorganisation) {
  auto free = make({.from = {coin()}, .fee = Sat(0)});
  ASSERT_TRUE(chain.mine_only({free}, now).accepted);
  chain.undo(1);
  EXPECT_TRUE(pending(free));
}

TEST_F(ChainTest, of_a_long_chain_only_25_come_back_after_a_reorganisation) {
  std::vector<bitcoin::Transaction> long_chain;
  auto place = coin();
  for (int i = 0; i < 30; ++i) {
    long_chain.push_back(make({.from = {place}, .fee = Sat(1'000)}));
    place = output(long_chain.back());
  }
  ASSERT_TRUE(chain.mine_only(long_chain, now).accepted);
  chain.undo(1);
  EXPECT_EQ(chain.mempool_size(), 25U);
  EXPECT_FALSE(pending(long_chain[25]));
}

// ---- questions ----

TEST_F(ChainTest, who_spends_an_output_in_the_mempool_can_be_asked) {
  auto from = coin();
  EXPECT_FALSE(chain.spender(from.outpoint));
  auto first = make({.from = {from}, .fee = Sat(1'000)}), second = make({.from = {from}, .fee = Sat(9'000)});
  ASSERT_EQ(send(first), "ok");
  EXPECT_EQ(chain.spender(from.outpoint), bitcoin::txid(first));
  ASSERT_EQ(send(second), "ok");
  EXPECT_EQ(chain.spender(from.outpoint), bitcoin::txid(second));
  EXPECT_EQ(*chain.in_mempool(bitcoin::txid(second)), second);
  EXPECT_EQ(chain.mempool(), std::vector<Txid>{bitcoin::txid(second)});
  mine();
  EXPECT_FALSE(chain.spender(from.outpoint));
  EXPECT_EQ(chain.in_mempool(bitcoin::txid(second)), nullptr);
}

TEST_F(ChainTest, a_cycled_claim_is_gone_from_the_mempool_without_notice) {
  auto htlc = coin(), theirs = coin();
  auto timeout = make({.from = {htlc}, .fee = Sat(1'000)});
  auto claim = make({.from = {htlc, theirs}, .fee = Sat(9'000)});
  auto away = make({.from = {theirs}, .fee = Sat(20'000)});
  for (const auto& one : {timeout, claim, away}) ASSERT_EQ(send(one), "ok");
  EXPECT_FALSE(chain.spender(htlc.outpoint));
  EXPECT_EQ(send(timeout), "ok");
}

TEST_F(ChainTest, estimates_are_those_of_the_next_lower_target_and_none_above_1008) {
  EXPECT_FALSE(chain.estimate(6));
  chain.set_estimate(2, FeeratePerKw(5'000));
  chain.set_estimate(12, FeeratePerKw(1'000));
  EXPECT_EQ(chain.estimate(1), FeeratePerKw(5'000));
  EXPECT_EQ(chain.estimate(11), FeeratePerKw(5'000));
  EXPECT_EQ(chain.estimate(12), FeeratePerKw(1'000));
  EXPECT_EQ(chain.estimate(1'008), FeeratePerKw(1'000));
  EXPECT_FALSE(chain.estimate(1'009));
  chain.set_estimate(12, std::nullopt);
  EXPECT_FALSE(chain.estimate(144));
  EXPECT_EQ(chain.estimate(2), FeeratePerKw(5'000));
}

}  // namespace
}  // namespace doze::sim
