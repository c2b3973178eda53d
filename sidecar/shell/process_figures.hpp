// What the process itself uses, for /status. Linux; what /proc does not give stays 0.
#pragma once

#include <cstdint>

namespace socketmesh::shell {

struct ProcessFigures {
  std::int64_t pid = 0;
  std::uint64_t resident_bytes = 0;
  double cpu_seconds = 0;  // user and system, since start
  std::uint64_t open_files = 0;
};

ProcessFigures read_process_figures();

}  // namespace socketmesh::shell
