// Each rule that a peer can break outside of the commitments themselves, and what follows from each code.
#include "channel/negotiating.h"
#include "channel/opening.h"
#include "channel/reactions.h"
#include "channel/terms.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;
using Code = commitment::ViolationCode;

std::vector<Code> all_codes() {
  std::vector<Code> out;
  for (std::uint16_t number = 0; number < 1'000; ++number)
    if (text(Violation{static_cast<Code>(number)}) != "unknown") out.push_back(static_cast<Code>(number));
  return out;
}

/// What B says when A breaks a rule: the text of its last warning or error.
std::string said(const FakeNode& node) {
  std::string out;
  for (const auto& word : node.all<SendMessage>()) {
    if (const auto* warning = std::get_if<wire::Warning>(&word.message))
      out.assign(warning->data.begin(), warning->data.end());
    if (const auto* error = std::get_if<wire::Error>(&word.message)) out.assign(error->data.begin(), error->data.end());
  }
  return out;
}
void tell(Pair& pair, const wire::Message& message) {
  pair.b.step(MessageReceived{pair.a.id, message});
}
void opening(Pair& pair) {
  pair.connect();
  pair.start_opening();
  pair.run();
}
void reconnected(Pair& pair, const std::function<void(wire::ChannelReestablish&)>& change) {
  pair.open();
  for (std::uint64_t i = 0; i < 3; ++i) {
    pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), i));
    pair.run();
  }
  pair.cut();
  pair.connect();
  auto message = std::get<wire::ChannelReestablish>(pair.a.outbox.front());
  change(message);
  tell(pair, message);
}
wire::Shutdown shutdown(const Pair& pair, std::uint8_t index = 7) {
  return {pair.id(), bitcoin::p2wpkh_script(pair.a.signer->wallet_key(false, index)), {}};
}
/// A's closing_signed, changed.
void closing_signed(Pair& pair, const std::function<void(wire::ClosingSigned&)>& change) {
  pair.open();
  pair.a.step(CommandReceived{8, command::CloseChannel{pair.id(), false, address(bitcoin::p2wpkh_script(pair.a.id))}});
  auto next = [&] {
    return !pair.a.outbox.empty() && std::holds_alternative<wire::ClosingSigned>(pair.a.outbox.front());
  };
  for (int i = 0; i < 100 && !next(); ++i)
    if (!pair.deliver(pair.a)) pair.deliver(pair.b);
  ASSERT_TRUE(next());
  auto message = std::get<wire::ClosingSigned>(pair.a.outbox.front());
  change(message);
  tell(pair, message);
}

struct Broken {
  Code code;
  std::function<void(Pair&)> act;
  std::string expected;
};

const Broken kBroken[] = {
    {Code::AddBeforeReady,
     [](Pair& pair) {
       opening(pair);
       tell(pair, wire::UpdateAddHtlc{pair.id()});
     },
     "update_add_htlc before channel_ready"},
    {Code::FeeBeforeReady,
     [](Pair& pair) {
       opening(pair);
       tell(pair, wire::UpdateFee{pair.id(), FeeratePerKw(3'000)});
     },
     "update_fee before channel_ready"},
    {Code::CommitmentBeforeReady,
     [](Pair& pair) {
       opening(pair);
       tell(pair, wire::CommitmentSigned{pair.id(), {}, {}, {}});
     },
     "commitment_signed before channel_ready"},
    {Code::RevokeNothing,
     [](Pair& pair) {
       opening(pair);
       tell(pair, wire::RevokeAndAck{pair.id()});
     },
     "revoke_and_ack without a commitment_signed of ours to answer"},
    {Code::AddAfterShutdown,
     [](Pair& pair) {
       pair.open();
       tell(pair, shutdown(pair));
       tell(pair, wire::UpdateAddHtlc{pair.id()});
     },
     "update_add_htlc after shutdown"},
    {Code::ReadyPointInvalid,
     [](Pair& pair) {
       opening(pair);
       tell(pair, wire::ChannelReady{pair.id(), PublicKey{}, std::nullopt, {}});
     },
     "channel_ready: second_per_commitment_point is not a valid point"},
    {Code::BeforeReestablish,
     [](Pair& pair) {
       pair.open();
       pair.cut();
       pair.connect();
       tell(pair, wire::UpdateFee{pair.id(), FeeratePerKw(3'000)});
     },
     "a message about the channel before channel_reestablish"},
    {Code::ReestablishRevocationTooLarge,
     [](Pair& pair) { reconnected(pair, [](auto& m) { m.next_revocation_number = kMaxCommitmentNumber + 1; }); },
     "channel_reestablish: next_revocation_number 281474976710656 has more than 48 bits"},
    {Code::ReestablishAheadUnproved,
     [](Pair& pair) { reconnected(pair, [](auto& m) { m.next_revocation_number = 9; }); },
     "channel_reestablish: next_revocation_number 9, expected at most 3, and your_last_per_commitment_secret does not "
     "prove it"},
    {Code::ReestablishBehind, [](Pair& pair) { reconnected(pair, [](auto& m) { m.next_revocation_number = 1; }); },
     "channel_reestablish: next_revocation_number 1, expected at least 2"},
    {Code::ReestablishSecretWrong,
     [](Pair& pair) { reconnected(pair, [](auto& m) { m.your_last_per_commitment_secret.raw()[0] ^= 1; }); },
     "channel_reestablish: your_last_per_commitment_secret is wrong"},
    {Code::ReestablishCommitmentNumber,
     [](Pair& pair) { reconnected(pair, [](auto& m) { m.next_commitment_number = 9; }); },
     "channel_reestablish: next_commitment_number 9, expected 4"},
    {Code::ShutdownScriptNotAllowed,
     [](Pair& pair) {
       pair.open();
       tell(pair, wire::Shutdown{pair.id(), Bytes{1}, {}});
     },
     "shutdown: scriptpubkey is not of an allowed form"},
    {Code::ShutdownScriptChanged,
     [](Pair& pair) {
       pair.open();
       tell(pair, shutdown(pair));
       tell(pair, shutdown(pair, 8));
     },
     "shutdown: scriptpubkey is not the one that you sent before"},
    {Code::ClosingBeforeShutdown,
     [](Pair& pair) {
       pair.open();
       tell(pair, wire::ClosingSigned{pair.id(), Sat(500), {}, std::nullopt, {}});
     },
     "closing_signed before both sides have sent shutdown and all HTLCs have ended"},
    {Code::ClosingRangeInverted,
     [](Pair& pair) { closing_signed(pair, [](auto& m) {
                        m.fee_range = wire::FeeRange{Sat(9), Sat(8)};
                      }); },
     "closing_signed: min_fee_satoshis 9 is above max_fee_satoshis 8"},
    {Code::ClosingFeeAboveBalance,
     [](Pair& pair) { closing_signed(pair, [](auto& m) { m.fee_satoshis = Sat(700'001); }); },
     "closing_signed: fee_satoshis 700001 is above the opener's balance, at most 700000"},
    {Code::ClosingSignatureWrong, [](Pair& pair) { closing_signed(pair, [](auto& m) { m.signature.bytes[9] ^= 1; }); },
     "closing_signed: signature is wrong"},
    {Code::OpenTemporaryIdInUse,
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
       auto message = pair.a.outbox.front();
       tell(pair, message);
       tell(pair, message);
     },
     "open_channel: temporary_channel_id is in use"},
    {Code::OpenChainNotSynced,
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
       pair.b.views.chain_synced = false;
       tell(pair, pair.a.outbox.front());
     },
     "our block chain is not synced yet: try again later"},
    {Code::OpenNoKeysLeft,
     [](Pair& pair) {
       pair.connect();
       pair.start_opening();
       pair.b.room.inside->next_key_index = kMaxKeyIndexes;
       tell(pair, pair.a.outbox.front());
     },
     "this node has no channel keys left"},
};

TEST(Violations, outside_of_the_commitments_each_is_found_and_said) {
  for (const auto& broken : kBroken) {
    Pair pair;
    broken.act(pair);
    EXPECT_EQ(said(pair.b), broken.expected);
    EXPECT_EQ(said(pair.b).substr(0, 8), text(Violation{broken.code}).substr(0, 8));
    bool left = pair.b.dropped;
    auto reaction = reaction_to(broken.code);
    EXPECT_EQ(left, reaction == Reaction::HangUp) << broken.expected;
  }
}

/// Terms of A's that differ from good ones, judged by B.
std::optional<Violation> judged(const std::function<void(Terms&, Terms&, PublicKey&)>& change) {
  FakeNode a(1, Role::Server), b(2, Role::Client);
  Channel channel;
  auto& params = channel.commitments.params;
  params.capacity = Sat(1'000'000);
  params.local = our_terms(b.context(), channel);
  auto theirs = params.local;
  theirs.keys = a.signer->channel(0)->public_keys();
  auto point = a.id;
  change(params.local, theirs, point);
  return objection(channel, theirs, point);
}

TEST(Violations, each_of_the_terms_has_its_own) {
  EXPECT_FALSE(judged([](auto&, auto&, auto&) {}));
  auto finds = [](Code code, const std::function<void(Terms&)>& change) {
    auto found = judged([&](auto&, Terms& theirs, auto&) { change(theirs); });
    ASSERT_TRUE(found.has_value()) << text(Violation{code});
    EXPECT_EQ(text(*found), text(Violation{code, found->given, found->limit}));
  };
  finds(Code::TermsFundingPubkeyInvalid, [](auto& t) { t.keys.funding = {}; });
  finds(Code::TermsRevocationBasepointInvalid, [](auto& t) { t.keys.revocation_basepoint = {}; });
  finds(Code::TermsPaymentBasepointInvalid, [](auto& t) { t.keys.payment_basepoint = {}; });
  finds(Code::TermsDelayedPaymentBasepointInvalid, [](auto& t) { t.keys.delayed_payment_basepoint = {}; });
  finds(Code::TermsHtlcBasepointInvalid, [](auto& t) { t.keys.htlc_basepoint = {}; });
  finds(Code::TermsDustLimitTooSmall, [](auto& t) { t.dust_limit = Sat(353); });
  finds(Code::TermsDustLimitTooLarge, [](auto& t) { t.dust_limit = Sat(661); });
  finds(Code::TermsReserveTooLarge, [](auto& t) { t.channel_reserve = Sat(200'001); });
  finds(Code::TermsReserveBelowDust, [](auto& t) { t.channel_reserve = Sat(353); });
  finds(Code::TermsDelayTooLong, [](auto& t) { t.to_self_delay = kMaxToSelfDelay + 1; });
  finds(Code::TermsNoHtlcs, [](auto& t) { t.max_accepted_htlcs = 0; });
  finds(Code::TermsTooManyHtlcs, [](auto& t) { t.max_accepted_htlcs = kMaxAcceptedHtlcs + 1; });
  finds(Code::TermsMinimumTooLarge, [](auto& t) { t.htlc_minimum = Msat(10'000'001); });
  finds(Code::TermsInFlightTooSmall, [](auto& t) { t.max_htlc_value_in_flight = Msat(999'999); });
  auto point = judged([](auto&, auto&, PublicKey& point) { point = {}; });
  ASSERT_TRUE(point.has_value());
  EXPECT_EQ(point->code, Code::TermsFirstPointInvalid);
  // Ours lie so that these two come after others; a later choice of ours may change that.
  auto dust = judged([](Terms& ours, auto&, auto&) { ours.channel_reserve = Sat(353); });
  ASSERT_TRUE(dust.has_value());
  EXPECT_EQ(dust->code, Code::TermsDustAboveOurReserve);
  auto reserve = judged([](Terms& ours, auto&, auto&) { ours.dust_limit = Sat(100'000); });
  ASSERT_TRUE(reserve.has_value());
  EXPECT_EQ(reserve->code, Code::TermsReserveBelowOurDust);
}

// What only costs the peer its connection must never cost it the channel: the table is written down twice.
TEST(Reactions, a_channel_fails_over_these_alone) {
  const std::vector<Code> fails{
      Code::RevokeSecretWrong,           Code::RevokeSecretDoesNotFit, Code::ReestablishRevocationTooLarge,
      Code::ReestablishAheadUnproved,    Code::ReestablishBehind,      Code::ReestablishSecretWrong,
      Code::ReestablishCommitmentNumber, Code::ClosingFeeAfterOurs,    Code::ClosingFeeNotOffered};
  const std::vector<Code> warns{Code::ShutdownScriptNotAllowed, Code::AnnouncementShortChannelId,
                                Code::AnnouncementSignatureWrong};
  auto codes = all_codes();
  EXPECT_GT(codes.size(), 80U);
  for (auto code : codes) {
    if (code >= Code::OpenWrongChain) {
      EXPECT_EQ(reaction_to(code), Reaction::Fail);  // of an opening
      continue;
    }
    auto expected = std::ranges::find(fails, code) != fails.end()   ? Reaction::Fail
                    : std::ranges::find(warns, code) != warns.end() ? Reaction::Warn
                                                                    : Reaction::HangUp;
    EXPECT_EQ(reaction_to(code), expected) << text(Violation{code});
  }
}

// ---- states ----

TEST(States, keep_their_numbers_on_disk) {
  for (auto [phase, number] :
       {std::pair(ChannelPhase::Opening, 0), std::pair(ChannelPhase::Normal, 1), std::pair(ChannelPhase::Closing, 2),
        std::pair(ChannelPhase::ForceClosing, 3), std::pair(ChannelPhase::Closed, 4)}) {
    EXPECT_EQ(static_cast<int>(phase), number);
    EXPECT_EQ(phase_of(state_of(phase)), phase);
  }
  EXPECT_EQ(phase_of(Negotiating{}), ChannelPhase::Closing);
}

TEST(States, a_negotiation_ends_with_its_connection_and_begins_anew_in_the_next) {
  Pair pair;
  closing_signed(pair, [](auto& m) { m.fee_satoshis = Sat(700'001); });
  auto& channel = pair.a.room.inside->channels.at(pair.id());
  EXPECT_TRUE(channel.is<Negotiating>());
  pair.cut();
  EXPECT_TRUE(channel.is<ShuttingDown>());
  pair.connect();
  pair.run();
  EXPECT_TRUE(channel.agreed());
}

}  // namespace
}  // namespace doze::channel
