// Scripts of what links may say (tests/fuzz/node_driver.hpp), to a whole node.
#include "tests/fuzz/node_driver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socketmesh::fuzz::Input input(data, size);
  socketmesh::fuzz::NodeDriver driver(socketmesh::fuzz::NodeDriver::Side::kLink);
  driver.run(input);
  return 0;
}
