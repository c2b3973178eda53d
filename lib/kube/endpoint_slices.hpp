// All EndpointSlices of one Service, merged into the addresses to dial.
//
// Conditions are ignored: on a mesh Service an address is a candidate until it leaves the slices,
// ready or not (OPERATOR.md). An endpoint may stand in several slices, for a while or, in a
// dual-stack Service, for each family: it is known by the UID of its targetRef, or by its address
// when it has none, and reached by one family. What is not understood is left out, never guessed.
// Pure; not thread-safe. No exceptions, whatever the objects are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace socketmesh::kube {

// The port to dial: the one of this name, else one of this number. TCP only.
struct PortChoice {
  std::string name;
  std::uint16_t number = 0;
};

enum class AddressFamily : std::uint8_t { kIPv4, kIPv6 };

class EndpointSlices {
 public:
  // What the API server accepts in one slice, and far more slices than a mesh has.
  static constexpr std::size_t kSliceEndpointsMax = 1'000;
  static constexpr std::size_t kSlicesMax = 1'000;

  // `preferred`: the family for endpoints that have both.
  EndpointSlices(PortChoice port, AddressFamily preferred);

  // These slices are all there are.
  void replace(const std::vector<nlohmann::json>& slices);
  // A slice is new or has changed; known by its name, as all are of one namespace.
  void upsert(const nlohmann::json& slice);
  void erase(const nlohmann::json& slice);

  // "10.0.0.1:7400", "[fd00::1]:7400": sorted, each once.
  [[nodiscard]] std::vector<std::string> addresses() const;

  // Slices that give nothing now: no such port, no addresses of a known family, over a limit.
  [[nodiscard]] std::size_t slices_left_out() const;
  [[nodiscard]] std::size_t slices() const { return slices_.size(); }

 private:
  struct Endpoint {
    std::string identity;  // UID or address
    std::string address;   // with port
  };
  struct Slice {
    AddressFamily family = AddressFamily::kIPv4;
    bool left_out = false;
    std::vector<Endpoint> endpoints;
  };

  [[nodiscard]] Slice read(const nlohmann::json& object) const;
  [[nodiscard]] std::uint16_t chosen_port(const nlohmann::json& slice) const;

  PortChoice port_;
  AddressFamily preferred_;
  std::map<std::string, Slice, std::less<>> slices_;  // by name
  std::size_t over_limit_ = 0;                        // slices beyond kSlicesMax
};

}  // namespace socketmesh::kube
