// Invoices of BOLT 11 through whole nodes: paid over a hint to a private channel, refused for each reason, once.
#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "offers/bolt11.h"
#include "sim/async_network.h"
#include "sim/test/scenario.h"
#include "toolbox/decode.h"

namespace doze::sim {
namespace {

List list_of(const std::variant<Value, CommandError>& reply, const char* name) {
  return std::get<List>(std::get<Value>(reply).find(name)->inner());
}
std::string field(const Value& row, const char* name) {
  const auto* found = row.find(name);
  const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->inner());
  return text == nullptr ? "" : *text;
}
CommandErrorCode code_of(const std::variant<Value, CommandError>& reply) {
  const auto* error = std::get_if<CommandError>(&reply);
  return error == nullptr ? CommandErrorCode::Internal : error->code;
}
bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

class Bolt11 : public ::testing::Test {
 protected:
  AsyncNetwork network;
  std::uint64_t s_before = 0, r_before = 0;

  void prepare() {
    network = set_up(7);
    ASSERT_EQ(network.trouble, "");
    s_before = channel_balance(world().node(network.s));
    r_before = channel_balance(world().node(network.r));
  }
  World& world() { return *network.world; }
  std::variant<Value, CommandError> create(std::size_t at, std::optional<Msat> amount,
                                           std::optional<std::uint64_t> expiry_s = std::nullopt) {
    return world().ask(at, command::CreateInvoice{amount, "tea", std::nullopt, expiry_s});
  }
  std::string invoice(std::size_t at, std::optional<Msat> amount,
                      std::optional<std::uint64_t> expiry_s = std::nullopt) {
    auto made = create(at, amount, expiry_s);
    EXPECT_EQ(error_of(made), "");
    return text_of(made, "invoice");
  }
  std::variant<Value, CommandError> pay(std::size_t from, const std::string& text,
                                        std::optional<Msat> amount = std::nullopt) {
    command::Pay wanted;
    wanted.offer = text;
    wanted.amount = amount;
    return world().ask(from, wanted);
  }
  std::uint64_t spent() { return s_before - channel_balance(world().node(network.s)); }
  std::uint64_t received() { return channel_balance(world().node(network.r)) - r_before; }
  std::string status(std::size_t at, std::size_t index = 0) {
    return field(list_of(world().ask(at, command::ListInvoices{}), "invoices").at(index), "status");
  }
  /// The invoice with other terms, signed by R.
  std::string forged(const std::string& text, const std::function<void(offers::Bolt11Terms&)>& change) {
    auto terms = offers::Bolt11Invoice::parse(text)->terms();
    change(terms);
    const auto& signer = *world().node(network.r).signer;
    auto made = offers::Bolt11Invoice::make(terms, signer.node_id(),
                                            [&](const Hash32& digest) { return signer.sign_with_node_key(digest); });
    return made->text();
  }
  /// Why R refused last, in its own log.
  std::string refusal() {
    std::string out;
    for (const auto& notify : world().node(network.r).log)
      if (notify.event == "payment_refused")
        for (const auto& [key, value] : notify.facts)
          if (key == "reason") out = std::get<std::string>(value.inner());
    return out;
  }
};

TEST_F(Bolt11, recipient_with_a_private_channel_is_paid_over_its_route_hint) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  auto read = offers::Bolt11Invoice::parse(text);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->route_hints().size(), 1U);
  EXPECT_EQ(read->route_hints()[0].hops[0].node_id, world().node(network.m).signer->node_id());
  EXPECT_EQ(read->payee(), world().node(network.r).signer->node_id());
  EXPECT_EQ(status(network.r), "open");
  auto paid = pay(network.s, text);
  ASSERT_EQ(error_of(paid), "");
  EXPECT_EQ(text_of(paid, "state"), "settled");
  auto preimage = Preimage::from(hex(text_of(paid, "payment_preimage")));
  ASSERT_TRUE(preimage.has_value());
  EXPECT_EQ(crypto::payment_hash(*preimage), read->payment_hash());
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
  EXPECT_EQ(spent(), kAmount + number_of(paid, "fee_msat"));
  EXPECT_GT(number_of(paid, "fee_msat"), 0U);  // L and M
  EXPECT_EQ(status(network.r), "paid");
}

// [B4-mpp-01]
TEST_F(Bolt11, public_node_is_paid_without_hints_and_a_neighbour_directly) {
  prepare();
  auto text = invoice(network.m, Msat(kAmount));
  EXPECT_TRUE(offers::Bolt11Invoice::parse(text)->route_hints().empty());
  EXPECT_EQ(error_of(pay(network.l, text)), "");
  EXPECT_EQ(error_of(pay(network.s, invoice(network.m, Msat(kAmount)))), "");
  // R's only hint starts at M itself.
  auto direct = pay(network.m, invoice(network.r, Msat(kAmount)));
  EXPECT_EQ(error_of(direct), "");
  EXPECT_EQ(number_of(direct, "fee_msat"), 0U);
}

TEST_F(Bolt11, upper_case_and_scheme_are_understood) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  for (auto& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  EXPECT_EQ(error_of(pay(network.s, "LIGHTNING:" + text)), "");
  auto decoded = toolbox::decode("lightning:" + text);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(text_in(*decoded, "type"), "bolt11_invoice");
  EXPECT_EQ(text_in(*decoded, "description"), "tea");
  EXPECT_EQ(number_in(*decoded, "amount_msat"), kAmount);
}

TEST_F(Bolt11, payer_names_the_amount_where_the_invoice_has_none_and_may_give_twice_of_what_it_asks) {
  prepare();
  auto open = invoice(network.r, std::nullopt);
  EXPECT_TRUE(contains(error_of(pay(network.s, open)), "no amount"));
  EXPECT_EQ(error_of(pay(network.s, open, Msat(kAmount))), "");
  auto fixed = invoice(network.r, Msat(kAmount));
  EXPECT_TRUE(contains(error_of(pay(network.s, fixed, Msat(kAmount - 1))), "less than"));
  EXPECT_TRUE(contains(error_of(pay(network.s, fixed, Msat(2 * kAmount + 1))), "more than twice"));
  EXPECT_EQ(error_of(pay(network.s, fixed, Msat(2 * kAmount))), "");
  world().run_for(1'000);
  EXPECT_EQ(received(), 3 * kAmount);
}

TEST_F(Bolt11, invoice_is_paid_once) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  auto first = pay(network.s, text);
  ASSERT_EQ(error_of(first), "");
  auto again = pay(network.s, text);
  EXPECT_EQ(code_of(again), CommandErrorCode::Refused);
  EXPECT_TRUE(contains(error_of(again), text_of(first, "payment_id").c_str()));
  // Another payer cannot know: the recipient refuses.
  EXPECT_TRUE(contains(error_of(pay(network.l, text)), "incorrect_or_unknown_payment_details"));
  EXPECT_EQ(refusal(), "the invoice is already paid");
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Bolt11, two_payments_of_one_invoice_at_a_time_are_refused) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  command::Pay wanted;
  wanted.offer = text;
  auto first = world().post(network.s, wanted);
  auto second = pay(network.s, text);
  EXPECT_TRUE(contains(error_of(second), "is being paid"));
  EXPECT_TRUE(world().run_until([&] { return world().node(network.s).replies.contains(first); }, 60'000));
  EXPECT_EQ(error_of(world().node(network.s).replies.at(first)), "");
}

TEST_F(Bolt11, expired_own_and_foreign_invoices_are_clear_errors_at_once) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount), 60);
  auto own = pay(network.r, text);
  EXPECT_TRUE(contains(error_of(own), "our own invoice"));
  auto signet = forged(text, [](auto& terms) { terms.network = wire::Network::Signet; });
  EXPECT_TRUE(contains(error_of(pay(network.s, signet)), "not for this chain"));
  world().run_for(61'000);
  auto late = pay(network.s, text);
  EXPECT_EQ(code_of(late), CommandErrorCode::Expired);
  EXPECT_TRUE(contains(error_of(late), "expired at 20"));
  EXPECT_EQ(status(network.r), "expired");
  auto cut = text;
  cut.pop_back();
  EXPECT_TRUE(contains(error_of(pay(network.s, cut)), "not a valid BOLT 11 invoice"));
  EXPECT_EQ(spent(), 0U);
  command::Pay wanted;
  wanted.offer = invoice(network.r, Msat(kAmount));
  wanted.payer_note = "hello";
  EXPECT_EQ(code_of(world().ask(network.s, wanted)), CommandErrorCode::BadRequest);
  wanted.payer_note.reset();
  wanted.hold = true;
  EXPECT_EQ(code_of(world().ask(network.s, wanted)), CommandErrorCode::BadRequest);
}

// R signs invoices that its rows do not know: what arrives then is what a wrong payer would send.
TEST_F(Bolt11, recipient_refuses_what_does_not_fit_its_invoice) {
  prepare();
  struct Case {
    const char* reason;
    std::function<void(offers::Bolt11Terms&)> change;
  };
  auto set = [](auto value) {
    return [value](offers::Bolt11Terms& terms) {
      for (auto& each : terms.fields)
        if (std::holds_alternative<decltype(value)>(each)) each = value;
    };
  };
  const Case cases[] = {
      {"wrong payment_secret", set(offers::bolt11::PaymentSecret{Hash32{{1}}})},
      {"no invoice of this node has this payment hash", set(PaymentHash{{1}})},
      {"the amount is below the invoice's", [](auto& terms) { terms.amount = Msat(kAmount - 1); }},
      {"more than twice the amount", [](auto& terms) { terms.amount = Msat(2 * kAmount + 2); }},
      {"only 40 blocks left, 41 needed to claim safely", set(offers::bolt11::MinFinalCltvExpiryDelta{CltvDelta(37)})},
  };
  for (const auto& each : cases) {
    auto failed = pay(network.s, forged(invoice(network.r, Msat(kAmount)), each.change));
    EXPECT_TRUE(contains(error_of(failed), "incorrect_or_unknown_payment_details from hop 3 of 3")) << error_of(failed);
    EXPECT_EQ(refusal(), each.reason);
  }
  auto late = forged(invoice(network.r, Msat(kAmount), 60),
                     [](auto& terms) { terms.fields.emplace_back(offers::bolt11::Expiry{3'600}); });
  late = forged(late, [](auto& terms) {
    std::erase_if(terms.fields, [](const auto& each) {
      const auto* expiry = std::get_if<offers::bolt11::Expiry>(&each);
      return expiry != nullptr && expiry->seconds == 60;
    });
  });
  world().run_for(61'000);
  EXPECT_NE(error_of(pay(network.s, late)), "");
  EXPECT_EQ(refusal(), "the invoice has expired");
  EXPECT_EQ(spent(), 0U);
  EXPECT_EQ(received(), 0U);
  // Nothing was tried twice: the recipient itself had refused.
  for (const auto& row : list_of(world().ask(network.s, command::ListPayments{}), "payments"))
    EXPECT_EQ(field(row, "state"), "failed");
}

TEST_F(Bolt11, failed_payment_of_an_invoice_may_be_tried_again) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  world().stop(network.r);
  world().run_for(700'000);  // M does not think any more that R is waking
  auto failed = pay(network.s, text);
  EXPECT_NE(error_of(failed), "");
  world().start(network.r);
  world().run_for(5'000);
  EXPECT_EQ(error_of(pay(network.s, text)), "");
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Bolt11, restarts_of_payer_and_recipient_change_nothing) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  world().stop(network.r);
  world().start(network.r);
  world().run_for(5'000);
  EXPECT_EQ(status(network.r), "open");
  command::Pay wanted;
  wanted.offer = text;
  world().post(network.s, wanted);
  world().run_for(1);       // the store answers that nobody has paid it
  world().stop(network.s);  // its HTLC is durable, the messages may have left or not
  world().run_for(1'000);
  world().start(network.s);
  auto settled = [&] {
    auto rows = list_of(world().ask(network.s, command::ListPayments{}), "payments");
    return rows.size() == 1 && field(rows[0], "state") == "settled" && field(rows[0], "invoice") == text;
  };
  for (int i = 0; i < 60 && !settled(); ++i) world().run_for(1'000);
  EXPECT_TRUE(settled());
  world().stop(network.r);
  world().start(network.r);
  world().run_for(5'000);
  EXPECT_EQ(received(), kAmount);
  EXPECT_EQ(status(network.r), "paid");
  EXPECT_TRUE(contains(error_of(pay(network.s, text)), "already paid"));
  EXPECT_NE(error_of(pay(network.l, text)), "");  // R remembers
  auto rows = list_of(world().ask(network.r, command::ListPayments{}), "payments");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(field(rows[0], "direction"), "incoming");
}

TEST_F(Bolt11, a_payer_that_dies_before_its_store_has_answered_has_not_begun) {
  prepare();
  auto text = invoice(network.r, Msat(kAmount));
  command::Pay wanted;
  wanted.offer = text;
  world().post(network.s, wanted);
  world().stop(network.s);
  world().start(network.s);
  world().run_for(5'000);
  EXPECT_TRUE(list_of(world().ask(network.s, command::ListPayments{}), "payments").empty());
  EXPECT_EQ(error_of(pay(network.s, text)), "");
  world().run_for(1'000);
  EXPECT_EQ(received(), kAmount);
}

TEST_F(Bolt11, invoices_that_make_no_sense_are_not_made) {
  prepare();
  EXPECT_EQ(code_of(create(network.r, Msat(0))), CommandErrorCode::BadRequest);
  EXPECT_EQ(code_of(create(network.r, Msat(kAmount), 0)), CommandErrorCode::BadRequest);
  EXPECT_EQ(error_of(create(network.r, Msat(kAmount), UINT64_MAX)), "");                       // far, but possible
  EXPECT_EQ(code_of(create(network.r, Msat(2'000'000'000'000))), CommandErrorCode::NotReady);  // more than can come in
  command::CreateInvoice wanted{Msat(kAmount), std::string(640, 'a'), std::nullopt, std::nullopt};
  EXPECT_EQ(code_of(world().ask(network.r, wanted)), CommandErrorCode::BadRequest);
  wanted.description = "\xff";
  EXPECT_EQ(code_of(world().ask(network.r, wanted)), CommandErrorCode::BadRequest);
  wanted.description = "tea";
  wanted.description_hash = Hash32{};
  EXPECT_EQ(code_of(world().ask(network.r, wanted)), CommandErrorCode::BadRequest);
  wanted.description.clear();
  auto hashed = world().ask(network.r, wanted);
  ASSERT_EQ(error_of(hashed), "");
  EXPECT_EQ(text_of(hashed, "description_hash"), std::string(64, '0'));
}

/// S - L - M, where L has nothing to send in its channel to M, and a way round over N.
// [B4-orig-06]
TEST(Bolt11Retry, channel_that_failed_at_a_forwarder_is_left_out_of_the_next_try) {
  World world(11);
  Config client, server;
  server.role = Role::Server;
  auto s = world.add_node("S", client), l = world.add_node("L", server), m = world.add_node("M", server),
       n = world.add_node("N", server);
  world.mine(1);
  for (auto index : {s, l, m, n}) world.start(index);
  for (auto index : {s, l, m, n}) world.fund(index, Sat(10'000'000));
  world.mine(1);
  for (auto [from, to] : {std::pair{s, l}, {m, l}, {l, n}, {n, m}}) {
    auto peer = world.node(to).signer->node_id();
    ASSERT_EQ(error_of(world.ask(from, command::Connect{peer, world.address(to)})), "");
    ASSERT_EQ(error_of(world.ask(from, command::OpenChannel{peer, Sat(1'000'000), Msat(0), {}, {}})), "");
    world.mine(7);
    world.run_for(5'000);
  }
  auto known = [&] { return number_of(world.ask(s, command::GetInfo{}), "graph_channels"); };
  for (int tries = 0; tries < 60 && known() < 3; ++tries) world.run_for(1'000);
  ASSERT_EQ(known(), 3U);
  auto made = world.ask(m, command::CreateInvoice{Msat(kAmount), "tea", std::nullopt, std::nullopt});
  command::Pay pay;
  pay.offer = text_of(made, "invoice");
  auto paid = world.ask(s, pay);
  EXPECT_EQ(error_of(paid), "");
  EXPECT_EQ(text_of(paid, "state"), "settled");
  EXPECT_GT(number_of(paid, "fee_msat"), 10'000U);  // two forwarders: the direct way has one
}

}  // namespace
}  // namespace doze::sim
