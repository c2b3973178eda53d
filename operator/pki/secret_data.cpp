#include "operator/pki/secret_data.hpp"

#include "lib/base/base64.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::pki {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

const std::string* text_of(const std::optional<json>& secret,
                           std::initializer_list<const char*> path) {
  const json* value = secret ? &*secret : nullptr;
  for (const char* key : path) {
    if (value != nullptr) value = member(*value, key);
  }
  return value == nullptr ? nullptr : value->get_ptr<const std::string*>();
}

}  // namespace

std::string secret_text(const std::optional<json>& secret, const char* key) {
  const std::string* encoded = text_of(secret, {"data", key});
  if (encoded == nullptr || encoded->size() / 4 * 3 > kPemBytesMax) return {};
  return base64_decode(*encoded).value_or(std::string());
}

std::string secret_annotation(const std::optional<json>& secret, const char* key) {
  const std::string* text = text_of(secret, {"metadata", "annotations", key});
  return text == nullptr ? std::string() : *text;
}

json make_secret(const std::string& name, const char* type, const json& common,
                 const std::optional<json>& read) {
  json metadata = common;
  metadata["name"] = name;
  for (const char* key : {"uid", "resourceVersion"}) {
    if (const std::string* text = text_of(read, {"metadata", key})) metadata[key] = *text;
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
