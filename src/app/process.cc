#include "app/process.h"

#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "crypto/blinding.h"
#include "crypto/crypto.h"

namespace doze::app {

Status<std::string> hide_memory() {
  // Both: a core_pattern that names a program ignores the limit, and a program that was started anew is dumpable again.
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
    return fail("cannot keep the memory out of core files: " + std::string(std::strerror(errno)));
  return Done{};
}

Status<std::string> blind_curve() {
  std::array<std::uint8_t, 32> seed{};
  if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size()))
    return fail("cannot get random bytes from the system: " + std::string(std::strerror(errno)));
  crypto::randomize_curve(seed);
  crypto::wipe(seed);
  return Done{};
}

}  // namespace doze::app
