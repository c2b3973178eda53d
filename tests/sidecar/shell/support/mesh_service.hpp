// A headless Service as its EndpointSlices show it, for tests: JSON texts of objects and events.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace socketmesh::shell {

using SliceAddresses = std::vector<std::string>;

inline nlohmann::json endpoint_slice(const std::string& name, int version,
                                     const SliceAddresses& addresses, int port = 7400) {
  nlohmann::json endpoints = nlohmann::json::array();
  for (const std::string& address : addresses) {
    endpoints.push_back({{"addresses", nlohmann::json::array({address})},
                         {"conditions", {{"ready", false}}},
                         {"targetRef", {{"kind", "Pod"}, {"uid", name + "/" + address}}}});
  }
  const nlohmann::json link{{"name", "link"}, {"port", port}, {"protocol", "TCP"}};
  return {{"metadata",
           {{"name", name},
            {"resourceVersion", std::to_string(version)},
            {"managedFields", nlohmann::json::array({{{"manager", "controller"}}})}}},
          {"addressType", "IPv4"},
          {"ports", nlohmann::json::array({link})},
          {"endpoints", endpoints}};
}

inline std::string slice_list(int version, const std::vector<nlohmann::json>& slices,
                              const std::string& next = "") {
  nlohmann::json list{{"kind", "EndpointSliceList"},
                      {"metadata", {{"resourceVersion", std::to_string(version)}}},
                      {"items", slices}};
  if (!next.empty()) list["metadata"]["continue"] = next;
  return list.dump();
}

inline std::string watch_event(const std::string& type, const nlohmann::json& object) {
  return nlohmann::json{{"type", type}, {"object", object}}.dump() + "\n";
}

inline std::string status_object(unsigned code, const std::string& message) {
  return nlohmann::json{{"kind", "Status"}, {"code", code}, {"message", message}}.dump();
}

}  // namespace socketmesh::shell
