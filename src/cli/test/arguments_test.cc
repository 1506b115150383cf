// What people type becomes what the API is asked, to the millisatoshi, or a line that helps.
#include "cli/arguments.h"

#include "cli/exit_codes.h"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace doze::cli {
namespace {

std::string made(const char* method, const std::vector<std::string>& words) {
  auto out = arguments_of(*api::find_method(method), words);
  return out ? boost::json::serialize(*out) : "error: " + out.error();
}

TEST(Amounts, are_exact_in_every_unit) {
  for (const auto* text : {"250sats", "250SAT", "250 sat", "250Sats", "0.0000025BTC", "250000 msats"})
    EXPECT_EQ(parse_msat(text), 250'000U) << text;
  EXPECT_EQ(parse_sat("21BTC"), 2'100'000'000U);
  EXPECT_EQ(parse_msat("250000msat"), 250'000U);
  EXPECT_EQ(parse_msat("250sat"), 250'000U);
  EXPECT_EQ(parse_msat("0.5sat"), 500U);
  EXPECT_EQ(parse_msat("0.0001btc"), 10'000'000U);
  EXPECT_EQ(parse_msat("0.00000000001btc"), 1U);
  EXPECT_EQ(parse_sat("250000sat"), 250'000U);
  EXPECT_EQ(parse_sat("0.05btc"), 5'000'000U);
}

TEST(Amounts, that_are_not_exact_or_too_large_are_nothing) {
  for (const auto* text : {"",
                           ".",
                           "1.",
                           "sat",
                           "-1",
                           "+1",
                           " 1",
                           "1  sat",
                           "1e3",
                           "0.1",
                           "250000",
                           "1,000sat",
                           "1m",
                           "0.1msat",
                           "0.0001sat",
                           "0.000000000001btc",
                           "1.2.3sat",
                           "18446744073709551616",
                           "184467440737095517sat",
                           "0x10"})
    EXPECT_EQ(parse_msat(text), std::nullopt) << text;
  for (const auto* text : {"", "1.5", "1.5sat", "250000", "1000msat", "0.000000001btc"})
    EXPECT_EQ(parse_sat(text), std::nullopt) << text;
}

TEST(Arguments, amounts_go_with_or_without_their_unit_in_the_name) {
  EXPECT_EQ(made("pay", {"lno1x", "--amount", "250sat", "--max-fee-msat", "3000"}),
            R"({"offer":"lno1x","amount_msat":250000,"max_fee_msat":3000})");
  EXPECT_EQ(made("pay", {"lno1x", "--amount-msat", "250000"}), R"({"offer":"lno1x","amount_msat":250000})");
  for (const auto* amount : {"1000sat", "0.00001btc"})
    EXPECT_EQ(made("sendtoaddress", {"a", amount}), R"({"address":"a","amount_sat":1000})");
  EXPECT_EQ(made("sendtoaddress", {"a", "all"}), R"({"address":"a","amount_sat":"all"})");
  EXPECT_EQ(made("sendtoaddress", {"a", "1000msat"}),
            "error: amount: '1000msat' is not a whole number of satoshi. Write 250sat or 0.0025btc");
}

TEST(Arguments, a_bare_number_is_no_amount_whatever_the_command) {
  for (const auto& method : api::methods())
    for (const auto& param : method.params) {
      if (param.kind != api::Kind::Msat && param.kind != api::Kind::Sat && param.kind != api::Kind::SatOrAll) continue;
      std::vector<std::string> words;
      for (const auto& before : method.params) {
        if (before.name == param.name || !param.positional) break;
        if (before.positional) words.emplace_back("x");
      }
      if (!param.positional) words.push_back(*unitless_flag_of(param));
      words.emplace_back("5");
      auto said = made(method.name.c_str(), words);
      EXPECT_NE(said.find("'5' has no unit. Write 5sat"), std::string::npos) << method.name << ": " << said;
    }
  EXPECT_EQ(made("pay", {"lno1x", "--amount", "0.001"}),
            "error: --amount: '0.001' has no unit. Write 0.001btc, or whole satoshi as in 250sat");
  EXPECT_EQ(made("openchannel", {"02ab", "1000000"}),
            "error: amount: '1000000' has no unit. Write 1000000sat, or bitcoin as in 0.0025btc");
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
std::string example(const api::Method& method) {
  const std::string node = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
  auto arguments = arguments_of(method, words_of(method.example));
  if (!arguments) return arguments.error();
  api::Arguments out;
  for (const auto& param : method.params) {
    const auto* value = arguments->if_contains(param.name);
    if (value == nullptr) continue;
    if (value->is_bool()) out[param.name] = value->as_bool();
    if (const auto* number = value->if_uint64()) out[param.name] = *number;
    if (!value->is_string()) continue;
    std::string text(value->as_string());
    if (text.find("…") != std::string::npos)
      text = param.kind == api::Kind::NodeId        ? node
             : param.kind == api::Kind::PeerAddress ? node + "@127.0.0.1:9735"
             : param.kind == api::Kind::Id          ? std::string(64, '7')
             : method.answer                        ? "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"  // BIP 173
                                                    : text;
    out[param.name] = text;
  }
  auto command = api::parse(method, out);
  return command ? "" : command.error().message;
}

TEST(Arguments, every_example_of_the_help_is_a_command) {
  for (const auto& method : api::methods()) EXPECT_EQ(example(method), "") << method.name;
}

TEST(Arguments, flags_can_be_negated) {
  EXPECT_EQ(made("openchannel", {"--no-announce"}), R"({"announce":false})");
  EXPECT_EQ(made("pay", {"lno1x", "--no-hold"}), R"({"offer":"lno1x","no_hold":true})");  // an option of its own
}

TEST(Arguments, that_are_wrong_say_what_and_where_to_look) {
  EXPECT_EQ(made("pay", {"lno1x", "--amount", "1.5"}),
            "error: --amount: '1.5' has no unit. Write 1.5btc, or whole satoshi as in 250sat");
  EXPECT_EQ(made("pay", {"lno1x", "--amount", "1,000sat"}),
            "error: --amount: '1,000sat' is not an amount. Write 250sat, 0.0025btc or 250000msat");
  EXPECT_EQ(made("failhold", {"7f", "1.5"}), "error: htlc-id: expected a whole number, not '1.5'");
  EXPECT_EQ(made("pay", {"lno1x", "--ammount", "5sat"}), "error: unknown option '--ammount': did you mean --amount?");
  EXPECT_EQ(made("pay", {"lno1x", "--nosuch"}), "error: unknown option '--nosuch': see doze help pay");
  EXPECT_EQ(made("pay", {"lno1x", "--amount"}), "error: --amount needs a value: see doze help pay");
  EXPECT_EQ(made("pay", {"lno1x", "lno1y"}), "error: too many arguments ('lno1y'): see doze help pay");
}

TEST(DidYouMean, names_the_nearest_word_or_none) {
  const std::vector<std::string> known{"pay", "listchannels", "help", "getinfo"};
  EXPECT_EQ(did_you_mean("pya", known), ": did you mean pay?");
  EXPECT_EQ(did_you_mean("helpp", known), ": did you mean help?");
  EXPECT_EQ(did_you_mean("listchanels", known), ": did you mean listchannels?");
  EXPECT_EQ(did_you_mean("frobnicate", known), "");
  EXPECT_EQ(did_you_mean(std::string(100'000, 'x'), known), "");
}

TEST(ExitCodes, tell_the_kinds_of_failure_apart) {
  EXPECT_EQ(exit_of("bad_request"), Exit::Usage);
  for (const auto* refused : {"not_found", "not_ready", "refused", "limit"}) EXPECT_EQ(exit_of(refused), Exit::Refused);
  for (const auto* failed : {"no_route", "insufficient_funds", "payment_failed", "expired"})
    EXPECT_EQ(exit_of(failed), Exit::PaymentFailed);
  EXPECT_EQ(exit_of("timed_out"), Exit::TimedOut);
  EXPECT_EQ(exit_of("internal"), Exit::Failed);
}

}  // namespace
}  // namespace doze::cli
