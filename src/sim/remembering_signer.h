// A signer that derives each key of the wallet once. A wallet derives 300 at every start, and simulated nodes start
// often: that was nine tenths of the simulator's time.
#pragma once

#include <map>
#include <memory>

#include "effects/signer.h"

namespace doze::sim {

class RememberingSigner final : public Signer {
 public:
  explicit RememberingSigner(std::unique_ptr<Signer> signer) : signer_(std::move(signer)) {}

  const NodeId& node_id() const override { return signer_->node_id(); }
  SharedSecret node_ecdh(const PublicKey& point) const override { return signer_->node_ecdh(point); }
  SharedSecret node_ecdh_tweaked(const PublicKey& point, ByteView tweak) const override {
    return signer_->node_ecdh_tweaked(point, tweak);
  }
  PublicKey node_key_times(ByteView scalar) const override { return signer_->node_key_times(scalar); }
  Signature sign_with_node_key(const Hash32& digest) const override { return signer_->sign_with_node_key(digest); }
  Secret secret(SecretUse use) const override { return signer_->secret(use); }
  std::unique_ptr<commitment::ChannelSigner> channel(std::uint64_t key_index) const override {
    return signer_->channel(key_index);
  }
  PublicKey wallet_key(bool change, std::uint32_t index) const override {
    auto found = keys_.find({change, index});
    if (found == keys_.end()) found = keys_.emplace(std::pair(change, index), signer_->wallet_key(change, index)).first;
    return found->second;
  }
  Signature sign_with_wallet_key(bool change, std::uint32_t index, const Hash32& digest) const override {
    return signer_->sign_with_wallet_key(change, index, digest);
  }

 private:
  std::unique_ptr<Signer> signer_;
  mutable std::map<std::pair<bool, std::uint32_t>, PublicKey> keys_;
};

}  // namespace doze::sim
