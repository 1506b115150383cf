#include "channel/on_chain.h"

#include <algorithm>
#include <utility>

#include "bitcoin/script.h"
#include "channel/closed.h"
#include "channel/htlc_log.h"
#include "channel/records.h"
#include "channel/rounds.h"
#include "channel/shutting_down.h"
#include "crypto/crypto.h"
#include "onchain/claims.h"

namespace doze::channel {
namespace {

using commitment::PublishedCommitment;
using commitment::WhoseCommitment;

/// Everything in the channel's lists and commitments.
template <class Visit>
void for_each_update_of_ours(const Commitments& c, Visit visit) {
  for (const auto* list : {&c.updates.local_proposed, &c.updates.local_signed, &c.updates.local_acked})
    for (const auto& update : *list) visit(update);
}
template <class Visit>
void for_each_htlc(const Commitments& c, Visit visit) {
  for (const auto* spec : {&c.local.spec, &c.remote.spec, c.next_remote ? &*c.next_remote : nullptr})
    if (spec != nullptr)
      for (const auto& [id, htlc] : spec->htlcs) visit(id, htlc);
}

/// Preimages that we gave the peer or were about to give it.
void learn_own_preimages(onchain::Close& close, const Commitments& c) {
  for_each_update_of_ours(c, [&](const commitment::Update& update) {
    if (const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&update)) onchain::learn(close, done->payment_preimage);
  });
}

/// HTLCs that we offered and whose outcome nobody was told, with their hashes.
std::map<std::uint64_t, PaymentHash> untold(const Channel& channel) {
  std::map<std::uint64_t, PaymentHash> hashes, out;
  for_each_htlc(channel.commitments, [&](const HtlcId& id, const commitment::SpecHtlc& htlc) {
    if (id.offered) hashes[id.id] = htlc.payment_hash;
  });
  for_each_update_of_ours(channel.commitments, [&](const commitment::Update& update) {
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update)) hashes[add->id] = add->payment_hash;
  });
  for (const auto& [id, item] : channel.offered)
    if (auto hash = hashes.find(id); hash != hashes.end() && !item.fulfilled) out.emplace(id, hash->second);
  return out;
}

std::vector<commitment::CommittedHtlc> live_htlcs(const Commitments& c) {
  std::map<HtlcId, commitment::SpecHtlc> all;
  for_each_htlc(c, [&](const HtlcId& id, const commitment::SpecHtlc& htlc) { all.emplace(id, htlc); });
  std::vector<commitment::CommittedHtlc> out;
  for (const auto& [id, htlc] : all) out.push_back(commitment::committed_htlc(id, htlc));
  return out;
}

/// HTLCs that we received and that somebody waits for. One that we settled and that this commitment does not have any
/// more is in our balance there.
std::map<std::uint64_t, bool> received_in(const Commitments& c, const PublishedCommitment& published) {
  std::set<std::uint64_t> settled;
  for_each_update_of_ours(c, [&](const commitment::Update& update) {
    if (const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&update)) settled.insert(done->id);
  });
  const Spec* spec = published.whose == WhoseCommitment::Ours         ? &c.local.spec
                     : published.whose == WhoseCommitment::Theirs     ? &c.remote.spec
                     : published.whose == WhoseCommitment::TheirsNext ? &*c.next_remote
                                                                      : nullptr;
  std::map<std::uint64_t, bool> out;
  for_each_htlc(c, [&](const HtlcId& id, const auto&) {
    if (id.offered) return;
    // Of a revoked one everything is ours.
    bool absent = spec != nullptr ? !spec->htlcs.contains(id) : published.whose == WhoseCommitment::Revoked;
    out[id.id] = absent && settled.contains(id.id);
  });
  return out;
}

std::string how(const PublishedCommitment& published) {
  switch (published.whose) {
    case WhoseCommitment::Ours:
      return "our commitment is on chain";
    case WhoseCommitment::Theirs:
    case WhoseCommitment::TheirsNext:
      return "the peer's commitment is on chain";
    case WhoseCommitment::Revoked:
      return "a revoked commitment of the peer's is on chain: everything in it is ours";
    case WhoseCommitment::Unknown:
      return "a commitment of the peer's that this node does not know is on chain: our data is an old copy";
    case WhoseCommitment::OursUnknown:
      return "a commitment that another copy of this node published is on chain";
  }
  return "";
}

void tell_entry(Work& work, const Channel& channel, BlockHeight height) {
  const auto& close = *channel.close;
  auto sums = onchain::sums(close);
  auto whose = close.published.whose;
  bool bad =
      whose == WhoseCommitment::Revoked || whose == WhoseCommitment::Unknown || whose == WhoseCommitment::OursUnknown;
  auto txid = bitcoin::txid_to_string(close.txid);
  if (whose == WhoseCommitment::Revoked)
    work.notify(Severity::Error, "revoked_commitment",  // [B5-gen-06]
                {{"channel_id", channel.id.hex()}, {"txid", txid}, {"number", close.published.number}});
  work.notify(bad ? Severity::Error : Severity::Warning, "channel_on_chain",
              {{"channel_id", channel.id.hex()},
               {"peer", channel.peer.hex()},
               {"how", channel.status},
               {"txid", txid},
               {"height", height.value()},
               {"pending_close_sat", sums.pending.value()},
               {"at_risk_sat", sums.at_risk.value()}});
}

Fields claim_facts(const Channel& channel, const Outpoint& outpoint, const onchain::Output& output) {
  return {{"channel_id", channel.id.hex()},
          {"outpoint", bitcoin::txid_to_string(outpoint.txid) + ":" + std::to_string(outpoint.index)},
          {"kind", std::string(commitment::name(output.facts.kind))},
          {"amount_sat", output.facts.output.amount.value()}};
}

/// Spends that a block brought.
void tell_spends(Work& work, const Channel& channel, const std::map<Outpoint, onchain::Output>& before) {
  for (const auto& [outpoint, output] : channel.close->outputs) {
    auto known = before.find(outpoint);
    if (!output.spend || (known != before.end() && known->second.spend == output.spend)) continue;
    auto facts = claim_facts(channel, outpoint, output);
    facts.emplace_back("txid", bitcoin::txid_to_string(output.spend->txid));
    facts.emplace_back("height", output.spend->height.value());
    bool ours = output.spend->ours;
    work.notify(Severity::Info, ours ? Event("claim_confirmed") : Event("claim_spent_by_others"), std::move(facts));
  }
}

void finish(Work& work, Channel& channel) {
  auto sums = onchain::sums(*channel.close);
  work.notify(
      sums.lost > Sat(0) ? Severity::Warning : Severity::Info, "channel_resolved",
      {{"channel_id", channel.id.hex()}, {"claimed_sat", sums.claimed.value()}, {"lost_sat", sums.lost.value()}});
  channel.close.reset();
  channel.state = Closed{};
  save(work, channel);
  erase_log(work, channel.id);
}

}  // namespace

void enter_chain(Work& work, Channel& channel, const PublishedCommitment& published, const bitcoin::Transaction& spend,
                 BlockHeight height) {
  bool first = !channel.close.has_value();
  if (!first && channel.close->txid == bitcoin::txid(spend)) {
    onchain::confirm_again(*channel.close, height);
    channel.closed_height = height;
    return save(work, channel);
  }
  auto script = first ? own_closing_script(work, channel) : channel.close->script;
  auto close = onchain::begin(channel.commitments, published, live_htlcs(channel.commitments), spend, height, script);
  if (!first) close.preimages = channel.close->preimages;
  learn_own_preimages(close, channel.commitments);
  onchain::note_offered(close, channel.commitments, *channel.signer, untold(channel));
  give_up_claims(work, channel);
  close.received = received_in(channel.commitments, published);
  if (!first)
    std::erase_if(close.received, [&](const auto& one) { return !channel.close->received.contains(one.first); });
  if (published.whose == WhoseCommitment::Revoked) close.unread.push_back({height, bitcoin::serialize(spend)});

  channel.close = std::move(close);
  channel.state = OnChain{};
  channel.local_shutdown = script;  // no other channel names it
  channel.closed_by = channel.close->txid;
  channel.closed_height = height;
  channel.held_back.reset();
  channel.status = how(published);
  save(work, channel);
  say_if_usable(work, channel);
  answer_close(work, channel, channel.close->txid, channel.status.c_str());
  tell_entry(work, channel, height);
  if (first) work.say(ChannelClosed{channel.id, channel.peer, channel.status});
  if (!channel.close->unread.empty()) read_log(work, channel.id);
}

void follow(Work& work, Channel& channel, const bitcoin::Transaction& spend, BlockHeight height) {
  auto& close = *channel.close;
  auto before = close.outputs;
  auto known = close.preimages.size();
  bool changed = onchain::see(close, channel.params(), spend, height);
  if (!close.unread.empty()) {
    close.unread.push_back({height, bitcoin::serialize(spend)});
    changed = true;
  }
  if (!changed) return;
  save(work, channel);
  if (close.preimages.size() > known)
    work.notify(Severity::Info, "preimage_from_chain",
                {{"channel_id", channel.id.hex()}, {"txid", bitcoin::txid_to_string(bitcoin::txid(spend))}});
  tell_spends(work, channel, before);
}

void follow_back(Work& work, Channel& channel, BlockHeight height) {
  if (!onchain::undo(*channel.close, height)) return;
  if (channel.close->height == BlockHeight(0)) channel.closed_height = BlockHeight(0);
  save(work, channel);
}

namespace {
void release_coins(Work& work, Channel& channel, BlockHeight tip, bool all);
}  // namespace

void tell_outcomes(Work& work, Channel& channel, BlockHeight tip) {
  auto& close = *channel.close;
  for (auto& outcome : onchain::take_outcomes(close, tip)) {
    save(work, channel);
    auto it = channel.offered.find(outcome.id);
    if (it == channel.offered.end()) continue;
    auto origin = it->second.origin;
    channel.offered.erase(it);
    if (outcome.preimage)
      work.say(HtlcFulfilled{origin, channel.id, outcome.id, *outcome.preimage});
    else
      work.say(HtlcFailed{origin, channel.id, outcome.id, OnChainReason{}});
  }
  for (auto it = close.received.begin(); it != close.received.end();) {
    auto ours = onchain::received_outcome(close, it->first, tip);
    if (ours) {
      save(work, channel);
      work.say(ReceivedHtlcGone{channel.id, it->first, *ours});
    }
    it = ours ? close.received.erase(it) : std::next(it);
  }
  release_coins(work, channel, tip, false);
  if (close.received.empty() && close.unread.empty() && onchain::is_resolved(close, tip)) finish(work, channel);
}

namespace {

/// What decides about claims of this channel now.
struct Moment {
  std::function<std::optional<BlockHeight>(std::uint64_t)> fail_back_by;
  onchain::Now now;

  Moment(const Work& work, const Channel& channel)
      : fail_back_by([&work, &channel](std::uint64_t id) { return fail_back_of(work, channel, id); }),
        now{work.context.tip, work.state.fees, fail_back_by} {}
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  /// Our delta lies between the expiries of an HTLC that we forwarded and of the incoming one.
  static std::optional<BlockHeight> fail_back_of(const Work& work, const Channel& channel, std::uint64_t id) {
    auto it = channel.offered.find(id);
    if (it == channel.offered.end() || !std::holds_alternative<ForwardOrigin>(it->second.origin)) return std::nullopt;
    auto delta = work.context.config.fees.cltv_expiry_delta.value();
    for (const auto& [outpoint, output] : channel.close->outputs)
      if (output.facts.htlc && output.facts.htlc->id == HtlcId{true, id})
        return BlockHeight(output.facts.htlc->cltv_expiry.value() + std::max(delta, kClaimBuffer.value()) -
                           kClaimBuffer.value());
    return std::nullopt;
  }
};

void broadcast(Work& work, Channel& channel, const onchain::Due& due, const onchain::Now& now,
               const onchain::Coins& coins) {
  auto& close = *channel.close;
  auto outpoint = due.claim.output.outpoint;
  bool replaced = close.sent.contains(outpoint);
  auto made = onchain::make(close, due, now, *channel.signer, coins);
  auto facts = claim_facts(channel, outpoint, close.outputs.at(outpoint));
  if (!made) {
    bool short_of_coins = made.error().code == commitment::ClaimRefusal::Code::CoinsShort;
    facts.emplace_back("reason", std::string(commitment::name(made.error().code)));
    return work.notify(short_of_coins ? Severity::Warning : Severity::Debug, "claim_blocked", std::move(facts));
  }
  if (made->is_new) {
    save(work, channel);
    const auto& sent = close.sent.at(outpoint);
    facts.emplace_back("txid", bitcoin::txid_to_string(sent.txid));
    facts.emplace_back("fee_sat", sent.fee.value());
    if (due.terms.deadline) facts.emplace_back("deadline_height", due.terms.deadline->value());
    work.notify(Severity::Info, replaced ? Event("claim_replaced") : Event("claim_broadcast"), std::move(facts));
  }
  work.say(Broadcast{std::move(made->transaction)});
}

/// Coins with the signatures of their keys.
onchain::Coins coins_of(const Work& work, const Channel& channel, const std::vector<ReservedCoin>& reserved) {
  onchain::Coins out;
  std::map<Outpoint, ReservedCoin> keys;
  for (const auto& coin : reserved) {
    out.coins.push_back({coin.outpoint, coin.output});
    keys.emplace(coin.outpoint, coin);
  }
  out.change_script = channel.close->script;
  out.sign = [keys = std::move(keys), &signer = work.context.signer](
                 const commitment::Coin& coin, const bitcoin::Transaction& transaction,
                 const bitcoin::SegwitHashes& hashes, std::size_t input) -> bitcoin::Witness {
    const auto& path = keys.at(coin.outpoint);
    auto key = signer.wallet_key(path.change, path.index);
    auto digest = bitcoin::segwit_sighash(transaction, input, bitcoin::p2pkh_script(crypto::hash160(key.view())),
                                          coin.output.amount, bitcoin::Sighash::All, &hashes);
    return {
        bitcoin::signature_item(signer.sign_with_wallet_key(path.change, path.index, digest), bitcoin::Sighash::All),
        to_bytes(key.view())};
  };
  return out;
}

/// Claims of outputs that somebody spent for good need no coins and no memory any more.
void release_coins(Work& work, Channel& channel, BlockHeight tip, bool all) {
  auto& close = *channel.close;
  for (auto it = close.sent.begin(); it != close.sent.end();) {
    auto output = close.outputs.find(it->first);
    bool deep = output != close.outputs.end() && output->second.spend &&
                output->second.spend->height.value() + onchain::kDeep <= tip.value() + 1;
    if (deep || all) {
      if (output != close.outputs.end() && output->second.facts.second_stage) work.say(ReleaseCoins{it->first});
      save(work, channel);
    }
    it = deep || all ? close.sent.erase(it) : std::next(it);
  }
}

}  // namespace

void claim(Work& work, Channel& channel) {
  if (!channel.close || !work.context.views.chain_synced) return;
  Moment moment(work, channel);
  for (const auto& due : onchain::due(*channel.close, moment.now)) {
    if (due.coins) {
      auto needed = onchain::coins_needed(*channel.close, due, moment.now);
      work.say(ReserveCoins{channel.id, due.claim.output.outpoint, needed.amount, needed.feerate});
    } else {
      broadcast(work, channel, due, moment.now, {});
    }
  }
}

void give_up_claims(Work& work, Channel& channel) {
  if (channel.close) release_coins(work, channel, work.context.tip, true);
}

void claim_with_coins(Work& work, const CoinsReserved& word) {
  auto it = work.state.channels.find(word.channel_id);
  if (it == work.state.channels.end() || !it->second.close) return;
  auto& channel = it->second;
  Moment moment(work, channel);
  for (const auto& due : onchain::due(*channel.close, moment.now))
    if (due.coins && due.claim.output.outpoint == word.claim)
      return broadcast(work, channel, due, moment.now, coins_of(work, channel, word.coins));
}

void take_preimage(Work& work, Channel& channel, const Preimage& preimage) {
  if (!onchain::learn(*channel.close, preimage)) return;
  save(work, channel);
  claim(work, channel);
}

void on_log_read(Work& work, const ChannelId& id, const std::vector<commitment::CommittedHtlc>& page, bool last) {
  auto it = work.state.channels.find(id);
  if (it == work.state.channels.end() || !it->second.close || it->second.close->unread.empty()) return;
  auto& channel = it->second;
  onchain::note_log(*channel.close, channel.params(), page);
  onchain::note_offered(*channel.close, channel.commitments, *channel.signer, untold(channel));
  if (last) channel.close->unread.clear();
  save(work, channel);
  claim(work, channel);
}

namespace {

/// The commitment of these that has this id.
std::optional<std::pair<PublishedCommitment, bitcoin::Transaction>> find_commitment(const Channel& channel,
                                                                                    const Txid& txid) {
  const auto& c = channel.commitments;
  auto try_one = [&](const std::optional<commitment::Commitment>& built) {
    return built && bitcoin::txid(built->transaction) == txid;
  };
  if (auto built = commitment::build_commitment(local_terms(c, *channel.signer)); try_one(built))
    return std::pair(
        PublishedCommitment{
            WhoseCommitment::Ours, c.local.number, channel.signer->per_commitment_point(c.local.number), {}},
        built->transaction);
  if (auto built = commitment::build_commitment(remote_terms(c.params, c.remote.spec, c.remote.number, c.remote.point));
      try_one(built))
    return std::pair(PublishedCommitment{WhoseCommitment::Theirs, c.remote.number, c.remote.point, {}},
                     built->transaction);
  if (!c.next_remote) return std::nullopt;
  auto number = c.remote.number + 1;
  if (auto built = commitment::build_commitment(remote_terms(c.params, *c.next_remote, number, c.remote_next_point));
      try_one(built))
    return std::pair(PublishedCommitment{WhoseCommitment::TheirsNext, number, c.remote_next_point, {}},
                     built->transaction);
  return std::nullopt;
}

/// An older version saw this channel close and could not claim what is ours in it. The outputs that nobody spent since
/// are claimed now. Of a revoked commitment it kept too little.
void claim_what_was_left(Work& work, Channel& channel) {
  if (!channel.is<Closed>() || channel.unclaimed.empty() || !channel.closed_by) return;
  auto found = find_commitment(channel, *channel.closed_by);
  if (!found) return;
  auto& [published, transaction] = *found;
  // Later than it was, if that row did not say: a lock is waited for once more.
  auto height = channel.closed_height == BlockHeight(0) ? work.context.tip : channel.closed_height;
  auto close =
      onchain::begin(channel.commitments, published, {}, transaction, height, own_closing_script(work, channel));
  std::erase_if(close.outputs, [&](const auto& entry) {
    return std::ranges::none_of(channel.unclaimed,
                                [&](const Unclaimed& item) { return item.output == entry.first.index; });
  });
  onchain::note_offered(close, channel.commitments, *channel.signer, untold(channel));
  channel.unclaimed.clear();
  channel.local_shutdown = close.script;
  channel.close = std::move(close);
  channel.state = OnChain{};
  channel.status = how(published);
  save(work, channel);
  tell_entry(work, channel, height);
}

}  // namespace

void resume_chain(Work& work, Channel& channel) {
  claim_what_was_left(work, channel);
  if (channel.close && !channel.close->unread.empty()) read_log(work, channel.id);
}

}  // namespace doze::channel
