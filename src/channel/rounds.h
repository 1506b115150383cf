// Updates and commitment rounds, which are alike in every state that has them. commitment/commitments.h decides what is
// right; this file does what follows for rows, the peer and the other rooms. BOLT 2, "Normal Operation"; bolts #1149
// for holds.
#pragma once

#include "channel/state.h"

namespace doze::channel {

void take(Work& work, Channel& channel, const wire::UpdateAddHtlc& message);
void take(Work& work, Channel& channel, const wire::UpdateFulfillHtlc& message);
void take(Work& work, Channel& channel, const wire::UpdateFailHtlc& message);
void take(Work& work, Channel& channel, const wire::UpdateFailMalformedHtlc& message);
void take(Work& work, Channel& channel, const wire::UpdateFee& message);
void take(Work& work, Channel& channel, const wire::CommitmentSigned& message);
void take(Work& work, Channel& channel, const wire::RevokeAndAck& message);

/// We remove a received HTLC. In every state, because closed channels have rows of their HTLCs as well.
void remove_htlc(Work& work, const ChannelId& id, commitment::Update update);
/// Notes that we proposed an update, so that the step writes it.
void note_proposed(Work& work, Channel& channel);
/// Sends commitment_signed, if an update waits for it and the peer owes us no revocation.
void sign_if_due(Work& work, Channel& channel);
[[nodiscard]] wire::CommitmentSigned commitment_signed(const ChannelId& id, commitment::SignedCommitment made);
/// The last revoke_and_ack again, with the same release paths.
[[nodiscard]] wire::RevokeAndAck revoke_and_ack(const Context& context, const Channel& channel);
/// Emits ChannelUsable or ChannelUnusable, if it changed.
void say_if_usable(Work& work, Channel& channel);

}  // namespace doze::channel
