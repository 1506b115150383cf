// A channel that closes on chain: which commitment spent its funding output, which outputs that left, who spends them.
//
// Facts only. What should be in the mempool follows from them (claims.h) and is computed anew at each block, preimage
// and start; what was broadcast last is kept with them, so that feerates never fall. Sources: BOLT 5, BOLT 3.
//
// A block that goes takes back what it brought: spends, and the close itself. A preimage stays known.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "commitment/claims.h"
#include "onchain/fees.h"

namespace doze::onchain {

/// What is believed only after so many confirmations: an HTLC timed out, a coin of a claim is free again.
inline constexpr std::uint32_t kDeep = 6;
/// What is over for good: its rows go. BOLT 5: irrevocably resolved, 100 blocks.
inline constexpr std::uint32_t kIrrevocable = 100;

/// A block has a transaction that spends an output.
struct Spend {
  Txid txid;
  BlockHeight height;
  bool ours = false;  // it pays us, now or after a delay
  friend bool operator==(const Spend&, const Spend&) = default;
};
/// An output that is ours, or may be.
struct Output {
  commitment::ChannelOutput facts;
  BlockHeight height;  // of the block that has its transaction
  std::optional<Spend> spend;
  friend bool operator==(const Output&, const Output&) = default;
};

/// What was broadcast last to claim an output.
struct Sent {
  Txid txid;
  Attempt attempt;
  Sat fee;
  std::uint32_t times = 0;  // transactions, the first one counted
  friend bool operator==(const Sent&, const Sent&) = default;
};

/// An HTLC that we offered, until its outcome is told.
struct Open {
  Hash20 hash160;                  // of its preimage
  std::optional<Outpoint> output;  // in the commitment that is in a block
  /// Another commitment that could have been in its place has an output for it: a reorganisation may still bring that.
  bool elsewhere = false;
  friend bool operator==(const Open&, const Open&) = default;
};

/// A transaction in a block, kept until all HTLCs that it may be about have been read.
struct Unread {
  BlockHeight height;
  Bytes transaction;
  friend bool operator==(const Unread&, const Unread&) = default;
};

struct Close {
  commitment::PublishedCommitment published;  // its secret is not durable: the channel has it
  Txid txid;
  BlockHeight height;  // 0: its block is gone, and another one may have another transaction
  Bytes script;        // where everything goes to: a script of the wallet
  std::map<Outpoint, Output> outputs;
  std::map<Outpoint, Sent> sent;       // by the output that is claimed
  std::map<std::uint64_t, Open> open;  // by id
  /// Ids of HTLCs that we received, until their outcome is told; true: the commitment has it in our balance already.
  std::map<std::uint64_t, bool> received;
  std::map<Hash20, Preimage> preimages;  // of HTLCs of this channel, from wherever
  /// Of a revoked commitment: itself, and what spent its outputs, while the log of old HTLCs is read.
  std::vector<Unread> unread;
};

/// The outputs of a commitment that is in a block; those that can never be ours, and anchors, are left out. `log`: of
/// the peer's commitments, if this one is revoked. `open` is not filled.
[[nodiscard]] Close begin(const commitment::Commitments& c, const commitment::PublishedCommitment& published,
                          std::span<const commitment::CommittedHtlc> log, const bitcoin::Transaction& transaction,
                          BlockHeight height, Bytes script);
/// `offered`: HTLCs of ours whose outcome nobody was told. Which of them the confirmed commitment has, and which
/// another one has that could have been in its place.
void note_offered(Close& close, const commitment::Commitments& c, const commitment::ChannelSigner& signer,
                  const std::map<std::uint64_t, PaymentHash>& offered);

/// Another page of the log of a revoked commitment, while `unread` has its transaction: the outputs that it explains,
/// and what happened to them meanwhile.
void note_log(Close& close, const commitment::ChannelParams& params, std::span<const commitment::CommittedHtlc> log);

// ---- what happens to it; each returns whether anything changed ----

/// The same commitment is in a block again.
void confirm_again(Close& close, BlockHeight height);

/// A transaction in a block spends outputs of `close`, or none of them. What it shows and makes is noted: preimages,
/// the outputs of HTLC transactions. The same transaction in the same block changes nothing.
bool see(Close& close, const commitment::ChannelParams& params, const bitcoin::Transaction& transaction,
         BlockHeight height);
/// The block at `height` is gone, and all after it. [B5-gen-03]
bool undo(Close& close, BlockHeight height);
/// A preimage that somebody showed us, on the wire or on the chain.
bool learn(Close& close, const Preimage& preimage);

/// How the HTLC ended that we offered with this id.
struct Outcome {
  std::uint64_t id = 0;
  std::optional<Preimage> preimage;  // nullopt: it failed, for good
};
/// Those that are certain at this tip. Each is given out once. [B5-ours-03, B5-ours-04, B5-theirs-02, B5-theirs-03]
[[nodiscard]] std::vector<Outcome> take_outcomes(Close& close, BlockHeight tip);
/// How an HTLC ended that we received, as far as it is certain: true, it is ours for good; false, it never will be.
[[nodiscard]] std::optional<bool> received_outcome(const Close& close, std::uint64_t id, BlockHeight tip);
/// Nothing of ours is left in it that a reorganisation could not bring back: its rows may go.
[[nodiscard]] bool is_resolved(const Close& close, BlockHeight tip);

// ---- sums, in satoshi, for people ----
struct Sums {
  Sat pending;  // balance of ours that waits or is being claimed
  Sat at_risk;  // HTLCs and penalties that somebody else may spend
  Sat claimed;  // what transactions of ours took, before their fees
  Sat lost;     // what was or may have been ours, and others took
};
[[nodiscard]] Sums sums(const Close& close);

/// The preimage for an HTLC output; nullopt: not known.
[[nodiscard]] std::optional<Preimage> preimage_for(const Close& close, const commitment::ChannelOutput& output);

}  // namespace doze::onchain
