// sim: the deterministic simulator. Many sidecars (the real core) in virtual time, seeded faults,
// invariants.
//
//   sim [--seeds N] [--from K] [--jobs J] [--first]    N seeds from K on, after those of seeds.txt
//   sim --seed K [--trace]                             one seed; --trace prints everything that
//   happens
//   --recovery with either: only the part of each seed that is about recovery
//   --leaving with either: that part, with sidecars that leave; after the seeds of
//   leaving_seeds.txt
//   --dying with either: the same with pods that are killed; after the seeds of dying_seeds.txt
//   --stopping with either: the mesh without recovery, with sidecars that stand still for seconds;
//   after the seeds of stopping_seeds.txt
#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <thread>

#include "tests/sim/recovery_scenario.hpp"
#include "tests/sim/runner.hpp"

namespace {

using socketmesh::sim::Failure;
using socketmesh::sim::kFirstFault;
using socketmesh::sim::kStatCount;
using socketmesh::sim::kStatNames;
using socketmesh::sim::run_dying_seed;
using socketmesh::sim::run_leaving_seed;
using socketmesh::sim::run_recovery_seed;
using socketmesh::sim::run_seed;
using socketmesh::sim::run_stopping_seed;
using socketmesh::sim::Stat;
using socketmesh::sim::Stats;

constexpr int kUsage = 2;
constexpr double kMicrosecondsPerHour = 3.6e9;

struct Arguments {
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  std::uint64_t seed = 0;
  bool one = false;
  bool first = false;
  bool trace = false;
  decltype(&run_seed) run = run_seed;
  const char* kept = "seeds.txt";
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
};

bool number(const char* text, auto& out) {
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, out);
  return error == std::errc{} && stop == end;
}

struct Mode {
  const char* word;
  decltype(&run_seed) run;
  const char* kept;
};

constexpr std::array<Mode, 4> kModes{{{"--recovery", run_recovery_seed, "seeds.txt"},
                                      {"--leaving", run_leaving_seed, "leaving_seeds.txt"},
                                      {"--dying", run_dying_seed, "dying_seeds.txt"},
                                      {"--stopping", run_stopping_seed, "stopping_seeds.txt"}}};

const Mode* mode_of(std::string_view word) {
  const auto* found =
      std::ranges::find(kModes, word, [](const Mode& mode) { return std::string_view(mode.word); });
  return found == kModes.end() ? nullptr : found;
}

bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    bool good = true;
    if (word == "--first") {
      out.first = true;
      continue;
    }
    if (word == "--trace") {
      out.trace = true;
      continue;
    }
    if (const Mode* mode = mode_of(word); mode != nullptr) {
      out.run = mode->run;
      out.kept = mode->kept;
      continue;
    }
    if (word == "--seeds") {
      good = number(value, out.seeds);
    } else if (word == "--from") {
      good = number(value, out.from);
    } else if (word == "--seed") {
      good = out.one = number(value, out.seed);
    } else if (word == "--jobs") {
      good = number(value, out.jobs) && out.jobs > 0;
    } else {
      good = false;
    }
    if (!good) {
      std::fprintf(stderr,
                   "sim: %s %s?\nusage: sim [--seeds N] [--from K] [--jobs J] [--first] | --seed K "
                   "[--trace]  with --recovery, --leaving, --dying or --stopping\n",
                   word.c_str(), value);
      return false;
    }
    ++i;
  }
  return true;
}

void print_stats(const Stats& stats) {
  std::printf("  virtual time             %.2f h\n",
              static_cast<double>(stats.get(Stat::kVirtualMicroseconds)) / kMicrosecondsPerHour);
  for (std::size_t i = 0; i < kStatCount; ++i) {
    if (i == kFirstFault) std::printf("faults injected:\n");
    if (i == static_cast<std::size_t>(Stat::kVirtualMicroseconds)) continue;
    std::printf("  %-33s %" PRIu64 "\n", kStatNames.at(i), stats.at(i));
  }
}

void print_failure(const Failure& failure, const char* program, const Arguments& arguments) {
  const auto* mode = std::ranges::find(kModes, arguments.run, &Mode::run);
  std::printf("seed %" PRIu64 " FAILED: %s\n  again: %s%s%s --seed %" PRIu64 " --trace\n\n",
              failure.seed, failure.report.c_str(), program, mode == kModes.end() ? "" : " ",
              mode == kModes.end() ? "" : mode->word, failure.seed);
  std::fflush(stdout);
}

int run_one(const Arguments& arguments, const char* program) {
  const auto outcome = arguments.run(arguments.seed, arguments.trace);
  if (!outcome.passed)
    print_failure({arguments.seed, outcome.violation + "\n" + outcome.tail}, program, arguments);
  print_stats(outcome.stats);
  std::printf("trace hash %016" PRIx64 "\n%d passed, %d failed\n", outcome.hash,
              outcome.passed ? 1 : 0, outcome.passed ? 0 : 1);
  return outcome.passed ? 0 : 1;
}

int run_many(const Arguments& arguments, const char* program) {
  socketmesh::sim::RunnerOptions options;
  options.seeds = socketmesh::sim::read_seeds(std::string(SOCKETMESH_SOURCE_DIR "/tests/sim/") +
                                              arguments.kept);
  const std::size_t kept = options.seeds.size();
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) options.seeds.push_back(arguments.from + i);
  options.jobs = arguments.jobs;
  options.run = arguments.run;
  options.stop_at_first = arguments.first;
  const auto summary = socketmesh::sim::run_seeds(
      options, [&](const Failure& failure) { print_failure(failure, program, arguments); });
  std::printf("%" PRIu64 " seeds (%zu kept from earlier failures)\n",
              summary.passed + summary.failures.size(), kept);
  print_stats(summary.stats);
  const bool recovers = socketmesh::sim::most_recovered(summary.stats);
  if (!recovers) std::printf("FAILED: too many sessions were refused\n");
  std::printf("%" PRIu64 " passed, %zu failed\n", summary.passed, summary.failures.size());
  return recovers && summary.failures.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return kUsage;
  try {
    return arguments.one ? run_one(arguments, argv[0]) : run_many(arguments, argv[0]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sim: %s\n", error.what());
    return kUsage;
  }
}
