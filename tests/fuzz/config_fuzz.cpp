// The sidecar's configuration: any text is a configuration, or a list of problems, each with a
// message. Never both, never neither.
#include "sidecar/shell/config.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using socketmesh::fuzz::require;
  const std::string_view text = socketmesh::fuzz::text({data, size});
  // It opens the TLS files that it is told of; devices among them could keep it waiting.
  if (text.find("/dev") != std::string_view::npos || text.find("/proc") != std::string_view::npos)
    return 0;
  const auto config = socketmesh::config::parse_sidecar_config("/nowhere/f.yaml", text, {}, "host");
  if (config) {
    require(!config.value().mesh.name.empty());
    require(config.value().mesh.name.size() <= socketmesh::config::kMeshNameBytesMax);
  } else {
    require(!config.error().empty());
    for (const auto& problem : config.error()) require(!problem.message.empty());
  }
  return 0;
}
