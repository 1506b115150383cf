// What a table shows can be given to the next command.
#include "cli/short_ids.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace doze::cli {
namespace {

const api::Param& param_of(const char* method, const char* name) {
  for (const auto& param : api::find_method(method)->params)
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

Result<std::string, std::string> whole_id(const IdList& list, const std::string& text,
                                          const boost::json::value& answer) {
  IdSearch search(list, text);
  EXPECT_FALSE(search.look_at(answer));
  return search.outcome();
}

TEST(ShortIds, are_looked_up_beyond_the_first_page_and_what_was_not_found_among_so_many_is_said) {
  const auto* list = list_for(param_of("getpayment", "payment_id"), "aaaaaaaa");
  auto page = [](const std::string& id, bool more) {
    return boost::json::parse(R"({"payments":[{"payment_id":")" + id + R"("},{"payment_id":"bb"}])" +
                              (more ? R"(,"next_before":"7-)" + id + "\"}" : "}"));
  };
  IdSearch second(*list, "aaaaaaaa…");
  EXPECT_EQ(second.look_at(page("cc", true)), "7-cc");
  EXPECT_EQ(second.look_at(page("aaaaaaaa11", true)), std::nullopt);
  EXPECT_EQ(*second.outcome(), "aaaaaaaa11");

  IdSearch last(*list, "aaaaaaaa");
  EXPECT_EQ(last.look_at(page("cc", true)), "7-cc");
  EXPECT_EQ(last.look_at(page("dd", false)), std::nullopt);
  EXPECT_TRUE(last.outcome().error().starts_with("payment_id: none of listpayments begins with aaaaaaaa"));

  IdSearch endless(*list, "aaaaaaaa");
  for (std::size_t i = 1; i < kPagesForShortId; ++i) EXPECT_TRUE(endless.look_at(page("cc", true)));
  EXPECT_FALSE(endless.look_at(page("cc", true)));
  EXPECT_EQ(
      endless.outcome().error(),
      "payment_id: none of the newest 20 of listpayments begins with aaaaaaaa: expected a whole id, as doze --long "
      "listpayments --before … shows it");
}

TEST(ShortIds, name_one_row_or_none) {
  const auto* list = list_for(param_of("getpayment", "payment_id"), "aaaaaaaa");
  auto answer = boost::json::parse(R"({"payments":[{"payment_id":"aaaaaaaa11","payment_hash":"cccccccc11"},
      {"payment_hash":"bbbbbbbb22"},{"payment_id":"dddddddd33"},{"payment_id":"dddddddd44"}]})");
  EXPECT_EQ(*whole_id(*list, "aaaaaaaa…", answer), "aaaaaaaa11");
  EXPECT_EQ(*whole_id(*list, "bbbbbbbb", answer), "bbbbbbbb22");
  EXPECT_EQ(whole_id(*list, "dddddddd", answer).error(),
            "payment_id: several of listpayments begin with dddddddd: expected a whole id, as doze --long listpayments "
            "shows it");
  EXPECT_NE(whole_id(*list, "eeeeeeee", answer).error().find("none of listpayments"), std::string::npos);
  EXPECT_FALSE(whole_id(*list, "aaaaaaaa", boost::json::value("odd")));
}

}  // namespace
}  // namespace doze::cli
