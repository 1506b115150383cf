// The API: any body for any method is a command or a BadRequest that says something; the command line's texts, too.
#include <boost/json.hpp>

#include "rpc/json.h"
#include "rpc/methods.h"
#include "samples.h"

using namespace doze;

static void refused(const CommandError& error) {
  FUZZ_CHECK(error.code == CommandErrorCode::BadRequest && !error.message.empty());
  auto text = boost::json::serialize(rpc::to_json(error));
  FUZZ_CHECK(boost::json::parse(text).at("error").at("message").as_string() == error.message);
  for (char c : error.message) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20);
}

// Method, then a body, or with the top bit of the method NAME=TEXT lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& all = rpc::methods();
  const auto& method = all[(data[0] & 0x7f) % all.size()];
  auto text = fuzz::as_text(ByteView(data, size).subspan(1));
  rpc::Arguments arguments;
  if ((data[0] & 0x80) != 0) {
    for (std::size_t from = 0; from < text.size();) {
      auto end = std::min(text.find('\n', from), text.size());
      auto line = text.substr(from, end - from);
      auto equals = std::min(line.find('='), line.size());
      arguments[line.substr(0, equals)] = line.substr(std::min(equals + 1, line.size()));
      from = end + 1;
    }
  } else {
    auto read = rpc::parse_body(text);
    if (!read) {
      refused(read.error());
      return 0;
    }
    arguments = *std::move(read);
  }
  auto command = rpc::parse(method, arguments);
  if (!command) {
    refused(command.error());
    return 0;
  }
  // What was accepted has what the table requires, and nothing else.
  for (const auto& param : method.params) FUZZ_CHECK(!param.required || arguments.contains(param.name));
  FUZZ_CHECK(arguments.size() <= method.params.size());
  if (const auto* pay = std::get_if<command::Pay>(&*command)) FUZZ_CHECK(!pay->amount || pay->amount->is_money());
  if (const auto* open = std::get_if<command::OpenChannel>(&*command))
    FUZZ_CHECK(open->amount.is_money() && open->push.is_money());
  if (const auto* send = std::get_if<command::SendToAddress>(&*command))
    FUZZ_CHECK(!send->amount || send->amount->is_money());
  return 0;
}

static std::string sample(const rpc::Param& param) {
  switch (param.kind) {
    case rpc::Kind::Flag:
      return "true";
    case rpc::Kind::Number:
    case rpc::Kind::Sat:
    case rpc::Kind::Msat:
    case rpc::Kind::SatOrAll:
      return "21000";
    case rpc::Kind::NodeId:
      return fuzz::point(1).hex();
    case rpc::Kind::Id:
      return std::string(64, 'a');
    case rpc::Kind::PeerAddress:
      return fuzz::point(1).hex() + "@127.0.0.1:9735";
    case rpc::Kind::Profile:
      return "draft";
    case rpc::Kind::Text:
      return "21000";
  }
  return "";
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t at = 0; at < rpc::methods().size(); ++at) {
    std::string json = "{", lines;
    for (const auto& param : rpc::methods()[at].params) {
      bool bare = param.kind == rpc::Kind::Flag || param.kind == rpc::Kind::Number || param.kind == rpc::Kind::Sat ||
                  param.kind == rpc::Kind::Msat;
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
