// Certificates for tests: a throw-away CA and leaves that it signed, in a folder of their own,
// gone with the object. Made by the openssl program; a failure fails the test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "lib/net/tls_files.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::net {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TestCertificates {
 public:
  TestCertificates() {
    run("openssl req -x509 " + kNewKey + " -days 1 -subj /CN=test-ca -keyout ca.key -out ca.crt");
  }

  // A leaf for `name`, valid for localhost and 127.0.0.1; `more_names` such as ",URI:spiffe://m".
  TlsFiles make(const std::string& name, const std::string& more_names = "",
                const std::string& more_extensions = "") {
    request(name, more_names, more_extensions);
    run("openssl x509 -req -in " + name +
        ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 "
        "-copy_extensions copy -out " +
        name + ".crt");
    return files(name);
  }

  // The same, valid between two points in time, seconds since 1970.
  TlsFiles make_dated(const std::string& name, std::time_t from, std::time_t to) {
    request(name, "", "");
    std::ofstream(folder_ + "/ca.cnf")
        << "[ca]\ndefault_ca=c\n[c]\ndatabase=ca.index\nrand_serial=yes\nnew_certs_dir=.\n"
           "unique_subject=no\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n";
    std::ofstream(folder_ + "/ca.index");
    run("openssl ca -batch -config ca.cnf -md sha256 -cert ca.crt -keyfile ca.key -startdate " +
        date(from) + " -enddate " + date(to) + " -in " + name + ".csr -notext -out " + name +
        ".crt");
    return files(name);
  }

  // A leaf that a CA between it and the root signed; its file holds both.
  TlsFiles make_through_intermediate(const std::string& name) {
    run("openssl req " + kNewKey +
        " -subj /CN=between -addext basicConstraints=CA:TRUE -keyout between.key -out between.csr");
    run("openssl x509 -req -in between.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 "
        "-copy_extensions copy -out between.crt");
    request(name, "", "");
    run("openssl x509 -req -in " + name +
        ".csr -CA between.crt -CAkey between.key -CAcreateserial -days 1 -copy_extensions copy "
        "-out leaf.crt && cat leaf.crt between.crt >" +
        name + ".crt");
    return files(name);
  }

  std::string encrypt_key(const std::string& key) {
    run("openssl pkey -aes256 -passout pass:secret -in " + key + " -out encrypted.key");
    return folder_ + "/encrypted.key";
  }

  // Both roots in a file of their own: what peers trust while a root is being replaced.
  std::string bundle_with(const TestCertificates& other) {
    const std::string path = folder_ + "/bundle.crt";
    std::ofstream(path) << read_text(ca()) << read_text(other.ca());
    return path;
  }

  const std::string& folder() const { return folder_; }
  std::string ca() const { return folder_ + "/ca.crt"; }

 private:
  inline static const std::string kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

  TlsFiles files(const std::string& name) const {
    return {ca(), folder_ + "/" + name + ".crt", folder_ + "/" + name + ".key"};
  }

  void request(const std::string& name, const std::string& more_names,
               const std::string& more_extensions) {
    run("openssl req " + kNewKey + " -subj /CN=" + name +
        " -addext subjectAltName=DNS:localhost,IP:127.0.0.1" + more_names +
        (more_extensions.empty() ? "" : " -addext " + more_extensions) + " -keyout " + name +
        ".key -out " + name + ".csr");
  }

  static std::string date(std::time_t time) {
    std::tm parts{};
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%d%H%M%SZ", gmtime_r(&time, &parts));
    return text;
  }

  void run(const std::string& command) {
    const std::string quiet = "cd " + folder_ + " && { " + command + "; } >openssl.log 2>&1";
    EXPECT_EQ(std::system(quiet.c_str()), 0) << command << "\n"
                                             << read_text(folder_ + "/openssl.log");
  }

  support::TempFolder temporary_;
  const std::string& folder_ = temporary_.path();
};

}  // namespace socketmesh::net
