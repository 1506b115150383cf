// What a newcomer pastes: each answer says what it is, or what to do.
#include <gtest/gtest.h>

#include <algorithm>

#include "samples.h"
#include "toolbox/decode.h"

namespace doze::toolbox {
namespace {

using namespace testing;

struct Case {
  std::string name;
  std::string pasted;
  std::string expected;  // the type, or with a "!" in front: part of what the answer says
};

std::string upper(std::string text) {
  for (auto& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}
std::string folded(const std::string& text, std::size_t width, const std::string& with) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += width) out += (i == 0 ? "" : with) + text.substr(i, width);
  return out;
}
std::string replaced(std::string text, std::size_t at, char c) {
  text[at] = c;
  return text;
}

// BOLT 11, "Examples": a cup of coffee.
const std::string kBolt11 =
    "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqc"
    "y"
    "q5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv"
    "3"
    "qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
#if __has_include("offers/bolt11.h")
const std::string kBolt11Answer = "bolt11_invoice";
#else
const std::string kBolt11Answer = "!BOLT 11";
#endif

std::vector<Case> cases() {
  const auto lno = offer().text();
  const auto hex_offer = to_hex(offer().bytes());
  const auto lnai = invitation().text();
  const auto add = to_hex(wire::encode(held_htlc()));
  const std::string tx =
      "02000000000101000000000000000000000000000000000000000000000000000000000000000000000000000000000001e8030000000000"
      "0016"
      "00140000000000000000000000000000000000000000010100"
      "00000000";
  const std::string words =
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
  return {
      {"an_offer", lno, "offer"},
      {"an_offer_with_a_line_feed", lno + "\n", "offer"},
      {"an_offer_from_a_qr_code", upper(lno), "offer"},
      {"an_offer_with_lightning_in_front", "lightning:" + lno, "offer"},
      {"an_offer_with_capital_lightning", "LIGHTNING:" + upper(lno), "offer"},
      {"an_offer_with_slashes", "lightning://" + lno, "offer"},
      {"bip21_with_only_an_offer", "bitcoin:?lno=" + lno, "offer"},
      {"bip21_with_an_address_and_an_offer",
       "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?lno=" + lno + "&label=x", "offer"},
      {"bip21_in_capitals", "BITCOIN:?LNO=" + upper(lno), "offer"},
      {"bip21_with_lightning", "bitcoin:?lightning=" + lno, "offer"},
      {"a_web_link", "https://shop.example/pay?lno=" + lno, "offer"},
      {"an_offer_in_quotes", "\"" + lno + "\"", "offer"},
      {"an_offer_in_typographic_quotes", "\xe2\x80\x9c" + lno + "\xe2\x80\x9d", "offer"},
      {"an_offer_in_a_mail", "> " + lno, "offer"},
      {"an_offer_over_several_lines", folded(lno, 64, "\n"), "offer"},
      {"an_offer_over_several_indented_lines", folded(lno, 64, "\r\n   "), "offer"},
      {"an_offer_joined_as_the_bolt_says", folded(lno, 64, "+\n"), "offer"},
      {"an_offer_at_the_end_of_a_sentence", lno + ".", "offer"},
      {"an_offer_inside_a_sentence", "please pay " + lno + " by Friday", "offer"},
      {"an_offer_with_words_behind_it", lno + " thanks a lot", "offer"},
      {"an_offer_in_json", "{\"offer\": \"" + lno + "\", \"active\": true}", "offer"},
      {"an_offer_with_zero_width_characters", folded(lno, 50, "\xe2\x80\x8b"), "offer"},
      {"an_offer_in_hex", hex_offer, "offer"},
      {"hex_with_0x", "0x" + hex_offer, "offer"},
      {"hex_in_capitals_and_groups", folded(upper(hex_offer), 4, " "), "offer"},
      {"hex_with_colons", folded(hex_offer, 2, ":"), "offer"},
      {"an_invitation", lnai, "invitation"},
      {"a_raw_invitation", invitation().raw_text(), "invitation"},
      {"an_invoice_request", to_hex(request().bytes()), "invoice_request"},
      {"an_invoice", invoice().text(), "invoice"},
      {"a_static_invoice", to_hex(static_invoice(Profile::Ldk).bytes()), "static_invoice"},
      {"a_static_invoice_of_the_draft", to_hex(static_invoice(Profile::Draft).bytes()), "static_invoice"},
      {"a_blinded_path", to_hex(wire::to_bytes(path(0x50))), "blinded_path"},
      {"a_message", add, "message"},
      {"a_transaction", tx, "transaction"},
      {"an_address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "address"},
      {"an_address_in_a_link", "bitcoin:BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080?amount=1", "address"},
      {"a_node_id", point(9).hex(), "node_id"},
      {"a_node_id_with_an_address", point(9).hex() + "@127.0.0.1:9735", "node_id"},
      {"nothing", "  \n", "!the text is empty"},
      {"a_letter_o_for_a_zero", replaced(lno, 30, 'o'), "!at character 31"},
      {"a_letter_o_explained", replaced(lno, 30, 'o'), "!probably the digit 0"},
      {"a_letter_b", replaced(lno, 12, 'b'), "!an 8 or a 6"},
      {"one_capital_letter", "L" + lno.substr(1), "!mixed"},
      {"a_shortened_offer", lno.substr(0, 40) + "...", "!cut short"},
      {"an_offer_without_its_end", lno.substr(0, 100), "!truncated"},
      {"an_offer_with_another_character", replaced(lno, 200, lno[200] == 'q' ? 'p' : 'q'), "!not a valid offer"},
      {"an_odd_number_of_hex_digits", hex_offer.substr(1), "!odd number"},
      {"hex_with_a_letter_that_is_none", replaced(hex_offer, 9, 'g'), "!character 10"},
      {"seed_words", words, "!Never paste"},
      {"an_extended_private_key", "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5",
       "!private key"},
      {"a_lightning_address", "alice@shop.example", "!alice.user._bitcoin-payment.shop.example"},
      {"a_human_readable_name",
       "\xe2\x82\xbf"
       "alice@shop.example",
       "!alice.user._bitcoin-payment.shop.example"},
      {"an_lnurl", "LNURL1DP68GURN8GHJ7AMPD3KX2AR0VEEKZAR0WD5XJTNRDAKJ7TNHV4KXCTTTDEHHWM30D3H82UNVWQHKK", "!LNURL"},
      {"an_invoice_of_bolt_11", kBolt11, kBolt11Answer},
      {"an_invoice_of_bolt_11_in_capitals", "LIGHTNING:" + upper(kBolt11), kBolt11Answer},
      {"a_txid", std::string(64, 'a'), "!32 bytes"},
      {"a_word", "hello", "!Expected"},
      {"a_mistyped_address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081", "!at character 44"},
      {"an_address_with_another_character", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q", "!copy it again"},
      {"a_node_id_off_the_curve", "02" + std::string(62, '0') + "05", "!no point"},
      {"a_message_cut_short", add.substr(0, 120), "!truncated"},
  };
}

class Paste : public ::testing::TestWithParam<Case> {};

TEST_P(Paste, is_answered_helpfully) {
  const auto& each = GetParam();
  auto read = decode(each.pasted);
  if (each.expected[0] != '!') {
    ASSERT_TRUE(read.has_value()) << read.error().text();
    EXPECT_EQ(text(*read, "type"), each.expected);
    return;
  }
  ASSERT_FALSE(read.has_value()) << text(*read, "type");
  auto answer = read.error().text();
  EXPECT_NE((answer + "\n").find(each.expected.substr(1)), std::string::npos) << answer;
}

INSTANTIATE_TEST_SUITE_P(Newcomers, Paste, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

TEST(Paste, has_at_least_forty_objects) {
  EXPECT_GE(cases().size(), 40u);
}

}  // namespace
}  // namespace doze::toolbox
