// The three PEM files of TLS, read as one set, and a mark that tells when they change.
//
// A kubelet keeps the files of a mounted Secret in a folder of its own and swaps the symlink
// `..data` to a new one: all three are read through one resolved `..data`, so that they are of one
// version. Plain files are read as they are; who writes them one after another is seen in between,
// and what was read then does not match (make_tls_context). Errors name the file. Blocking, but
// only for regular files of at most kTlsFileBytesMax. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lib/base/expected.hpp"

namespace socketmesh::net {

// Of each file: a bundle of some hundred roots fits, a wrong path to something huge does not.
inline constexpr std::uint64_t kTlsFileBytesMax = 1U << 20U;

// Paths.
struct TlsFiles {
  std::string ca;    // every root that is trusted
  std::string cert;  // the leaf first, then intermediates
  std::string key;
};

// What was in them.
struct TlsPem {
  std::string ca;
  std::string cert;
  std::string key;
};

struct TlsError {
  enum class File : std::uint8_t { kCa, kCert, kKey };
  File file = File::kCa;  // which of TlsFiles is to blame
  std::string message;    // says the path and the reason
};

Expected<TlsPem, TlsError> read_tls_files(const TlsFiles& files);

// Where a file is and when it changed; all zero for one that is not there.
struct FileMark {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // of the inode: modes and renames as well

  bool operator==(const FileMark&) const = default;
};
using TlsFilesMark = std::array<FileMark, 3>;

// Another mark, another content, as far as a file system tells: three stat calls, nothing is read.
TlsFilesMark mark_tls_files(const TlsFiles& files);

}  // namespace socketmesh::net
