#include "lib/net/tls_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/temp_folder.hpp"

namespace socketmesh::net {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using File = TlsError::File;

class TlsFilesTest : public testing::Test {
 protected:
  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  TlsFiles plain(const std::string& text) {
    for (const char* name : {"ca.crt", "tls.crt", "tls.key"}) write(folder_ / name, text + name);
    return files(folder_);
  }
  static TlsFiles files(const fs::path& folder) {
    return {folder / "ca.crt", folder / "tls.crt", folder / "tls.key"};
  }

  // A version of a mounted Secret, as the kubelet writes it; the one before is removed.
  void publish(const std::string& version, const std::string& inside = ".") {
    const fs::path next = folder_ / (".." + version);
    fs::create_directories(next / inside);
    for (const char* name : {"ca.crt", "tls.crt", "tls.key"}) write(next / inside / name, version);
    const fs::path link = folder_ / "..data";
    const fs::path before = fs::is_symlink(link) ? folder_ / fs::read_symlink(link) : fs::path();
    fs::create_symlink(next.filename(), folder_ / "..data_tmp");
    fs::rename(folder_ / "..data_tmp", link);
    if (!before.empty()) fs::remove_all(before);
  }
  TlsFiles mounted() {
    for (const char* name : {"ca.crt", "tls.crt", "tls.key"}) {
      fs::create_symlink(fs::path("..data") / name, folder_ / name);
    }
    return files(folder_);
  }

  void expect_error(const TlsFiles& files, File file, const std::string& path,
                    const std::string& reason) {
    const auto pem = read_tls_files(files);
    ASSERT_FALSE(pem);
    EXPECT_EQ(pem.error().file, file);
    EXPECT_THAT(pem.error().message, HasSubstr("'" + path + "' "));
    EXPECT_THAT(pem.error().message, HasSubstr(reason));
  }

  support::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(TlsFilesTest, ReadsPlainFiles) {
  const auto pem = read_tls_files(plain("x "));
  ASSERT_TRUE(pem);
  EXPECT_EQ(pem->ca, "x ca.crt");
  EXPECT_EQ(pem->cert, "x tls.crt");
  EXPECT_EQ(pem->key, "x tls.key");
}

TEST_F(TlsFilesTest, ReadsFilesOfSeveralFolders) {
  TlsFiles files = plain("x ");
  fs::create_directory(folder_ / "secret");
  files.key = folder_ / "secret" / "tls.key";
  write(files.key, "key");
  const auto pem = read_tls_files(files);
  ASSERT_TRUE(pem);
  EXPECT_EQ(pem->key, "key");
  EXPECT_EQ(pem->cert, "x tls.crt");
}

TEST_F(TlsFilesTest, NamesWhatCannotBeRead) {
  TlsFiles files = plain("x ");
  files.cert = folder_ / "absent.crt";
  expect_error(files, File::kCert, files.cert, "No such file");
  files.cert = folder_ / "nowhere" / "tls.crt";
  expect_error(files, File::kCert, files.cert, "No such file");
  files = plain("x ");
  files.ca = folder_;
  expect_error(files, File::kCa, files.ca, "is a folder");
  files = plain("x ");
  write(files.key, "");
  expect_error(files, File::kKey, files.key, "is empty");
  fs::remove(files.key);
  ASSERT_EQ(::mkfifo(files.key.c_str(), 0600), 0);
  expect_error(files, File::kKey, files.key, "is not a regular file");
}

TEST_F(TlsFilesTest, LimitsTheSize) {
  TlsFiles files = plain("x ");
  write(files.ca, std::string(kTlsFileBytesMax, 'x'));
  EXPECT_TRUE(read_tls_files(files));
  write(files.ca, std::string(kTlsFileBytesMax + 1, 'x'));
  expect_error(files, File::kCa, files.ca, "is larger than 1048576 bytes");
}

TEST_F(TlsFilesTest, ReadsAMountedSecret) {
  publish("one");
  const TlsFiles files = mounted();
  EXPECT_EQ(read_tls_files(files)->key, "one");
  publish("two");
  EXPECT_EQ(read_tls_files(files)->key, "two");
}

TEST_F(TlsFilesTest, ReadsAFolderInsideAMountedSecret) {
  publish("one", "chat");
  fs::create_symlink("..data/chat", folder_ / "chat");
  const TlsFiles inside = files(folder_ / "chat");
  EXPECT_EQ(read_tls_files(inside)->key, "one");
  publish("two", "chat");
  EXPECT_EQ(read_tls_files(inside)->key, "two");
}

TEST_F(TlsFilesTest, NamesALinkIntoNothing) {
  const TlsFiles files = mounted();
  expect_error(files, File::kCa, files.ca, "No such file");
  publish("one");
  fs::remove(folder_ / "..data" / "tls.key");
  expect_error(files, File::kKey, files.key, "No such file");
}

TEST_F(TlsFilesTest, NeverMixesVersions) {
  publish("0");
  const TlsFiles files = mounted();
  std::atomic<bool> stop{false};
  std::thread kubelet([&] {
    for (int version = 1; !stop; ++version) publish(std::to_string(version));
  });
  int read = 0;
  int mixed = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto pem = read_tls_files(files);
    if (!pem) continue;  // a kubelet is not that fast: five swaps during one set
    ++read;
    mixed += pem->ca != pem->cert || pem->cert != pem->key ? 1 : 0;
  }
  stop = true;
  kubelet.join();
  EXPECT_EQ(mixed, 0);
  EXPECT_GT(read, 2000);
}

TEST_F(TlsFilesTest, MarksTellAChange) {
  const TlsFiles files = plain("x ");
  const TlsFilesMark first = mark_tls_files(files);
  EXPECT_EQ(mark_tls_files(files), first);
  write(files.key, "other");
  const TlsFilesMark second = mark_tls_files(files);
  EXPECT_NE(second, first);
  EXPECT_EQ(second[0], first[0]);
  fs::remove(files.key);
  EXPECT_EQ(mark_tls_files(files)[2], FileMark());
  // Another file of the same size in its place.
  write(folder_ / "next", "other");
  fs::rename(folder_ / "next", files.key);
  EXPECT_NE(mark_tls_files(files), second);
}

TEST_F(TlsFilesTest, MarksTellASwappedSecret) {
  publish("one");
  const TlsFiles files = mounted();
  const TlsFilesMark first = mark_tls_files(files);
  publish("two");
  const TlsFilesMark second = mark_tls_files(files);
  for (std::size_t i = 0; i < second.size(); ++i) EXPECT_NE(second.at(i), first.at(i));
}

}  // namespace
}  // namespace socketmesh::net
