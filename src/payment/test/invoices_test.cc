// HTLCs that pay an invoice of BOLT 11, with payloads that no payer of ours would send.
#include <algorithm>

#include "fake_node.h"
#include "offers/bolt11.h"

namespace doze::payment {
namespace {

constexpr Msat kAmount{50'000};
constexpr BlockHeight kTip{700};

struct Wrong {
  std::uint16_t code = 0;
  Bytes data;
};

class PlainHtlc : public ::testing::Test, protected testing::FakeNode {
 protected:
  PlainHtlc() : FakeNode(1, Role::Client) {
    tip = kTip;
    wall = UnixTime(1'790'000'000);
  }
  std::uint64_t next_htlc = 0;
  std::vector<SharedSecret> secrets;

  void SetUp() override {
    ChannelView channel;
    channel.phase = ChannelPhase::Normal;
    channel.announced = channel.usable = true;
    channel.scid = ShortChannelId::of(600, 1, 0);
    channels.emplace(channel.channel_id, channel);
    wire::ChannelAnnouncement announcement;
    announcement.short_channel_id = *channel.scid;
    announcement.node_id_2.bytes[32] = 1;
    ASSERT_TRUE(graph.add_channel(announcement, {}, std::nullopt, wall).has_value());
  }
  offers::Bolt11Invoice issue(std::optional<Msat> amount = kAmount) {
    auto said = step(CommandReceived{1, command::CreateInvoice{amount, "tea", std::nullopt, std::nullopt}});
    for (const auto& effect : said)
      if (const auto* reply = std::get_if<Reply>(&effect))
        if (const auto* value = std::get_if<Value>(&reply->result))
          return *offers::Bolt11Invoice::parse(std::get<std::string>(value->find("invoice")->inner()));
    ADD_FAILURE() << "no invoice";
    std::abort();
  }
  static onion::FinalPayload payload(const offers::Bolt11Invoice& invoice) {
    onion::FinalPayload out;
    out.amt_to_forward = out.total_amount_msat.emplace(kAmount);
    out.outgoing_cltv_value = kTip + CltvDelta(50);
    out.payment_secret = invoice.payment_secret();
    return out;
  }
  Effects receive(const offers::Bolt11Invoice& invoice, const onion::FinalPayload& payload, Msat amount = kAmount,
                  CltvExpiry expiry = kTip + CltvDelta(50), bool too_much_dust = false) {
    auto key = *crypto::parse_private_key(Bytes(32, 9));
    std::vector<onion::Hop> hops{{signer->node_id(), onion::with_length(onion::encode(payload))}};
    secrets = onion::shared_secrets(key, {signer->node_id()});
    HtlcReceived word;
    word.too_much_dust = too_much_dust;
    word.htlc.id = next_htlc++;
    word.htlc.amount_msat = amount;
    word.htlc.cltv_expiry = expiry;
    word.htlc.payment_hash = invoice.payment_hash();
    word.htlc.onion_routing_packet =
        *onion::build_packet(key, hops, invoice.payment_hash().view(), onion::kPaymentPayloads);
    return step(word);
  }
  static std::optional<Preimage> claimed(const Effects& said) {
    for (const auto& effect : said)
      if (const auto* fulfill = std::get_if<FulfillHtlc>(&effect)) return fulfill->preimage;
    return std::nullopt;
  }
  /// The failure as the payer reads it.
  Wrong failed(const Effects& said) {
    for (const auto& effect : said)
      if (const auto* failure = std::get_if<FailHtlc>(&effect)) {
        auto read = onion::decode_failure(secrets, failure->reason);
        if (read) return {read->code, read->data};
      }
    return {};
  }
};

TEST_F(PlainHtlc, that_fits_is_claimed_with_the_preimage_and_only_once) {
  auto invoice = issue();
  auto preimage = claimed(receive(invoice, payload(invoice)));
  ASSERT_TRUE(preimage);
  EXPECT_EQ(crypto::payment_hash(*preimage), invoice.payment_hash());
  EXPECT_EQ(failed(receive(invoice, payload(invoice))).code, onion::kIncorrectOrUnknownPaymentDetails);
}

TEST_F(PlainHtlc, an_invoice_always_says_when_it_expires_and_its_final_delta) {
  auto fields = issue().terms().fields;
  auto written = [&](const offers::bolt11::Field& wanted) { return std::ranges::count(fields, wanted) == 1; };
  EXPECT_TRUE(written(offers::bolt11::Expiry{3'600}));
  EXPECT_TRUE(written(offers::bolt11::MinFinalCltvExpiryDelta{CltvDelta(44)}));
}

TEST_F(PlainHtlc, refusal_names_amount_and_height) {
  auto invoice = issue();
  auto wrong = payload(invoice);
  wrong.payment_secret->bytes[0] ^= 1;
  auto refused = failed(receive(invoice, wrong));
  EXPECT_EQ(refused.code, onion::kIncorrectOrUnknownPaymentDetails);
  EXPECT_EQ(to_hex(refused.data), "000000000000c350000002bc");
  EXPECT_TRUE(claimed(receive(invoice, payload(invoice))));
}

TEST_F(PlainHtlc, too_much_dust_is_not_claimed) {
  auto invoice = issue();
  auto refused = failed(receive(invoice, payload(invoice), kAmount, kTip + CltvDelta(50), true));
  EXPECT_EQ(refused.code, onion::kTemporaryNodeFailure);
  EXPECT_TRUE(claimed(receive(invoice, payload(invoice))));
}

// [B4-mpp-02]
TEST_F(PlainHtlc, part_of_a_payment_is_refused) {
  auto invoice = issue();
  auto part = payload(invoice);
  part.total_amount_msat = Msat(2 * kAmount.value());
  EXPECT_EQ(failed(receive(invoice, part)).code, onion::kIncorrectOrUnknownPaymentDetails);
  part.total_amount_msat = Msat(kAmount.value() - 1);
  EXPECT_EQ(failed(receive(invoice, part)).code, onion::kIncorrectOrUnknownPaymentDetails);
}

// [B4-read-20, B4-read-21, B4-fail-10]
TEST_F(PlainHtlc, that_was_cut_short_on_the_way_is_refused_with_what_came) {
  auto invoice = issue();
  auto less = failed(receive(invoice, payload(invoice), Msat(kAmount.value() - 1)));
  EXPECT_EQ(less.code, onion::kFinalIncorrectHtlcAmount);
  EXPECT_EQ(to_hex(less.data), "000000000000c34f");
  auto sooner = failed(receive(invoice, payload(invoice), kAmount, kTip + CltvDelta(49)));
  EXPECT_EQ(sooner.code, onion::kFinalIncorrectCltvExpiry);
  EXPECT_EQ(to_hex(sooner.data), "000002ed");
}

// [B4-fail-08]
TEST_F(PlainHtlc, of_more_than_twice_the_amount_by_one_msat_is_refused) {
  auto invoice = issue();
  EXPECT_EQ(failed(receive(invoice, payload(invoice), Msat(2 * kAmount.value() + 1))).code,
            onion::kIncorrectOrUnknownPaymentDetails);
  EXPECT_TRUE(claimed(receive(invoice, payload(invoice), Msat(2 * kAmount.value()))));
}

// [B4-fail-06]
TEST_F(PlainHtlc, without_payment_data_is_refused) {
  auto invoice = issue();
  auto bare = payload(invoice);
  bare.payment_secret.reset();
  EXPECT_EQ(failed(receive(invoice, bare)).code, onion::kIncorrectOrUnknownPaymentDetails);
}

TEST_F(PlainHtlc, may_bring_any_amount_for_an_invoice_without_one) {
  auto invoice = issue(std::nullopt);
  auto much = payload(invoice);
  much.amt_to_forward = much.total_amount_msat.emplace(Msat(7'000'000));
  EXPECT_TRUE(claimed(receive(invoice, much, Msat(7'000'000))));
}

TEST_F(PlainHtlc, with_the_last_blocks_that_are_enough_is_claimed) {
  auto invoice = issue();
  auto late = payload(invoice);
  late.outgoing_cltv_value = kTip + CltvDelta(40);
  EXPECT_EQ(failed(receive(invoice, late, kAmount, late.outgoing_cltv_value)).code,
            onion::kIncorrectOrUnknownPaymentDetails);
  late.outgoing_cltv_value = kTip + CltvDelta(41);
  EXPECT_TRUE(claimed(receive(invoice, late, kAmount, late.outgoing_cltv_value)));
}

// A hop that sends an HTLC of its own to find out who is paid, and what for, sees the same bytes whatever is wrong.
// [B4-fail-05, B4-fail-06, B4-fail-07, B4-fail-09]
TEST_F(PlainHtlc, of_every_kind_that_a_prober_can_make_is_refused_with_the_same_bytes) {
  auto reason = [&](const offers::Bolt11Invoice& invoice, const onion::FinalPayload& payload) {
    for (const auto& effect : receive(invoice, payload))
      if (const auto* failure = std::get_if<FailHtlc>(&effect)) return failure->reason;
    return Bytes{};
  };
  auto invoice = issue(), paid = issue(), dearer = issue(Msat(kAmount.value() + 1)), tiny = issue(Msat(1));
  std::vector<Bytes> answers;
  auto wrong_secret = payload(invoice);
  wrong_secret.payment_secret->bytes[31] ^= 1;
  answers.push_back(reason(invoice, wrong_secret));
  auto part = payload(invoice);
  part.total_amount_msat = Msat(2 * kAmount.value());
  answers.push_back(reason(invoice, part));
  answers.push_back(reason(dearer, payload(dearer)));
  answers.push_back(reason(tiny, payload(tiny)));  // more than twice
  ASSERT_TRUE(claimed(receive(paid, payload(paid))));
  answers.push_back(reason(paid, payload(paid)));
  tip = BlockHeight(kTip.value() + 50);  // too late; the height is told
  auto late = reason(invoice, payload(invoice));
  EXPECT_EQ(late.size(), answers[0].size());
  tip = kTip;
  wall = after_s(wall, 3'601);
  answers.push_back(reason(invoice, payload(invoice)));  // expired
  auto unknown = std::exchange(room, Payments{});
  answers.push_back(reason(invoice, payload(invoice)));
  for (const auto& answer : answers) {
    ASSERT_FALSE(answer.empty());
    EXPECT_EQ(answer, answers[0]);
  }
}

// The oldest that can be paid no more makes room; while all can be paid nothing does.
TEST_F(PlainHtlc, invoices_are_limited_in_number) {
  auto refused = [&] {
    for (const auto& effect : step(CommandReceived{1, command::CreateInvoice{kAmount, "", std::nullopt, std::nullopt}}))
      if (const auto* reply = std::get_if<Reply>(&effect))
        if (const auto* error = std::get_if<CommandError>(&reply->result))
          return error->code == CommandErrorCode::Limit;
    return false;
  };
  for (std::size_t i = 0; i < 10'000; ++i) ASSERT_FALSE(refused()) << i;
  EXPECT_TRUE(refused());
  wall = after_s(wall, 3'601);
  EXPECT_FALSE(refused());
}

}  // namespace
}  // namespace doze::payment
