#include "lib/digest/sha256.hpp"

#include <openssl/evp.h>

#include <array>

#include "lib/base/assert.hpp"
#include "lib/base/hex.hpp"

namespace socketmesh {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, kSha256HexChars / 2> digest{};
  const int hashed =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  SM_ASSERT(hashed == 1);
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace socketmesh
