#include "sidecar/shell/time_slice.hpp"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace socketmesh::shell {

bool ask_for_short_time_slices() {
  constexpr int kThisThread = 0;
  constexpr unsigned kNoFlags = 0;
  sched_attr attributes{};
  // The C library has no wrapper for either call.
  if (::syscall(SYS_sched_getattr, kThisThread, &attributes, sizeof attributes, kNoFlags) != 0)
    return false;
  // Who started it under another policy (`chrt`) has said what they want.
  if (attributes.sched_policy != SCHED_NORMAL) return false;
  attributes.sched_runtime = kTimeSliceNs;
  return ::syscall(SYS_sched_setattr, kThisThread, &attributes, kNoFlags) == 0;
}

}  // namespace socketmesh::shell
