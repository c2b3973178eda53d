#include "sidecar/core/node/node.hpp"

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

// Sets the time for one input, and frees at its end what was closed during it: nothing is freed
// under the feet of a loop.
template <typename Impl>
class Input {
 public:
  Input(Impl& impl, TimeUs now) : impl_(impl) {
    impl_.now = std::max(impl_.now, now);
    impl_.check_stillness();
  }
  ~Input() {
    for (const ConnId conn : impl_.finished) {
      impl_.apps.erase(conn);
      impl_.links.erase(conn);
    }
    impl_.finished.clear();
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

 private:
  Impl& impl_;
};

}  // namespace

Node::Node(NodeConfig config, TimeUs now) : impl_(std::make_unique<Impl>(std::move(config), now)) {}
Node::~Node() = default;

void Node::set_addresses(std::span<const std::string> addresses, TimeUs now) {
  const Input input(*impl_, now);
  impl_->book.set(addresses, impl_->now);
}

void Node::app_opened(ConnId conn, TimeUs now) {
  const Input input(*impl_, now);
  if (impl_->handshaking_is_full()) {
    impl_->counters.cut(CutReason::kLimit);
    return impl_->close_connection(conn, true);
  }
  impl_->apps.emplace(conn, std::make_unique<AppConn>(conn, impl_->config.limits, impl_->now));
  impl_->wake_by(impl_->now + impl_->config.limits.handshake_timeout);
}

void Node::link_opened(ConnId conn, std::string_view dialed, std::string_view remote, TimeUs now) {
  const Input input(*impl_, now);
  if (dialed.empty() && impl_->handshaking_is_full()) {
    impl_->counters.cut(CutReason::kLimit);
    return impl_->close_connection(conn, true);
  }
  auto link = std::make_unique<LinkConn>(conn, dialed, remote, impl_->now);
  wire::link::Hello hello;
  hello.mesh = impl_->config.mesh;
  hello.sidecar = impl_->config.sidecar_id;
  hello.epoch = impl_->config.epoch;
  hello.channels = impl_->config.channels;
  hello.node = impl_->config.node;
  wire::link::write_hello(link->control, hello);
  if (!dialed.empty()) impl_->book.connected(dialed);
  impl_->links.emplace(conn, std::move(link));
  impl_->wake_by(impl_->now + impl_->config.limits.handshake_timeout);
  impl_->mark_dirty(conn);
}

void Node::dial_failed(std::string_view address, std::string_view reason, TimeUs now) {
  const Input input(*impl_, now);
  ++impl_->counters.dials_failed;
  impl_->book.failed(address, reason, impl_->now);
}

void Node::received(ConnId conn, std::span<const std::uint8_t> bytes, TimeUs now) {
  const Input input(*impl_, now);
  if (const auto found = impl_->apps.find(conn); found != impl_->apps.end()) {
    AppConn& app = *found->second;
    if (app.closing) return;
    const wire::InputError error = app.input.feed(bytes, [&](wire::Bytes frames) {
      impl_->app_frames(app, frames);
      return !app.closing;
    });
    if (error != wire::InputError::kNone) {
      const bool oversized = error == wire::InputError::kOversized;
      impl_->refuse(
          app, oversized ? wire::app::Refusal::kLimit : wire::app::Refusal::kProtocol,
          oversized ? CutReason::kOversizedFrame : CutReason::kBadFrame,
          oversized ? "a frame over the limit of " + std::to_string(wire::kMaxFrameBytes) + " bytes"
                    : "an empty frame");
    }
    impl_->flush_interest();
    if (impl_->recovery) impl_->recovery->flush();
    return;
  }
  const auto found = impl_->links.find(conn);
  if (found == impl_->links.end() || found->second->closing) return;
  LinkConn& link = *found->second;
  link.last_received = impl_->now;
  impl_->counters.link_bytes_in += bytes.size();
  if (link.slot != nullptr) link.slot->bytes_in += bytes.size();
  const wire::InputError error = link.input.feed(bytes, [&](wire::Bytes frames) {
    impl_->link_frames(link, frames);
    return !link.closing;
  });
  if (impl_->recovery) impl_->recovery->flush();
  if (error == wire::InputError::kNone) return;
  const bool oversized = error == wire::InputError::kOversized;
  impl_->cut_link(link, oversized ? CutReason::kOversizedFrame : CutReason::kBadFrame,
                  oversized ? "a frame over the limit" : "an empty frame");
}

void Node::closed(ConnId conn, TimeUs now) {
  const Input input(*impl_, now);
  impl_->finished.push_back(conn);
  if (const auto app = impl_->apps.find(conn); app != impl_->apps.end()) {
    impl_->detach(*app->second, wire::app::DownReason::kDied);
    app->second->closing = true;
    if (impl_->recovery) impl_->recovery->flush();
  } else if (const auto link = impl_->links.find(conn); link != impl_->links.end()) {
    if (link->second->state != LinkConn::State::kLinked && !link->second->closing &&
        !link->second->dialed.empty()) {
      ++impl_->counters.dials_failed;
    }
    const LinkConn& lost = *link->second;
    Slot* slot = lost.slot;
    const bool linked = lost.state == LinkConn::State::kLinked && !lost.closing;
    const bool young = linked && (slot == nullptr || impl_->is_young(*slot));
    if (linked && !impl_->leaving) {
      impl_->log(young ? Action::Level::kDebug : Action::Level::kWarn, "link lost",
                 "peer=\"" + lost.peer + "\"");
    }
    impl_->drop_link(*link->second);
    if (young && slot != nullptr) slot->replaced = true;
    if (impl_->recovery) impl_->recovery->flush();
  }
}

std::size_t Node::gather(ConnId conn, std::span<std::span<const std::uint8_t>> out) {
  if (out.size() < 2) return 0;
  std::size_t shown = 0;
  bool closing = false;
  if (const auto app = impl_->apps.find(conn); app != impl_->apps.end()) {
    shown = app->second->queue.gather(out);
    closing = app->second->closing;
  } else if (const auto link = impl_->links.find(conn); link != impl_->links.end()) {
    shown = impl_->gather_link(*link->second, out);
    closing = link->second->closing;
  }
  if (shown == 0 && closing) {
    impl_->apps.erase(conn);
    impl_->links.erase(conn);
  }
  return shown;
}

void Node::written(ConnId conn, std::size_t bytes, TimeUs now) {
  const Input input(*impl_, now);
  if (const auto app = impl_->apps.find(conn); app != impl_->apps.end()) {
    app->second->queue.written(bytes);
    HomeRecord* home = app->second->home;
    if (home != nullptr && !home->handing.empty()) impl_->recovery->hand_replays(*home);
  } else if (const auto link = impl_->links.find(conn); link != impl_->links.end()) {
    impl_->written_link(*link->second, bytes);
  }
}

std::vector<ConnId> Node::take_dirty() {
  impl_->dirty_marks.clear();
  return std::exchange(impl_->dirty, {});
}

std::vector<Action> Node::take_actions() {
  return std::exchange(impl_->actions, {});
}

void Node::tick(TimeUs now) {
  const Input input(*impl_, now);
  impl_->tick();
}

TimeUs Node::next_deadline() const {
  return impl_->next_deadline();
}

void Node::leave(TimeUs now) {
  const Input input(*impl_, now);
  impl_->leaving = true;
  if (impl_->recovery) impl_->recovery->leave();
  for (const auto& [conn, link] : impl_->links) impl_->mark_dirty(conn);
}

bool Node::drained() const {
  if (impl_->recovery && impl_->recovery->handing_over()) return false;
  for (const auto& [conn, link] : impl_->links) {
    if (link->state == LinkConn::State::kLinked && !link->closing &&
        (!link->goodbye_sent || !link->control.empty())) {
      return false;
    }
  }
  return true;
}

const Counters& Node::counters() const {
  return impl_->counters;
}

Status Node::status(TimeUs now) const {
  impl_->now = std::max(impl_->now, now);
  return impl_->status();
}

}  // namespace socketmesh::node
