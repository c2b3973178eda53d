#include "operator/pki/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

namespace socketmesh::op::pki {
namespace {

// A password prompt would hang a daemon.
int refuse_password(char*, int, int, void*) {
  return -1;
}

std::string take_text(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Bio read_from(std::string_view text) {
  return text.empty() ? nullptr : Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate read_certificate(std::string_view pem) {
  const Bio bio = read_from(pem);
  if (!bio) return nullptr;
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, refuse_password, nullptr));
  ERR_clear_error();
  return certificate;
}

Key read_key(std::string_view pem) {
  const Bio bio = read_from(pem);
  if (!bio) return nullptr;
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr));
  ERR_clear_error();
  return key;
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  return take_text(bio);
}

std::string to_pem(EVP_PKEY* key) {
  // Secure memory: the copy in the BIO is wiped when it is freed.
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return {};
  }
  return take_text(bio);
}

std::optional<std::chrono::sys_seconds> to_time(const ASN1_TIME* time) {
  using namespace std::chrono;
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const year_month_day date = year{parts.tm_year + 1900} /
                              month{static_cast<unsigned>(parts.tm_mon + 1)} /
                              day{static_cast<unsigned>(parts.tm_mday)};
  if (!date.ok()) return std::nullopt;
  return sys_days(date) + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

}  // namespace socketmesh::op::pki
