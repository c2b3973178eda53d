// Certificates for tests: a throw-away CA and leaves that it signed, in a folder of their own,
// gone with the object. Made by the openssl program; a failure fails the test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/net/tls.hpp"

namespace socketmesh::net {

class TestCertificates {
 public:
  TestCertificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sm-tls-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        "-subj /CN=test-ca -keyout ca.key -out ca.crt");
  }
  ~TestCertificates() { std::filesystem::remove_all(folder_); }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  // A leaf for `name`, valid for localhost and 127.0.0.1; `more_names` such as ",URI:spiffe://m".
  TlsFiles make(const std::string& name, const std::string& more_names = "") {
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
        " -addext subjectAltName=DNS:localhost,IP:127.0.0.1" + more_names + " -keyout " + name +
        ".key -out " + name + ".csr");
    run("openssl x509 -req -in " + name +
        ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 "
        "-copy_extensions copy -out " +
        name + ".crt");
    return {folder_ + "/ca.crt", folder_ + "/" + name + ".crt", folder_ + "/" + name + ".key"};
  }

  std::string encrypt_key(const std::string& key) {
    run("openssl pkey -aes256 -passout pass:secret -in " + key + " -out encrypted.key");
    return folder_ + "/encrypted.key";
  }

  const std::string& folder() const { return folder_; }

 private:
  void run(const std::string& command) {
    const std::string quiet = "cd " + folder_ + " && " + command + " >openssl.log 2>&1";
    EXPECT_EQ(std::system(quiet.c_str()), 0) << command;
  }

  std::string folder_;
};

}  // namespace socketmesh::net
