// Who reaches what under the planned NetworkPolicy, by an evaluator of the rules as the Kubernetes
// documentation states them. Nothing enforces policies on the test clusters, so this is what stands
// for it.
#include <gtest/gtest.h>

#include "operator/plan/plan.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

constexpr char kSpace[] = "talk";  // where the mesh is

struct Peer {
  std::string space;
  json labels = json::object();
};

bool matches(const json& selector, const json& labels) {
  const json wanted = selector.value("matchLabels", json::object());
  for (const auto& [key, value] : wanted.items()) {
    if (labels.value(key, "") != value) return false;
  }
  for (const json& term : selector.value("matchExpressions", json::array())) {
    const bool has = labels.contains(term["key"].get<std::string>());
    const json value = has ? labels[term["key"].get<std::string>()] : json();
    const json values = term.value("values", json::array());
    const bool in = has && std::find(values.begin(), values.end(), value) != values.end();
    const std::string comparison = term["operator"];
    if (comparison == "In" && !in) return false;
    if (comparison == "NotIn" && in) return false;
    if (comparison == "Exists" && !has) return false;
    if (comparison == "DoesNotExist" && has) return false;
  }
  return true;
}

// No namespaceSelector: the policy's own namespace. No podSelector: every pod of the namespaces.
bool is_from(const json& from, const Peer& peer) {
  if (from.contains("namespaceSelector")) {
    const json labels = {{"kubernetes.io/metadata.name", peer.space}};
    if (!matches(from["namespaceSelector"], labels)) return false;
  } else if (peer.space != kSpace) {
    return false;
  }
  return !from.contains("podSelector") || matches(from["podSelector"], peer.labels);
}

bool is_port(const json& range, const std::string& protocol, int port) {
  const int first = range["port"];
  return range["protocol"] == protocol && port >= first && port <= range.value("endPort", first);
}

// Whether a pod with these labels takes a connection from the peer.
bool allows(const json& policy, const json& pod, const Peer& peer, const std::string& protocol,
            int port) {
  const json& spec = policy["spec"];
  if (!matches(spec["podSelector"], pod)) return true;  // not isolated
  for (const json& rule : spec["ingress"]) {
    bool from = !rule.contains("from");
    bool to = !rule.contains("ports");
    for (const json& one : rule.value("from", json::array())) from = from || is_from(one, peer);
    for (const json& one : rule.value("ports", json::array())) {
      to = to || is_port(one, protocol, port);
    }
    if (from && to) return true;
  }
  return false;
}

json policy_of(const json& patch = {}) {
  for (const json& object : make_plan(mesh_of(kChat, patch), {}, {}).objects) {
    if (object["kind"] == "NetworkPolicy") return object;
  }
  return nullptr;
}

const json kMember = {{"socketmesh.io/mesh", "chat"}, {"socketmesh.io/managed", "true"}};

class Matrix : public testing::Test {
 protected:
  bool reaches(const Peer& peer, int port, const std::string& protocol = "TCP") const {
    return allows(policy_, kMember, peer, protocol, port);
  }

  json policy_ = policy_of({{"spec", {{"monitoring", {{"from", json::parse(R"({
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
    "podSelector": {"matchExpressions": [
        {"key": "app", "operator": "In", "values": ["prometheus"]}]}})")}}}}}});
  Peer member_{kSpace, kMember};
  Peer neighbour_{kSpace, {{"app", "other"}}};
  Peer stranger_{"elsewhere", json::object()};
  Peer namesake_{"elsewhere", kMember};  // of the mesh of that name in another namespace
  Peer other_mesh_{kSpace, {{"socketmesh.io/mesh", "games"}}};
  Peer operator_{"socketmesh-system", {{"app.kubernetes.io/name", "socketmesh-operator"}}};
  Peer impostor_{kSpace, {{"app.kubernetes.io/name", "socketmesh-operator"}}};
  Peer prometheus_{"monitoring", {{"app", "prometheus"}}};
  Peer grafana_{"monitoring", {{"app", "grafana"}}};
};

TEST_F(Matrix, LinksAreForTheMesh) {
  EXPECT_TRUE(reaches(member_, 7400));
  for (const Peer& peer : {neighbour_, stranger_, namesake_, other_mesh_, operator_, impostor_,
                           prometheus_, grafana_}) {
    EXPECT_FALSE(reaches(peer, 7400)) << peer.space << peer.labels;
  }
}

TEST_F(Matrix, AdminIsForTheMeshTheOperatorAndScrapers) {
  for (const Peer& peer : {member_, operator_, prometheus_}) {
    EXPECT_TRUE(reaches(peer, 7401)) << peer.space << peer.labels;
  }
  for (const Peer& peer : {neighbour_, stranger_, namesake_, other_mesh_, impostor_, grafana_}) {
    EXPECT_FALSE(reaches(peer, 7401)) << peer.space << peer.labels;
  }
}

TEST_F(Matrix, TheAppsPortsAreForEverybody) {
  for (const Peer& peer : {member_, neighbour_, stranger_, operator_}) {
    for (const int port : {1, 80, 3000, 7399, 7402, 8080, 65535}) {
      EXPECT_TRUE(reaches(peer, port)) << port;
    }
    for (const int port : {1, 53, 7400, 7401, 65535}) EXPECT_TRUE(reaches(peer, port, "UDP"));
  }
}

TEST_F(Matrix, OtherPodsAreNotItsBusiness) {
  EXPECT_TRUE(allows(policy_, {{"app", "other"}}, stranger_, "TCP", 7400));
  EXPECT_EQ(policy_["spec"]["policyTypes"], json::array({"Ingress"}));
}

TEST_F(Matrix, NobodyMoreScrapesUnlessAsked) {
  policy_ = policy_of();
  EXPECT_FALSE(reaches(prometheus_, 7401));
  EXPECT_TRUE(reaches(operator_, 7401));
}

TEST(NetworkPolicy, IsAChoice) {
  EXPECT_TRUE(policy_of({{"spec", {{"networkPolicy", false}}}}).is_null());
}

}  // namespace
}  // namespace socketmesh::op::plan
