// BIP 321: what a link that asks for money says, and what it must not make us pay.
#include "toolbox/payment_link.h"

#include <gtest/gtest.h>

#include "samples.h"
#include "toolbox/decode.h"

namespace doze::toolbox {
namespace {

using namespace testing;

const std::string kAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
// BOLT 11, "Examples": a cup of coffee, 250,000 sat; a donation of any amount.
const std::string kCoffee =
    "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqc"
    "yq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06f"
    "v3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";

std::string offer_of(std::optional<Msat> amount, std::optional<std::uint64_t> quantity_max = std::nullopt) {
  offers::OfferTerms terms;
  terms.amount = amount;
  terms.description = "tea";
  terms.quantity_max = quantity_max;
  terms.issuer_id = point(7);
  return offers::Offer::make(terms)->text();
}
std::string why_not(const std::string& text, std::optional<Msat> amount = std::nullopt) {
  auto read = read_payable(text, amount);
  return read ? "payable: " + read->text : read.error().text();
}
#define EXPECT_REFUSED(text, part) EXPECT_NE(why_not(text).find(part), std::string::npos) << why_not(text)

TEST(PaymentLink, A_required_parameter_that_we_do_not_know_makes_the_whole_link_invalid) {
  for (const auto* name : {"req-test", "REQ-Test", "req-somethingyoudontunderstand"}) {
    auto link = "bitcoin:?lno=" + offer_of(Msat(5'000'000)) + "&" + name + "=1";
    EXPECT_REFUSED(link, "does not know");
    EXPECT_FALSE(decode(link).has_value());
  }
  EXPECT_REFUSED("bitcoin:?lno=" + offer_of(Msat(5'000'000)) + "&req-pop=app%3a", "proof of payment");
  // Without the prefix unknown parameters are ignored, and said.
  auto read = read_payment_link("bitcoin:?lno=" + offer_of(Msat(5'000'000)) + "&test=1&pop=app%3a");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->ignored, std::vector<std::string>{"test"});
  EXPECT_EQ(read_payable("bitcoin:?req-lno=" + offer_of(Msat(1000)))->text, offer_of(Msat(1000)));
}

TEST(PaymentLink, The_amount_of_the_link_is_paid_where_the_offer_leaves_it_open) {
  auto read = read_payable("bitcoin:?amount=0.001&lno=" + offer_of(std::nullopt));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->amount, Msat(100'000'000));
  EXPECT_EQ(read_payable("bitcoin:?lno=" + offer_of(Msat(5000)))->amount, std::nullopt);
  EXPECT_EQ(read_payable("bitcoin:?amount=0.00005&lno=" + offer_of(Msat(5'000'000)))->amount, Msat(5'000'000));
  EXPECT_EQ(read_payable("bitcoin:?amount=.00000000001&lno=" + offer_of(std::nullopt))->amount, Msat(1));
}

TEST(PaymentLink, Two_different_amounts_are_refused_and_both_are_shown) {
  auto offer = "bitcoin:?amount=0.001&lno=" + offer_of(Msat(5'000'000));
  EXPECT_REFUSED(offer, "the link has 100000 sat, the offer in it has 5000 sat");
  EXPECT_FALSE(decode(offer).has_value());
  EXPECT_REFUSED("bitcoin:?amount=0.0026&lightning=" + kCoffee,
                 "the link has 260000 sat, the invoice in it has 250000 sat");
  EXPECT_NE(why_not("bitcoin:?amount=0.001&lno=" + offer_of(std::nullopt), Msat(5'000))
                .find("the link has 100000 sat, --amount has 5 sat"),
            std::string::npos);
  EXPECT_TRUE(read_payable("bitcoin:?amount=0.0025&lightning=" + kCoffee).has_value());
}

TEST(PaymentLink, The_price_of_an_offer_counts_for_as_many_items_as_are_bought) {
  auto link = "bitcoin:?amount=0.0001&lno=" + offer_of(Msat(5'000'000), 5);
  EXPECT_EQ(read_payable(link, std::nullopt, 2)->amount, Msat(10'000'000));
  EXPECT_FALSE(read_payable(link, std::nullopt, 3).has_value());
}

TEST(PaymentLink, Alternatives_are_tried_in_order_until_one_can_be_read) {
  auto good = offer_of(Msat(250'000'000)), other = offer_of(std::nullopt);
  auto read = read_payable("bitcoin:" + kAddress + "?lightning=" + kCoffee + "&lno=lno1qqqqq");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->text, kCoffee);
  ASSERT_FALSE(read->notes.empty());
  EXPECT_NE(read->notes[0].find("'lno=' of the link was skipped"), std::string::npos) << read->notes[0];
  // An offer goes before an invoice; of two offers the first.
  EXPECT_EQ(read_payable("bitcoin:?lightning=" + kCoffee + "&lno=" + good)->text, good);
  read = read_payable("bitcoin:?lno=" + other + "&lno=" + good);
  EXPECT_EQ(read->text, other);
  EXPECT_NE(read->notes.back().find("2 payment instructions"), std::string::npos) << read->notes.back();
  EXPECT_REFUSED("bitcoin:?lno=lno1qqqqq&lightning=lnbc1x", "none of its payment instructions is readable");
}

TEST(PaymentLink, Capitals_of_QR_codes_are_read) {
  auto upper = [](std::string text) {
    for (auto& c : text)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
  };
  auto read = read_payable(upper("bitcoin:" + kAddress + "?amount=0.0025&lightning=" + kCoffee));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->amount, Msat(250'000'000));
  EXPECT_EQ(read->text, upper(kCoffee));
}

TEST(PaymentLink, Keys_that_may_come_once_are_refused_twice) {
  auto lno = "bitcoin:?lno=" + offer_of(std::nullopt);
  for (const auto* twice : {"&amount=42&amount=10", "&amount=42&amount=42", "&label=a&label=b", "&message=a&Message=a",
                            "&pop=callback%3a&req-pop=callback%3a"})
    EXPECT_REFUSED(lno + twice, "twice");
  EXPECT_TRUE(read_payable(lno + "&unknown=1&unknown=2").has_value());
}

TEST(PaymentLink, Amounts_that_are_no_decimal_number_of_bitcoin_are_refused) {
  auto lno = "bitcoin:?lno=" + offer_of(std::nullopt) + "&amount=";
  for (const auto* amount : {"", ".", "50,000.00", "-1", "1e3", "0x10", "0", "0.0", "21000001", "0.000000000001",
                             "1.2.3", "99999999999999999999"})
    EXPECT_REFUSED(lno + amount, "decimal number of bitcoin");
}

TEST(PaymentLink, Addresses_are_checked_and_belong_to_the_network_of_their_key) {
  EXPECT_REFUSED("bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?lno=" + offer_of(std::nullopt),
                 "its address is not valid");
  EXPECT_REFUSED("bitcoin:?bc=tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq&lno=" + offer_of(std::nullopt),
                 "another network");
  EXPECT_REFUSED("bitcoin:" + kAddress + "?amount=0.5", "only a payment on chain");
  EXPECT_REFUSED("bitcoin:?bcrt=" + kAddress, "only a payment on chain");
  EXPECT_REFUSED("bitcoin:", "no payment instruction");
  EXPECT_REFUSED("bitcoin:?sp=sp1qsilentpayment", "no payment instruction");
}

TEST(PaymentLink, Label_and_message_are_decoded_and_shown) {
  auto read = decode("bitcoin:" + kAddress + "?lno=" + offer_of(std::nullopt) +
                     "&label=Tea%20house&message=Order%2017#fragment");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(text_in(*read, "type"), "offer");
  const auto* link = read->find("link");
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(text_in(*link, "label"), "Tea house");
  EXPECT_EQ(text_in(*link, "message"), "Order 17");
  EXPECT_EQ(text_in(*link, "address"), kAddress);
}

TEST(PaymentLink, Web_links_with_an_offer_are_links_and_others_are_not) {
  EXPECT_EQ(read_payable("https://pay.example/?LNO=" + offer_of(std::nullopt))->text, offer_of(std::nullopt));
  EXPECT_FALSE(is_payment_link("https://example.org/?page=1"));
}

TEST(PaymentLink, What_follows_an_offer_behind_lightning_is_left_out) {
  auto offer = offer_of(Msat(1000));
  for (const auto* tail : {"?amount=1", "#x", "?a=b#c"})
    EXPECT_EQ(read_payable("lightning:" + offer + tail)->text, offer);
}

TEST(PaymentLink, Any_cut_and_any_changed_byte_of_a_link_is_read_or_refused) {
  const auto link =
      "bitcoin:" + kAddress + "?amount=0.0025&label=%41&lightning=" + kCoffee + "&lno=" + offer_of(Msat(250'000'000));
  for (std::size_t at = 0; at < link.size(); ++at) {
    (void)read_payable(link.substr(0, at));
    for (char c : {'%', '&', '=', '?', '#', '\0', '\xff'}) {
      auto changed = link;
      changed[at] = c;
      auto read = read_payable(changed);
      if (read && is_payment_link(changed) && read->amount) {
        EXPECT_LE(*read->amount, Msat(250'000'000)) << changed;
      }
    }
  }
}

}  // namespace
}  // namespace doze::toolbox
