// Both commitments of a channel as one value: what is in them, which updates are on their way into them, and every rule
// of BOLT 2 about that. No channel state, no time, no connection: the channel asks "is this right, and what follows?".
//
// Two commitments move in turns. A change that we propose goes proposed → signed (covered by our commitment_signed) →
// acked (the peer revoked: it is in the peer's commitment) → in ours with the peer's next commitment_signed. A change
// of the peer's goes proposed → acked (in our commitment, we revoked) → signed (covered by our commitment_signed) →
// gone when the peer revokes: then it is irrevocable.
//
// Sources: BOLT 2, "Normal Operation"; BOLT 3. Invariants: local + remote + HTLCs == capacity in each commitment; a
// function that fails has changed nothing.
#pragma once

#include "commitment/params.h"
#include "commitment/shachain.h"
#include "commitment/spec.h"
#include "commitment/violation.h"

namespace doze::commitment {

/// What the HTLCs of a spec come to. Kept beside it as they come and go: no update costs more in a full channel.
struct Totals {
  std::size_t offered = 0, received = 0;
  Msat offered_amount, received_amount;
  std::size_t untrimmed = 0;    // with an output by the lesser dust limit: the opener pays for them
  Msat dust_ours, dust_theirs;  // without an output in our commitment, in the peer's
  friend bool operator==(const Totals&, const Totals&) = default;
};
/// A commitment with everything that could be signed for it now.
struct Next {
  Spec spec;
  Totals totals;
};

struct UpdateLists {
  Updates local_proposed, local_signed, local_acked;
  Updates remote_proposed, remote_acked, remote_signed;
  std::uint64_t next_local_htlc = 0, next_remote_htlc = 0;
};
/// Ours, which we could publish.
struct LocalCommitment {
  std::uint64_t number = 0;
  Spec spec;
  Signature signature;  // the peer's, as are these
  std::vector<Signature> htlc_signatures;
};
struct RemoteCommitment {
  std::uint64_t number = 0;
  Spec spec;
  PublicKey point;
};

struct Commitments {
  ChannelParams params;
  UpdateLists updates;
  LocalCommitment local;
  RemoteCommitment remote;
  PublicKey remote_next_point;
  /// Our commitment_signed is out, the revocation has not come: what the peer's next commitment says.
  std::optional<Spec> next_remote;
  std::uint64_t signed_after = 0;  // local.number when it was sent: retransmission keeps the order
  SecretStore secrets;             // of the peer
  /// Not durable. Of signable_local and signable_remote: made when they are asked for, moved on by each update, dropped
  /// with each turn.
  mutable std::optional<Next> cached_local, cached_remote;
};

// ---- what is in them ----

/// The script that the funding output pays to.
[[nodiscard]] Bytes funding_script(const ChannelParams& params);
[[nodiscard]] std::uint64_t obscure_factor(const ChannelParams& params);
/// `point`: of our commitment `number`.
[[nodiscard]] CommitmentTerms local_terms(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                                          const PublicKey& point);
[[nodiscard]] CommitmentTerms remote_terms(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                                           const PublicKey& point);
/// Ours as it could be published now.
[[nodiscard]] CommitmentTerms local_terms(const Commitments& c, const ChannelSigner& signer);
/// Our commitment with both signatures.
[[nodiscard]] bitcoin::Transaction own_commitment(const Commitments& c, const ChannelSigner& signer);
/// The peer's commitment with everything that we could sign now. The reference is good until the next update.
[[nodiscard]] const Next& signable_remote(const Commitments& c);
/// Ours with everything that the peer could sign now.
[[nodiscard]] const Next& signable_local(const Commitments& c);
/// Both are made anew: a list or a spec was changed otherwise than by the functions below.
void forget_signable(Commitments& c);
/// No update of either side is under way, and no HTLC is in a commitment.
[[nodiscard]] bool quiet(const Commitments& c);

// ---- our updates ----

enum class AddRefusal : std::uint8_t {
  NotUsable,
  InsufficientFunds,
  TooManyHtlcs,
  BelowMinimum,
  TooMuchInFlight,
  ExpiryTooSoon,
  ExpiryTooFar,
  DustExposure,
  HoldLimit,  // draft profile: one held HTLC a commitment round
};
[[nodiscard]] const char* name(AddRefusal refusal);

/// Proposes `add`, whose id it sets, and returns what is to be sent. `tip`: an HTLC that expires by then is refused.
[[nodiscard]] Result<wire::UpdateAddHtlc, AddRefusal> offer(Commitments& c, wire::UpdateAddHtlc add, BlockHeight tip);
/// Proposes the removal of an HTLC of the peer's, made fit. nullopt: it is not committed, or removed already.
[[nodiscard]] std::optional<Update> remove(Commitments& c, Update removal);
/// Proposes a feerate. False: we are not the opener, cannot pay for it, or too much would be dust.
[[nodiscard]] bool propose(Commitments& c, const wire::UpdateFee& fee);
/// The last update that is proposed but not signed is withdrawn, an HTLC's id is free again: a fee if there is one,
/// otherwise an HTLC; nullopt: neither is there.
[[nodiscard]] std::optional<Update> withdraw_last(Commitments& c);

// ---- the peer's updates ----

[[nodiscard]] Status<Violation> receive(Commitments& c, const wire::UpdateAddHtlc& m);
[[nodiscard]] Status<Violation> receive(Commitments& c, const wire::UpdateFulfillHtlc& fulfilled);
[[nodiscard]] Status<Violation> receive(Commitments& c, const wire::UpdateFailHtlc& failed);
[[nodiscard]] Status<Violation> receive(Commitments& c, const wire::UpdateFailMalformedHtlc& failed);
struct FeerateRange {
  FeeratePerKw least, most;
};
[[nodiscard]] Status<Violation> receive(Commitments& c, const wire::UpdateFee& fee, FeerateRange reasonable);
/// What the peer proposed and did not sign is forgotten: it sends it again after a reconnection.
void forget_unsigned(Commitments& c);

// ---- rounds ----

/// Something is to be signed, and the peer owes us no revocation.
[[nodiscard]] bool can_sign(const Commitments& c);
struct SignedCommitment {
  Signature signature;
  std::vector<Signature> htlc_signatures;
};
/// The peer's commitment of this spec, which changes nothing. nullopt: the peer's points are not points.
[[nodiscard]] std::optional<SignedCommitment> sign_remote(const ChannelParams& params, const Spec& spec,
                                                          std::uint64_t number, const PublicKey& point,
                                                          const ChannelSigner& signer, const ParallelMap& parallel);
/// Signs the peer's next commitment with everything that is proposed. Only if can_sign.
[[nodiscard]] SignedCommitment sign(Commitments& c, const ChannelSigner& signer, const ParallelMap& parallel);
/// The same signatures again, for retransmission: only while the peer owes us a revocation.
[[nodiscard]] SignedCommitment sign_again(const Commitments& c, const ChannelSigner& signer,
                                          const ParallelMap& parallel);
/// Whether these signatures make our commitment of this spec, and each HTLC of it, publishable.
[[nodiscard]] Status<Violation> verify_local(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                                             const PublicKey& point, const Signature& signature,
                                             const std::vector<Signature>& htlc_signatures,
                                             const ParallelMap& parallel);
/// commitment_signed that brings nothing but a feerate, or nothing at all.
[[nodiscard]] bool nothing_but_fees(const Commitments& c);
/// Our next commitment. Returned: updates of ours that are now in both commitments.
[[nodiscard]] Result<Updates, Violation> receive(Commitments& c, const wire::CommitmentSigned& m,
                                                 const ChannelSigner& signer, const ParallelMap& parallel);
struct Revocation {
  Secret secret;         // of the commitment before the current one
  PublicKey next_point;  // of the one after it
};
/// Only after a commitment_signed was taken and is durable with this step; again for retransmission.
[[nodiscard]] Revocation revoke(const Commitments& c, const ChannelSigner& signer);
struct Irrevocable {
  Updates theirs;        // gone from every list: what they did happened
  std::size_t ours = 0;  // so many of local_acked, its last ones, are in the peer's commitment now
};
[[nodiscard]] Result<Irrevocable, Violation> receive(Commitments& c, const wire::RevokeAndAck& m);

}  // namespace doze::commitment
