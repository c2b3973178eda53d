// A token, CA, certificate or key in a file that others replace: read again when what was read is
// old, kept as it was when the new content is no good.
//
// Thread-safe; reading may block shortly on the file system.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "lib/base/expected.hpp"
#include "operator/kube/access.hpp"

namespace socketmesh::op::kube {

// The whole file, not empty and at most kCredentialBytesMax; the error names it.
Expected<std::string> read_credential(const std::string& path);

class CredentialFile {
 public:
  explicit CredentialFile(std::string path, std::chrono::milliseconds max_age = kCredentialAge)
      : path_(std::move(path)), max_age_(max_age) {}

  // Reads it for the first time; until that succeeds, content() is empty.
  Expected<void> open();
  std::string content();
  // The next content() reads the file.
  void expire();

 private:
  std::string path_;
  std::chrono::milliseconds max_age_;
  std::mutex mutex_;
  std::string content_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;  // nothing: read at once
};

}  // namespace socketmesh::op::kube
