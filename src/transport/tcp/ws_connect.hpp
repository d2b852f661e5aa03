// WsConnect: the client's side of one opening handshake (RFC 6455 §4.1), until a WsSession takes its place.
#pragma once

#include <plait/session.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/response.hpp"
#include "transport/tcp/tcp_connection.hpp"
#include "ws/handshake.hpp"

namespace plait::transport {

class WsConnect final : public Protocol {
 public:
  struct Request {
    std::string target;  ///< path and query
    std::string host;    ///< the Host field
    std::vector<std::string> subprotocols;
    std::vector<std::pair<std::string, std::string>> headers;
    bool deflate = false;
    bool parts = false;  ///< what the handler's wants_parts() says
  };

  WsConnect(std::unique_ptr<SessionHandler> handler, Request request)
      : handler_(std::move(handler)), request_(std::move(request)) {}

  void handle_open() override;
  void handle_bytes(MutableByteView& input) override;
  void handle_deadline(core::TimePoint now) override;
  void handle_drain() override { connection().abort(); }
  void handle_closed(const Disconnect& why) override;

 private:
  void handle_response(const http::ResponseHead& head);
  void handle_refusal(const http::ResponseHead& head, ByteView body);
  void fail(std::string reason);

  std::unique_ptr<SessionHandler> handler_;
  Request request_;
  ws::Key key_{};
  std::string failure_;
  std::size_t scanned_ = 0;
  std::size_t interim_bytes_ = 0;  // of responses before the final one
  int status_ = 0;                 // of the refusal, once there is one
  bool answered_ = false;          // anything was received
};

}  // namespace plait::transport
