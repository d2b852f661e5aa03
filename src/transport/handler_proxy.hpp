// HandlerProxy: a session's handler that passes everything on to another, for those who want to see some of it.
#pragma once

#include <plait/session.hpp>

#include <memory>

namespace plait::transport {

class HandlerProxy : public SessionHandler {
 public:
  /// `target` outlives the proxy, or set_target() is called.
  explicit HandlerProxy(SessionHandler& target) : target_(&target) {}
  void set_target(SessionHandler& target) { target_ = &target; }

  void on_request(OpeningRequest& request) override { target_->on_request(request); }
  void on_open(Session& session) override { target_->on_open(session); }
  void on_message(Session& session, const Message& message) override { target_->on_message(session, message); }
  [[nodiscard]] bool wants_parts() const override { return target_->wants_parts(); }
  void on_message_part(Session& session, const Message& part, bool last) override {
    target_->on_message_part(session, part, last);
  }
  [[nodiscard]] bool wants_streams() const override { return target_->wants_streams(); }
  std::unique_ptr<StreamHandler> on_stream(Session& session, Stream& stream) override {
    return target_->on_stream(session, stream);
  }
  void on_streams_available(Session& session, StreamDirection direction) override {
    target_->on_streams_available(session, direction);
  }
  void on_datagram(Session& session, ByteView data) override { target_->on_datagram(session, data); }
  void on_datagram_fate(Session& session, DatagramId id, DatagramFate fate) override {
    target_->on_datagram_fate(session, id, fate);
  }
  void on_writable(Session& session) override { target_->on_writable(session); }
  void on_draining(Session& session) override { target_->on_draining(session); }
  void on_close(Session& session, const CloseInfo& info) override { target_->on_close(session, info); }

 private:
  SessionHandler* target_;
};

}  // namespace plait::transport
