// SM_ASSERT(condition): what must hold, checked in every build.
//
// For bugs only; what input can cause is an Expected. A failure prints the place and aborts: a
// sidecar that lost its mind is restarted by its supervisor, and its peers lose nothing (D5).
#pragma once

#include <cstdio>
#include <cstdlib>

#define SM_ASSERT(condition)                                                                 \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
