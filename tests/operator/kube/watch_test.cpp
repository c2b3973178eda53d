#include "operator/kube/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "operator/kube/runtime.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/eventually.hpp"
#include "tests/operator/kube/scripted_server.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

json object(const std::string& name, const std::string& version) {
  return {{"kind", "Pod"}, {"metadata", {{"name", name}, {"resourceVersion", version}}}};
}

std::string list_of(const std::vector<json>& items, const std::string& version) {
  return json{{"kind", "PodList"}, {"metadata", {{"resourceVersion", version}}}, {"items", items}}
      .dump();
}

std::string event(const std::string& type, const json& what) {
  return json{{"type", type}, {"object", what}}.dump() + "\n";
}

bool is_watch(const Request& request) {
  return request.target().find("watch=") != boost::string_view::npos;
}

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    init_runtime();
    options_.resource = kPods;
    options_.times.backoff_min = milliseconds(20);
    options_.times.backoff_max = milliseconds(100);
  }

  void serve(ScriptedServer::Script script) {
    files_ = certificates_.make("server");
    server_ = std::make_unique<ScriptedServer>(files_, std::move(script));
    access_ = std::make_shared<TestAccess>("127.0.0.1", server_->port(), read_file(files_.ca));
  }
  Watch& start() {
    watch_ = std::make_unique<Watch>(
        access_, logger_, options_,
        WatchHandlers{.replace =
                          [this](const std::vector<json>& all) {
                            std::string names;
                            for (const json& each : all) names += " " + name_of(each);
                            told("replace" + names);
                          },
                      .upsert = [this](const json& one) { told("upsert " + name_of(one)); },
                      .remove = [this](const json& one) { told("remove " + name_of(one)); }});
    watch_->start();
    return *watch_;
  }
  static std::string name_of(const json& each) { return each["metadata"]["name"]; }

  void told(const std::string& what) {
    std::unique_lock lock(mutex_);
    ++inside_;
    EXPECT_EQ(inside_, 1) << "two handlers at once";
    lock.unlock();
    if (handler_takes_.count() > 0) std::this_thread::sleep_for(handler_takes_);
    lock.lock();
    --inside_;
    told_.push_back(what);
    changed_.notify_all();
  }
  // Waits for that many calls, and hands over all of them.
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(5), [&] { return told_.size() >= count; });
    return told_;
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> told_;
  int inside_ = 0;
  milliseconds handler_takes_{0};
  std::string log_;
  obs::Logger logger_{obs::LogLevel::kDebug, obs::LogFormat::kText, [this](std::string_view line) {
                        const std::lock_guard lock(mutex_);
                        log_ += line;
                      }};
  net::TestCertificates certificates_;
  net::TlsFiles files_;
  std::unique_ptr<ScriptedServer> server_;
  std::shared_ptr<TestAccess> access_;
  WatchOptions options_;
  std::unique_ptr<Watch> watch_;
};

TEST_F(WatchTest, ListsThenTellsChangesAsTheyCome) {
  std::atomic<int> step = 0;
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({object("a", "1"), object("b", "2")}, "5"));
    c.begin_chunks();
    c.chunk(event("ADDED", object("c", "6")));
    while (step < 1) std::this_thread::sleep_for(milliseconds(5));
    // Cut anywhere, and two in one chunk.
    const std::string two =
        event("MODIFIED", object("a", "7")) + event("DELETED", object("b", "8"));
    c.chunk(two.substr(0, 10));
    c.chunk(two.substr(10));
    c.wait_closed();
  });
  options_.ns = "default";
  options_.label_selector = "socketmesh.io/mesh";
  start();
  EXPECT_THAT(wait_for(2), ElementsAre("replace a b", "upsert c"));
  ++step;
  EXPECT_THAT(wait_for(4), ElementsAre("replace a b", "upsert c", "upsert a", "remove b"));

  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 2U);
  const std::string watch(requests[1].target());
  EXPECT_THAT(watch, HasSubstr("/api/v1/namespaces/default/pods?"));
  EXPECT_THAT(watch, HasSubstr("resourceVersion=5"));
  EXPECT_THAT(watch, HasSubstr("allowWatchBookmarks=true"));
  EXPECT_THAT(watch, HasSubstr("labelSelector=socketmesh.io%2Fmesh"));
  EXPECT_EQ(requests[1]["Accept"], "application/json");
  EXPECT_EQ(requests[1]["Authorization"], "Bearer old-token");

  const WatchState state = watch_->state();
  EXPECT_TRUE(state.listed);
  EXPECT_FALSE(state.troubled);
  EXPECT_LT(state.staleness, seconds(5));
  EXPECT_EQ(state.stats.events, 3U);
}

TEST_F(WatchTest, AsksForMetadataOnlyWhenTold) {
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({}, "5"));
    c.begin_chunks();
    c.wait_closed();
  });
  options_.metadata_only = true;
  start();
  ASSERT_TRUE(eventually([&] { return server_->requests().size() == 2; }));
  const auto requests = server_->requests();
  EXPECT_EQ(requests[0]["Accept"],
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(requests[1]["Accept"], "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
}

TEST_F(WatchTest, ResumesWhereItWasWhenTheWatchEnds) {
  std::atomic<int> watches = 0;
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({}, "5"));
    c.begin_chunks();
    const int watch = ++watches;
    c.chunk(event("ADDED", object("n" + std::to_string(watch), std::to_string(10 + watch))));
    if (watch == 1) return c.end_chunks();  // the server's timeout
    if (watch == 2) return c.cut();         // and its death
    c.wait_closed();
  });
  start();
  EXPECT_THAT(wait_for(4), ElementsAre("replace", "upsert n1", "upsert n2", "upsert n3"));
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_THAT(std::string(requests[2].target()), HasSubstr("resourceVersion=11"));
  EXPECT_THAT(std::string(requests[3].target()), HasSubstr("resourceVersion=12"));
}

TEST_F(WatchTest, ListsAnewWhenTheServerForgot) {
  std::atomic<int> lists = 0;
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) {
      return c.reply(
          200, ++lists == 1 ? list_of({object("a", "1")}, "5") : list_of({object("b", "2")}, "9"));
    }
    if (lists == 1) {
      return c.reply(410, R"({"kind":"Status","code":410,"reason":"Expired","message":"old"})");
    }
    c.begin_chunks();
    c.wait_closed();
  });
  start();
  EXPECT_THAT(wait_for(2), ElementsAre("replace a", "replace b"));
  ASSERT_TRUE(eventually([&] { return server_->requests().size() == 4; }));
  EXPECT_EQ(watch_->state().stats.relists, 1U);
}

TEST_F(WatchTest, OutlivesTheServer) {
  const auto script = [](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({object("a", "1")}, "5"));
    c.begin_chunks();
    c.wait_closed();
  };
  serve(script);
  start();
  wait_for(1);
  server_.reset();
  EXPECT_TRUE(eventually([&] { return watch_->state().troubled; }));
  EXPECT_TRUE(eventually([&] { return log().find("watch troubled") != std::string::npos; }));
  EXPECT_EQ(wait_for(1).size(), 1U);  // what was told stays
}

TEST_F(WatchTest, AsksAgainWithAFreshTokenAfterA401) {
  serve([&](const Request& r, Connection& c) {
    if (r["Authorization"] != "Bearer fresh-token") return c.reply(401, "{}");
    if (!is_watch(r)) return c.reply(200, list_of({object("a", "1")}, "5"));
    c.begin_chunks();
    c.wait_closed();
  });
  start();
  EXPECT_THAT(wait_for(1), ElementsAre("replace a"));
}

TEST_F(WatchTest, GivesUpAServerThatNeverAnswers) {
  serve([&](const Request&, Connection& c) { c.wait_closed(); });
  options_.times.response_timeout = milliseconds(100);
  start();
  EXPECT_TRUE(eventually([&] { return server_->connections() >= 2; }));
  EXPECT_TRUE(watch_->state().troubled);
}

// Nothing more is read while a handler works, so nothing piles up in this process.
TEST_F(WatchTest, HoldsTheConnectionBackForASlowHandler) {
  constexpr std::size_t kPadding = 256U << 10U;
  constexpr int kEvents = 200;  // 50 MB
  std::atomic<int> sent = 0;
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({}, "5"));
    c.begin_chunks();
    for (; sent < kEvents; ++sent) {
      json big = object("n", std::to_string(10 + sent));
      big["padding"] = std::string(kPadding, 'x');
      if (!c.chunk(event("ADDED", big))) return;
    }
    c.wait_closed();
  });
  handler_takes_ = milliseconds(100);
  start();
  std::this_thread::sleep_for(milliseconds(1000));
  const int ahead = sent - static_cast<int>(wait_for(0).size());
  EXPECT_LT(ahead, 40);  // what the sockets' buffers hold
  EXPECT_GT(wait_for(0).size(), 2U);
}

TEST_F(WatchTest, CallsNothingAfterStop) {
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({}, "5"));
    c.begin_chunks();
    for (int i = 10; c.chunk(event("ADDED", object("n", std::to_string(i)))); ++i) {
    }
  });
  start();
  wait_for(10);
  watch_->stop();
  const std::size_t told = wait_for(0).size();
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(wait_for(0).size(), told);
  watch_->stop();  // again
}

TEST_F(WatchTest, StopsBeforeItStarted) {
  serve([](const Request&, Connection&) {});
  const Watch idle(access_, logger_, options_, {});
}

TEST_F(WatchTest, ManyWatchesShareTheFewThreads) {
  serve([&](const Request& r, Connection& c) {
    if (!is_watch(r)) return c.reply(200, list_of({object("a", "1")}, "5"));
    c.begin_chunks();
    c.chunk(event("ADDED", object("b", "6")));
    c.wait_closed();
  });
  std::atomic<int> replaced = 0;
  std::atomic<int> upserted = 0;
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 12; ++i) {
    watches.push_back(std::make_unique<Watch>(
        access_, logger_, options_,
        WatchHandlers{.replace = [&](const std::vector<json>&) { ++replaced; },
                      .upsert = [&](const json&) { ++upserted; }}));
    watches.back()->start();
  }
  EXPECT_TRUE(eventually([&] { return replaced == 12 && upserted == 12; }));
}

}  // namespace
}  // namespace socketmesh::op::kube
