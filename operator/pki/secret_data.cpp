#include "operator/pki/secret_data.hpp"

#include "lib/base/base64.hpp"
#include "operator/api/json_access.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::pki {

using nlohmann::json;

std::string secret_text(const std::optional<json>& secret, const char* key) {
  if (!secret) return {};
  const json& encoded = api::member(api::member(*secret, "data"), key);
  const auto* text = encoded.get_ptr<const std::string*>();
  if (text == nullptr || text->size() / 4 * 3 > kPemBytesMax) return {};
  return base64_decode(*text).value_or(std::string());
}

std::string secret_annotation(const std::optional<json>& secret, const char* key) {
  if (!secret) return {};
  return api::text_at(api::member(api::member(*secret, "metadata"), "annotations"), key);
}

json make_secret(const std::string& name, const char* type, const json& common,
                 const std::optional<json>& read) {
  json metadata = common;
  metadata["name"] = name;
  for (const char* key : {"uid", "resourceVersion"}) {
    const std::string text = read ? api::text_at(api::member(*read, "metadata"), key) : "";
    if (!text.empty()) metadata[key] = text;
  }
  return json{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"metadata", std::move(metadata)},
              {"type", type},
              {"data", json::object()}};
}

void put_text(json& secret, const char* key, const std::string& text) {
  if (!text.empty()) secret["data"][key] = base64_encode(text);
}

void put_annotation(json& secret, const char* key, const std::string& text) {
  if (!text.empty()) secret["metadata"]["annotations"][key] = text;
}

}  // namespace socketmesh::op::pki
