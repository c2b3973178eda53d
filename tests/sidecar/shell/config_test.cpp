#include "sidecar/shell/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/lib/net/test_certificates.hpp"

namespace socketmesh::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kMinimal =
    "mesh: {name: chat}\n"
    "link: {listen: \"127.0.0.1:7400\"}\n"
    "discovery: {static: []}\n";

Expected<SidecarConfig, Problems> load(std::string_view text, const Environment& environment = {}) {
  return parse_sidecar_config("f", text, environment, "host");
}

SidecarConfig good(std::string_view text, const Environment& environment = {}) {
  auto config = load(text, environment);
  if (config) return *config;
  ADD_FAILURE() << to_string(config.error());
  return {};
}

std::string bad(std::string_view text, const Environment& environment = {}) {
  const auto config = load(text, environment);
  EXPECT_FALSE(config);
  return config ? "" : to_string(config.error());
}

TEST(SidecarConfig, HasDefaults) {
  const SidecarConfig config = good(kMinimal);
  EXPECT_EQ(config.mesh.name, "chat");
  EXPECT_EQ(config.mesh.id, "host/127.0.0.1:7400");
  EXPECT_EQ(config.app.listen, Endpoint(UnixEndpoint{"/var/run/socketmesh/app.sock"}));
  EXPECT_EQ(config.app.queue_bytes, 64U << 20U);
  EXPECT_EQ(config.link.window_bytes, 64U << 20U);
  EXPECT_EQ(config.link.hold, milliseconds(30'000));
  EXPECT_EQ(config.link.peer_timeout, milliseconds(3'000));
  EXPECT_EQ(config.link.idle_timeout, milliseconds(3'000));
  EXPECT_EQ(config.admin.listen, (TcpEndpoint{"::", 7401}));
  EXPECT_TRUE(std::get<StaticDiscovery>(config.discovery).peers.empty());
  EXPECT_TRUE(config.loopback_only());
  EXPECT_EQ(config.log.level, obs::LogLevel::kInfo);
  EXPECT_EQ(config.log.format, obs::LogFormat::kText);
}

TEST(SidecarConfig, ReadsEveryKey) {
  const SidecarConfig config = good(
      "mesh: {name: a-1, id: pod/7}\n"
      "app: {listen: \"tcp://127.0.0.1:9\", queue: 1MiB}\n"
      "link: {listen: \"[::1]:0\", window: 2Mi, hold: 1m,\n"
      "       peer_timeout: 100ms, idle_timeout: 10m}\n"
      "admin: {listen: \"127.0.0.1:0\"}\n"
      "discovery: {dns: \"chat.default.svc:7400\", interval: 5s}\n"
      "log: {level: debug, format: json}\n");
  EXPECT_EQ(config.mesh.id, "pod/7");
  EXPECT_EQ(config.app.listen, Endpoint(TcpEndpoint{"127.0.0.1", 9}));
  EXPECT_EQ(config.app.queue_bytes, 1U << 20U);
  EXPECT_EQ(config.link.listen, (TcpEndpoint{"::1", 0}));
  EXPECT_EQ(config.link.window_bytes, 2U << 20U);
  EXPECT_EQ(config.link.hold, milliseconds(60'000));
  EXPECT_EQ(config.link.peer_timeout, milliseconds(100));
  EXPECT_EQ(config.link.idle_timeout, milliseconds(600'000));
  const auto& dns = std::get<DnsDiscovery>(config.discovery);
  EXPECT_EQ(dns.name, (TcpEndpoint{"chat.default.svc", 7400}));
  EXPECT_EQ(dns.interval, milliseconds(5'000));
  EXPECT_EQ(config.log.level, obs::LogLevel::kDebug);
  EXPECT_EQ(config.log.format, obs::LogFormat::kJson);
}

TEST(SidecarConfig, VariablesAloneAreEnough) {
  const SidecarConfig config = good("", {{"SOCKETMESH_MESH_NAME", "chat"},
                                         {"SOCKETMESH_LINK_LISTEN", "127.0.0.1:1"},
                                         {"SOCKETMESH_DISCOVERY_STATIC", "127.0.0.1:2,[::1]:3"}});
  EXPECT_THAT(std::get<StaticDiscovery>(config.discovery).peers,
              ElementsAre(TcpEndpoint{"127.0.0.1", 2}, TcpEndpoint{"::1", 3}));
  EXPECT_EQ(config.origin("link.listen"), "SOCKETMESH_LINK_LISTEN: link.listen");
}

TEST(SidecarConfig, RemembersOrigins) {
  const SidecarConfig config = good(kMinimal);
  EXPECT_EQ(config.origin("link.listen"), "f:2: link.listen");
  EXPECT_EQ(config.origin("discovery.static"), "f:3: discovery.static");
  EXPECT_EQ(config.origin("admin.listen"), "admin.listen (default)");
}

TEST(SidecarConfig, NeedsNameAndDiscovery) {
  EXPECT_EQ(bad("link: {listen: \"127.0.0.1:1\"}\n"),
            "f: mesh.name: is missing; write for example mesh: {name: chat}\n"
            "f: discovery.static: is missing; discovery needs exactly one of static, dns and "
            "kubernetes\n");
}

TEST(SidecarConfig, RefusesBadNames) {
  for (const char* name : {"Chat", "1chat", "chat-", "-chat", "ch_at", "ch.at", "''",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_THAT(bad("mesh: {name: " + std::string(name) + "}\n"), HasSubstr("f:1: mesh.name: "));
  }
  EXPECT_THAT(bad("mesh: {name: on}\n"), HasSubstr("'on' is a bool"));
  good("mesh: {name: " + std::string(kMeshNameBytesMax, 'a') +
       "}\nlink: {listen: \"127.0.0.1:1\"}\ndiscovery: {static: []}\n");
}

TEST(SidecarConfig, RefusesBadIds) {
  const auto with_id = [](const std::string& id) {
    return "mesh: {name: chat, id: \"" + id + "\"}\n" + std::string(kMinimal.substr(19));
  };
  EXPECT_EQ(good(with_id(std::string(128, 'x'))).mesh.id.size(), 128U);
  for (const auto& id : {std::string(), std::string(129, 'x'), std::string("a b"),
                         std::string("a\\n"), std::string("é")}) {
    EXPECT_THAT(bad(with_id(id)), HasSubstr("mesh.id: "));
  }
}

TEST(SidecarConfig, NeedsAnIdWhereTheDefaultIsNone) {
  EXPECT_EQ(bad("mesh: {name: chat}\nlink: {listen: \"127.0.0.1:0\"}\ndiscovery: {static: []}\n"),
            "f:1: mesh.id: is needed where link.listen has port 0\n");
  const auto config = parse_sidecar_config("f", kMinimal, {}, std::string(200, 'h'));
  ASSERT_FALSE(config);
  EXPECT_THAT(to_string(config.error()), StartsWith("f:1: mesh.id: is needed, as by default 'hhh"));
}

TEST(SidecarConfig, TakesExactlyOneDiscovery) {
  const std::string rest = "mesh: {name: chat}\nlink: {listen: \"127.0.0.1:1\"}\n";
  EXPECT_EQ(bad(rest + "discovery:\n  static: []\n  dns: \"a:1\"\n"),
            "f:5: discovery.dns: cannot stand beside discovery.static (f:4); exactly one is "
            "needed\n");
  EXPECT_EQ(bad(rest + "discovery: {static: [], interval: 1s}\n"),
            "f:3: discovery.interval: only goes with discovery.dns\n");
  EXPECT_THAT(bad(rest + "discovery:\n  dns: \"127.0.0.1:1\"\n  kubernetes: {service: x}\n"),
              StartsWith("f:5: discovery.kubernetes: cannot stand beside discovery.dns (f:4); "
                         "exactly one is needed\n"));
  EXPECT_THAT(bad(rest + "discovery: {kubernetes: {service: x}, interval: 1s}\n"),
              HasSubstr("f:3: discovery.interval: only goes with discovery.dns\n"));
}

class KubernetesConfig : public testing::Test {
 protected:
  std::string with(const std::string& kubernetes) {
    return "mesh: {name: chat, id: a}\ndiscovery: {kubernetes: " + kubernetes +
           "}\ntls: {ca: " + files_.ca + ", cert: " + files_.cert + ", key: " + files_.key + "}\n";
  }

  net::TestCertificates certificates_;
  net::TlsFiles files_ = certificates_.make("leaf");
};

TEST_F(KubernetesConfig, NamesAServiceAndPerhapsANamespace) {
  const auto config = good(with("{namespace: default, service: chat-mesh}"));
  const auto& kubernetes = std::get<KubernetesDiscovery>(config.discovery);
  EXPECT_EQ(kubernetes.space, "default");
  EXPECT_EQ(kubernetes.service, "chat-mesh");
  EXPECT_EQ(kubernetes.account, "/var/run/secrets/kubernetes.io/serviceaccount");
  EXPECT_EQ(config.origin("discovery.kubernetes.service"), "f:2: discovery.kubernetes.service");

  const auto short_one = good(with("{service: s, account: /x}"));
  EXPECT_EQ(std::get<KubernetesDiscovery>(short_one.discovery).space, "");
  EXPECT_EQ(std::get<KubernetesDiscovery>(short_one.discovery).account, "/x");
}

TEST_F(KubernetesConfig, VariablesOverrideAndAreEnough) {
  const auto config = good(with("{namespace: default, service: chat-mesh}"),
                           {{"SOCKETMESH_DISCOVERY_KUBERNETES_NAMESPACE", "other"}});
  EXPECT_EQ(std::get<KubernetesDiscovery>(config.discovery).space, "other");
  const std::string text = with("{}");
  const auto alone = good(text.substr(0, text.find("discovery")) + text.substr(text.find("tls")),
                          {{"SOCKETMESH_DISCOVERY_KUBERNETES_SERVICE", "chat-mesh"}});
  EXPECT_EQ(std::get<KubernetesDiscovery>(alone.discovery).service, "chat-mesh");
}

TEST_F(KubernetesConfig, SaysWhatIsWrong) {
  const std::string key = "f:2: discovery.kubernetes.";
  EXPECT_EQ(bad(with("{namespace: x}")),
            key + "service: is missing; write for example kubernetes: {service: chat-mesh}\n");
  EXPECT_THAT(bad(with("{}")), HasSubstr(key + "service: is missing"));
  EXPECT_THAT(bad(with("{service: Chat}")), HasSubstr(key + "service: 'Chat' is no Service name"));
  EXPECT_THAT(bad(with("{service: \"a,b=c\"}")), HasSubstr(key + "service: "));
  EXPECT_THAT(bad(with("{service: s, namespace: a.b}")), HasSubstr(key + "namespace: 'a.b' is no"));
  EXPECT_THAT(bad(with("{service: s, namespace: \"a \"}")), HasSubstr(key + "namespace: "));
  EXPECT_THAT(bad(with("{service: s, account: x}")),
              HasSubstr(key + "account: 'x' is no absolute"));
  EXPECT_EQ(bad(with("{service: s, port: 1}")), key + "port: is not a known key\n");
  EXPECT_EQ(bad(with("[s]")), "f:2: discovery.kubernetes: must be a map, and is a list\n");
}

TEST(SidecarConfig, PeersInOtherPodsNeedTls) {
  EXPECT_EQ(bad("mesh: {name: chat}\nlink: {listen: \"127.0.0.1:1\"}\n"
                "discovery: {kubernetes: {service: s}}\n"),
            "f:3: discovery.kubernetes: finds peers in other pods, and links without tls are plain "
            "text; add the tls section (ca, cert, key)\n");
}

TEST(SidecarConfig, RefusesBadPeers) {
  const std::string rest = "mesh: {name: chat}\nlink: {listen: \"127.0.0.1:1\"}\n";
  EXPECT_EQ(bad(rest + "discovery:\n  static:\n  - nonsense\n  - 127.0.0.1:0\n  - 0.0.0.0:1\n"),
            "f:5: discovery.static[0]: 'nonsense' has no port; write host:port\n"
            "f:6: discovery.static[1]: '127.0.0.1:0' has port 0, which cannot be dialled\n"
            "f:7: discovery.static[2]: '0.0.0.0:1' is every address, which cannot be dialled\n");
  EXPECT_EQ(bad(rest + "discovery:\n  static: [\"127.0.0.1:2\",\n  \"127.0.0.1:2\"]\n"),
            "f:5: discovery.static[1]: '127.0.0.1:2' is listed twice\n");
}

TEST(SidecarConfig, RecoveryIsOffWithoutItsSection) {
  EXPECT_FALSE(good(kMinimal).recovery.has_value());
  const auto recovery = good(std::string(kMinimal) + "recovery: {}\n").recovery;
  ASSERT_TRUE(recovery.has_value());
  EXPECT_EQ(recovery->window, std::chrono::seconds(120));
  EXPECT_EQ(recovery->memory_bytes, 64 * kMiB);
  EXPECT_EQ(recovery->replicas, 1);
}

TEST(SidecarConfig, RecoveryHasRanges) {
  const auto given = [](const std::string& text) {
    return bad(std::string(kMinimal) + "recovery: {" + text + "}\n");
  };
  EXPECT_EQ(
      good(std::string(kMinimal) + "recovery: {window: 1h, replicas: 5}\n").recovery->replicas, 5);
  EXPECT_THAT(given("window: 999ms"), HasSubstr("recovery.window"));
  EXPECT_THAT(given("window: 3601s"), HasSubstr("recovery.window"));
  EXPECT_THAT(given("memory: 1"), HasSubstr("recovery.memory"));
  EXPECT_EQ(given("replicas: 6"), "f:4: recovery.replicas: '6' is out of range: 0 to 5\n");
}

TEST(SidecarConfig, WithoutTlsKeepsToLoopback) {
  const std::string problems =
      bad("mesh: {name: chat}\nlink:\n  listen: \"0.0.0.0:7400\"\n"
          "discovery:\n  static: [\"127.0.0.1:1\", \"10.0.0.2:1\", \"peer:1\"]\n");
  EXPECT_THAT(problems, HasSubstr("f:3: link.listen: '0.0.0.0:7400' is not loopback, and links "
                                  "without tls are plain text; add the tls section"));
  EXPECT_THAT(problems, HasSubstr("f:5: discovery.static[1]: '10.0.0.2:1' is not loopback"));
  EXPECT_THAT(problems, HasSubstr("f:5: discovery.static[2]: 'peer:1' is not loopback"));
  EXPECT_THAT(problems, Not(HasSubstr("static[0]")));
  // The default is every address.
  EXPECT_THAT(bad("mesh: {name: chat}\ndiscovery: {static: []}\n"),
              HasSubstr("f: link.listen: '[::]:7400' is not loopback"));
}

TEST(SidecarConfig, RefusesAnAppListenerForOthers) {
  EXPECT_THAT(bad(std::string(kMinimal) + "app: {listen: \"0.0.0.0:9\"}\n"),
              HasSubstr("f:4: app.listen: '0.0.0.0:9' is reachable from elsewhere"));
}

TEST(SidecarConfig, RefusesCollisions) {
  EXPECT_EQ(bad(std::string(kMinimal) + "admin: {listen: \"0.0.0.0:7400\"}\n"),
            "f:4: admin.listen: '0.0.0.0:7400' collides with link.listen (127.0.0.1:7400)\n");
  EXPECT_EQ(bad(std::string(kMinimal) + "app: {listen: \"127.0.0.1:7401\"}\n"),
            "f:4: app.listen: '127.0.0.1:7401' collides with admin.listen ([::]:7401)\n");
}

TEST(SidecarConfig, KeepsSizesAndTimesInRange) {
  for (const char* line : {"window: 1048575", "window: 65GiB", "hold: 99ms", "hold: 61m",
                           "peer_timeout: 0s", "idle_timeout: 11m"}) {
    EXPECT_THAT(bad("link:\n  " + std::string(line) + "\n"), HasSubstr("is out of range: "))
        << line;
  }
  EXPECT_THAT(bad("log: {level: loud, format: xml}\n"),
              AllOf(HasSubstr("log.level: 'loud' is no level"), HasSubstr("log.format: 'xml'")));
}

TEST(SidecarConfig, OfAnUnreadableFileReportsJustThat) {
  const auto config = load_sidecar_config("/absent.yaml", {}, "host");
  ASSERT_FALSE(config);
  EXPECT_EQ(to_string(config.error()), "/absent.yaml: cannot be read: No such file or directory\n");
}

class SidecarConfigTls : public testing::Test {
 protected:
  Expected<SidecarConfig, Problems> load(const std::string& tls) {
    std::ofstream(path_) << "mesh: {name: chat}\ndiscovery: {static: [\"10.0.0.2:7400\"]}\n" + tls;
    return load_sidecar_config(path_, {}, "host");
  }
  std::string bad(const std::string& tls) {
    const auto config = load(tls);
    EXPECT_FALSE(config);
    return config ? "" : to_string(config.error());
  }
  const std::string& certificates_folder() const { return certificates_.folder(); }

  net::TestCertificates certificates_;
  std::string path_ = certificates_folder() + "/mesh.yaml";
};

TEST_F(SidecarConfigTls, TakesFilesBesideTheConfiguration) {
  certificates_.make("a");
  const auto config = load("tls: {ca: ca.crt, cert: ./a.crt, key: a.key}\n");
  ASSERT_TRUE(config) << to_string(config.error());
  EXPECT_FALSE(config->loopback_only());
  EXPECT_EQ(config->tls->cert, certificates_folder() + "/a.crt");
}

TEST_F(SidecarConfigTls, NeedsAllThree) {
  EXPECT_EQ(bad("tls: {ca: ca.crt}\n"), path_ +
                                            ":3: tls.cert: is missing; tls needs ca, cert and "
                                            "key\n" +
                                            path_ +
                                            ":3: tls.key: is missing; tls needs ca, "
                                            "cert and key\n");
  EXPECT_THAT(bad("tls:\n"), HasSubstr(":3: tls.ca: is missing"));
}

TEST_F(SidecarConfigTls, NamesFileLineAndKey) {
  certificates_.make("a");
  certificates_.make("b");
  EXPECT_EQ(bad("tls:\n  ca: ca.crt\n  cert: absent.crt\n  key: a.key\n"),
            path_ + ":5: tls.cert: '" + certificates_folder() +
                "/absent.crt' cannot be read: No such file or directory\n");
  EXPECT_EQ(bad("tls:\n  ca: ca.crt\n  cert: a.crt\n  key: b.key\n"),
            path_ + ":6: tls.key: '" + certificates_folder() +
                "/b.key' does not match the certificate '" + certificates_folder() + "/a.crt'\n");
}

}  // namespace
}  // namespace socketmesh::config
