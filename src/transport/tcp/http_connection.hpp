// HttpConnection: the server's side of HTTP/1.1 on one connection, until it is upgraded or closed.
//
// Requests are answered in order, each as soon as it is whole; a connection may pipeline them. The opening handshake of
// a WebSocket (RFC 6455 §4.2) replaces this protocol by a WsSession.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/body_decoder.hpp"
#include "http/request.hpp"
#include "transport/handshake_slot.hpp"
#include "transport/router.hpp"
#include "transport/tcp/tcp_connection.hpp"
#include "transport/tcp/ws_upgrade.hpp"

namespace plait::transport {

class HttpConnection final : public Protocol, public Opening::Owner {
 public:
  explicit HttpConnection(const Router& router);
  ~HttpConnection() override;

  void handle_open() override;
  void handle_bytes(MutableByteView& input) override;
  void handle_end() override;
  void handle_deadline(core::TimePoint now) override;
  void handle_drain() override;
  void handle_closed(const Disconnect& why) override;

 private:
  struct PendingBody;  // a request whose body is still being received

  bool handle_request(MutableByteView& input);
  bool handle_body(MutableByteView& input);
  void begin_body(const http::RequestHead& head, ByteView head_bytes);
  void answer(const http::RequestHead& head, ByteView head_bytes, ByteView body);
  void begin_request();
  void upgrade(const http::RequestHead& head, ByteView head_bytes, RouteMatch match);
  void finish_opening(Opening& opening) override;
  void finish_upgrade();
  [[nodiscard]] bool keeps_alive(bool wanted, const HttpResponse& response) const;
  void respond(const HttpResponse& response, bool keep_alive);
  /// Of a request that no middleware hears of.
  void refuse(int status, std::string_view reason);
  void respond_last(int status, std::string_view reason);
  void append_body(const HttpResponse& response);
  void expect_request();
  void begin_delivery(Duration timeout);
  void set_deadline(Duration timeout);
  bool delivers(core::TimePoint now);
  void finish();

  const Router& router_;
  HandshakeSlot handshake_;
  std::unique_ptr<PendingBody> body_;
  std::unique_ptr<WsUpgrade> upgrade_;  // while it is asked for, or deferred
  std::size_t scanned_ = 0;
  std::size_t undelivered_bytes_ = 0;  // of the responses, when the deadline was set
  int minor_version_ = 1;              // of the request that is answered
  bool head_begun_ = false;            // bytes of the next request have arrived
  bool head_only_ = false;             // the request that is answered is HEAD
  bool has_responded_ = false;
  bool draining_ = false;
};

}  // namespace plait::transport
