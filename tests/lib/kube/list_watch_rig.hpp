// Drives a ListWatch by hand: time stands still until moved, and what it wants is written down as
// lines that a test can compare.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/kube/list_watch.hpp"

namespace socketmesh::kube {

using Lines = std::vector<std::string>;

inline nlohmann::json object(const std::string& name, const std::string& version) {
  return {{"metadata", {{"name", name}, {"resourceVersion", version}}}};
}

// name@version of objects.
inline std::string names(const std::vector<nlohmann::json>& objects) {
  std::string text;
  for (const nlohmann::json& one : objects) {
    text += " " + std::string(metadata_text(one, "name")) + "@" +
            std::string(metadata_text(one, "resourceVersion"));
  }
  return text;
}

inline std::string page(const std::string& version, const std::vector<nlohmann::json>& items,
                        const std::string& next = "") {
  nlohmann::json list{{"metadata", {{"resourceVersion", version}}}, {"items", items}};
  if (!next.empty()) list["metadata"]["continue"] = next;
  return list.dump();
}

inline std::string event(const std::string& type, const nlohmann::json& of) {
  return nlohmann::json{{"type", type}, {"object", of}}.dump() + "\n";
}

inline std::string error_event(unsigned code, const std::string& message = "no") {
  return event("ERROR", {{"kind", "Status"}, {"code", code}, {"message", message}});
}

class ListWatchRig {
 public:
  static ListWatchOptions options() {
    ListWatchOptions options;
    options.collection.path = "/api/v1/pods";
    return options;
  }

  explicit ListWatchRig(ListWatchOptions options = ListWatchRig::options(), std::uint64_t seed = 7)
      : watch(std::move(options), seed) {
    watch.start(now);
  }

  // What it wants since the last call: "list", "list continue=x", "watch 5", "abort",
  // "reauthenticate", "replace 5: a@1 b@2", "upsert a@6", "delete a@7", "bookmark 9",
  // "troubled server 503 no", "recovered".
  Lines take() {
    Lines lines;
    for (const Action& action : watch.take_actions()) {
      lines.push_back(std::visit([this](const auto& one) { return describe(one); }, action));
    }
    return lines;
  }

  void pass(Time length) {
    now += length;
    watch.tick(now);
  }
  // To the next deadline, and beyond none.
  Time pass_to_deadline() {
    const Time length = watch.deadline() - now;
    pass(length);
    return length;
  }

  void respond(unsigned status, std::string_view retry_after = "") {
    watch.responded(id, status, retry_after, now);
  }
  void receive(std::string_view bytes) { watch.received(id, bytes, now); }
  void finish() { watch.finished(id, now); }
  void fail(std::string_view why = "connection refused") { watch.failed(id, why, now); }
  void answer(unsigned status, std::string_view body, std::string_view retry_after = "") {
    respond(status, retry_after);
    receive(body);
    finish();
  }

  // A list of one object at version 5, and a watch that is open and settled.
  void begin_watching() {
    take();
    answer(200, page("5", {object("a", "1")}));
    take();
    respond(200);
    pass(ListWatchTimes().settle);
    take();
  }

  Time now{1'000'000};
  RequestId id = 0;    // of the last request that was taken
  std::string target;  // the same
  ListWatch watch;

 private:
  std::string describe(const Request& request) {
    id = request.id;
    target = request.target;
    if (request.watch) return "watch " + query("resourceVersion");
    const std::string next = query("continue");
    return next.empty() ? "list" : "list continue=" + next;
  }
  std::string describe(const Abort& abort) const {
    EXPECT_EQ(abort.id, id);
    return "abort";
  }
  static std::string describe(const Reauthenticate& /*unused*/) { return "reauthenticate"; }
  static std::string describe(const Replace& replace) {
    return "replace " + replace.resource_version + ":" + names(replace.objects);
  }
  static std::string describe(const Upsert& upsert) { return "upsert" + names({upsert.object}); }
  static std::string describe(const Delete& gone) { return "delete" + names({gone.object}); }
  static std::string describe(const Bookmark& bookmark) {
    return "bookmark " + bookmark.resource_version;
  }
  static std::string describe(const Troubled& troubled) {
    const Failure& failure = troubled.failure;
    return "troubled " + std::string(to_string(failure.kind)) +
           (failure.status == 0 ? "" : " " + std::to_string(failure.status)) +
           (failure.message.empty() ? "" : ": " + failure.message);
  }
  static std::string describe(const Recovered& /*unused*/) { return "recovered"; }

  // The value of a key in the last target, as it stands there.
  [[nodiscard]] std::string query(const std::string& key) const {
    const std::size_t at = target.find(key + "=");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + key.size() + 1;
    return target.substr(begin, target.find('&', begin) - begin);
  }
};

inline std::uint64_t failures(const ListWatch& watch, FailureKind kind) {
  return watch.stats().failures.at(static_cast<std::size_t>(kind));
}

}  // namespace socketmesh::kube
