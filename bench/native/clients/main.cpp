// bench_clients: many Socket.IO clients over WebSocket.
//
// Connects, writes a line of JSON about that, and then obeys lines on standard input, each answered
// by one of JSON: `arm` counts messages from 0, `count` says how many came, `report` says it all.
// `end` ends.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include "bench/native/clients/crowd.hpp"
#include "bench/native/poller.hpp"

namespace {

using socketmesh::bench::Crowd;
using socketmesh::bench::CrowdOptions;

// Nearest rank, of sorted values, in milliseconds.
double percentile_ms(const std::vector<std::uint32_t>& sorted, double rank) {
  if (sorted.empty()) return 0;
  const double position = std::ceil(rank / 100 * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(1.0, position)) - 1] / 1000.0;
}

void print_report(const Crowd::Report& report) {
  std::printf("{\"connected\":%zu,\"messages\":%" PRIu64 ",\"fewest\":%" PRIu64
              ",\"lastUs\":%" PRId64
              ",\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f,\"maxMs\":%.3f}\n",
              report.connected, report.messages, report.fewest, report.last_us,
              percentile_ms(report.latencies_us, 50), percentile_ms(report.latencies_us, 99),
              percentile_ms(report.latencies_us, 99.9), percentile_ms(report.latencies_us, 100));
  std::fflush(stdout);
}

void run(const CrowdOptions& options) {
  Crowd crowd(options);
  const std::int64_t start = socketmesh::bench::now_us();
  const std::size_t connected = crowd.connect();
  const double seconds = static_cast<double>(socketmesh::bench::now_us() - start) / 1e6;
  std::string failure = crowd.failure();
  std::erase_if(failure, [](char c) { return c == '"' || c == '\\' || c < ' '; });
  std::printf("{\"connected\":%zu,\"seconds\":%.3f,\"failure\":\"%s\"}\n", connected, seconds,
              failure.c_str());
  std::fflush(stdout);
  for (std::string line = crowd.serve(); line != "end"; line = crowd.serve()) {
    if (line == "arm") crowd.arm();
    if (line == "report") {
      print_report(crowd.report());
    } else {
      std::printf("{\"messages\":%" PRIu64 "}\n", crowd.messages());
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli("Many Socket.IO clients over WebSocket");
  CrowdOptions options;
  cli.add_option("--target", options.targets, "host:port of servers; clients take turns")
      ->required();
  cli.add_option("--connections", options.connections)->required();
  cli.add_option("--at-once", options.at_once, "clients connecting at a time");
  CLI11_PARSE(cli, argc, argv);
  try {
    socketmesh::bench::raise_descriptor_limit();
    run(options);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_clients: %s\n", error.what());
    return 1;
  }
}
