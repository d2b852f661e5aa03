// WsSession: one WebSocket session (RFC 6455) after the opening handshake, either role.
#pragma once

#include <plait/session.hpp>

#include <memory>
#include <string>

#include "codec/deflate.hpp"
#include "transport/tcp/stream_session.hpp"
#include "ws/decoder.hpp"
#include "ws/frame.hpp"
#include "ws/permessage_deflate.hpp"

namespace plait::transport {

class WsSession final : public StreamSession {
 public:
  struct Options {
    ws::Role role = ws::Role::server;
    std::string_view subprotocol;
    bool parts = false;                           ///< what the handler's wants_parts() says
    std::unique_ptr<codec::Deflater> deflater{};  ///< may be null also with an inflater, see ws::deflater_options()
    std::unique_ptr<codec::Inflater> inflater{};

    /// permessage-deflate was negotiated.
    void use_deflate(const ws::DeflateParameters& agreed, const Limits& limits);
  };

  /// `context` is that of the connection that this becomes the protocol of.
  WsSession(LoopContext& context, std::unique_ptr<SessionHandler> handler, Options options);
  ~WsSession() override;

  SendStatus send(const Message& message, SendOptions options) override;
  BurstStatus send_burst(const MessageBurst& burst, SendOptions options) override;

  void handle_open() override;
  void handle_bytes(MutableByteView& input) override;
  MutableByteView direct_buffer() override { return decoder_.direct_buffer(); }
  void commit_direct(std::size_t count) override { decoder_.commit_direct(count); }

 protected:
  void encode_ping(ByteView payload) override { encode_control(ws::Opcode::ping, payload); }
  void encode_pong(ByteView payload) override { encode_control(ws::Opcode::pong, payload); }
  void encode_close(std::uint16_t code, std::string_view reason) override;
  void encode_part(MessageKind kind, ByteView part, bool first, bool last) override;

 private:
  /// While no message is under way in parts.
  void allow_plain_sends();
  [[nodiscard]] std::uint8_t* place_of(MutableByteView payload) const;
  void handle_event(const ws::Event& event);
  void encode_control(ws::Opcode opcode, ByteView payload);
  void encode_frame(ws::Opcode opcode, bool fin, bool rsv1, const Message& payload);
  bool encode_reference(ws::Opcode opcode, bool fin, bool rsv1, const Message& payload);
  void encode_masked(ws::Opcode opcode, bool fin, bool rsv1, ByteView payload);
  bool try_send_in_place(const Message& message);
  [[gnu::noinline]] SendStatus send_plain(const Message& message, SendOptions options);
  SendStatus send_any(const Message& message, SendOptions options);
  SendStatus send_compressed(const Message& message);

  ws::Decoder decoder_;
  std::unique_ptr<codec::Deflater> deflater_;
  std::unique_ptr<codec::Inflater> inflater_;
  ws::Role role_;
  std::uint8_t* handled_ = nullptr;  // payload of the short message that the handler is told of now
};

}  // namespace plait::transport
