// A channel whose commitment is in a block: what happens to its outputs is followed, what is ours is claimed, and what
// became of its HTLCs is told. The facts and what follows from them: onchain/.
#pragma once

#include "channel/state.h"

namespace doze::channel {

/// The peer has nothing to say about it any more.
template <OneChannelMessage M>
void on(Work& /*work*/, Channel& /*channel*/, OnChain& /*state*/, const M& /*message*/) {}

/// A block has `spend`, a commitment that spends the funding output: for the first time, again, or after a
/// reorganisation in the place of another one.
void enter_chain(Work& work, Channel& channel, const commitment::PublishedCommitment& published,
                 const bitcoin::Transaction& spend, BlockHeight height);
/// A transaction in a block spends an output of the commitment, or of a transaction that spends one.
void follow(Work& work, Channel& channel, const bitcoin::Transaction& spend, BlockHeight height);
/// The block at `height` is gone.
void follow_back(Work& work, Channel& channel, BlockHeight height);
/// What is certain at this tip is told, and what is over leaves.
void tell_outcomes(Work& work, Channel& channel, BlockHeight tip);
/// Everything that can be claimed is broadcast, again if it was before. Only with a synced chain.
void claim(Work& work, Channel& channel);
/// The wallet's answer to ReserveCoins.
void claim_with_coins(Work& work, const CoinsReserved& word);
/// Another transaction is in the place of the commitment: coins of its claims are free again.
void give_up_claims(Work& work, Channel& channel);
/// A preimage for an HTLC that we received: it may be claimed with it.
void take_preimage(Work& work, Channel& channel, const Preimage& preimage);
/// A page of the log of old HTLCs.
void on_log_read(Work& work, const ChannelId& id, const std::vector<commitment::CommittedHtlc>& page, bool last);
/// What was read from disk goes on where it was.
void resume_chain(Work& work, Channel& channel);

}  // namespace doze::channel
