#include "sidecar/shell/tls/wire_bio.hpp"

#include <algorithm>
#include <cstring>

#include "lib/base/assert.hpp"

namespace socketmesh::shell {
namespace {

WireBuffers& buffers_of(BIO* bio) {
  return *static_cast<WireBuffers*>(BIO_get_data(bio));
}

int write_wire(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  auto& out = buffers_of(bio).out;
  out.insert(out.end(), data, data + size);
  BIO_clear_retry_flags(bio);
  *written = size;
  return 1;
}

int read_wire(BIO* bio, char* data, std::size_t size, std::size_t* read) {
  auto& in = buffers_of(bio).in;
  BIO_clear_retry_flags(bio);
  *read = std::min(size, in.size());
  if (*read == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(data, in.data(), *read);
  in = in.subspan(*read);
  return 1;
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socketmesh wire");
    SM_ASSERT(made != nullptr);
    BIO_meth_set_write_ex(made, write_wire);
    BIO_meth_set_read_ex(made, read_wire);
    BIO_meth_set_ctrl(made, control);
    BIO_meth_set_create(made, create);
    return made;
  }();
  return method;
}

}  // namespace

BIO* make_wire_bio(WireBuffers* buffers) {
  BIO* bio = BIO_new(wire_method());
  SM_ASSERT(bio != nullptr);
  BIO_set_data(bio, buffers);
  return bio;
}

}  // namespace socketmesh::shell
