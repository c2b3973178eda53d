#include "operator/kube/client.hpp"

#include <utility>

#include "lib/base/assert.hpp"
#include "lib/kube/decode.hpp"
#include "lib/kube/target.hpp"

namespace socketmesh::op::kube {
namespace {

using nlohmann::json;
using socketmesh::kube::percent_encoded;

constexpr const char* kJson = "application/json";
constexpr const char* kAcceptMetadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr const char* kAcceptMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

ApiError bad_response(const std::string& why) {
  ApiError error;
  error.kind = ApiError::Kind::kBadResponse;
  error.message = why;
  return error;
}

ApiError invalid(const std::string& why) {
  ApiError error;
  error.kind = ApiError::Kind::kInvalid;
  error.message = why;
  return error;
}

Client::Result parse(const Expected<std::string, ApiError>& body) {
  if (!body) return Unexpected{body.error()};
  auto value = socketmesh::kube::parse_json(*body);
  if (!value) return Unexpected{bad_response("the body is wrong: " + value.error())};
  return std::move(value).value();
}

std::string query_of(const WriteOptions& options, bool force = false) {
  std::string query = "?fieldManager=" + percent_encoded(options.field_manager);
  if (options.dry_run) query += "&dryRun=All";
  if (force) query += "&force=true";
  return query;
}

const char* name_of(Propagation propagation) {
  switch (propagation) {
    case Propagation::kBackground:
      return "Background";
    case Propagation::kForeground:
      return "Foreground";
    case Propagation::kOrphan:
      return "Orphan";
  }
  return "Background";
}

}  // namespace

Client::Client(std::shared_ptr<const Access> access, ClientOptions options)
    : caller_(std::move(access), std::move(options)) {}

Client::Result Client::get(const ObjectRef& ref, bool metadata_only) {
  ApiRequest request{.method = "GET", .target = object_path(ref)};
  if (metadata_only) request.accept = kAcceptMetadata;
  return parse(caller_.call(request));
}

Expected<ObjectList, ApiError> Client::list(const Resource& resource, std::string_view ns,
                                            const ListOptions& options) {
  const std::string path = collection_path(resource, ns);
  auto list = list_once(resource, path, options);
  if (!list && list.error().kind == ApiError::Kind::kGone)
    list = list_once(resource, path, options);
  return list;
}

Expected<ObjectList, ApiError> Client::list_once(const Resource& resource, const std::string& path,
                                                 const ListOptions& options) {
  const socketmesh::kube::Collection collection{path, options.label_selector,
                                                options.field_selector};
  ObjectList list;
  std::string next;
  do {
    ApiRequest request{
        .method = "GET",
        .target = socketmesh::kube::list_target(collection, options.page_size, next)};
    if (options.metadata_only) request.accept = kAcceptMetadataList;
    const auto body = caller_.call(request);
    if (!body) return Unexpected{body.error()};
    auto page = socketmesh::kube::decode_list_page(*body);
    if (!page) return Unexpected{bad_response("the list is wrong: " + page.error())};
    for (json& item : page->items) {
      if (!options.metadata_only) {
        item["apiVersion"] = resource.api_version();
        item["kind"] = resource.kind;
      }
      list.items.push_back(std::move(item));
    }
    list.resource_version = std::move(page->resource_version);
    next = std::move(page->continue_token);
  } while (!next.empty());
  return list;
}

Client::Result Client::create(const json& object, const WriteOptions& options) {
  const auto ref = ref_of(object);
  if (!ref) return Unexpected{invalid(ref.error())};
  std::string path = options.subresource.empty() ? collection_path(ref->resource, ref->ns)
                                                 : object_path(*ref, options.subresource);
  return send("POST", path + query_of(options), kJson, object);
}

Client::Result Client::apply(const json& object, const ApplyOptions& options) {
  const auto ref = ref_of(object);
  if (!ref) return Unexpected{invalid(ref.error())};
  // JSON is YAML.
  return patch(*ref, "application/apply-patch+yaml", object, options, options.force);
}

Client::Result Client::replace(const json& object, const WriteOptions& options) {
  const auto ref = ref_of(object);
  if (!ref) return Unexpected{invalid(ref.error())};
  return send("PUT", object_path(*ref, options.subresource) + query_of(options), kJson, object);
}

Client::Result Client::merge_patch(const ObjectRef& ref, const json& patch,
                                   const WriteOptions& options) {
  return this->patch(ref, "application/merge-patch+json", patch, options);
}

Client::Result Client::json_patch(const ObjectRef& ref, const json& patch,
                                  const WriteOptions& options) {
  return this->patch(ref, "application/json-patch+json", patch, options);
}

Client::Result Client::remove(const ObjectRef& ref, const RemoveOptions& options) {
  json body{{"kind", "DeleteOptions"},
            {"apiVersion", "v1"},
            {"propagationPolicy", name_of(options.propagation)}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  return send("DELETE", object_path(ref) + (options.dry_run ? "?dryRun=All" : ""), kJson, body);
}

Expected<bool, ApiError> Client::serves(const Resource& resource) {
  std::string target = collection_path(resource, "");
  target.resize(target.size() - resource.plural.size() - 1);
  const auto found = parse(caller_.call({.method = "GET", .target = target}));
  if (!found && found.error().kind == ApiError::Kind::kNotFound) return false;
  if (!found) return Unexpected{found.error()};
  const auto resources = found->find("resources");
  if (resources == found->end() || !resources->is_array()) {
    return Unexpected{bad_response("the list of resources is missing")};
  }
  for (const json& each : *resources) {
    if (!each.is_object()) continue;
    const auto name = each.find("name");
    if (name != each.end() && *name == resource.plural) return true;
  }
  return false;
}

Client::Result Client::raw_get(const std::string& target) {
  const auto body = caller_.call({.method = "GET", .target = target, .accept = "*/*"});
  if (!body) return Unexpected{body.error()};
  auto value = socketmesh::kube::parse_json(*body);
  return value ? std::move(value).value() : json(*body);
}

Client::Result Client::patch(const ObjectRef& ref, const char* content_type, const json& patch,
                             const WriteOptions& options, bool force) {
  return send("PATCH", object_path(ref, options.subresource) + query_of(options, force),
              content_type, patch);
}

Client::Result Client::send(const char* method, std::string target, const char* content_type,
                            const json& body) {
  ApiRequest request{.method = method, .target = std::move(target), .content_type = content_type};
  // What the server gave is UTF-8, and so are manifests; should a text not be, the server is to
  // complain about it, not dump().
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return parse(caller_.call(request));
}

}  // namespace socketmesh::op::kube
