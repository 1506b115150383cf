// The methods' table: every example works, every wrong argument is refused by its name, amounts end where money ends,
// and the OpenAPI document says the same as the table.
#include "api/methods.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "api/json.h"

namespace doze::api {
namespace {

const std::string kNode = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
const std::string kId(64, '7');

std::string good(const Param& param) {
  switch (param.kind) {
    case Kind::Flag:
      return "true";
    case Kind::Number:
    case Kind::Sat:
    case Kind::Msat:
    case Kind::SatOrAll:
      return "1000";
    case Kind::NodeId:
      return kNode;
    case Kind::PeerAddress:
      return kNode + "@127.0.0.1:9735";
    case Kind::Id:
      return kId;
    case Kind::Profile:
      return "ldk";
    case Kind::Text:
      return "50000";
  }
  return "";
}
/// All that the method needs.
Arguments required(const Method& method) {
  Arguments out;
  for (const auto& param : method.params)
    if (param.required) out[param.name] = good(param);
  return out;
}
std::string error_of(const std::string& method, const Arguments& arguments) {
  auto parsed = parse(*find_method(method), arguments);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, CommandErrorCode::BadRequest);
  return parsed.error().message;
}
template <class T>
T built(const std::string& method, const Arguments& arguments) {
  auto parsed = parse(*find_method(method), arguments);
  EXPECT_TRUE(parsed) << method << ": " << (parsed ? "" : parsed.error().message);
  return std::get<T>(std::get<command::Command>(*parsed));
}
bool names(const std::string& message, const std::string& name) {
  return message.find(name) != std::string::npos;
}

TEST(Methods, NamesAndOrderMakeSense) {
  std::set<std::string> seen;
  for (const auto& method : methods()) {
    EXPECT_TRUE(seen.insert(method.name).second) << method.name;
    EXPECT_EQ(find_method(method.name), &method);
    EXPECT_FALSE(method.summary.empty());
    std::set<std::string> params;
    bool named = false, optional = false;
    for (const auto& param : method.params) {
      EXPECT_TRUE(params.insert(param.name).second) << method.name << " " << param.name;
      EXPECT_FALSE(param.help.empty()) << method.name << " " << param.name;
      EXPECT_FALSE(param.positional && (named || optional)) << method.name << " " << param.name;
      named = named || !param.positional;
      optional = optional || !param.required;
    }
  }
  EXPECT_EQ(find_method("nothing"), nullptr);
  EXPECT_EQ(find_method(""), nullptr);
}

TEST(Methods, MissingParameterIsNamed) {
  for (const auto& method : methods())
    for (const auto& param : method.params) {
      auto arguments = required(method);
      if (arguments.erase(param.name) == 0) continue;
      auto error = error_of(method.name, arguments);
      EXPECT_TRUE(names(error, param.name) && names(error, method.name)) << method.name << ": " << error;
    }
}

TEST(Methods, UnknownParameterIsNamed) {
  for (const auto& method : methods()) {
    auto arguments = required(method);
    arguments["colour"] = std::string("red");
    auto error = error_of(method.name, arguments);
    EXPECT_TRUE(names(error, "'colour'") && names(error, method.name)) << error;
  }
  EXPECT_EQ(error_of("stop", {{"a\nb\x1b", true}}).find('\n'), std::string::npos);
}

TEST(Methods, WrongTypesAreNamed) {
  for (const auto& method : methods())
    for (const auto& param : method.params) {
      std::vector<Argument> wrong;
      switch (param.kind) {
        case Kind::Text:
          wrong = {true};
          break;
        case Kind::Flag:
          wrong = {std::uint64_t{1}, std::string("yes"), std::string("")};
          break;
        case Kind::Number:
        case Kind::Sat:
        case Kind::Msat:
        case Kind::SatOrAll:
          wrong = {true,
                   std::string("x"),
                   std::string(""),
                   std::string("-1"),
                   std::string("+1"),
                   std::string("1.5"),
                   std::string("1 "),
                   std::string("0x10"),
                   std::string("18446744073709551616")};
          break;
        case Kind::NodeId:
        case Kind::PeerAddress:
          wrong = {true,        std::uint64_t{2},    std::string(""), kNode.substr(1), "04" + kNode.substr(2),
                   kNode + "0", std::string(66, 'g')};
          break;
        case Kind::Id:
          wrong = {false,
                   std::uint64_t{7},
                   std::string(""),
                   std::string(63, '7'),
                   std::string(65, '7'),
                   std::string(64, 'x')};
          break;
        case Kind::Profile:
          wrong = {true, std::string("LDK"), std::string("")};
          break;
      }
      for (const auto& value : wrong) {
        auto arguments = required(method);
        arguments[param.name] = value;
        auto error = error_of(method.name, arguments);
        EXPECT_TRUE(error.starts_with(param.name + ": expected ")) << method.name << ": " << error;
      }
    }
}

TEST(Methods, AmountsEndAt21MillionBitcoin) {
  auto max_msat = Msat::max_money().value(), max_sat = Sat::max_money().value();
  for (const auto& method : methods())
    for (const auto& param : method.params) {
      if (param.kind != Kind::Sat && param.kind != Kind::Msat) continue;
      auto most = param.kind == Kind::Sat ? max_sat : max_msat;
      auto arguments = required(method);
      for (auto value : {std::uint64_t{0}, most}) {
        arguments[param.name] = value;
        EXPECT_EQ(error_of(method.name, arguments), "") << method.name << " " << param.name;
        arguments[param.name] = std::to_string(value);
        EXPECT_EQ(error_of(method.name, arguments), "") << method.name << " " << param.name;
      }
      for (auto value : {most + 1, UINT64_MAX}) {
        arguments[param.name] = value;
        EXPECT_TRUE(names(error_of(method.name, arguments), param.name)) << method.name;
      }
    }
  Arguments send{{"address", std::string("a")}, {"amount_sat", std::to_string(max_sat)}};
  EXPECT_EQ(built<command::SendToAddress>("sendtoaddress", send).amount, Sat::max_money());
  for (const auto* wrong : {"2100000000000001", "All"}) {
    send["amount_sat"] = std::string(wrong);
    EXPECT_TRUE(names(error_of("sendtoaddress", send), "amount_sat")) << wrong;
  }
  send["amount_sat"] = std::string("all");
  EXPECT_FALSE(built<command::SendToAddress>("sendtoaddress", send).amount);
}

// sat per virtual byte become sat per 1000 weight units; what does not fit is refused, not cut to 32 bits.
TEST(Methods, FeeratesHaveLimits) {
  for (const auto* name : {"openchannel", "sendtoaddress"}) {
    auto arguments = required(*find_method(name));
    for (auto wrong : {std::uint64_t{0}, std::uint64_t{100'001}, std::uint64_t{17'179'870}, UINT64_MAX}) {
      arguments["feerate"] = wrong;
      EXPECT_TRUE(names(error_of(name, arguments), "feerate")) << name << " " << wrong;
    }
    arguments["feerate"] = std::uint64_t{100'000};
    EXPECT_EQ(error_of(name, arguments), "");
  }
  Arguments open{{"node_id", kNode}, {"amount_sat", std::uint64_t{5}}, {"feerate", std::uint64_t{2}}};
  EXPECT_EQ(built<command::OpenChannel>("openchannel", open).feerate, FeeratePerKw(500));
}

TEST(Methods, NothingIsMadeThatHasExpiredAlreadyOrNeverWill) {
  for (const auto* name : {"createoffer", "asyncinvite", "createinvoice"}) {
    for (auto wrong : {std::uint64_t{0}, std::uint64_t{3'155'760'001}, UINT64_MAX})
      EXPECT_TRUE(names(error_of(name, {{"expiry_s", wrong}}), "expiry_s")) << name << " " << wrong;
    for (auto good_one : {std::uint64_t{1}, std::uint64_t{3'155'760'000}})
      EXPECT_EQ(error_of(name, {{"expiry_s", good_one}}), "") << name;
  }
}

TEST(Methods, WhatIsPastedIsCleaned) {
  // The smallest offer, of BOLT 12's test vectors.
  const std::string kOffer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
  const std::string kAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
  auto upper = [](std::string text) {
    for (auto& c : text)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
  };
  for (const auto& text : {kOffer, "lightning:" + kOffer, " " + kOffer + "\n", "bitcoin:?lno=" + kOffer,
                           "bitcoin:" + kAddress + "?x=1&lno=" + kOffer, "https://tea.example/?lno=" + kOffer + "#top",
                           "lno\n" + kOffer.substr(3)})
    EXPECT_EQ(built<command::Pay>("pay", {{"offer", text}}).offer, kOffer) << text;
  for (const auto& text : {upper("lightning:" + kOffer), upper("bitcoin:?lno=" + kOffer)})
    EXPECT_EQ(built<command::Pay>("pay", {{"offer", text}}).offer, upper(kOffer)) << text;
  EXPECT_EQ(built<command::AsyncJoin>("asyncjoin", {{"link", std::string("lightning:lnai1x")}}).link, "lnai1x");
}

TEST(Methods, TheAmountOfALinkIsPaidAndAnotherOneIsRefused) {
  const std::string kLink = "bitcoin:?amount=0.001&lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
  EXPECT_EQ(built<command::Pay>("pay", {{"offer", kLink}}).amount, Msat(100'000'000));
  EXPECT_TRUE(names(error_of("pay", {{"offer", kLink}, {"amount_msat", std::uint64_t{5'000}}}), "100000 sat"));
  EXPECT_TRUE(names(error_of("pay", {{"offer", kLink + "&req-test=1"}}), "does not know"));
}

TEST(Methods, PaySaysWhatWasGivenInsteadOfAnOffer) {
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {"", "empty"},
           {"  ", "empty"},
           {"user@example.com", "Lightning address"},
           {"LNURL1DP68GURN8GHJ7", "LNURL"},
           {"lightning:lnurl1dp68gurn8ghj7", "LNURL"},
           {"lnai1qqq", "asyncjoin"},
           {"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "sendtoaddress"},
           {"lnr1qqq", "request"}})
    EXPECT_TRUE(names(error_of("pay", {{"offer", text}}), word)) << text << ": " << error_of("pay", {{"offer", text}});
  for (const auto* text : {"lno1x", "lnbcrt1x", "lnbc1x"})
    EXPECT_EQ(error_of("pay", {{"offer", std::string(text)}}), "");
}

TEST(Methods, AnIdempotencyKeyHasALength) {
  for (const auto* name : {"openchannel", "sendtoaddress", "pay"}) {
    auto arguments = required(*find_method(name));
    for (auto size : {std::size_t{0}, command::kIdempotencyKeyBytes + 1}) {
      arguments["idempotency_key"] = std::string(size, 'k');
      EXPECT_TRUE(names(error_of(name, arguments), "idempotency_key")) << name << " " << size;
    }
    arguments["idempotency_key"] = std::string(command::kIdempotencyKeyBytes, 'k');
    EXPECT_EQ(error_of(name, arguments), "");
  }
}

TEST(Methods, ALongListComesInPages) {
  for (const auto* name : {"listpayments", "listforwards", "listholds", "listinvoices", "listoffers", "listinvitations",
                           "liststaticinvoices", "listmailboxes"}) {
    for (auto wrong : {std::uint64_t{0}, std::uint64_t{command::kMaxPageRows} + 1, UINT64_MAX})
      EXPECT_TRUE(names(error_of(name, {{"limit", wrong}}), "limit")) << name << " " << wrong;
    EXPECT_EQ(error_of(name, {{"limit", std::uint64_t{command::kMaxPageRows}}}), "");
  }
  auto list =
      built<command::ListPayments>("listpayments", {{"limit", std::uint64_t{7}}, {"before", std::string("5-aa")}});
  EXPECT_EQ(list.page.limit, 7U);
  EXPECT_EQ(list.page.before, "5-aa");
  EXPECT_EQ(built<command::ListPayments>("listpayments", {}).page.limit, command::kDefaultPageRows);
  EXPECT_EQ(built<command::ListMailboxes>("listmailboxes", {{"limit", std::uint64_t{3}}}).page.limit, 3U);
}

TEST(Methods, ClosingByForceNeedsAYes) {
  Arguments close{{"channel_id", kId}, {"force", true}};
  EXPECT_FALSE(built<command::CloseChannel>("closechannel", close).accept_cost);
  close["yes"] = true;
  EXPECT_TRUE(built<command::CloseChannel>("closechannel", close).accept_cost);
  close.erase("force");
  EXPECT_TRUE(names(error_of("closechannel", close), "yes"));
}

TEST(Methods, ALabelIsKeptAsItWasGivenAndHasALength) {
  EXPECT_EQ(built<command::AsyncInvite>("asyncinvite", {{"label", std::string(256, 'x')}}).label.size(), 256U);
  EXPECT_TRUE(names(error_of("asyncinvite", {{"label", std::string(257, 'x')}}), "label"));
  EXPECT_EQ(built<command::AsyncInvite>("asyncinvite", {{"label", std::string("a\\b\x1b[2J")}}).label, "a\\b\x1b[2J");
}

TEST(Methods, ArgumentsArriveInTheCommand) {
  auto connect = built<command::Connect>("connect", {{"peer", kNode + "@node.example:7"}});
  EXPECT_EQ(connect.node_id.hex(), kNode);
  EXPECT_EQ(wire::to_text(*connect.address), "node.example:7");
  EXPECT_FALSE(built<command::Connect>("connect", {{"peer", kNode}}).address);
  for (const auto* wrong : {"@", "@host", "@host:0", "@:1", "@host:65536"})
    EXPECT_TRUE(names(error_of("connect", {{"peer", kNode + wrong}}), "peer")) << wrong;

  auto open = built<command::OpenChannel>(
      "openchannel",
      {{"node_id", kNode}, {"amount_sat", std::string("7")}, {"push_msat", std::uint64_t{8}}, {"private", true}});
  EXPECT_EQ(open.amount, Sat(7));
  EXPECT_EQ(open.push, Msat(8));
  EXPECT_EQ(open.announce, false);
  EXPECT_TRUE(
      names(error_of("openchannel",
                     {{"node_id", kNode}, {"amount_sat", std::uint64_t{7}}, {"private", true}, {"announce", true}}),
            "announce"));

  auto pay = built<command::Pay>("pay", {{"offer", std::string("lno1x")}, {"no_hold", true}});
  EXPECT_EQ(pay.hold, false);
  EXPECT_FALSE(built<command::Pay>("pay", {{"offer", std::string("lno1x")}}).hold);
  EXPECT_TRUE(names(error_of("pay", {{"offer", std::string("lno1x")}, {"hold", true}, {"no_hold", true}}), "hold"));

  auto offer = built<command::CreateOffer>("createoffer", {{"async", std::string("true")},
                                                           {"description", std::uint64_t{42}},
                                                           {"profile", std::string("draft")},
                                                           {"expiry_s", std::uint64_t{3'000'000'000}},
                                                           {"quantity_max", std::uint64_t{0}}});
  EXPECT_TRUE(offer.async);
  EXPECT_EQ(offer.description, "42");
  EXPECT_EQ(offer.profile, Profile::Draft);
  EXPECT_EQ(offer.expiry_s, 3'000'000'000U);
  EXPECT_EQ(offer.quantity_max, 0U);
  EXPECT_FALSE(offer.amount);

  auto invoice = built<command::CreateInvoice>(
      "createinvoice",
      {{"amount_msat", std::uint64_t{5}}, {"description", std::string("tea")}, {"expiry_s", std::uint64_t{60}}});
  EXPECT_EQ(invoice.amount, Msat(5));
  EXPECT_EQ(invoice.description, "tea");
  EXPECT_EQ(invoice.expiry_s, 60U);
  EXPECT_FALSE(invoice.description_hash);
  auto hashed = built<command::CreateInvoice>("createinvoice", {{"description_hash", kId}});
  EXPECT_EQ(hashed.description_hash->hex(), kId);
  EXPECT_TRUE(names(error_of("createinvoice", {{"description", std::string("tea")}, {"description_hash", kId}}),
                    "description_hash"));

  EXPECT_FALSE(built<command::WaitPayment>("waitpayment", {{"payment_id", kId}, {"notified", true}}).wait_for_settled);
  EXPECT_EQ(built<command::FailHold>("failhold", {{"channel_id", kId}, {"htlc_id", std::string("12")}}).htlc_id, 12U);
}

TEST(OpenApi, SaysWhatTheTableSays) {
  auto document = openapi();
  const auto& paths = document.at("paths").as_object();
  EXPECT_EQ(paths.size(), methods().size());
  for (const auto& method : methods()) {
    const auto* path = paths.if_contains("/v1/" + method.name);
    ASSERT_NE(path, nullptr) << method.name;
    const auto& post = path->at("post");
    EXPECT_EQ(post.at("operationId").as_string(), method.name);
    EXPECT_EQ(post.at("summary").as_string(), method.summary);
    const auto& schema = post.at("requestBody").at("content").at("application/json").at("schema").as_object();
    EXPECT_FALSE(schema.at("additionalProperties").as_bool());
    EXPECT_EQ(schema.at("properties").as_object().size(), method.params.size());
    std::set<std::string> needed, said;
    for (const auto& param : method.params) {
      if (param.required) needed.insert(param.name);
      EXPECT_EQ(schema.at("properties").at(param.name).at("type").as_string(), name(param.kind));
    }
    if (const auto* list = schema.if_contains("required"))
      for (const auto& one : list->as_array()) said.insert(std::string(one.as_string()));
    EXPECT_EQ(said, needed) << method.name;
    for (const auto* code : {"200", "400", "401", "404", "409", "422"})
      EXPECT_TRUE(post.at("responses").as_object().contains(code)) << method.name;
  }
  EXPECT_EQ(document.at("openapi").as_string(), "3.0.3");
  const auto& schemas = document.at("components").at("schemas").as_object();
  EXPECT_TRUE(schemas.contains("Error"));
  for (const auto& row : kEvents) {
    const auto* schema = schemas.if_contains("Event." + std::string(row.name));
    ASSERT_NE(schema, nullptr) << row.name;
    EXPECT_EQ(schema->at("x-event-number").to_number<std::uint16_t>(), row.number);
    std::size_t fields = 0;
    each_field(row.fields, [&](std::string_view name, bool) {
      ++fields;
      EXPECT_TRUE(schema->at("properties").as_object().contains(name)) << row.name << " " << name;
    });
    EXPECT_EQ(schema->at("properties").as_object().size(), fields);
  }
  // It is JSON all the way: written and read, it is the same.
  EXPECT_EQ(boost::json::parse(boost::json::serialize(document)), document);
}

}  // namespace
}  // namespace doze::api
