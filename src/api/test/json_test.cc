// JSON bodies as arguments, and answers as JSON.
#include "api/json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "effects/test/hostile_texts.h"

namespace doze::api {
namespace {

std::string refusal(std::string_view body) {
  auto arguments = parse_body(body);
  if (arguments) return "";
  EXPECT_EQ(arguments.error().code, CommandErrorCode::BadRequest);
  EXPECT_FALSE(arguments.error().message.empty());
  return arguments.error().message;
}

TEST(Body, FlatObjectsAreArguments) {
  auto arguments = parse_body(
      R"({"a": true, "b": 0, "c": 18446744073709551615, "d": "x\u00fc", "e": null, "f": 9223372036854775807})");
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->size(), 5U);
  EXPECT_EQ(std::get<bool>(arguments->at("a")), true);
  EXPECT_EQ(std::get<std::uint64_t>(arguments->at("b")), 0U);
  EXPECT_EQ(std::get<std::uint64_t>(arguments->at("c")), UINT64_MAX);
  EXPECT_EQ(std::get<std::string>(arguments->at("d")), "x\xc3\xbc");
  EXPECT_EQ(std::get<std::uint64_t>(arguments->at("f")), 9'223'372'036'854'775'807U);
  for (const auto* empty : {"", " ", "\r\n\t", "{}", " {} "}) {
    auto none = parse_body(empty);
    ASSERT_TRUE(none) << empty;
    EXPECT_TRUE(none->empty());
  }
}

TEST(Body, EverythingElseIsRefused) {
  for (const auto* body : {"[]", "1", "\"a\"", "null", "true"})
    EXPECT_EQ(refusal(body), "body: expected one JSON object with the arguments") << body;
  for (const auto* body : {"{", "{\"a\":}", "{\"a\":1}}", "{\"a\":1} x", "{'a':1}", "{\"a\":1,}", "{\"a\":NaN}",
                           "{\"a\":\"\xff\"}", "{\"a\":[[[[[[1]]]]]]}", "// no\n{}"})
    EXPECT_TRUE(refusal(body).starts_with("body: expected JSON")) << body << ": " << refusal(body);
  for (const auto* value : {"-1", "1.0", "1e3", "18446744073709551616", "[]", "{}", "[1]"})
    EXPECT_TRUE(refusal("{\"amount_msat\": " + std::string(value) + "}").starts_with("amount_msat: expected")) << value;
  EXPECT_EQ(refusal("{\"a\\u001b\\n\": []}").find('\n'), std::string::npos);
}

TEST(Body, TenThousandLevelsAreRefusedAndNotDescendedInto) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep = "{\"a\":";
    for (int i = 0; i < 10'000; ++i) deep += open;
    EXPECT_TRUE(refusal(deep).starts_with("body: expected JSON"));
  }
}

TEST(Answer, ValuesBecomeJson) {
  Value value;
  value.set("text", "a\"b").set("number", UINT64_MAX).set("flag", true);
  value.set("list", Value(List{Value(std::uint64_t{1}), Value("x")}));
  EXPECT_EQ(boost::json::serialize(to_json(value)),
            R"({"text":"a\"b","number":18446744073709551615,"flag":true,"list":[1,"x"]})");
}

TEST(Answer, ErrorsCarryCodeMessageAndNumbers) {
  CommandError error{CommandErrorCode::Expired, "the offer has expired", {}};
  error.numbers.emplace_back("expired_at", Value(std::uint64_t{5}));
  auto text = boost::json::serialize(to_json(error));
  EXPECT_EQ(text, "{\"error\":{\"code\":\"" + std::string(name(CommandErrorCode::Expired)) +
                      "\",\"message\":\"the offer has expired\",\"expired_at\":5}}");
}

TEST(Json, text_of_strangers_is_the_same_text_for_programs_and_harmless_on_a_terminal) {
  const std::string said = "a\\b\n\x1b[2J \xc2\x9b \xe2\x80\xae \xf3\xa0\x80\xa1 käse";
  auto text = json_text(to_json(Value().set("description", said)));
  EXPECT_EQ(text, R"({"description":"a\\b\n\u001b[2J \u009b \u202e \udb40\udc21 käse"})");
  EXPECT_EQ(boost::json::parse(text).at("description").as_string(), said);
  EXPECT_EQ(json_text(to_json(Value("a\xff"))), R"("a\ufffd")");  // no UTF-8: JSON cannot hold it
}

// A line of the log is an event and such a text.
TEST(Json, hostile_texts_stay_in_one_line_that_reads_back) {
  for (const auto& said : test::hostile_texts()) {
    auto text = json_text(to_json(Value().set("warning", said)));
    EXPECT_EQ(printable(text), text) << "something that moves a cursor, ends a line or turns it round";
    auto read = boost::json::parse(text);
    ASSERT_EQ(read.as_object().size(), 1U);
    if (is_utf8(bytes_of(said))) {
      EXPECT_EQ(read.at("warning").as_string(), said);
    }
  }
}

}  // namespace
}  // namespace doze::api
