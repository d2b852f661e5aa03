#include "tls/context.hpp"

#include <openssl/err.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "crypto/certificate.hpp"
#include "tls/alpn.hpp"
#include "tls/server_names.hpp"
#include "tls/state.hpp"

namespace plait::tls {
namespace {

// AES-128-GCM first: with AES instructions it is the fastest, and 256 bits protect no better against anyone today.
constexpr char kTls13Ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// Forward secrecy and authenticated encryption only (RFC 9325 §4.2).
constexpr char kTls12Ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

constexpr char kAlpnError[] = "each ALPN protocol must have 1 to 255 bytes, all together at most 65535";

Error openssl_error(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return {what + (reason == nullptr ? std::string{} : " (" + std::string{reason} + ")"), 0};
}

// Without this OpenSSL would ask at the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<SslContext, Error> make_context(const SSL_METHOD* method, Version version_max) {
  SslContext context{SSL_CTX_new(method)};
  const int version = version_max == Version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
  const bool set = context && SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(context.get(), version) == 1 &&
                   SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers) == 1 &&
                   SSL_CTX_set_ciphersuites(context.get(), kTls13Ciphers) == 1;
  if (!set) return err(openssl_error("cannot set up TLS"));
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);          // an idle connection keeps no record buffers
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets need none
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  return context;
}

Result<void, Error> check_readable(const char* what, const char* fix, const std::string& file) {
  if (file.empty()) return err(Error{std::string{"no "} + what + " file given: " + fix, ENOENT});
  if (std::FILE* opened = std::fopen(file.c_str(), "rbe"); opened != nullptr) {
    std::fclose(opened);
    return {};
  }
  const int code = errno;
  return err(Error{
      std::string{"cannot read "} + what + " file " + file + ": " + std::generic_category().message(code) + "; " + fix,
      code});
}

Result<void, Error> load_certificate(SSL_CTX& context, const std::string& file) {
  if (auto readable = check_readable("certificate", "give a PEM file with the chain, leaf first", file); !readable) {
    return readable;
  }
  if (SSL_CTX_use_certificate_chain_file(&context, file.c_str()) == 1) return {};
  Error error = openssl_error("certificate file " + file + " has no usable PEM certificate chain");
  error.message += "; give a PEM file with the chain, leaf first";
  return err(std::move(error));
}

Result<void, Error> load_private_key(SSL_CTX& context, const std::string& file, const std::string& certificate_file) {
  if (auto readable = check_readable("private key", "give the certificate's key in PEM", file); !readable) {
    return readable;
  }
  const bool usable = SSL_CTX_use_PrivateKey_file(&context, file.c_str(), SSL_FILETYPE_PEM) == 1;
  // A key of another type than the certificate's is taken without a word; only the check finds that.
  if (usable && SSL_CTX_check_private_key(&context) == 1) return {};
  const bool mismatch = usable || ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
  ERR_clear_error();
  if (mismatch) {
    return err(Error{"private key file " + file + " does not belong to certificate file " + certificate_file +
                         ": give the key that the certificate was made with",
                     0});
  }
  return err(Error{"private key file " + file + " has no usable PEM private key; it must not need a passphrase", 0});
}

Result<void, Error> load_authorities(SSL_CTX& context, const std::string& file) {
  if (file.empty()) {
    if (SSL_CTX_set_default_verify_paths(&context) == 1) return {};
    return err(openssl_error("cannot load the system's certificate authorities: give a certificate authority file"));
  }
  if (auto readable = check_readable("certificate authority", "give a PEM file", file); !readable) return readable;
  if (SSL_CTX_load_verify_file(&context, file.c_str()) == 1) return {};
  return err(openssl_error("certificate authority file " + file + " has no PEM certificate"));
}

// Who shows a certificate shows it to every connection: a ticket would pass on what was verified long ago.
Result<void, Error> check_clients(SSL_CTX& context, ClientCheck check, const std::string& file) {
  if (check == ClientCheck::off) return {};
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(&context, 0);  // TLS 1.3 has tickets of another kind instead
  const char* fix = "give a PEM file with the authorities that sign clients' certificates";
  if (auto readable = check_readable("client certificate authority", fix, file); !readable) return readable;
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(file.c_str());
  const bool loaded = names != nullptr && SSL_CTX_load_verify_file(&context, file.c_str()) == 1;
  if (!loaded) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return err(openssl_error("client certificate authority file " + file + " has no PEM certificate"));
  }
  SSL_CTX_set_client_CA_list(&context, names);
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | (check == ClientCheck::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

Result<SslContext, Error> make_server_context(const ServerConfig& config, const CertificateFiles& files) {
  auto context = make_context(TLS_server_method(), Version::tls_1_3);
  if (!context) return err(context.error());
  if (auto loaded = load_certificate(**context, files.certificate_file); !loaded) return err(loaded.error());
  auto key = load_private_key(**context, files.private_key_file, files.certificate_file);
  if (!key) return err(key.error());
  SSL_CTX_set_num_tickets(context->get(), 1);  // each costs the client's first read 250 bytes; one resumes as well
  if (auto checks = check_clients(**context, config.client_check, config.client_authority_file); !checks) {
    return err(checks.error());
  }
  if (!select_protocols(**context, config.alpn)) return err(Error{kAlpnError, 0});
  return context;
}

}  // namespace

Context::Context(std::unique_ptr<State> state) : state_(std::move(state)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Result<Context, Error> Context::server(const ServerConfig& config) {
  auto context = make_server_context(config, {config.certificate_file, config.private_key_file});
  if (!context) return err(context.error());
  auto names = std::make_unique<ServerNames>();
  for (const CertificateFiles& files : config.further) {
    auto further = make_server_context(config, files);
    if (!further) return err(further.error());
    auto info = crypto::read_certificate(files.certificate_file);
    if (!info) return err(info.error());
    names->add(std::move(info->names), std::move(*further));
  }
  if (!config.further.empty() && !choose_by_name(**context, std::move(names))) {
    return err(openssl_error("cannot set up TLS"));
  }
  return Context{
      std::make_unique<State>(State{std::move(*context), true, false, config.client_check != ClientCheck::off})};
}

Result<Context, Error> Context::client(const ClientConfig& config) {
  auto context = make_context(TLS_client_method(), config.version_max);
  if (!context) return err(context.error());
  if (config.verify) {
    if (auto loaded = load_authorities(**context, config.authority_file); !loaded) return err(loaded.error());
    SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  }
  if (!config.certificate_file.empty()) {
    if (auto loaded = load_certificate(**context, config.certificate_file); !loaded) return err(loaded.error());
    auto key = load_private_key(**context, config.private_key_file, config.certificate_file);
    if (!key) return err(key.error());
  }
  if (!offer_protocols(**context, config.alpn)) return err(Error{kAlpnError, 0});
  return Context{std::make_unique<State>(State{std::move(*context), false, config.verify, false})};
}

}  // namespace plait::tls
