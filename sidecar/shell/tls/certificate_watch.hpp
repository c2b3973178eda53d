// Keeps a mesh's certificates up to date with their files.
//
// look() is called once a second: it costs three stat calls while nothing changes. A set that
// changed is loaded, checked, and handed over; one that cannot be used is logged and counted once,
// and the set in use stays. Only a set of the same identity that is valid now replaces another.
// Live sessions keep theirs (TlsContext). No exceptions. One thread; reads small files, blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/net/tls_files.hpp"
#include "lib/obs/log.hpp"
#include "sidecar/shell/tls/context.hpp"
#include "sidecar/shell/tls/reload_schedule.hpp"

namespace socketmesh::shell {

class CertificateWatch {
 public:
  using Context = std::shared_ptr<const TlsContext>;
  using OnChange = std::function<void(const Context&)>;
  struct Stats {
    std::uint64_t reloads = 0;  // sets that replaced another
    std::uint64_t refused = 0;  // sets that could not
  };

  // The logger outlives it.
  CertificateWatch(const obs::Logger& logger, net::TlsFiles files);

  // Reads the first set. An own certificate that is out of date is no error: another may come.
  Expected<void, net::TlsError> load();
  // After load(). `now_s` is the wall clock, seconds since 1970. At most one call of `on_change`.
  void look(std::int64_t now_s, const OnChange& on_change);

  // The set in use; null before load().
  [[nodiscard]] const Context& context() const { return context_; }
  [[nodiscard]] const Stats& stats() const { return stats_; }
  // Why the files, as they are now, are not what is in use; empty when they are.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Expected<Context> load_next(std::int64_t now_s) const;
  void take(Context next, const OnChange& on_change);
  void refuse(const std::string& why);
  void tell_end(std::int64_t now_s);

  const obs::Logger& logger_;
  net::TlsFiles files_;
  Context context_;
  std::optional<ReloadSchedule> schedule_;
  Stats stats_;
  std::string problem_;
  bool told_end_ = false;
};

}  // namespace socketmesh::shell
