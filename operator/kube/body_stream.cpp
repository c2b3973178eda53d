#include "operator/kube/body_stream.hpp"

#include <limits>
#include <utility>

namespace socketmesh::op::kube {

void BodyStream::release_head() {
  std::optional<Piece> piece;
  {
    const std::lock_guard lock(mutex_);
    head_known_ = true;
    piece.swap(waiting_);
  }
  if (piece) hand_over(*piece);
}

pplx::task<size_t> BodyStream::_putn(const uint8_t* bytes, size_t count) {
  // cpprestsdk reads a chunk size of "-1" as such and would have us read that far.
  if (count > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return pplx::task_from_exception<size_t>(BodyRefused());
  }
  Piece piece{{reinterpret_cast<const char*>(bytes), count}, {}};
  pplx::task<size_t> taken(piece.taken);
  {
    const std::lock_guard lock(mutex_);
    if (!head_known_) {
      waiting_ = std::move(piece);
      return taken;
    }
  }
  hand_over(piece);
  return taken;
}

void BodyStream::hand_over(const Piece& piece) {
  responder_->received(piece.bytes, [taken = piece.taken, count = piece.bytes.size()](bool go_on) {
    if (go_on) {
      taken.set(count);
    } else {
      taken.set_exception(BodyRefused());
    }
  });
}

}  // namespace socketmesh::op::kube
