// closing_signed: the fee of a mutual close. BOLT 2's legacy negotiation, with fee_range (Core Lightning, LDK, Doze)
// and without (LND, which wants each value strictly between the last two).
#include "channel/negotiating.h"

#include <algorithm>
#include <utility>

#include "channel/closed.h"
#include "channel/normal.h"
#include "channel/records.h"
#include "crypto/crypto.h"
#include "effects/limits.h"

namespace doze::channel {
namespace {

using Code = commitment::ViolationCode;

Negotiating& talk_of(Channel& channel) {
  return std::get<Negotiating>(channel.state);
}

/// Weight of a closing transaction with two outputs, of the longest scripts that is_valid_shutdown_script allows.
constexpr std::uint64_t kClosingWeight = 730;
/// Weight of a closing transaction with one short output. A fee below this weight at the minimum feerate would not be
/// relayed.
constexpr std::uint64_t kLeastClosingWeight = 540;
/// As opener we accept up to this multiple of our own estimate, because estimates differ. LDK takes the highest fee
/// that it is offered.
constexpr std::uint64_t kMostTimesWanted = 2;
/// The same for a peer that sends no fee_range and approaches our fee in steps.
constexpr std::uint64_t kMostTimesInSteps = 3;

/// Without outputs below the signer's dust_limit_satoshis; the signer may also leave out its own output. BOLT 3.
bitcoin::Transaction closing_transaction(const Channel& channel, Sat fee, Sat dust_limit, bool with_theirs = true) {
  commitment::ClosingTerms terms;
  terms.funding = channel.params().funding;
  terms.script_a = channel.local_shutdown;
  terms.script_b = channel.remote_shutdown;
  terms.amount_a = to_sat_floor(channel.commitments.local.spec.to_local);
  terms.amount_b = to_sat_floor(channel.commitments.local.spec.to_remote);
  auto& payer = channel.funder() ? terms.amount_a : terms.amount_b;
  payer = sub_or_zero(payer, fee);
  if (!with_theirs) terms.amount_b = Sat(0);
  terms.dust_limit_a = terms.dust_limit_b = dust_limit;  // [B2-clos-15]
  return commitment::closing_transaction(terms);
}

/// The transaction that the peer signed: with its dust limit, with ours, or without its own output.
std::optional<bitcoin::Transaction> variant_of(const Channel& channel, const wire::ClosingSigned& m) {  // [B2-clos-06]
  for (auto transaction : {closing_transaction(channel, m.fee_satoshis, channel.params().remote.dust_limit),
                           closing_transaction(channel, m.fee_satoshis, channel.params().local.dust_limit),
                           closing_transaction(channel, m.fee_satoshis, channel.params().remote.dust_limit, false)}) {
    if (transaction.outputs.empty()) continue;
    auto digest = commitment::funding_digest(transaction, funding_script(channel.params()), channel.params().capacity);
    if (crypto::ecdsa_verify(channel.params().remote.keys.funding, digest, m.signature)) return transaction;
  }
  return std::nullopt;
}

Sat wanted_fee(const Work& work) {
  return Sat(kClosingWeight * feerate_now(work).value() / 1000 + 1);
}

/// The highest possible fee: all that the opener has, except that one output must be left.
Sat most_fee(const Channel& channel) {
  const auto& spec = channel.commitments.local.spec;
  auto payer = to_sat_floor(channel.funder() ? spec.to_local : spec.to_remote);
  auto other = to_sat_floor(channel.funder() ? spec.to_remote : spec.to_local);
  auto dust = std::max(channel.params().local.dust_limit, channel.params().remote.dust_limit);
  return other < dust ? sub_or_zero(payer, dust) : payer;
}

/// The fees that we sign: as opener those near our estimate, otherwise any that the opener can pay.
// [B2-clos-02]
wire::FeeRange acceptable_fees(const Work& work, const Channel& channel, std::uint64_t times = kMostTimesWanted) {
  Sat least(kLeastClosingWeight * work.context.config.feerate_floor.value() / 1000);
  if (!channel.funder()) return {least, most_fee(channel)};  // [B2-clos-04]
  return {least, std::min(Sat(wanted_fee(work).value() * times), most_fee(channel))};
}

bool within(const wire::FeeRange& range, Sat fee) {
  return range.min_fee_satoshis <= fee && fee <= range.max_fee_satoshis;
}
std::string text(const wire::FeeRange& range) {
  return std::to_string(range.min_fee_satoshis.value()) + " to " + std::to_string(range.max_fee_satoshis.value()) +
         " sat";
}

void send_closing_signed(Work& work, Channel& channel, Sat fee, const bitcoin::Transaction& transaction) {
  auto& talk = talk_of(channel);
  // The range stays the same in one connection, so that a new estimate does not make the peer's answer wrong.
  if (!talk.our_range) talk.our_range = acceptable_fees(work, channel);
  talk.our_range->min_fee_satoshis = std::min(talk.our_range->min_fee_satoshis, fee);
  talk.our_range->max_fee_satoshis = std::max(talk.our_range->max_fee_satoshis, fee);
  talk.ours = fee;
  ++talk.rounds;
  wire::ClosingSigned message;
  message.channel_id = channel.id;
  message.fee_satoshis = fee;
  message.signature =  // [B2-clos-05]
      channel.signer->sign_funding_input(transaction, funding_script(channel.params()), channel.params().capacity);
  message.fee_range = talk.our_range;
  work.send(channel.peer, std::move(message));
}
void offer_fee(Work& work, Channel& channel, Sat fee) {
  send_closing_signed(work, channel, fee, closing_transaction(channel, fee, channel.params().local.dust_limit));
}

/// Both sides would not sign the same fee in this connection. The next connection negotiates again; this one continues
/// for other channels.
void stop_talking(Work& work, Channel& channel, std::string why) {
  work.send(channel.peer, wire::Warning{channel.id, to_bytes(bytes_of("closing_signed: " + why))});
  work.notify(Severity::Warning, "closing_fee_not_agreed",
              {{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"reason", why}});
  talk_of(channel).stuck = std::move(why);
  work.state.dirty.insert(channel.id);
}

/// Both sides have signed this transaction.
// [B2-clos-07]
void agree(Work& work, Channel& channel, const wire::ClosingSigned& m, bitcoin::Transaction transaction) {
  if (talk_of(channel).ours != m.fee_satoshis) send_closing_signed(work, channel, m.fee_satoshis, transaction);
  talk_of(channel).stuck.clear();
  auto ours =
      channel.signer->sign_funding_input(transaction, funding_script(channel.params()), channel.params().capacity);
  transaction.inputs[0].witness = commitment::funding_witness(channel.params().local.keys.funding, ours,
                                                              channel.params().remote.keys.funding, m.signature);
  channel.closing_transaction = bitcoin::serialize(transaction);
  channel.status = "waits for the closing transaction";
  save(work, channel);
  answer_close(work, channel, bitcoin::txid(transaction), "by agreement");
  work.say(Broadcast{std::move(transaction)});
}

/// The peer sent a fee_range. The opener offers first, and the other side's answer must be final.
void with_range(Work& work, Channel& channel, const wire::ClosingSigned& m, bitcoin::Transaction transaction) {
  auto ours = acceptable_fees(work, channel);
  if (const auto& sent = talk_of(channel).our_range)
    ours = {std::min(ours.min_fee_satoshis, sent->min_fee_satoshis),
            std::max(ours.max_fee_satoshis, sent->max_fee_satoshis)};
  wire::FeeRange both{std::max(ours.min_fee_satoshis, m.fee_range->min_fee_satoshis),
                      std::min(ours.max_fee_satoshis, m.fee_range->max_fee_satoshis)};
  if (both.min_fee_satoshis > both.max_fee_satoshis)
    // [B2-clos-08]
    return stop_talking(work, channel, "no common fee: we accept " + text(ours) + ", the peer " + text(*m.fee_range));
  auto fee = m.fee_satoshis;
  if (const auto& sent = talk_of(channel).ours; !channel.funder() && sent)
    return react(work, channel, {Code::ClosingFeeAfterOurs, fee.value(), sent->value()});  // [B2-clos-11]
  if (within(both, fee)) return agree(work, channel, m, std::move(transaction));
  if (channel.funder()) return react(work, channel, {Code::ClosingFeeNotOffered, fee.value()});          // [B2-clos-10]
  offer_fee(work, channel, std::clamp(wanted_fee(work), both.min_fee_satoshis, both.max_fee_satoshis));  // [B2-clos-12]
}

/// The peer sent no fee_range. Each offer lies between the last two, until one is accepted.
void in_steps(Work& work, Channel& channel, const wire::ClosingSigned& m, std::optional<Sat> before,
              bitcoin::Transaction transaction) {
  auto& talk = talk_of(channel);
  auto fee = m.fee_satoshis;
  auto told = "a fee of " + std::to_string(fee.value()) + " sat";
  if (talk.ours && before) {
    auto [low, high] = std::minmax(*talk.ours, *before);
    if (fee <= low) return react(work, channel, {Code::ClosingFeeTooLow, fee.value(), low.value()});  // [B2-clos-13]
    if (fee >= high) return react(work, channel, {Code::ClosingFeeTooHigh, fee.value(), high.value()});
  }
  if (within(acceptable_fees(work, channel), fee)) return agree(work, channel, m, std::move(transaction));

  auto range = acceptable_fees(work, channel, kMostTimesInSteps);
  Sat next;
  if (talk.ours) {
    auto [low, high] = std::minmax(*talk.ours, fee);
    next = std::clamp(Sat((low.value() + high.value()) / 2), range.min_fee_satoshis, range.max_fee_satoshis);
    if (next <= low || next >= high || talk.rounds >= kMaxClosingRounds)  // [B2-clos-14]
      return stop_talking(work, channel, told + " is requested, but we accept " + text(range));
  } else {
    next = std::clamp(wanted_fee(work), range.min_fee_satoshis, range.max_fee_satoshis);
  }
  offer_fee(work, channel, next);
}

}  // namespace

void continue_closing(Work& work, Channel& channel) {
  if (!both_shut_down(channel) || !channel.funder() || channel.is<Negotiating>()) return;  // [B2-clos-01]
  channel.state = Negotiating{};
  offer_fee(work, channel, std::min(wanted_fee(work), most_fee(channel)));
}

void take_closing_signed(Work& work, Channel& channel, const wire::ClosingSigned& m) {
  auto fee = m.fee_satoshis;
  if (!both_shut_down(channel)) return react(work, channel, {Code::ClosingBeforeShutdown});
  if (m.fee_range && m.fee_range->min_fee_satoshis > m.fee_range->max_fee_satoshis)
    return react(
        work, channel,
        {Code::ClosingRangeInverted, m.fee_range->min_fee_satoshis.value(), m.fee_range->max_fee_satoshis.value()});
  if (auto most = most_fee(channel); fee > most)
    return react(work, channel, {Code::ClosingFeeAboveBalance, fee.value(), most.value()});
  auto transaction = variant_of(channel, m);
  if (!transaction) return react(work, channel, {Code::ClosingSignatureWrong});
  if (!channel.is<Negotiating>()) channel.state = Negotiating{};
  auto& talk = talk_of(channel);
  auto before = std::exchange(talk.theirs, m.fee_satoshis);
  if (talk.ours == m.fee_satoshis) return agree(work, channel, m, *std::move(transaction));
  // Both sides have signed another fee in this connection. We sign no second one.
  if (talk.ours && before == talk.ours)
    return react(work, channel, {Code::ClosingFeeAfterAgreement, fee.value(), talk.ours->value()});
  m.fee_range ? with_range(work, channel, m, *std::move(transaction))
              : in_steps(work, channel, m, before, *std::move(transaction));
}

}  // namespace doze::channel
