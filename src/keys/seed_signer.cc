#include "keys/seed_signer.h"

#include "bitcoin/keys.h"
#include "crypto/crypto.h"

namespace doze {
namespace {

using bitcoin::ExtendedKey;
using bitcoin::kHardened;

ExtendedKey child(const ExtendedKey& root, std::initializer_list<std::uint32_t> path) {
  std::vector<std::uint32_t> steps(path);
  auto key = bitcoin::derive_path(root, steps);
  LN_ASSERT(key.has_value());  // fails with probability 2^-127
  return *key;
}

class SeedSigner final : public Signer {
 public:
  SeedSigner(const ExtendedKey& root, std::uint32_t coin, ByteView channel_salt)
      : wallet_{child(root, {84 | kHardened, coin | kHardened, 0 | kHardened, 0}),
                child(root, {84 | kHardened, coin | kHardened, 0 | kHardened, 1})},
        wallet_public_{crypto::public_key(wallet_[0].key), crypto::public_key(wallet_[1].key)},
        node_key_(child(root, {1017 | kHardened, coin | kHardened, 0 | kHardened}).key),
        master_(*Secret::from(child(root, {1017 | kHardened, coin | kHardened, 1 | kHardened}).key.reveal())),
        channel_salt_(to_bytes(channel_salt)),
        node_id_(crypto::public_key(node_key_)) {}

  const NodeId& node_id() const override { return node_id_; }
  SharedSecret node_ecdh(const PublicKey& point) const override { return crypto::ecdh(node_key_, point); }
  SharedSecret node_ecdh_tweaked(const PublicKey& point, ByteView tweak) const override {
    auto key = crypto::tweak_mul(node_key_, tweak);
    return key ? crypto::ecdh(*key, point) : SharedSecret();
  }
  PublicKey node_key_times(ByteView scalar) const override {
    auto key = crypto::tweak_mul(node_key_, scalar);
    LN_ASSERT(key.has_value());
    return crypto::public_key(*key);
  }
  Signature sign_with_node_key(const Hash32& digest) const override { return crypto::ecdsa_sign(node_key_, digest); }
  Secret secret(SecretUse use) const override {
    Writer label;
    label.bytes(bytes_of("doze secret")).u8(static_cast<std::uint8_t>(use));
    return Secret(crypto::hmac_sha256(master_.reveal(), label.view()).bytes);
  }
  std::unique_ptr<commitment::ChannelSigner> channel(std::uint64_t key_index) const override {
    Writer label;
    label.bytes(bytes_of("doze channel")).u64(key_index).bytes(channel_salt_);
    return commitment::make_signer(Secret(crypto::hmac_sha256(master_.reveal(), label.view()).bytes));
  }
  PublicKey wallet_key(bool change, std::uint32_t index) const override {
    return crypto::public_key(wallet_secret(change, index));
  }
  Signature sign_with_wallet_key(bool change, std::uint32_t index, const Hash32& digest) const override {
    return crypto::ecdsa_sign(wallet_secret(change, index), digest);
  }

 private:
  PrivateKey wallet_secret(bool change, std::uint32_t index) const {
    auto key = bitcoin::derive(wallet_[change ? 1 : 0], wallet_public_[change ? 1 : 0], index);
    LN_ASSERT(key.has_value());  // fails with probability 2^-127
    return key->key;
  }

  std::array<ExtendedKey, 2> wallet_;
  std::array<PublicKey, 2> wallet_public_;
  PrivateKey node_key_;
  Secret master_;
  Bytes channel_salt_;
  NodeId node_id_;
};

}  // namespace

std::unique_ptr<Signer> make_seed_signer(ByteView seed, wire::Network network, ByteView channel_salt) {
  auto root = bitcoin::master_key(seed);
  LN_ASSERT(root.has_value());
  return std::make_unique<SeedSigner>(*root, network == wire::Network::Mainnet ? 0 : 1, channel_salt);
}

}  // namespace doze
