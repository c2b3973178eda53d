#include "sidecar/shell/connection.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/assert.hpp"

namespace socketmesh::shell {
namespace {

using boost::system::error_code;

// How long an ending connection may take to write its rest, and its peer to read it.
constexpr std::chrono::milliseconds kFinishTimeout{1000};
// How long the last words of a peer that hears nothing any more may take.
constexpr std::chrono::milliseconds kLastWordsTimeout{1000};

}  // namespace

Connection::Connection(boost::asio::io_context& io, Socket socket,
                       std::unique_ptr<Transport> transport, Host& host, Options options)
    : socket_(std::move(socket)),
      writable_(io),
      deadline_(io),
      transport_(std::move(transport)),
      host_(&host),
      options_(std::move(options)) {}

void Connection::start() {
  if (transport_ == nullptr) {
    open();
  } else {
    start_deadline(options_.handshake_timeout);
    transport_->start();
    if (write_wire() == Written::kLost) return;
  }
  read_more();
}

void Connection::open() {
  deadline_.cancel();
  state_ = State::kOpen;
  was_open_ = true;
  host_->connection_open(*this);
}

void Connection::resume() {
  paused_ = false;
  if (!reading_ && state_ != State::kClosed) read_more();
}

void Connection::read_more() {
  if (paused_) return;
  reading_ = true;
  socket_.async_read_some(boost::asio::buffer(buffer_),
                          [self = shared_from_this()](const error_code& error, std::size_t size) {
                            self->on_read(error, size);
                          });
}

void Connection::on_read(const error_code& error, std::size_t size) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (error) {
    if (state_ == State::kFinishing || state_ == State::kLingering) {
      abort();
    } else {
      if (unwritable_.empty())
        unwritable_ = error == boost::asio::error::eof ? "the peer closed it" : error.message();
      lose(std::exchange(unwritable_, {}));
    }
    return;
  }
  consume({buffer_.data(), size});
  if (size == buffer_.size()) drain_socket();
  if (state_ == State::kClosed) return;
  host_->connection_was_read();
  if (state_ != State::kClosed) read_more();
}

// A short read means that the socket is empty: no call is spent on hearing EAGAIN. The end of the
// stream and errors are left to the next asynchronous read.
void Connection::drain_socket() {
  const std::span<std::uint8_t> scratch = host_->scratch();
  std::size_t total = kReadBytes;
  while (state_ != State::kClosed && !paused_ && total < kReadTurnBytesMax) {
    const ssize_t size =
        ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    consume(scratch.first(static_cast<std::size_t>(size)));
    if (static_cast<std::size_t>(size) < scratch.size()) return;
    total += static_cast<std::size_t>(size);
  }
}

void Connection::consume(std::span<const std::uint8_t> bytes) {
  if (transport_ != nullptr) {
    consume_wire(bytes);
  } else if (state_ == State::kOpen) {
    host_->connection_bytes(*this, bytes);
  }
}

void Connection::consume_wire(std::span<const std::uint8_t> bytes) {
  transport_->wire_received(bytes, [this](std::span<const std::uint8_t> plain) {
    if (state_ == State::kHandshake) open();
    if (state_ == State::kOpen) host_->connection_bytes(*this, plain);
  });
  // Handshake messages, and the alert that tells the peer what is wrong.
  if (write_wire() == Written::kLost) return;
  switch (transport_->phase()) {
    case Transport::Phase::kFailed:
      lose(std::string(transport_->error()));
      break;
    case Transport::Phase::kClosed:
      lose("the peer closed it");
      break;
    case Transport::Phase::kOpen:
      if (state_ == State::kHandshake) open();
      break;
    case Transport::Phase::kHandshake:
      break;
  }
}

void Connection::flush() {
  if (waiting_writable_ || !unwritable_.empty()) return;
  if (state_ != State::kOpen && state_ != State::kFinishing) return;
  const Written result = transport_ == nullptr ? write_slices() : write_sealed();
  if (result == Written::kAll && state_ == State::kFinishing) finished_writing();
}

Connection::Written Connection::write_slices() {
  std::size_t turn = 0;
  while (turn < kWriteTurnBytesMax) {
    const std::size_t count = host_->connection_gather(*this, slices_);
    if (count == 0) return Written::kAll;
    std::size_t size = 0;
    const Written result = write_vector(Slices(slices_).first(count), size);
    if (size > 0) host_->connection_written(*this, size);
    if (result != Written::kAll) return result;
    turn += size;
  }
  host_->connection_wants_turn(*this);
  return Written::kBlocked;
}

Connection::Written Connection::write_sealed() {
  std::size_t turn = 0;
  while (turn < kWriteTurnBytesMax) {
    const std::size_t count = host_->connection_gather(*this, slices_);
    if (count > 0) {
      const std::size_t taken = transport_->send(Slices(slices_).first(count));
      if (taken > 0) host_->connection_written(*this, taken);
      turn += taken;
    }
    const Written result = write_wire();
    if (result != Written::kAll || count == 0) return result;
    if (transport_->phase() == Transport::Phase::kFailed) {
      lose(std::string(transport_->error()));
      return Written::kLost;
    }
  }
  host_->connection_wants_turn(*this);
  return Written::kBlocked;
}

Connection::Written Connection::write_wire() {
  if (waiting_writable_ || !unwritable_.empty()) return Written::kBlocked;
  while (true) {
    std::span<const std::uint8_t> pending = transport_->wire_pending();
    if (pending.empty()) return Written::kAll;
    std::size_t size = 0;
    const Written result = write_vector(Slices(&pending, 1), size);
    transport_->wire_written(size);
    if (result != Written::kAll) return result;
  }
}

Connection::Written Connection::write_vector(Slices slices, std::size_t& written) {
  std::array<iovec, kSlicesMax> vector;
  std::size_t offered = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    // sendmsg only reads; iovec has no const form.
    vector[i] = {const_cast<std::uint8_t*>(slices[i].data()), slices[i].size()};
    offered += slices[i].size();
  }
  msghdr message{};
  message.msg_iov = vector.data();
  message.msg_iovlen = slices.size();
  ssize_t size = 0;
  do {
    size = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
    return stop_writing(std::strerror(errno));
  written = size < 0 ? 0 : static_cast<std::size_t>(size);
  if (written == offered) return Written::kAll;
  return wait_writable();
}

// A process that was killed hears nothing any more, and what it said before may still lie here:
// that is read before the connection is lost.
Connection::Written Connection::stop_writing(std::string why) {
  if (state_ != State::kOpen) {
    lose(why);
    return Written::kLost;
  }
  unwritable_ = std::move(why);
  start_deadline(kLastWordsTimeout);
  return Written::kBlocked;
}

// Asio never takes EPOLLOUT back from a descriptor that has waited for it once, and a Unix socket
// then wakes us for every message that its reader takes, for as long as it lives. So a duplicate
// does the waiting, and goes.
Connection::Written Connection::wait_writable() {
  const int duplicate = ::fcntl(socket_.native_handle(), F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    lose(std::strerror(errno));
    return Written::kLost;
  }
  writable_.assign(duplicate);
  waiting_writable_ = true;
  writable_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](const error_code& error) {
                         if (!error) self->became_writable();
                       });
  return Written::kBlocked;
}

void Connection::became_writable() {
  waiting_writable_ = false;
  error_code ignored;
  writable_.close(ignored);
  if (state_ == State::kClosed) return;
  if (state_ == State::kHandshake) {
    write_wire();
    return;
  }
  flush();
  if (state_ != State::kClosed) host_->connection_stirred();
}

void Connection::finish() {
  if (state_ == State::kHandshake) {
    abort();
  } else if (state_ == State::kOpen) {
    state_ = State::kFinishing;
    start_deadline(kFinishTimeout);
    if (!unwritable_.empty()) return abort();
    flush();
  }
}

void Connection::finished_writing() {
  if (transport_ != nullptr) {
    transport_->finish();
    if (write_wire() != Written::kAll) return;  // flush() comes here again
  }
  // Only the sending half: closing with unread bytes would make the kernel throw away what the peer
  // has not read yet, such as the reason for a refusal.
  state_ = State::kLingering;
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Connection::lose(const std::string& why) {
  if (state_ == State::kClosed) return;
  const bool wanted = state_ == State::kFinishing || state_ == State::kLingering;
  close();
  if (wanted) {
    host_->connection_finished(*this);
  } else {
    host_->connection_lost(*this, why);
  }
}

void Connection::abort() {
  if (state_ == State::kClosed) return;
  close();
  host_->connection_finished(*this);
}

void Connection::close() {
  state_ = State::kClosed;
  deadline_.cancel();
  error_code ignored;
  writable_.close(ignored);
  socket_.close(ignored);
}

void Connection::start_deadline(std::chrono::microseconds delay) {
  deadline_.expires_after(delay);
  deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
    if (error) return;
    if (const auto self = weak.lock()) self->on_deadline();
  });
}

void Connection::on_deadline() {
  if (state_ == State::kHandshake) {
    lose("the TLS handshake took too long");
  } else if (state_ == State::kOpen && !unwritable_.empty()) {
    lose(std::exchange(unwritable_, {}));
  } else if (state_ == State::kFinishing || state_ == State::kLingering) {
    abort();
  }
}

}  // namespace socketmesh::shell
