// An OpenSSL BIO over memory that the owner lends: reads from a span, appends writes to a vector.
//
// OpenSSL's own memory BIO copies what is read into a buffer first; here the bytes go straight from
// the socket's read buffer into the record layer. One thread.
#pragma once

#include <openssl/bio.h>

#include <cstdint>
#include <span>
#include <vector>

namespace socketmesh::shell {

struct WireBuffers {
  std::span<const std::uint8_t> in;  // not read yet
  std::vector<std::uint8_t> out;     // not written yet, after out_begin
  std::size_t out_begin = 0;
};

// `buffers` outlives the BIO. The caller owns the BIO (an SSL takes it over).
BIO* make_wire_bio(WireBuffers* buffers);

}  // namespace socketmesh::shell
