#include "integration/server/raw_quic.hpp"

#include "core/byte_sink.hpp"
#include "core/varint.hpp"
#include "crypto/file.hpp"
#include "h3/frame.hpp"
#include "h3/qpack.hpp"

namespace plait::test {
namespace raw {

std::string control_stream(const h3::Settings& settings) {
  core::VectorSink payload;
  h3::encode_settings(settings, payload);
  const h3::FrameHeader header{h3::frame_type::kSettings, payload.bytes.size()};
  return std::string(1, '\0').append(as_text(header.view())).append(as_text(ByteView{payload.bytes}));
}

std::string goaway(std::uint64_t id) {
  core::VectorSink value;
  value.commit(core::encode_varint(id, value.reserve(core::kVarintBytesMax).data()));
  const h3::FrameHeader header{h3::frame_type::kGoaway, value.bytes.size()};
  return std::string{as_text(header.view())}.append(as_text(ByteView{value.bytes}));
}

std::string headers(const std::vector<std::pair<std::string, std::string>>& lines) {
  h3::Qpack qpack;
  std::vector<http::Field> fields;
  for (const auto& [name, value] : lines) fields.push_back({name, value});
  return std::string{as_text(qpack.encode_headers(fields).view())};
}

std::string data(std::string_view content) {
  const h3::FrameHeader header{h3::frame_type::kData, content.size()};
  return std::string{as_text(header.view())}.append(content);
}

std::string connect(const std::string& path) {
  return headers({{":method", "CONNECT"},
                  {":scheme", "https"},
                  {":authority", "localhost"},
                  {":path", path},
                  {":protocol", "webtransport"}});
}

std::string request(const std::string& method, const std::string& path) {
  return headers({{":method", method}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}});
}

std::string stream_of_session(quic::Direction direction, std::uint64_t session) {
  const bool both = direction == quic::Direction::bidirectional;
  const h3::FrameHeader header{both ? h3::frame_type::kWebTransportStream : h3::stream_type::kWebTransport, session};
  return std::string{as_text(header.view())};
}

}  // namespace raw

RawQuic::RawQuic(std::uint16_t port, const std::string& alpn, const Limits& limits)
    : RawQuic(port, nullptr, alpn, limits) {}
RawQuic::RawQuic(const TlsFiles& files, const std::string& alpn) : RawQuic(0, &files, alpn, {}) {}

RawQuic::RawQuic(std::uint16_t port, const TlsFiles* files, const std::string& alpn, const Limits& limits)
    : limits_(limits) {
  loop_ = *net::Loop::make();
  context_ = std::make_unique<transport::LoopContext>(*loop_, limits_, 0, connection_count_);
  auto socket = net::UdpSocket::bind(net::Address{.host = "127.0.0.1"}, {});
  EXPECT_TRUE(socket);
  quic::EndpointConfig config;
  config.settings.odd_frames_burst = 1'000'000;  // whatever a test provokes
  config.settings.cancel_frames_burst = 1'000'000;
  transport::QuicEndpoint::Accept accept;
  if (files != nullptr) {
    auto tls = quic::ServerTls::make({.certificate_pem = *crypto::read_file(files->certificate_file),
                                      .private_key_pem = *crypto::read_file(files->private_key_file),
                                      .alpn = {alpn}});
    EXPECT_TRUE(tls);
    config.server_tls = *tls;
    accept = [this](quic::Connection& connection) -> quic::ConnectionVisitor* {
      connection_ = &connection;
      return this;
    };
  }
  endpoint_ = std::make_unique<transport::QuicEndpoint>(*context_, std::move(*socket), config, accept);
  EXPECT_TRUE(endpoint_->start());
  if (files != nullptr) return;
  quic::ClientTlsConfig client;
  client.verify = quic::ClientTlsConfig::Verify::off;
  client.alpn = {alpn};
  client.wall_clock = [] { return std::chrono::system_clock::now(); };
  tls_ = *quic::ClientTls::make(client);
  const auto remote = net::resolve({.host = "127.0.0.1", .port = port});
  connection_ = *endpoint_->connect(remote->front(), "localhost", *tls_, *this);
}

RawQuic::~RawQuic() = default;

bool RawQuic::turn_until(const std::function<bool()>& done, const std::function<void()>& meanwhile) {
  return wait_until([&] {
    loop_->run_once(2ms);
    if (meanwhile) meanwhile();
    return done();
  });
}

bool RawQuic::turn_until_ready() {
  return turn_until([this] { return ready_ || closed_; }) && ready_;
}

quic::StreamId RawQuic::open(quic::Direction direction, std::string_view data, bool fin) {
  if (connection_ == nullptr) return 0;
  const auto id = connection_->open(direction);
  EXPECT_TRUE(id) << "no more streams";
  if (id) write(*id, data, fin);
  return id.value_or(0);
}

void RawQuic::write(quic::StreamId id, std::string_view data, bool fin) {
  if (connection_ != nullptr) connection_->write(id, Bytes::copy_of(as_bytes(data)), fin);
}

void RawQuic::on_ready() {
  ready_ = true;
  if (on_ready_do) on_ready_do();
}

void RawQuic::on_stream_data(quic::StreamId id, ByteView data, bool fin) {
  Stream& stream = streams_[id];
  stream.data += as_text(data);
  stream.fin = fin;
  if (consumes) connection_->consume(id, data.size());
  if (on_data_do) on_data_do(id);
}

void RawQuic::on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t) { streams_[id].reset = code; }
void RawQuic::on_stream_stopped(quic::StreamId id, std::uint64_t code) { streams_[id].stopped = code; }
void RawQuic::on_stream_closed(quic::StreamId id, std::optional<std::uint64_t>) { streams_[id].closed = true; }

void RawQuic::on_closed(const quic::CloseReason& reason) {
  closed_ = reason;
  connection_ = nullptr;
}

}  // namespace plait::test
