// All keys of a node from one BIP 39 seed, in this process.
#pragma once

#include <memory>

#include "effects/signer.h"
#include "wire/chains.h"

namespace doze {

/// `seed`: 64 bytes (bitcoin::seed_from_mnemonic); any other size aborts. The same seed and network always give the
/// same node. Wallet: m/84'/coin'/0'. Node key: m/1017'/coin'/0'. Channels and secrets: HMACs under m/1017'/coin'/1'.
/// `channel_salt` changes the keys of channels and nothing else. A node that was restored from its words needs one: it
/// counts its channels from 0 again, and peers know per-commitment secrets of the earlier channels with these numbers.
[[nodiscard]] std::unique_ptr<Signer> make_seed_signer(ByteView seed, wire::Network network,
                                                       ByteView channel_salt = {});

}  // namespace doze
