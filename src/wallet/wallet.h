// Our own coins: p2wpkh under BIP 84, found in blocks, reserved for fundings, spent by sendtoaddress.
//
// Reorgs: a coin whose block is disconnected becomes unconfirmed again. Mutual-close outputs pay to wallet keys, so
// they are found like any other coin, also after a restore from the seed words: see kGap and kChannelGap.
#pragma once

#include <memory>
#include <span>

#include "base/variant.h"
#include "effects/context.h"
#include "effects/words.h"

namespace doze::wallet {

struct Input
    : std::variant<Started, BlockConnected, BlockHasMore, BlockDisconnected, ChainStatus, FeeEstimate, PrepareFunding,
                   ReleaseFunding, ReserveCoins, ReleaseCoins, BroadcastResult, MempoolSeen, CommandReceived> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Input)
};

class Wallet {
 public:
  Wallet();
  ~Wallet();
  Wallet(Wallet&&) noexcept;
  Wallet& operator=(Wallet&&) noexcept;
  struct Inside;
  std::unique_ptr<Inside> inside;
};

/// Rows of Table::Coin and WalletState.
[[nodiscard]] Result<Wallet, LoadError> load(std::span<const Row> rows, const Signer& signer);
/// CommandReceived: NewAddress, ListFunds, SendToAddress; OpenChannel, which becomes OpenChannelNow if there are coins
/// for it.
[[nodiscard]] Transition<Wallet> step(Wallet state, const Input& input, const Context& context);
struct Balance {
  Sat confirmed, unconfirmed, reserved;
  Sat deposits;  // in the mempool only: may never confirm
};
[[nodiscard]] Balance balance(const Wallet& state);
/// One above the highest closing script of a channel that a block ever paid; 0: none was.
[[nodiscard]] std::uint32_t next_closing_script(const Wallet& state);

}  // namespace doze::wallet
