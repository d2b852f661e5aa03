// What ServerTls, ClientTls and a connection's TLS session are made of. For the files of this layer.
#pragma once

#include <gnutls/gnutls.h>
#include <plait/session.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quic/tls.hpp"

namespace plait::quic {

template <auto kFree>
struct GnutlsFree {
  template <class Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
using Credentials = std::unique_ptr<gnutls_certificate_credentials_st, GnutlsFree<gnutls_certificate_free_credentials>>;
using Priority = std::unique_ptr<gnutls_priority_st, GnutlsFree<gnutls_priority_deinit>>;
using Session = std::unique_ptr<gnutls_session_int, GnutlsFree<gnutls_deinit>>;

/// The secret that session tickets are sealed with. From it GnuTLS makes a new key every few hours, by the clock,
/// and opens what the last one sealed.
class TicketKey {
 public:
  TicketKey() = default;
  TicketKey(const TicketKey&) = delete;
  TicketKey& operator=(const TicketKey&) = delete;
  ~TicketKey();
  /// Null when out of memory.
  static std::shared_ptr<const TicketKey> generate();
  [[nodiscard]] const gnutls_datum_t& datum() const { return key_; }

 private:
  gnutls_datum_t key_{};
};

struct ServerTls::State {
  struct Named {
    std::vector<std::string> names;
    std::shared_ptr<const Credentials> credentials;
  };

  std::shared_ptr<const Credentials> credentials;  // shared with those of with_alpn()
  std::vector<Named> further;
  std::shared_ptr<const TicketKey> ticket_key;
  std::shared_ptr<const Priority> priority;
  std::vector<std::string> alpn;
  ClientCheck client_check = ClientCheck::off;
  std::function<WallTime()> wall_clock;
};

struct ClientTls::State {
  Credentials credentials;
  Priority priority;
  ClientTlsConfig config;
};

/// TLS 1.3 alone, without the compatibility mode that QUIC forbids (RFC 9001 §8.4), and the ciphers that QUIC has. Null
/// with a sentence in `error`.
Priority make_priority(std::string& error);

// Null when out of memory. `pointer` is what gnutls_session_get_ptr() shall give.
Session make_server_session(const ServerTls::State& tls, void* pointer);
Session make_client_session(const ClientTls::State& tls, const std::string& host, void* pointer);

/// Of a server, when the ClientHello is there: presents the certificate that the client's name asks for.
void choose_certificate(gnutls_session_t session, const ServerTls::State& tls);
/// When the first of the certificates that the server showed, and that were valid until `now`, expires; the far future
/// if it showed none.
WallTime certificates_expiry(gnutls_session_t session, WallTime now);
/// Of a client: whether the certificate that the server sent is good enough. Empty, or a sentence that says what to do.
std::string verify_server(gnutls_session_t session, const ClientTls::State& tls, const std::string& host);

/// Of a server: whether the certificate that the client has shown, if it did, is good enough. Empty, or a sentence.
/// `owner` is set if it showed one.
std::string verify_client(gnutls_session_t session, const ServerTls::State& tls,
                          std::unique_ptr<ClientCertificate>& owner);

/// For a person: what a TLS alert means, sent by us or by the peer.
std::string explain_alert(std::uint8_t alert, bool sent);

}  // namespace plait::quic
