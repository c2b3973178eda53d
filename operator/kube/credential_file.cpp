#include "operator/kube/credential_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "lib/base/text.hpp"

namespace socketmesh::op::kube {
namespace {

constexpr std::size_t kPieceBytes = 4096;

}  // namespace

Expected<std::string> read_credential(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string content;
  std::array<char, kPieceBytes> piece{};
  while (content.size() <= kCredentialBytesMax) {
    file.read(piece.data(), piece.size());
    if (file.gcount() == 0) break;
    content.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (content.empty()) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "it is empty";
    return Unexpected{in_quotes(path) + " cannot be read: " + reason};
  }
  if (content.size() > kCredentialBytesMax) return Unexpected{in_quotes(path) + " is too large"};
  return content;
}

Expected<void> CredentialFile::open() {
  Expected<std::string> read = read_credential(path_);
  if (!read) return Unexpected{read.error()};
  const std::lock_guard lock(mutex_);
  content_ = std::move(read).value();
  read_at_ = std::chrono::steady_clock::now();
  return {};
}

std::string CredentialFile::content() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!read_at_ || now - *read_at_ >= max_age_) {
    if (Expected<std::string> read = read_credential(path_)) content_ = std::move(read).value();
    read_at_ = now;
  }
  return content_;
}

void CredentialFile::expire() {
  const std::lock_guard lock(mutex_);
  read_at_.reset();
}

}  // namespace socketmesh::op::kube
