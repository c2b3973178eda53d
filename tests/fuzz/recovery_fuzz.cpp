// Scripts of what an app and two links may say of sessions (tests/fuzz/node_driver.hpp), to a whole
// node whose recovery is on.
#include "tests/fuzz/node_driver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socketmesh::fuzz::Input input(data, size);
  socketmesh::fuzz::NodeDriver driver(socketmesh::fuzz::NodeDriver::Side::kRecovery);
  driver.run(input);
  return 0;
}
