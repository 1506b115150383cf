// What each output of each commitment is, from either side and in each format.
#include "commitment/outputs.h"

#include <set>

#include "commitment/scripts.h"
#include "scene.h"

namespace doze::commitment {
namespace {

using Kind = OutputKind;

std::map<Kind, int> kinds(const ChannelOutputs& outputs) {
  std::map<Kind, int> out;
  for (const auto& output : outputs) ++out[output.kind];
  return out;
}
/// With the anchors of the format.
std::map<Kind, int> with_anchors(CommitmentFormat format, std::map<Kind, int> expected) {
  if (has_own_anchors(format)) expected[Kind::AnchorOurs] = expected[Kind::AnchorTheirs] = 1;
  if (has_shared_anchor(format)) expected[Kind::AnchorShared] = 1;
  return expected;
}
void for_each_scene(const std::function<void(Scene&)>& test) {
  for (auto format : kFormats)
    for (bool we_opened : {true, false}) {
      SCOPED_TRACE(std::string(name(format)) + (we_opened ? ", ours" : ", theirs"));
      Scene scene(format, we_opened);
      scene.add_usual();
      test(scene);
    }
}

TEST(Outputs, of_our_commitment_are_told_apart) {
  for_each_scene([](Scene& scene) {
    auto tx = commitment_of(scene.us);
    auto published = scene.publish(tx);
    EXPECT_EQ(published.whose, WhoseCommitment::Ours);
    EXPECT_EQ(published.number, scene.us.c.local.number);
    auto outputs = outputs_of(scene.us.c, published, scene.log, tx);
    auto format = scene.us.c.params.format;
    EXPECT_EQ(kinds(outputs),
              with_anchors(
                  format, {{Kind::ToUsDelayed, 1}, {Kind::Peers, 1}, {Kind::HtlcOffered, 3}, {Kind::HtlcReceived, 2}}));
    for (const auto& output : outputs) {
      EXPECT_EQ(output.output, tx.outputs[output.outpoint.index]);
      EXPECT_EQ(output.second_stage.has_value(), output.htlc.has_value());
      if (output.kind == Kind::ToUsDelayed) {
        EXPECT_EQ(output.csv_delay, Scene::kOurDelay);
      }
    }
  });
}

TEST(Outputs, of_the_peers_commitments_are_told_apart_current_and_next) {
  for_each_scene([](Scene& scene) {
    auto current = commitment_of(scene.peer);
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    auto message = scene.two.commit(scene.us);
    ASSERT_TRUE(receive(scene.peer.c, message, *scene.peer.signer, scene.two.parallel).has_value());
    auto next = commitment_of(scene.peer);
    for (const auto& tx : {current, next}) {
      bool is_next = tx == next;
      auto published = scene.publish(tx);
      EXPECT_EQ(published.whose, is_next ? WhoseCommitment::TheirsNext : WhoseCommitment::Theirs);
      EXPECT_FALSE(published.secret);
      auto outputs = outputs_of(scene.us.c, published, scene.log, tx);
      auto format = scene.us.c.params.format;
      EXPECT_EQ(kinds(outputs), with_anchors(format, {{Kind::ToUs, 1},
                                                      {Kind::Peers, 1},
                                                      {Kind::HtlcOffered, is_next ? 4 : 3},
                                                      {Kind::HtlcReceived, 2}}));
      for (const auto& output : outputs) {
        EXPECT_FALSE(output.second_stage);
        if (output.kind == Kind::Peers) {
          EXPECT_EQ(output.csv_delay, Scene::kTheirDelay);
        }
        if (output.kind == Kind::ToUs || output.htlc) {
          EXPECT_EQ(output.csv_delay, has_own_anchors(format) ? 1 : 0);
        }
      }
    }
  });
}

// [B5-pen-02]
TEST(Outputs, of_every_revoked_commitment_are_all_ours) {
  for_each_scene([](Scene& scene) {
    auto first = commitment_of(scene.peer);
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    auto second = commitment_of(scene.peer);
    scene.add(scene.peer, scene.us, Scene::kLate, 531, Msat(20'000'000));
    scene.settle();
    for (const auto& tx : {first, second}) {
      auto published = scene.publish(tx);
      ASSERT_EQ(published.whose, WhoseCommitment::Revoked);
      ASSERT_TRUE(published.secret);
      auto outputs = outputs_of(scene.us.c, published, scene.log, tx);
      EXPECT_EQ(kinds(outputs), with_anchors(scene.us.c.params.format, {{Kind::ToUs, 1},
                                                                        {Kind::RevokedToLocal, 1},
                                                                        {Kind::RevokedHtlcOffered, tx == first ? 3 : 4},
                                                                        {Kind::RevokedHtlcReceived, 2}}));
    }
  });
}

TEST(Outputs, of_a_revoked_commitment_that_the_log_does_not_have_are_unknown_and_the_rest_is_ours) {
  Scene scene(CommitmentFormat::AnchorsZeroFeeHtlc);
  scene.add_usual();
  auto tx = commitment_of(scene.peer);
  scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
  scene.settle();
  auto published = scene.publish(tx);
  auto outputs = kinds(outputs_of(scene.us.c, published, {}, tx));
  EXPECT_EQ(outputs[Kind::Unknown], 5);
  EXPECT_EQ(outputs[Kind::RevokedToLocal], 1);
  EXPECT_EQ(outputs[Kind::ToUs], 1);
}

TEST(Outputs, of_equal_htlcs_have_ids_in_the_order_of_their_expiry) {
  for_each_scene([](Scene& scene) {
    for (const auto* side : {&scene.us, &scene.peer}) {
      auto tx = commitment_of(*side);
      auto published = *identify(scene.us.c, *scene.us.signer, tx);
      std::vector<std::pair<std::uint32_t, std::uint64_t>> equal;
      for (const auto& output : outputs_of(scene.us.c, published, scene.log, tx))
        if (output.kind == Kind::HtlcOffered && output.output.amount == Sat(30'000))
          equal.emplace_back(output.htlc->cltv_expiry.value(), output.htlc->id.id);
      if (side == &scene.us) {
        EXPECT_EQ(equal, (std::vector<std::pair<std::uint32_t, std::uint64_t>>{{505, 2}, {510, 1}}));
      } else {  // received by the owner: the expiry is in the script, which decides the order
        std::ranges::sort(equal);
        EXPECT_EQ(equal, (std::vector<std::pair<std::uint32_t, std::uint64_t>>{{505, 2}, {510, 1}}));
      }
    }
  });
}

TEST(Outputs, of_a_revoked_commitment_never_expire_before_the_htlc_that_its_value_names) {
  Scene scene(CommitmentFormat::AnchorsZeroFeeHtlc);
  // Equal ones that were settled before: the scripts are the same as those of the two that are there.
  for (std::uint32_t expiry : {700, 510, 600}) scene.add(scene.peer, scene.us, Scene::kEqual, expiry, Msat(30'000'000));
  scene.settle();
  auto removal = remove(scene.us.c, wire::UpdateFulfillHtlc{{}, 1, preimage(Scene::kEqual), {}});
  ASSERT_TRUE(removal.has_value());
  ASSERT_TRUE(receive(scene.peer.c, std::get<wire::UpdateFulfillHtlc>(*removal)).has_value());
  scene.settle();
  auto tx = commitment_of(scene.peer);  // has 700 and 600
  scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
  scene.settle();
  auto published = scene.publish(tx);
  std::vector<std::uint32_t> named;
  for (const auto& output : outputs_of(scene.us.c, published, scene.log, tx))
    if (output.kind == Kind::RevokedHtlcReceived) named.push_back(output.htlc->cltv_expiry.value());
  EXPECT_EQ(named, (std::vector<std::uint32_t>{510, 600}));
}

TEST(Outputs, of_a_commitment_newer_than_ours_are_our_balance_and_nothing_else) {
  for_each_scene([](Scene& scene) {
    auto old = scene.us.c;
    scene.add(scene.us, scene.peer, Scene::kLate, 530, Msat(20'000'000));
    scene.settle();
    auto tx = commitment_of(scene.peer);
    auto published = identify(old, *scene.us.signer, tx);
    ASSERT_TRUE(published);
    EXPECT_EQ(published->whose, WhoseCommitment::Unknown);
    EXPECT_EQ(published->number, scene.peer.c.local.number);
    auto outputs = kinds(outputs_of(old, *published, scene.log, tx));
    EXPECT_EQ(outputs, with_anchors(scene.us.c.params.format, {{Kind::ToUs, 1}, {Kind::Unknown, 7}}));
    // Our own, newer or older than what we know: the balance is found by its number.
    auto ours = commitment_of(scene.us);
    published = identify(old, *scene.us.signer, ours);
    ASSERT_TRUE(published);
    EXPECT_EQ(published->whose, WhoseCommitment::OursUnknown);
    EXPECT_EQ(kinds(outputs_of(old, *published, scene.log, ours))[Kind::ToUsDelayed], 1);
    auto ours_before = own_commitment(old, *scene.us.signer);
    published = identify(scene.us.c, *scene.us.signer, ours_before);
    ASSERT_TRUE(published);
    EXPECT_EQ(published->whose, WhoseCommitment::OursUnknown);
  });
}

TEST(Outputs, a_spend_that_is_no_commitment_is_not_identified) {
  Scene scene(CommitmentFormat::AnchorsZeroFeeHtlc);
  auto tx = commitment_of(scene.us);
  tx.locktime = 0;
  EXPECT_FALSE(identify(scene.us.c, *scene.us.signer, tx));
  EXPECT_FALSE(outputs_of_ours(scene.us.c.params, scene.us.c.local, scene.us.signer->per_commitment_point(0), tx));
  EXPECT_FALSE(outputs_of_revoked(scene.us.c.params, Secret(), {}, tx));  // zero is no key
}

TEST(Outputs, heights_from_which_the_peer_can_spend_are_those_of_its_own_claims) {
  for_each_scene([](Scene& scene) {
    for (auto* side : {&scene.us, &scene.peer}) {
      auto tx = commitment_of(*side);
      auto ours = outputs_of(scene.us.c, *identify(scene.us.c, *scene.us.signer, tx), scene.log, tx);
      auto theirs = outputs_of(scene.peer.c, *identify(scene.peer.c, *scene.peer.signer, tx), {}, tx);
      ASSERT_EQ(ours.size(), theirs.size());
      for (std::size_t i = 0; i < ours.size(); ++i) {
        if (ours[i].kind == Kind::AnchorOurs) continue;  // after 16 blocks anybody's
        auto claim = claim_of(theirs[i], preimage_of(theirs[i]));
        auto from = peer_can_spend_from(ours[i], Scene::kClosed);
        ASSERT_EQ(from.has_value(), claim.has_value()) << name(ours[i].kind);
        if (claim) {
          EXPECT_EQ(from, claimable_from(*claim, Scene::kClosed)) << name(ours[i].kind);
        }
      }
    }
  });
}

// [B5-ours-03, B5-theirs-02, B5-pen-03]
TEST(Outputs, preimages_are_read_from_claims_and_from_htlc_success_transactions) {
  for_each_scene([](Scene& scene) {
    for (auto* owner : {&scene.us, &scene.peer}) {
      auto tx = commitment_of(*owner);
      auto published = scene.publish(tx);
      auto ours = outputs_of(scene.us.c, published, scene.log, tx);
      auto theirs_published = *identify(scene.peer.c, *scene.peer.signer, tx);
      std::set<std::uint64_t> seen;
      for (const auto& output : outputs_of(scene.peer.c, theirs_published, {}, tx)) {
        auto claim = output.htlc ? claim_of(output, preimage_of(output)) : std::nullopt;
        if (!claim) continue;
        auto spend = claim_alone(*claim, theirs_published, scene.peer, scene.chain).transaction;
        auto found = preimages_in(spend, ours);
        ASSERT_EQ(found.size(), claim->preimage ? 1U : 0U);
        if (found.empty()) continue;
        EXPECT_EQ(found[0].outpoint, output.outpoint);
        EXPECT_TRUE(found[0].preimage == *claim->preimage);
        EXPECT_TRUE(found[0].htlc.id.offered);
        seen.insert(found[0].htlc.id.id);
        auto& witness = spend.inputs[0].witness;
        auto& item = witness[witness.size() - 2];
        item[0] ^= 1;  // another preimage is none
        EXPECT_TRUE(preimages_in(spend, ours).empty());
        item.resize(31);
        EXPECT_TRUE(preimages_in(spend, ours).empty());
        witness.clear();
        EXPECT_TRUE(preimages_in(spend, ours).empty());
      }
      EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2}));
    }
  });
}

TEST(CommittedHtlcs, are_written_in_42_bytes_and_read_back) {
  for (bool offered : {true, false}) {
    CommittedHtlc htlc{{offered, 0x0102'0304'0506'0708},
                       Hash20::from_hex_or_die("00112233445566778899aabbccddeeff00112233"),
                       CltvExpiry(812'345),
                       Msat(123'456'789'012)};
    auto bytes = serialize(htlc);
    EXPECT_EQ(bytes.size(), 42U);
    EXPECT_EQ(parse_committed_htlc(bytes), htlc);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(parse_committed_htlc(ByteView(bytes).first(size)));
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(parse_committed_htlc(longer));
    for (auto [at, value] : {std::pair(0, 2), std::pair(1, 2), std::pair(34, 0xff)}) {
      auto bad = bytes;
      bad[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
      EXPECT_FALSE(parse_committed_htlc(bad)) << at;
    }
  }
  // The form on disk never changes.
  CommittedHtlc htlc{{true, 7},
                     Hash20::from_hex_or_die("00112233445566778899aabbccddeeff00112233"),
                     CltvExpiry(500),
                     Msat(50'000'000)};
  EXPECT_EQ(to_hex(serialize(htlc)),
            "0101000000000000000700112233445566778899aabbccddeeff00112233000001f40000000002faf080");
}

TEST(CommittedHtlcs, are_those_with_an_output_in_the_peers_commitment) {
  for_each_scene([](Scene& scene) {
    // With static_remotekey the fee leaves an output of this amount to the one that the peer offers, and not to ours.
    for (auto [from, to] : {std::pair(&scene.us, &scene.peer), std::pair(&scene.peer, &scene.us)})
      scene.add(*from, *to, Scene::kLate, 540, Msat(2'050'000));
    scene.settle();
    auto ids = htlcs_with_outputs(scene.us.c.params, scene.us.c.remote.spec);
    bool without_fee = scene.us.c.params.format != CommitmentFormat::StaticRemotekey;
    EXPECT_EQ(ids.size(), without_fee ? 7U : 6U);
    auto built = build_commitment(
        remote_terms(scene.us.c.params, scene.us.c.remote.spec, scene.us.c.remote.number, scene.us.c.remote.point));
    ASSERT_TRUE(built);
    std::set<HtlcId> expected;
    for (const auto& output : built->htlcs) expected.insert({!output.htlc.offered, output.htlc.id});
    EXPECT_EQ(std::set<HtlcId>(ids.begin(), ids.end()), expected);
  });
}

}  // namespace
}  // namespace doze::commitment
