// Configuration files from anyone: the YAML tree, the reader over it, and the value parsers.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/base/endpoint.hpp"
#include "lib/base/parse.hpp"
#include "lib/config/reader.hpp"

namespace {

using namespace socketmesh;  // NOLINT(google-build-using-namespace): one small program

void must(bool condition) {
  if (!condition) std::abort();
}

// What parses is written back as text that parses to the same.
void values(std::string_view text) {
  if (const auto endpoint = parse_tcp_endpoint(text)) {
    must(parse_tcp_endpoint(endpoint->to_string()).value() == *endpoint);
  }
  if (const auto endpoint = parse_endpoint(text)) {
    must(parse_endpoint(to_string(*endpoint)).value() == *endpoint);
  }
  if (const auto duration = parse_duration(text)) {
    must(parse_duration(format_duration(*duration)).value() == *duration);
  }
  if (const auto size = parse_size(text)) {
    must(parse_size(format_size(*size)).value() == *size);
  }
}

void file(std::string_view text) {
  config::Reader reader = config::Reader::from_text("f", text, {});
  config::Section link = reader.section("link");
  const auto any = [](std::string_view word) -> Expected<std::string> {
    values(word);
    return std::string(word);
  };
  link.require(link.get_text("text", any));
  link.get("listen", parse_endpoint);
  link.get("window", parse_size);
  link.get_number("number", 1, 100);
  link.get_bool("flag");
  link.get_list("peers", any);
  for (const auto& problem : reader.finish()) must(!problem.to_string().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  values(text);
  file(text);
  return 0;
}
