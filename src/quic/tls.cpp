#include "quic/tls.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "quic/tls_state.hpp"

namespace plait::quic {
namespace {

constexpr unsigned kFlags = GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA | GNUTLS_NO_SIGNAL;

gnutls_datum_t datum(std::string_view text) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())), static_cast<unsigned>(text.size())};
}

Credentials make_credentials() {
  gnutls_certificate_credentials_t credentials = nullptr;
  if (gnutls_certificate_allocate_credentials(&credentials) != 0) return nullptr;
  return Credentials{credentials};
}

std::string check_alpn(const std::vector<std::string>& alpn) {
  if (alpn.empty()) return "QUIC needs an application protocol (ALPN): name at least one";
  const bool valid = std::ranges::all_of(alpn, [](const auto& name) { return !name.empty() && name.size() <= 255; });
  return valid ? "" : "an application protocol (ALPN) has 1 to 255 bytes";
}

bool set_alpn(gnutls_session_t session, const std::vector<std::string>& alpn) {
  std::vector<gnutls_datum_t> names(alpn.size());
  std::ranges::transform(alpn, names.begin(), [](const auto& name) { return datum(name); });
  return gnutls_alpn_set_protocols(session, names.data(), static_cast<unsigned>(names.size()),
                                   GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE) == 0;
}

Session make_session(unsigned flags, const Priority& priority, const Credentials& credentials,
                     const std::vector<std::string>& alpn, void* pointer) {
  gnutls_session_t raw = nullptr;
  if (gnutls_init(&raw, flags | kFlags) != 0) return nullptr;
  Session session{raw};
  if (gnutls_priority_set(raw, priority.get()) != 0 ||
      gnutls_credentials_set(raw, GNUTLS_CRD_CERTIFICATE, credentials.get()) != 0 || !set_alpn(raw, alpn)) {
    return nullptr;
  }
  gnutls_session_set_ptr(raw, pointer);
  return session;
}

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string load_authorities(const ClientTlsConfig& config, const Credentials& credentials) {
  if (config.authority_pem.empty()) {
    const int count = gnutls_certificate_set_x509_system_trust(credentials.get());
    return count > 0 ? ""
                     : "this system has no certificate authorities: install ca-certificates, or give an authority's "
                       "certificate";
  }
  const gnutls_datum_t text = datum(config.authority_pem);
  const int count = gnutls_certificate_set_x509_trust_mem(credentials.get(), &text, GNUTLS_X509_FMT_PEM);
  return count > 0 ? "" : "the authority's certificate is no PEM text with a certificate";
}

}  // namespace

Priority make_priority(std::string& error) {
  constexpr const char* kText =
      "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
      "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE:%DISABLE_TLS13_COMPAT_MODE";
  gnutls_priority_t priority = nullptr;
  const char* position = nullptr;
  if (gnutls_priority_init(&priority, kText, &position) != 0) {
    error = std::string{"this system's GnuTLS policy leaves nothing for TLS 1.3, at: "} +
            (position == nullptr ? kText : position);
    return nullptr;
  }
  return Priority{priority};
}

Result<ServerTls, Error> ServerTls::make(const ServerTlsConfig& config) {
  if (std::string error = check_alpn(config.alpn); !error.empty()) return err(Error{error});
  auto state = std::make_shared<State>();
  std::string error;
  auto credentials = std::make_shared<const Credentials>(make_credentials());
  state->credentials = credentials;
  state->priority = std::make_shared<const Priority>(make_priority(error));
  state->alpn = config.alpn;
  if (!*credentials) error = "GnuTLS is out of memory";
  if (!error.empty()) return err(Error{error});
  const gnutls_datum_t certificate = datum(config.certificate_pem);
  const gnutls_datum_t key = datum(config.private_key_pem);
  const int status = gnutls_certificate_set_x509_key_mem(credentials->get(), &certificate, &key, GNUTLS_X509_FMT_PEM);
  if (status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
    return err(Error{"the private key does not belong to the certificate: give the pair that was made together"});
  }
  if (status < 0) {
    return err(Error{std::string{"the certificate or its private key is no PEM text that GnuTLS reads: "} +
                     gnutls_strerror(status)});
  }
  return ServerTls{std::move(state)};
}

ServerTls ServerTls::with_alpn(std::vector<std::string> alpn) const {
  PLAIT_ASSERT(check_alpn(alpn).empty(), "application protocols that TLS can name");
  auto state = std::make_shared<State>(*state_);
  state->alpn = std::move(alpn);
  return ServerTls{std::move(state)};
}

Result<ClientTls, Error> ClientTls::make(ClientTlsConfig config) {
  if (std::string error = check_alpn(config.alpn); !error.empty()) return err(Error{error});
  const bool hashes = config.verify == ClientTlsConfig::Verify::hashes;
  if (hashes && config.certificate_hashes.empty()) return err(Error{"no certificate hash is given to verify by"});
  if (config.verify != ClientTlsConfig::Verify::off && !config.wall_clock) {
    return err(Error{"verifying a certificate needs a clock: set wall_clock"});
  }
  auto state = std::make_shared<State>();
  std::string error;
  state->credentials = make_credentials();
  state->priority = make_priority(error);
  if (!state->credentials) error = "GnuTLS is out of memory";
  if (error.empty() && config.verify == ClientTlsConfig::Verify::authorities) {
    error = load_authorities(config, state->credentials);
  }
  if (!error.empty()) return err(Error{error});
  // The times are checked in verify_server(), by the clock that was passed in.
  gnutls_certificate_set_verify_flags(state->credentials.get(),
                                      GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS);
  state->config = std::move(config);
  return ClientTls{std::move(state)};
}

Session make_server_session(const ServerTls::State& tls, void* pointer) {
  return make_session(GNUTLS_SERVER, *tls.priority, *tls.credentials, tls.alpn, pointer);
}

Session make_client_session(const ClientTls::State& tls, const std::string& host, void* pointer) {
  Session session = make_session(GNUTLS_CLIENT, tls.priority, tls.credentials, tls.config.alpn, pointer);
  if (!session || host.empty() || is_address(host)) return session;
  if (gnutls_server_name_set(session.get(), GNUTLS_NAME_DNS, host.data(), host.size()) != 0) return nullptr;
  return session;
}

}  // namespace plait::quic
