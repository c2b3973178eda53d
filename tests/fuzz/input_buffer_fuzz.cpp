// The stream cutter against the simulator's own, over any cuts: the same frames, the same end.
#include "sidecar/core/wire/frame.hpp"
#include "sidecar/core/wire/input_buffer.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/sim/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using socketmesh::fuzz::require;
  constexpr std::size_t kMaxFrame = 300;
  socketmesh::fuzz::Input input(data, size);
  socketmesh::wire::InputBuffer buffer(kMaxFrame);
  std::string fed, seen;
  auto error = socketmesh::wire::InputError::kNone;
  while (!input.empty() && error == socketmesh::wire::InputError::kNone) {
    const auto chunk = input.bytes(input.byte());
    fed += socketmesh::fuzz::text(chunk);
    error = buffer.feed(chunk, [&seen](socketmesh::wire::Bytes frames) {
      seen += socketmesh::fuzz::text(frames);
      return true;
    });
    require(buffer.carried_bytes() <= kMaxFrame + socketmesh::wire::kLengthBytes);
  }
  require(fed.starts_with(seen));
  // What was seen are whole frames; what follows them is no whole frame, or the reason for the
  // error.
  std::size_t at = 0;
  while (at + 4 <= fed.size()) {
    const std::size_t length =
        socketmesh::sim::Reader(socketmesh::sim::as_bytes(fed).subspan(at)).u32();
    if (length == 0 || length > kMaxFrame || fed.size() - at - 4 < length) break;
    at += 4 + length;
  }
  require(seen.size() == at);
  return 0;
}
