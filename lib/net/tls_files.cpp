#include "lib/net/tls_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "lib/base/text.hpp"

namespace socketmesh::net {
namespace {

using File = TlsError::File;

// How often a set is begun again because its folder went while it was read.
constexpr int kAttemptsMax = 5;

constexpr char kDataLink[] = "..data";
constexpr std::string_view kDataPrefix = "..data/";

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

// A folder that holds still: what its path meant when it was opened, and so its `..data`.
struct Folder {
  Descriptor self;
  Descriptor data;     // invalid where there is no ..data, or what it named is gone already
  int error = 0;       // why `self` is invalid
  int data_error = 0;  // why `data` is invalid
};

Folder open_folder(const std::string& path) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  Descriptor self(::open(path.c_str(), kFlags));
  const int error = self ? 0 : errno;
  Descriptor data(self ? ::openat(self.get(), kDataLink, kFlags) : -1);
  const int data_error = data ? 0 : errno;
  return {std::move(self), std::move(data), error, data_error};
}

// The rest of a symlink's target inside `..data`; empty when `name` is no such link.
std::string name_in_data(const Folder& folder, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(folder.self.get(), name.c_str(), target, sizeof target);
  const std::string_view text(target, size < 0 ? 0 : static_cast<std::size_t>(size));
  if (!text.starts_with(kDataPrefix)) return "";
  return std::string(text.substr(kDataPrefix.size()));
}

std::string because(int code) {
  return std::string("cannot be read: ") + std::strerror(code);
}

Expected<std::string> read_all(int file) {
  struct stat info{};
  if (::fstat(file, &info) != 0) return Unexpected{because(errno)};
  if (S_ISDIR(info.st_mode)) return Unexpected{"is a folder"};
  if (!S_ISREG(info.st_mode)) return Unexpected{"is not a regular file"};
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t size = ::read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Unexpected{because(errno)};
    if (size == 0) break;
    content.append(buffer, static_cast<std::size_t>(size));
    if (content.size() > kTlsFileBytesMax) {
      return Unexpected{"is larger than " + std::to_string(kTlsFileBytesMax) + " bytes"};
    }
  }
  if (content.empty()) return Unexpected{"is empty"};
  return content;
}

// Reads the files of one set, each folder opened once.
class SetReader {
 public:
  // The error is a reason without the path.
  Expected<std::string> read(const std::filesystem::path& path) {
    const Folder& folder = folder_of(path);
    if (!folder.self) return Unexpected{because(folder.error)};
    const std::string name = path.filename().string();
    const std::string inside = name_in_data(folder, name);
    // Through the link, each file could be another version's.
    if (!inside.empty() && !folder.data) {
      swapped_ = swapped_ || folder.data_error == ENOENT;
      return Unexpected{because(folder.data_error)};
    }
    // A pipe would block until someone writes to it; it is refused as not regular.
    constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    const Descriptor file(inside.empty() ? ::openat(folder.self.get(), name.c_str(), kFlags)
                                         : ::openat(folder.data.get(), inside.c_str(), kFlags));
    if (!file) {
      swapped_ = swapped_ || (!inside.empty() && errno == ENOENT);
      return Unexpected{because(errno)};
    }
    return read_all(file.get());
  }

  // A file was not in the `..data` that was opened: it was probably swapped, and removed.
  [[nodiscard]] bool swapped() const { return swapped_; }

 private:
  const Folder& folder_of(const std::filesystem::path& path) {
    const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
    const auto found = folders_.find(parent);
    if (found != folders_.end()) return found->second;
    return folders_.emplace(parent, open_folder(parent)).first->second;
  }

  std::map<std::string, Folder> folders_;
  bool swapped_ = false;
};

Expected<TlsPem, TlsError> read_set(const TlsFiles& files, bool& swapped) {
  SetReader reader;
  TlsPem pem;
  for (const auto& [kind, path, target] :
       {std::tuple{File::kCa, &files.ca, &pem.ca}, std::tuple{File::kCert, &files.cert, &pem.cert},
        std::tuple{File::kKey, &files.key, &pem.key}}) {
    auto content = reader.read(*path);
    swapped = reader.swapped();
    if (!content) return Unexpected{TlsError{kind, in_quotes(*path) + " " + content.error()}};
    *target = std::move(content).value();
  }
  return pem;
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileMark mark(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
          nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

}  // namespace

Expected<TlsPem, TlsError> read_tls_files(const TlsFiles& files) {
  for (int attempt = 1;; ++attempt) {
    bool swapped = false;
    auto pem = read_set(files, swapped);
    if (pem || !swapped || attempt == kAttemptsMax) return pem;
  }
}

TlsFilesMark mark_tls_files(const TlsFiles& files) {
  return {mark(files.ca), mark(files.cert), mark(files.key)};
}

}  // namespace socketmesh::net
