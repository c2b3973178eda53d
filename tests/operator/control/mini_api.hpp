// The rules of the API server that reconciling depends on, for a ScriptedServer: preconditions by
// uid and version, ownership of fields as far as replicas go, no-op applies. One object a path.
//
// Not an API server: nothing is validated, defaulted or garbage-collected. What the real one does
// is tried in e2e/.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/operator/kube/scripted_server.hpp"

namespace socketmesh::op::control {

class MiniApi {
 public:
  using json = nlohmann::json;
  using Connection = kube::ScriptedServer::Connection;
  using Request = kube::ScriptedServer::Request;

  struct Call {
    std::string method;
    std::string path;
    std::string manager;
    int status = 0;
  };

  void answer(const Request& request, Connection& connection) {
    const std::lock_guard lock(mutex_);
    std::string target(request.target());
    const std::size_t mark = target.find('?');
    const std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
    Call call{std::string(request.method_string()), target.substr(0, mark),
              parameter(query, "fieldManager"), 0};
    json body = request.body().empty() ? json() : json::parse(request.body());
    const auto [status, object] = handle(call, body);
    call.status = status;
    calls_.push_back(call);
    connection.reply(status, object.dump());
  }

  // Somebody else's object, or somebody else's change.
  void put(const std::string& path, json object, const std::string& manager = "kubectl") {
    const std::lock_guard lock(mutex_);
    if (object["metadata"].value("uid", "").empty()) object["metadata"]["uid"] = next_uid();
    object["metadata"]["resourceVersion"] = next_version();
    object["metadata"]["managedFields"].push_back(
        {{"manager", manager}, {"operation", "Update"}, {"time", std::to_string(version_)}});
    last_writer_[path] = manager;
    objects_[path] = std::move(object);
  }
  void erase(const std::string& path) {
    const std::lock_guard lock(mutex_);
    objects_.erase(path);
  }
  // Applies to this path are refused with 422.
  void refuse(const std::string& path) { refused_.insert(path); }

  // The namespace is being deleted.
  void end_namespace() { ending_ = true; }

  json object(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(path);
    return found == objects_.end() ? json() : found->second;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }
  // Since the last time.
  std::vector<Call> take_calls() {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }
  std::vector<json> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  using Answer = std::pair<int, json>;

  static std::string parameter(const std::string& query, const std::string& name) {
    const std::size_t at = query.find(name + "=");
    if (at == std::string::npos) return "";
    const std::size_t start = at + name.size() + 1;
    return query.substr(start, query.find('&', start) - start);
  }
  static Answer failure(int code, const char* reason, const std::string& message) {
    return {code, {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}}};
  }
  std::string next_version() { return std::to_string(++version_); }
  std::string next_uid() { return "uid-" + std::to_string(++uids_); }

  Answer handle(const Call& call, const json& body) {
    if (call.method == "POST" && call.path.ends_with("/events")) {
      events_.push_back(body);
      return {201, body};
    }
    std::string path = call.path;
    if (call.method == "POST") path += "/" + body["metadata"]["name"].get<std::string>();
    const bool status = path.ends_with("/status");
    if (status) path.resize(path.size() - std::string("/status").size());
    const auto found = objects_.find(path);
    if (call.method == "PATCH") return apply(path, call.manager, body, status);
    if (call.method == "POST") {
      if (found != objects_.end()) return failure(409, "AlreadyExists", path);
      return {201, objects_[path] = made(body, call.manager)};
    }
    if (found == objects_.end()) return failure(404, "NotFound", path);
    if (call.method == "GET") return {200, found->second};
    if (call.method == "PUT") {
      if (body["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"])
        return failure(409, "Conflict", "the object has been modified");
      json object = body;
      object["metadata"]["resourceVersion"] = next_version();
      return {200, found->second = std::move(object)};
    }
    const json conditions = body.value("preconditions", json::object());
    if (conditions.value("uid", found->second["metadata"]["uid"]) !=
        found->second["metadata"]["uid"])
      return failure(409, "Conflict", "another uid");
    objects_.erase(found);
    return {200, {{"kind", "Status"}}};
  }

  Answer apply(const std::string& path, const std::string& manager, const json& body, bool status) {
    if (refused_.contains(path)) return failure(422, "Invalid", "it is not valid");
    if (ending_ && !objects_.contains(path))
      return failure(403, "Forbidden",
                     "unable to create: namespace talk because it is being terminated");
    const auto found = objects_.find(path);
    const json& metadata = body["metadata"];
    if (found == objects_.end()) {
      if (metadata.contains("uid")) return failure(409, "Conflict", "uid mismatch");
      applied_[path + " " + manager] = stripped(body);
      last_writer_[path] = manager;
      return {201, objects_[path] = made(body, manager)};
    }
    json& live = found->second;
    if (metadata.value("uid", live["metadata"]["uid"]) != live["metadata"]["uid"] ||
        metadata.value("resourceVersion", live["metadata"]["resourceVersion"]) !=
            live["metadata"]["resourceVersion"])
      return failure(409, "Conflict", "the object has been modified");
    if (status) {
      live["status"] = body["status"];
      live["metadata"]["resourceVersion"] = next_version();
      return {200, live};
    }
    json& applied = applied_[path + " " + manager];
    if (applied == stripped(body) && last_writer_[path] == manager) return {200, live};
    applied = stripped(body);
    return {200, live = merged(path, live, body, manager)};
  }

  static json stripped(json body) {
    body["metadata"].erase("uid");
    body["metadata"].erase("resourceVersion");
    return body;
  }

  json made(const json& body, const std::string& manager) {
    json object = body;
    object["metadata"]["uid"] = next_uid();
    object["metadata"]["resourceVersion"] = next_version();
    object["metadata"]["generation"] = 1;
    set_manager(object, manager, body);
    return object;
  }

  // Replicas that their only owner no longer applies fall back to 1, as on the real server.
  json merged(const std::string& path, const json& live, const json& body,
              const std::string& manager) {
    json object = manager == "socketmesh-replicas" ? live : body;
    if (body.contains("webhooks")) {  // a list by name on the real server; by place here
      object = live;
      for (std::size_t i = 0; i < body["webhooks"].size(); ++i)
        object["webhooks"][i].merge_patch(body["webhooks"][i]);
    }
    object["metadata"]["uid"] = live["metadata"]["uid"];
    object["metadata"]["resourceVersion"] = next_version();
    object["metadata"]["managedFields"] = live["metadata"]["managedFields"];
    if (live.contains("status")) object["status"] = live["status"];
    if (manager == "socketmesh-replicas") {
      object["spec"]["replicas"] = body["spec"]["replicas"];
    } else if (object["kind"] == "Deployment" && !body["spec"].contains("replicas")) {
      const bool kept = owns_replicas(live, "socketmesh-replicas");
      object["spec"]["replicas"] = kept ? live["spec"]["replicas"] : json(1);
    }
    set_manager(object, manager, body);
    last_writer_[path] = manager;
    return object;
  }

  static bool owns_replicas(const json& object, const std::string& manager) {
    for (const json& entry : object["metadata"]["managedFields"])
      if (entry["manager"] == manager) return entry.value("fieldsV1", json()).contains("f:spec");
    return false;
  }

  void set_manager(json& object, const std::string& manager, const json& body) {
    json entry = {{"manager", manager},
                  {"operation", "Apply"},
                  {"time", std::to_string(version_)},
                  {"fieldsV1", json::object()}};
    if (body.contains("spec") && body["spec"].contains("replicas"))
      entry["fieldsV1"]["f:spec"]["f:replicas"] = json::object();
    json& fields = object["metadata"]["managedFields"];
    json kept = json::array();
    for (const json& other : fields)
      if (other["manager"] != manager) kept.push_back(other);
    kept.push_back(std::move(entry));
    fields = std::move(kept);
  }

  mutable std::mutex mutex_;
  std::map<std::string, json> objects_;
  std::map<std::string, json> applied_;
  std::map<std::string, std::string> last_writer_;
  std::set<std::string> refused_;
  bool ending_ = false;
  std::vector<json> events_;
  std::vector<Call> calls_;
  int version_ = 100;
  int uids_ = 0;
};

}  // namespace socketmesh::op::control
