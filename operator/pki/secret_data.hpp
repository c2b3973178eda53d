// Reads and writes a Secret object's `data`, whatever shape it has. Internal to operator/pki.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace socketmesh::op::pki {

// data[key], decoded; empty when it is absent, no Base64, or longer than kPemBytesMax.
std::string secret_text(const std::optional<nlohmann::json>& secret, const char* key);

// metadata.annotations[key]; empty when absent.
std::string secret_annotation(const std::optional<nlohmann::json>& secret, const char* key);

// A Secret of this name: `common` is the metadata it shares with others; uid and resourceVersion
// are those of `read`, if there is one.
nlohmann::json make_secret(const std::string& name, const char* type, const nlohmann::json& common,
                           const std::optional<nlohmann::json>& read);

// Texts that are empty are left out.
void put_text(nlohmann::json& secret, const char* key, const std::string& text);
void put_annotation(nlohmann::json& secret, const char* key, const std::string& text);

}  // namespace socketmesh::op::pki
