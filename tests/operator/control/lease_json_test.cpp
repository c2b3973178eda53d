#include "operator/control/lease_json.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::control {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const kube::ObjectRef kRef{kube::kLeases, "system", "socketmesh-operator"};

TEST(LeaseJson, ReadsBackWhatItWrites) {
  const plan::Lease lease{"a_1", 15, 1'795'426'731s + 5us, 1'795'426'733s, 3, "42"};
  const json object = lease_json(kRef, lease);
  EXPECT_EQ(object["metadata"]["namespace"], "system");
  EXPECT_EQ(object["spec"]["acquireTime"], "2026-11-23T09:38:51.000005Z");
  EXPECT_EQ(read_lease(object), lease);
}

TEST(LeaseJson, ANewOneHasNoVersion) {
  EXPECT_FALSE(lease_json(kRef, {})["metadata"].contains("resourceVersion"));
}

TEST(LeaseJson, WhateverStandsThereIsRead) {
  for (const char* text : {"{}", "[]", R"({"spec": 7})", R"({"spec": {"holderIdentity": null}})"})
    EXPECT_EQ(read_lease(json::parse(text)), plan::Lease{}) << text;
  EXPECT_EQ(read_lease(json::parse(R"({"spec": {"renewTime": "soon"}})")).renewed, 0s);
}

}  // namespace
}  // namespace socketmesh::op::control
