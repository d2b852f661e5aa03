#include "crypto/client_certificate.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string>

#include "crypto/certificate_names.hpp"
#include "crypto/openssl.hpp"

namespace plait::crypto {
namespace {

std::string subject_of(const X509& certificate) {
  const Owned<BIO, BIO_free> text{BIO_new(BIO_s_mem())};
  // RFC 4514 is RFC 2253 with more attributes; UTF-8 stays as it is.
  constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(&certificate), 0, kFlags) < 0) return {};
  const char* data = nullptr;
  const long size = BIO_ctrl(text.get(), BIO_CTRL_INFO, 0, &data);
  return size <= 0 ? std::string{} : std::string{data, static_cast<std::size_t>(size)};
}

std::string kind_and_text(const GENERAL_NAME& name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(&name, &type);
  const auto text = [value](const char* kind) {
    const auto* string = static_cast<const ASN1_STRING*>(value);
    return kind + std::string{reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                              static_cast<std::size_t>(ASN1_STRING_length(string))};
  };
  switch (type) {
    case GEN_DNS:
      return text("DNS:");
    case GEN_URI:
      return text("URI:");
    case GEN_EMAIL:
      return text("email:");
    case GEN_IPADD:
      return "IP:" + address_text(*static_cast<const ASN1_OCTET_STRING*>(value));
    default:
      return {};
  }
}

}  // namespace

std::optional<ClientCertificate> describe_client(ByteView der) {
  const unsigned char* data = der.data();
  const Owned<X509, X509_free> certificate{d2i_X509(nullptr, &data, static_cast<long>(der.size()))};
  if (!certificate) {
    ERR_clear_error();
    return std::nullopt;
  }
  return ClientCertificate{.subject = subject_of(*certificate), .names = names_of(*certificate, kind_and_text)};
}

}  // namespace plait::crypto
