// The ways out: mutual close, our commitment, and whatever a block shows. BOLT 2, "Channel Close"; BOLT 5 as far as
// recognising goes: claiming comes later.
#include <algorithm>

#include "bitcoin/script.h"
#include "channel/inside.h"
#include "crypto/crypto.h"
#include "effects/limits.h"

namespace doze::channel {
namespace {

/// Of a mutual close with two outputs; enough for every script that is_valid_shutdown_script takes.
constexpr std::uint64_t kClosingWeight = 730;
/// The fee may be so many times what we want: estimates differ. LDK takes the most that the opener offers.
constexpr std::uint64_t kClosingFeeRoom = 2;

Bytes script_of(const Channel& channel) {
  return commitment::funding_script(channel.local.keys.funding, channel.remote.keys.funding);
}

bool quiet(const Channel& channel) {
  return channel.local_spec.htlcs.empty() && channel.remote_spec.htlcs.empty() && !channel.next_remote_spec &&
         channel.local_proposed.empty() && channel.local_signed.empty() && channel.local_acked.empty() &&
         channel.remote_proposed.empty() && channel.remote_acked.empty() && channel.remote_signed.empty();
}

bitcoin::Transaction closing_transaction(const Channel& channel, Sat fee) {
  commitment::ClosingTerms terms;
  terms.funding = channel.funding;
  terms.script_a = channel.local_shutdown;
  terms.script_b = channel.remote_shutdown;
  terms.amount_a = to_sat_floor(channel.local_spec.to_local);
  terms.amount_b = to_sat_floor(channel.local_spec.to_remote);
  auto& payer = channel.funder ? terms.amount_a : terms.amount_b;
  payer = sub_or_zero(payer, fee);
  terms.dust_limit_a = bitcoin::dust_limit(channel.local_shutdown);
  terms.dust_limit_b = bitcoin::dust_limit(channel.remote_shutdown);
  return commitment::closing_transaction(terms);
}

Sat wanted_fee(const Work& work) {
  auto feerate =
      std::max(work.state.feerate.value_or(work.context.config.default_feerate), work.context.config.feerate_floor);
  return Sat(kClosingWeight * feerate.value() / 1000 + 1);
}

void send_closing_signed(Work& work, Channel& channel, Sat fee) {
  auto transaction = closing_transaction(channel, fee);
  channel.closing_fee = fee;
  wire::ClosingSigned message;
  message.channel_id = channel.id;
  message.fee_satoshis = fee;
  message.signature = channel.signer->sign_funding_input(transaction, script_of(channel), channel.capacity);
  message.fee_range = wire::FeeRange{Sat(kClosingWeight * work.context.config.feerate_floor.value() / 1000),
                                     Sat(std::max(fee.value(), wanted_fee(work).value() * kClosingFeeRoom))};
  work.send(channel.peer, std::move(message));
}

void answer_close(Work& work, Channel& channel, const Txid& txid, const char* how) {
  for (auto request : channel.close_requests)
    work.say(Reply{request, Value()
                                .set("channel_id", channel.id.hex())
                                .set("closing_txid", bitcoin::txid_to_string(txid))
                                .set("how", how)});
  channel.close_requests.clear();
}

void send_shutdown(Work& work, Channel& channel, Bytes script) {
  channel.local_shutdown = std::move(script);
  channel.phase = ChannelPhase::Closing;
  save(work, channel);
  say_if_usable(work, channel);
  if (channel.connected && channel.reestablished)
    work.send(channel.peer, wire::Shutdown{channel.id, channel.local_shutdown, {}});
}

/// Our commitment with both signatures.
bitcoin::Transaction own_commitment(const Channel& channel) {
  auto built = commitment::build_commitment(local_terms(channel, channel.local_spec, channel.local_number));
  LN_ASSERT(built.has_value());
  auto ours = channel.signer->sign_funding_input(built->transaction, script_of(channel), channel.capacity);
  built->transaction.inputs[0].witness = commitment::funding_witness(
      channel.local.keys.funding, ours, channel.remote.keys.funding, channel.local_signature);
  return built->transaction;
}

void end(Work& work, Channel& channel, std::string how) {
  channel.phase = ChannelPhase::Closed;
  channel.status = how;
  save(work, channel);
  say_if_usable(work, channel);
  work.notify(Severity::Info, "channel_closed",
              {{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"how", how}});
  work.say(ChannelClosed{channel.id, channel.peer, std::move(how)});
}

/// A transaction in a block spends the funding output: which one is it?
void on_spend(Work& work, Channel& channel, const bitcoin::Transaction& spend) {
  if (channel.phase == ChannelPhase::Closed) return;
  auto factor =
      channel.funder
          ? commitment::obscure_factor(channel.local.keys.payment_basepoint, channel.remote.keys.payment_basepoint)
          : commitment::obscure_factor(channel.remote.keys.payment_basepoint, channel.local.keys.payment_basepoint);
  auto number = commitment::commitment_number(spend, channel.funding, factor);
  if (!number) return end(work, channel, "closed by agreement");
  auto id = bitcoin::txid(spend);
  if (id == bitcoin::txid(own_commitment(channel))) return end(work, channel, "our commitment was published");
  if (*number < channel.remote_number) {
    work.notify(Severity::Error, "revoked_commitment",
                {{"channel_id", channel.id.hex()}, {"txid", bitcoin::txid_to_string(id)}, {"number", *number}});
    return end(work, channel, "the peer published a revoked commitment: penalties are not built yet");
  }
  end(work, channel, "the peer published its commitment");
}

}  // namespace

void rebroadcast(Work& work, Channel& channel) {
  auto send = [&](const Bytes& raw) {
    if (raw.empty()) return;
    if (auto transaction = bitcoin::parse_transaction(raw)) work.say(Broadcast{*std::move(transaction)});
  };
  if (channel.phase == ChannelPhase::Closed) return;
  if (!channel.confirmed() && channel.funder) send(channel.funding_transaction);
  send(channel.closing_transaction);
}

void force_close(Work& work, Channel& channel, const std::string& why) {
  if (!channel.alive()) return;
  auto transaction = own_commitment(channel);
  channel.closing_transaction = bitcoin::serialize(transaction);
  channel.phase = ChannelPhase::ForceClosing;
  channel.status = "closing: " + why;
  save(work, channel);
  say_if_usable(work, channel);
  answer_close(work, channel, bitcoin::txid(transaction), "our commitment");
  work.say(Broadcast{std::move(transaction)});
  work.notify(Severity::Warning, "channel_force_closed", {{"channel_id", channel.id.hex()}, {"reason", why}});
}

void break_channel(Work& work, Channel& channel, const std::string& why) {
  if (!channel.alive()) return;
  if (channel.connected) work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of(why))});
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
  if (word.command.force) {
    channel.close_requests.push_back(word.request);
    if (channel.connected)
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("closed by the operator"))});
    return force_close(work, channel, "closed by the operator");
  }
  if (channel.phase == ChannelPhase::Opening)
    return refuse(CommandErrorCode::NotReady, "the channel is not open yet: wait, or use --force");
  if (!channel.connected)
    return refuse(CommandErrorCode::NotReady,
                  "the peer is offline: wait for it, or use --force (our commitment, with a delay)");
  channel.close_requests.push_back(word.request);
  if (channel.local_shutdown.empty()) send_shutdown(work, channel, word.script_pubkey);
  continue_closing(work, channel);
}

void on(Work& work, Channel& channel, const wire::Shutdown& m) {
  if (!channel.ready()) return break_channel(work, channel, "shutdown: the channel is not open yet");
  if (!bitcoin::is_valid_shutdown_script(m.scriptpubkey, true)) {
    work.send(channel.peer, wire::Warning{channel.id, to_bytes(bytes_of("shutdown: this script is not allowed"))});
    return work.say(DropPeer{channel.peer, "shutdown with a script that is not allowed"});
  }
  if (!channel.remote_shutdown.empty() && channel.remote_shutdown != m.scriptpubkey)
    return break_channel(work, channel, "shutdown: another script than before");
  channel.remote_shutdown = m.scriptpubkey;
  channel.phase = ChannelPhase::Closing;
  save(work, channel);
  if (channel.local_shutdown.empty())
    send_shutdown(work, channel,
                  bitcoin::p2wpkh_script(work.context.signer.wallet_key(
                      false, kChannelScriptIndexBase + static_cast<std::uint32_t>(channel.key_index))));
  say_if_usable(work, channel);
  continue_closing(work, channel);
}

void continue_closing(Work& work, Channel& channel) {
  if (channel.phase != ChannelPhase::Closing || channel.local_shutdown.empty() || channel.remote_shutdown.empty() ||
      !channel.connected || !channel.reestablished || !quiet(channel) || !channel.funder || channel.closing_fee)
    return;
  send_closing_signed(work, channel, wanted_fee(work));
}

void on(Work& work, Channel& channel, const wire::ClosingSigned& m) {
  if (channel.phase != ChannelPhase::Closing || channel.local_shutdown.empty() || channel.remote_shutdown.empty() ||
      !quiet(channel))
    return break_channel(work, channel, "closing_signed: not now");
  auto payer = channel.funder ? channel.local_spec.to_local : channel.local_spec.to_remote;
  if (m.fee_satoshis > to_sat_floor(payer))
    return break_channel(work, channel, "closing_signed: a fee above the balance");
  auto transaction = closing_transaction(channel, m.fee_satoshis);
  auto digest = commitment::funding_digest(transaction, script_of(channel), channel.capacity);
  if (!crypto::ecdsa_verify(channel.remote.keys.funding, digest, m.signature))
    return break_channel(work, channel, "closing_signed: the signature is wrong");
  bool agreed = channel.closing_fee == m.fee_satoshis;
  if (!agreed) {
    // We pay as the opener. Otherwise whatever the peer pays is fine.
    if (channel.funder && m.fee_satoshis.value() > wanted_fee(work).value() * kClosingFeeRoom) {
      work.send(channel.peer, wire::Warning{channel.id, to_bytes(bytes_of("closing_signed: the fee is too high"))});
      return;
    }
    send_closing_signed(work, channel, m.fee_satoshis);
  }
  auto ours = channel.signer->sign_funding_input(transaction, script_of(channel), channel.capacity);
  transaction.inputs[0].witness =
      commitment::funding_witness(channel.local.keys.funding, ours, channel.remote.keys.funding, m.signature);
  channel.closing_transaction = bitcoin::serialize(transaction);
  channel.status = "waits for the closing transaction";
  save(work, channel);
  answer_close(work, channel, bitcoin::txid(transaction), "by agreement");
  work.say(Broadcast{std::move(transaction)});
}

void on_block(Work& work, const BlockConnected& in) {
  std::map<Outpoint, ChannelId> watched;
  std::map<Txid, ChannelId> awaited;
  for (const auto& [id, channel] : work.state.channels) {
    if (channel.phase == ChannelPhase::Closed) continue;
    watched[channel.funding] = id;
    if (!channel.confirmed()) awaited[channel.funding.txid] = id;
  }
  for (std::uint32_t position = 0; position < in.block->transactions.size(); ++position) {
    const auto& transaction = in.block->transactions[position];
    if (!awaited.empty()) {
      if (auto it = awaited.find(bitcoin::txid(transaction)); it != awaited.end()) {
        auto& channel = work.state.channels.at(it->second);
        auto script = bitcoin::p2wsh_script(script_of(channel));
        const auto& outputs = transaction.outputs;
        if (channel.funding.index >= outputs.size() || outputs[channel.funding.index].script_pubkey != script ||
            outputs[channel.funding.index].amount != channel.capacity) {
          break_channel(work, channel, "the funding transaction does not pay to the channel");
        } else {
          channel.funding_height = in.height;
          channel.funding_position = position;
          save(work, channel);
        }
      }
    }
    for (const auto& input : transaction.inputs)
      if (auto it = watched.find(input.previous_output); it != watched.end())
        on_spend(work, work.state.channels.at(it->second), transaction);
  }
  std::vector<ChannelId> forgotten;
  for (auto& [id, channel] : work.state.channels) {
    work.state.dirty.insert(id);
    send_ready(work, channel);
    announce(work, channel);
    if (!channel.funder && !channel.confirmed() && channel.phase == ChannelPhase::Opening &&
        in.height.value() > channel.created_height.value() + kForgetUnfundedBlocks)
      forgotten.push_back(id);
    // An HTLC that we offered and that should have come back: its peer may be away for long, a hold waits longer.
    if (!channel.alive()) continue;
    for (const auto& [htlc, info] : channel.local_spec.htlcs) {
      if (!htlc.offered) continue;
      auto it = channel.offered.find(htlc.id);
      bool held = it != channel.offered.end() && it->second.hold;
      auto grace = !held ? kOfferedGrace.value() : channel.connected ? kExpiredGraceBlocks : kExpiredGraceMax;
      if (in.height.value() < info.cltv_expiry.value() + grace) continue;
      break_channel(work, channel,
                    "an HTLC that we offered expired at height " + std::to_string(info.cltv_expiry.value()) +
                        " and did not come back");
      break;
    }
  }
  for (const auto& id : forgotten) {
    auto& channel = work.state.channels.at(id);
    end(work, channel, "the peer never funded it");
  }
}

void on_block_gone(Work& work, const BlockDisconnected& in) {
  for (auto& [id, channel] : work.state.channels) {
    if (channel.funding_height != in.height) continue;
    work.notify(Severity::Warning, "funding_reorganised", {{"channel_id", id.hex()}, {"height", in.height.value()}});
    if (channel.sent_ready) continue;  // open already: the scid stays, the transaction will be mined again
    channel.funding_height = BlockHeight(0);
    save(work, channel);
  }
}

}  // namespace doze::channel
