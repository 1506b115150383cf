// Updates and commitment rounds, as they are alike in every state that has them. What is right is decided by
// commitment/commitments.h; here is what follows for rows, the peer and the other rooms. BOLT 2, "Normal Operation";
// bolts #1149 for holds.
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

/// Our removal of a received HTLC: in every state, for the rows of a closed channel, too.
void remove_htlc(Work& work, const ChannelId& id, commitment::Update update);
/// An update that we proposed is written with the step.
void note_proposed(Work& work, Channel& channel);
/// commitment_signed, if something waits for it and the peer owes us no revocation.
void sign_if_due(Work& work, Channel& channel);
[[nodiscard]] wire::CommitmentSigned commitment_signed(const ChannelId& id, commitment::SignedCommitment made);
/// The last one again, release paths included.
[[nodiscard]] wire::RevokeAndAck revoke_and_ack(const Context& context, const Channel& channel);
/// ChannelUsable or ChannelUnusable, when it changed.
void say_if_usable(Work& work, Channel& channel);

}  // namespace doze::channel
