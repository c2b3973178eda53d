// refused.yaml: what the API server refuses, the parser refuses too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "operator/api/socket_mesh.hpp"
#include "operator/cli/manifest.hpp"

namespace socketmesh::op::api {
namespace {

using testing::HasSubstr;

struct Refused {
  std::string text;
  std::string expected;
};

std::vector<Refused> read_refused() {
  std::ifstream file(SOCKETMESH_SOURCE_DIR "/tests/operator/api/refused.yaml");
  std::vector<Refused> documents;
  std::string line;
  while (std::getline(file, line)) {
    constexpr std::string_view kExpected = "# parser: ";
    if (line == "---") documents.emplace_back();
    if (documents.empty()) continue;
    if (line.starts_with(kExpected)) documents.back().expected = line.substr(kExpected.size());
    documents.back().text += line + "\n";
  }
  return documents;
}

TEST(ParseMesh, RefusesWhatTheServerRefuses) {
  const auto documents = read_refused();
  EXPECT_GE(documents.size(), 30U);
  for (const Refused& document : documents) {
    const auto manifest = cli::parse_manifest("f", document.text);
    ASSERT_TRUE(manifest) << config::to_string(manifest.error());
    const auto mesh = parse(manifest->at(0).object, UnknownFields::kRefuse);
    ASSERT_FALSE(document.expected.empty());
    ASSERT_FALSE(mesh) << document.text;
    EXPECT_THAT(to_string(mesh.error()), HasSubstr(document.expected)) << document.text;
    EXPECT_EQ(mesh.error().size(), 1U) << to_string(mesh.error());
  }
}

}  // namespace
}  // namespace socketmesh::op::api
