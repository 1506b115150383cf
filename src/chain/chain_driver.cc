#include "chain/chain_driver.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "chain/mempool.h"
#include "chain/wakeup.h"
#include "effects/broadcast.h"
#include "effects/limits.h"

namespace doze::chain {

const char* name(Trouble trouble) {
  switch (trouble) {
    case Trouble::None:
      return "";
    case Trouble::Pruned:
      return "pruned";
    case Trouble::Behind:
      return "behind";
    case Trouble::Replaced:
      return "replaced";
    case Trouble::OtherChain:
      return "other_chain";
  }
  return "";
}

namespace {

using Clock = std::chrono::steady_clock;

// Transaction ids of blocks that look-ups asked for lately: gossip comes sorted by block.
struct TxidCache {
  static constexpr std::size_t kBlocks = 64;
  std::deque<std::pair<BlockHash, std::vector<Txid>>> blocks;

  const std::vector<Txid>* find(const BlockHash& hash) const {
    auto found = std::find_if(blocks.begin(), blocks.end(), [&](const auto& entry) { return entry.first == hash; });
    return found == blocks.end() ? nullptr : &found->second;
  }
  const std::vector<Txid>& add(const BlockHash& hash, std::vector<Txid> txids) {
    if (blocks.size() >= kBlocks) blocks.pop_front();
    return blocks.emplace_back(hash, std::move(txids)).second;
  }
};

// A transaction that waits to be sent.
struct Queued {
  bitcoin::Transaction transaction;
  std::optional<Clock::time_point> not_before;  // it was sent, and there was no answer
  bool told = false, told_out = false;          // Unanswered or MaybeOut was said; MaybeOut
};

// An output that is to be looked up.
struct LookUp {
  ShortChannelId scid;
  std::uint32_t tries = 0;
};

/// Nothing else would be answered, either.
bool is_away(RpcErrorCode code) {
  return code == RpcErrorCode::TimedOut || code == RpcErrorCode::Unreachable || code == RpcErrorCode::NoCredentials;
}

/// 1000 vbytes are 4000 weight units; rounded up.
FeeratePerKw per_kw(Sat per_kvb) {
  return FeeratePerKw(static_cast<std::uint32_t>(std::min<std::uint64_t>((per_kvb.value() + 3) / 4, UINT32_MAX)));
}

RpcError failure(const std::string& message) {
  return {RpcErrorCode::BadReply, 0, message};
}

}  // namespace

struct ChainDriver::Inside {
  Inside(ChainConfig config_in, ChainEvents events_in)
      : config(std::move(config_in)),
        events(std::move(events_in)),
        rpc(config.rpc),
        mempool(config.mempool_interval_ms) {
    chain.assign(config.known.begin(), config.known.end());
    thread = std::thread([this] { run(); });
  }
  ~Inside() {
    stopping = true;
    rpc.interrupt();
    wakeup.wake();
    thread.join();
  }

  void run();
  Status<RpcError> work();
  Status<RpcError> greet();
  Status<RpcError> follow();
  Status<RpcError> begin();
  Status<RpcError> rewind();
  Result<std::size_t, RpcError> common_blocks();
  Status<RpcError> judge_fork(std::size_t common);
  RpcError in_trouble(Trouble what, std::string why);
  Status<RpcError> connect(BlockHeight height, const BlockHash& hash, bool& stands);
  Status<RpcError> serve();
  Status<RpcError> serve_broadcasts();
  std::optional<Queued> next_broadcast();
  void send_later(Queued queued, const RpcError& error);
  Status<RpcError> serve_look_up(LookUp look_up);
  Result<std::optional<bitcoin::TxOut>, RpcError> output_at(ShortChannelId scid);
  Status<RpcError> ask_fee();
  void tell(DriverStatus next);
  std::string progress(const ChainInfo& info) const;

  const ChainConfig config;
  const ChainEvents events;
  BitcoindClient rpc;
  Wakeup wakeup;
  MempoolWatch mempool;
  std::atomic<bool> stopping{false};

  std::mutex mutex;  // guards the two queues
  std::deque<Queued> broadcasts;
  std::deque<LookUp> look_ups;

  // The driver's thread alone.
  std::deque<BlockRef> chain;  // given to the owner, oldest first
  bool greeted = false;
  DriverStatus status;
  bool status_told = false;
  Trouble trouble = Trouble::None;  // why the round under way ends
  std::optional<FeeEstimate> fees;
  std::optional<Clock::time_point> fee_asked;
  TxidCache txids;
  std::thread thread;
};

void ChainDriver::Inside::tell(DriverStatus next) {
  if (status_told && next == status) return;
  status_told = true;
  status = std::move(next);
  if (events.status) events.status(status);
}

void ChainDriver::Inside::run() {
  auto backoff = kReconnectMinMs;
  while (!stopping) {
    auto done = work();
    if (stopping) return;
    if (done) {
      backoff = kReconnectMinMs;
      wakeup.wait(config.poll_interval_ms);
      continue;
    }
    greeted = false;
    mempool.forget();
    auto what = std::exchange(trouble, Trouble::None);
    if (what == Trouble::None)
      tell({.connected = false, .synced = false, .detail = describe(done.error())});
    else
      tell({.connected = true, .synced = false, .detail = done.error().message, .trouble = what});
    // Requests from the owner wake us early; while bitcoind is away that must not shorten the pause.
    auto until = Clock::now() + std::chrono::milliseconds(backoff);
    for (auto now = Clock::now(); now < until && !stopping; now = Clock::now()) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - now).count();
      wakeup.wait(static_cast<std::uint32_t>(left) + 1);
    }
    backoff = std::min(backoff * 2, kReconnectMaxMs);
  }
}

Status<RpcError> ChainDriver::Inside::work() {
  if (!greeted) LN_CHECK(greet());
  LN_CHECK(serve_broadcasts());
  LN_CHECK(follow());
  LN_CHECK(ask_fee());
  LN_CHECK(serve());
  if (mempool.look(rpc, events.mempool_seen)) wakeup.wake();
  return Done{};
}

// Another chain changes nothing here: it is reported until the configuration is corrected.
Status<RpcError> ChainDriver::Inside::greet() {
  LN_TRY(genesis, rpc.block_hash(BlockHeight(0)));
  if (!genesis || convert<ChainHash>(*genesis) != config.chain_hash) {
    LN_TRY(info, rpc.chain_info());
    return fail(in_trouble(Trouble::OtherChain, "bitcoind follows another chain: " + info.chain));
  }
  greeted = true;
  std::lock_guard lock(mutex);
  for (auto& queued : broadcasts) queued.not_before.reset();
  return Done{};
}

std::string ChainDriver::Inside::progress(const ChainInfo& info) const {
  auto height = chain.empty() ? 0 : chain.back().height.value();
  return "block " + std::to_string(height) + " of " + std::to_string(info.headers.value());
}

// Brings the owner to bitcoind's tip.
Status<RpcError> ChainDriver::Inside::follow() {
  if (chain.empty()) LN_CHECK(begin());
  for (bool told = false; !stopping; told = true) {
    LN_TRY(best, rpc.best_block_hash());
    if (chain.back().hash == best) break;
    if (!told && status.trouble == Trouble::None) {  // what was said of a trouble stays until it is over
      LN_TRY(info, rpc.chain_info());
      tell({.connected = true, .synced = false, .detail = progress(info)});
    }
    auto before = chain.back().hash;
    LN_CHECK(rewind());
    for (bool stands = true; stands && !stopping;) {
      BlockHeight next(chain.back().height.value() + 1);
      LN_TRY(hash, rpc.block_hash(next));
      if (!hash) break;
      LN_CHECK(connect(next, *hash, stands));
      LN_CHECK(serve_broadcasts());
    }
    if (chain.back().hash != before || stopping) continue;
    // Its chain changed while we asked, or two backends answer behind one address. The next round asks again.
    tell({.connected = true,
          .synced = false,
          .detail = "bitcoind names " + bitcoin::block_hash_to_string(best) +
                    " as its best block, and its chain does not lead there from block " +
                    std::to_string(chain.back().height.value())});
    return Done{};
  }
  LN_TRY(now, rpc.chain_info());
  // A regtest chain without fresh blocks calls itself in initial download for ever.
  bool behind = now.blocks < now.headers || (now.initial_block_download && now.chain != "regtest");
  tell({.connected = true, .synced = !behind, .detail = behind ? "bitcoind: " + progress(now) : ""});
  return Done{};
}

Status<RpcError> ChainDriver::Inside::begin() {
  LN_TRY(info, rpc.chain_info());
  auto height = config.start ? std::min(*config.start, info.blocks) : info.blocks;
  LN_TRY(hash, rpc.block_hash(height));
  if (!hash) return fail(failure("the tip went back"));
  bool stands = true;
  return connect(height, *hash, stands);
}

RpcError ChainDriver::Inside::in_trouble(Trouble what, std::string why) {
  trouble = what;
  return failure(std::move(why));
}

// How many of our blocks are in bitcoind's active chain: the first ones, for a chain has one past.
Result<std::size_t, RpcError> ChainDriver::Inside::common_blocks() {
  std::size_t common = 0, beyond = chain.size() + 1;
  for (auto probe = chain.size(); beyond - common > 1; probe = (common + beyond) / 2) {
    LN_TRY(header, rpc.block_header(chain[probe - 1].hash));
    (header && header->in_active_chain ? common : beyond) = probe;
  }
  return common;
}

// Some of our blocks are not in bitcoind's chain. Whether to follow it: only for more work, and not too deep.
Status<RpcError> ChainDriver::Inside::judge_fork(std::size_t common) {
  const auto& ours = chain.back();
  LN_TRY(info, rpc.chain_info());
  LN_TRY(our_tip, rpc.block_header(ours.hash));
  // A bitcoind that never saw our tip cannot tell its work. Blocks that close to each other have nearly the same.
  bool compared = our_tip && !our_tip->work.empty() && !info.work.empty();
  bool more = compared ? info.work > our_tip->work : info.blocks > ours.height;
  auto height = [](BlockHeight value) { return std::to_string(value.value()); };
  if (!more)
    return fail(in_trouble(Trouble::Behind, "bitcoind is at block " + height(info.blocks) +
                                                " of a chain that is not longer than the one to block " +
                                                height(ours.height) +
                                                ", which this node has seen: it was restored, is syncing, or is on a "
                                                "fork of its own. No block is disconnected until its chain is longer"));
  if (common == 0)
    return fail(in_trouble(Trouble::Replaced,
                           "none of the " + std::to_string(chain.size()) + " known blocks is in bitcoind's chain"));
  auto depth = chain.size() - common;
  if (depth <= kMaxReorgDepth) return Done{};
  LN_TRY(first, rpc.block_hash(BlockHeight(chain[common - 1].height.value() + 1)));
  if (first && config.accepted_fork == first) return Done{};
  return fail(in_trouble(
      Trouble::Replaced,
      "bitcoind's chain leaves ours at block " + height(chain[common - 1].height) + ", " + std::to_string(depth) +
          " blocks deep, which is more than the " + std::to_string(kMaxReorgDepth) +
          " that are disconnected without asking. If it is the true chain, set accept_chain = \"" +
          (first ? bitcoin::block_hash_to_string(*first) : "?") + "\" in the section [bitcoind] of doze.toml"));
}

// Disconnects blocks that left the active chain. The ancestor is searched first, so that no block is disconnected in
// vain.
Status<RpcError> ChainDriver::Inside::rewind() {
  LN_TRY(keep, common_blocks());
  if (keep == chain.size()) return Done{};
  LN_CHECK(judge_fork(keep));
  while (chain.size() > keep) {
    auto gone = chain.back();
    chain.pop_back();
    if (events.block_disconnected) events.block_disconnected({gone.height, gone.hash});
  }
  return Done{};
}

// `stands` becomes false if the chain changed under us: the caller looks again.
Status<RpcError> ChainDriver::Inside::connect(BlockHeight height, const BlockHash& hash, bool& stands) {
  auto bytes = rpc.block(hash);
  if (!bytes && bytes.error().rpc_code == kRpcMiscError) {
    LN_TRY(info, rpc.chain_info());
    if (info.pruned)
      return fail(in_trouble(
          Trouble::Pruned,
          "bitcoind has pruned block " + std::to_string(height.value()) + ", which this node still has to read" +
              (info.oldest_block ? "; its oldest is " + std::to_string(info.oldest_block->value()) : "")));
  }
  if (!bytes) return fail(bytes.error());
  auto block = bitcoin::parse_block(*bytes);
  if (!block) return fail(failure("block " + std::to_string(height.value()) + ": " + describe(block.error())));
  bool repeated = false;
  auto txids = bitcoin::txids(block->transactions);
  bool whole = bitcoin::merkle_root(txids, &repeated) == block->header.merkle_root && !repeated;
  if (bitcoin::block_hash(block->header) != hash || !whole) {
    return fail(failure("block " + std::to_string(height.value()) + " is not what its hash says"));
  }
  if (!chain.empty() && block->header.previous != chain.back().hash) {
    stands = false;
    return Done{};
  }
  chain.push_back({height, hash});
  if (chain.size() > kMaxRemembered) chain.pop_front();
  auto shared = std::make_shared<const bitcoin::Block>(*std::move(block));
  if (events.block_connected) events.block_connected({height, hash, std::move(shared), std::move(txids)});
  return Done{};
}

std::optional<Queued> ChainDriver::Inside::next_broadcast() {
  std::lock_guard lock(mutex);
  auto now = Clock::now();
  auto waits = [&](const Queued& queued) { return queued.not_before && *queued.not_before > now; };
  std::set<Txid> waiting;
  for (const auto& queued : broadcasts)
    if (waits(queued)) waiting.insert(bitcoin::txid(queued.transaction));
  // Parents before children: without its parent a transaction would be refused.
  auto due = std::find_if(broadcasts.begin(), broadcasts.end(), [&](const Queued& queued) {
    return !waits(queued) && std::ranges::none_of(queued.transaction.inputs, [&](const auto& input) {
      return waiting.contains(input.previous_output.txid);
    });
  });
  if (due == broadcasts.end()) return std::nullopt;
  auto out = std::move(*due);
  broadcasts.erase(due);
  return out;
}

// Puts it behind the others, not before broadcast_again_ms have passed: blocks are followed meanwhile, and one of them
// may hold the transaction.
void ChainDriver::Inside::send_later(Queued queued, const RpcError& error) {
  bool may_be_out = (error.code == RpcErrorCode::TimedOut || error.code == RpcErrorCode::BadReply ||
                     error.code == RpcErrorCode::Unreachable) &&  // the connection may have broken after the request
                    !error.unsent;
  bool first = !std::exchange(queued.told, true);
  if (may_be_out) first = !std::exchange(queued.told_out, true) || first;
  auto txid = bitcoin::txid(queued.transaction);
  queued.not_before = Clock::now() + std::chrono::milliseconds(config.broadcast_again_ms);
  {
    std::lock_guard lock(mutex);
    broadcasts.push_back(std::move(queued));
  }
  auto outcome = may_be_out ? BroadcastOutcome::MaybeOut : BroadcastOutcome::Unanswered;
  if (first && events.broadcast) events.broadcast({txid, outcome, describe(error)});
}

Status<RpcError> ChainDriver::Inside::serve_broadcasts() {
  while (!stopping) {
    auto next = next_broadcast();
    if (!next) break;
    auto txid = bitcoin::txid(next->transaction);
    auto sent = rpc.send_raw_transaction(bitcoin::serialize(next->transaction));
    auto outcome = BroadcastOutcome::Accepted;
    std::string reason;
    if (!sent) {
      if (sent.error().code != RpcErrorCode::Refused) {
        auto error = sent.error();
        send_later(*std::move(next), error);
        if (is_away(error.code)) return fail(error);      // its owner learns that at once
        if (error.code != RpcErrorCode::BadReply) break;  // the others would wait as long
        continue;
      }
      outcome = classify_refusal(sent.error().rpc_code, sent.error().message);
      reason = sent.error().message;
    }
    if (events.broadcast) events.broadcast({txid, outcome, reason});
  }
  return Done{};
}

Status<RpcError> ChainDriver::Inside::serve() {
  constexpr int kBetweenPolls = 50;  // look-ups must not hold up blocks: the rest waits for the next round
  for (int i = 0; i < kBetweenPolls && !stopping; ++i) {
    LN_CHECK(serve_broadcasts());
    std::optional<LookUp> next;
    {
      std::lock_guard lock(mutex);
      if (look_ups.empty()) return Done{};
      next = look_ups.front();
    }
    LN_CHECK(serve_look_up(*next));
  }
  wakeup.wake();
  return Done{};
}

Status<RpcError> ChainDriver::Inside::serve_look_up(LookUp look_up) {
  auto output = output_at(look_up.scid);
  bool no_answer = !output && output.error().code == RpcErrorCode::BadReply;
  bool over = output || output.error().code == RpcErrorCode::Refused ||  // a pruned block, for example
              (no_answer && ++look_up.tries >= kLookUpTries);
  {
    std::lock_guard lock(mutex);
    look_ups.pop_front();
    if (!over) look_ups.push_back(look_up);  // the others first
  }
  if (!over && no_answer) return Done{};
  if (!over) return fail(output.error());
  if (events.output_looked_up) events.output_looked_up(look_up.scid, output ? *output : std::nullopt, no_answer);
  return Done{};
}

Result<std::optional<bitcoin::TxOut>, RpcError> ChainDriver::Inside::output_at(ShortChannelId scid) {
  LN_TRY(hash, rpc.block_hash(BlockHeight(scid.block())));
  if (!hash) return std::optional<bitcoin::TxOut>{};
  const auto* in_block = txids.find(*hash);
  if (in_block == nullptr) {
    LN_TRY(list, rpc.block_txids(*hash));
    in_block = &txids.add(*hash, std::move(list));
  }
  if (scid.tx() >= in_block->size()) return std::optional<bitcoin::TxOut>{};
  LN_TRY(output, rpc.unspent_output(Outpoint{(*in_block)[scid.tx()], scid.output()}));
  if (!output) return std::optional<bitcoin::TxOut>{};
  return std::optional(bitcoin::TxOut{output->value, std::move(output->script_pubkey)});
}

Status<RpcError> ChainDriver::Inside::ask_fee() {
  auto now = Clock::now();
  if (fee_asked && now - *fee_asked < std::chrono::milliseconds(kFeeIntervalMs)) return Done{};
  LN_TRY(mempool, rpc.mempool_fees());
  FeeEstimate next;
  next.minimum = std::min(std::max(per_kw(mempool.minimum), kRelayFloor), kMaxFeerate);
  next.incremental = std::min(per_kw(mempool.incremental), kMaxFeerate);
  auto ask = [&](std::uint32_t blocks, bool cautious) -> Result<std::optional<FeeratePerKw>, RpcError> {
    LN_TRY(estimate, rpc.estimate_fee(blocks, cautious));
    if (!estimate) return std::optional<FeeratePerKw>{};
    return std::optional(std::clamp(per_kw(*estimate), next.minimum, kMaxFeerate));
  };
  LN_TRY(usual, ask(kUsualFeeTarget, false));
  next.usual = usual.value_or(std::clamp(config.fallback_feerate, next.minimum, kMaxFeerate));
  for (std::size_t i = 0; i < kFeeTargets.size(); ++i) {
    LN_TRY(feerate, ask(kFeeTargets[i], kFeeTargets[i] <= kCautiousTarget));
    next.by_target[i] = feerate;
  }
  fee_asked = now;
  if (fees == next) return Done{};
  fees = next;
  if (events.fee_estimate) events.fee_estimate(next);
  return Done{};
}

ChainDriver::ChainDriver(ChainConfig config, ChainEvents events)
    : inside_(std::make_unique<Inside>(std::move(config), std::move(events))) {}
ChainDriver::~ChainDriver() = default;

void ChainDriver::broadcast(bitcoin::Transaction transaction) {
  {
    std::lock_guard lock(inside_->mutex);
    auto& queue = inside_->broadcasts;
    // One that waits is sent again at each sixth block: once in the queue is enough.
    for (const auto& queued : queue)
      if (queued.transaction == transaction) return;
    queue.push_back({std::move(transaction), std::nullopt});
  }
  inside_->wakeup.wake();
}

bool ChainDriver::look_up(ShortChannelId scid) {
  {
    std::lock_guard lock(inside_->mutex);
    if (inside_->look_ups.size() >= kMaxLookUps) return false;
    inside_->look_ups.push_back({scid});
  }
  inside_->wakeup.wake();
  return true;
}

void ChainDriver::watch_mempool(std::vector<Bytes> scripts, std::uint64_t for_ms) {
  inside_->mempool.watch(std::move(scripts), for_ms);
  inside_->wakeup.wake();
}

}  // namespace doze::chain
