#include "tls/explain.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "crypto/trust_advice.hpp"

namespace plait::tls {
namespace {

std::string explain_verification(long result, const std::string& host) {
  const std::string certificate = "the certificate of " + host;
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return certificate + " is not valid for that name: connect by a name that the certificate lists";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return certificate + " has expired: its owner must renew it";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return certificate + " is not valid yet: check this machine's clock";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return certificate + crypto::kSelfSigned;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return certificate + crypto::kUnknownAuthority;
    default:
      return certificate + " is not accepted: " + X509_verify_cert_error_string(result);
  }
}

std::string explain_alert(int alert) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return std::string{"the peer does not accept our certificate (alert: "} + SSL_alert_desc_string_long(alert) + ")";
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return "the server asks for a client certificate: give a certificate and its private key";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return "the peer speaks none of the application protocols (ALPN) we offered";
    case SSL_AD_PROTOCOL_VERSION:
      return "the peer supports neither TLS 1.2 nor 1.3";
    default:
      return std::string{"the peer ended TLS with the alert: "} + SSL_alert_desc_string_long(alert);
  }
}

std::string explain_reason(unsigned long code, int reason, bool is_server) {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return "the peer speaks plain HTTP to a TLS port: use https:// or wss://";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return is_server ? "the peer does not speak TLS" : "the peer does not speak TLS: is this a TLS port?";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "the peer supports neither TLS 1.2 nor 1.3";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the client has shown no certificate";
    case SSL_R_NO_SHARED_CIPHER:
      return "the peer supports none of our cipher suites";
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return "the peer offers none of our application protocols (ALPN)";
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
      return "a TLS record was damaged or forged on its way";
    default:
      break;
  }
  const char* text = ERR_reason_error_string(code);
  return std::string{"TLS failed: "} + (text == nullptr ? "unknown reason" : text);
}

}  // namespace

std::string explain_failure(const SSL& ssl, const std::string& host) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && SSL_is_server(&ssl) == 1) {
    return std::string{"the client's certificate is not accepted: "} +
           X509_verify_cert_error_string(SSL_get_verify_result(&ssl));
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return explain_verification(SSL_get_verify_result(&ssl), host);
  if (reason >= SSL_AD_REASON_OFFSET) return explain_alert(reason - SSL_AD_REASON_OFFSET);
  return explain_reason(code, reason, SSL_is_server(&ssl) == 1);
}

}  // namespace plait::tls
