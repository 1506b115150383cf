#include "commitment/signer.h"

#include <string_view>

#include "commitment/scripts.h"
#include "commitment/shachain.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

/// A valid private key bound to a label. A digest outside the curve's range (never in practice) is hashed again.
PrivateKey derive_key(const Secret& seed, std::string_view label) {
  auto digest = crypto::hmac_sha256(seed.reveal(), bytes_of(label));
  for (;;) {
    if (auto key = crypto::parse_private_key(digest.view())) return *key;
    digest = crypto::sha256(digest.view());
  }
}

class SoftwareSigner final : public ChannelSigner {
 public:
  explicit SoftwareSigner(const ChannelSecrets& secrets)
      : secrets_(secrets),
        keys_{crypto::public_key(secrets.funding), crypto::public_key(secrets.revocation_basepoint),
              crypto::public_key(secrets.payment_basepoint), crypto::public_key(secrets.delayed_payment_basepoint),
              crypto::public_key(secrets.htlc_basepoint)} {}

  const ChannelPublicKeys& public_keys() const override { return keys_; }

  PublicKey per_commitment_point(std::uint64_t number) const override {
    // Asked for twice: for revoke_and_ack, and when that commitment is signed.
    if (!last_point_ || last_point_->first != number) {
      auto secret = crypto::parse_private_key(release_per_commitment_secret(number).reveal());
      LN_ASSERT(secret.has_value());
      last_point_ = {number, crypto::public_key(*secret)};
    }
    return last_point_->second;
  }

  Secret release_per_commitment_secret(std::uint64_t number) const override {
    return secret_from_seed(secrets_.commitment_seed, kFirstIndex - number);
  }

  Signature sign_funding_input(const bitcoin::Transaction& transaction, ByteView script, Sat capacity) const override {
    return crypto::ecdsa_sign(secrets_.funding,
                              bitcoin::segwit_sighash(transaction, 0, script, capacity, bitcoin::Sighash::All));
  }

  std::vector<Signature> sign_htlcs(const std::vector<HtlcOutput>& outputs, bitcoin::Sighash flag,
                                    const PublicKey& per_commitment_point, const ParallelMap& parallel) const override {
    auto key = derive_private_key(secrets_.htlc_basepoint, keys_.htlc_basepoint, per_commitment_point);
    LN_ASSERT(key.has_value());
    std::vector<Signature> out(outputs.size());
    parallel.run(outputs.size(),
                 [&](std::size_t i) { out[i] = crypto::ecdsa_sign(*key, htlc_digest(outputs[i], flag)); });
    return out;
  }

  Signature sign_announcement(const Hash32& digest) const override {
    return crypto::ecdsa_sign(secrets_.funding, digest);
  }

  Signature sign_delayed(const InputToSign& input, const PublicKey& point) const override {
    auto key = derive_private_key(secrets_.delayed_payment_basepoint, keys_.delayed_payment_basepoint, point);
    LN_ASSERT(key.has_value());
    return sign(*key, input);
  }

  Signature sign_payment(const InputToSign& input) const override { return sign(secrets_.payment_basepoint, input); }

  Signature sign_htlc(const InputToSign& input, const PublicKey& point) const override {
    auto key = derive_private_key(secrets_.htlc_basepoint, keys_.htlc_basepoint, point);
    LN_ASSERT(key.has_value());
    return sign(*key, input);
  }

  Signature sign_penalty(const InputToSign& input, const Secret& per_commitment_secret) const override {
    auto secret = crypto::parse_private_key(per_commitment_secret.reveal());
    LN_ASSERT(secret.has_value());
    auto key = derive_revocation_private_key(secrets_.revocation_basepoint, *secret);
    LN_ASSERT(key.has_value());
    return sign(*key, input);
  }

  Signature sign_anchor(const bitcoin::Transaction& transaction, const bitcoin::SegwitHashes& hashes,
                        std::size_t input) const override {
    auto script = anchor_script(keys_.funding);
    return sign(secrets_.funding, {transaction, hashes, input, script, kAnchorAmount});
  }

 private:
  static Signature sign(const PrivateKey& key, const InputToSign& input) {
    return crypto::ecdsa_sign(key, bitcoin::segwit_sighash(input.transaction, input.input, input.script_code,
                                                           input.amount, bitcoin::Sighash::All, &input.hashes));
  }

  ChannelSecrets secrets_;
  ChannelPublicKeys keys_;
  mutable std::optional<std::pair<std::uint64_t, PublicKey>> last_point_;
};

}  // namespace

std::unique_ptr<ChannelSigner> make_signer(const ChannelSecrets& secrets) {
  return std::make_unique<SoftwareSigner>(secrets);
}

std::unique_ptr<ChannelSigner> make_signer(const Secret& seed) {
  return make_signer(
      ChannelSecrets{derive_key(seed, "doze channel funding"), derive_key(seed, "doze channel revocation"),
                     derive_key(seed, "doze channel payment"), derive_key(seed, "doze channel delayed payment"),
                     derive_key(seed, "doze channel htlc"),
                     Secret(crypto::hmac_sha256(seed.reveal(), bytes_of("doze channel per-commitment")).bytes)});
}

}  // namespace doze::commitment
