// What a recipient is told while its LSP does not let go of an HTLC that it has paid out, and of what was agreed.
#include "sim/test/scenario.h"

namespace doze::sim {
namespace {

constexpr std::uint16_t kFulfill = 130, kRevokeAndAck = 133;

class Receipts : public Scenario {
 protected:
  /// M takes R's preimage and never revokes the commitment with the HTLC.
  void keep_from_the_fulfil_on() {
    world().on_message = [this](const WireMessage& message) {
      bool between = (message.from == network.m && message.to == network.r) ||
                     (message.from == network.r && message.to == network.m);
      if (between && message.from == network.r && message.type == kFulfill) kept_ = true;
      return Fate{kept_ && between && message.from == network.m && message.type == kRevokeAndAck, {}, {}, {}};
    };
  }
  Value receipt() {
    auto reply = world().ask(network.r, command::ListPayments{});
    const auto& list = std::get<List>(std::get<Value>(reply).find("payments")->inner());
    return list.empty() ? Value() : list.front();
  }

 private:
  bool kept_ = false;
};

TEST_F(Receipts, a_payment_is_claiming_until_the_lsp_has_let_go_of_it_also_over_restarts) {
  prepare();
  keep_from_the_fulfil_on();
  auto paid = pay();
  ASSERT_EQ(error_of(paid), "");
  ASSERT_TRUE(becomes(text_of(paid, "payment_id"), "settled")) << "the payer's side has the preimage";
  EXPECT_EQ(text_of(receipt(), "state"), "claiming");
  EXPECT_GT(number_of(receipt(), "awake_by_height"), world().chain.height().value());
  EXPECT_EQ(count(network.r, "payment_settled"), 0U);
  restart(network.r);
  EXPECT_EQ(text_of(receipt(), "state"), "claiming");
  world().on_message = nullptr;
  restart(network.r);
  ASSERT_TRUE(world().run_until([&] { return text_of(receipt(), "state") == "settled"; }, 60'000));
  EXPECT_EQ(count(network.r, "payment_settled"), 1U);
  restart(network.r);
  EXPECT_EQ(text_of(receipt(), "state"), "settled");
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Receipts, a_payment_whose_channel_closes_on_chain_before_is_claimed_there_and_settled_when_it_is_deep) {
  prepare();
  keep_from_the_fulfil_on();
  auto paid = pay();
  ASSERT_TRUE(becomes(text_of(paid, "payment_id"), "settled"));
  ASSERT_EQ(text_of(receipt(), "state"), "claiming");
  auto channel = world().node(network.r).core->channels().begin()->first;
  command::CloseChannel close;
  close.channel_id = channel;
  close.force = close.accept_cost = true;
  world().ask(network.m, close);
  world().run_for(3'000);
  for (int depth = 0; depth < 6; ++depth) {
    EXPECT_EQ(text_of(receipt(), "state"), "claiming") << depth;
    restart(network.r);
    world().mine(1);  // the commitment, and five blocks on it
    world().run_for(3'000);
  }
  EXPECT_EQ(text_of(receipt(), "state"), "settled");
  EXPECT_EQ(count(network.r, "payment_lost"), 0U);
  EXPECT_GE(count(network.r, "claim_confirmed"), 1U);
  EXPECT_EQ(world().chain.refused(), std::vector<std::string>{});
  restart(network.r);
  EXPECT_EQ(text_of(receipt(), "state"), "settled");
}

}  // namespace
}  // namespace doze::sim
