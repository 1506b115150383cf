// Packages and version 3 in the simulator's chain, with the answers of Bitcoin Knots 29.4.3 to the same transactions:
// with its defaults, with its options for version 3, and with -corepolicy=1.
#include "bitcoin/script.h"
#include "coin_maker.h"

namespace doze::sim {
namespace {

class Packages : public ChainTest {
 protected:
  /// A commitment without HTLCs and with an anchor that everybody may spend.
  bitcoin::Transaction commitment(std::uint64_t anchor, std::uint64_t fee, std::uint32_t version = kTrucVersion) {
    return make({.from = {coin()},
                 .fee = Sat(fee),
                 .first = {{Sat(anchor), bitcoin::p2a_script()}},
                 .equal = 2,
                 .version = version});
  }
  bitcoin::Transaction child_of(const bitcoin::Transaction& parent, std::uint64_t fee = 20'000) {
    return make({.from = {output(parent), coin()}, .fee = Sat(fee), .version = parent.version});
  }
  /// "ok" or why the commitment was not taken with a child that pays enough.
  std::string with_child(std::uint64_t anchor, std::uint64_t fee, std::uint32_t version = kTrucVersion) {
    auto parent = commitment(anchor, fee, version);
    auto verdict = send({parent}, child_of(parent));
    EXPECT_EQ(verdict.message, verdict.accepted ? "success" : "transaction failed");
    return verdict.accepted ? "ok" : head(verdict.each.at(0).reason);
  }
  static RelayPolicy truc() {
    auto policy = knots_policy();
    policy.enforces_truc = true;
    return policy;
  }
  static RelayPolicy truc_and_dust() {
    auto policy = truc();
    policy.permits_dust_amounts = true;
    return policy;
  }
};

TEST_F(Packages, zero_fee_commitments_are_refused_by_the_defaults_of_knots) {
  EXPECT_EQ(with_child(0, 0), "min relay fee not met");
  EXPECT_EQ(with_child(100, 0), "dust-nonzero");
  EXPECT_EQ(with_child(239, 0), "dust-nonzero");
  EXPECT_EQ(with_child(240, 0), "min relay fee not met");
  EXPECT_EQ(with_child(240, 300), "ok");
  EXPECT_EQ(with_child(100, 400), "dust-nonzero");
  auto parent = commitment(0, 0);
  auto size = std::to_string(bitcoin::vsize(parent));
  EXPECT_EQ(chain.broadcast(parent, now).reason, "min relay fee not met, -240 < " + size);
}

TEST_F(Packages, with_version_3_enforced_they_pass_unless_the_anchor_is_dust_of_some_satoshi) {
  chain.set_relay_policy(truc());
  EXPECT_EQ(with_child(0, 0), "ok");
  EXPECT_EQ(with_child(100, 0), "dust-nonzero");
  EXPECT_EQ(with_child(240, 0), "ok");
  EXPECT_EQ(with_child(240, 300), "ok");
  EXPECT_EQ(with_child(0, 0, 2), "min relay fee not met");
}

TEST_F(Packages, with_dust_permitted_as_well_every_zero_fee_commitment_passes) {
  chain.set_relay_policy(truc_and_dust());
  EXPECT_EQ(with_child(0, 0), "ok");
  EXPECT_EQ(with_child(100, 0), "ok");
  EXPECT_EQ(with_child(239, 0), "ok");
  EXPECT_EQ(with_child(240, 0), "ok");
  EXPECT_EQ(with_child(100, 400), "dust");
}

TEST_F(Packages, core_takes_every_zero_fee_commitment_and_no_dust_that_pays) {
  chain.set_relay_policy(core_policy());
  EXPECT_EQ(with_child(0, 0), "ok");
  EXPECT_EQ(with_child(100, 0), "ok");
  EXPECT_EQ(with_child(240, 0), "ok");
  EXPECT_EQ(with_child(240, 300), "ok");
  EXPECT_EQ(with_child(100, 400), "dust");
  EXPECT_EQ(with_child(0, 0, 2), "min relay fee not met");
  EXPECT_EQ(send(commitment(0, 0)), "min relay fee not met");  // alone
}

TEST_F(Packages, in_a_spike_a_child_pays_for_its_parent_above_the_relay_minimum_but_never_below_it) {
  for (const auto& policy : {knots_policy(), core_policy()}) {
    chain.set_relay_policy(policy);
    chain.set_mempool_minimum(FeeratePerKw(30 * 253));
    auto parent = make({.from = {coin()}, .fee = Sat(300), .equal = 2});
    EXPECT_EQ(send(parent), "mempool min fee not met");
    auto poor = send({parent}, make({.from = {output(parent)}, .fee = Sat(3'000)}));
    EXPECT_FALSE(poor.accepted);
    EXPECT_EQ(poor.message, "transaction failed");
    EXPECT_EQ(head(poor.each.at(1).reason), "mempool min fee not met");
    EXPECT_FALSE(pending(parent));
    auto child = make({.from = {output(parent)}, .fee = Sat(30'000)});
    EXPECT_TRUE(send({parent}, child).accepted);
    EXPECT_TRUE(pending(parent));
    mine();
    EXPECT_TRUE(confirmed(parent));
    auto free = make({.from = {coin()}, .fee = Sat(5), .equal = 2});
    auto refused = send({free}, make({.from = {output(free)}, .fee = Sat(50'000)}));
    EXPECT_EQ(head(refused.each.at(0).reason), "min relay fee not met");
    EXPECT_EQ(refused.each.at(1).reason, "bad-txns-inputs-missingorspent");
    chain.set_mempool_minimum(FeeratePerKw(0));
  }
}

TEST_F(Packages, a_package_that_pays_too_little_in_all_names_the_child) {
  chain.set_relay_policy(truc());
  auto parent = make({.from = {coin()}, .fee = Sat(0), .version = 3});
  auto child = make({.from = {output(parent)}, .fee = Sat(20), .version = 3});
  auto verdict = send({parent}, child);
  EXPECT_EQ(verdict.message, "transaction failed");
  EXPECT_EQ(verdict.each.at(1).reason,
            "min relay fee not met, 20 < " + std::to_string(bitcoin::vsize(parent) + bitcoin::vsize(child)));
}

TEST_F(Packages, who_pays_enough_alone_is_taken_alone_and_stays_if_the_rest_fails) {
  auto parent = make({.from = {coin()}, .fee = Sat(500)});
  auto verdict = send({parent}, make({.from = {output(parent)}, .fee = Sat(20)}));
  EXPECT_EQ(verdict.message, "transaction failed");
  EXPECT_FALSE(verdict.accepted);
  EXPECT_TRUE(verdict.each.at(0).accepted);
  EXPECT_EQ(head(verdict.each.at(1).reason), "min relay fee not met");
  EXPECT_TRUE(pending(parent));
}

TEST_F(Packages, a_package_is_a_child_with_all_its_unconfirmed_parents) {
  constexpr auto kTopology = "package topology disallowed. not child-with-parents or parents depend on each other.";
  auto a = make({.from = {coin()}, .fee = Sat(1'000)}), b = make({.from = {coin()}, .fee = Sat(1'000)});
  EXPECT_EQ(send({a}, b).message, kTopology);
  auto child = make({.from = {output(a), output(b)}, .fee = Sat(1'000)});
  ASSERT_EQ(send(b), "ok");
  EXPECT_EQ(send({a}, child).message, "package-not-child-with-unconfirmed-parents");
  EXPECT_FALSE(pending(a));
  EXPECT_TRUE(send({a, b}, child).accepted);
  auto grandchild = make({.from = {output(child)}, .fee = Sat(1'000)});
  EXPECT_EQ(send({child, a}, grandchild).message, kTopology);
  auto from = coin();
  auto c = make({.from = {from}, .fee = Sat(1'000)});
  EXPECT_EQ(send({c}, make({.from = {output(c), from}, .fee = Sat(1'000)})).message, "conflict-in-package");
  std::vector<bitcoin::Transaction> many;
  std::vector<Place> outputs;
  for (std::size_t i = 0; i < kMaxPackage; ++i) {
    many.push_back(make({.from = {coin()}, .fee = Sat(1'000)}));
    outputs.push_back(output(many.back()));
  }
  EXPECT_EQ(send(many, make({.from = outputs, .fee = Sat(9'000)})).message, "package-too-many-transactions");
  many.pop_back();
  outputs.pop_back();
  EXPECT_TRUE(send(many, make({.from = outputs, .fee = Sat(9'000)})).accepted);
}

TEST_F(Packages, a_parent_in_a_block_is_known_and_its_child_is_taken) {
  auto parent = make({.from = {coin()}, .fee = Sat(1'000)});
  ASSERT_EQ(send(parent), "ok");
  mine();
  auto verdict = send({parent}, make({.from = {output(parent)}, .fee = Sat(1'000)}));
  EXPECT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.message, "transaction failed");  // bitcoind says so although the child is in
  EXPECT_EQ(verdict.each.at(0).reason, "txn-already-known");
}

TEST_F(Packages, a_package_replaces_a_commitment_with_its_child_when_it_pays_more_in_all) {
  for (std::uint32_t version : {2U, 3U}) {
    chain.set_relay_policy(truc());
    auto funding = coin();
    auto low = version == kTrucVersion ? 0U : 200U;
    auto ours = make({.from = {funding}, .fee = Sat(low), .equal = 2, .version = version});
    auto child = make({.from = {output(ours)}, .fee = Sat(5'000), .version = version});
    ASSERT_TRUE(send({ours}, child).accepted);
    auto theirs = make({.from = {funding}, .fee = Sat(low), .equal = 3, .version = version});
    auto little = send({theirs}, make({.from = {output(theirs)}, .fee = Sat(5'100), .version = version}));
    EXPECT_EQ(head(little.message), "package RBF failed: insufficient anti-DoS fees");
    EXPECT_TRUE(pending(child));
    auto more = make({.from = {output(theirs)}, .fee = Sat(9'000), .version = version});
    EXPECT_TRUE(send({theirs}, more).accepted);
    EXPECT_FALSE(pending(ours));
    EXPECT_FALSE(pending(child));
    auto better = make({.from = {output(theirs)}, .fee = Sat(12'000), .version = version});
    EXPECT_EQ(send(better), "ok");
    EXPECT_FALSE(pending(more));
    EXPECT_TRUE(send({theirs}, make({.from = {output(theirs)}, .fee = Sat(13'000), .version = version})).accepted);
    EXPECT_FALSE(pending(better));
  }
}

TEST_F(Packages, a_package_replaces_no_more_than_a_pair_and_only_as_a_pair) {
  auto from = coin();
  auto parent = make({.from = {from}, .fee = Sat(1'000)});
  auto child = make({.from = {output(parent)}, .fee = Sat(1'000)});
  auto grandchild = make({.from = {output(child)}, .fee = Sat(1'000)});
  for (const auto& one : {parent, child, grandchild}) ASSERT_EQ(send(one), "ok");
  auto rival = make({.from = {from}, .fee = Sat(700), .equal = 2});
  EXPECT_NE(send({rival}, make({.from = {output(rival)}, .fee = Sat(30'000)})).message.find("2 descendants, max 1"),
            std::string::npos);
  auto other = make({.from = {coin()}, .fee = Sat(300)});
  EXPECT_EQ(send({rival, other}, make({.from = {output(rival), output(other)}, .fee = Sat(30'000)})).message,
            "package RBF failed: new transaction cannot have mempool ancestors");
}

TEST_F(Packages, a_package_is_better_than_its_parent_and_lifts_the_diagram) {
  chain.set_relay_policy(core_policy());
  auto from = coin();
  ASSERT_EQ(send(make({.from = {from}, .fee = Sat(1'000)})), "ok");
  auto parent = make({.from = {from}, .fee = Sat(1'050), .equal = 2});
  EXPECT_EQ(head(send({parent}, make({.from = {output(parent)}, .fee = Sat(150)})).message),
            "package RBF failed: package feerate is less than or equal to parent feerate");
  from = coin();
  auto first = make({.from = {from}, .fee = Sat(200)});
  ASSERT_EQ(send(first), "ok");
  ASSERT_EQ(send(make({.from = {output(first)}, .fee = Sat(5'000)})), "ok");
  auto rival = make({.from = {from}, .fee = Sat(150), .equal = 2});
  EXPECT_EQ(send({rival}, make({.from = {output(rival)}, .fee = Sat(5'100)})).message,
            "package RBF failed: insufficient feerate: does not improve feerate diagram");
}

TEST_F(Packages, version_3_comes_in_pairs_of_its_own_kind_and_its_child_is_small) {
  chain.set_relay_policy(core_policy());
  auto parent = make({.from = {coin()}, .fee = Sat(1'000), .equal = 2, .version = 3});
  auto ordinary = make({.from = {coin()}, .fee = Sat(1'000), .equal = 2});
  ASSERT_EQ(send(parent), "ok");
  ASSERT_EQ(send(ordinary), "ok");
  EXPECT_EQ(send(make({.from = {output(parent)}, .fee = Sat(1'000)})), "truc-spent-by-nontruc");
  EXPECT_EQ(send(make({.from = {output(ordinary)}, .fee = Sat(1'000), .version = 3})), "truc-spends-nontruc");
  EXPECT_EQ(send(make({.from = {output(parent)}, .fee = Sat(5'000), .equal = 25, .version = 3})), "truc-child-toobig");
  EXPECT_EQ(send(make({.from = {coin()}, .fee = Sat(50'000), .equal = 240, .version = 3})), "truc-vsize-toobig");
  auto child = make({.from = {output(parent)}, .fee = Sat(1'000), .version = 3});
  ASSERT_EQ(send(child), "ok");
  EXPECT_EQ(send(make({.from = {output(child)}, .fee = Sat(1'000), .version = 3})), "truc-ancestors-toomany");
  auto other = make({.from = {coin()}, .fee = Sat(1'000), .version = 3});
  ASSERT_EQ(send(other), "ok");
  EXPECT_EQ(send(make({.from = {output(parent), output(other)}, .fee = Sat(9'000), .version = 3})),
            "truc-ancestors-toomany");
  auto big = make({.from = {coin()}, .fee = Sat(0), .version = 3});
  EXPECT_EQ(head(send({big}, make({.from = {output(big)}, .fee = Sat(9'000), .equal = 25, .version = 3})).message),
            "truc-child-toobig");
  EXPECT_EQ(head(send({big}, make({.from = {output(big)}, .fee = Sat(9'000)})).message), "truc-spent-by-nontruc");
}

TEST_F(Packages, a_better_child_of_version_3_takes_the_place_of_its_sibling) {
  auto siblings = [&](std::uint64_t first, std::uint64_t second) {
    auto parent = make({.from = {coin()}, .fee = Sat(1'000), .equal = 2, .version = 3});
    EXPECT_EQ(send(parent), "ok");
    EXPECT_EQ(send(make({.from = {output(parent, 0)}, .fee = Sat(first), .version = 3})), "ok");
    return send(make({.from = {output(parent, 1)}, .fee = Sat(second), .version = 3}));
  };
  EXPECT_EQ(siblings(1'000, 900), "ok");  // as any other transaction
  EXPECT_EQ(chain.mempool_size(), 3U);
  mine();
  chain.set_relay_policy(core_policy());
  EXPECT_EQ(siblings(1'000, 900), "insufficient fee (including sibling eviction)");
  mine();
  EXPECT_EQ(siblings(1'000, 5'000), "ok");
  EXPECT_EQ(chain.mempool_size(), 2U);
}

TEST_F(Packages, while_a_commitment_has_a_dust_anchor_nothing_else_of_it_can_be_spent_alone) {
  chain.set_relay_policy(core_policy());
  auto parent = commitment(0, 0);
  auto skips = make({.from = {output(parent, 1)}, .fee = Sat(20'000), .version = 3});
  auto verdict = send({parent}, skips);
  EXPECT_EQ(verdict.message, "unspent-dust");
  EXPECT_EQ(head(verdict.each.at(1).reason), "missing-ephemeral-spends");
  ASSERT_TRUE(send({parent}, child_of(parent)).accepted);
  EXPECT_EQ(send(make({.from = {output(parent, 1)}, .fee = Sat(90'000), .version = 3})), "missing-ephemeral-spends");
  mine();
  EXPECT_EQ(send(skips), "ok");
}

}  // namespace
}  // namespace doze::sim
