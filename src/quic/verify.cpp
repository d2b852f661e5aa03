// Whether the certificate that the other side has shown may be trusted, and what TLS alerts mean, for a person.
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/client_certificate.hpp"
#include "crypto/hash.hpp"
#include "crypto/trust_advice.hpp"
#include "quic/tls_state.hpp"

namespace plait::quic {
namespace {

using Certificate = std::unique_ptr<gnutls_x509_crt_int, GnutlsFree<gnutls_x509_crt_deinit>>;

struct FreeTrustList {
  void operator()(gnutls_x509_trust_list_st* list) const { gnutls_x509_trust_list_deinit(list, 1); }
};
using TrustList = std::unique_ptr<gnutls_x509_trust_list_st, FreeTrustList>;

/// What a certificate must say, and what is told of one that no authority here has signed.
struct Demands {
  std::vector<std::pair<gnutls_vdata_types_t, std::string>> data;
  const char* if_self_signed = crypto::kSelfSigned;
  const char* if_unknown = crypto::kUnknownAuthority;
};

Certificate parse(const gnutls_datum_t& der) {
  gnutls_x509_crt_t raw = nullptr;
  if (gnutls_x509_crt_init(&raw) != 0) return nullptr;
  Certificate certificate{raw};
  return gnutls_x509_crt_import(raw, &der, GNUTLS_X509_FMT_DER) == 0 ? std::move(certificate) : nullptr;
}

std::string check_times(gnutls_x509_crt_t certificate, const std::string& name, WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  if (gnutls_x509_crt_get_activation_time(certificate) > seconds) {
    return name + " is not valid yet: check this machine's clock";
  }
  if (gnutls_x509_crt_get_expiration_time(certificate) < seconds) {
    return name + " has expired: its owner must renew it";
  }
  return "";
}

bool is_ecdsa_p256(gnutls_x509_crt_t certificate) {
  if (gnutls_x509_crt_get_pk_algorithm(certificate, nullptr) != GNUTLS_PK_ECDSA) return false;
  gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
  gnutls_datum_t x{};
  gnutls_datum_t y{};
  if (gnutls_x509_crt_get_pk_ecc_raw(certificate, &curve, &x, &y) != 0) return false;
  gnutls_free(x.data);
  gnutls_free(y.data);
  return curve == GNUTLS_ECC_CURVE_SECP256R1;
}

/// The rules of W3C WebTransport's serverCertificateHashes, so that what works here works in browsers.
std::string verify_by_hash(const gnutls_datum_t& der, gnutls_x509_crt_t leaf, const ClientTlsConfig& config,
                           const std::string& name) {
  const CertificateHash hash = crypto::sha256({der.data, der.size});
  if (std::ranges::find(config.certificate_hashes, hash) == config.certificate_hashes.end()) {
    return name + " is not one of those whose hashes were given: it may have been renewed, ask for its new hash";
  }
  if (!is_ecdsa_p256(leaf)) return name + " has no ECDSA P-256 key, which trust by hash demands: make it anew with one";
  constexpr std::time_t kLifetimeMax = std::time_t{14} * 24 * 3600;
  if (gnutls_x509_crt_get_expiration_time(leaf) - gnutls_x509_crt_get_activation_time(leaf) > kLifetimeMax) {
    return name + " is valid for more than 14 days, which trust by hash does not allow: make it anew for fewer";
  }
  return "";
}

std::string explain(unsigned status, gnutls_x509_crt_t leaf, const Demands& demands, const std::string& name) {
  if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0) {
    return name + " is not valid for that name: connect by a name that the certificate lists";
  }
  if ((status & GNUTLS_CERT_PURPOSE_MISMATCH) != 0) {
    return name + " was not issued for this end of a connection (extendedKeyUsage): its owner must replace it";
  }
  if ((status & GNUTLS_CERT_REVOKED) != 0) return name + " was revoked by its authority: its owner must replace it";
  if ((status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0) {
    const bool self_signed = gnutls_x509_crt_check_issuer(leaf, leaf) != 0;
    return name + (self_signed ? demands.if_self_signed : demands.if_unknown);
  }
  if ((status & GNUTLS_CERT_INSECURE_ALGORITHM) != 0) {
    return name + " is signed with an algorithm that is not secure any more: its owner must renew it";
  }
  if ((status & GNUTLS_CERT_SIGNER_NOT_CA) != 0) {
    return name + " is signed by a certificate that may sign none: its owner must replace it";
  }
  gnutls_datum_t text{};
  std::string reason = "unknown reason";
  if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0) {
    reason.assign(reinterpret_cast<const char*>(text.data), text.size);
    gnutls_free(text.data);
  }
  return name + " is not accepted: " + reason;
}

std::vector<gnutls_typed_vdata_st> native(const Demands& demands) {
  std::vector<gnutls_typed_vdata_st> native;
  native.reserve(demands.data.size());
  for (const auto& [type, text] : demands.data) {
    native.push_back(
        {.type = type, .data = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())), .size = 0});
  }
  return native;
}

/// Up to an authority that we trust, and all that `demands` name, whatever the time is.
std::string verify_chain(gnutls_session_t session, gnutls_x509_crt_t leaf, const Demands& demands,
                         const std::string& name) {
  std::vector<gnutls_typed_vdata_st> data = native(demands);
  unsigned status = 0;
  const int error = gnutls_certificate_verify_peers(session, data.data(), static_cast<unsigned>(data.size()), &status);
  if (error != 0) return name + " cannot be verified: " + gnutls_strerror(error);
  return status == 0 ? "" : explain(status, leaf, demands, name);
}

// --- Times -----------------------------------------------------------------------------------------------------------
//
// GnuTLS is told not to look at them, since it would ask a clock of its own. As with TLS over TCP, by OpenSSL, it is
// one path to an authority that must be valid now, not all that the peer has sent: servers add what has expired for
// clients that know nothing newer, as most did with DST Root CA X3 after 2021.

gnutls_x509_trust_list_t authorities_of(gnutls_session_t session) {
  void* credentials = nullptr;
  gnutls_x509_trust_list_t list = nullptr;
  if (gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &credentials) != 0) return nullptr;
  gnutls_certificate_get_trust_list(static_cast<gnutls_certificate_credentials_t>(credentials), &list);
  return list;
}

/// Of the authority that the first of `chain` which has one among `authorities` is signed by.
std::string check_authority_times(gnutls_x509_trust_list_t authorities, const std::vector<gnutls_x509_crt_t>& chain,
                                  const std::string& name, WallTime now) {
  for (gnutls_x509_crt_t link : chain) {
    gnutls_x509_crt_t found = nullptr;
    if (gnutls_x509_trust_list_get_issuer(authorities, link, &found, GNUTLS_TL_GET_COPY) != 0) continue;
    const Certificate authority{found};
    return check_times(authority.get(), name, now);
  }
  return "";
}

/// Those of `authorities` that are valid now. Null when out of memory.
TrustList valid_authorities(gnutls_x509_trust_list_t authorities, WallTime now) {
  gnutls_x509_trust_list_t raw = nullptr;
  if (gnutls_x509_trust_list_init(&raw, 0) != 0) return nullptr;
  TrustList valid{raw};
  gnutls_x509_trust_list_iter_t at = nullptr;
  gnutls_x509_crt_t next = nullptr;
  while (gnutls_x509_trust_list_iter_get_ca(authorities, &at, &next) == 0) {
    Certificate authority{next};
    if (!check_times(next, "", now).empty()) continue;
    if (gnutls_x509_trust_list_add_cas(raw, &next, 1, 0) == 1) static_cast<void>(authority.release());
  }
  return valid;
}

/// After verify_chain(), with the same `demands`.
std::string verify_times(gnutls_session_t session, const std::vector<Certificate>& chain, const Demands& demands,
                         const std::string& name, WallTime now) {
  if (std::string reason = check_times(chain.front().get(), name, now); !reason.empty()) return reason;
  const std::string behind = "an authority's certificate behind " + name;
  std::string reason;
  std::vector<gnutls_x509_crt_t> valid;
  for (const Certificate& link : chain) {
    std::string late = check_times(link.get(), behind, now);
    if (late.empty()) valid.push_back(link.get());
    if (reason.empty()) reason = std::move(late);
  }
  gnutls_x509_trust_list_t all = authorities_of(session);
  if (all == nullptr) return reason;
  if (reason.empty()) reason = check_authority_times(all, valid, behind, now);
  if (reason.empty()) return "";
  // There may be another path.
  const TrustList authorities = valid_authorities(all, now);
  if (!authorities) return reason;
  constexpr unsigned kWhateverTheTime = GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;
  std::vector<gnutls_typed_vdata_st> data = native(demands);
  unsigned status = 0;
  const int error = gnutls_x509_trust_list_verify_crt2(
      authorities.get(), valid.data(), static_cast<unsigned>(valid.size()), data.data(),
      static_cast<unsigned>(data.size()), kWhateverTheTime, &status, nullptr);
  return error == 0 && status == 0 ? "" : reason;
}

/// The certificates that the peer has shown, its own first; none if that cannot be read, or nothing was shown.
std::vector<Certificate> shown_chain(const gnutls_datum_t* chain, unsigned count) {
  std::vector<Certificate> links;
  for (unsigned i = 0; i < count; ++i) {
    Certificate link = parse(chain[i]);
    if (link) {
      links.push_back(std::move(link));
    } else if (i == 0) {
      break;
    }
  }
  return links;
}

std::string verify_by_authority(gnutls_session_t session, const std::vector<Certificate>& chain, const Demands& demands,
                                const std::string& name, WallTime now) {
  std::string reason = verify_chain(session, chain.front().get(), demands, name);
  return reason.empty() ? verify_times(session, chain, demands, name, now) : reason;
}

/// The RFCs' words, as OpenSSL has them: "bad certificate" of GNUTLS_A_BAD_CERTIFICATE.
std::string alert_name(std::uint8_t alert) {
  constexpr std::string_view kPrefix = "GNUTLS_A_";
  if (alert == GNUTLS_A_UNKNOWN_CA) return "unknown CA";
  const char* text = gnutls_alert_get_strname(static_cast<gnutls_alert_description_t>(alert));
  if (text == nullptr) return std::to_string(alert);
  std::string name{text};
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  for (char& c : name) {
    if (c == '_') c = ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

}  // namespace

// What had expired already is no part of what was verified.
WallTime certificates_expiry(gnutls_session_t session, WallTime now) {
  unsigned count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  WallTime first = WallTime::max();
  for (unsigned i = 0; chain != nullptr && i < count; ++i) {
    const Certificate link = parse(chain[i]);
    if (!link) continue;
    const auto expiry = std::chrono::system_clock::from_time_t(gnutls_x509_crt_get_expiration_time(link.get()));
    if (i == 0 || expiry >= now) first = std::min(first, expiry);
  }
  return first;
}

std::string verify_server(gnutls_session_t session, const ClientTls::State& tls, const std::string& host) {
  if (tls.config.verify == ClientTlsConfig::Verify::off) return "";
  const std::string name = "the certificate of " + host;
  unsigned count = 0;
  const gnutls_datum_t* shown = gnutls_certificate_get_peers(session, &count);
  if (shown == nullptr || count == 0) return host + " showed no certificate: is this the right port?";
  const std::vector<Certificate> chain = shown_chain(shown, count);
  if (chain.empty()) return name + " cannot be read: its owner must replace it";
  const WallTime now = tls.config.wall_clock();
  if (tls.config.verify == ClientTlsConfig::Verify::hashes) {
    std::string reason = verify_by_hash(shown[0], chain.front().get(), tls.config, name);
    return reason.empty() ? check_times(chain.front().get(), name, now) : reason;
  }
  const Demands demands{
      .data = {{GNUTLS_DT_DNS_HOSTNAME, host}, {GNUTLS_DT_KEY_PURPOSE_OID, GNUTLS_KP_TLS_WWW_SERVER}}};
  return verify_by_authority(session, chain, demands, name, now);
}

std::string verify_client(gnutls_session_t session, const ServerTls::State& tls,
                          std::unique_ptr<ClientCertificate>& owner) {
  unsigned count = 0;
  const gnutls_datum_t* shown = gnutls_certificate_get_peers(session, &count);
  if (shown == nullptr || count == 0) return "";  // required ones GnuTLS has asked for by itself
  const std::string name = "the client's certificate";
  const std::vector<Certificate> chain = shown_chain(shown, count);
  if (chain.empty()) return name + " cannot be read";
  const Demands demands{.data = {{GNUTLS_DT_KEY_PURPOSE_OID, GNUTLS_KP_TLS_WWW_CLIENT}},
                        .if_self_signed = " is self-signed and not in the client authority file",
                        .if_unknown = " is signed by no authority of the client authority file"};
  std::string reason = verify_by_authority(session, chain, demands, name, tls.wall_clock());
  if (!reason.empty()) return reason;
  auto described = crypto::describe_client({shown[0].data, shown[0].size});
  if (!described) return name + " cannot be read";
  owner = std::make_unique<ClientCertificate>(std::move(*described));
  return "";
}

std::string explain_alert(std::uint8_t alert, bool sent) {
  const std::string name = alert_name(alert);
  switch (alert) {
    case GNUTLS_A_NO_APPLICATION_PROTOCOL:
      return sent ? "the peer offers none of our application protocols (ALPN)"
                  : "the peer speaks none of the application protocols (ALPN) that we offered";
    case GNUTLS_A_PROTOCOL_VERSION:
      return "the peer does not speak TLS 1.3";
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_REVOKED:
    case GNUTLS_A_CERTIFICATE_EXPIRED:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_UNKNOWN_CA:
      return sent ? "the peer's certificate was not accepted (alert: " + name + ")"
                  : "the peer does not accept our certificate (alert: " + name + ")";
    case GNUTLS_A_CERTIFICATE_REQUIRED:
      return sent ? "the client has shown no certificate"
                  : "the server asks for a client certificate: give a certificate and its private key";
    case GNUTLS_A_HANDSHAKE_FAILURE:
      return "the peer and we have no cipher suite or signature algorithm in common";
    default:
      return (sent ? "the TLS handshake was ended here with the alert: "
                   : "the peer ended the TLS handshake with the alert: ") +
             name;
  }
}

}  // namespace plait::quic
