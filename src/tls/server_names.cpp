#include "tls/server_names.hpp"

#include "crypto/certificate.hpp"

namespace plait::tls {
namespace {

void free_names(void* /*context*/, void* names, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*number*/,
                void* /*pointer*/) {
  delete static_cast<ServerNames*>(names);
}

int names_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_names);
  return index;
}

int choose(SSL* ssl, int* /*alert*/, void* /*argument*/) {
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const auto* names = static_cast<const ServerNames*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), names_index()));
  if (host == nullptr || names == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* found = names->find(host);
  if (found == nullptr) return SSL_TLSEXT_ERR_NOACK;
  return SSL_set_SSL_CTX(ssl, found) == found ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

SSL_CTX* ServerNames::find(const char* host) const {
  for (const Entry& entry : entries_) {
    if (crypto::names_include(entry.names, host)) return entry.context.get();
  }
  return nullptr;
}

// OpenSSL frees what belongs to a context with it, after the last connection.
bool choose_by_name(SSL_CTX& context, std::unique_ptr<ServerNames> names) {
  if (SSL_CTX_set_ex_data(&context, names_index(), names.get()) != 1) return false;
  static_cast<void>(names.release());
  // SSL_CTX_set_tlsext_servername_callback() without its cast in the style of C.
  return SSL_CTX_callback_ctrl(&context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(choose)) == 1;
}

}  // namespace plait::tls
