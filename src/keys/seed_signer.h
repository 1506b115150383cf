// All keys of a node from one BIP 39 seed, in this process.
#pragma once

#include <memory>

#include "effects/signer.h"
#include "wire/chains.h"

namespace doze {

/// `seed`: 64 bytes (bitcoin::seed_from_mnemonic), aborts otherwise. The same seed and network give the same node for
/// ever. Wallet: m/84'/coin'/0'. Node key: m/1017'/coin'/0'. Channels and secrets: HMACs under m/1017'/coin'/1'.
/// `channel_salt`: makes other channels' keys, and nothing else. A node that was restored from its words counts its
/// channels from 0 again, and the peers of the earlier ones know per-commitment secrets of theirs.
[[nodiscard]] std::unique_ptr<Signer> make_seed_signer(ByteView seed, wire::Network network,
                                                       ByteView channel_salt = {});

}  // namespace doze
