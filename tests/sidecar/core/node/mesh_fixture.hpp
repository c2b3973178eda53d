// Small meshes for the scripted tests of the node: real nodes and model apps in virtual time
// (tests/sim).
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/link_protocol.hpp"
#include "tests/sim/raw_client.hpp"
#include "tests/sim/world.hpp"

namespace socketmesh::sim {

inline constexpr TimeUs kSoon = 300 * kMillisecondUs;

class MeshTest : public ::testing::Test {
 protected:
  static std::uint64_t cuts(const SidecarHost& sidecar, node::CutReason reason) {
    return const_cast<SidecarHost&>(sidecar).node().counters().cuts.at(
        static_cast<std::size_t>(reason));
  }
  static std::uint64_t drops(SidecarHost& sidecar, node::DropReason reason) {
    return sidecar.node().counters().drops.at(static_cast<std::size_t>(reason));
  }
  static Data to_room(const std::string& room, std::size_t bytes = 20) {
    Data data;
    data.nsp = "/";
    data.rooms = {room};
    data.body = Writer().varint(1).varint(bytes << 1U).raw(std::string(bytes, 'x')).take();
    return data;
  }
  static std::string hello(const std::string& mesh, const std::string& sidecar, std::uint64_t epoch,
                           std::uint8_t min_version = 1, std::uint8_t max_version = 1) {
    constexpr std::uint32_t kMagic = 0x48534d53;
    Writer payload;
    payload.u32(kMagic).u8(min_version).u8(max_version).string(mesh).string(sidecar).u64(epoch);
    return frame(static_cast<std::uint8_t>(LinkType::kHello), payload.str());
  }
  // Joins and waits until it is acknowledged.
  static void join(World& world, SimApp& app, const std::string& room) {
    app.join("/", {room});
    const std::uint32_t id = app.sync();
    ASSERT_TRUE(world.run_until(kSoon, [&] { return app.synced(id).has_value(); }));
    ASSERT_EQ(*app.synced(id), 0);
  }
};

}  // namespace socketmesh::sim
