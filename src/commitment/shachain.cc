#include "commitment/shachain.h"

#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

/// Flips and hashes for every set bit of `index` below `bits`, from the highest.
Secret walk(Secret secret, std::uint64_t index, unsigned bits) {
  for (unsigned bit = bits; bit-- > 0;) {
    if ((index >> bit & 1) == 0) continue;
    secret.raw()[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    secret = Secret(crypto::sha256(secret.reveal()).bytes);
  }
  return secret;
}

unsigned trailing_zeros(std::uint64_t index) {
  for (unsigned bit = 0; bit < 48; ++bit)
    if ((index >> bit & 1) != 0) return bit;
  return 48;
}

}  // namespace

Secret secret_from_seed(const Secret& seed, std::uint64_t index) {
  return walk(seed, index, 48);
}

bool SecretStore::insert(std::uint64_t index, const Secret& secret) {
  auto place = trailing_zeros(index);
  for (unsigned lower = 0; lower < place; ++lower) {
    const auto& known = known_[lower];
    if (!known || !(walk(secret, known->index, place) == known->secret)) return false;
  }
  known_[place] = Known{index, secret};
  return true;
}

std::optional<Secret> SecretStore::find(std::uint64_t index) const {
  for (unsigned place = 0; place < known_.size(); ++place) {
    const auto& known = known_[place];
    auto mask = ~((std::uint64_t{1} << place) - 1);
    if (known && (index & mask) == known->index) return walk(known->secret, index, place);
  }
  return std::nullopt;
}

Bytes SecretStore::serialize() const {
  Writer out;
  std::uint8_t count = 0;
  for (const auto& known : known_)
    if (known) ++count;
  out.u8(count);
  for (const auto& known : known_)
    if (known) out.u64(known->index).bytes(known->secret.reveal());
  return out.take();
}

std::optional<SecretStore> SecretStore::parse(ByteView bytes) {
  Reader in(bytes);
  SecretStore store;
  for (auto count = in.u8(); count > 0 && in.ok(); --count) {
    auto index = in.u64();
    Secret secret(in.array<32>());
    store.known_[trailing_zeros(index)] = Known{index, secret};
  }
  if (!in.done()) return std::nullopt;
  return store;
}

}  // namespace doze::commitment
