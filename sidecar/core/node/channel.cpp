// The channels of other parts of the sidecar: their payloads in the streams, and what they are told
// of peers.
#include "sidecar/core/node/impl.hpp"
#include "sidecar/core/wire/channel_frames.hpp"

namespace socketmesh::node {

void Node::Impl::channel_event(const Slot& slot, ChannelEvent::Kind kind) {
  if (!slot.channel_open) return;
  ChannelEvent& event = channel_events.list.emplace_back();
  event.kind = kind;
  event.peer = slot.endpoint;
  if (kind != ChannelEvent::Kind::kStarted) return;
  event.channels = slot.channels;
  event.id = slot.id;
}

void Node::Impl::channel_started(Slot& slot) {
  // A later life may speak none any more.
  if (slot.channels == 0) return channel_gone(slot);
  slot.channel_open = true;
  channel_event(slot, ChannelEvent::Kind::kStarted);
}

void Node::Impl::channel_gone(Slot& slot) {
  channel_event(slot, ChannelEvent::Kind::kGone);
  slot.channel_open = false;
}

bool Node::Impl::channel_frame(const Slot& slot, wire::Bytes payload) {
  const auto said = wire::link::decode_channel(payload);
  if (!said) return false;
  const bool spoken = said->channel < 32 && ((config.channels >> said->channel) & 1U) != 0;
  if (!spoken || !slot.channel_open) return true;
  ChannelEvent& event = channel_events.list.emplace_back();
  event.channel = static_cast<Channel>(said->channel);
  event.peer = slot.endpoint;
  event.at = channel_events.bytes.size();
  event.size = said->payload.size();
  channel_events.bytes.insert(channel_events.bytes.end(), said->payload.begin(),
                              said->payload.end());
  return true;
}

Slot* Node::Impl::channel_slot(PeerKey peer) const {
  Slot* slot = peer < endpoints.size() ? endpoints[peer].slot : nullptr;
  return slot != nullptr && slot->channel_open ? slot : nullptr;
}

void Node::Impl::channel_send(Channel channel, PeerKey peer, wire::Bytes head, wire::Bytes body) {
  Slot* slot = channel_slot(peer);
  if (slot == nullptr || slot->window_broken) return;
  if ((slot->channels & channel_bit(channel)) == 0) return;
  scratch.clear();
  wire::link::write_channel(scratch, static_cast<std::uint8_t>(channel), head, body);
  slot->window.append_control(scratch, 1);
  enforce_window(*slot);
  mark_dirty(slot->conn);
}

void Node::channel_send(Channel channel, PeerKey peer, wire::Bytes head, wire::Bytes body) {
  impl_->channel_send(channel, peer, head, body);
}

std::size_t Node::channel_backlog(PeerKey peer) const {
  const Slot* slot = impl_->channel_slot(peer);
  if (slot == nullptr || !slot->linked || slot->window_broken) return SIZE_MAX;
  return slot->window.backlog_bytes();
}

void Node::take_channel_events(ChannelEvents& out) {
  out.clear();
  std::swap(out, impl_->channel_events);
}

bool Node::addresses_known() const {
  return impl_->book.known();
}

bool Node::settled() const {
  if (!impl_->book.known()) return false;
  for (const auto& [address, entry] : impl_->book.entries()) {
    if (!entry.listed || entry.state == mesh::AddressBook::State::kSelf) continue;
    const Slot* slot = entry.peer.empty() ? nullptr : impl_->find_slot(entry.peer);
    if (slot == nullptr || !slot->linked) return false;
  }
  return true;
}

}  // namespace socketmesh::node
