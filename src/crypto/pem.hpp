// Certificates and keys as PEM texts, for the files of this layer.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>

#include "crypto/openssl.hpp"

namespace plait::crypto {

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;

// Null, and OpenSSL's error queue empty, if the text has none.
Certificate certificate_of_pem(std::string_view pem);
Key private_key_of_pem(std::string_view pem);

// Empty when out of memory.
std::string pem_of(X509& certificate);
std::string pem_of(EVP_PKEY& key);

}  // namespace plait::crypto
