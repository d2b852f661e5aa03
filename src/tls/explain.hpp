// Sentences for people about what went wrong in a TLS connection.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace plait::tls {

/// What the newest failure of `ssl` was and what to do about it. `host` is the name that a client connected to, empty
/// on a server. Empties OpenSSL's error queue.
std::string explain_failure(const SSL& ssl, const std::string& host);

}  // namespace plait::tls
