// RawSession: one session on a QUIC connection of its own (spec/frames.md), either role.
//
// The first bidirectional stream of the client carries the open frames, then the messages, and at last the close
// frames; of a handler that wants streams, open and close alone. All other streams and the QUIC DATAGRAM frames are the
// session's as they are. When the first stream is over both ways, which says that both close frames have arrived, the
// connection is closed with the session's close code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frames/decoder.hpp"
#include "quic/connection.hpp"
#include "transport/frame_opening.hpp"
#include "transport/handshake_slot.hpp"
#include "transport/quic/quic_session.hpp"
#include "wt/early.hpp"

namespace plait::transport {

class RawSession;

/// Client: whoever made a connection hears how it goes.
class RawOwner {
 public:
  /// The server is who it should be: a session can be opened.
  virtual void on_handshake_completed(RawSession&) = 0;
  /// There will be none. It is freed at the end of the turn.
  virtual void on_ended(RawSession& session, const std::string& reason) = 0;

 protected:
  ~RawOwner() = default;
};

class RawSession final : public QuicSession, public quic::ConnectionVisitor, public Opening::Owner {
 public:
  /// In the context's table until the QUIC connection is closed. A server's has a `router`, which outlives it, and
  /// waits at most Limits::handshake_timeout for the client's open frame; a client's has none.
  static RawSession& make(LoopContext& context, const Router* router);
  ~RawSession() override;

  /// `connection` is the one that this is the visitor of.
  void attach(quic::Connection& connection) { quic_ = &connection; }
  /// Client: from attach() to connect(), unless the connection ends before.
  void set_owner(RawOwner* owner) { owner_ = owner; }
  /// Client, once the handshake is completed: opens the session, in the place that `id` has in the context's table.
  void connect(const FrameRequest& request, std::unique_ptr<SessionHandler> handler, Wants wants, SessionId id);
  void drain() override;
  void give_way(const Disconnect& why) override;

  [[nodiscard]] std::optional<Duration> rtt() const override;
  [[nodiscard]] std::string peer() const override;

  // quic::ConnectionVisitor
  void on_handshake_completed() override {
    if (owner_ != nullptr) owner_->on_handshake_completed(*this);
  }
  void on_stream_open(quic::StreamId id) override;
  void on_stream_data(quic::StreamId id, ByteView data, bool fin) override;
  void on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t final_size_bytes) override;
  void on_stream_stopped(quic::StreamId id, std::uint64_t code) override;
  void on_stream_acked(quic::StreamId id, std::uint64_t offset) override;
  void on_stream_sent(quic::StreamId id) override { handle_room(id); }
  void on_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code) override;
  void on_more_streams(quic::Direction direction) override;
  void on_datagram(ByteView data) override;
  void on_datagram_fate(DatagramId id, DatagramFate fate) override;
  void on_closed(const quic::CloseReason& reason) override;

 private:
  // Until both open frames are there.
  struct Waiting {
    explicit Waiting(LoopContext& context) : decoder({}, context.limits, context.loop.buffers()) {}
    frames::Decoder decoder;
    std::vector<std::uint8_t> input;        // at most one frame, then what is behind the client's, within its credit
    bool fin = false;                       // behind that
    std::unique_ptr<FrameOpening> opening;  // of a server, while it is asked for, or deferred
    std::vector<std::string> offered;       // subprotocols, of a client
    wt::EarlyBuffer early;                  // streams and datagrams that overtook the open frame
    HandshakeSlot slot;                     // of a server
  };

  RawSession(LoopContext& context, const Router* router);

  // QuicSession
  Result<StreamId, StreamError> wire_open(StreamDirection direction) override;
  bool wire_write(StreamId id, Bytes data, bool fin) override;
  void wire_reset(StreamId id, std::uint32_t code) override;
  void wire_stop(StreamId id, std::uint32_t code) override;
  void wire_consume(StreamId id, std::size_t bytes) override;
  void wire_set_priority(StreamId id, std::uint32_t group, std::int64_t order) override;
  [[nodiscard]] std::size_t wire_buffered_bytes(StreamId id) const override;
  [[nodiscard]] std::size_t wire_unsent_bytes(StreamId id) const override;
  void wire_tell_when_sent(StreamId id) override;
  bool wire_send_datagram(ByteView data, std::optional<std::uint32_t> id) override;
  [[nodiscard]] std::size_t wire_datagram_bytes_max() const override { return quic_->datagram_bytes_max(); }
  void wire_close(std::uint32_t code, std::string_view reason) override;
  [[nodiscard]] quic::ConnectionStats wire_stats() const override;
  void wire_abort() override;
  void give_up(const std::string& reason) override { give_up(reason, 0); }
  void handle_opening_timeout() override;
  void release(bool settled) override;

  // The opening
  void give_up(const std::string& reason, int status);
  void take_opening(ByteView data, bool fin);
  void take_request(ByteView payload, ByteView rest, bool fin);
  void finish_opening(Opening& opening) override;
  void answer_client();
  void refuse_client(const frames::OpenResponse& response);
  void refuse_unread(std::string_view reason);
  void take_response(ByteView payload, ByteView rest, bool fin);
  void begin(std::string_view subprotocol, const std::unique_ptr<Waiting>& waiting, ByteView rest, bool fin);
  void deliver_early(wt::EarlyBuffer& early);
  void deliver(const wt::EarlyStream& early);
  void keep_early(quic::StreamId id, ByteView data, bool fin);
  void refuse_stream(quic::StreamId id);
  [[nodiscard]] bool reports(quic::StreamId id) const;
  void leave();
  void uncount();

  const Router* const router_;
  quic::Connection* quic_ = nullptr;  // none once it is closed
  std::string last_peer_ = "not connected";
  RawOwner* owner_ = nullptr;  // of a client without a session
  std::unique_ptr<Waiting> waiting_;
  bool counted_ = true;       // among Limits::connections_max
  std::uint64_t close_code_;  // what the connection is closed with
  std::string close_reason_;
};

}  // namespace plait::transport
