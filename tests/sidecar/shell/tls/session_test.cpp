#include "sidecar/shell/tls/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <numeric>

#include "tests/lib/net/test_certificates.hpp"

namespace socketmesh::shell {
namespace {

using net::TestCertificates;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;
using Phase = Transport::Phase;

constexpr char kMesh[] = ",URI:spiffe://cluster.local/ns/default/mesh/chat";
constexpr char kOtherMesh[] = ",URI:spiffe://cluster.local/ns/default/mesh/other";

std::shared_ptr<const TlsContext> load(const net::TlsFiles& files) {
  auto context = TlsContext::load(files);
  if (!context) ADD_FAILURE() << context.error().message;
  return context ? *context : nullptr;
}

// Two sessions and the wire between them, in memory.
struct Pair {
  Pair(const net::TlsFiles& dialing, const net::TlsFiles& accepting)
      : dialed(load(dialing), TransportRole::kDialed),
        accepted(load(accepting), TransportRole::kAccepted) {
    dialed.start();
    accepted.start();
    run();
  }

  // Carries bytes, in pieces of an awkward size, until both are silent.
  void run() {
    while (carry(dialed, accepted, at_accepted) || carry(accepted, dialed, at_dialed)) {
    }
  }

  static bool carry(TlsSession& from, TlsSession& to, Bytes& received) {
    const auto pending = from.wire_pending();
    if (pending.empty()) return false;
    const Bytes bytes(pending.begin(), pending.end());
    from.wire_written(bytes.size());
    constexpr std::size_t kPiece = 1000;
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
      const auto piece = std::span(bytes).subspan(at, std::min(kPiece, bytes.size() - at));
      to.wire_received(piece, [&](std::span<const std::uint8_t> plain) {
        received.insert(received.end(), plain.begin(), plain.end());
      });
    }
    return true;
  }

  void send(TlsSession& from, const Bytes& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      // Slices as the node shows them: a small head, then a body.
      const auto rest = std::span(bytes).subspan(sent);
      const std::size_t head = std::min<std::size_t>(40, rest.size());
      const std::array<std::span<const std::uint8_t>, 2> slices = {rest.first(head),
                                                                   rest.subspan(head)};
      sent += from.send(slices);
      EXPECT_LE(from.wire_pending().size(), 2 * kWireBufferBytesMax);
      run();
    }
  }

  TlsSession dialed;
  TlsSession accepted;
  Bytes at_dialed;
  Bytes at_accepted;
};

TEST(TlsSession, CarriesBytesBothWays) {
  TestCertificates mesh;
  Pair pair(mesh.make("a"), mesh.make("b"));
  ASSERT_EQ(pair.accepted.phase(), Phase::kOpen);
  Bytes many(3'000'001);
  std::iota(many.begin(), many.end(), std::uint8_t{0});
  pair.send(pair.accepted, many);
  EXPECT_EQ(pair.at_dialed, many);
  pair.send(pair.dialed, many);
  EXPECT_EQ(pair.at_accepted, many);
}

TEST(TlsSession, IsOpenToTheDiallerWithThePeersFirstByte) {
  TestCertificates mesh;
  Pair pair(mesh.make("a"), mesh.make("b"));
  EXPECT_EQ(pair.dialed.phase(), Phase::kHandshake);
  pair.send(pair.accepted, {1});
  EXPECT_EQ(pair.dialed.phase(), Phase::kOpen);
}

TEST(TlsSession, EndsInOrder) {
  TestCertificates mesh;
  Pair pair(mesh.make("a"), mesh.make("b"));
  pair.send(pair.accepted, {1});
  pair.accepted.finish();
  pair.run();
  EXPECT_EQ(pair.dialed.phase(), Phase::kClosed);
}

TEST(TlsSession, RefusesAnotherMeshesCa) {
  TestCertificates mesh;
  TestCertificates stranger;
  Pair pair(mesh.make("a"), stranger.make("b"));
  EXPECT_EQ(pair.dialed.phase(), Phase::kFailed);
  EXPECT_THAT(pair.dialed.error(), HasSubstr("peer certificate refused"));
  EXPECT_EQ(pair.accepted.phase(), Phase::kFailed);
  EXPECT_THAT(pair.accepted.error(), HasSubstr("refused the handshake: unknown ca"));
}

TEST(TlsSession, TellsTheDiallerThatItsCertificateWasRefused) {
  TestCertificates mesh;
  TestCertificates stranger;
  net::TlsFiles dialing = stranger.make("a");
  dialing.ca = stranger.bundle_with(mesh);  // it trusts the mesh, but the mesh not it
  Pair pair(dialing, mesh.make("b"));
  EXPECT_EQ(pair.accepted.phase(), Phase::kFailed);
  EXPECT_THAT(pair.accepted.error(), HasSubstr("peer certificate refused"));
  EXPECT_EQ(pair.dialed.phase(), Phase::kFailed);
  EXPECT_THAT(pair.dialed.error(), HasSubstr("the peer refused the handshake"));
}

TEST(TlsSession, ComparesTheMeshIdentity) {
  TestCertificates mesh;
  const auto chat = mesh.make("a", kMesh);
  {
    Pair same(chat, mesh.make("b", kMesh));
    EXPECT_EQ(same.accepted.phase(), Phase::kOpen);
  }
  {
    Pair other(chat, mesh.make("c", kOtherMesh));
    EXPECT_EQ(other.dialed.phase(), Phase::kFailed);
    EXPECT_THAT(other.dialed.error(), HasSubstr("does not name spiffe://"));
    EXPECT_EQ(other.accepted.phase(), Phase::kFailed);
  }
  {
    Pair without(mesh.make("d"), chat);
    EXPECT_EQ(without.accepted.phase(), Phase::kFailed);
    EXPECT_THAT(without.accepted.error(), HasSubstr("does not name spiffe://"));
  }
}

TEST(TlsSession, NamesAPeerWithoutTls) {
  TestCertificates mesh;
  TlsSession session(load(mesh.make("a")), TransportRole::kDialed);
  session.start();
  const Bytes hello = {32, 0, 0, 0, 1, 'S', 'M', 'S', 'H', 1, 1, 4, 'c', 'h', 'a', 't'};
  session.wire_received(hello, [](auto) { FAIL() << "no plain bytes"; });
  EXPECT_EQ(session.phase(), Phase::kFailed);
  EXPECT_EQ(session.error(), "the peer does not speak TLS");
}

TEST(TlsSession, GoesOnWhileRootsAreReplaced) {
  TestCertificates before;
  TestCertificates after;
  net::TlsFiles old_leaf = before.make("a", kMesh);
  net::TlsFiles new_leaf = after.make("b", kMesh);
  old_leaf.ca = new_leaf.ca = before.bundle_with(after);
  for (const auto& [dialing, accepting] :
       {std::pair{old_leaf, new_leaf}, std::pair{new_leaf, old_leaf}}) {
    Pair pair(dialing, accepting);
    pair.send(pair.accepted, {1});
    EXPECT_EQ(pair.dialed.phase(), Phase::kOpen) << pair.dialed.error();
  }
}

TEST(TlsSession, RefusesACertificateThatHasEnded) {
  TestCertificates mesh;
  const std::time_t now = std::time(nullptr);
  const net::TlsFiles ended = mesh.make_dated("ended", now - 7200, now - 60);
  {
    Pair pair(ended, mesh.make("b"));
    EXPECT_THAT(pair.accepted.error(), HasSubstr("refused: certificate has expired"));
  }
  {
    Pair pair(mesh.make("c"), ended);
    EXPECT_THAT(pair.dialed.error(), HasSubstr("refused: certificate has expired"));
  }
}

TEST(TlsContext, HashesTheBundleAsItIsInTheFile) {
  TestCertificates mesh;
  const net::TlsFiles files = mesh.make("a");
  std::ofstream(files.ca, std::ios::app) << "# a remark\n";
  FILE* program = ::popen(("openssl dgst -sha256 -r " + files.ca).c_str(), "r");
  ASSERT_NE(program, nullptr);
  char digest[65] = {};
  EXPECT_EQ(std::fread(digest, 1, 64, program), 64U);
  ::pclose(program);
  EXPECT_EQ(load(files)->bundle_sha256(), digest);
}

TEST(TlsContext, KnowsIdentityAndEnd) {
  TestCertificates mesh;
  const auto context = load(mesh.make("a", kMesh));
  EXPECT_EQ(context->identity(), "spiffe://cluster.local/ns/default/mesh/chat");
  const auto now = std::time(nullptr);
  EXPECT_GT(context->not_after_s(), now);
  EXPECT_LE(context->not_after_s(), now + 86'400 + 60);
}

}  // namespace
}  // namespace socketmesh::shell
