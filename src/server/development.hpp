// What only development mode has: a token for everyone on this machine, and the hash of the certificate.
#pragma once

#include <plait/server.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/tokens.hpp"

namespace plait::server {

inline constexpr std::chrono::hours kDevelopmentTokenLifetime{24};

/// For the terminal: printed when the server starts.
std::string development_token(const crypto::JwtKey& key);

/// GET /dev/token: a token for the page, in the body and as the cookie access_token, since a browser's WebSocket cannot
/// send other fields. Refused (403) unless the request comes from this machine, for a loopback name (so that no foreign
/// name that resolves to loopback can read it) and from no other origin's page.
HttpResponse answer_token_request(const HttpRequest& request, const crypto::JwtKey& key);

/// GET /dev/certificate: where the page's WebTransport goes, and the hashes that its browser may know the certificate
/// by (serverCertificateHashes), newest first. Refused as a token is.
HttpResponse answer_certificate_request(const HttpRequest& request, std::string_view url,
                                        const std::vector<ServerCertificate>& certificates);

/// As hexadecimal digits.
std::string hash_text(const ServerCertificate& certificate);

}  // namespace plait::server
