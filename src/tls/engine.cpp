#include "tls/engine.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <utility>

#include "core/assert.hpp"
#include "crypto/certificate.hpp"
#include "crypto/client_certificate.hpp"
#include "tls/explain.hpp"
#include "tls/state.hpp"
#include "tls/stream_bio.hpp"

namespace plait::tls {

struct Engine::State {
  Stream stream;  // before ssl: its BIO points here
  crypto::Owned<SSL, SSL_free> ssl;
  Status status = Status::ok;
  std::vector<std::uint8_t> held;  // ciphertext behind a full plaintext buffer
  std::string host;                // clients only
  bool checks_client = false;
  bool has_read = false;  // plaintext has come, so the handshake was done once
  std::string error;

  Status conclude(int outcome);
  void fail(std::string why);
};

namespace {

// Lends the caller's views to the stream for one call. OpenSSL reports failures through a queue that must be empty
// before each call to tell them from older ones.
class StreamScope {
 public:
  StreamScope(Stream& stream, ByteView input, core::ByteSink& output) : stream_(stream) {
    if (ERR_peek_error() != 0) ERR_clear_error();  // clearing an empty queue is not cheap
    stream_ = {input, &output};
  }
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;
  ~StreamScope() { stream_ = {}; }

 private:
  Stream& stream_;
};

// OpenSSL's macro for this has a cast that our warnings refuse.
bool set_server_name(SSL& ssl, const std::string& host) {
  return SSL_ctrl(&ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str())) == 1;
}

bool set_host(SSL& ssl, const std::string& host, bool verify) {
  // OpenSSL takes an empty name for "any" and reads up to the first NUL.
  if (host.empty() || std::strlen(host.c_str()) != host.size()) return false;
  const crypto::Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> address{a2i_IPADDRESS(host.c_str())};
  ERR_clear_error();
  if (!address && !set_server_name(ssl, host)) return false;  // RFC 6066 §3: no IP addresses in SNI
  if (!verify) return true;
  SSL_set_hostflags(&ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(&ssl), host.c_str()) == 1;
  return SSL_set1_host(&ssl, host.c_str()) == 1;
}

}  // namespace

void Engine::State::fail(std::string why) {
  status = Status::failed;
  error = std::move(why);
  held = {};
}

// The status after SSL_read or SSL_write answered `outcome`, which was not success.
Status Engine::State::conclude(int outcome) {
  switch (SSL_get_error(ssl.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return Status::ok;
    case SSL_ERROR_ZERO_RETURN:
      return status = Status::closed;
    default:
      fail(explain_failure(*ssl, host));
      return status;
  }
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::accept(const Context& context) {
  PLAIT_ASSERT(context.state_->is_server, "accept() needs a server's context");
  auto state = std::make_unique<State>();
  state->checks_client = context.state_->checks_clients;
  state->ssl.reset(SSL_new(context.state_->ssl_context.get()));
  BIO* bio = make_stream_bio(state->stream);
  PLAIT_ASSERT(state->ssl && bio != nullptr, "out of memory");
  SSL_set_bio(state->ssl.get(), bio, bio);
  SSL_set_accept_state(state->ssl.get());
  return std::unique_ptr<Engine>{new Engine{std::move(state)}};
}

std::unique_ptr<Engine> Engine::connect(const Context& context, const std::string& host) {
  PLAIT_ASSERT(!context.state_->is_server, "connect() needs a client's context");
  auto state = std::make_unique<State>();
  state->host = host;
  state->ssl.reset(SSL_new(context.state_->ssl_context.get()));
  BIO* bio = make_stream_bio(state->stream);
  PLAIT_ASSERT(state->ssl && bio != nullptr, "out of memory");
  SSL_set_bio(state->ssl.get(), bio, bio);
  SSL_set_connect_state(state->ssl.get());
  if (!set_host(*state->ssl, crypto::without_final_dot(host), context.state_->verify))
    state->fail("'" + host + "' is no valid host name");
  return std::unique_ptr<Engine>{new Engine{std::move(state)}};
}

Status Engine::start(core::ByteSink& output) {
  State& state = *state_;
  if (state.status != Status::ok) return state.status;
  const StreamScope scope{state.stream, {}, output};
  const int outcome = SSL_do_handshake(state.ssl.get());
  return outcome == 1 ? Status::ok : state.conclude(outcome);
}

Status Engine::decrypt(ByteView& ciphertext, MutableByteView plaintext, std::size_t& plaintext_size,
                       core::ByteSink& output) {
  State& state = *state_;
  plaintext_size = 0;
  const ByteView input = std::exchange(ciphertext, {});
  if (state.status != Status::ok) return state.status;
  if (!state.held.empty()) state.held.insert(state.held.end(), input.begin(), input.end());
  const std::vector<std::uint8_t> held = std::exchange(state.held, {});
  const StreamScope scope{state.stream, held.empty() ? input : ByteView{held}, output};
  while (plaintext_size < plaintext.size()) {
    std::size_t size = 0;
    const MutableByteView rest = plaintext.subspan(plaintext_size);
    if (SSL_read_ex(state.ssl.get(), rest.data(), rest.size(), &size) != 1) return state.conclude(0);
    plaintext_size += size;
    state.has_read = true;
    // Nothing more can come: spares the common small message another SSL_read().
    if (state.stream.input.empty() && SSL_pending(state.ssl.get()) == 0) return Status::ok;
  }
  state.held.assign(state.stream.input.begin(), state.stream.input.end());
  return Status::ok;
}

// Not SSL_has_pending(), which is also true for the first part of a record.
bool Engine::pending() const {
  return state_->status == Status::ok && (SSL_pending(state_->ssl.get()) > 0 || !state_->held.empty());
}

Status Engine::encrypt(ByteView plaintext, core::ByteSink& output) {
  State& state = *state_;
  if (state.status == Status::failed) return Status::failed;
  PLAIT_ASSERT(handshake_done(), "encrypt() before the handshake is done");
  if (plaintext.empty()) return Status::ok;
  const StreamScope scope{state.stream, {}, output};
  std::size_t size = 0;
  if (SSL_write_ex(state.ssl.get(), plaintext.data(), plaintext.size(), &size) == 1) return Status::ok;
  state.fail(explain_failure(*state.ssl, state.host));
  return Status::failed;
}

void Engine::shut_down(core::ByteSink& output) {
  State& state = *state_;
  if (state.status == Status::failed || !handshake_done()) return;
  const StreamScope scope{state.stream, {}, output};
  SSL_shutdown(state.ssl.get());
  ERR_clear_error();
}

bool Engine::handshake_done() const { return SSL_is_init_finished(state_->ssl.get()) == 1; }

bool Engine::is_opening() const { return !state_->has_read && !handshake_done(); }

std::string_view Engine::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::optional<ClientCertificate> Engine::client_certificate() const {
  if (!state_->checks_client || is_opening()) return std::nullopt;
  X509* certificate = SSL_get0_peer_certificate(state_->ssl.get());
  unsigned char* der = nullptr;
  const int size = certificate == nullptr ? 0 : i2d_X509(certificate, &der);
  if (size <= 0) return std::nullopt;
  auto described = crypto::describe_client({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return described;
}

const std::string& Engine::error() const { return state_->error; }

}  // namespace plait::tls
