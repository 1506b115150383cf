// What a channel that closes by force gives back to both sides, whoever closes it and however old the commitment is.
#include "on_chain.h"
#include "channel/unclaimed.h"

namespace doze::channel {
namespace {

using namespace testing;

constexpr std::uint64_t kHtlcSat = 50'000;

void force(FakeNode& node, const ChannelId& id) {
  node.step(CommandReceived{9, command::CloseChannel{id, true, {}, true}});
}
bool told(const std::vector<Notify>& lines, Event event) {
  return std::ranges::any_of(lines, [&](const Notify& line) { return line.event == event; });
}
/// The commitment that a node with these rows would publish.
bitcoin::Transaction commitment_of(const FakeNode& node, const RowMap& rows) {
  FakeNode twin(1, node.config.role);
  twin.rows = rows;
  twin.tip = node.tip;
  twin.restart();
  twin.pass(kSpeakFirstMs);
  force(twin, twin.only_channel().channel_id);
  auto published = twin.all<Broadcast>();
  LN_ASSERT(!published.empty());
  return published.back().transaction;
}

struct Cell {
  bool anchors = false;
  bool a_closes = true;  // ours for A, theirs for B
  bool b_knows_preimage = false;
  bool restarted = false;
};
std::string name(const Cell& cell) {
  return std::string(cell.anchors ? "anchors" : "static") + (cell.a_closes ? ", A closes" : ", B closes") +
         (cell.b_knows_preimage ? ", preimage" : ", no preimage") + (cell.restarted ? ", restarted" : "");
}
std::vector<Cell> cells() {
  std::vector<Cell> out;
  for (int i = 0; i < 16; ++i) out.push_back({(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0});
  return out;
}
// [B5-ours-01, B5-ours-03, B5-ours-05, B5-theirs-02, B5-theirs-04, B2-fwd-03, B2-fwd-07]
TEST(OnChain, each_side_gets_its_balance_and_the_htlc_goes_to_whom_it_belongs) {
  for (const auto& cell : cells()) {
    SCOPED_TRACE(name(cell));
    OnChainPair pair(cell.anchors);
    pair.open_channel();
    auto add = pair.a.add(pair.id(), to_msat(Sat(kHtlcSat)), 1);
    pair.a.step(add);
    pair.run();
    pair.cut();
    auto id = pair.id();
    auto& closer = cell.a_closes ? pair.a : pair.b;
    force(closer, id);
    pair.next_block();
    ASSERT_EQ(pair.a.only_channel().phase, ChannelPhase::OnChain);
    ASSERT_EQ(pair.b.only_channel().phase, ChannelPhase::OnChain);
    if (cell.b_knows_preimage) pair.b.step(FulfillHtlc{id, 0, preimage(1)});
    std::size_t fulfilled = 0, failed = 0, gone = 0;
    while (!pair.is_closed(pair.a) || !pair.is_closed(pair.b)) {
      if (cell.restarted && pair.tip.value() % 50 == 0) pair.restart_both();
      pair.next_block();
      fulfilled += pair.a.all<HtlcFulfilled>().size();
      failed += pair.a.all<HtlcFailed>().size();
      for (const auto& word : pair.b.all<ReceivedHtlcGone>()) gone += word.fulfilled == cell.b_knows_preimage ? 1 : 100;
      ASSERT_LT(pair.tip.value(), 2'000U) << "never over";
    }
    EXPECT_EQ(fulfilled, cell.b_knows_preimage ? 1U : 0U);
    EXPECT_EQ(failed, cell.b_knows_preimage ? 0U : 1U);
    EXPECT_EQ(gone, 1U);
    // Change of coins that paid for HTLC transactions comes to the same scripts.
    auto a = pair.claimed_by(pair.a) - pair.spent_coins(pair.a), b = pair.claimed_by(pair.b) - pair.spent_coins(pair.b);
    auto a_due = cell.b_knows_preimage ? 650'000U : 700'000U, b_due = cell.b_knows_preimage ? 350'000U : 300'000U;
    EXPECT_GT(a.value(), a_due - 10'000);  // A pays for the commitment, and each for its claims
    EXPECT_LE(a.value(), a_due);
    EXPECT_GT(b.value(), b_due - 6'000);
    EXPECT_LE(b.value(), b_due);
    EXPECT_EQ(pair.a.count(Table::Close), 0U);
    EXPECT_EQ(pair.a.count(Table::HtlcLog), 0U);
    EXPECT_EQ(pair.b.count(Table::HtlcLog), 0U);
  }
}

// [B5-pen-02, B5-pen-03]
TEST(OnChain, a_revoked_commitment_gives_everything_to_the_other_side_with_htlcs_that_ended_long_ago) {
  for (bool anchors : {false, true})
    for (bool restarted : {false, true}) {
      SCOPED_TRACE(std::string(anchors ? "anchors" : "static") + (restarted ? ", restarted" : ""));
      OnChainPair pair(anchors);
      pair.open_channel();
      pair.a.step(pair.a.add(pair.id(), to_msat(Sat(kHtlcSat)), 1));
      pair.b.step(pair.b.add(pair.id(), to_msat(Sat(kHtlcSat)), 2));
      pair.run();
      auto old = commitment_of(pair.a, pair.a.rows);
      pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
      pair.a.step(FulfillHtlc{pair.id(), 0, preimage(2)});
      pair.run();
      for (std::uint64_t i = 3; i < 40; ++i) {
        pair.a.step(pair.a.add(pair.id(), to_msat(Sat(2'000)), i));
        pair.run();
        pair.b.step(FulfillHtlc{pair.id(), i - 2, preimage(i)});
        pair.run();
      }
      ASSERT_EQ(pair.b.count(Table::HtlcLog), 39U);
      pair.cut();
      pair.a.said.clear();
      if (restarted) pair.restart_both();
      pair.next_block({old});
      EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::OnChain);
      while (!pair.is_closed(pair.b)) {
        pair.a.said.clear();  // the cheater does nothing more
        pair.next_block();
        ASSERT_LT(pair.tip.value(), 1'000U) << "never over";
      }
      EXPECT_GT(pair.claimed_by(pair.b), Sat(940'000)) << "all of a million, less fees";
    }
}

TEST(OnChain, a_cheater_that_takes_its_htlcs_in_the_block_of_its_commitment_gains_nothing) {
  OnChainPair pair(false);
  pair.open_channel();
  pair.a.step(pair.a.add(pair.id(), to_msat(Sat(kHtlcSat)), 1));
  pair.b.step(pair.b.add(pair.id(), to_msat(Sat(kHtlcSat)), 2));
  pair.run();
  auto rows = pair.a.rows;
  auto old = commitment_of(pair.a, rows);
  pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
  pair.a.step(FulfillHtlc{pair.id(), 0, preimage(2)});
  pair.run();
  pair.cut();
  // A node with the old rows claims what B offered, with the preimage that A had.
  FakeNode cheater(1, pair.a.config.role);
  cheater.rows = rows;
  cheater.tip = pair.tip;
  cheater.restart();
  TestChain its_chain{pair.tip};
  auto hear = [&](const std::vector<ChainWord>& words) {
    hand_over(words, cheater.watched, [&](const auto& one) {
      cheater.follow(one);
      cheater.step(one);
    });
  };
  hear(its_chain.mine({old}));
  cheater.said.clear();
  cheater.step(FulfillHtlc{pair.id(), 0, preimage(2)});
  std::vector<bitcoin::Transaction> together{old};
  for (const auto& word : cheater.all<Broadcast>()) together.push_back(word.transaction);
  ASSERT_EQ(together.size(), 2U);
  pair.a.said.clear();
  pair.next_block(together);
  while (!pair.is_closed(pair.b)) {
    pair.a.said.clear();
    pair.next_block();
    ASSERT_LT(pair.tip.value(), 1'000U) << "never over";
  }
  EXPECT_GT(pair.claimed_by(pair.b), Sat(940'000));
}

// [B5-gen-03]
TEST(OnChain, a_reorganisation_that_brings_the_other_commitment_leaves_nobody_with_less) {
  for (std::uint32_t depth : {1U, 3U, 5U}) {
    OnChainPair pair(false);
    pair.open_channel();
    pair.cut();
    force(pair.a, pair.id());
    auto ours = pair.a.all<Broadcast>().back().transaction;
    force(pair.b, pair.id());
    auto theirs = pair.b.all<Broadcast>().back().transaction;
    ASSERT_NE(bitcoin::txid(ours), bitcoin::txid(theirs));
    auto coins = pair.coins;
    pair.b.said.clear();
    pair.next_block({ours});
    pair.blocks(depth - 1);
    pair.disconnect_blocks(depth);
    pair.coins = coins;
    pair.a.said.clear();
    pair.b.said.clear();
    pair.next_block({theirs});
    while (!pair.is_closed(pair.a) || !pair.is_closed(pair.b)) {
      pair.next_block();
      ASSERT_LT(pair.tip.value(), 1'000U) << "never over";
    }
    EXPECT_GT(pair.claimed_by(pair.a), Sat(690'000)) << depth;
    EXPECT_GT(pair.claimed_by(pair.b), Sat(298'500)) << depth;
  }
}

// [B2-dead-04]
TEST(OnChain, an_htlc_that_was_settled_and_is_not_removed_closes_the_channel_in_time_connected_or_not) {
  for (bool connected : {false, true}) {
    OnChainPair pair(false);
    pair.open_channel();
    auto add = pair.a.add(pair.id(), to_msat(Sat(kHtlcSat)), 1);
    pair.a.step(add);
    pair.run();
    if (!connected) pair.cut();
    pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
    auto deadline = add.cltv_expiry.value() - kClaimBuffer.value();
    while (pair.tip.value() + 1 < deadline) {
      pair.a.outbox.clear();  // A says nothing any more
      pair.b.outbox.clear();
      pair.block();
    }
    EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
    pair.b.pass(kSpeakFirstMs);
    pair.block();
    EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::ForceClosing);
    pair.cut();
    pair.b.outbox.clear();
    pair.a.said.clear();
    while (!pair.is_closed(pair.b)) {
      pair.next_block();
      ASSERT_LT(pair.tip.value(), 2'000U) << "never over";
    }
    EXPECT_GT(pair.claimed_by(pair.b), Sat(345'000));
  }
}

TEST(OnChain, what_an_older_version_could_not_claim_is_claimed_after_the_update) {
  for (bool knew_the_height : {true, false}) {
    OnChainPair pair(false);
    pair.open_channel();
    pair.cut();
    force(pair.a, pair.id());
    auto commitment = pair.a.all<Broadcast>().back().transaction;
    pair.next_block();
    for (auto* node : {&pair.a, &pair.b}) {  // as that version left it
      auto& channel = node->room.inside->channels.at(pair.id());
      channel.close.reset();
      channel.state = Closed{};
      channel.unclaimed = unclaimed_in(channel, commitment);
      if (!knew_the_height) channel.closed_height = BlockHeight(0);
      std::erase_if(node->rows, [](const auto& row) { return row.first.first == Table::Close; });
      node->put_rows(channel);
    }
    pair.restart_both();
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::OnChain);
    while (!pair.is_closed(pair.a) || !pair.is_closed(pair.b)) {
      pair.next_block();
      ASSERT_LT(pair.tip.value(), 1'000U) << "never over";
    }
    EXPECT_GT(pair.claimed_by(pair.a), Sat(690'000));
    EXPECT_GT(pair.claimed_by(pair.b), Sat(298'500));
  }
}

TEST(OnChain, events_tell_what_is_on_chain_and_what_became_of_it) {
  OnChainPair pair(false);
  pair.open_channel();
  pair.cut();
  force(pair.a, pair.id());
  auto commitment = pair.a.all<Broadcast>().back().transaction;
  pair.a.said.clear();
  pair.mine({commitment});
  EXPECT_TRUE(told(pair.a.all<Notify>(), "channel_on_chain"));
  EXPECT_TRUE(told(pair.b.all<Notify>(), "channel_on_chain"));
  EXPECT_TRUE(told(pair.b.all<Notify>(), "claim_broadcast"));
  EXPECT_FALSE(told(pair.a.all<Notify>(), "claim_broadcast")) << "its delay is not over";
  EXPECT_FALSE(told(pair.b.all<Notify>(), "revoked_commitment"));
}

}  // namespace
}  // namespace doze::channel
