#include "crypto/pem.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>

namespace plait::crypto {
namespace {

using Bio = Owned<BIO, BIO_free_all>;

Bio reader_of(std::string_view text) {
  return Bio{text.size() > INT_MAX ? nullptr : BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

std::string contents_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size <= 0 ? std::string{} : std::string{data, static_cast<std::size_t>(size)};
}

// Without this OpenSSL would ask at the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Certificate certificate_of_pem(std::string_view pem) {
  const Bio bio = reader_of(pem);
  Certificate certificate{bio ? PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr) : nullptr};
  ERR_clear_error();
  return certificate;
}

Key private_key_of_pem(std::string_view pem) {
  const Bio bio = reader_of(pem);
  Key key{bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr};
  ERR_clear_error();
  return key;
}

std::string pem_of(X509& certificate) {
  const Bio bio{BIO_new(BIO_s_mem())};
  if (!bio || PEM_write_bio_X509(bio.get(), &certificate) != 1) return {};
  return contents_of(bio.get());
}

std::string pem_of(EVP_PKEY& key) {
  const Bio bio{BIO_new(BIO_s_secmem())};
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  return contents_of(bio.get());
}

}  // namespace plait::crypto
