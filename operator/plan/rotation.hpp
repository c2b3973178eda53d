// When a mesh's certificates change: facts about its two Secrets and time in, one step out.
//
// A mesh has a root (Secret <mesh>-mesh-ca, never mounted) and one leaf (Secret <mesh>-mesh-tls,
// mounted, with the bundle of trusted roots). The CA Secret says which phase a rotation is in:
//   stable      {current}            bundle: current
//   distribute  {current, next}      bundle: both, the older first; leaves still by current
//   sign        {current, previous}  the same bundle, byte for byte; leaves by the new current
//   clean up    {current}            bundle: current
// A phase advances only when every sidecar reports what the phase wants: the bundle's hash, then
// the leaf. So the old and the new are never strangers. What holds a phase up for ever is a sidecar
// that is dead or cut off: at the phase's deadline the leaf that it had when the phase began has
// expired, nobody would accept it anyway, and the phase goes on without it.
//
// A lost or damaged Secret heals, and keeps trust where the leaf in use still gives it: the root
// that signed it stays trusted (without its key, when that is lost) until a new one is known.
//
// Pure: one call, one step. The caller carries it out (operator/pki/certificates.hpp), writes the
// Secret and calls again, until the step is kNone; then at `wake_at`, or when a report changed.
// Safe to repeat: a step that was carried out is not asked for again.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace socketmesh::op::plan {

using CertTime = std::chrono::sys_seconds;  // since 1970, as certificates have it
using std::chrono::seconds;

// notBefore lies this far before the time of issue, for clocks that are behind.
inline constexpr seconds kBackdate = std::chrono::minutes(5);
// A root lives a year, or four leaves if those are longer, and is replaced at half of its life: the
// half that is left is the time in which a held-up rotation can be repaired, and a rotation that
// happens twice a year is one that works. Ten years would be the outage nobody remembers.
inline constexpr seconds kRootValidity = std::chrono::hours(24 * 365);
inline constexpr seconds kLeafValidityMin = std::chrono::minutes(10);
// A change of a Secret takes up to 79 s to reach a pod (measured); leaves do not change faster.
inline constexpr seconds kRotateAfterMin = std::chrono::minutes(2);
// What a phase that goes on without a report leaves for its Secret to reach the pods.
inline constexpr seconds kSpread = std::chrono::seconds(100);
// What is kept of a rotate-leaf or rotate-root token, in bytes.
inline constexpr std::size_t kTokenBytesMax = 256;
// Sidecars named in a message; the rest is a number.
inline constexpr std::size_t kNamedSidecarsMax = 3;

struct RotationSettings {
  seconds leaf_validity = std::chrono::hours(24);
  seconds rotate_after = std::chrono::hours(12);
  // A pod that mounted the Secret just before a change may not be listed yet: no phase is shorter.
  seconds dwell = seconds(30);
};

struct RootFacts {
  std::string fingerprint;  // SHA-256 of the certificate, hexadecimal
  CertTime not_before{};
  CertTime not_after{};
  bool has_key = false;  // the Secret holds the key that matches
};

// A certificate that cannot be read is absent.
struct CaFacts {
  std::optional<RootFacts> current;
  std::optional<RootFacts> next;
  std::optional<RootFacts> previous;
  std::string rotate_root;           // the token last obeyed
  std::optional<CertTime> deadline;  // of the present phase
};

struct TlsFacts {
  std::vector<RootFacts> bundle;  // in the file's order
  std::string bundle_sha256;      // of the file's bytes, hexadecimal
  // The leaf can be read, is the mesh's, its key matches, and a root of the bundle or of the CA
  // Secret signed it. The rest of the leaf's facts hold only then.
  bool leaf_valid = false;
  std::string leaf_issuer;  // that root's fingerprint
  CertTime leaf_not_before{};
  CertTime leaf_not_after{};
  std::string rotate_leaf;          // the token last obeyed
  std::optional<CertTime> changed;  // when it was last written
};

// What a sidecar said last, empty while it cannot be reached.
struct SidecarReport {
  std::string name;  // the pod's, for messages
  std::optional<std::string> bundle_sha256;
  std::optional<CertTime> leaf_not_after;
};

struct RotationInputs {
  CaFacts ca;    // all empty when the Secret is absent
  TlsFacts tls;  // all empty when the Secret is absent
  RotationSettings settings;
  // Annotations of the SocketMesh; a new, non-empty value rotates once.
  std::string rotate_leaf;
  std::string rotate_root;
  // Every sidecar that the mesh should hear; nullopt: not known yet, and phases wait.
  std::optional<std::vector<SidecarReport>> sidecars;
  CertTime now{};
};

enum class RotationStep {
  kNone,
  // Steps on the CA Secret.
  kCreateRoot,     // current = a fresh root, nothing else
  kBridgeRoot,     // current = the leaf's issuer, from the bundle, without key; next = a root of
                   // the CA Secret that can sign, or else a fresh one; previous = another root of
                   // the bundle, if any
  kBeginRotation,  // next = a fresh root
  kPromoteNext,    // previous = current's certificate, current = next
  kCleanUp,        // previous goes
  // Steps on the TLS Secret.
  kIssueLeaf,    // a fresh leaf by current, and `bundle`
  kWriteBundle,  // `bundle`; the leaf stays
};

// kCleanUp: the old root is gone from the Secrets, but a sidecar still reports another bundle.
enum class RotationPhase { kStable, kDistribute, kSign, kCleanUp };

// What the condition CertificatesReady says.
struct CertificatesCondition {
  bool ready = false;
  std::string reason;
  std::string message;
};

struct RotationDecision {
  RotationStep step = RotationStep::kNone;
  std::string why;  // for the log and the Event; empty without a step
  // Fingerprints of the roots to trust, in the file's order; for the steps on the TLS Secret.
  std::vector<std::string> bundle;
  // For steps on the CA Secret: the deadline of the phase that the step begins, if it begins one.
  std::optional<CertTime> deadline;
  RotationPhase phase = RotationPhase::kStable;
  bool awaits_reports = false;  // the phase waits for sidecars: poll them often
  CertTime wake_at{};           // without a step: decide again then, or on a new report
  CertificatesCondition condition;
};

RotationDecision decide_rotation(const RotationInputs& inputs);

// The life of a root for leaves of this validity.
seconds root_validity(seconds leaf_validity);
// Of leaves, bounds applied: leaf_validity >= kLeafValidityMin, and rotate_after between
// kRotateAfterMin and half of that.
RotationSettings bounded(RotationSettings settings);

// What is recorded of a token: at most kTokenBytesMax, whole UTF-8 characters.
std::string token_record(const std::string& token);

// What a step that was carried out changed, and why: "New leaf: there is no usable leaf."
std::string event_text(const RotationDecision& decision);

// "Stable", "Distribute", "Sign", "CleanUp", as in the status.
const char* name_of(RotationPhase phase);

}  // namespace socketmesh::op::plan
