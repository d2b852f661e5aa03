// Application-Layer Protocol Negotiation (RFC 7301) for a context.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace plait::tls {

/// A server takes the first of `protocols` that the client offers, and refuses a client that offers only others
/// (RFC 7301 §3.2). Without protocols, what a client offers is ignored. False: a name is empty, longer than 255 bytes,
/// or all are too many.
[[nodiscard]] bool select_protocols(SSL_CTX& context, const std::vector<std::string>& protocols);
/// A client offers `protocols`. False as above.
[[nodiscard]] bool offer_protocols(SSL_CTX& context, const std::vector<std::string>& protocols);

}  // namespace plait::tls
