#include "operator/kube/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "operator/kube/runtime.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/scripted_server.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ApiError::Kind;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;
namespace http = boost::beast::http;

const ObjectRef kChat{kDeployments, "default", "chat"};

std::string status_body(int code, const std::string& reason, const std::string& message) {
  return json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}}.dump();
}

json deployment() {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", "chat"}, {"namespace", "default"}}}};
}

class ClientTest : public testing::Test {
 protected:
  ClientTest() { init_runtime(); }

  void serve(ScriptedServer::Script script, const ScriptedServer::Options& options = {}) {
    files_ = certificates_.make("server", ",IP:::1");
    server_ = std::make_unique<ScriptedServer>(files_, std::move(script), options);
    access_ = std::make_shared<TestAccess>(options.address, server_->port(), read_file(files_.ca));
  }
  Client& client(ClientOptions options = {}) {
    if (!client_) client_ = std::make_unique<Client>(access_, std::move(options));
    return *client_;
  }
  Request request() { return server_->requests().back(); }
  static std::string header(const Request& request, const char* name) {
    return std::string(request[name]);
  }

  net::TestCertificates certificates_;
  net::TlsFiles files_;
  std::unique_ptr<ScriptedServer> server_;
  std::shared_ptr<TestAccess> access_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, GetsAnObject) {
  serve([](const Request&, Connection& c) { c.reply(200, R"({"kind":"Deployment"})"); });
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ((*result)["kind"], "Deployment");
  EXPECT_EQ(request().target(), "/apis/apps/v1/namespaces/default/deployments/chat");
  EXPECT_EQ(request().method(), http::verb::get);
  EXPECT_EQ(header(request(), "Authorization"), "Bearer old-token");
  EXPECT_EQ(header(request(), "Accept"), "application/json");
  EXPECT_EQ(header(request(), "User-Agent"), "socketmesh-operator/" SOCKETMESH_VERSION);
  EXPECT_EQ(server_->sni(), "");  // its name is an IP address
}

TEST_F(ClientTest, KeepsItsConnection) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client().get(kChat));
  EXPECT_EQ(server_->requests().size(), 20U);
  EXPECT_LE(server_->connections(), 2);  // a connection is free again shortly after its answer
}

TEST_F(ClientTest, GoesOnAfterTheServerClosedAKeptConnection) {
  serve([](const Request&, Connection& c) {
    c.reply(200, "{}");
    c.cut();
  });
  ASSERT_TRUE(client().get(kChat));
  std::this_thread::sleep_for(milliseconds(50));
  const auto result = client().create(deployment());
  EXPECT_TRUE(result) << result.error().to_string();
}

TEST_F(ClientTest, ServesManyThreads) {
  serve([](const Request& r, Connection& c) {
    c.reply(200, json{{"path", std::string(r.target())}}.dump());
  });
  client();
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const ObjectRef ref{kPods, "default", std::to_string(t) + "-" + std::to_string(i)};
        const auto result = client_->get(ref);
        if (result && (*result)["path"] == object_path(ref)) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
  EXPECT_LE(server_->connections(), 16);  // two a thread: see above
  EXPECT_EQ(client().stats().requests.at({"GET", 200}), 200U);
  EXPECT_EQ(client().stats().latencies.at("GET").count(), 200U);
  EXPECT_EQ(client().stats().in_flight, 0U);
}

TEST_F(ClientTest, TellsErrorsByTheirStatus) {
  struct Case {
    int status;
    std::string reason;
    Kind kind;
    bool retryable;
  };
  const std::vector<Case> cases{{404, "NotFound", Kind::kNotFound, false},
                                {409, "AlreadyExists", Kind::kAlreadyExists, false},
                                {409, "Conflict", Kind::kConflict, true},
                                {410, "Expired", Kind::kGone, true},
                                {403, "Forbidden", Kind::kForbidden, false},
                                {400, "BadRequest", Kind::kInvalid, false},
                                {422, "Invalid", Kind::kInvalid, false},
                                {429, "TooManyRequests", Kind::kTooManyRequests, true},
                                {500, "InternalError", Kind::kServer, true},
                                {503, "ServiceUnavailable", Kind::kServer, true},
                                {418, "Teapot", Kind::kOtherStatus, false},
                                {302, "", Kind::kOtherStatus, false}};
  std::size_t next = 0;
  serve([&](const Request&, Connection& c) {
    const Case& now = cases[next];
    c.reply(now.status, status_body(now.status, now.reason, "because"),
            "Location: /elsewhere\r\nRetry-After: 7\r\n");
  });
  for (; next < cases.size(); ++next) {
    const auto result = client().get(kChat);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, cases[next].kind) << cases[next].status;
    EXPECT_EQ(result.error().status, cases[next].status);
    EXPECT_EQ(result.error().reason, cases[next].reason);
    EXPECT_EQ(result.error().message, "because");
    EXPECT_EQ(result.error().retry_after, std::chrono::seconds(7));
    EXPECT_EQ(result.error().retryable(), cases[next].retryable);
  }
  EXPECT_EQ(server_->requests().size(), cases.size());  // no redirect was followed
}

TEST_F(ClientTest, ReadsTheTokenAnewAfterA401Once) {
  serve([](const Request& r, Connection& c) {
    const bool fresh = r["Authorization"] == "Bearer fresh-token";
    c.reply(fresh ? 200 : 401, fresh ? "{}" : status_body(401, "Unauthorized", "no"));
  });
  EXPECT_TRUE(client().get(kChat));
  EXPECT_EQ(server_->requests().size(), 2U);
  access_->fresh_token_ = "also-old";
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnauthorized);
  EXPECT_EQ(server_->requests().size(), 4U);
}

TEST_F(ClientTest, WritesSayManagerDryRunForceAndSubresource) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  ASSERT_TRUE(client().create(deployment()));
  EXPECT_EQ(request().method(), http::verb::post);
  EXPECT_EQ(request().target(),
            "/apis/apps/v1/namespaces/default/deployments?fieldManager=socketmesh-operator");
  EXPECT_EQ(json::parse(request().body()), deployment());
  EXPECT_EQ(header(request(), "Content-Type"), "application/json");

  ApplyOptions apply;
  apply.force = true;
  apply.dry_run = true;
  ASSERT_TRUE(client().apply(deployment(), apply));
  EXPECT_EQ(request().method(), http::verb::patch);
  EXPECT_EQ(request().target(),
            "/apis/apps/v1/namespaces/default/deployments/chat"
            "?fieldManager=socketmesh-operator&dryRun=All&force=true");
  EXPECT_EQ(header(request(), "Content-Type"), "application/apply-patch+yaml");

  WriteOptions status;
  status.field_manager = "a b";
  status.subresource = "status";
  ASSERT_TRUE(client().merge_patch(kChat, {{"status", {{"x", 1}}}}, status));
  EXPECT_EQ(request().target(),
            "/apis/apps/v1/namespaces/default/deployments/chat/status?fieldManager=a%20b");
  EXPECT_EQ(header(request(), "Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(request().body(), R"({"status":{"x":1}})");

  ASSERT_TRUE(client().json_patch(kChat, json::array()));
  EXPECT_EQ(header(request(), "Content-Type"), "application/json-patch+json");
  ASSERT_TRUE(client().replace(deployment()));
  EXPECT_EQ(request().method(), http::verb::put);

  RemoveOptions remove;
  remove.uid = "u-1";
  remove.resource_version = "7";
  remove.propagation = Propagation::kForeground;
  ASSERT_TRUE(client().remove(kChat, remove));
  EXPECT_EQ(request().method(), http::verb::delete_);
  const json options = json::parse(request().body());
  EXPECT_EQ(options["preconditions"], (json{{"uid", "u-1"}, {"resourceVersion", "7"}}));
  EXPECT_EQ(options["propagationPolicy"], "Foreground");
}

TEST_F(ClientTest, RefusesManifestsThatGoNowhere) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  json stranger = deployment();
  stranger["kind"] = "Stranger";
  json homeless = deployment();
  homeless["metadata"].erase("namespace");
  for (const json& bad : {stranger, homeless, json("text"), json::object()}) {
    const auto result = client().apply(bad);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::kInvalid);
  }
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(ClientTest, ListsAllPages) {
  serve([](const Request& r, Connection& c) {
    const bool second = r.target().find("continue=t%2F1") != boost::string_view::npos;
    json list{{"metadata", {{"resourceVersion", "9"}}},
              {"items", {{{"metadata", {{"name", second ? "b" : "a"}}}}}}};
    if (!second) list["metadata"]["continue"] = "t/1";
    c.reply(200, list.dump());
  });
  ListOptions options;
  options.label_selector = "socketmesh.io/mesh=chat";
  options.page_size = 1;
  const auto list = client().list(kServices, "default", options);
  ASSERT_TRUE(list) << list.error().to_string();
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(list->items[1]["metadata"]["name"], "b");
  EXPECT_EQ(list->items[0]["kind"], "Service");
  EXPECT_EQ(list->items[0]["apiVersion"], "v1");
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_THAT(std::string(server_->requests()[0].target()),
              HasSubstr("labelSelector=socketmesh.io%2Fmesh%3Dchat"));
}

TEST_F(ClientTest, StartsAListAgainOnceWhenItsContinuationExpired) {
  std::atomic<int> expiries = 1;
  serve([&](const Request& r, Connection& c) {
    if (r.target().find("continue=") != boost::string_view::npos && expiries-- > 0) {
      return c.reply(410, status_body(410, "Expired", "too old"));
    }
    const bool first = r.target().find("continue=") == boost::string_view::npos;
    c.reply(200, json{{"metadata", {{"resourceVersion", "1"}, {"continue", first ? "t" : ""}}},
                      {"items", json::array({json::object()})}}
                     .dump());
  });
  const auto list = client().list(kPods, "");
  ASSERT_TRUE(list) << list.error().to_string();
  EXPECT_EQ(list->items.size(), 2U);
  EXPECT_EQ(server_->requests().size(), 4U);
  expiries = 2;
  const auto gone = client().list(kPods, "");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, Kind::kGone);
}

TEST_F(ClientTest, KnowsWhichResourcesAreServed) {
  serve([](const Request& r, Connection& c) {
    if (r.target() == "/apis/monitoring.coreos.com/v1") {
      return c.reply(200,
                     R"({"resources":[{"name":"podmonitors"},{"name":"podmonitors/status"}]})");
    }
    c.reply(404, "404 page not found");
  });
  EXPECT_TRUE(client().serves(kPodMonitors).value());
  EXPECT_FALSE(client().serves(kSocketMeshes).value());
}

TEST_F(ClientTest, EndsAtItsDeadlineWhateverTrickles) {
  serve([](const Request&, Connection& c) {
    c.begin_chunks();
    while (c.chunk(" ")) std::this_thread::sleep_for(milliseconds(20));
  });
  ClientOptions options;
  options.timeout = milliseconds(300);
  const auto start = std::chrono::steady_clock::now();
  const auto result = client(options).get(kChat);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTimeout);
  EXPECT_GE(took, milliseconds(300));
  EXPECT_LT(took, milliseconds(2'000));
  EXPECT_EQ(client().stats().requests.at({"GET", 0}), 1U);
}

TEST_F(ClientTest, TakesABodyAtItsLimitAndRefusesOneByteMore) {
  constexpr std::size_t kMax = 200'000;
  std::atomic<std::size_t> size = kMax;
  serve([&](const Request&, Connection& c) {
    c.reply(200, "\"" + std::string(size - 2, 'x') + "\"");
  });
  ClientOptions options;
  options.response_bytes_max = kMax;
  ASSERT_TRUE(client(options).get(kChat));
  ++size;
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kBadResponse);
  EXPECT_THAT(result.error().message, HasSubstr("200000 bytes"));
}

// cpprestsdk takes "-1" for a size and would read as far; see BodyStream.
TEST_F(ClientTest, SurvivesANegativeChunkSize) {
  serve([](const Request&, Connection& c) {
    c.begin_chunks();
    c.write("-1\r\nabcdefgh\r\n0\r\n\r\n");
    c.wait_closed();
  });
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kBadResponse);
}

TEST_F(ClientTest, TellsWhatIsNoJsonAndNoHttp) {
  std::atomic<int> step = 0;
  serve([&](const Request&, Connection& c) {
    if (step == 0) return c.reply(200, "<html>");
    if (step == 1) return c.reply(200, std::string(100, '['));
    c.write("SSH-2.0-x\r\n\r\n");
    c.cut();
  });
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kBadResponse);
  ++step;
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kBadResponse);
  ++step;
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kUnreachable);
}

TEST_F(ClientTest, TellsACutBody) {
  serve([](const Request&, Connection& c) {
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}");
    c.cut();
  });
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
}

TEST_F(ClientTest, TellsThatNobodyListens) {
  serve([](const Request&, Connection&) {});
  server_.reset();
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
  EXPECT_THAT(result.error().message, StartsWith("cannot connect to https://127.0.0.1:"));
}

TEST_F(ClientTest, TellsAHostThatDoesNotResolve) {
  serve([](const Request&, Connection&) {});
  access_->server_.endpoint.host = "no-such-host.invalid";
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
  EXPECT_THAT(result.error().message, HasSubstr("cannot resolve"));
}

TEST_F(ClientTest, TrustsNoOtherCa) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  const net::TestCertificates other;
  access_->ca_ = read_file(other.folder() + "/ca.crt");
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls) << result.error().to_string();
  EXPECT_TRUE(server_->requests().empty());  // and no token was sent
}

// The system's roots, where a cluster's CA may stand by chance or by attack, do not count.
TEST_F(ClientTest, TrustsNoSystemRoots) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  setenv("SSL_CERT_FILE", files_.ca.c_str(), 1);
  const net::TestCertificates other;
  access_->ca_ = read_file(other.folder() + "/ca.crt");
  const auto result = client().get(kChat);
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls);
}

TEST_F(ClientTest, FollowsARotatedCa) {
  serve([](const Request&, Connection& c) {
    c.reply(200, "{}");
    c.cut();
  });
  ASSERT_TRUE(client().get(kChat));
  const net::TestCertificates other;
  access_->ca_ = read_file(other.folder() + "/ca.crt");
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kTls);
  access_->ca_ += read_file(files_.ca);
  EXPECT_TRUE(client().get(kChat));
}

TEST_F(ClientTest, ChecksTheServersName) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  access_->tls_name_ = "other.example";
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls);
  EXPECT_THAT(result.error().message, HasSubstr("hostname mismatch"));
  // The server learns of it in its own time.
  for (int i = 0; i < 200 && server_->sni().empty(); ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(server_->sni(), "other.example");
}

TEST_F(ClientTest, ChecksTheServersAddress) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  access_->server_.endpoint.host = access_->tls_name_ = "127.0.0.2";
  server_ = std::make_unique<ScriptedServer>(
      files_, [](const Request&, Connection& c) { c.reply(200, "{}"); },
      ScriptedServer::Options{.address = "127.0.0.2"});
  access_->server_.endpoint.port = server_->port();
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls);
  EXPECT_THAT(result.error().message, HasSubstr("IP address mismatch"));
}

TEST_F(ClientTest, SaysTheNameOfANamedHost) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  access_->server_.endpoint.host = access_->tls_name_ = "localhost";
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(server_->sni(), "localhost");
}

TEST_F(ClientTest, ReachesAnIpv6Server) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); }, {.address = "::1"});
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(header(request(), "Host"), "[::1]:" + std::to_string(server_->port()));
  EXPECT_EQ(server_->sni(), "");
}

TEST_F(ClientTest, ShowsItsCertificate) {
  const auto script = [](const Request&, Connection& c) { c.reply(200, "{}"); };
  serve(script, {.client_ca = certificates_.folder() + "/ca.crt"});
  access_->token_.clear();
  EXPECT_FALSE(client().get(kChat));
  client_.reset();
  const net::TlsFiles user = certificates_.make("user");
  access_->certificate_ = ClientCertificate{read_file(user.cert), read_file(user.key)};
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(header(request(), "Authorization"), "");
}

TEST_F(ClientTest, CloseEndsCallsUnderWay) {
  std::promise<void> called;
  serve([&](const Request&, Connection& c) {
    called.set_value();
    c.wait_closed();
  });
  client();
  auto call = std::async(std::launch::async, [this] { return client_->get(kChat); });
  called.get_future().wait();
  EXPECT_EQ(client_->stats().in_flight, 1U);
  client_->close();
  ASSERT_EQ(call.wait_for(std::chrono::seconds(1)), std::future_status::ready);
  EXPECT_EQ(call.get().error().kind, Kind::kClosed);
  EXPECT_EQ(client_->get(kChat).error().kind, Kind::kClosed);
}

TEST_F(ClientTest, GetsRawTexts) {
  serve([](const Request& r, Connection& c) {
    c.reply(200, r.target() == "/readyz" ? "ok" : R"({"gitVersion":"v1.34.4"})");
  });
  EXPECT_EQ(client().raw_get("/readyz").value(), "ok");
  EXPECT_EQ(client().raw_get("/version").value()["gitVersion"], "v1.34.4");
}

}  // namespace
}  // namespace socketmesh::op::kube
