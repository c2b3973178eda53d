#include "lib/kube/endpoint_slices.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "lib/base/endpoint.hpp"
#include "lib/kube/decode.hpp"

namespace socketmesh::kube {
namespace {

using nlohmann::json;

constexpr std::int64_t kPortMax = 65'535;

// A member that is a text; empty when it is absent or something else.
std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json* array_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? &*found : nullptr;
}

std::optional<AddressFamily> family_of(const json& slice) {
  const std::string type = text_of(slice, "addressType");
  if (type == "IPv4") return AddressFamily::kIPv4;
  if (type == "IPv6") return AddressFamily::kIPv6;
  return std::nullopt;  // FQDN, which is deprecated
}

// 0 when it is no TCP port, or none at all ("every port").
std::uint16_t tcp_port_of(const json& port) {
  if (!port.is_object()) return 0;
  const std::string protocol = text_of(port, "protocol");
  if (!protocol.empty() && protocol != "TCP") return 0;
  const auto number = port.find("port");
  if (number == port.end() || !number->is_number_integer()) return 0;
  const auto value = number->get<std::int64_t>();
  return value > 0 && value <= kPortMax ? static_cast<std::uint16_t>(value) : 0;
}

// The first address: the API gives no meaning to further ones. Empty when it is none.
std::string address_of(const json& endpoint, AddressFamily family) {
  const json* addresses = array_of(endpoint, "addresses");
  if (addresses == nullptr || addresses->empty() || !addresses->front().is_string()) return "";
  auto address = addresses->front().get<std::string>();
  const bool plain = address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
  const bool v6 = address.find(':') != std::string::npos;
  if (!plain || v6 != (family == AddressFamily::kIPv6)) return "";
  return TcpEndpoint{address, 0}.is_address() ? address : "";
}

std::string uid_of(const json& endpoint) {
  const auto target = endpoint.find("targetRef");
  return target != endpoint.end() && target->is_object() ? text_of(*target, "uid") : "";
}

}  // namespace

EndpointSlices::EndpointSlices(PortChoice port, AddressFamily preferred)
    : port_(std::move(port)), preferred_(preferred) {}

void EndpointSlices::replace(const std::vector<json>& slices) {
  slices_.clear();
  over_limit_ = 0;
  for (const json& slice : slices) upsert(slice);
}

void EndpointSlices::upsert(const json& slice) {
  const std::string name(metadata_text(slice, "name"));
  if (slices_.size() >= kSlicesMax && !slices_.contains(name)) {
    ++over_limit_;
    return;
  }
  slices_.insert_or_assign(name, read(slice));
}

void EndpointSlices::erase(const json& slice) {
  const auto found = slices_.find(metadata_text(slice, "name"));
  if (found != slices_.end()) slices_.erase(found);
}

std::uint16_t EndpointSlices::chosen_port(const json& slice) const {
  const json* ports = array_of(slice, "ports");
  if (ports == nullptr) return 0;
  std::uint16_t same_number = 0;
  for (const json& port : *ports) {
    const std::uint16_t number = tcp_port_of(port);
    if (number == 0) continue;
    if (text_of(port, "name") == port_.name) return number;
    if (number == port_.number) same_number = number;
  }
  return same_number;
}

EndpointSlices::Slice EndpointSlices::read(const json& object) const {
  Slice slice;
  if (!object.is_object()) return slice;
  const json* endpoints = array_of(object, "endpoints");
  if (endpoints == nullptr || endpoints->empty()) return slice;  // null while there is none
  const auto family = family_of(object);
  const std::uint16_t port = chosen_port(object);
  if (!family || port == 0) {
    slice.left_out = true;
    return slice;
  }
  slice.family = *family;
  for (const json& endpoint : *endpoints) {
    if (slice.endpoints.size() == kSliceEndpointsMax) {
      slice.left_out = true;
      break;
    }
    if (!endpoint.is_object()) continue;
    const std::string address = address_of(endpoint, slice.family);
    if (address.empty()) continue;
    std::string identity = uid_of(endpoint);
    if (identity.empty()) identity = address;
    slice.endpoints.push_back({std::move(identity), TcpEndpoint{address, port}.to_string()});
  }
  return slice;
}

std::vector<std::string> EndpointSlices::addresses() const {
  std::set<std::string_view> reached;  // identities with an address of the preferred family
  for (const auto& [name, slice] : slices_) {
    if (slice.family != preferred_) continue;
    for (const Endpoint& endpoint : slice.endpoints) reached.insert(endpoint.identity);
  }
  std::vector<std::string> found;
  for (const auto& [name, slice] : slices_) {
    for (const Endpoint& endpoint : slice.endpoints) {
      if (slice.family != preferred_ && reached.contains(endpoint.identity)) continue;
      found.push_back(endpoint.address);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::size_t EndpointSlices::slices_left_out() const {
  const auto left_out = std::count_if(slices_.begin(), slices_.end(),
                                      [](const auto& item) { return item.second.left_out; });
  return over_limit_ + static_cast<std::size_t>(left_out);
}

}  // namespace socketmesh::kube
