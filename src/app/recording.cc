#include "app/recording.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "api/json.h"

namespace doze::app {

Result<Recording, std::string> Recording::open(const std::string& path, wire::Network network) {
  if (network != wire::Network::Regtest)
    return fail("--record: expected network regtest, not " + std::string(wire::name(network)));
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || ::fchmod(file, 0600) != 0) return fail(path + ": " + std::strerror(errno));
  return Recording(::fdopen(file, "a"));
}

Status<std::string> Recording::write(std::uint64_t time_us, const Fields& facts) {
  Value line;
  line.set("time_us", time_us);
  for (const auto& [name, value] : facts) line.set(name, value);
  auto text = api::json_text(api::to_json(line)) + "\n";
  if (std::fputs(text.c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
    return fail(std::string("cannot write the recording: ") + std::strerror(errno));
  return Done{};
}

}  // namespace doze::app
