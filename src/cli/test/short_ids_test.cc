// What a table shows can be given to the next command.
#include "cli/short_ids.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace doze::cli {
namespace {

const rpc::Param& param_of(const char* method, const char* name) {
  for (const auto& param : rpc::find_method(method)->params)
    if (param.name == name) return param;
  LN_ASSERT(false);
}

TEST(ShortIds, are_looked_up_in_the_list_that_shows_them) {
  const auto& channel = param_of("closechannel", "channel_id");
  const auto* list = list_for(channel, "7f3c1a2b…");
  ASSERT_NE(list, nullptr);
  EXPECT_STREQ(list->method, "listchannels");
  EXPECT_EQ(list_for(channel, "7f3c1a2b"), list);
  EXPECT_STREQ(list_for(param_of("getpayment", "payment_id"), "7f3c1a2b")->method, "listpayments");
  EXPECT_STREQ(list_for(param_of("openchannel", "node_id"), "02ab1a2b")->method, "listpeers");
  for (const auto& text : {std::string(64, '7'), std::string("7f3c1a2"), std::string("7f3c1a2x"), std::string()})
    EXPECT_EQ(list_for(channel, text), nullptr) << text;
  EXPECT_EQ(list_for(param_of("pay", "offer"), "7f3c1a2b"), nullptr);
}

TEST(ShortIds, name_one_row_or_none) {
  const auto* list = list_for(param_of("getpayment", "payment_id"), "aaaaaaaa");
  auto answer = boost::json::parse(R"({"payments":[{"payment_id":"aaaaaaaa11","payment_hash":"cccccccc11"},
      {"payment_hash":"bbbbbbbb22"},{"payment_id":"dddddddd33"},{"payment_id":"dddddddd44"}]})");
  EXPECT_EQ(*whole_id(*list, "aaaaaaaa…", answer), "aaaaaaaa11");
  EXPECT_EQ(*whole_id(*list, "bbbbbbbb", answer), "bbbbbbbb22");
  EXPECT_EQ(whole_id(*list, "dddddddd", answer).error(),
            "payment_id: several of listpayments begin with dddddddd: give the whole id, as doze --long listpayments "
            "shows it");
  EXPECT_NE(whole_id(*list, "eeeeeeee", answer).error().find("none of listpayments"), std::string::npos);
  EXPECT_FALSE(whole_id(*list, "aaaaaaaa", boost::json::value("odd")));
}

}  // namespace
}  // namespace doze::cli
