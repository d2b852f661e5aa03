// FrameSession: one session on a wire without HTTP (spec/frames.md), from its open frames on, either role.
#pragma once

#include <plait/session.hpp>

#include <memory>
#include <string>

#include "frames/decoder.hpp"
#include "transport/frame_opening.hpp"
#include "transport/handshake_slot.hpp"
#include "transport/router.hpp"
#include "transport/tcp/stream_session.hpp"

namespace plait::transport {

class FrameSession : public StreamSession {
 public:
  SendStatus send(const Message& message, SendOptions options) override;

  void handle_bytes(MutableByteView& input) override;
  MutableByteView direct_buffer() override { return decoder_.direct_buffer(); }
  void commit_direct(std::size_t count) override { decoder_.commit_direct(count); }
  void handle_deadline(core::TimePoint now) override;

 protected:
  FrameSession(LoopContext& context, std::unique_ptr<SessionHandler> handler, bool parts);
  ~FrameSession() override;

  /// The peer's open frame.
  virtual void handle_open_frame(ByteView payload) = 0;
  /// The peer broke a rule of the framing.
  virtual void fail_decoding(frames::Error error);
  void report_parts(bool parts) { decoder_.report_parts(parts); }

  void encode_ping(ByteView payload) override;
  void encode_pong(ByteView payload) override;
  void encode_close(std::uint16_t code, std::string_view reason) override;
  void encode_part(MessageKind kind, ByteView part, bool first, bool last) override;

 private:
  void handle_event(const frames::Event& event);

  frames::Decoder decoder_;
};

/// The server's side: waits for the client's open frame, finds the route and asks its handler.
class FrameAccept final : public FrameSession, public Opening::Owner {
 public:
  FrameAccept(LoopContext& context, const Router& router) : FrameSession(context, nullptr, false), router_(router) {}

  void handle_open() override;
  void handle_deadline(core::TimePoint now) override;
  void handle_drain() override;
  void handle_closed(const Disconnect& why) override;

 protected:
  void handle_open_frame(ByteView payload) override;
  void fail_decoding(frames::Error error) override;

 private:
  void finish_opening(Opening& opening) override;
  void answer_opening();
  void refuse(std::uint16_t status, std::string_view reason);
  void refuse_unread(std::string_view reason);

  const Router& router_;
  HandshakeSlot handshake_;
  std::unique_ptr<FrameOpening> opening_;  // while it is asked for, or deferred
};

/// The client's side: sends its open frame and waits for the server's.
class FrameConnect final : public FrameSession {
 public:
  FrameConnect(LoopContext& context, std::unique_ptr<SessionHandler> handler, bool parts, FrameRequest request)
      : FrameSession(context, std::move(handler), parts), request_(std::move(request)) {}

  void handle_open() override;
  void handle_closed(const Disconnect& why) override;

 protected:
  void handle_open_frame(ByteView payload) override;
  void fail_decoding(frames::Error error) override;

 private:
  FrameRequest request_;
  std::string refusal_;
};

}  // namespace plait::transport
