// The alternative names of a certificate.
#pragma once

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <array>
#include <string>
#include <vector>

#include "crypto/openssl.hpp"

namespace plait::crypto {

/// An IP address of 4 or 16 bytes in its usual spelling; empty: it is none.
inline std::string address_text(const ASN1_STRING& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(&address) == 16 ? AF_INET6 : AF_INET;
  if (family == AF_INET && ASN1_STRING_length(&address) != 4) return {};
  return ::inet_ntop(family, ASN1_STRING_get0_data(&address), text.data(), text.size()) == nullptr ? "" : text.data();
}

/// What `text_of` makes of each entry of subjectAltName (RFC 5280 §4.2.1.6), without those that it makes nothing of.
template <class TextOf>
std::vector<std::string> names_of(const X509& certificate, TextOf text_of) {
  std::vector<std::string> texts;
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    std::string text = text_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace plait::crypto
