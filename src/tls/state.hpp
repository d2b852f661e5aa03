// What a Context holds, for the files of this layer.
#pragma once

#include <openssl/ssl.h>

#include "crypto/openssl.hpp"
#include "tls/context.hpp"

namespace plait::tls {

using SslContext = crypto::Owned<SSL_CTX, SSL_CTX_free>;

struct Context::State {
  SslContext ssl_context;
  bool is_server = false;
  bool verify = false;
  bool checks_clients = false;
};

}  // namespace plait::tls
