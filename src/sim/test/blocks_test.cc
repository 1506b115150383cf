// How nodes hear of blocks.
#include <gtest/gtest.h>

#include "bitcoin/script.h"
#include "sim/async_network.h"
#include "sim/world.h"

namespace doze::sim {
namespace {

/// An address that the node may have given away, by its number.
Bytes address_of(const SimNode& node, std::uint32_t index) {
  return bitcoin::p2wpkh_script(node.signer->wallet_key(false, index));
}

/// A wallet looks 100 addresses ahead. The transactions of one block pay addresses 198 and 99, in this order: only the
/// second one makes the wallet look for what the first one pays. Whatever of it is durable when the process dies, the
/// rest follows at the next start.
TEST(Blocks, with_payments_gaps_apart_are_read_whole_wherever_the_process_dies) {
  constexpr std::uint8_t kTrue = 0x51;
  auto anybody = bitcoin::p2wsh_script(Bytes{kTrue});
  for (std::uint64_t commit : {1, 2, 3})
    for (bool after : {false, true}) {
      World world(4);
      auto wallet = world.add_node("W", {});
      world.start(wallet);
      world.chain.mine(world.wall(), anybody, Sat(100'000));
      const auto& paid = world.chain.block(world.chain.height())->transactions;
      auto coin = std::ranges::find_if(paid, [&](const auto& transaction) {
        return !transaction.outputs.empty() && transaction.outputs[0].script_pubkey == anybody;
      });
      ASSERT_NE(coin, paid.end());
      Outpoint source{bitcoin::txid(*coin), 0};
      world.mine(100);
      auto pay = [&](std::uint32_t address, std::uint64_t amount, std::uint64_t rest) {
        bitcoin::Transaction out;
        out.inputs.push_back({.previous_output = source, .witness = {Bytes{kTrue}}});
        out.outputs = {{Sat(rest), anybody}, {Sat(amount), address_of(world.node(wallet), address)}};
        auto verdict = world.chain.broadcast(out, world.wall());
        EXPECT_TRUE(verdict.accepted) << verdict.reason;
        source = {bitcoin::txid(out), 0};
      };
      pay(198, 20'000, 78'000);
      pay(99, 30'000, 46'000);
      world.crash_at = CrashAt{wallet, world.node(wallet).commits + commit, after};
      world.mine(3);
      world.run_for(5'000);
      auto funds = world.ask(wallet, command::ListFunds{});
      ASSERT_EQ(error_of(funds), "");
      EXPECT_EQ(std::get<std::uint64_t>(std::get<Value>(funds).find("confirmed_sat")->inner()), 50'000U)
          << "commit " << commit << (after ? ", after it" : ", before it");
      EXPECT_EQ(world.crashes, 1U);
    }
}

}  // namespace
}  // namespace doze::sim
