// The ways out: mutual close, our commitment, and whatever a block shows. BOLT 2, "Channel Close"; BOLT 5 as far as
// recognising goes: claiming comes later.
#include <algorithm>
#include <set>
#include <utility>

#include "bitcoin/script.h"
#include "channel/inside.h"
#include "channel/reactions.h"
#include "crypto/crypto.h"
#include "effects/limits.h"

namespace doze::channel {
namespace {

/// From now on no HTLC is added; shutdown itself leaves when nothing of ours waits for the peer's revocation.
void want_shutdown(Work& work, Channel& channel, Bytes script) {
  channel.local_shutdown = std::move(script);
  channel.phase = ChannelPhase::Closing;
  save(work, channel);
  say_if_usable(work, channel);
}

/// A closing script of the wallet that no other channel has named and not been closed with. Only what blocks paid moves
/// them on. A peer that never funded its channel shares the last one with its like.
Bytes own_closing_script(const Work& work, const Channel& channel) {  // [B2-shut-07]
  std::set<Bytes> named;
  for (const auto& [id, other] : work.state.channels)
    if (other.phase != ChannelPhase::Closed) named.insert(other.local_shutdown);
  auto script = [&](std::uint32_t ahead) {
    auto index = kChannelScriptIndexBase + work.context.views.next_closing_script + ahead;
    return bitcoin::p2wpkh_script(work.context.signer.wallet_key(false, index));
  };
  for (std::uint32_t ahead = 0; ahead + 1 < kClosingScriptsAhead && !channel.never_funded(); ++ahead)
    if (auto out = script(ahead); !named.contains(out)) return out;
  return script(kClosingScriptsAhead - 1);
}

/// A transaction in a block spends the funding output: which one is it?
void on_spend(Work& work, Channel& channel, const bitcoin::Transaction& spend, BlockHeight height) {  // [B5-gen-04]
  if (channel.phase == ChannelPhase::Closed) return;
  channel.closed_by = bitcoin::txid(spend);
  channel.closed_height = height;
  auto number = commitment::commitment_number(spend, channel.params().funding, obscure_factor(channel.params()));
  if (!number) return end(work, channel, "closed by agreement");
  channel.unclaimed = unclaimed_in(channel, spend);  // [B5-theirs-01]
  auto id = *channel.closed_by;
  if (id == bitcoin::txid(own_commitment(channel.commitments, *channel.signer)))
    return end(work, channel, "our commitment was published");
  if (*number < channel.commitments.remote.number) {
    work.notify(Severity::Error, "revoked_commitment",  // [B5-gen-06]
                {{"channel_id", channel.id.hex()}, {"txid", bitcoin::txid_to_string(id)}, {"number", *number}});
    return end(work, channel, "the peer published a revoked commitment: penalties are not built yet");
  }
  end(work, channel, "the peer published its commitment");  // [B2-re-21]
}

}  // namespace

void answer_close(Work& work, Channel& channel, const Txid& txid, const char* how) {
  for (auto request : channel.close_requests)
    work.say(Reply{request, Value()
                                .set("channel_id", channel.id.hex())
                                .set("closing_txid", bitcoin::txid_to_string(txid))
                                .set("how", how)});
  channel.close_requests.clear();
}

void end(Work& work, Channel& channel, std::string how) {
  channel.phase = ChannelPhase::Closed;
  channel.status = how;
  channel.held_back.reset();
  save(work, channel);
  say_if_usable(work, channel);
  for (auto request : std::exchange(channel.close_requests, {}))
    work.say(Reply{request, Value().set("channel_id", channel.id.hex()).set("how", how)});
  Fields facts{{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"how", how}};
  auto lost = sum(channel.unclaimed);
  if (lost > Sat(0)) facts.emplace_back("unclaimed_sat", lost.value());
  work.notify(lost > Sat(0) ? Severity::Error : Severity::Info, "channel_closed", std::move(facts));
  work.say(ChannelClosed{channel.id, channel.peer, std::move(how)});
}

bool both_shut_down(const Channel& channel) {
  return channel.phase == ChannelPhase::Closing && channel.sent_shutdown && channel.got_shutdown &&
         quiet(channel.commitments);
}

void rebroadcast(Work& work, Channel& channel) {
  auto send = [&](const Bytes& raw) {
    if (raw.empty()) return;
    if (auto transaction = bitcoin::parse_transaction(raw)) work.say(Broadcast{*std::move(transaction)});
  };
  if (channel.phase == ChannelPhase::Closed) return;
  if (!channel.confirmed() && channel.funder()) send(channel.funding_transaction);  // [B2-fund-03]
  send(channel.closing_transaction);
}

void force_close(Work& work, Channel& channel, const std::string& why) {
  // The peer may have forgotten the channel already: nothing that it says makes the agreement void.
  if (channel.agreed()) return rebroadcast(work, channel);  // [B5-fail-02]
  may_publish(work, channel) ? publish_commitment(work, channel, why) : hold_back(work, channel, {why, true});
}

void publish_commitment(Work& work, Channel& channel, const std::string& why) {  // [B5-fail-04]
  if (!channel.alive()) return;
  auto transaction = own_commitment(channel.commitments, *channel.signer);
  channel.closing_transaction = bitcoin::serialize(transaction);
  channel.phase = ChannelPhase::ForceClosing;
  channel.held_back.reset();
  channel.status = "closing: " + why;
  save(work, channel);
  say_if_usable(work, channel);
  answer_close(work, channel, bitcoin::txid(transaction), "our commitment");
  work.say(Broadcast{std::move(transaction)});
  work.notify(
      Severity::Error, "channel_force_closed",
      {{"channel_id", channel.id.hex()}, {"reason", why}, {"unclaimed_sat", sum(unclaimed_of_ours(channel)).value()}});
}

void break_channel(Work& work, Channel& channel, const std::string& why) {
  if (!channel.alive()) return;
  if (channel.connected && !channel.agreed() && may_publish(work, channel))
    work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of(why))});
  force_close(work, channel, why);
}

void close(Work& work, const CloseChannelNow& word) {
  auto refuse = [&](CommandErrorCode code, std::string why) {
    work.say(Reply{word.request, CommandError{code, std::move(why), {}}});
  };
  auto it = work.state.channels.find(word.command.channel_id);
  if (it == work.state.channels.end()) return refuse(CommandErrorCode::NotFound, "no such channel: see listchannels");
  auto& channel = it->second;
  if (!channel.alive()) return refuse(CommandErrorCode::Refused, "it is closed already: " + channel.status);
  if (word.command.force && !word.command.accept_loss) return work.say(Reply{word.request, cost_of_force(channel)});
  if (word.command.force && !may_publish(work, channel)) {
    hold_back(work, channel, {"closed by the operator", true});
    auto minutes = (after_ms(work.state.started, kSpeakFirstMs).value() - work.context.mono.value()) / 60'000 + 1;
    return work.say(
        Reply{word.request,
              Value()
                  .set("channel_id", channel.id.hex())
                  .set("how", "when the peer has answered our channel_reestablish, or in " + std::to_string(minutes) +
                                  " minutes: until then this database could be an old copy, whose commitment "
                                  "would lose everything. Keep the node running")});
  }
  if (word.command.force) {
    channel.close_requests.push_back(word.request);
    if (channel.connected)
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("closed by the operator"))});
    return publish_commitment(work, channel, "closed by the operator");
  }
  if (channel.phase == ChannelPhase::Opening)
    return refuse(CommandErrorCode::NotReady, "the channel is not open yet: wait");
  if (!channel.connected)
    return refuse(CommandErrorCode::NotReady,
                  "the peer is offline: wait for it. Closing by force costs access to the money in the channel");
  if (channel.local_shutdown.empty())
    want_shutdown(work, channel, word.script_pubkey.empty() ? own_closing_script(work, channel) : word.script_pubkey);
  // A hold may stay for a day: nobody waits for the answer so long.
  if (auto pending = pending_htlcs(channel.commitments); pending.count != 0)
    return work.say(Reply{word.request, Value()
                                            .set("channel_id", channel.id.hex())
                                            .set("how", "when its HTLCs have ended")
                                            .set("pending_htlcs", std::uint64_t{pending.count})
                                            .set("last_expiry_height", pending.last_expiry.value())});
  channel.close_requests.push_back(word.request);
}

void on(Work& work, Channel& channel, const wire::Shutdown& m) {
  if (!bitcoin::is_valid_shutdown_script(m.scriptpubkey, true))  // [B2-shut-09]
    return react(work, channel, {commitment::ViolationCode::ShutdownScriptNotAllowed});
  if (!channel.remote_shutdown.empty() && channel.remote_shutdown != m.scriptpubkey)
    return react(work, channel, {commitment::ViolationCode::ShutdownScriptChanged});
  bool again = !channel.remote_shutdown.empty() && channel.phase == ChannelPhase::Closing;
  channel.remote_shutdown = m.scriptpubkey;
  channel.got_shutdown = true;
  channel.phase = ChannelPhase::Closing;
  if (!again) save(work, channel);
  if (channel.local_shutdown.empty()) want_shutdown(work, channel, own_closing_script(work, channel));  // [B2-shut-10]
  say_if_usable(work, channel);
  continue_closing(work, channel);
}

void shutdown_if_due(Work& work, Channel& channel) {  // [B2-re-22]
  // BOLT 2: not while updates of ours are pending on the peer's commitment. [B2-shut-02]
  if (channel.phase != ChannelPhase::Closing || channel.local_shutdown.empty() || channel.sent_shutdown ||
      !channel.connected || !channel.reestablished || !channel.commitments.updates.local_proposed.empty() ||
      !channel.commitments.updates.local_signed.empty())
    return;
  channel.sent_shutdown = true;
  work.send(channel.peer, wire::Shutdown{channel.id, channel.local_shutdown, {}});
  continue_closing(work, channel);
}

namespace {

void forget(Work& work, const ChannelId& id) {
  work.say(Erase{Table::Channel, to_bytes(id.view())});
  work.state.channels.erase(id);
  work.state.dirty.insert(id);
}
void forget_oldest_closed(Work& work) {
  std::multimap<BlockHeight, ChannelId> closed;
  for (const auto& [id, channel] : work.state.channels)
    if (channel.over()) closed.emplace(channel.created_height, id);
  for (; closed.size() > kMaxClosedShown; closed.erase(closed.begin())) forget(work, closed.begin()->second);
}

/// This version spends none of these: somebody else did.
void on_output_spent(Work& work, Channel& channel, std::uint32_t output) {  // [B5-gen-02]
  Sat gone;
  std::erase_if(channel.unclaimed, [&](const Unclaimed& item) {
    if (item.output != output) return false;
    gone += item.amount;
    return true;
  });
  save(work, channel);
  work.notify(Severity::Warning, "channel_output_spent",
              {{"channel_id", channel.id.hex()},
               {"amount_sat", gone.value()},
               {"unclaimed_sat", sum(channel.unclaimed).value()}});
}

void on_funding(Work& work, Channel& channel, const bitcoin::Transaction& transaction, BlockHeight height,
                std::uint32_t position) {
  const auto& outputs = transaction.outputs;
  if (channel.params().funding.index >= outputs.size() ||
      outputs[channel.params().funding.index].script_pubkey !=
          bitcoin::p2wsh_script(funding_script(channel.params())) ||
      outputs[channel.params().funding.index].amount != channel.params().capacity) {  // [B2-ready-01]
    // Nothing on the chain is the channel's: a commitment of ours would spend nothing.
    const std::string why = "the funding transaction does not pay to the channel";
    if (channel.connected) work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of(why))});
    return end(work, channel, why);
  }
  channel.funding_height = height;
  channel.funding_position = position;
  save(work, channel);
  if (channel.phase == ChannelPhase::Normal) work.say(ChannelNeedsUpdate{channel.id});  // it may have another scid
}

}  // namespace

void on_block(Work& work, const BlockConnected& in) {
  std::map<Outpoint, ChannelId> watched;
  std::multimap<Txid, ChannelId> awaited;  // one transaction may fund several channels
  std::map<Outpoint, ChannelId> unclaimed;
  auto watch_outputs = [&](const Channel& channel) {
    if (channel.phase != ChannelPhase::Closed || !channel.closed_by) return;
    for (const auto& item : channel.unclaimed) unclaimed[{*channel.closed_by, item.output}] = channel.id;
  };
  for (const auto& [id, channel] : work.state.channels) {
    watch_outputs(channel);
    if (channel.phase == ChannelPhase::Closed) continue;
    watched[channel.params().funding] = id;  // [B5-gen-01]
    if (!channel.confirmed()) awaited.emplace(channel.params().funding.txid, id);
  }
  for (std::uint32_t position = 0; position < in.block->transactions.size(); ++position) {
    const auto& transaction = in.block->transactions[position];
    if (!awaited.empty()) {
      auto [first, last] = awaited.equal_range(bitcoin::txid(transaction));
      for (auto it = first; it != last; ++it)
        on_funding(work, work.state.channels.at(it->second), transaction, in.height, position);
    }
    for (const auto& input : transaction.inputs) {
      if (auto it = watched.find(input.previous_output); it != watched.end()) {  // [B5-gen-05]
        auto& channel = work.state.channels.at(it->second);
        on_spend(work, channel, transaction, in.height);
        watch_outputs(channel);
      }
      if (auto it = unclaimed.find(input.previous_output); it != unclaimed.end())
        on_output_spent(work, work.state.channels.at(it->second), input.previous_output.index);
    }
  }
  for (auto& [id, channel] : work.state.channels) {
    work.state.dirty.insert(id);
    note_depth(work, channel);
    send_ready(work, channel);
    announce(work, channel);
  }
  forget_oldest_closed(work);
}

void forget_unfunded(Work& work, const ChannelId& id, const char* how) {
  auto& channel = work.state.channels.at(id);
  if (channel.phase != ChannelPhase::Closed) end(work, channel, how);
  forget(work, id);
}

void on_block_gone(Work& work, const BlockDisconnected& in) {
  for (auto& [id, channel] : work.state.channels) {
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

}  // namespace doze::channel
