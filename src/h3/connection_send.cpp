// What we send: our control stream, heads and content, the headers of WebTransport streams, HTTP Datagrams, GOAWAY.
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "core/assert.hpp"
#include "core/byte_sink.hpp"
#include "h3/connection.hpp"

namespace plait::h3 {
namespace {

// The control stream's type and our SETTINGS frame.
Bytes control_stream_bytes(const Settings& settings) {
  core::VectorSink payload;
  encode_settings(settings, payload);
  core::VectorSink out;
  const std::uint8_t type = stream_type::kControl;
  out.append(ByteView{&type, 1});
  out.append(FrameHeader{frame_type::kSettings, payload.bytes.size()}.view());
  out.append(payload.bytes);
  return Bytes::copy_of(out.bytes);
}

bool has_bad_pseudo_header(const Lines& lines) {
  return std::any_of(lines.view().begin(), lines.view().end(),
                     [](const http::Field& line) { return line.value.empty() || !is_field_value(line.value); });
}

}  // namespace

// No more than this one: without a dynamic table QPACK needs no streams (RFC 9204 §4.2).
void Connection::open_control_stream() {
  if (closed_ || local_control_ != kNone) return;
  const auto id = streams_.open(Direction::unidirectional);
  if (!id) return;
  local_control_ = *id;
  streams_.write(*id, control_stream_bytes(options_.settings), false);
}

// --- Requests and responses -----------------------------------------------------------------------------------------

Result<StreamId, SendError> Connection::request(const RequestHead& head, bool fin) {
  PLAIT_ASSERT(options_.role == Role::client, "servers send no requests");
  if (closed_) return err(SendError::closed);
  if (peer_goaway_) return err(SendError::going_away);
  const bool extended = !head.protocol.empty();
  if (extended && !(peer_settings_ && peer_settings_->extended_connect)) {
    return err(SendError::extended_connect_not_enabled);
  }
  Lines lines;
  lines.add(":method", head.method);
  if (!head.is_connect() || extended) lines.add(":scheme", head.scheme);
  lines.add(":authority", head.authority);
  if (!head.is_connect() || extended) lines.add(":path", head.path);
  if (extended) lines.add(":protocol", head.protocol);
  if (has_bad_pseudo_header(lines)) return err(SendError::field_invalid);
  for (const http::Field& field : head.fields) {
    if (!lines.add_field(field)) return err(SendError::field_invalid);
  }
  auto frame = encode_head(lines);
  if (!frame) return err(frame.error());
  const auto id = streams_.open(Direction::bidirectional);
  if (!id) return err(SendError::stream_limit);
  Stream& stream = table_[*id];
  stream.kind = Kind::request;
  stream.announced = true;
  stream.is_connect = head.is_connect();
  stream.is_head_request = head.method == "HEAD";
  stream.head_sent = true;
  streams_.write(*id, *std::move(frame), fin);
  return *id;
}

Result<void, SendError> Connection::respond(StreamId id, int status, std::span<const http::Field> fields, bool fin) {
  PLAIT_ASSERT(options_.role == Role::server, "clients send no responses");
  Stream* stream = find_sendable(id, Kind::request);
  if (stream == nullptr) return err(SendError::closed);
  if (stream->head_sent) return err(SendError::already_responded);
  if (status < 100 || status > 599 || status == 101) return err(SendError::field_invalid);
  std::array<char, 3> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  Lines lines;
  lines.add(":status", {digits.data(), digits.size()});
  for (const http::Field& field : fields) {
    if (!lines.add_field(field)) return err(SendError::field_invalid);
  }
  auto frame = encode_head(lines);
  if (!frame) return err(frame.error());
  stream->head_sent = status >= 200;
  streams_.write(id, *std::move(frame), fin);
  return {};
}

Result<Bytes, SendError> Connection::encode_head(const Lines& lines) {
  if (peer_settings_ && peer_settings_->field_section_bytes_max &&
      lines.section_bytes() > *peer_settings_->field_section_bytes_max) {
    return err(SendError::field_section_too_large);
  }
  return qpack_.encode_headers(lines.view());
}

Connection::Stream* Connection::find_sendable(StreamId id, Kind kind) {
  Stream* stream = closed_ ? nullptr : find(id);
  return stream != nullptr && stream->announced && stream->kind == kind ? stream : nullptr;
}

void Connection::send_data(StreamId id, Bytes data, bool fin) {
  const Stream* stream = find_sendable(id, Kind::request);
  if (stream == nullptr) return;
  PLAIT_ASSERT(stream->head_sent, "content comes after the head");
  if (!data.empty()) {
    streams_.write(id, Bytes::copy_of(FrameHeader{frame_type::kData, data.size()}.view()), false);
  }
  if (!data.empty() || fin) streams_.write(id, std::move(data), fin);
}

// --- WebTransport ---------------------------------------------------------------------------------------------------

Result<StreamId, SendError> Connection::open_webtransport_stream(Direction direction, StreamId session) {
  PLAIT_ASSERT(is_client_bidirectional(session), "a session ID is that of a CONNECT stream");
  if (closed_) return err(SendError::closed);
  const auto id = streams_.open(direction);
  if (!id) return err(SendError::stream_limit);
  Stream& stream = table_[*id];
  stream.kind = Kind::webtransport;
  stream.announced = true;
  const bool bidirectional = direction == Direction::bidirectional;
  const std::uint64_t type = bidirectional ? frame_type::kWebTransportStream : stream_type::kWebTransport;
  streams_.write(*id, Bytes::copy_of(FrameHeader{type, static_cast<std::uint64_t>(session)}.view()), false);
  return *id;
}

void Connection::send_unframed(StreamId id, Bytes data, bool fin) {
  if (closed_) return;
  streams_.write(id, std::move(data), fin);
}

bool Connection::uses_unframed_capsules(StreamId id) const {
  const auto found = table_.find(id);
  return found != table_.end() && found->second.unframed_capsules;
}

// --- HTTP Datagrams -------------------------------------------------------------------------------------------------

std::size_t Connection::datagram_bytes_max(StreamId id) const {
  if (closed_ || !peer_settings_ || !peer_settings_->takes_datagrams()) return 0;
  if (!options_.settings.takes_datagrams()) return 0;
  const std::size_t bytes_max = streams_.datagram_bytes_max();
  const std::size_t id_bytes = core::varint_size(static_cast<std::uint64_t>(id) / 4);
  return bytes_max > id_bytes ? bytes_max - id_bytes : 0;
}

bool Connection::send_datagram(StreamId id, ByteView payload) {
  constexpr std::size_t kUsualBytesMax = 1536;
  if (datagram_bytes_max(id) == 0) return false;
  // One that is too large for now is refused by QUIC, by its size, which then looks for larger packets.
  if (payload.size() > streams_.datagram_bytes_max()) return streams_.send_datagram(payload);
  std::array<std::uint8_t, kUsualBytesMax> usual;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::vector<std::uint8_t> large;
  std::uint8_t* out = usual.data();
  if (payload.size() > usual.size() - core::kVarintBytesMax) {
    large.resize(core::kVarintBytesMax + payload.size());
    out = large.data();
  }
  const std::size_t id_bytes = core::encode_varint(static_cast<std::uint64_t>(id) / 4, out);
  std::copy(payload.begin(), payload.end(), out + id_bytes);
  return streams_.send_datagram({out, id_bytes + payload.size()});
}

// --- The connection -------------------------------------------------------------------------------------------------

void Connection::goaway() {
  if (options_.role == Role::client) return send_goaway(0);
  goaway_limit_ = std::min(goaway_limit_, next_request_);
  send_goaway(static_cast<std::uint64_t>(goaway_limit_));
}

void Connection::send_goaway(std::uint64_t id) {
  if (closed_ || local_control_ == kNone || (sent_goaway_ && id >= *sent_goaway_)) return;
  sent_goaway_ = id;
  core::VectorSink out;
  out.append(FrameHeader{frame_type::kGoaway, core::varint_size(id)}.view());
  out.commit(core::encode_varint(id, out.reserve(core::kVarintBytesMax).data()));
  streams_.write(local_control_, Bytes::copy_of(out.bytes), false);
}

void Connection::close(std::uint64_t error_code, std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  streams_.close(error_code, reason);
}

}  // namespace plait::h3
