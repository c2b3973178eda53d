#include "lib/kube/in_cluster.hpp"

#include <algorithm>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"

namespace socketmesh::kube {
namespace {

constexpr std::uint64_t kPortMax = 65'535;
constexpr std::size_t kLabelBytesMax = 63;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_label(std::string_view text) {
  const auto inner = [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kLabelBytesMax && text.front() != '-' &&
         text.back() != '-' && std::all_of(text.begin(), text.end(), inner);
}

}  // namespace

Expected<InClusterAccess> in_cluster_access(std::string_view host, std::string_view port,
                                            std::string_view folder) {
  if (host.empty() || port.empty()) {
    return Unexpected{"not in a pod of a cluster: " + std::string(kServiceHostVariable) + " and " +
                      std::string(kServicePortVariable) + " are not set"};
  }
  const auto number = parse_uint(port, kPortMax);
  if (!number || *number == 0) {
    return Unexpected{std::string(kServicePortVariable) + " is no port: " + in_quotes(port)};
  }
  InClusterAccess access;
  access.server = TcpEndpoint{std::string(host), static_cast<std::uint16_t>(*number)};
  const auto checked = parse_tcp_endpoint(access.server.to_string());
  if (!checked) return Unexpected{std::string(kServiceHostVariable) + ": " + checked.error()};
  const std::string prefix = std::string(folder) + "/";
  access.token_file = prefix + "token";
  access.ca_file = prefix + "ca.crt";
  access.namespace_file = prefix + "namespace";
  return access;
}

Expected<std::string> parse_token(std::string_view text) {
  const std::string_view token = trimmed(text);
  if (token.empty()) return Unexpected{"holds no token"};
  if (token.size() > kTokenBytesMax) return Unexpected{"holds a token that is too long"};
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::all_of(token.begin(), token.end(), printable)) {
    return Unexpected{"holds a token with characters that a header cannot carry"};
  }
  return std::string(token);
}

Expected<std::string> parse_namespace(std::string_view text) {
  const std::string_view name = trimmed(text);
  if (is_label(name)) return std::string(name);
  return Unexpected{in_quotes(name) + " is no namespace: lower-case letters, digits and '-', at " +
                    "most " + std::to_string(kLabelBytesMax) + " characters"};
}

Expected<std::string> parse_service_name(std::string_view text) {
  if (is_label(text) && is_letter(text.front())) return std::string(text);
  return Unexpected{in_quotes(text) + " is no Service name: lower-case letters, digits and '-', " +
                    "beginning with a letter, at most " + std::to_string(kLabelBytesMax) +
                    " characters"};
}

}  // namespace socketmesh::kube
