// The alternative names of a certificate.
#pragma once

#include <openssl/x509v3.h>

#include <string>
#include <vector>

#include "crypto/openssl.hpp"

namespace plait::crypto {

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
