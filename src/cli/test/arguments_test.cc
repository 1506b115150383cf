// What people type becomes what the API is asked, to the millisatoshi, or a line that helps.
#include "cli/arguments.h"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace doze::cli {
namespace {

std::string made(const char* method, const std::vector<std::string>& words) {
  auto out = arguments_of(*rpc::find_method(method), words);
  return out ? boost::json::serialize(*out) : "error: " + out.error();
}

TEST(Amounts, are_exact_in_every_unit) {
  EXPECT_EQ(parse_msat("250000"), 250'000U);
  EXPECT_EQ(parse_msat("250000msat"), 250'000U);
  EXPECT_EQ(parse_msat("250sat"), 250'000U);
  EXPECT_EQ(parse_msat("0.5sat"), 500U);
  EXPECT_EQ(parse_msat("0.0001btc"), 10'000'000U);
  EXPECT_EQ(parse_msat("0.00000000001btc"), 1U);
  EXPECT_EQ(parse_sat("250000"), 250'000U);
  EXPECT_EQ(parse_sat("250000sat"), 250'000U);
  EXPECT_EQ(parse_sat("0.05btc"), 5'000'000U);
}

TEST(Amounts, that_are_not_exact_or_too_large_are_nothing) {
  for (const auto* text : {"", ".", "1.", "sat", "-1", "+1", " 1", "1 sat", "1e3", "0.1", "0.1msat", "0.0001sat",
                           "0.000000000001btc", "1.2.3sat", "18446744073709551616", "184467440737095517sat", "0x10"})
    EXPECT_EQ(parse_msat(text), std::nullopt) << text;
  for (const auto* text : {"", "1.5", "1.5sat", "1000msat", "0.000000001btc"})
    EXPECT_EQ(parse_sat(text), std::nullopt) << text;
}

TEST(Arguments, amounts_go_with_or_without_their_unit_in_the_name) {
  EXPECT_EQ(made("pay", {"lno1x", "--amount", "250sat", "--max-fee", "3000"}),
            R"({"offer":"lno1x","amount_msat":250000,"max_fee_msat":3000})");
  EXPECT_EQ(made("pay", {"lno1x", "--amount-msat", "250000"}), R"({"offer":"lno1x","amount_msat":250000})");
  for (const auto* amount : {"1000", "1000sat", "0.00001btc"})
    EXPECT_EQ(made("sendtoaddress", {"a", amount}), R"({"address":"a","amount_sat":1000})");
  EXPECT_EQ(made("sendtoaddress", {"a", "all"}), R"({"address":"a","amount_sat":"all"})");
  EXPECT_TRUE(made("sendtoaddress", {"a", "1000msat"}).starts_with("error: amount_sat: "));
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out;
  bool quoted = false, open = false;
  for (char c : line) {
    if (c == '"') {
      quoted = !quoted;
      open = false;
      if (quoted) out.emplace_back();
    } else if (c == ' ' && !quoted) {
      open = false;
    } else {
      if (!open && !quoted) out.emplace_back();
      open = true;
      out.back().push_back(c);
    }
  }
  return out;
}

/// An example's words; what is shortened with "…" stands for a whole one.
std::string example(const rpc::Method& method) {
  const std::string node = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
  auto arguments = arguments_of(method, words_of(method.example));
  if (!arguments) return arguments.error();
  rpc::Arguments out;
  for (const auto& param : method.params) {
    const auto* value = arguments->if_contains(param.name);
    if (value == nullptr) continue;
    if (value->is_bool()) out[param.name] = value->as_bool();
    if (const auto* number = value->if_uint64()) out[param.name] = *number;
    if (!value->is_string()) continue;
    std::string text(value->as_string());
    if (text.find("…") != std::string::npos)
      text = param.kind == rpc::Kind::NodeId        ? node
             : param.kind == rpc::Kind::PeerAddress ? node + "@127.0.0.1:9735"
             : param.kind == rpc::Kind::Id          ? std::string(64, '7')
                                                    : text;
    out[param.name] = text;
  }
  auto command = rpc::parse(method, out);
  return command ? "" : command.error().message;
}

TEST(Arguments, every_example_of_the_help_is_a_command) {
  for (const auto& method : rpc::methods()) EXPECT_EQ(example(method), "") << method.name;
}

TEST(Arguments, flags_can_be_negated) {
  EXPECT_EQ(made("openchannel", {"--no-announce"}), R"({"announce":false})");
  EXPECT_EQ(made("pay", {"lno1x", "--no-hold"}), R"({"offer":"lno1x","no_hold":true})");  // an option of its own
}

TEST(Arguments, that_are_wrong_say_what_and_where_to_look) {
  EXPECT_EQ(made("pay", {"lno1x", "--amount", "1.5"}),
            "error: amount_msat: '1.5' is no amount: 250000 (msat), 250sat or 0.0001btc");
  EXPECT_EQ(made("pay", {"lno1x", "--nosuch"}), "error: unknown option '--nosuch': see doze help pay");
  EXPECT_EQ(made("pay", {"lno1x", "--amount"}), "error: --amount needs a value: see doze help pay");
  EXPECT_EQ(made("pay", {"lno1x", "lno1y"}), "error: too many arguments ('lno1y'): see doze help pay");
}

}  // namespace
}  // namespace doze::cli
