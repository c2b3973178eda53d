#include "operator/control/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class StoreTest : public testing::Test {
 protected:
  static MeshRecord mesh(const std::string& ns, const std::string& name, std::uint64_t version,
                         std::int64_t generation = 1) {
    MeshRecord record;
    record.mesh.metadata.namespace_name = ns;
    record.mesh.metadata.name = name;
    record.mesh.metadata.uid = "uid-" + name;
    record.mesh.metadata.generation = generation;
    record.version = version;
    return record;
  }
  static OwnedObject owned(const std::string& kind, const std::string& mesh, std::uint64_t version,
                           const std::string& ns = "talk") {
    OwnedObject object;
    object.id = {"v1", kind, ns, mesh};
    object.mesh = mesh;
    object.version = version;
    object.live.uid = kind + mesh;
    return object;
  }
  static PodRecord pod(const std::string& name, const std::string& mesh, std::uint64_t version,
                       const std::string& ns = "talk") {
    PodRecord record;
    record.namespace_name = ns;
    record.name = name;
    record.uid = "uid-" + name;
    record.mesh = mesh;
    record.sidecar = true;
    record.version = version;
    return record;
  }
  std::vector<std::string> told() { return std::exchange(told_, {}); }

  std::vector<std::string> told_;
  Store store_{[this](const std::string& key) { told_.push_back(key); }};
};

TEST_F(StoreTest, TellsOfMeshesThatWantSomethingElse) {
  store_.put_mesh(mesh("talk", "chat", 5));
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
  MeshRecord status = mesh("talk", "chat", 6);
  status.mesh.status.replicas = 3;
  store_.put_mesh(status);
  EXPECT_THAT(told(), IsEmpty()) << "only the status";
  EXPECT_EQ(store_.mesh("talk/chat")->mesh.status.replicas, 3);
  store_.put_mesh(mesh("talk", "chat", 7, 2));
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
  store_.remove_mesh(mesh("talk", "chat", 8));
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
  EXPECT_EQ(store_.mesh("talk/chat"), nullptr);
}

TEST_F(StoreTest, AnOlderStateIsIgnored) {
  store_.put_mesh(mesh("talk", "chat", 7, 2));
  store_.put_mesh(mesh("talk", "chat", 6, 1));
  EXPECT_EQ(store_.mesh("talk/chat")->mesh.metadata.generation, 2);
  MeshRecord anew = mesh("talk", "chat", 3, 1);
  anew.mesh.metadata.uid = "another";
  store_.put_mesh(anew);
  EXPECT_EQ(store_.mesh("talk/chat")->mesh.metadata.uid, "another") << "not older: another object";
  store_.remove_mesh(mesh("talk", "chat", 9));
  EXPECT_NE(store_.mesh("talk/chat"), nullptr) << "the one that went was the first";

  store_.put_owned(owned("Service", "chat", 20));
  store_.put_owned(owned("Service", "chat", 19));
  EXPECT_EQ(store_.owned("talk/chat").begin()->second.version, 20U);
  store_.put_pod(pod("p", "chat", 20));
  PodRecord older = pod("p", "chat", 19);
  older.address = "10.0.0.1";
  store_.put_pod(older);
  EXPECT_EQ(store_.pods("talk/chat").front().address, "");
}

TEST_F(StoreTest, AReplacedListForgetsWhatIsNotInIt) {
  store_.put_mesh(mesh("talk", "a", 1));
  store_.put_mesh(mesh("talk", "b", 1));
  store_.put_mesh(mesh("other", "c", 1));
  told();
  store_.replace_meshes("talk", {mesh("talk", "b", 1)});
  EXPECT_THAT(told(), ElementsAre("talk/a"));
  EXPECT_EQ(store_.meshes().size(), 2U);
  store_.replace_meshes("", {});
  EXPECT_THAT(store_.meshes(), IsEmpty());
}

TEST_F(StoreTest, AReplacedKindLeavesTheOthers) {
  store_.put_owned(owned("Service", "chat", 1));
  store_.put_owned(owned("ConfigMap", "chat", 1));
  store_.put_owned(owned("Service", "game", 1, "play"));
  told();
  store_.replace_owned("talk", "Service", {});
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
  EXPECT_EQ(store_.owned("talk/chat").size(), 1U);
  EXPECT_EQ(store_.owned("play/game").size(), 1U);
  store_.replace_owned("", "Service", {});
  EXPECT_TRUE(store_.owned("play/game").empty());
}

TEST_F(StoreTest, TheSameStateTwiceIsNoNews) {
  store_.put_owned(owned("Service", "chat", 1));
  told();
  store_.put_owned(owned("Service", "chat", 1));
  EXPECT_THAT(told(), IsEmpty()) << "the own write, and its watch event";
  store_.put_owned(owned("Service", "chat", 2));
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
}

TEST_F(StoreTest, AnObjectWithAnotherLabelMovesToThatMesh) {
  store_.put_owned(owned("Service", "chat", 1));
  told();
  OwnedObject moved = owned("Service", "chat", 2);
  moved.mesh = "game";
  store_.put_owned(moved);
  EXPECT_THAT(told(), UnorderedElementsAre("talk/chat", "talk/game"));
  EXPECT_TRUE(store_.owned("talk/chat").empty());
  moved.mesh.clear();
  moved.version = 3;
  store_.put_owned(moved);
  EXPECT_TRUE(store_.owned("talk/game").empty());
}

TEST_F(StoreTest, RemovalIsOfThatVeryObject) {
  store_.put_owned(owned("Service", "chat", 5));
  OwnedObject earlier = owned("Service", "chat", 4);
  earlier.live.uid = "gone already";
  store_.remove_owned(earlier);
  EXPECT_EQ(store_.owned("talk/chat").size(), 1U);
  OwnedObject unlabelled = owned("Service", "chat", 6);
  unlabelled.mesh.clear();
  store_.remove_owned(unlabelled);
  EXPECT_TRUE(store_.owned("talk/chat").empty());
}

// The watch may tell of an object's end before the answer to our last write of it is read.
TEST_F(StoreTest, ALateAnswerDoesNotBringBackWhatIsGone) {
  store_.put_mesh(mesh("talk", "chat", 5));
  store_.remove_mesh(mesh("talk", "chat", 9));
  store_.put_mesh(mesh("talk", "chat", 8));
  EXPECT_EQ(store_.mesh("talk/chat"), nullptr);

  store_.remove_owned(owned("Service", "chat", 9));  // of which nothing was known yet
  store_.put_owned(owned("Service", "chat", 8));
  EXPECT_TRUE(store_.owned("talk/chat").empty());

  store_.put_owned(owned("ConfigMap", "chat", 5));
  store_.replace_owned("", "ConfigMap", {});
  store_.put_owned(owned("ConfigMap", "chat", 5));
  EXPECT_TRUE(store_.owned("talk/chat").empty());
}

TEST_F(StoreTest, WhatLostItsLabelComesBackWithIt) {
  store_.put_owned(owned("Service", "chat", 5));
  store_.remove_owned(owned("Service", "chat", 6));  // how a watch by label tells it
  store_.put_owned(owned("Service", "chat", 7));
  EXPECT_EQ(store_.owned("talk/chat").size(), 1U);
}

TEST_F(StoreTest, RemembersNoMoreOfTheGoneThanItsLimit) {
  for (std::size_t i = 0; i < kGoneMax; ++i)
    store_.remove_owned(owned("Service", "m" + std::to_string(i), 9));
  store_.put_owned(owned("Service", "m0", 8));
  EXPECT_TRUE(store_.owned("talk/m0").empty());
  store_.remove_owned(owned("Service", "one more", 9));
  store_.put_owned(owned("Service", "m0", 8));
  EXPECT_EQ(store_.owned("talk/m0").size(), 1U) << "forgotten";
  store_.put_owned(owned("Service", "m1", 8));
  EXPECT_TRUE(store_.owned("talk/m1").empty());
}

TEST_F(StoreTest, PodsAreNewsOnlyWhenTheyDiffer) {
  store_.put_pod(pod("p", "chat", 1));
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
  store_.put_pod(pod("p", "chat", 2));
  EXPECT_THAT(told(), IsEmpty());
  PodRecord ready = pod("p", "chat", 3);
  ready.ready = true;
  store_.put_pod(ready);
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
  PodRecord moved = pod("p", "game", 4);
  store_.put_pod(moved);
  EXPECT_THAT(told(), UnorderedElementsAre("talk/chat", "talk/game"));
  store_.remove_pod(moved);
  EXPECT_THAT(told(), ElementsAre("talk/game"));
  store_.put_pod(pod("q", "chat", 1));
  told();
  store_.replace_pods("talk", {});
  EXPECT_THAT(told(), ElementsAre("talk/chat"));
}

TEST_F(StoreTest, BarePodsAreCountedByMesh) {
  PodRecord bare = pod("b", "chat", 1);
  bare.sidecar = false;
  store_.put_pod(bare);
  store_.put_pod(pod("p", "chat", 1));
  store_.put_pod(pod("q", "game", 1));
  EXPECT_THAT(store_.bare_pods(), ElementsAre(testing::Pair("talk/chat", 1U)));
  store_.put_mesh(mesh("talk", "empty", 1));
  EXPECT_THAT(store_.keys(), ElementsAre("talk/chat", "talk/empty", "talk/game"));
}

// "talk" and "talk0" are neighbours in the order of keys.
TEST_F(StoreTest, NamespacesDoNotMix) {
  store_.put_pod(pod("p", "chat", 1, "talk"));
  store_.put_pod(pod("p", "chat", 1, "talk0"));
  store_.put_pod(pod("p", "chat", 1, "talk-a"));
  store_.remove_pod(pod("p", "chat", 2, "talk0"));
  EXPECT_EQ(store_.pods("talk/chat").size(), 1U);
  EXPECT_EQ(store_.pods("talk-a/chat").size(), 1U);
  EXPECT_TRUE(store_.pods("talk0/chat").empty());
}

}  // namespace
}  // namespace socketmesh::op::control
