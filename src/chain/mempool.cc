#include "chain/mempool.h"

#include <algorithm>
#include <iterator>

namespace doze::chain {

void MempoolWatch::watch(std::vector<Bytes> scripts, std::uint64_t for_ms) {
  std::lock_guard lock(mutex_);
  wished_ = std::move(scripts);
  wished_until_ = Clock::now() + std::chrono::milliseconds(for_ms);
}

void MempoolWatch::take_wish() {
  std::lock_guard lock(mutex_);
  if (!wished_) return;
  scripts_ = std::set<Bytes>(std::make_move_iterator(wished_->begin()), std::make_move_iterator(wished_->end()));
  wished_.reset();
  until_ = wished_until_;
  std::erase_if(found_, [&](const auto& entry) { return !scripts_.contains(entry.second.first); });
}

void MempoolWatch::forget() {
  known_ = {};
  unread_ = {};
  found_.clear();
  listed_ = left_out_ = false;
  next_list_ = pause_ = {};
  per_call_ = kMaxTransactionsPerCall;
  said_.reset();
}

bool MempoolWatch::look(BitcoindClient& rpc, const Tell& tell) {
  take_wish();
  if (!until_) return false;
  auto now = Clock::now();
  if (now >= *until_) {
    until_.reset();
    forget();
    if (tell) tell(MempoolSeen{});
    return false;
  }
  if (now < pause_ || (unread_.empty() && now < next_list_)) return false;
  bool answered = (!unread_.empty() || list(rpc)) && read(rpc);
  if (!answered) pause_ = Clock::now() + std::chrono::milliseconds(kMempoolAgainMs);
  say(tell);
  return answered && !unread_.empty();
}

/// Reads the list. What is not in it any more was mined, replaced or evicted.
bool MempoolWatch::list(BitcoindClient& rpc) {
  auto began = Clock::now();
  auto listed = rpc.mempool_txids();
  listed_ = listed.has_value();
  if (!listed_) return false;
  auto took = Clock::now() - began;
  next_list_ = Clock::now() + std::max<Clock::duration>(interval_, took * kMempoolPauseTimes);
  std::sort(listed->begin(), listed->end());
  std::set_difference(listed->begin(), listed->end(), known_.begin(), known_.end(), std::back_inserter(unread_));
  known_ = *std::move(listed);
  std::erase_if(found_,
                [&](const auto& entry) { return !std::binary_search(known_.begin(), known_.end(), entry.first.txid); });
  return true;
}

/// Looks at transactions that nobody has looked at. False: bitcoind did not answer, and what is left waits.
bool MempoolWatch::read(BitcoindClient& rpc) {
  for (std::size_t call = 0; call < kMempoolCallsPerRound && !unread_.empty(); ++call) {
    auto count = std::min(per_call_, unread_.size());
    std::vector<Txid> asked(unread_.end() - static_cast<std::ptrdiff_t>(count), unread_.end());
    auto got = rpc.mempool_transactions(asked);
    if (!got && got.error().code == RpcErrorCode::BadReply && count > 1) {
      per_call_ = 1;  // too large together, or one of them is none
      continue;
    }
    if (!got && got.error().code != RpcErrorCode::BadReply) return false;
    unread_.resize(unread_.size() - count);
    per_call_ = std::min(per_call_ * 2, kMaxTransactionsPerCall);
    if (!got) left_out_ = true;
    for (std::size_t i = 0; got && i < count; ++i)
      if ((*got)[i]) note(asked[i], *(*got)[i]);
  }
  keep_the_largest();
  return true;
}

void MempoolWatch::note(const Txid& txid, ByteView bytes) {
  auto transaction = bitcoin::parse_transaction(bytes);
  if (!transaction || bitcoin::txid(*transaction) != txid) {
    left_out_ = true;
    return;
  }
  for (std::uint32_t index = 0; index < transaction->outputs.size(); ++index) {
    auto& output = transaction->outputs[index];
    if (scripts_.contains(output.script_pubkey))
      found_[{txid, index}] = {std::move(output.script_pubkey), output.amount};
  }
}

void MempoolWatch::keep_the_largest() {
  if (found_.size() <= kMaxMempoolPayments) return;
  std::vector<std::pair<Sat, Outpoint>> by_amount;
  for (const auto& [outpoint, payment] : found_) by_amount.emplace_back(payment.second, outpoint);
  auto beyond = static_cast<std::ptrdiff_t>(found_.size() - kMaxMempoolPayments);
  std::nth_element(by_amount.begin(), by_amount.begin() + beyond, by_amount.end());
  for (auto it = by_amount.begin(); it != by_amount.begin() + beyond; ++it) found_.erase(it->second);
  left_out_ = true;
}

void MempoolWatch::say(const Tell& tell) {
  MempoolSeen seen;
  for (const auto& [outpoint, payment] : found_) seen.payments.push_back({outpoint, payment.first, payment.second});
  seen.complete = listed_ && unread_.empty() && !left_out_;
  if (said_ == seen) return;
  said_ = seen;
  if (tell) tell(seen);
}

}  // namespace doze::chain
