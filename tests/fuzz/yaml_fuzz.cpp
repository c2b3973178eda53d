// The YAML reader: any text is a tree within its bounds, or problems with a line.
#include "lib/config/yaml.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using socketmesh::config::YamlNode;

void walk(const YamlNode& node, std::size_t depth) {
  socketmesh::fuzz::require(depth <= socketmesh::config::kYamlDepthMax + 1 && node.line >= 0);
  for (const auto& item : node.items) walk(item, depth + 1);
  for (const auto& entry : node.entries) {
    walk(entry.value, depth + 1);
    socketmesh::fuzz::require(node.find(entry.key) != nullptr);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<socketmesh::config::Problem> problems;
  const auto root =
      socketmesh::config::parse_yaml("f.yaml", socketmesh::fuzz::text({data, size}), problems);
  walk(root, 0);
  for (const auto& problem : problems) socketmesh::fuzz::require(!problem.message.empty());
  return 0;
}
