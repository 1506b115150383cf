// S (payer, client) - L (S's LSP) - M (recipient's LSP, mailbox, static-invoice server) - R (recipient, client), with
// private channels S-L and M-R and a public one L-M: what most tests and the fault runs start from.
#pragma once

#include "sim/world.h"

namespace doze::sim {

struct AsyncNetwork {
  std::unique_ptr<World> world;
  std::size_t s = 0, l = 0, m = 0, r = 0;
  std::string trouble;  // why set_up failed; empty: it did not

  [[nodiscard]] SimNode& node(std::size_t index) const { return world->node(index); }
};

struct AsyncSettings {
  Profile profile = Profile::Ldk;
  bool anchors = true;
  bool same_lsp = false;  // L and M are one node
  std::uint32_t hold_window_blocks = 144;
};

/// Nodes started, funded, connected; channels open and usable, the public one known to all.
[[nodiscard]] AsyncNetwork set_up(std::uint64_t seed, const AsyncSettings& settings = {});

/// All nodes stopped: what can be copied, and the copies started again.
[[nodiscard]] AsyncNetwork asleep(AsyncNetwork network);
[[nodiscard]] AsyncNetwork copy(const AsyncNetwork& network);

/// R joins M and makes an offer. nullopt with `trouble` set if that failed.
[[nodiscard]] std::optional<std::string> make_offer(AsyncNetwork& network, std::optional<Msat> amount);

// ---- helpers over replies ----
[[nodiscard]] std::string text_of(const std::variant<Value, CommandError>& reply, std::string_view field);
[[nodiscard]] std::uint64_t number_of(const std::variant<Value, CommandError>& reply, std::string_view field);
/// Whether this state of a payment is its last.
[[nodiscard]] bool ended(const std::string& state);
/// The most blocks to mine until a held payment must have ended: its window and the return.
inline constexpr int kRestBlocks = 400;
/// The error's message, or empty.
[[nodiscard]] std::string error_of(const std::variant<Value, CommandError>& reply);
/// Local balances of all channels of a node, in msat, closed ones left out.
[[nodiscard]] std::uint64_t channel_balance(const SimNode& node);
/// channel_balance of every node, by index. All must run.
[[nodiscard]] std::vector<std::uint64_t> balances(const World& world);
/// Whether any channel of a running node has an HTLC in flight.
[[nodiscard]] bool htlcs_in_flight(const World& world);

}  // namespace doze::sim
