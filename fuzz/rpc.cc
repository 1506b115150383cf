// The API: any body for any method is a command or a BadRequest that says something; the command line's texts, too.
#include <boost/json.hpp>

#include "api/json.h"
#include "api/methods.h"
#include "samples.h"

using namespace doze;

static void refused(const CommandError& error) {
  FUZZ_CHECK(error.code == CommandErrorCode::BadRequest && !error.message.empty());
  auto text = boost::json::serialize(api::to_json(error));
  FUZZ_CHECK(boost::json::parse(text).at("error").at("message").as_string() == error.message);
  for (char c : error.message) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20);
}

// Method, then a body, or with the top bit of the method NAME=TEXT lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& all = api::methods();
  const auto& method = all[(data[0] & 0x7f) % all.size()];
  auto text = fuzz::as_text(ByteView(data, size).subspan(1));
  api::Arguments arguments;
  if ((data[0] & 0x80) != 0) {
    for (std::size_t from = 0; from < text.size();) {
      auto end = std::min(text.find('\n', from), text.size());
      auto line = text.substr(from, end - from);
      auto equals = std::min(line.find('='), line.size());
      arguments[line.substr(0, equals)] = line.substr(std::min(equals + 1, line.size()));
      from = end + 1;
    }
  } else {
    auto read = api::parse_body(text);
    if (!read) {
      refused(read.error());
      return 0;
    }
    arguments = *std::move(read);
  }
  auto parsed = api::parse(method, arguments);
  if (!parsed) {
    refused(parsed.error());
    return 0;
  }
  const auto* command = std::get_if<command::Command>(&*parsed);
  // What was accepted has what the table requires, and nothing else.
  for (const auto& param : method.params) FUZZ_CHECK(!param.required || arguments.contains(param.name));
  FUZZ_CHECK(arguments.size() <= method.params.size());
  if (command == nullptr) return 0;
  if (const auto* pay = std::get_if<command::Pay>(command)) FUZZ_CHECK(!pay->amount || pay->amount->is_money());
  if (const auto* open = std::get_if<command::OpenChannel>(command))
    FUZZ_CHECK(open->amount.is_money() && open->push.is_money());
  if (const auto* send = std::get_if<command::SendToAddress>(command))
    FUZZ_CHECK(!send->amount || send->amount->is_money());
  return 0;
}

static std::string sample(const api::Param& param) {
  switch (param.kind) {
    case api::Kind::Flag:
      return "true";
    case api::Kind::Number:
    case api::Kind::Sat:
    case api::Kind::Msat:
    case api::Kind::SatOrAll:
      return "21000";
    case api::Kind::NodeId:
      return fuzz::point(1).hex();
    case api::Kind::Id:
      return std::string(64, 'a');
    case api::Kind::PeerAddress:
      return fuzz::point(1).hex() + "@127.0.0.1:9735";
    case api::Kind::Profile:
      return "draft";
    case api::Kind::Text:
      return "21000";
  }
  return "";
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t at = 0; at < api::methods().size(); ++at) {
    std::string json = "{", lines;
    for (const auto& param : api::methods()[at].params) {
      bool bare = param.kind == api::Kind::Flag || param.kind == api::Kind::Number || param.kind == api::Kind::Sat ||
                  param.kind == api::Kind::Msat;
      auto quote = bare ? "" : "\"";
      json += (json.size() > 1 ? ", \"" : "\"") + param.name + "\": " + quote + sample(param) + quote;
      lines += param.name + "=" + sample(param) + "\n";
    }
    out.push_back(fuzz::with_prefix({at}, bytes_of(json + "}")));
    out.push_back(fuzz::with_prefix({static_cast<std::uint8_t>(at | 0x80)}, bytes_of(lines)));
  }
  for (const auto* body : {"", " ", "[]", "{\"a\":[[[[[1]]]]]}", "{\"label\":null,\"raw\":false}", "{\"x\":1e400}",
                           "{\"expiry_s\":-1}", "{\"expiry_s\":18446744073709551616}", "{\"a\\u0000\\n\":1}"})
    out.push_back(fuzz::with_prefix({20}, bytes_of(body)));
  return out;
}
DOZE_FUZZ_TARGET(rpc, 60'000);
