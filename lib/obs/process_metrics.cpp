#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "lib/obs/metrics.hpp"

namespace socketmesh::obs {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// The field of /proc/self/stat that proc(5) numbers so (from 3, as the name may hold spaces).
std::optional<double> stat_field(int number) {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= number; ++i) fields >> field;
  char* end = nullptr;
  const double value = std::strtod(field.c_str(), &end);
  if (end == field.c_str()) return std::nullopt;
  return value;
}

std::optional<double> boot_time_s() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return std::nullopt;
}

std::optional<std::size_t> open_files() {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  if (error) return std::nullopt;
  for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (error) return std::nullopt;
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // less the one that looks
}

}  // namespace

void add_process_metrics(MetricSet& metrics) {
  constexpr int kStartTimeField = 22;  // in clock ticks since boot
  constexpr int kVirtualBytesField = 23;
  constexpr int kResidentPagesField = 24;

  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    metrics.counter("process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
                    seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  if (const auto pages = stat_field(kResidentPagesField)) {
    metrics.gauge("process_resident_memory_bytes", "Resident memory, in bytes.",
                  *pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  if (const auto bytes = stat_field(kVirtualBytesField)) {
    metrics.gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.", *bytes);
  }
  if (const auto count = open_files()) {
    metrics.gauge("process_open_fds", "Open file descriptors.", *count);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    metrics.gauge("process_max_fds", "Most file descriptors that may be open.", limit.rlim_cur);
  }
  const auto ticks = stat_field(kStartTimeField);
  const auto boot = boot_time_s();
  if (ticks && boot) {
    metrics.gauge("process_start_time_seconds", "When the process started, in Unix seconds.",
                  *boot + *ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
  }
}

}  // namespace socketmesh::obs
