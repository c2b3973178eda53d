// Calls to the API server, each blocking up to a deadline.
//
//   auto access = in_cluster_access();
//   Client client(*access, {});
//   auto live = client.get({kDeployments, "default", "chat"});
//   if (!live && live.error().kind == ApiError::Kind::kNotFound) ...
//
// Threading: any thread but cpprestsdk's own (the callbacks of Watch, StatusPoller and
// HttpsListener run there); many calls at once are fine, each on a connection of a shared pool.
// A 401 makes the token be read anew and the call be tried once more, and what a stale connection
// did not take is sent on another; nothing else is retried: the caller's queue does that. Redirects
// are not followed. close() ends the calls under way.
//
// A call that timed out may still have been carried out by the server.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"
#include "operator/kube/access.hpp"
#include "operator/kube/api_error.hpp"
#include "operator/kube/caller.hpp"
#include "operator/kube/resource.hpp"

namespace socketmesh::op::kube {

struct ListOptions {
  std::string label_selector{};
  std::string field_selector{};
  std::uint32_t page_size = 500;
  bool metadata_only = false;  // items are PartialObjectMetadata
};

struct ObjectList {
  std::vector<nlohmann::json> items;  // with kind and apiVersion, which the server leaves out
  std::string resource_version;
};

struct WriteOptions {
  std::string field_manager = "socketmesh-operator";
  bool dry_run = false;            // the server checks and answers, and stores nothing
  std::string_view subresource{};  // "status", "scale"; empty: the object itself
};

struct ApplyOptions : WriteOptions {
  bool force = false;  // take over fields that another manager owns; without: kConflict
};

enum class Propagation : std::uint8_t { kBackground, kForeground, kOrphan };

struct RemoveOptions {
  std::string uid{};               // precondition, when not empty: else kConflict
  std::string resource_version{};  // precondition, when not empty: else kConflict
  Propagation propagation = Propagation::kBackground;
  bool dry_run = false;
};

class Client {
 public:
  using Result = Expected<nlohmann::json, ApiError>;

  explicit Client(std::shared_ptr<const Access> access, ClientOptions options = {});

  Result get(const ObjectRef& ref, bool metadata_only = false);
  // All pages. A continuation that has expired (410) starts the list again, once.
  Expected<ObjectList, ApiError> list(const Resource& resource, std::string_view ns,
                                      const ListOptions& options = {});

  // POST: kAlreadyExists when it is there. `object` says apiVersion, kind and metadata;
  // metadata.generateName in place of a name is fine.
  Result create(const nlohmann::json& object, const WriteOptions& options = {});
  // Server-side apply: creates or changes what `object` names. With metadata.uid (and
  // resourceVersion, if wanted) in it, nothing is created, and another object of that name is a
  // kConflict.
  Result apply(const nlohmann::json& object, const ApplyOptions& options = {});
  // PUT: the whole object; metadata.resourceVersion in it is the precondition.
  Result replace(const nlohmann::json& object, const WriteOptions& options = {});
  Result merge_patch(const ObjectRef& ref, const nlohmann::json& patch,
                     const WriteOptions& options = {});
  // `patch`: an array of RFC 6902 operations.
  Result json_patch(const ObjectRef& ref, const nlohmann::json& patch,
                    const WriteOptions& options = {});
  Result remove(const ObjectRef& ref, const RemoveOptions& options = {});

  // Whether the server has this resource in this version: is the CRD installed?
  Expected<bool, ApiError> serves(const Resource& resource);
  // GET of any path with query, already encoded: "/version", "/readyz". A body that is no JSON is
  // returned as a JSON string.
  Result raw_get(const std::string& target);

  [[nodiscard]] ClientStats stats() const { return caller_.stats(); }
  [[nodiscard]] const Access& access() const { return caller_.access(); }

  // Ends the calls under way, and all later ones, with kClosed. Idempotent; waits for nothing.
  void close() { caller_.close(); }

 private:
  // One GET of a collection, up to its last page.
  Expected<ObjectList, ApiError> list_once(const Resource& resource, const std::string& path,
                                           const ListOptions& options);
  Result send(const char* method, std::string target, const char* content_type,
              const nlohmann::json& body);
  Result patch(const ObjectRef& ref, const char* content_type, const nlohmann::json& patch,
               const WriteOptions& options, bool force = false);

  Caller caller_;
};

}  // namespace socketmesh::op::kube
