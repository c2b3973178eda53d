#include "sidecar/shell/tls/reload_schedule.hpp"

namespace socketmesh::shell {

ReloadSchedule::Verdict ReloadSchedule::look(const net::TlsFilesMark& mark) {
  const bool still = mark == seen_;
  seen_ = mark;
  if (mark == read_) {
    if (retry_in_ == 0) return Verdict::kNothing;
    --retry_in_;
    return retry_in_ == 0 ? Verdict::kRetry : Verdict::kNothing;
  }
  if (!still) return Verdict::kNothing;
  read_ = mark;
  retry_in_ = 0;
  return Verdict::kChanged;
}

}  // namespace socketmesh::shell
