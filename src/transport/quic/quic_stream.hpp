// QuicStream: one stream of a QUIC connection, which belongs to a session, as a plait::Stream.
#pragma once

#include <plait/stream.hpp>

#include <cstdint>
#include <memory>
#include <optional>

#include "quic/types.hpp"

namespace plait::transport {

class QuicSession;

class QuicStream final : public Stream {
 public:
  QuicStream(QuicSession& session, quic::StreamId id, bool opened_by_peer)
      : session_(session), id_(id), opened_by_peer_(opened_by_peer) {}

  void set_handler(std::unique_ptr<StreamHandler> handler) { handler_ = std::move(handler); }

  // From the session.
  void handle_data(ByteView data, bool fin);
  void handle_reset(std::optional<std::uint32_t> code);
  void handle_stop(std::optional<std::uint32_t> code);
  /// The backlog shrank.
  void handle_room();
  void handle_closed();

  // Stream
  SendStatus write(ByteView data, bool fin) override;
  SendStatus write(Bytes data, bool fin) override;
  void reset(std::uint32_t code) override;
  void stop(std::uint32_t code) override;
  void consume(std::size_t size) override;
  void set_priority(std::uint32_t group, std::int64_t order) override;
  [[nodiscard]] std::size_t buffered_bytes() const override;
  [[nodiscard]] StreamDirection direction() const override;
  [[nodiscard]] bool opened_by_peer() const override { return opened_by_peer_; }
  [[nodiscard]] std::uint64_t id() const override { return static_cast<std::uint64_t>(id_); }
  [[nodiscard]] Session& session() override;

 private:
  void want_writable();

  QuicSession& session_;
  const quic::StreamId id_;
  const bool opened_by_peer_;
  bool wants_writable_ = false;
  bool read_ended_ = false;                 // by the peer, its way
  bool write_ended_ = false;                // by either side
  std::unique_ptr<StreamHandler> handler_;  // none as long as on_stream() has not returned it
};

}  // namespace plait::transport
