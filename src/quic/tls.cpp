#include "quic/tls.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/assert.hpp"
#include "crypto/certificate.hpp"
#include "quic/credentials.hpp"
#include "quic/datum.hpp"
#include "quic/tls_state.hpp"

namespace plait::quic {
namespace {

constexpr unsigned kFlags = GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA | GNUTLS_NO_SIGNAL;

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
  std::ranges::transform(alpn, names.begin(), [](const auto& name) { return datum(as_bytes(name)); });
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
  const gnutls_datum_t text = datum(as_bytes(config.authority_pem));
  const int count = gnutls_certificate_set_x509_trust_mem(credentials.get(), &text, GNUTLS_X509_FMT_PEM);
  return count > 0 ? "" : "the authority's certificate is no PEM text with a certificate";
}

// The times are checked in verify_client(), by the clock that was passed in.
std::string load_client_authorities(const std::string& pem, const Credentials& credentials) {
  const gnutls_datum_t text = datum(as_bytes(pem));
  gnutls_certificate_set_verify_flags(credentials.get(),
                                      GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS);
  const int count = gnutls_certificate_set_x509_trust_mem(credentials.get(), &text, GNUTLS_X509_FMT_PEM);
  return count > 0 ? "" : "the authority of clients' certificates is no PEM text with a certificate";
}

/// A server's credentials with one certificate. Null with a sentence in `error`.
Credentials make_server_credentials(const CertificatePair& pair, const ServerTlsConfig& config, std::string& error) {
  Credentials credentials = make_credentials();
  error = credentials ? add_certificate(pair.certificate_pem, pair.private_key_pem, credentials)
                      : "GnuTLS is out of memory";
  if (error.empty() && config.client_check != ClientCheck::off) {
    error = load_client_authorities(config.client_authority_pem, credentials);
  }
  return error.empty() ? std::move(credentials) : nullptr;
}

std::string load_further(const ServerTlsConfig& config, std::vector<ServerTls::State::Named>& further) {
  std::string error;
  for (const CertificatePair& pair : config.further) {
    auto credentials = std::make_shared<const Credentials>(make_server_credentials(pair, config, error));
    if (!error.empty()) return error;
    auto info = crypto::parse_certificate(pair.certificate_pem);
    if (!info) return info.error().message;
    further.push_back({std::move(info->names), std::move(credentials)});
  }
  return "";
}

}  // namespace

TicketKey::~TicketKey() {
  if (key_.data == nullptr) return;
  gnutls_memset(key_.data, 0, key_.size);
  gnutls_free(key_.data);
}

std::shared_ptr<const TicketKey> TicketKey::generate() {
  auto made = std::make_shared<TicketKey>();
  return gnutls_session_ticket_key_generate(&made->key_) == 0 ? made : nullptr;
}

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
  state->priority = std::make_shared<const Priority>(make_priority(error));
  state->alpn = config.alpn;
  state->ticket_key = TicketKey::generate();
  if (!state->ticket_key) error = "GnuTLS is out of memory";
  if (config.client_check != ClientCheck::off && !config.wall_clock) {
    error = "verifying a certificate needs a clock: set wall_clock";
  }
  if (error.empty()) {
    state->credentials = std::make_shared<const Credentials>(
        make_server_credentials({config.certificate_pem, config.private_key_pem}, config, error));
  }
  if (error.empty()) error = load_further(config, state->further);
  if (!error.empty()) return err(Error{error});
  state->client_check = config.client_check;
  state->wall_clock = config.wall_clock;
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
  if (error.empty() && !config.certificate_pem.empty()) {
    error = add_certificate(config.certificate_pem, config.private_key_pem, state->credentials);
  }
  if (!error.empty()) return err(Error{error});
  // The times are checked in verify_server(), by the clock that was passed in.
  gnutls_certificate_set_verify_flags(state->credentials.get(),
                                      GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS);
  state->config = std::move(config);
  return ClientTls{std::move(state)};
}

Session make_server_session(const ServerTls::State& tls, void* pointer) {
  Session session = make_session(GNUTLS_SERVER, *tls.priority, *tls.credentials, tls.alpn, pointer);
  if (!session) return nullptr;
  // Who shows a certificate shows it to every connection: a ticket would pass on what was verified long ago.
  const bool resumes = tls.client_check == ClientCheck::off;
  if (resumes && gnutls_session_ticket_enable_server(session.get(), &tls.ticket_key->datum()) != 0) return nullptr;
  if (tls.client_check != ClientCheck::off) {
    const bool required = tls.client_check == ClientCheck::required;
    // Without the authorities' names, by which a client of GnuTLS would leave its certificate out and pass for nobody.
    gnutls_certificate_send_x509_rdn_sequence(session.get(), 1);
    gnutls_certificate_server_set_request(session.get(), required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
  }
  return session;
}

void choose_certificate(gnutls_session_t session, const ServerTls::State& tls) {
  std::array<char, 256> host{};
  std::size_t size = host.size();
  unsigned type = 0;
  if (gnutls_server_name_get(session, host.data(), &size, &type, 0) != 0 || type != GNUTLS_NAME_DNS) return;
  for (const auto& [names, credentials] : tls.further) {
    if (!crypto::names_include(names, host.data())) continue;
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials->get());
    return;
  }
}

Session make_client_session(const ClientTls::State& tls, const std::string& host, void* pointer) {
  // The share of the first group alone: most servers have X25519, and a pair of P-256 for the others takes some 8 % of
  // an opening. They ask for it (RFC 8446 §4.1.4).
  Session session =
      make_session(GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP, tls.priority, tls.credentials, tls.config.alpn, pointer);
  if (!session || host.empty() || is_address(host)) return session;
  if (gnutls_server_name_set(session.get(), GNUTLS_NAME_DNS, host.data(), host.size()) != 0) return nullptr;
  return session;
}

}  // namespace plait::quic
