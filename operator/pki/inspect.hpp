// Reads certificates: facts about PEM texts, from Secrets that anybody may have edited.
//
// Sizes are bounded, nothing is printed of a key. Time is a parameter. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"

namespace socketmesh::op::pki {

using CertTime = std::chrono::sys_seconds;  // since 1970

// A PEM text, in bytes: a bundle of a few roots has 3 KiB.
inline constexpr std::size_t kPemBytesMax = 64 * 1024;
// Certificates in a bundle.
inline constexpr std::size_t kBundleMax = 16;

struct CertificateFacts {
  std::string pem;          // this certificate alone, as OpenSSL writes it
  std::string fingerprint;  // SHA-256 of its DER form, hexadecimal
  CertTime not_before;
  CertTime not_after;
  bool is_ca = false;
  std::vector<std::string> uris;  // subject alternative names
  std::vector<std::string> dns_names;
};

// Every certificate of a PEM text, in its order; one that cannot be read fails the whole.
Expected<std::vector<CertificateFacts>> inspect_bundle(std::string_view pem);
// The first certificate of a PEM text.
Expected<CertificateFacts> inspect_certificate(std::string_view pem);

// Whether the PEM key is the private half of the certificate's.
bool key_matches(std::string_view certificate_pem, std::string_view key_pem);

// Whether the leaf is a server's and client's certificate under this root, names and constraints
// included, at `at`, or at whatever time; the reason otherwise.
Expected<void> verify_leaf(std::string_view leaf_pem, std::string_view root_pem,
                           std::optional<CertTime> at);

}  // namespace socketmesh::op::pki
