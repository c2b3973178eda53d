// bench_relay: publishers and subscribers of one subject on a message relay, without an app around.
//
// Connects, writes a line `ready`, waits for a line on standard input, runs, and writes the result
// as one line of JSON. Between the two lines the suite reads what the relay's processes have used.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <string>

#include "bench/native/poller.hpp"
#include "bench/native/relay/load.hpp"

namespace {

using socketmesh::bench::Load;
using socketmesh::bench::LoadOptions;
using socketmesh::bench::LoadResult;
using socketmesh::bench::ProtocolOptions;

// Members differ, and runs too: a sidecar remembers those that left.
std::uint64_t member_id(std::size_t index) {
  return (static_cast<std::uint64_t>(socketmesh::bench::now_us()) << 8U) | index;
}

Load::MakeProtocol maker(const std::string& protocol) {
  if (protocol == "nats")
    return [](const ProtocolOptions& options, std::size_t /*index*/) {
      return socketmesh::bench::make_nats_protocol(options);
    };
  return [](const ProtocolOptions& options, std::size_t index) {
    return socketmesh::bench::make_app_protocol(options, member_id(index));
  };
}

int measure(const LoadOptions& options, const std::string& protocol) {
  Load load(options, maker(protocol));
  load.connect();
  std::puts("ready");
  std::fflush(stdout);
  socketmesh::bench::read_line();
  const LoadResult result = load.run();
  std::printf("{\"published\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"dropped\":%" PRIu64
              ",\"seconds\":%.6f}\n",
              result.published, result.delivered, result.dropped, result.seconds);
  std::fflush(stdout);
  // The connections stand until the suite has read its figures: their end is work, too.
  socketmesh::bench::read_line();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli("Publishers and subscribers of one subject on a message relay");
  LoadOptions options;
  std::string protocol = "app";
  cli.add_option("--protocol", protocol, "app (a sidecar), or nats")
      ->check(CLI::IsMember({"app", "nats"}));
  cli.add_option("--connect", options.addresses, "where relays listen; connections take turns")
      ->required();
  cli.add_option("--publishers", options.publishers)->check(CLI::Range(1, 100));
  cli.add_option("--subscribers", options.subscribers)->check(CLI::Range(1, 100));
  cli.add_option("--messages", options.messages, "of each publisher")->required();
  cli.add_option("--bytes", options.payload_bytes, "of payload")->check(CLI::Range(1, 1 << 20));
  CLI11_PARSE(cli, argc, argv);
  try {
    return measure(options, protocol);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_relay: %s\n", error.what());
    return 1;
  }
}
