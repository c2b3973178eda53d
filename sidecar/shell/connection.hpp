// One socket, of a member or of a peer: moves bytes between the kernel and the node.
//
// Reading: one buffer of its own, so that a wake-up costs one recv; when it comes full, the rest is
// read at once into a scratch buffer that all connections share. Writing: what the node shows is
// gathered into one sendmsg, without a copy; only when the kernel takes less does it wait for room.
// So batches form by themselves from what is in flight.
//
// Lifetime: shared between its host and its pending operations; after close() no call to the host
// follows. One thread. Errors are told to the host once, as text.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sidecar/core/node/node.hpp"
#include "sidecar/shell/transport.hpp"

namespace socketmesh::shell {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Slices = std::span<std::span<const std::uint8_t>>;

  enum class Kind : std::uint8_t { kApp, kLink };

  // What a connection knows of its owner, which outlives it or closes it first.
  class Host {
   public:
    virtual ~Host() = default;
    // Bytes can flow: at once for plain connections, after the handshake else.
    virtual void connection_open(Connection& connection) = 0;
    virtual void connection_bytes(Connection& connection, std::span<const std::uint8_t> bytes) = 0;
    // It is closed, not by the host's wish.
    virtual void connection_lost(Connection& connection, const std::string& why) = 0;
    // It is closed, as finish() or abort() asked.
    virtual void connection_finished(Connection& connection) = 0;
    virtual std::size_t connection_gather(Connection& connection, Slices out) = 0;
    virtual void connection_written(Connection& connection, std::size_t bytes) = 0;
    // It used up its turn, and wants flush() again.
    virtual void connection_wants_turn(Connection& connection) = 0;
    // Something happened outside a flush: one should follow.
    virtual void connection_stirred() = 0;
    // The same, when all that one read brought was handed over: the host may flush right here.
    virtual void connection_was_read() { connection_stirred(); }
    // A buffer of kScratchBytes, free for use until the call stack returns to the event loop.
    virtual std::span<std::uint8_t> scratch() = 0;
  };

  struct Options {
    node::ConnId id = 0;
    Kind kind = Kind::kApp;
    std::string dialed;  // the address as discovery named it; empty when accepted
    std::string remote;  // for people
    std::chrono::microseconds handshake_timeout{};
  };

  // `transport` is null for plain connections.
  Connection(boost::asio::io_context& io, Socket socket, std::unique_ptr<Transport> transport,
             Host& host, Options options);

  void start();
  // Writes what the node has, until nothing is left, the kernel is full, or the turn is used up.
  void flush();
  // Writes what the node still has, then ends the stream in order.
  void finish();
  // Reads nothing until resume(). What was read already, the host still gets.
  void pause() { paused_ = true; }
  void resume();
  // Closes now; tells the host.
  void abort();
  // Closes now and forgets the host.
  void close();

  [[nodiscard]] node::ConnId id() const { return options_.id; }
  [[nodiscard]] const Options& options() const { return options_; }
  // Whether the host heard connection_open().
  [[nodiscard]] bool was_open() const { return was_open_; }

  static constexpr std::size_t kScratchBytes = 256U << 10U;
  // A connection hands over at most so many bytes before others get their turn.
  static constexpr std::size_t kReadTurnBytesMax = 512U << 10U;
  static constexpr std::size_t kWriteTurnBytesMax = 1U << 20U;

 private:
  enum class State : std::uint8_t {
    kHandshake,
    kOpen,
    kFinishing,  // writes the rest
    kLingering,  // wrote everything, waits for the peer to read it
    kClosed,
  };
  enum class Written : std::uint8_t { kAll, kBlocked, kLost };

  static constexpr std::size_t kReadBytes = 16U << 10U;
  static constexpr std::size_t kSlicesMax = 64;

  void read_more();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void drain_socket();
  void consume(std::span<const std::uint8_t> bytes);
  void consume_wire(std::span<const std::uint8_t> bytes);
  void open();
  void lose(const std::string& why);
  void finished_writing();
  void start_deadline(std::chrono::microseconds delay);
  void on_deadline();

  Written write_slices();
  Written write_sealed();
  Written write_wire();
  Written write_vector(Slices slices, std::size_t& written);
  Written stop_writing(std::string why);
  Written wait_writable();
  void became_writable();

  Socket socket_;
  boost::asio::posix::stream_descriptor writable_;  // a duplicate of the socket, while it is full
  boost::asio::steady_timer deadline_;
  std::unique_ptr<Transport> transport_;
  Host* host_;
  Options options_;
  State state_ = State::kHandshake;
  bool was_open_ = false;
  bool paused_ = false;
  bool reading_ = false;
  bool waiting_writable_ = false;
  std::string
      unwritable_;  // why nothing can be written any more; what was sent to us is read first
  std::array<std::span<const std::uint8_t>, kSlicesMax> slices_;
  std::array<std::uint8_t, kReadBytes> buffer_;
};

}  // namespace socketmesh::shell
