// bench_scale: a mesh of so many sidecars in the simulator, measured; one line of JSON.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "bench/native/scale/meter.hpp"

int main(int argc, char** argv) {
  CLI::App cli("A mesh of so many sidecars in the simulator");
  std::size_t sidecars = 50;
  cli.add_option("--sidecars", sidecars)->required()->check(CLI::Range(3, 1000));
  CLI11_PARSE(cli, argc, argv);
  try {
    const auto result = socketmesh::bench::Meter(sidecars).run();
    std::printf(
        "{\"sidecars\":%zu,\"links\":%zu,\"start_ms\":%.1f,\"start_bytes\":%.0f,"
        "\"start_cpu_ms\":%.2f,\"resident_kib\":%.1f,\"rest_bytes_per_s\":%.0f,"
        "\"join_ms\":%.1f,\"join_bytes\":%.1f,\"resident_join_bytes\":%.1f,\"message_ms\":%.1f,"
        "\"newcomer_ms\":%.1f,\"death_ms\":%.1f,\"silence_ms\":%.1f}\n",
        result.sidecars, result.links, result.start_ms, result.start_bytes, result.start_cpu_ms,
        result.resident_kib, result.rest_bytes_per_s, result.join_ms, result.join_bytes,
        result.resident_join_bytes, result.message_ms, result.newcomer_ms, result.death_ms,
        result.silence_ms);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_scale: %s\n", error.what());
    return 1;
  }
}
