// Checks for our own bugs. Never for outside data: a peer's, user's or file's mistake is a Result.
//
// LN_ASSERT  always on; a broken invariant stops the process before anything more is signed or sent.
#pragma once

namespace doze {
[[noreturn]] void assertion_failed(const char* file, int line, const char* expression) noexcept;
}

#define LN_ASSERT(expression)                                    \
  do {                                                           \
    if (!(expression)) [[unlikely]]                              \
      ::doze::assertion_failed(__FILE__, __LINE__, #expression); \
  } while (false)
