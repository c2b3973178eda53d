// Every bound of drop-in in one place, with its unit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sidecar/core/node/limits.hpp"

namespace socketmesh::dropin {

using node::kMillisecondUs;
using node::kNever;
using node::kSecondUs;
using node::TimeUs;

// Servers that may register at one sidecar.
inline constexpr std::size_t kServersMax = 64;
// Connections to the discovery port.
inline constexpr std::size_t kDiscoveryConnectionsMax = 256;
// Connections to the tunnel port: those of tunnels, and as many that begin or end.
inline constexpr std::size_t kTunnelConnectionsMax = 2048;
// Tunnels of one sidecar, and of them those with one peer, whoever opened them.
inline constexpr std::size_t kTunnelsMax = 1024;
inline constexpr std::size_t kTunnelsPerPeerMax = 64;
// Bytes of one message in a tunnel: 16 MiB and its head.
inline constexpr std::size_t kMessageBytesMax = (16U << 20U) + 1024;
// Bytes that one side of a tunnel may have sent without the other's word that they went on to its
// app. With kTunnelsPerPeerMax: 16 MiB on the way to a peer, half of what its link allows.
inline constexpr std::size_t kTunnelWindowBytes = 256U << 10U;
// Bytes of one fragment on a link, and what each counts for on top (its head, and that of a frame).
inline constexpr std::size_t kFragmentBytesMax = 32U << 10U;
inline constexpr std::size_t kFragmentCost = 16;
// Unwritten bytes of a link above which tunnels wait: what is sent by the mesh itself finds no more
// than this of theirs before it.
inline constexpr std::size_t kLinkBacklogBytesMax = 256U << 10U;
// Bytes waiting for a client of the discovery port that does not read.
inline constexpr std::size_t kDiscoveryBacklogBytesMax = 4U << 20U;
// Pongs and the like that may wait for an app above a tunnel's own bytes.
inline constexpr std::size_t kControlBacklogBytesMax = 64U << 10U;

inline constexpr TimeUs kPingInterval = 15 * kSecondUs;
// For the HTTP head that begins a WebSocket.
inline constexpr TimeUs kUpgradeTimeout = 3 * kSecondUs;
// From a connection to the tunnel port to the far app's yes.
inline constexpr TimeUs kOpenTimeout = 6 * kSecondUs;
// For an app to read what is left when its connection ends.
inline constexpr TimeUs kDrainTimeout = 30 * kSecondUs;
// Apps wait for their first roster until every peer that discovery lists has told its servers; at
// most so long from the start, or from discovery's first answer (then Options::peer_timeout).
inline constexpr TimeUs kFirstRosterTimeout = 10 * kSecondUs;
// Between looks at whether a process that can't be heard of still accepts connections, in another
// pod and in this one; and while its connection was lost only just now.
inline constexpr TimeUs kProbeInterval = 1 * kSecondUs;
inline constexpr TimeUs kOwnProbeInterval = 500 * kMillisecondUs;
inline constexpr TimeUs kProbeSoon = 100 * kMillisecondUs;
inline constexpr int kProbesSoon = 10;
// Looks in a row that must fail, where the network lies between.
inline constexpr int kRemoteProbeFailures = 3;
// Servers looked at in this way.
inline constexpr std::size_t kProbesMax = 1024;
// For a v2 app that lost its connection to discovery, and whose port accepts connections, to
// register again.
inline constexpr TimeUs kReturnTimeout = 15 * kSecondUs;

}  // namespace socketmesh::dropin
