#include "sidecar/shell/tls/session.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/base/assert.hpp"

namespace socketmesh::shell {
namespace {

// The most plain bytes that one TLS record can hold.
constexpr std::size_t kRecordBytesMax = 16U << 10U;
// A buffer that grew beyond this is given back when it is empty.
constexpr std::size_t kIdleBufferBytesMax = 64U << 10U;

// OpenSSL's words for an alert from the peer begin so.
constexpr std::string_view kAlertPrefixes[] = {"tlsv13 alert ", "tlsv1 alert ", "sslv3 alert ",
                                               "ssl/tls alert "};

}  // namespace

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, TransportRole role)
    : context_(std::move(context)), ssl_(SSL_new(context_->native())), role_(role) {
  SM_ASSERT(ssl_ != nullptr);
  BIO* bio = make_wire_bio(&wire_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_read_ahead(ssl_.get(), 1);
  if (role_ == TransportRole::kDialed) {
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

TlsSession::~TlsSession() = default;

void TlsSession::start() {
  shake_hands();
}

void TlsSession::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    fail(result);
    return;
  }
  const unsigned char* protocol = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &length);
  if (std::string_view(reinterpret_cast<const char*>(protocol), length) != kTlsProtocol) {
    phase_ = Phase::kFailed;
    error_ = std::string("the peer does not speak ") + kTlsProtocol;
    return;
  }
  if (role_ == TransportRole::kAccepted) phase_ = Phase::kOpen;
}

void TlsSession::wire_received(std::span<const std::uint8_t> bytes, const PlainSink& plain) {
  wire_.in = bytes;
  if (SSL_is_init_finished(ssl_.get()) == 0 && phase_ == Phase::kHandshake) shake_hands();
  if (SSL_is_init_finished(ssl_.get()) != 0 && phase_ != Phase::kFailed) read_plain(plain);
  wire_.in = {};
}

void TlsSession::read_plain(const PlainSink& plain) {
  std::array<std::uint8_t, kRecordBytesMax> buffer;
  while (phase_ == Phase::kHandshake || phase_ == Phase::kOpen) {
    ERR_clear_error();
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
    if (result != 1) {
      fail(result);
      return;
    }
    phase_ = Phase::kOpen;
    plain({buffer.data(), size});
  }
}

std::size_t TlsSession::send(std::span<const std::span<const std::uint8_t>> slices) {
  SM_ASSERT(phase_ == Phase::kOpen);
  SM_ASSERT(!finished_);
  std::size_t taken = 0;
  record_.clear();
  for (std::span<const std::uint8_t> slice : slices) {
    while (!slice.empty()) {
      if (wire_pending().size() >= kWireBufferBytesMax) break;
      // A whole record straight from the slice; what is smaller is gathered first.
      if (record_.empty() && slice.size() >= kRecordBytesMax) {
        if (!encrypt(slice.first(kRecordBytesMax))) return taken;
        taken += kRecordBytesMax;
        slice = slice.subspan(kRecordBytesMax);
        continue;
      }
      const std::size_t part = std::min(slice.size(), kRecordBytesMax - record_.size());
      record_.insert(record_.end(), slice.begin(), slice.begin() + static_cast<long>(part));
      slice = slice.subspan(part);
      if (record_.size() == kRecordBytesMax) {
        if (!encrypt(record_)) return taken;
        taken += record_.size();
        record_.clear();
      }
    }
  }
  if (!record_.empty() && encrypt(record_)) taken += record_.size();
  return taken;
}

// The wire BIO takes everything, so a record is written whole or the session is broken.
bool TlsSession::encrypt(std::span<const std::uint8_t> plain) {
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  if (result == 1 && written == plain.size()) return true;
  fail(result);
  if (phase_ == Phase::kOpen) {
    phase_ = Phase::kFailed;
    error_ = "TLS took only part of a record";
  }
  return false;
}

void TlsSession::finish() {
  if (finished_ || phase_ != Phase::kOpen) return;
  finished_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

std::span<const std::uint8_t> TlsSession::wire_pending() const {
  return std::span(wire_.out).subspan(wire_.out_begin);
}

void TlsSession::wire_written(std::size_t bytes) {
  wire_.out_begin += bytes;
  if (wire_.out_begin < wire_.out.size()) return;
  wire_.out_begin = 0;
  wire_.out.clear();
  if (wire_.out.capacity() > 2 * kWireBufferBytesMax) wire_.out.shrink_to_fit();
  if (record_.capacity() > kIdleBufferBytesMax) record_.shrink_to_fit();
}

void TlsSession::fail(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      ERR_clear_error();
      return;
    case SSL_ERROR_ZERO_RETURN:
      phase_ = Phase::kClosed;
      return;
    default:
      error_ = describe_failure();
      phase_ = Phase::kFailed;
  }
}

std::string TlsSession::describe_failure() const {
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verified == X509_V_ERR_APPLICATION_VERIFICATION) {
    ERR_clear_error();
    return "peer certificate refused: it does not name " + context_->identity();
  }
  if (verified != X509_V_OK) {
    ERR_clear_error();
    return std::string("peer certificate refused: ") + X509_verify_cert_error_string(verified);
  }
  const std::string text = take_tls_error("TLS failed");
  for (const std::string_view prefix : kAlertPrefixes) {
    if (text.starts_with(prefix)) {
      return "the peer refused the handshake: " + text.substr(prefix.size());
    }
  }
  if (text == "wrong version number" || text == "http request")
    return "the peer does not speak TLS";
  if (text == "peer did not return a certificate") return "the peer showed no certificate";
  return "TLS: " + text;
}

}  // namespace socketmesh::shell
