// Engine: TLS 1.2 and 1.3 for one connection as bytes in, bytes out, over OpenSSL. No socket.
//
// The caller gives what it received to decrypt() and writes to the peer what encrypt(), decrypt() and shut_down()
// append to `output`. Nothing is kept per idle connection beyond OpenSSL's own state: ciphertext is read straight from
// the caller's view, and an incomplete record is buffered by OpenSSL.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_sink.hpp"
#include "tls/context.hpp"

namespace plait::tls {

enum class Status : std::uint8_t {
  ok,      ///< go on
  closed,  ///< the peer sent close_notify: nothing more will come
  failed,  ///< broken; error() says why; output may hold an alert to send
};

class Engine {
 public:
  /// A server's half of a connection. `context` may be destroyed before the engine (OpenSSL counts references).
  static std::unique_ptr<Engine> accept(const Context& context);
  /// A client's half. `host` is the name for SNI and verification (or an IP address, verified as such).
  static std::unique_ptr<Engine> connect(const Context& context, const std::string& host);
  ~Engine();

  /// Client only: appends the ClientHello. Call once, first.
  Status start(core::ByteSink& output);

  /// Takes all of `ciphertext`; fills `plaintext` from its front, sets `plaintext_size`. When it ran full
  /// (pending() is true), call again with an empty ciphertext after using the plaintext. Handshake messages and alerts
  /// to send are appended to `output`.
  Status decrypt(ByteView& ciphertext, MutableByteView plaintext, std::size_t& plaintext_size, core::ByteSink& output);
  /// Decrypted bytes, or whole unread records, are waiting inside.
  [[nodiscard]] bool pending() const;

  /// Appends records with `plaintext` to `output`. Only after handshake_done().
  Status encrypt(ByteView plaintext, core::ByteSink& output);
  /// Appends close_notify.
  void shut_down(core::ByteSink& output);

  /// False also while a KeyUpdate has arrived in part (RFC 8446 §4.6.3).
  [[nodiscard]] bool handshake_done() const;
  /// The handshake is not done, and never was as far as is known: no plaintext has come.
  [[nodiscard]] bool is_opening() const;
  /// The protocol that ALPN chose, or empty.
  [[nodiscard]] std::string_view alpn() const;
  /// Server: the certificate that the client has shown, which was verified; none before the handshake is done.
  [[nodiscard]] std::optional<ClientCertificate> client_certificate() const;
  /// For a person: what went wrong and what to do, after `failed`.
  [[nodiscard]] const std::string& error() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plait::tls
