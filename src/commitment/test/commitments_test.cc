// The value alone, from both sides: rounds, sums, and each rule that a peer can break in them.
#include "commitment/commitments.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "commitment/exposure.h"
#include "commitment/limits.h"
#include "crypto/crypto.h"
#include "two_sides.h"

namespace doze::commitment {
namespace {

using Code = ViolationCode;

constexpr FeerateRange kFeerates{FeeratePerKw(253), FeeratePerKw(25'000)};
/// Both sides' commitments are each other's mirror, and their sums are the capacity.
void expect_same(const Two& two) {
  for (auto [ours, theirs] : {std::pair(&two.a.c, &two.b.c), std::pair(&two.b.c, &two.a.c)}) {
    EXPECT_EQ(ours->local.number, theirs->remote.number);
    EXPECT_EQ(ours->local.spec.to_local, theirs->remote.spec.to_remote);
    EXPECT_EQ(ours->local.spec.to_remote, theirs->remote.spec.to_local);
    EXPECT_EQ(ours->local.spec.htlcs.size(), theirs->remote.spec.htlcs.size());
    auto sum = ours->local.spec.to_local + ours->local.spec.to_remote;
    for (const auto& [id, htlc] : ours->local.spec.htlcs) sum += htlc.amount;
    EXPECT_EQ(sum, to_msat(ours->params.capacity));
  }
}

TEST(Commitments, an_htlc_goes_into_both_and_its_preimage_moves_the_amount) {
  Two two;
  auto id = two.committed(1);
  expect_same(two);
  EXPECT_EQ(two.b.c.local.spec.htlcs.size(), 1U);
  EXPECT_EQ(two.a.c.local.spec.to_local, Msat(450'000'000));

  auto removal = remove(two.b.c, wire::UpdateFulfillHtlc{{}, id, preimage(1), {}});
  ASSERT_TRUE(removal.has_value());
  EXPECT_TRUE(receive(two.a.c, std::get<wire::UpdateFulfillHtlc>(*removal)).has_value());
  two.settle();
  expect_same(two);
  EXPECT_TRUE(quiet(two.a.c) && quiet(two.b.c));
  EXPECT_EQ(two.b.c.local.spec.to_local, Msat(550'000'000));
}

TEST(Commitments, a_failed_htlc_goes_back) {
  Two two;
  auto id = two.committed(1);
  auto removal = remove(two.b.c, wire::UpdateFailHtlc{{}, id, Bytes(292), {}});
  EXPECT_TRUE(receive(two.a.c, std::get<wire::UpdateFailHtlc>(*removal)).has_value());
  two.settle();
  expect_same(two);
  EXPECT_EQ(two.a.c.local.spec.to_local, Msat(500'000'000));
}

TEST(Commitments, both_sides_may_sign_at_once) {
  for (auto format : {CommitmentFormat::AnchorsZeroFeeHtlc, CommitmentFormat::StaticRemotekey}) {
    Two two(format);
    auto of_a = offer(two.a.c, Two::add(1), kTip);
    auto of_b = offer(two.b.c, Two::add(2), kTip);
    ASSERT_TRUE(receive(two.b.c, *of_a).has_value());
    ASSERT_TRUE(receive(two.a.c, *of_b).has_value());
    auto from_a = two.commit(two.a), from_b = two.commit(two.b);
    EXPECT_FALSE(can_sign(two.a.c));  // the peer owes a revocation
    ASSERT_TRUE(receive(two.b.c, from_a, *two.b.signer, two.parallel).has_value());
    ASSERT_TRUE(receive(two.a.c, from_b, *two.a.signer, two.parallel).has_value());
    ASSERT_TRUE(receive(two.b.c, Two::revocation(two.a)).has_value());
    ASSERT_TRUE(receive(two.a.c, Two::revocation(two.b)).has_value());
    two.settle();
    expect_same(two);
    EXPECT_EQ(two.a.c.local.spec.htlcs.size(), 2U);
  }
}

TEST(Commitments, what_became_irrevocable_is_returned_once) {
  Two two;
  auto sent = offer(two.a.c, Two::add(1), kTip);
  ASSERT_TRUE(receive(two.b.c, *sent).has_value());
  auto signed_by_a = two.commit(two.a);
  auto ours = receive(two.b.c, signed_by_a, *two.b.signer, two.parallel);
  ASSERT_TRUE(ours.has_value());
  EXPECT_TRUE(ours->empty());
  auto revoked = receive(two.a.c, Two::revocation(two.b));
  ASSERT_TRUE(revoked.has_value());
  EXPECT_TRUE(revoked->theirs.empty());
  EXPECT_EQ(revoked->ours, 1U);

  auto signed_by_b = two.commit(two.b);
  auto in_both = receive(two.a.c, signed_by_b, *two.a.signer, two.parallel);
  ASSERT_TRUE(in_both.has_value());
  EXPECT_EQ(in_both->size(), 1U);
  auto done = receive(two.b.c, Two::revocation(two.a));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->theirs.size(), 1U);
  EXPECT_EQ(done->ours, 0U);
}

TEST(Commitments, signatures_are_the_same_when_they_are_made_again) {
  Two two;
  (void)two.committed(1);
  ASSERT_TRUE(offer(two.a.c, Two::add(2), kTip).has_value());
  auto first = sign(two.a.c, *two.a.signer, two.parallel);
  auto again = sign_again(two.a.c, *two.a.signer, two.parallel);
  EXPECT_EQ(first.signature, again.signature);
  EXPECT_EQ(first.htlc_signatures, again.htlc_signatures);
}

TEST(Commitments, what_the_peer_did_not_sign_is_forgotten_with_its_ids) {
  Two two;
  auto sent = offer(two.a.c, Two::add(1), kTip);
  ASSERT_TRUE(receive(two.b.c, *sent).has_value());
  forget_unsigned(two.b.c);
  EXPECT_EQ(two.b.c.updates.next_remote_htlc, 0U);
  EXPECT_EQ(signable_local(two.b.c).spec, two.b.c.local.spec);
  EXPECT_TRUE(receive(two.b.c, *sent).has_value());
}

TEST(Commitments, the_last_unsigned_fee_is_withdrawn_first_then_the_last_htlc) {
  Two two;
  ASSERT_TRUE(offer(two.a.c, Two::add(1), kTip).has_value());
  ASSERT_TRUE(propose(two.a.c, wire::UpdateFee{{}, FeeratePerKw(3'000)}));
  ASSERT_TRUE(offer(two.a.c, Two::add(2), kTip).has_value());
  auto first = withdraw_last(two.a.c), second = withdraw_last(two.a.c), third = withdraw_last(two.a.c);
  ASSERT_TRUE(first && second && third);
  EXPECT_TRUE(is_fee(*first));
  EXPECT_EQ(std::get<wire::UpdateAddHtlc>(*second).id, 1U);
  EXPECT_EQ(std::get<wire::UpdateAddHtlc>(*third).id, 0U);
  EXPECT_FALSE(withdraw_last(two.a.c).has_value());
  EXPECT_EQ(two.a.c.updates.next_local_htlc, 0U);
}

TEST(Commitments, an_htlc_is_removed_once) {
  Two two;
  auto id = two.committed(1);
  EXPECT_FALSE(remove(two.b.c, wire::UpdateFailHtlc{{}, id + 1, {}, {}}).has_value());
  EXPECT_TRUE(remove(two.b.c, wire::UpdateFailHtlc{{}, id, {}, {}}).has_value());
  EXPECT_FALSE(remove(two.b.c, wire::UpdateFulfillHtlc{{}, id, preimage(1), {}}).has_value());
}

// [B2-add-04, B2-add-05, B2-add-06]
TEST(Commitments, offers_that_the_peer_would_refuse_are_not_made) {
  auto why = [](const wire::UpdateAddHtlc& add, Two two = Two()) {
    auto made = offer(two.a.c, add, kTip);
    return made ? std::nullopt : std::optional(made.error());
  };
  EXPECT_EQ(why(Two::add(1)), std::nullopt);
  EXPECT_EQ(why(Two::add(1, Msat(999))), AddRefusal::BelowMinimum);
  EXPECT_EQ(why(Two::add(1, Msat(400'000'001))), AddRefusal::TooMuchInFlight);
  EXPECT_EQ(why(Two::add(1, Msat(UINT64_MAX))), AddRefusal::TooMuchInFlight);
  EXPECT_EQ(why(Two::add(1, Msat(300'000'000)), Two(CommitmentFormat::AnchorsZeroFeeHtlc, Msat(700'000'000))),
            AddRefusal::InsufficientFunds);
  auto soon = Two::add(1), far = Two::add(1);
  soon.cltv_expiry = CltvExpiry(kTip.value());
  far.cltv_expiry = CltvExpiry(kFirstTimeExpiry);
  EXPECT_EQ(why(soon), AddRefusal::ExpiryTooSoon);
  EXPECT_EQ(why(far), AddRefusal::ExpiryTooFar);

  Two full;
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(offer(full.a.c, Two::add(i), kTip).has_value());
  EXPECT_EQ(offer(full.a.c, Two::add(4), kTip).error(), AddRefusal::TooManyHtlcs);
}

TEST(Commitments, an_htlc_is_spendable_up_to_what_is_offered_and_not_a_msat_more) {
  for (auto of_b : {Msat(500'000'000), Msat(900'000'000), Msat(985'000'000)}) {
    Two two(CommitmentFormat::AnchorsZeroFeeHtlc, of_b);
    for (auto* side : {&two.a, &two.b}) {
      auto most = spendable(side->c);
      EXPECT_FALSE(offer(side->c, Two::add(1, most + Msat(1)), kTip).has_value());
      bool any = most >= Msat(1'000);
      EXPECT_EQ(offer(side->c, Two::add(1, most), kTip).has_value(), any);
    }
    EXPECT_GE(receivable(two.a.c), spendable(two.b.c));
  }
}

TEST(Commitments, only_the_last_feerate_of_a_round_counts_and_only_the_opener_names_it) {
  Two two;
  EXPECT_FALSE(propose(two.b.c, wire::UpdateFee{{}, FeeratePerKw(3'000)}));
  for (auto rate : {3'000U, 4'000U}) {
    wire::UpdateFee fee{{}, FeeratePerKw(rate)};
    ASSERT_TRUE(propose(two.a.c, fee));
    ASSERT_TRUE(receive(two.b.c, fee, kFeerates).has_value());
  }
  EXPECT_EQ(two.b.c.updates.remote_proposed.size(), 1U);
  EXPECT_EQ(two.a.c.updates.local_proposed.size(), 1U);  // what is sent again after a lost connection
  EXPECT_TRUE(nothing_but_fees(two.b.c));
  two.settle();
  expect_same(two);
  EXPECT_EQ(two.a.c.local.spec.feerate, FeeratePerKw(4'000));
}

// ---- each rule that a peer can break ----

Violation why(const Status<Violation>& status) {
  EXPECT_FALSE(status.has_value());
  return status ? Violation{} : status.error();
}
template <class T>
Violation why(const Result<T, Violation>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Violation{} : result.error();
}

Violation on_add(const std::function<void(wire::UpdateAddHtlc&)>& change, Two two = Two()) {
  auto add = Two::add(1);
  change(add);
  return why(receive(two.b.c, add));
}
Violation on_commitment(const std::function<void(wire::CommitmentSigned&)>& change) {
  Two two;
  auto sent = offer(two.a.c, Two::add(1), kTip);
  EXPECT_TRUE(receive(two.b.c, *sent).has_value());
  auto message = two.commit(two.a);
  change(message);
  return why(receive(two.b.c, message, *two.b.signer, two.parallel));
}
Violation on_revocation(const std::function<void(wire::RevokeAndAck&, Two&)>& change) {
  Two two;
  (void)two.committed(1);
  auto sent = offer(two.a.c, Two::add(2), kTip);
  EXPECT_TRUE(receive(two.b.c, *sent).has_value());
  auto message = two.commit(two.a);
  EXPECT_TRUE(receive(two.b.c, message, *two.b.signer, two.parallel).has_value());
  auto revocation = Two::revocation(two.b);
  change(revocation, two);
  return why(receive(two.a.c, revocation));
}
template <class M>
Violation on_removal(const M& removal, bool twice = false) {
  Two two;
  (void)two.committed(1);
  EXPECT_TRUE(!twice || receive(two.a.c, removal).has_value());
  return why(receive(two.a.c, removal));
}
Violation on_fee(std::uint32_t rate, Two two = Two()) {
  return why(receive(two.b.c, wire::UpdateFee{{}, FeeratePerKw(rate)}, kFeerates));
}
/// A has offered three HTLCs that become dust without anchors when the feerate rises.
Two with_near_dust() {
  Two two(CommitmentFormat::StaticRemotekey);
  for (auto* c : {&two.a.c, &two.b.c}) c->params.local.max_accepted_htlcs = c->params.remote.max_accepted_htlcs = 30;
  for (std::uint64_t i = 0; i < 12; ++i) (void)two.committed(i, Msat(5'000'000));
  return two;
}

const std::map<Code, std::function<Violation()>> kProvoked{
    {Code::AddIdOutOfOrder, [] { return on_add([](auto& add) { add.id = 1; }); }},
    {Code::AddBelowMinimum, [] { return on_add([](auto& add) { add.amount_msat = Msat(999); }); }},
    {Code::AddExpiryIsTime, [] { return on_add([](auto& add) { add.cltv_expiry = CltvExpiry(500'000'000); }); }},
    {Code::AddTooMany,
     [] {
       Two two;
       for (std::uint64_t i = 0; i < 3; ++i) (void)two.committed(i);
       return on_add([](auto& add) { add.id = 3; }, std::move(two));
     }},
    {Code::AddTooMuchInFlight, [] { return on_add([](auto& add) { add.amount_msat = Msat(UINT64_MAX); }); }},
    {Code::AddAboveBalance,
     [] {
       return on_add([](auto& add) { add.amount_msat = Msat(150'000'000); },
                     Two(CommitmentFormat::AnchorsZeroFeeHtlc, Msat(900'000'000)));
     }},
    {Code::AddBelowReserve,
     [] {
       return on_add([](auto& add) { add.amount_msat = Msat(95'000'000); },
                     Two(CommitmentFormat::AnchorsZeroFeeHtlc, Msat(900'000'000)));
     }},
    {Code::FulfillNotCommitted,
     [] {
       return on_removal(wire::UpdateFulfillHtlc{{}, 7, preimage(1), {}});
     }},
    {Code::FulfillTwice,
     [] {
       return on_removal(wire::UpdateFulfillHtlc{{}, 0, preimage(1), {}}, true);
     }},
    {Code::FulfillWrongPreimage,
     [] {
       return on_removal(wire::UpdateFulfillHtlc{{}, 0, preimage(2), {}});
     }},
    {Code::FailNotCommitted,
     [] {
       return on_removal(wire::UpdateFailHtlc{{}, 7, {}, {}});
     }},
    {Code::FailTwice,
     [] {
       return on_removal(wire::UpdateFailHtlc{{}, 0, {}, {}}, true);
     }},
    {Code::MalformedNotCommitted,
     [] {
       return on_removal(wire::UpdateFailMalformedHtlc{{}, 7, {}, 0xc005});
     }},
    {Code::MalformedTwice,
     [] {
       return on_removal(wire::UpdateFailMalformedHtlc{{}, 0, {}, 0xc005}, true);
     }},
    {Code::MalformedWithoutBadOnion,
     [] {
       return on_removal(wire::UpdateFailMalformedHtlc{{}, 0, {}, 0x4005});
     }},
    {Code::FeeNotFromOpener,
     [] {
       Two two;
       return why(receive(two.a.c, wire::UpdateFee{{}, FeeratePerKw(3'000)}, kFeerates));
     }},
    {Code::FeeTooLow, [] { return on_fee(252); }},
    {Code::FeeTooHigh, [] { return on_fee(25'001); }},
    {Code::FeeUnaffordable,
     [] { return on_fee(25'000, Two(CommitmentFormat::AnchorsZeroFeeHtlc, Msat(985'000'000))); }},
    {Code::FeeTooMuchDust, [] { return on_fee(25'000, with_near_dust()); }},
    {Code::CommitmentKeysDoNotCombine,
     [] {
       Two two;
       return why(verify_local(two.a.c.params, two.a.c.local.spec, 1, PublicKey{}, {}, {}, two.parallel));
     }},
    {Code::CommitmentSignatureCount, [] { return on_commitment([](auto& m) { m.htlc_signatures.clear(); }); }},
    {Code::CommitmentSignatureWrong, [] { return on_commitment([](auto& m) { m.signature.bytes[9] ^= 1; }); }},
    {Code::CommitmentHtlcSignatureWrong,
     [] { return on_commitment([](auto& m) { m.htlc_signatures[0].bytes[9] ^= 1; }); }},
    {Code::RevokeNothing,
     [] {
       Two two;
       return why(receive(two.a.c, wire::RevokeAndAck{}));
     }},
    {Code::RevokeSecretWrong,
     [] {
       return on_revocation(
           [](auto& m, Two& two) { m.per_commitment_secret = two.a.signer->release_per_commitment_secret(0); });
     }},
    {Code::RevokeNextPointInvalid,
     [] { return on_revocation([](auto& m, Two&) { m.next_per_commitment_point = {}; }); }},
    {Code::RevokeSecretDoesNotFit,
     [] {
       // The one before was of another seed.
       return on_revocation([](auto&, Two& two) {
         two.a.c.secrets = {};
         EXPECT_TRUE(two.a.c.secrets.insert(kFirstIndex, signer_of(9)->release_per_commitment_secret(0)));
       });
     }},
};

// [B2-add-09, B2-add-10, B2-add-11, B2-add-12, B2-rem-08, B2-rem-09, B2-rem-10, B2-sign-05, B2-fee-03, B2-fee-05]
TEST(Violations, each_rule_is_found_when_it_is_broken_and_nothing_has_changed) {
  for (const auto& [code, provoke] : kProvoked) {
    auto found = provoke();
    EXPECT_EQ(static_cast<int>(found.code), static_cast<int>(code)) << text(found);
    EXPECT_NE(text(found), "unknown");
  }
}

TEST(Violations, each_code_of_updates_and_rounds_is_provoked_here_or_by_the_channel) {
  // These need what only the channel knows: whether it is ready, and how often something came.
  const std::vector<Code> by_channel{Code::AddBeforeReady, Code::AddAfterShutdown,      Code::FeeBeforeReady,
                                     Code::FeeTooOften,    Code::CommitmentBeforeReady, Code::CommitmentEmptyTooOften};
  for (std::uint16_t number = 0; number < 100; ++number) {
    auto code = static_cast<Code>(number);
    if (text({code}) == "unknown") continue;
    bool there = kProvoked.contains(code) || std::ranges::find(by_channel, code) != by_channel.end();
    EXPECT_TRUE(there) << text({code});
  }
}

TEST(Violations, a_refused_message_leaves_the_value_as_it_was) {
  Two two;
  auto id = two.committed(1);
  auto before = two.a.c.local.spec;
  EXPECT_FALSE(receive(two.a.c, wire::UpdateFulfillHtlc{{}, id, preimage(2), {}}).has_value());
  EXPECT_FALSE(receive(two.a.c, wire::RevokeAndAck{}).has_value());
  EXPECT_FALSE(receive(two.a.c, wire::CommitmentSigned{}, *two.a.signer, two.parallel).has_value());
  EXPECT_EQ(two.a.c.local.spec, before);
  EXPECT_TRUE(two.a.c.updates.remote_proposed.empty());
  EXPECT_EQ(signable_local(two.a.c).spec, before);
  // ... and the channel goes on.
  auto removal = remove(two.b.c, wire::UpdateFulfillHtlc{{}, id, preimage(1), {}});
  EXPECT_TRUE(receive(two.a.c, std::get<wire::UpdateFulfillHtlc>(*removal)).has_value());
  two.settle();
  expect_same(two);
}

TEST(Violations, say_what_was_given_and_what_was_expected) {
  EXPECT_EQ(text({Code::AddIdOutOfOrder, 7, 3}), "update_add_htlc: id 7, expected 3");
  EXPECT_EQ(text({Code::TermsFundingPubkeyInvalid}), "funding_pubkey is not a valid point");
  EXPECT_EQ(text({Code::AddBeforeReady}), "update_add_htlc before channel_ready");
  auto scid = ShortChannelId::of(100, 1, 2).value();
  EXPECT_EQ(text({Code::AnnouncementShortChannelId, scid, scid}),
            "announcement_signatures: short_channel_id 100x1x2, expected 100x1x2");
}

// ---- lists, fitness ----

TEST(Updates, removals_pay_for_additions_of_the_same_signature) {
  Spec spec{Msat(10), Msat(0), {}, {}};
  spec.htlcs[{false, 0}] = {Msat(90), {}, CltvExpiry(1)};
  auto add = Two::add(1, Msat(95));
  Updates ours{add, wire::UpdateFulfillHtlc{}};
  EXPECT_TRUE(try_apply(spec, ours, Updates{}));
  EXPECT_EQ(spec.to_local, Msat(5));
  EXPECT_FALSE(try_apply(spec, Updates{wire::UpdateFulfillHtlc{}}, Updates{}));  // it is gone
}

TEST(Updates, a_failure_that_is_too_long_or_without_its_flag_is_made_fit) {
  Update longer = wire::UpdateFailHtlc{{}, 0, Bytes(kMaxReason + 1), Bytes(3)};
  make_fit(longer);
  EXPECT_TRUE(std::get<wire::UpdateFailHtlc>(longer).reason.empty());
  EXPECT_TRUE(std::get<wire::UpdateFailHtlc>(longer).extra_tlvs.empty());
  Update malformed = wire::UpdateFailMalformedHtlc{{}, 0, {}, 0x4016};
  make_fit(malformed);
  EXPECT_EQ(std::get<wire::UpdateFailMalformedHtlc>(malformed).failure_code, kMalformedHmac);
}

}  // namespace
}  // namespace doze::commitment
