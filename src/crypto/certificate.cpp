#include "crypto/certificate.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/assert.hpp"
#include "crypto/certificate_names.hpp"
#include "crypto/file.hpp"
#include "crypto/pem.hpp"
#include "crypto/random.hpp"

namespace plait::crypto {
namespace {

using namespace std::chrono_literals;

Error openssl_error(const std::string& what) {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  Error error{what + (reason == nullptr ? std::string{} : ": " + std::string{reason}), 0};
  ERR_clear_error();
  return error;
}

bool set_time(ASN1_TIME* field, WallTime time) {
  return ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr;
}

bool set_serial_number(X509& certificate) {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7F) | 0x40);  // positive and of full length (RFC 5280 §4.1.2.2)
  const Owned<BIGNUM, BN_free> number{BN_bin2bn(bytes.data(), bytes.size(), nullptr)};
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_names(X509& certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(&certificate);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, name) == 1;
}

// One entry of subjectAltName: an IP address if `text` is one, else a DNS name.
GENERAL_NAME* general_name_of(const std::string& text) {
  Owned<GENERAL_NAME, GENERAL_NAME_free> name{GENERAL_NAME_new()};
  if (!name) return nullptr;
  if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(text.c_str()); address != nullptr) {
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address);
    return name.release();
  }
  ERR_clear_error();
  ASN1_IA5STRING* host = ASN1_IA5STRING_new();
  if (host == nullptr || ASN1_STRING_set(host, text.data(), static_cast<int>(text.size())) != 1) {
    ASN1_IA5STRING_free(host);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), GEN_DNS, host);
  return name.release();
}

bool add_alternative_names(X509& certificate, const std::vector<std::string>& texts) {
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names{GENERAL_NAMES_new()};
  for (const std::string& text : texts) {
    GENERAL_NAME* name = general_name_of(text);
    if (name == nullptr || sk_GENERAL_NAME_push(names.get(), name) == 0) {
      GENERAL_NAME_free(name);
      return false;
    }
  }
  return X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_extension(X509& certificate, int nid, const char* value) {
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension{X509V3_EXT_conf_nid(nullptr, nullptr, nid, value)};
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::string text_of(const GENERAL_NAME& name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(&name, &type);
  const auto* string = static_cast<const ASN1_STRING*>(value);
  if (type == GEN_DNS) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
  }
  return type == GEN_IPADD ? address_text(*string) : std::string{};
}

}  // namespace

Result<CertificatePem, Error> make_certificate(const CertificateOptions& options, WallTime now) {
  const Key key{options.key == KeyKind::rsa_2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")};
  const Certificate certificate{X509_new()};
  if (!key || !certificate) return err(openssl_error("cannot make a key"));
  const bool complete =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial_number(*certificate) &&
      set_names(*certificate, options.common_name) && set_time(X509_getm_notBefore(certificate.get()), now - 1min) &&
      set_time(X509_getm_notAfter(certificate.get()), now + options.lifetime) &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 && add_alternative_names(*certificate, options.names) &&
      add_extension(*certificate, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(*certificate, NID_key_usage, "critical,digitalSignature") &&
      add_extension(*certificate, NID_ext_key_usage, options.key_purpose.c_str()) &&
      X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!complete) return err(openssl_error("cannot make a certificate"));
  return CertificatePem{pem_of(*certificate), pem_of(*key)};
}

bool names_include(const std::vector<std::string>& names, std::string_view host) {
  const auto equal = [](std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
  };
  const std::size_t dot = host.find('.');
  const std::string_view parent = dot == 0 || dot == std::string_view::npos ? "" : host.substr(dot);
  return std::ranges::any_of(names, [&](std::string_view name) {
    if (equal(name, host)) return true;
    return name.starts_with("*.") && !parent.empty() && equal(name.substr(1), parent);
  });
}

std::string without_final_dot(std::string host) {
  if (host.size() > 1 && host.ends_with('.')) host.pop_back();
  return host;
}

Result<CertificateInfo, Error> parse_certificate(std::string_view pem) {
  const Certificate certificate = certificate_of_pem(pem);
  if (!certificate) return err(Error{"no PEM certificate in it", 0});
  CertificateInfo info;
  unsigned int size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), info.fingerprint.data(), &size) != 1) {
    return err(openssl_error("cannot hash the certificate"));
  }
  info.names = names_of(*certificate, text_of);
  info.is_authority =
      X509_check_ca(certificate.get()) != 0 ||
      X509_NAME_cmp(X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())) == 0;
  info.not_before = time_of(X509_get0_notBefore(certificate.get()));
  info.not_after = time_of(X509_get0_notAfter(certificate.get()));
  return info;
}

Result<CertificateInfo, Error> read_certificate(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return err(text.error());
  auto info = parse_certificate(*text);
  if (!info) return err(Error{"certificate file " + file.string() + ": " + info.error().message, 0});
  return info;
}

}  // namespace plait::crypto
