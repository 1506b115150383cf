// Checks for our own bugs. Never for outside data: a peer's, user's or file's mistake is a Result.
//
// LN_ASSERT  always on; a broken invariant stops the process before anything more is signed or sent.
// LN_ASSUME  aborts in debug and test builds only (DOZE_ASSUME defined); for invariants whose breach loses nothing.
#pragma once

namespace doze {
[[noreturn]] void assertion_failed(const char* file, int line, const char* expression) noexcept;
}

#define LN_ASSERT(expression)                                    \
  do {                                                           \
    if (!(expression)) [[unlikely]]                              \
      ::doze::assertion_failed(__FILE__, __LINE__, #expression); \
  } while (false)

#ifdef DOZE_ASSUME
#define LN_ASSUME(expression) LN_ASSERT(expression)
#else
#define LN_ASSUME(expression) \
  do {                        \
  } while (false)
#endif
