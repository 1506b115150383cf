#include "wallet/wallet.h"

#include <algorithm>
#include <utility>

#include "bitcoin/address.h"
#include "bitcoin/script.h"
#include "crypto/crypto.h"
#include "wallet/inside.h"
#include "wire/chains.h"

namespace doze::wallet {

DOZE_COMPILED_HERE(Input)

Wallet::Wallet() : inside(std::make_unique<Inside>()) {}
Wallet::~Wallet() = default;
Wallet::Wallet(Wallet&&) noexcept = default;
Wallet& Wallet::operator=(Wallet&&) noexcept = default;

Result<Wallet, LoadError> load(std::span<const Row> rows, const Signer& signer) {
  Wallet out;
  for (const auto& row : rows) {
    auto read = read_row(row, *out.inside);
    if (!read) return fail(LoadError{row.table, row.key, read.error()});
  }
  if (out.inside->counted_openings) count_paid_scripts(*out.inside);
  out.inside->watch(signer);
  return out;
}

namespace {

std::string address_text(const Work& work, const KeyPath& key) {
  auto script = bitcoin::p2wpkh_script(work.context.signer.wallet_key(key.change, key.index));
  return bitcoin::address_of_script(script, wire::address_prefix(work.context.config.network)).value_or("");
}

const char* status(const Wallet::Inside& state, const Coin& coin) {
  if (state.is_reserved(coin)) return "reserved";
  if (!coin.confirmed_at) return "unconfirmed";
  return state.mature(coin) ? "confirmed" : "immature";
}

Value describe(const Work& work, const Coin& coin) {
  Value out;
  out.set("txid", bitcoin::txid_to_string(coin.outpoint.txid))
      .set("output", coin.outpoint.index)
      .set("amount_sat", coin.amount.value())
      .set("address", address_text(work, coin.key))
      .set("status", status(work.state, coin));
  if (coin.confirmed_at) out.set("block_height", coin.confirmed_at->value());
  return out;
}

Value describe(const Work& work, const MempoolPayment& deposit) {
  return Value()
      .set("txid", bitcoin::txid_to_string(deposit.outpoint.txid))
      .set("output", deposit.outpoint.index)
      .set("amount_sat", deposit.amount.value())
      .set("address", address_text(work, work.state.watched.at(deposit.script_pubkey)))
      .set("status", "in_mempool");
}

/// Somebody may be waiting for a deposit. The gap's addresses are among the scripts, so that most new addresses are
/// known before they are handed out, and the driver is told of them some fifty at a time.
void watch_mempool(Work& work) {
  auto& state = work.state;
  auto now = work.context.mono;
  bool lately = state.mempool_watched && now < after_ms(*state.mempool_watched, kWatchAgainMs);
  if (state.next_receive == 0 || (lately && state.next_receive + kGap / 2 <= state.mempool_scripts)) return;
  state.mempool_watched = now;
  state.mempool_scripts = state.watched_receive;
  WatchMempool out{.scripts = {}, .for_ms = kWatchMempoolMs};
  auto from = state.next_receive - std::min(state.next_receive, kDepositAddresses);
  for (auto index = from; index < state.watched_receive; ++index) out.scripts.push_back(*state.receive_scripts[index]);
  work.effects.push_back(std::move(out));
}

void answer(Work& work, RequestId request, const command::NewAddress&) {
  KeyPath key{false, work.state.next_receive++};
  work.save_indexes();
  work.fill_gaps();
  watch_mempool(work);
  work.effects.push_back(Reply{request, Value().set("address", address_text(work, key))});
}

Balance sum(const Wallet::Inside& state) {
  Balance out;
  for (const auto& [outpoint, coin] : state.coins) {
    if (state.is_reserved(coin))
      out.reserved += coin.amount;
    else if (coin.spent_by)
      continue;
    else if (state.mature(coin))
      out.confirmed += coin.amount;
    else
      out.unconfirmed += coin.amount;
  }
  for (const auto* deposit : state.deposits()) out.deposits += deposit->amount;
  return out;
}

void answer(Work& work, RequestId request, const command::ListFunds&) {
  watch_mempool(work);
  List outputs;
  for (const auto& [outpoint, coin] : work.state.coins)
    if (!coin.spent_by || work.state.is_reserved(coin)) outputs.push_back(describe(work, coin));
  for (const auto* deposit : work.state.deposits()) outputs.push_back(describe(work, *deposit));
  auto total = sum(work.state);
  Sat unclaimed, pending_close, at_risk;
  for (const auto& [id, channel] : work.context.views.channels) {
    unclaimed += channel.unclaimed;
    pending_close += channel.pending_close;
    at_risk += channel.at_risk;
  }
  work.effects.push_back(Reply{request, Value()
                                            .set("outputs", std::move(outputs))
                                            .set("confirmed_sat", total.confirmed.value())
                                            .set("unconfirmed_change_sat", total.unconfirmed.value())
                                            .set("unconfirmed_deposits_sat", total.deposits.value())
                                            .set("mempool_read", work.state.mempool.complete)
                                            .set("reserved_sat", total.reserved.value())
                                            .set("pending_close_sat", pending_close.value())
                                            .set("at_risk_sat", at_risk.value())
                                            .set("unclaimed_sat", unclaimed.value())});
}

void answer_sent(Work& work, RequestId request, const Txid& txid, Sat amount, Sat fee, const char* state) {
  work.effects.push_back(Reply{request, Value()
                                            .set("txid", bitcoin::txid_to_string(txid))
                                            .set("amount_sat", amount.value())
                                            .set("fee_sat", fee.value())
                                            .set("state", state)});
}

Hash32 hash_of(const command::SendToAddress& send) {
  Writer out;
  out.u64(send.amount ? send.amount->value() : UINT64_MAX).u32(send.feerate ? send.feerate->value() : 0);
  return crypto::sha256(out.bytes(bytes_of(send.address)).take());
}

/// A command with the key of an earlier one: gets the same answer and spends nothing.
void answer_again(Work& work, RequestId request, const command::SendToAddress& send, const Sent& before) {
  if (before.request != hash_of(send)) {
    work.effects.push_back(
        Reply{request, CommandError{CommandErrorCode::BadRequest,
                                    "this idempotency_key belongs to a sendtoaddress with other arguments",
                                    {{"txid", bitcoin::txid_to_string(before.txid)}}}});
    return;
  }
  if (work.state.waiting.contains(before.txid)) {
    work.state.waiting.emplace(before.txid, Wallet::Inside::Asked{request, before.amount, before.fee});
    return;
  }
  auto own = work.state.transactions.find(before.txid);
  bool queued = own != work.state.transactions.end() && own->second.state != TxState::Sent;
  answer_sent(work, request, before.txid, before.amount, before.fee, queued ? "queued" : "sent");
}

void answer(Work& work, RequestId request, const command::SendToAddress& send) {
  auto refuse = [&](CommandError error) { work.effects.push_back(Reply{request, std::move(error)}); };
  auto key = crypto::sha256(bytes_of(send.idempotency_key));
  if (auto before = work.state.sent.find(key); !send.idempotency_key.empty() && before != work.state.sent.end())
    return answer_again(work, request, send, before->second);
  if (!work.context.views.chain_synced)  // it would be sent when the user no longer expects it
    return refuse({CommandErrorCode::NotReady, "the block chain is not synced yet: see getinfo", {}});
  auto script = bitcoin::script_of_address(send.address, wire::address_prefix(work.context.config.network));
  if (!script)
    return refuse({CommandErrorCode::BadRequest,
                   std::string("address: not a valid address on ") + wire::name(work.context.config.network) + ": " +
                       escape_untrusted(send.address),
                   {}});
  auto usual = work.state.estimate.value_or(work.context.config.default_feerate);
  auto built = build(work, *script, send.amount, send.feerate.value_or(usual));
  if (!built) return refuse(std::move(built).error());
  if (!send.idempotency_key.empty() && work.state.sent.size() >= kMaxSent)
    return refuse({CommandErrorCode::Limit,
                   "there are " + std::to_string(kMaxSent) + " idempotency keys already; each is kept for " +
                       std::to_string(kKeepSentBlocks) + " blocks",
                   {}});
  auto txid = reserve(work, *built, TxState::Unsent);
  if (!send.idempotency_key.empty())
    work.save(key, Sent{hash_of(send), txid, built->amount, built->fee, work.state.tip});
  work.state.waiting.emplace(txid, Wallet::Inside::Asked{request, built->amount, built->fee});
  work.effects.push_back(Broadcast{built->transaction});
}

/// Checked before open_channel is sent: an opening that cannot be funded would only use up the peer's keys.
void answer(Work& work, RequestId request, const command::OpenChannel& open) {
  constexpr std::size_t kFundingScriptBytes = 34;  // P2WSH
  bool repeated = !open.idempotency_key.empty();   // the earlier opening may have reserved the missing coins
  auto usual = work.state.estimate.value_or(work.context.config.default_feerate);
  auto funded = can_fund(work, kFundingScriptBytes, open.amount, open.feerate.value_or(usual));
  if (!funded && !repeated && open.amount.is_money() && work.context.views.chain_synced) {
    work.effects.push_back(Reply{request, std::move(funded).error()});
    return;
  }
  work.effects.push_back(OpenChannelNow{request, open});
}

template <class T>
  requires(!WalletCommand<T>)
void answer(Work&, RequestId, const T&) {}

// ---- inputs ----

/// Parents before children: the backend takes no child of a transaction that it does not have.
void broadcast_again(Work& work, const Txid& txid, std::set<Txid>& done) {
  auto own = work.state.transactions.find(txid);
  if (own == work.state.transactions.end() || own->second.state == TxState::Prepared ||
      own->second.state == TxState::Lost || own->second.confirmed_at)
    return;
  if (!done.insert(txid).second) return;
  for (const auto& input : own->second.transaction.inputs) broadcast_again(work, input.previous_output.txid, done);
  work.effects.push_back(Broadcast{own->second.transaction});
}

void broadcast_all_again(Work& work) {
  std::set<Txid> done;
  for (const auto& [txid, own] : work.state.transactions) broadcast_again(work, txid, done);
}

/// Broadcasts sent ones again. A funding that no channel knows was lost with its opening: frees its coins.
void on(Work& work, const Started&) {
  watch_channels(work);
  watch_everything(work);
  watch_mempool(work);
  work.state.broadcast_height = work.context.tip;
  broadcast_all_again(work);
  std::vector<Txid> lost;
  for (const auto& [txid, own] : work.state.transactions) {
    if (own.state != TxState::Prepared && own.state != TxState::Lost) continue;
    bool known = false;
    for (const auto& [id, channel] : work.context.views.channels)
      known = known || (channel.funding && channel.funding->txid == txid && channel.phase != ChannelPhase::Closed);
    if (!known) lost.push_back(txid);
  }
  for (const auto& txid : lost) drop(work, txid);
}
void on(Work& work, const BlockConnected& in) {
  block_connected(work, in);
}
void on(Work& work, const BlockHasMore& in) {
  block_has_more(work, in);
}
void on(Work& work, const BlockDisconnected& in) {
  block_disconnected(work, in);
}
void on(Work& work, const MempoolSeen& in) {
  work.state.mempool = in;
}
void on(Work& work, const FeeEstimate& in) {
  work.state.estimate = std::min(in.usual, kMaxFeerate);
}
void on(Work& work, const PrepareFunding& in) {
  auto built = build(work, in.script_pubkey, in.amount, in.feerate);
  if (!built) {
    work.effects.push_back(FundingFailed{in.temporary_channel_id, std::move(built).error()});
    return;
  }
  reserve(work, *built, TxState::Prepared);
  work.effects.push_back(FundingPrepared{in.temporary_channel_id, built->transaction, built->output_index});
}
void on(Work& work, const ReleaseFunding& in) {
  auto own = work.state.transactions.find(in.txid);
  if (own == work.state.transactions.end()) return;
  if (own->second.state == TxState::Prepared || own->second.state == TxState::Lost) drop(work, in.txid);
}

void on(Work& work, const ReserveCoins& in) {
  reserve_for_claim(work, in);
}
void on(Work& work, const ReleaseCoins& in) {
  release_of_claim(work, in);
}

/// Mempools drop transactions without notice when fees rise.
void on_synced(Work& work) {
  auto& last = work.state.broadcast_height;
  auto tip = work.context.tip;
  if (last && tip.value() < last->value() + kRebroadcastBlocks) return;
  if (std::exchange(last, tip)) broadcast_all_again(work);
}

/// Answers requests that wait for an absent backend with "queued"; otherwise their users would send twice.
void on(Work& work, const ChainStatus& in) {
  if (in.synced) {
    on_synced(work);
    refuse_lost(work);
  }
  if (in.connected && in.trouble.empty()) return;
  if (!in.connected) work.state.broadcast_height = BlockHeight(0);  // it may come back with an empty mempool
  work.state.mempool = {};                                          // what was seen there may be gone
  for (const auto& [txid, asked] : std::exchange(work.state.waiting, {}))
    answer_sent(work, asked.request, txid, asked.amount, asked.fee, "queued");
}

void on(Work& work, const BroadcastResult& in) {
  auto own = work.state.transactions.find(in.txid);
  if (own == work.state.transactions.end() || own->second.state == TxState::Lost) return;  // blocks decide that
  auto id = bitcoin::txid_to_string(in.txid);
  if (is_unanswered(in.outcome)) {
    // A transaction that is refused later may have been relayed anyway: from now on its coins stay reserved.
    if (in.outcome == BroadcastOutcome::MaybeOut) mark_sent(work, in.txid);
    for (const auto& asked : take_waiting(work, in.txid))
      answer_sent(work, asked.request, in.txid, asked.amount, asked.fee, "queued");
    return;
  }
  if (is_success(in.outcome)) {
    mark_sent(work, in.txid);
    for (const auto& asked : take_waiting(work, in.txid))
      answer_sent(work, asked.request, in.txid, asked.amount, asked.fee, "sent");
    return;
  }
  work.effects.push_back(
      Notify{Severity::Warning, "transaction_refused", {{"txid", id}, {"reason", escape_untrusted(in.reason)}}});
  // A transaction that was accepted before may be in a block that we have not seen, or in other mempools.
  if (own->second.state == TxState::Prepared && work.context.views.chain_synced)
    work.effects.push_back(FundingRefused{in.txid, escape_untrusted(in.reason)});
  if (own->second.state != TxState::Unsent) return;
  for (const auto& asked : take_waiting(work, in.txid))
    work.effects.push_back(
        Reply{asked.request, CommandError{CommandErrorCode::Refused,
                                          "the backend refused the transaction: " + escape_untrusted(in.reason),
                                          {{"txid", id}}}});
  drop(work, in.txid);
}
void on(Work& work, const CommandReceived& in) {
  std::visit([&](const auto& command) { answer(work, in.request, command); }, in.command);
}

}  // namespace

Transition<Wallet> step(Wallet state, const Input& input, const Context& context) {
  Transition<Wallet> out{std::move(state), {}};
  out.next.inside->tip = context.tip;
  Work work{*out.next.inside, context, out.effects};
  std::visit([&](const auto& in) { on(work, in); }, input);
  return out;
}

Balance balance(const Wallet& state) {
  return sum(*state.inside);
}

std::uint32_t next_closing_script(const Wallet& state) {
  return state.inside->next_channel;
}

}  // namespace doze::wallet
