// The checkers find what they look for: made-up messages that no honest node would send.
#include "sim/endings.h"
#include "sim/test/scenario.h"

namespace doze::sim {
namespace {

class CheckerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kS = 0, kL = 1, kM = 2;
  World world{1};
  std::unique_ptr<Checker> checker;
  Preimage preimage = SeededRng(1, "preimage").secret<Preimage>();

  void SetUp() override {
    for (const auto* name : {"S", "L", "M"}) world.add_node(name, {});
    checker = std::make_unique<Checker>(world);
  }
  static ChannelId channel(std::uint8_t n) {
    ChannelId id;
    id.bytes[0] = n;
    return id;
  }
  void pass(std::size_t from, std::size_t to, const wire::Message& message) {
    auto bytes = wire::encode(message);
    WireMessage seen{from, to, wire::type_of(message), bytes, 0};
    checker->sent(seen);
    checker->delivered(seen);
  }
  void add(std::size_t from, std::size_t to, std::uint8_t in, std::uint64_t id, std::uint8_t onion,
           std::uint32_t expiry = 500) {
    wire::UpdateAddHtlc message;
    message.channel_id = channel(in);
    message.id = id;
    message.amount_msat = Msat(1'000'000);
    message.payment_hash = crypto::payment_hash(preimage);
    message.cltv_expiry = CltvExpiry(expiry);
    message.onion_routing_packet = Bytes(wire::kPaymentOnionBytes, onion);
    message.hold_htlc = from == kS ? std::optional(Profile::Ldk) : std::nullopt;
    pass(from, to, message);
  }
  void expect_one(const std::string& problem) {
    ASSERT_EQ(checker->problems().size(), 1U);
    EXPECT_NE(checker->problems()[0].find(problem), std::string::npos) << checker->problems()[0];
  }
};

TEST_F(CheckerTest, retransmitted_htlc_is_no_second_offer) {
  add(kS, kL, 1, 0, 1);
  add(kL, kM, 2, 0, 2);
  add(kL, kM, 2, 0, 2);
  EXPECT_TRUE(checker->problems().empty());
}

TEST_F(CheckerTest, htlc_offered_twice_downstream_is_found) {
  add(kS, kL, 1, 0, 1);
  add(kL, kM, 2, 0, 2);
  add(kL, kM, 2, 1, 2);
  ASSERT_EQ(checker->problems().size(), 2U);
  EXPECT_NE(checker->problems()[0].find("offered twice"), std::string::npos);
  EXPECT_NE(checker->problems()[1].find("more were offered downstream than came in"), std::string::npos);
}

TEST_F(CheckerTest, another_onion_for_the_same_incoming_htlc_is_found) {
  add(kS, kL, 1, 0, 1);
  add(kL, kM, 2, 0, 2);
  add(kL, kM, 3, 0, 3);
  expect_one("more were offered downstream than came in");
}

TEST_F(CheckerTest, id_that_is_used_for_two_htlcs_is_found) {
  add(kS, kL, 1, 0, 1);
  add(kS, kL, 1, 0, 2);
  expect_one("came again as another HTLC");
}

// [B2-fwd-02]
TEST_F(CheckerTest, failing_upstream_what_may_be_settled_downstream_is_found) {
  add(kS, kL, 1, 0, 1);
  add(kL, kM, 2, 0, 2);
  pass(kL, kS, wire::UpdateFailHtlc{channel(1), 0, {}, {}});
  expect_one("failed while it may be settled downstream");
}

TEST_F(CheckerTest, failing_upstream_after_downstream_is_fine) {
  add(kS, kL, 1, 0, 1);
  add(kL, kM, 2, 0, 2);
  pass(kM, kL, wire::UpdateFailHtlc{channel(2), 0, {}, {}});
  pass(kL, kS, wire::UpdateFailHtlc{channel(1), 0, {}, {}});
  EXPECT_TRUE(checker->problems().empty());
}

TEST_F(CheckerTest, settling_upstream_first_is_found) {
  add(kS, kL, 1, 0, 1);
  add(kL, kM, 2, 0, 2);
  pass(kL, kS, wire::UpdateFulfillHtlc{channel(1), 0, preimage, {}});
  expect_one("settled before the one downstream");
}

TEST_F(CheckerTest, wrong_preimage_is_found) {
  add(kS, kL, 1, 0, 1);
  pass(kL, kS, wire::UpdateFulfillHtlc{channel(1), 0, Preimage(), {}});
  expect_one("wrong preimage");
}

TEST_F(CheckerTest, hold_that_lasts_up_to_its_expiry_is_found) {
  add(kS, kL, 1, 0, 1, 3);
  for (int i = 0; i < 3; ++i) world.chain.mine(world.wall());
  pass(kL, kS, wire::UpdateFailHtlc{channel(1), 0, {}, {}});
  expect_one("held up to its expiry");
}

TEST_F(Scenario, end_of_a_payment_that_names_no_limit_is_not_accepted) {
  prepare();
  Checker checker(world());
  world().stop(network.r);
  auto id = held_payment();
  auto rows = holds();
  auto channel = *ChannelId::from(hex(text_of(rows[0], "channel_id")));
  ASSERT_EQ(error_of(world().ask(network.l, command::FailHold{channel, number_of(rows[0], "htlc_id")})), "");
  ASSERT_TRUE(becomes(id, "failed"));
  auto ending = explain(checker, network, payment(id));
  EXPECT_FALSE(ending.confirmed);
  EXPECT_NE(ending.why.find("failed by the operator: no documented limit"), std::string::npos) << ending.why;
}

TEST_F(Scenario, end_of_a_payment_at_its_deadline_is_confirmed_with_both_heights) {
  AsyncSettings settings;
  settings.hold_window_blocks = 12;
  prepare(settings);
  Checker checker(world());
  world().stop(network.r);
  auto id = held_payment();
  auto fail_back = number_of(payment(id), "fail_back_height");
  mine_to(fail_back);
  ASSERT_TRUE(becomes(id, "expired"));
  auto ending = explain(checker, network, payment(id));
  EXPECT_TRUE(ending.confirmed);
  EXPECT_EQ(ending.why,
            "L, the deadline has passed: height " + std::to_string(fail_back) + ", limit " + std::to_string(fail_back));
}

TEST_F(Scenario, recipient_that_dies_behind_its_release_ends_the_payment_after_the_client_forward_wait) {
  prepare();
  Checker checker(world());
  auto before = balances(world());
  world().stop(network.r);
  auto id = held_payment();
  world().on_message = [&](const WireMessage& message) {
    return Fate{false, message.type == kOnionMessage && message.from == network.r, {}, {}};
  };
  world().start(network.r);
  ASSERT_TRUE(world().run_until([&] { return world().cuts != 0; }, 30'000));
  world().stop(network.r);
  world().on_message = nullptr;
  ASSERT_TRUE(becomes(id, "failed", 200'000));
  auto ending = explain(checker, network, payment(id));
  EXPECT_TRUE(ending.confirmed) << ending.why;
  EXPECT_NE(ending.why.find("the client did not wake in time"), std::string::npos) << ending.why;
  world().start(network.r);
  world().run_for(5'000);
  expect_clean_rest(checker, before);
}

TEST_F(Scenario, forward_to_a_client_that_was_away_for_ten_minutes_ends_at_once) {
  prepare();
  Checker checker(world());
  world().stop(network.r);
  auto id = held_payment();
  std::vector<Bytes> releases;
  world().on_message = [&](const WireMessage& message) {
    bool release = message.type == kOnionMessage && message.from == network.m && message.to == network.l;
    if (release) releases.push_back(to_bytes(message.bytes));
    return Fate{release, false, {}, {}};
  };
  world().start(network.r);
  ASSERT_TRUE(world().run_until([&] { return !releases.empty(); }, 30'000));
  world().stop(network.r);
  world().run_for(700'000);
  world().inject(network.m, network.l, releases.front(), 1);
  ASSERT_TRUE(becomes(id, "failed", 5'000));
  auto ending = explain(checker, network, payment(id));
  EXPECT_TRUE(ending.confirmed) << ending.why;
  EXPECT_NE(ending.why.find("the recipient was away"), std::string::npos) << ending.why;
}

TEST_F(Scenario, payer_whose_lsp_is_gone_when_the_invoice_comes_gives_up_after_ten_minutes) {
  prepare();
  Checker checker(world());
  world().stop(network.r);
  // S's LSP goes just before the invoice arrives; M reaches S directly.
  world().ask(network.s, command::Connect{world().node(network.m).signer->node_id(), world().address(network.m)});
  std::optional<Bytes> invoice;
  world().on_message = [&](const WireMessage& message) {
    bool caught = message.type == kOnionMessage && message.to == network.s;
    if (caught) invoice = to_bytes(message.bytes);
    return Fate{caught, false, {}, {}};
  };
  command::Pay wanted;
  wanted.offer = offer;
  auto request = world().post(network.s, wanted);
  ASSERT_TRUE(world().run_until([&] { return invoice.has_value(); }, 30'000));
  world().stop(network.l);
  world().run_for(500);
  world().on_message = nullptr;
  ASSERT_TRUE(world().connected(network.s, network.m));
  world().inject(network.m, network.s, *invoice, 1);
  ASSERT_TRUE(world().run_until([&] { return world().node(network.s).replies.contains(request); }, 700'000));
  auto error = error_of(world().node(network.s).replies.at(request));
  auto list = world().ask(network.s, command::ListPayments{});
  const auto& rows = std::get<List>(std::get<Value>(list).find("payments")->inner());
  auto ending = explain(checker, network, rows.at(0));
  EXPECT_NE(error.find("within 10 minutes"), std::string::npos) << error;
  EXPECT_TRUE(ending.confirmed) << ending.why;
}

TEST_F(Scenario, recipient_without_an_lsp_in_reach_ends_the_request_after_the_invoice_wait) {
  prepare();
  Checker checker(world());
  world().stop(network.r);
  world().stop(network.m);
  auto paid = pay();
  EXPECT_NE(error_of(paid).find("no invoice within 60 seconds"), std::string::npos) << error_of(paid);
  auto list = world().ask(network.s, command::ListPayments{});
  const auto& rows = std::get<List>(std::get<Value>(list).find("payments")->inner());
  ASSERT_EQ(rows.size(), 1U);
  auto ending = explain(checker, network, rows[0]);
  EXPECT_TRUE(ending.confirmed) << ending.why;
}

}  // namespace
}  // namespace doze::sim
