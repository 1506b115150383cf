// A channel that closes on chain: which transaction spent its funding output, which outputs that left, who spends them.
//
// Facts only. What should be in the mempool follows from them (claims.h) and is computed anew at each block, preimage
// and start; what was broadcast last is kept beside them, so that feerates never fall. Sources: BOLT 5, BOLT 3.
//
// A block that goes takes back what it brought: spends, and the close itself. A preimage stays known.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/on_disk.h"
#include "commitment/commitments.h"
#include "onchain/fees.h"

namespace doze::onchain {

/// What is believed only after so many confirmations: an HTLC timed out, a coin of a claim is free again.
inline constexpr std::uint32_t kDeep = 6;
/// What is over for good: its rows go. BOLT 5: irrevocably resolved, 100 blocks.
inline constexpr std::uint32_t kIrrevocable = 100;

/// What spent the funding output. Closings by agreement are not in here.
enum class Which : std::uint8_t {
  Ours = 1,
  Theirs = 2,      // the peer's current commitment
  TheirsNext = 3,  // the one that we signed last and that has not been revoked for
  Revoked = 4,
  Newer = 5,  // a commitment of the peer's that this node does not know: its data is an old copy
};
[[nodiscard]] const char* name(Which which);

enum class Kind : std::uint8_t {
  ToUs = 1,            // in the peer's commitment
  ToUsDelayed = 2,     // in ours, and of our HTLC transactions
  HtlcOffered = 3,     // by us, in any commitment that is not revoked
  HtlcReceived = 4,    // by us
  RevokedBalance = 5,  // the peer's, in a revoked commitment
  RevokedHtlc = 6,     // either one, in a revoked commitment
  RevokedSecond = 7,   // of the peer's HTLC transaction that spends a RevokedHtlc
};
[[nodiscard]] const char* name(Kind kind);

/// A block has a transaction that spends an output.
struct Spend {
  Txid txid;
  BlockHeight height;
  bool ours = false;
  friend bool operator==(const Spend&, const Spend&) = default;
};

/// An output that is ours, or may be.
struct Output {
  Kind kind = Kind::ToUs;
  Sat amount;
  Bytes script_pubkey;
  Bytes witness_script;                    // empty: P2WPKH
  std::optional<commitment::HtlcId> htlc;  // RevokedHtlc: by direction and id, too
  PaymentHash payment_hash;                // of HtlcOffered and HtlcReceived
  CltvExpiry cltv_expiry;                  // of HTLCs
  std::uint16_t delay = 0;                 // blocks that must lie between it and our spend, 0 or 1 or to_self_delay
  BlockHeight height;                      // of the block that has its transaction
  std::optional<Spend> spend;
  friend bool operator==(const Output&, const Output&) = default;
};

/// What was broadcast last to claim an output.
struct Sent {
  Txid txid;
  Attempt attempt;
  Sat fee;
  std::uint32_t times = 0;  // replacements, the first one counted
  friend bool operator==(const Sent&, const Sent&) = default;
};

/// An HTLC that we offered, until its outcome is told.
struct Open {
  PaymentHash payment_hash;
  std::optional<Outpoint> output;  // in the commitment that is in a block
  /// Another commitment that could have been in its place has an output for it: a reorganisation may still bring that.
  bool elsewhere = false;
  friend bool operator==(const Open&, const Open&) = default;
};

struct Close {
  Which which = Which::Ours;
  Txid txid;
  std::uint64_t number = 0;  // of the commitment
  BlockHeight height;        // 0: its block is gone, and another one may have another transaction
  Bytes script;              // where everything goes to: a script of the wallet
  /// Of to_local, and of what HTLC transactions of this commitment pay to.
  Bytes delayed_script;
  std::uint16_t delay = 0;  // that its owner waits for them
  std::map<Outpoint, Output> outputs;
  std::map<Outpoint, Sent> sent;              // by the output that is claimed
  std::map<std::uint64_t, Open> open;         // by id
  std::map<PaymentHash, Preimage> preimages;  // of HTLCs of this channel, from wherever
  friend bool operator==(const Close&, const Close&) = default;
};

// ---- what happens to it; each returns whether anything changed ----

/// A transaction in a block spends outputs of `close`, or none of them. What it shows and makes is noted: preimages,
/// the outputs of HTLC transactions. The same transaction in the same block changes nothing.
bool see(Close& close, const bitcoin::Transaction& transaction, BlockHeight height);
/// The block at `height` is gone, and all after it.
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

/// How an HTLC ended that we received, as far as a block shows it: it is ours for good, or it is not.
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

}  // namespace doze::onchain

namespace doze {
DOZE_ON_DISK(onchain::Which, Ours, Newer)
DOZE_ON_DISK(onchain::Kind, ToUs, RevokedSecond)
}  // namespace doze
