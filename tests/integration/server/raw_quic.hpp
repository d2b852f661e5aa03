// A QUIC peer that speaks HTTP/3, or spec/frames.md, only as far as a test makes it: bytes on streams, either role.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "h3/settings.hpp"
#include "integration/server/support.hpp"
#include "net/loop.hpp"
#include "quic/connection.hpp"
#include "transport/quic/quic_endpoint.hpp"

namespace plait::test {

/// What an HTTP/3 endpoint writes.
namespace raw {
/// A control stream with these SETTINGS.
std::string control_stream(const h3::Settings& settings = h3::webtransport_settings());
std::string goaway(std::uint64_t id);
std::string headers(const std::vector<std::pair<std::string, std::string>>& lines);
std::string data(std::string_view content);
std::string connect(const std::string& path = "/");
std::string request(const std::string& method, const std::string& path);
/// The beginning of a WebTransport stream.
std::string stream_of_session(quic::Direction direction, std::uint64_t session);
}  // namespace raw

class RawQuic final : private quic::ConnectionVisitor {
 public:
  struct Stream {
    std::string data{};
    bool fin = false;
    std::optional<std::uint64_t> reset{};
    std::optional<std::uint64_t> stopped{};
    bool closed = false;
  };

  /// A client of a server on 127.0.0.1.
  explicit RawQuic(std::uint16_t port, const std::string& alpn = "h3", const Limits& limits = {});
  /// A server for one connection, on a free port of 127.0.0.1.
  explicit RawQuic(const TlsFiles& files, const std::string& alpn = "h3");
  ~RawQuic();
  RawQuic(const RawQuic&) = delete;
  RawQuic& operator=(const RawQuic&) = delete;

  [[nodiscard]] std::uint16_t port() const { return endpoint_->name().port(); }
  /// Turns the loop until `done()`; false: not in the time of wait_until.
  bool turn_until(const std::function<bool()>& done, const std::function<void()>& meanwhile = {});
  bool turn_until_ready();
  /// Whether the handshake was done, even if the connection has ended since.
  [[nodiscard]] bool ready() const { return ready_; }
  /// For a server's connection: before it is there.
  std::function<void()> on_ready_do{};
  std::function<void(quic::StreamId)> on_data_do{};

  /// Opens a stream and writes; nothing once the connection has ended, which it may do at any time.
  quic::StreamId open(quic::Direction direction, std::string_view data, bool fin = false);
  void write(quic::StreamId id, std::string_view data, bool fin = false);
  [[nodiscard]] quic::Connection& connection() { return *connection_; }
  [[nodiscard]] const Stream& stream(quic::StreamId id) { return streams_[id]; }
  /// QUIC DATAGRAM frames that came.
  [[nodiscard]] const std::vector<std::string>& datagrams() const { return datagrams_; }
  /// Why the connection ended, once it has.
  [[nodiscard]] const std::optional<quic::CloseReason>& closed() const { return closed_; }
  /// False: what arrives is not paid for with new credit.
  bool consumes = true;

 private:
  RawQuic(std::uint16_t port, const TlsFiles* files, const std::string& alpn, const Limits& limits);
  void on_ready() override;
  void on_stream_data(quic::StreamId id, ByteView data, bool fin) override;
  void on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t final_size) override;
  void on_stream_stopped(quic::StreamId id, std::uint64_t code) override;
  void on_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code) override;
  void on_datagram(ByteView data) override { datagrams_.emplace_back(as_text(data)); }
  void on_closed(const quic::CloseReason& reason) override;

  std::unique_ptr<net::Loop> loop_;
  Limits limits_;
  std::atomic<std::size_t> connection_count_{0};
  std::unique_ptr<transport::LoopContext> context_;
  std::optional<quic::ClientTls> tls_;
  std::unique_ptr<transport::QuicEndpoint> endpoint_;
  quic::Connection* connection_ = nullptr;
  bool ready_ = false;
  std::optional<quic::CloseReason> closed_;
  std::map<quic::StreamId, Stream> streams_;
  std::vector<std::string> datagrams_;
};

}  // namespace plait::test
