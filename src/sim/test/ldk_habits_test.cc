// What LDK does and another Doze would not: each was met in a run against LDK (doc/INTEROP.md).
#include <gtest/gtest.h>

#include "effects/limits.h"
#include "offers/invitation.h"
#include "sim/async_network.h"

namespace doze::sim {
namespace {

/// The channel L-M under its real name.
ShortChannelId public_channel(const AsyncNetwork& network) {
  for (const auto& [id, channel] : network.node(network.l).core->channels())
    if (channel.peer == network.node(network.m).signer->node_id()) return *channel.scid;
  return {};
}

TEST(LdkHabits, raw_invitation_that_names_its_server_by_an_end_of_a_public_channel_is_joined) {
  auto network = set_up(11);
  ASSERT_EQ(network.trouble, "");
  auto& world = *network.world;
  auto knows = [&] { return number_of(world.ask(network.r, command::GetInfo{}), "graph_channels") == 1; };
  for (int tries = 0; tries < 60 && !knows(); ++tries) world.run_for(1'000);
  ASSERT_TRUE(knows());
  auto invited = world.ask(network.m, command::AsyncInvite{"phone", true, std::nullopt, std::nullopt});
  auto invitation = offers::Invitation::parse(text_of(invited, "link"));
  ASSERT_TRUE(invitation);
  const auto& m = world.node(network.m).signer->node_id();
  std::uint8_t end = m < world.node(network.l).signer->node_id() ? 0 : 1;
  invitation->paths.front().first_node_id = wire::ScidDir{end, public_channel(network)};

  auto joined = world.ask(network.r, command::AsyncJoin{invitation->raw_text()});
  ASSERT_EQ(error_of(joined), "");
  EXPECT_EQ(text_of(joined, "server"), m.hex());
  command::CreateOffer wanted;
  wanted.async = true;
  wanted.description = "coffee";
  EXPECT_EQ(error_of(world.ask(network.r, wanted)), "");
}

// A payer of LDK's whose peer is the recipient leaves out what the recipient's path asks for and adds 41 blocks at
// least.
TEST(LdkHabits, htlc_with_41_blocks_left_is_claimed) {
  AsyncSettings settings;
  settings.hold_window_blocks = kMinHoldWindow;
  auto network = set_up(12, settings);
  ASSERT_EQ(network.trouble, "");
  auto offer = make_offer(network, Msat(50'000'000));
  ASSERT_TRUE(offer) << network.trouble;
  auto& world = *network.world;
  auto before = channel_balance(world.node(network.r));
  world.stop(network.r);
  command::Pay wanted;
  wanted.offer = *offer;
  auto paid = world.ask(network.s, wanted);
  ASSERT_EQ(text_of(paid, "state"), "notified");
  world.stop(network.s);
  // Now tip + 1 + window + 42 blocks of life, then 41.
  world.mine(kMinHoldWindow + 2);
  world.run_for(5'000);
  world.start(network.r);
  EXPECT_TRUE(world.run_until([&] { return channel_balance(world.node(network.r)) == before + 50'000'000; }, 60'000));
}

}  // namespace
}  // namespace doze::sim
