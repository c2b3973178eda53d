#include "operator/kube/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/operator/kube/client_fixture.hpp"

namespace socketmesh::op::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::HasSubstr;
using Kind = ApiError::Kind;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;
namespace http = boost::beast::http;

using ClientTest = ClientFixture;

std::string status_body(int code, const std::string& reason, const std::string& message) {
  return json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}}.dump();
}

json deployment() {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", "chat"}, {"namespace", "default"}}}};
}

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

}  // namespace
}  // namespace socketmesh::op::kube
