// When to read the certificate files again: decides from their marks alone, reads nothing.
//
// A change is read once it has held still from one look to the next, as plain files are written one
// after another. A set that was refused is tried again although nothing changed: a date may have
// come, or a descriptor be free again. Pure. One thread.
#pragma once

#include <cstdint>

#include "lib/net/tls_files.hpp"

namespace socketmesh::shell {

class ReloadSchedule {
 public:
  // Looks from one try of a refused set to the next.
  static constexpr int kRetryLooks = 10;

  enum class Verdict : std::uint8_t {
    kNothing,
    kChanged,  // read them now, and tell by refused() when they cannot be used
    kRetry,    // likewise; they are as they were
  };

  // `mark` is that of the set that was read first.
  explicit ReloadSchedule(const net::TlsFilesMark& mark) : read_(mark), seen_(mark) {}

  Verdict look(const net::TlsFilesMark& mark);
  void refused() { retry_in_ = kRetryLooks; }

 private:
  net::TlsFilesMark read_;
  net::TlsFilesMark seen_;
  int retry_in_ = 0;  // 0: what was read is in use
};

}  // namespace socketmesh::shell
