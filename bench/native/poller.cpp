#include "bench/native/poller.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <utility>
#include <variant>

#include "lib/base/endpoint.hpp"

namespace socketmesh::bench {
namespace {

constexpr int kEventsAtOnce = 256;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

Fd connect_unix(const UnixEndpoint& endpoint) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open()) fail("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);
  if (::connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect " + endpoint.to_string());
  return fd;
}

Fd connect_tcp(const TcpEndpoint& endpoint) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open()) fail("socket");
  const int on = 1;
  ::setsockopt(fd.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) != 1)
    throw std::runtime_error(endpoint.to_string() + ": not an IPv4 address");
  if (::connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    fail("connect " + endpoint.to_string());
  return fd;
}

}  // namespace

Fd::~Fd() {
  if (open()) ::close(number_);
}

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

std::int64_t now_us() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return duration_cast<microseconds>(time).count();
}

Fd connect_to(const std::string& address) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) throw std::runtime_error(endpoint.error());
  if (const auto* path = std::get_if<UnixEndpoint>(&*endpoint)) return connect_unix(*path);
  return connect_tcp(std::get<TcpEndpoint>(*endpoint));
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
  return limit.rlim_cur;
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.open()) fail("epoll_create1");
}

void Poller::control(int operation, int fd, std::size_t key, bool writable) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = key;
  if (::epoll_ctl(epoll_.number(), operation, fd, &event) != 0) fail("epoll_ctl");
}

void Poller::add(const Fd& fd, std::size_t key, bool writable) {
  control(EPOLL_CTL_ADD, fd.number(), key, writable);
}

void Poller::add(int fd, std::size_t key) {
  control(EPOLL_CTL_ADD, fd, key, false);
}

void Poller::want(const Fd& fd, std::size_t key, bool writable) {
  control(EPOLL_CTL_MOD, fd.number(), key, writable);
}

void Poller::wait(int timeout_ms, const std::function<void(const Event&)>& on_event) {
  std::array<epoll_event, kEventsAtOnce> ready;
  const int count = ::epoll_wait(epoll_.number(), ready.data(), kEventsAtOnce, timeout_ms);
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready.at(static_cast<std::size_t>(i));
    on_event({static_cast<std::size_t>(event.data.u64),
              (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0,
              (event.events & EPOLLOUT) != 0});
  }
}

std::size_t read_some(const Fd& fd, std::uint8_t* to, std::size_t size) {
  const ssize_t got = ::recv(fd.number(), to, size, 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) throw std::runtime_error("the other end closed the connection");
  if (errno != EAGAIN && errno != EINTR) fail("recv");
  return 0;
}

std::size_t write_some(const Fd& fd, const std::uint8_t* from, std::size_t size) {
  const ssize_t put = ::send(fd.number(), from, size, MSG_NOSIGNAL);
  if (put >= 0) return static_cast<std::size_t>(put);
  if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) fail("send");
  return 0;
}

std::string read_line() {
  std::string line;
  std::getline(std::cin, line);
  return line;
}

}  // namespace socketmesh::bench
