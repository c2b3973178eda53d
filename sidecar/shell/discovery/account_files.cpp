#include "sidecar/shell/discovery/account_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "lib/base/text.hpp"

namespace socketmesh::shell {
namespace {

Expected<std::string> read_file(const std::string& path) {
  constexpr std::size_t kStepBytes = 4096;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  while (file && text.size() <= kAccountFileBytesMax) {
    const std::size_t before = text.size();
    text.resize(before + kStepBytes);
    file.read(text.data() + before, kStepBytes);
    text.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  if (text.empty()) {
    const std::string reason = errno == 0 ? "is empty" : std::strerror(errno);
    return Unexpected{in_quotes(path) + ": " + reason};
  }
  if (text.size() > kAccountFileBytesMax) return Unexpected{in_quotes(path) + ": is too large"};
  return text;
}

template <typename Parse>
Expected<std::string> read_parsed(const std::string& path, const Parse& parse) {
  auto text = read_file(path);
  if (!text) return text;
  auto value = parse(*text);
  if (!value) return Unexpected{in_quotes(path) + ": " + value.error()};
  return value;
}

}  // namespace

Expected<std::string> read_token(const kube::InClusterAccess& access) {
  return read_parsed(access.token_file, kube::parse_token);
}

Expected<std::string> read_ca(const kube::InClusterAccess& access) {
  return read_file(access.ca_file);
}

Expected<std::string> read_namespace(const kube::InClusterAccess& access) {
  return read_parsed(access.namespace_file, kube::parse_namespace);
}

}  // namespace socketmesh::shell
