#include "operator/kube/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace socketmesh::op::kube {

Expected<std::string> decode_base64(std::string_view text) {
  std::string packed;
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed),
               [](char c) { return c != '\n' && c != '\r'; });
  constexpr std::size_t kGroup = 4;  // four characters are three bytes
  const auto padding = static_cast<std::size_t>(
      std::find_if(packed.rbegin(), packed.rend(), [](char c) { return c != '='; }) -
      packed.rbegin());
  // OpenSSL takes padding anywhere.
  const bool inner = packed.find('=') < packed.size() - padding;
  if (packed.size() % kGroup != 0 || padding > 2 || inner) return Unexpected{"no base64"};
  std::string bytes(packed.size() / kGroup * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(packed.data()),
                                   static_cast<int>(packed.size()));
  if (size < 0) return Unexpected{"no base64"};
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

}  // namespace socketmesh::op::kube
