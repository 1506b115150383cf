// Every method once: name, words for people, parameters, and how arguments become a typed command. The HTTP API, its
// OpenAPI document and the command line are made from this table, so they cannot disagree.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "effects/io.h"

namespace doze::api {

enum class Kind : std::uint8_t {
  Text,
  Flag,         // true or false; --name on the command line
  Number,       // unsigned 64-bit
  Sat,          // whole satoshi
  SatOrAll,     // the same, or "all"
  Msat,         // whole millisatoshi
  NodeId,       // 66 hex digits
  Id,           // 64 hex digits
  PeerAddress,  // 66 hex digits, optionally @host:port
  Profile,      // "ldk" or "draft"
};

struct Param {
  std::string name;  // as in JSON; the command line turns _ into -
  Kind kind = Kind::Text;
  bool required = false;
  bool positional = false;
  std::string help;
};

/// One argument as it arrived: from JSON typed, from the command line always text (Flag: bool).
using Argument = std::variant<bool, std::uint64_t, std::string>;
using Arguments = std::map<std::string, Argument>;

struct Method {
  std::string name;
  std::string summary;  // one line
  std::vector<Param> params;
  std::string example;  // arguments on the command line
  std::function<Result<command::Command, CommandError>(const Arguments&)> build;
  bool waits = false;  // its answer may take long: see rpc/server.h, kMaxWaiting
  /// Set where no node is needed: the answer itself. `build` is empty then.
  std::function<Result<Value, CommandError>(const Arguments&)> answer = nullptr;
};

[[nodiscard]] const std::vector<Method>& methods();
[[nodiscard]] const Method* find_method(const std::string& name);
/// Checks names, presence and types (BadRequest names the parameter and says what was expected), then gives the
/// command, or the answer where no node is needed.
using Parsed = std::variant<command::Command, Value>;
[[nodiscard]] Result<Parsed, CommandError> parse(const Method& method, const Arguments& arguments);
[[nodiscard]] const char* name(Kind kind);

}  // namespace doze::api
