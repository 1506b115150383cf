#include "channel/blocks.h"

#include <algorithm>

#include "bitcoin/script.h"
#include "channel/announcing.h"
#include "channel/awaiting_ready.h"
#include "channel/closed.h"
#include "channel/on_chain.h"
#include "channel/records.h"
#include "channel/rounds.h"
#include "channel/unclaimed.h"
#include "channel/unilateral.h"

namespace doze::channel {
namespace {

/// A transaction in a block spends the funding output: which one is it?
void on_spend(Work& work, Channel& channel, const bitcoin::Transaction& spend, BlockHeight height) {  // [B5-gen-04]
  if (channel.is<Closed>()) return;
  if (auto published = commitment::identify(channel.commitments, *channel.signer, spend))
    return enter_chain(work, channel, *published, spend, height);  // [B2-re-21, B5-theirs-01]
  give_up_claims(work, channel);
  channel.close.reset();
  channel.closed_by = bitcoin::txid(spend);
  channel.closed_height = height;
  end(work, channel, "closed by agreement");
}

void on_funding(Work& work, Channel& channel, const bitcoin::Transaction& transaction, BlockHeight height,
                std::uint32_t position) {
  const auto& outputs = transaction.outputs;
  if (channel.params().funding.index >= outputs.size() ||
      outputs[channel.params().funding.index].script_pubkey !=
          bitcoin::p2wsh_script(funding_script(channel.params())) ||
      outputs[channel.params().funding.index].amount != channel.params().capacity) {  // [B2-ready-01]
    // Nothing on the chain is the channel's: a commitment of ours would spend nothing.
    const std::string why = "the funding output has another amount or script than the channel";
    if (channel.connected()) work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of(why))});
    return end(work, channel, why);
  }
  channel.funding_height = height;
  channel.funding_position = position;
  save(work, channel);
  if (channel.is<Normal>()) work.say(ChannelNeedsUpdate{channel.id});  // it may have another scid
}

/// An HTLC that we offered and that should have come back. One of our own payments waits until the peer had the chance
/// to hand it back, which it has after channel_reestablish only; for one that we forward the incoming HTLC presses.
bool overdue(const Channel& channel, std::uint64_t id, CltvExpiry cltv_expiry, BlockHeight height) {
  auto expiry = cltv_expiry.value();
  auto it = channel.offered.find(id);
  bool own = it != channel.offered.end() && std::holds_alternative<LocalOrigin>(it->second.origin);
  if (!own) return height.value() >= expiry + kOfferedGrace.value();  // [B2-dead-01]
  if (height.value() >= expiry + kExpiredGraceMax) return true;
  const auto* session = channel.talking();
  return session != nullptr && session->height &&
         height.value() >= std::max(session->height->value(), expiry) + kExpiredGraceBlocks;
}

/// An HTLC that we received and settled is still in a commitment, and its payer may soon take it back on chain: it must
/// be claimed there. Whether or not the peer is connected. BOLT 2, "cltv_expiry_delta Selection".
std::optional<CltvExpiry> first_unpaid(const Channel& channel, BlockHeight height) {  // [B2-dead-04]
  const auto& c = channel.commitments;
  std::optional<CltvExpiry> out;
  for (const auto* list : {&c.updates.local_proposed, &c.updates.local_signed, &c.updates.local_acked})
    for (const auto& update : *list) {
      const auto* done = std::get_if<wire::UpdateFulfillHtlc>(&update);
      if (done == nullptr) continue;
      for (const auto* spec : {&c.local.spec, &c.remote.spec}) {
        auto it = spec->htlcs.find({false, done->id});
        if (it == spec->htlcs.end()) continue;
        if (height.value() + kClaimBuffer.value() >= it->second.cltv_expiry.value()) out = it->second.cltv_expiry;
      }
    }
  return out;
}

/// In any commitment that could be published: BOLT 2 says "either node's". Not one that the peer settled and that is
/// gone from ours: we have the preimage, and only the peer's revocation is missing.
std::optional<CltvExpiry> first_overdue(const Channel& channel, BlockHeight height) {  // [B2-dead-02]
  auto settled = [&](std::uint64_t id) {
    auto it = channel.offered.find(id);
    return !channel.commitments.local.spec.htlcs.contains({true, id}) &&
           (it == channel.offered.end() || it->second.fulfilled);
  };
  for (const auto* spec : {&channel.commitments.local.spec, &channel.commitments.remote.spec,
                           channel.commitments.next_remote ? &*channel.commitments.next_remote : nullptr}) {
    if (spec == nullptr) continue;
    for (const auto& [htlc, info] : spec->htlcs)
      if (htlc.offered && !settled(htlc.id) && overdue(channel, htlc.id, info.cltv_expiry, height))
        return info.cltv_expiry;
  }
  return std::nullopt;
}

}  // namespace

namespace {

/// What a block may have that is about our channels.
struct Watched {
  std::map<Outpoint, ChannelId> fundings;
  std::multimap<Txid, ChannelId> awaited;  // one transaction may fund several channels
  std::map<Txid, ChannelId> on_chain;      // commitments, and transactions that spent their outputs
  std::map<Outpoint, ChannelId> unclaimed;

  void add(const Channel& channel) {
    if (channel.is<Closed>()) {
      if (channel.closed_by)
        for (const auto& item : channel.unclaimed) unclaimed[{*channel.closed_by, item.output}] = channel.id;
      return;
    }
    fundings[channel.params().funding] = channel.id;  // [B5-gen-01]
    if (!channel.confirmed()) awaited.emplace(channel.params().funding.txid, channel.id);
    add_outputs(channel);
  }
  void add_outputs(const Channel& channel) {  // [B5-gen-02]
    if (!channel.close) return;
    on_chain[channel.close->txid] = channel.id;
    for (const auto& [outpoint, output] : channel.close->outputs) on_chain[outpoint.txid] = channel.id;
  }
};

void on_transaction(Work& work, Watched& watched, const bitcoin::Transaction& transaction, const BlockConnected& in,
                    std::uint32_t position) {
  auto& channels = work.state.channels;
  if (!watched.awaited.empty()) {
    auto [first, last] = watched.awaited.equal_range(bitcoin::txid(transaction));
    for (auto it = first; it != last; ++it) on_funding(work, channels.at(it->second), transaction, in.height, position);
  }
  std::set<ChannelId> followed;
  for (const auto& input : transaction.inputs) {  // [B5-gen-05]
    if (auto it = watched.fundings.find(input.previous_output); it != watched.fundings.end()) {
      auto& channel = channels.at(it->second);
      on_spend(work, channel, transaction, in.height);
      watched.add_outputs(channel);
    }
    if (auto it = watched.on_chain.find(input.previous_output.txid); it != watched.on_chain.end())
      followed.insert(it->second);
    if (auto it = watched.unclaimed.find(input.previous_output); it != watched.unclaimed.end())
      on_output_spent(work, channels.at(it->second), input.previous_output.index);
  }
  for (const auto& id : followed) {
    auto& channel = channels.at(id);
    if (!channel.close) continue;
    follow(work, channel, transaction, in.height);
    watched.add_outputs(channel);
  }
}

}  // namespace

void on_block(Work& work, const BlockConnected& in) {
  Watched watched;
  for (const auto& [id, channel] : work.state.channels) watched.add(channel);
  for (std::uint32_t position = 0; position < in.block->transactions.size(); ++position)
    on_transaction(work, watched, in.block->transactions[position], in, position);
  for (auto& [id, channel] : work.state.channels) {
    if (channel.is<Closed>()) continue;
    work.state.dirty.insert(id);
    if (channel.close) tell_outcomes(work, channel, in.height);
    note_depth(work, channel);
    send_ready(work, channel);
    announce(work, channel);
  }
  forget_oldest_closed(work);
}

void on_block_gone(Work& work, const BlockDisconnected& in) {
  for (auto& [id, channel] : work.state.channels) {
    if (channel.close) follow_back(work, channel, in.height);
    if (channel.funding_height != in.height) continue;
    work.notify(Severity::Warning, "funding_reorganised", {{"channel_id", id.hex()}, {"height", in.height.value()}});
    // An open channel stays open: the transaction will be mined again, maybe elsewhere, and is announced anew. Until it
    // is deep again it takes and forwards nothing: whoever double-spends it would have been paid with nothing.
    channel.funding_height = BlockHeight(0);
    channel.reorganised = channel.sent_ready;
    channel.sent_announcement = channel.announced = false;
    channel.remote_node_signature.reset();
    channel.remote_bitcoin_signature.reset();
    save(work, channel);
    say_if_usable(work, channel);
  }
}

void on_synced(Work& work) {
  auto& state = work.state;
  auto tip = work.context.tip;
  if (!state.broadcast_height) state.broadcast_height = tip;
  bool again = tip.value() >= state.broadcast_height->value() + kRebroadcastBlocks;
  if (again) state.broadcast_height = tip;
  std::vector<ChannelId> forgotten;
  for (auto& [id, channel] : state.channels) {
    if (again) rebroadcast(work, channel);
    claim(work, channel);
    if (channel.never_funded() && tip.value() > channel.created_height.value() + kForgetUnfundedBlocks)
      forgotten.push_back(id);
    if (!channel.alive()) continue;
    if (auto* session = channel.talking(); session != nullptr && !session->height) session->height = tip;
    std::string why;
    if (auto expiry = first_overdue(channel, tip))
      why = "an HTLC that we offered expired at height " + std::to_string(expiry->value()) + " and was not failed back";
    else if (auto unpaid = first_unpaid(channel, tip))
      why = "an HTLC that we settled expires at height " + std::to_string(unpaid->value()) +
            ", and the peer has not removed it";
    if (why.empty()) continue;
    may_publish(work, channel) ? break_channel(work, channel, why) : hold_back(work, channel, {why, false});
  }
  for (const auto& id : forgotten) forget_unfunded(work, id, "the peer never funded the channel");
}

void on(Work& work, const FundingRefused& word) {
  for (auto& [id, channel] : work.state.channels) {
    if (!channel.funder() || channel.params().funding.txid != word.txid || channel.confirmed() || channel.is<Closed>())
      continue;
    auto how = "the backend refused the funding transaction: " + word.reason;
    if (channel.connected()) work.send(channel.peer, wire::Error{id, to_bytes(bytes_of("the funding was refused"))});
    end(work, channel, how);
  }
  work.say(ReleaseFunding{word.txid});
}

}  // namespace doze::channel
