#include "app/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace doze::app {

Status<std::string> hide_memory() {
  // Both: a core_pattern that names a program ignores the limit, and a program that was started anew is dumpable again.
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
    return fail("memory cannot be kept out of core files: " + std::string(std::strerror(errno)));
  return Done{};
}

}  // namespace doze::app
