#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace doze {
void assertion_failed(const char* file, int line, const char* expression) noexcept {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, expression);
  std::abort();
}
}  // namespace doze
