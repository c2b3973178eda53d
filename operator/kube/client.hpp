// Calls to the API server, each blocking up to a deadline.
//
//   auto access = in_cluster_access();
//   Client client(*access, {});
//   auto live = client.get({kDeployments, "default", "chat"});
//   if (!live && live.error().kind == ApiError::Kind::kNotFound) ...
//
// Threading: any thread but cpprestsdk's own (the callbacks of Watch, StatusPoller and
// HttpsListener run there); many calls at once are fine, each on a connection of a shared pool.
// A 401 makes the token be read anew and the call be tried once more; nothing else is retried: the
// caller's queue does that. Redirects are not followed. close() ends the calls under way.
//
// A call that timed out may still have been carried out by the server.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/expected.hpp"
#include "lib/base/histogram.hpp"
#include "operator/kube/access.hpp"
#include "operator/kube/api_error.hpp"
#include "operator/kube/resource.hpp"

namespace socketmesh::op::kube {

struct ClientOptions {
  std::string user_agent = "socketmesh-operator/" SOCKETMESH_VERSION;
  std::chrono::milliseconds timeout{10'000};    // of one call, connection and body included
  std::size_t response_bytes_max = 16U << 20U;  // of one body; above: kBadResponse
};

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::uint32_t page_size = 500;
  bool metadata_only = false;  // items are PartialObjectMetadata
};

struct ObjectList {
  std::vector<nlohmann::json> items;  // with kind and apiVersion, which the server leaves out
  std::string resource_version;
};

struct WriteOptions {
  std::string field_manager = "socketmesh-operator";
  bool dry_run = false;          // the server checks and answers, and stores nothing
  std::string_view subresource;  // "status", "scale"; empty: the object itself
};

struct ApplyOptions : WriteOptions {
  bool force = false;  // take over fields that another manager owns; without: kConflict
};

enum class Propagation : std::uint8_t { kBackground, kForeground, kOrphan };

struct RemoveOptions {
  std::string uid;               // precondition, when not empty: else kConflict
  std::string resource_version;  // precondition, when not empty: else kConflict
  Propagation propagation = Propagation::kBackground;
  bool dry_run = false;
};

// Totals since the start; a snapshot.
struct ClientStats {
  // Method and status ("GET", 200); status 0: no response (see ApiError::Kind).
  std::map<std::pair<std::string, int>, std::uint64_t> requests;
  // Microseconds from call to result, by method.
  std::map<std::string, Histogram> latencies;
  std::uint64_t in_flight = 0;
};

class Client {
 public:
  using Result = Expected<nlohmann::json, ApiError>;

  explicit Client(std::shared_ptr<const Access> access, ClientOptions options = {});
  ~Client();  // as close()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

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

  [[nodiscard]] ClientStats stats() const;
  [[nodiscard]] const Access& access() const;

  // Ends the calls under way, and all later ones, with kClosed. Idempotent; waits for nothing.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::op::kube
