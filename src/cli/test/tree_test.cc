#include "cli/tree.h"

#include <gtest/gtest.h>

#include "api/json.h"

namespace doze::cli {
namespace {

TEST(Tree, what_is_inside_stands_indented_below) {
  auto value = boost::json::parse(
      R"({"type":"x","amount_msat":5000,"at":"2025-01-01T00:00:00Z","at_unix":1735689600,"paths":[{"a":1,"hops":["p","q"]},{"a":2}],"none":[]})");
  EXPECT_EQ(to_tree(value),
            "type         x\n"
            "amount_msat  5000 msat (5 sat)\n"
            "at           2025-01-01T00:00:00Z\n"
            "paths:\n"
            "  - a  1\n"
            "    hops:\n"
            "      p\n"
            "      q\n"
            "  - a  2\n"
            "none:  (none)\n");
}

TEST(Tree, a_value_goes_through_json_and_back) {
  Value value;
  value.set("text", "a\"b").set("number", std::uint64_t{18'446'744'073'709'551'615ULL}).set("flag", true);
  value.set("list", List{Value(1), Value("x"), Value()}).set("inner", Value().set("a", false));
  auto text = pretty(api::to_json(value));
  EXPECT_EQ(pretty(api::to_json(value_of(boost::json::parse(text)))), text);
  EXPECT_EQ(text.substr(0, 20), "{\n \"text\": \"a\\\"b\",\n ");
}

}  // namespace
}  // namespace doze::cli
