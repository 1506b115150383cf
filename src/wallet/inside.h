// The wallet's own state: coins, keys that it watches, transactions that it made.
#pragma once

#include <map>
#include <set>

#include "effects/hearers.h"
#include "effects/limits.h"
#include "wallet/wallet.h"

namespace doze::wallet {

/// Addresses watched beyond the highest used one: a restored wallet finds coins across gaps up to this (BIP 44 asks
/// 20).
inline constexpr std::uint32_t kGap = 100;
/// The same for closing scripts, beyond the highest that a block paid. Shutdowns name those up to kClosingScriptsAhead;
/// the rest is for payments that a reorganisation removed. Channels of November 2026 named the script of their key
/// index, which strangers could increase: these scripts are watched one by one until their channel is closed.
inline constexpr std::uint32_t kChannelGap = 100;
static_assert(kClosingScriptsAhead < kChannelGap, "a restored wallet must find what every shutdown named");
/// Blocks for which spent coins and confirmed transactions are kept because of reorgs: as long as block hashes.
inline constexpr std::uint32_t kForgetAfterBlocks = 144;
/// Consensus: a coinbase output can be spent from this many confirmations on.
inline constexpr std::uint32_t kCoinbaseMaturity = 100;
/// A funding is given up, and its channel with it, when the transaction that took its coins is so deep: the chain
/// driver takes no deeper reorganisation back unasked.
inline constexpr std::uint32_t kLostAfterBlocks = 12;
static_assert(kLostAfterBlocks < kForgetAfterBlocks, "what spent the coins is remembered until then");
/// An hour: unconfirmed transactions are broadcast again, because mempools drop them without notice.
inline constexpr std::uint32_t kRebroadcastBlocks = 6;
/// A client that repeats a sendtoaddress does it within minutes, and by hand within days.
inline constexpr std::uint32_t kKeepSentBlocks = 4'032;
/// One row of 150 bytes each; one per minute for a week.
inline constexpr std::size_t kMaxSent = 10'000;
/// Addresses below the newest one that are watched in the mempool for deposits: a shop's of a day or more. A payment to
/// an older one is seen in its block.
inline constexpr std::uint32_t kDepositAddresses = 1'000;
/// ... for this time after a start, a newaddress or a listfunds: a user looks for a deposit within days, and each look
/// at mainnet's mempool costs bitcoind some 100 ms.
inline constexpr std::uint64_t kWatchMempoolMs = 3 * 24 * 3'600'000ULL;
/// A newaddress or listfunds asks for it again after this time.
inline constexpr std::uint64_t kWatchAgainMs = 600'000;
/// Nodes relay transactions of at most 400,000 weight units; an input of ours has 272.
inline constexpr std::size_t kMaxInputs = 1'000;

/// Weight of a P2WPKH input: what a further coin costs a claim on chain.
inline constexpr std::uint64_t kClaimInputWeight = 272;
/// Coins of one claim: a transaction of 100 inputs is still far below what nodes relay.
inline constexpr std::size_t kMaxCoinsPerClaim = 100;

struct KeyPath {
  bool change = false;
  std::uint32_t index = 0;
};

struct Coin {
  Outpoint outpoint;
  Sat amount;
  KeyPath key;
  bool coinbase = false;
  std::optional<BlockHeight> confirmed_at;
  std::optional<Txid> spent_by;  // a transaction of ours (reserved or sent), or one seen in a block
  std::optional<BlockHeight> spent_at;
};

enum class TxState : std::uint8_t {
  Prepared = 0,  // a funding handed to a channel: not broadcast, as far as we know
  Unsent = 1,    // a payment to an address, not yet accepted by the backend
  Sent = 2,      // accepted once: repeated at every start until confirmed
  Lost = 3,      // a channel's funding, of whose coins a block spends one otherwise; a reorganisation may bring it back
};

struct OwnTransaction {
  bitcoin::Transaction transaction;
  TxState state = TxState::Prepared;
  Sat fee;
  std::optional<BlockHeight> confirmed_at;
};

/// sendtoaddress with an idempotency_key: its answer, for a repeated command.
struct Sent {
  Hash32 request;  // of its other arguments
  Txid txid;
  Sat amount, fee;
  BlockHeight height;  // when it was made
};

struct Wallet::Inside {
  std::map<Outpoint, Coin> coins;
  std::map<Txid, OwnTransaction> transactions;
  std::uint32_t next_receive = 0, next_change = 0;
  std::uint32_t next_channel = 0;  // closing scripts: one above the highest that a block paid, far ones left out
  BlockHeight tip;
  std::map<Hash32, Sent> sent;  // by the hash of the key

  // Not durable: follows from the above.
  bool counted_openings = false;  // rows of November 2026, where next_channel grew with every opening
  std::map<Bytes, KeyPath> watched;
  std::uint32_t watched_receive = 0, watched_change = 0, watched_channel = 0;  // how many of each are in `watched`
  std::vector<const Bytes*> receive_scripts;                                   // in `watched`, by index
  std::set<std::uint32_t> far_channels;  // key indexes of open channels beyond the gap, also in `watched`
  struct Asked {
    RequestId request = 0;
    Sat amount, fee;
  };
  std::multimap<Txid, Asked> waiting;  // sendtoaddress: reply when the backend has judged or is away
  std::multimap<BlockHeight, Hash32> sent_by_height;
  std::map<Txid, Hash32> sent_by_txid;
  MempoolSeen mempool;                          // of no transaction that a block has: see deposits()
  std::optional<MonoTime> mempool_watched;      // when WatchMempool was last said
  std::uint32_t mempool_scripts = 0;            // ... and to which index
  std::optional<FeeratePerKw> estimate;         // the backend's last
  std::optional<BlockHeight> broadcast_height;  // height at which transactions were last broadcast again

  /// Derives scripts until every gap is full; gives the new ones.
  std::vector<Bytes> watch(const Signer& signer);
  [[nodiscard]] bool mature(const Coin& coin) const;
  /// Unspent, unreserved, and certainly ours: confirmed, or an output of a transaction that we sent.
  [[nodiscard]] bool spendable(const Coin& coin) const;
  [[nodiscard]] bool is_reserved(const Coin& coin) const;
  /// Payments to us that are in the mempool only. They are shown and not used: the payer may take them back.
  [[nodiscard]] std::vector<const MempoolPayment*> deposits() const;
};

/// The state of one running step.
struct Work {
  Wallet::Inside& state;
  const Context& context;
  Effects& effects;

  void save(const Coin& coin);
  void save_indexes();
  void save(const Txid& txid, const OwnTransaction& own);
  void erase(const Outpoint& outpoint);
  void erase(const Txid& txid);
  void save(const Hash32& key, const Sent& sent);
  void erase(const Hash32& key);
  /// Until every gap is full: the driver watches what the wallet watches.
  void fill_gaps();
  void watch_scripts(std::vector<Bytes> scripts);
  void watch_coin(const Outpoint& outpoint, const Bytes& script);
};

// ---- records.cc ----
[[nodiscard]] Bytes key_of(const Outpoint& outpoint);
[[nodiscard]] Bytes key_of(const Txid& txid);
[[nodiscard]] Put record(const Coin& coin);
[[nodiscard]] Put record(const Txid& txid, const OwnTransaction& own);
[[nodiscard]] Put indexes_record(const Wallet::Inside& state);
[[nodiscard]] Status<ParseError> read_row(const Row& row, Wallet::Inside& state);

// ---- blocks.cc ----
/// The closing scripts by key index, of channels that are not closed.
void watch_channels(Work& work);
/// next_channel from the coins alone, as a restored wallet would find them.
void count_paid_scripts(Wallet::Inside& state);
/// Everything that the wallet watches, for a driver that knows of nothing.
void watch_everything(Work& work);
void block_connected(Work& work, const BlockConnected& block);
void block_has_more(Work& work, const BlockHasMore& more);
void block_disconnected(Work& work, const BlockDisconnected& block);
/// The transaction will never confirm: frees its inputs, and drops its outputs and every transaction that spends them.
void drop(Work& work, const Txid& txid);
/// Fundings whose coins another transaction has for good: their channels learn that they never confirm.
void refuse_lost(Work& work);
/// Takes the requests that wait for this transaction.
std::vector<Wallet::Inside::Asked> take_waiting(Work& work, const Txid& txid);
/// The backend has accepted it: its outputs to us become (unconfirmed) coins.
void mark_sent(Work& work, const Txid& txid);

// ---- spend.cc ----
struct Built {
  bitcoin::Transaction transaction;  // signed
  std::uint32_t output_index = 0;
  Sat amount, fee;
  std::vector<Outpoint> inputs;
};
/// Whether build would find enough coins; takes none.
[[nodiscard]] Status<CommandError> can_fund(const Work& work, std::size_t script_size, Sat amount,
                                            FeeratePerKw feerate);
/// `amount` nullopt: everything that is spendable. Takes a change address if change is worth its cost.
/// InsufficientFunds with needed_sat, available_sat, reserved_sat, fee_sat.
[[nodiscard]] Result<Built, CommandError> build(Work& work, const Bytes& script_pubkey, std::optional<Sat> amount,
                                                FeeratePerKw feerate);
/// Durable: the coins belong to this transaction from now on.
Txid reserve(Work& work, const Built& built, TxState state);

// ---- claims.cc ----
void reserve_for_claim(Work& work, const ReserveCoins& in);
void release_of_claim(Work& work, const ReleaseCoins& in);

}  // namespace doze::wallet

namespace doze {
DOZE_ON_DISK(wallet::TxState, Prepared, Lost)
}  // namespace doze
