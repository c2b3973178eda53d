// The stream into which cpprestsdk writes a response's body: hands each piece to a Responder and
// holds the connection back until that has dealt with it.
//
// cpprestsdk's own buffer takes whatever comes, without bound; and what it writes may come before
// its caller knows the status. Here pieces wait for the head. Write-only: what reads is an error.
#pragma once

#include <cpprest/astreambuf.h>

#include <memory>
#include <mutex>
#include <optional>

#include "operator/kube/exchange.hpp"

namespace socketmesh::op::kube {

class BodyStream final : public concurrency::streams::details::streambuf_state_manager<uint8_t> {
 public:
  explicit BodyStream(std::shared_ptr<Responder> responder)
      : streambuf_state_manager(std::ios_base::out), responder_(std::move(responder)) {}

  // The Responder knows the head; pieces may follow.
  void release_head();

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return pos_type(traits::eof()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return pos_type(traits::eof()); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return pos_type(traits::eof());
  }
  bool acquire(uint8_t*&, size_t&) override { return false; }
  void release(uint8_t*, size_t) override {}

 protected:
  pplx::task<size_t> _putn(const uint8_t* bytes, size_t count) override;
  pplx::task<int_type> _putc(uint8_t) override { return pplx::task_from_result(traits::eof()); }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<size_t> _getn(uint8_t*, size_t) override { return pplx::task_from_result<size_t>(0); }
  size_t _scopy(uint8_t*, size_t) override { return 0; }
  uint8_t* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}

 private:
  struct Piece {
    std::string_view bytes;
    pplx::task_completion_event<size_t> taken;
  };
  void hand_over(const Piece& piece);

  std::shared_ptr<Responder> responder_;
  std::mutex mutex_;
  bool head_known_ = false;
  std::optional<Piece> waiting_;  // for the head
};

// What BodyStream fails with when the Responder wants no more.
struct BodyRefused : std::exception {
  const char* what() const noexcept override { return "the body was refused"; }
};

}  // namespace socketmesh::op::kube
