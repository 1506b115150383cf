#include "chain/decimal.h"

#include <gtest/gtest.h>

namespace doze::chain {
namespace {

TEST(ParseBitcoin, reads_every_satoshi) {
  EXPECT_EQ(parse_bitcoin("0.00000001"), Sat(1));
  EXPECT_EQ(parse_bitcoin("0.1"), Sat(10'000'000));
  EXPECT_EQ(parse_bitcoin("1"), Sat(100'000'000));
  EXPECT_EQ(parse_bitcoin("0"), Sat(0));
  EXPECT_EQ(parse_bitcoin("20999999.97690000"), Sat(2'099'999'997'690'000));
  EXPECT_EQ(parse_bitcoin("21000000.00000000"), Sat::max_money());
  // As a double this one would be 9007199254740993 / 10^8 rounded to an even number.
  EXPECT_EQ(parse_bitcoin("10000000.00000001"), Sat(1'000'000'000'000'001));
}

TEST(ParseBitcoin, refuses_what_bitcoind_never_writes) {
  for (const char* text : {"", ".", ".5", "1.", "-1", "+1", "1e-8", "0.000000001", "21000000.00000001", "100000000",
                           "999999999999999999999", "1,5", " 1", "1 ", "0x1", "nan", "1.2.3"}) {
    EXPECT_EQ(parse_bitcoin(text), std::nullopt) << text;
  }
}

TEST(QuoteDecimals, makes_strings_of_numbers_that_are_no_integers) {
  EXPECT_EQ(quote_decimals(R"({"a":0.10000000,"b":12,"c":-1,"d":1e-05,"e":[1.5,2]})"),
            R"({"a":"0.10000000","b":12,"c":-1,"d":"1e-05","e":["1.5",2]})");
}

TEST(QuoteDecimals, leaves_strings_alone) {
  for (const char* text : {R"({"x":"1.5"})", R"({"1.5":"a\"2.5\\"})", R"("0.1)", R"("\)", "", R"(["\\",true,null])"}) {
    EXPECT_EQ(quote_decimals(text), text);
  }
  EXPECT_EQ(quote_decimals(R"(["\\",1.5])"), R"(["\\","1.5"])");
}

}  // namespace
}  // namespace doze::chain
