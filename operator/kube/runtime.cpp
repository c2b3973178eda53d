#include <utility>  // before Asio 1.74, which forgets it

#include "operator/kube/runtime.hpp"
//
#include <malloc.h>
#include <pplx/threadpool.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "lib/base/assert.hpp"
#include "operator/kube/pool.hpp"

namespace socketmesh::op::kube {
namespace {

constexpr int kArenas = 2;
// Bodies of lists go back to the system when freed. Setting it also stops glibc from raising it.
constexpr int kMmapThresholdBytes = 128 * 1024;

std::once_flag once;
std::atomic<bool> initialised = false;

void init() {
  mallopt(M_ARENA_MAX, kArenas);
  mallopt(M_MMAP_THRESHOLD, kMmapThresholdBytes);
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  setenv("SSL_CERT_DIR", "/dev/null", 1);
  crossplat::threadpool::initialize_with_threads(kPoolThreads);
  initialised = true;
}

}  // namespace

void init_runtime() {
  std::call_once(once, init);
}

boost::asio::io_context& pool() {
  SM_ASSERT(initialised);
  return crossplat::threadpool::shared_instance().service();
}

bool on_pool_thread() {
  return pool().get_executor().running_in_this_thread();
}

}  // namespace socketmesh::op::kube
