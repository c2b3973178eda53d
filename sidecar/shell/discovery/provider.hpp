// Where the addresses of peers come from: one interface, a provider for each source.
//
// A provider calls back with the whole list whenever it changed, and at least once when it first
// has one, never from inside start(). When its source is away the last list stands: it stays
// silent. One thread; no call after stop() or destruction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/shell/discovery/watch_figures.hpp"

namespace socketmesh::shell {

class Provider {
 public:
  // "host:port", or "[v6]:port"; a host may be a name.
  using Addresses = std::vector<std::string>;
  using Callback = std::function<void(const Addresses&)>;

  Provider() = default;
  virtual ~Provider() = default;
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  virtual void start(Callback callback) = 0;
  virtual void stop() = 0;
  // Of providers that watch; nothing of others.
  [[nodiscard]] virtual std::optional<WatchFigures> watch_figures() const { return std::nullopt; }
};

}  // namespace socketmesh::shell
