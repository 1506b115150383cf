#include "commitment/scripts.h"

#include "bitcoin/script.h"
#include "crypto/crypto.h"

namespace doze::commitment {

using namespace bitcoin;

bool has_own_anchors(CommitmentFormat format) {
  return format == CommitmentFormat::AnchorsZeroFeeHtlc;
}

bool has_shared_anchor(CommitmentFormat format) {
  return format == CommitmentFormat::ZeroFeeCommitments;
}

std::uint32_t transaction_version(CommitmentFormat format) {
  return has_shared_anchor(format) ? 3 : 2;
}

std::optional<CommitmentKeys> commitment_keys(const ChannelPublicKeys& owner, const ChannelPublicKeys& other,
                                              const PublicKey& point) {
  auto revocation = derive_revocation_public_key(other.revocation_basepoint, point);
  auto delayed = derive_public_key(owner.delayed_payment_basepoint, point);
  auto owner_htlc = derive_public_key(owner.htlc_basepoint, point);
  auto other_htlc = derive_public_key(other.htlc_basepoint, point);
  if (!revocation || !delayed || !owner_htlc || !other_htlc) return std::nullopt;
  return CommitmentKeys{*revocation, *delayed, *owner_htlc, *other_htlc, crypto::hash160(revocation->view())};
}

Bytes delayed_script(const CommitmentKeys& keys, std::uint16_t to_self_delay) {
  return ScriptBuilder()
      .op(OP_IF)
      .push(keys.revocation.view())
      .op(OP_ELSE)
      .number(to_self_delay)
      .op(OP_CHECKSEQUENCEVERIFY)
      .op(OP_DROP)
      .push(keys.delayed.view())
      .op(OP_ENDIF)
      .op(OP_CHECKSIG)
      .take();
}

Bytes locked_to_remote_script(const PublicKey& key) {
  return ScriptBuilder().push(key.view()).op(OP_CHECKSIGVERIFY).number(1).op(OP_CHECKSEQUENCEVERIFY).take();
}

Bytes to_remote_output(CommitmentFormat format, const PublicKey& key) {
  return has_own_anchors(format) ? p2wsh_script(locked_to_remote_script(key)) : p2wpkh_script(key);
}

Bytes anchor_script(const PublicKey& funding_key) {
  return ScriptBuilder()
      .push(funding_key.view())
      .op(OP_CHECKSIG)
      .op(OP_IFDUP)
      .op(OP_NOTIF)
      .number(16)
      .op(OP_CHECKSEQUENCEVERIFY)
      .op(OP_ENDIF)
      .take();
}

Bytes htlc_script(CommitmentFormat format, const CommitmentKeys& keys, bool offered, const Hash20& hash160,
                  CltvExpiry cltv_expiry) {
  ScriptBuilder script;
  script.op(OP_DUP)
      .op(OP_HASH160)
      .push(keys.revocation_hash.view())
      .op(OP_EQUAL)
      .op(OP_IF)
      .op(OP_CHECKSIG)
      .op(OP_ELSE)
      .push(keys.other_htlc.view())
      .op(OP_SWAP)
      .op(OP_SIZE)
      .number(32)
      .op(OP_EQUAL);
  if (offered) {
    script.op(OP_NOTIF)
        .op(OP_DROP)
        .number(2)
        .op(OP_SWAP)
        .push(keys.owner_htlc.view())
        .number(2)
        .op(OP_CHECKMULTISIG)
        .op(OP_ELSE)
        .op(OP_HASH160)
        .push(hash160.view())
        .op(OP_EQUALVERIFY)
        .op(OP_CHECKSIG)
        .op(OP_ENDIF);
  } else {
    script.op(OP_IF)
        .op(OP_HASH160)
        .push(hash160.view())
        .op(OP_EQUALVERIFY)
        .number(2)
        .op(OP_SWAP)
        .push(keys.owner_htlc.view())
        .number(2)
        .op(OP_CHECKMULTISIG)
        .op(OP_ELSE)
        .op(OP_DROP)
        .number(cltv_expiry.value())
        .op(OP_CHECKLOCKTIMEVERIFY)
        .op(OP_DROP)
        .op(OP_CHECKSIG)
        .op(OP_ENDIF);
  }
  if (has_own_anchors(format)) script.number(1).op(OP_CHECKSEQUENCEVERIFY).op(OP_DROP);
  return script.op(OP_ENDIF).take();
}

}  // namespace doze::commitment
