// Streams: which of them are what, from their first bytes to their end. The frames of the control stream are in
// connection_control.cpp, those of request streams in connection_request.cpp, and what is sent in connection_send.cpp.
#include "h3/connection.hpp"

#include <algorithm>

namespace plait::h3 {

Connection::Connection(const Options& options, Streams& streams, Visitor& visitor, Qpack& qpack)
    : options_(options), streams_(streams), visitor_(visitor), qpack_(qpack) {}

ByteView Connection::Input::take(std::uint64_t bytes_max) {
  const ByteView front = rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, rest.size())));
  rest = rest.subspan(front.size());
  return front;
}

// --- From below -----------------------------------------------------------------------------------------------------

void Connection::handle_ready() {
  ready_ = true;
  open_control_stream();
}

void Connection::handle_streams_available(Direction direction) {
  if (closed_) return;
  if (ready_ && direction == Direction::unidirectional) open_control_stream();
  visitor_.on_streams_available(direction);
}

void Connection::handle_stream_data(StreamId id, ByteView data, bool fin) {
  if (closed_) return;
  Stream* stream = find(id);
  if (stream != nullptr && stream->kind == Kind::webtransport) return handle_webtransport_data(id, data, fin);
  Input input{data, fin};
  if (stream == nullptr && is_critical(id)) {
    handle_critical(id, input);
  } else {
    handle_input(id, stream, input);
  }
  if (input.framing_bytes > 0) streams_.consume(id, input.framing_bytes);
}

void Connection::handle_stream_reset(StreamId id, std::uint64_t error_code) {
  if (closed_) return;
  if (is_critical(id)) return fail(Error::critical_stream_closed);
  Stream* stream = find(id);
  if (stream == nullptr || stream->kind == Kind::opening) {
    // Of a stream that has said nothing only our own side is left to be ended.
    if (!is_local(id) && direction_of(id) == Direction::bidirectional) streams_.reset(id, code::kRequestIncomplete);
  }
  if (stream == nullptr || stream->kind == Kind::discarded) return;
  const std::size_t header_bytes = stream->frame.header.bytes().size();
  if (header_bytes > 0) streams_.consume(id, header_bytes);
  release(stream->frame);
  if (stream->announced) {
    visitor_.on_reset(id, error_code);
  } else if (stream->kind == Kind::request) {
    fail_stream(id, *stream, Error::request_incomplete);
  } else {
    stream->kind = Kind::discarded;
  }
}

bool Connection::handle_stop_sending(StreamId id, std::uint64_t error_code) {
  if (closed_) return true;
  if (id == local_control_) {
    fail(Error::critical_stream_closed);
    return true;
  }
  const Stream* stream = find(id);
  if (stream == nullptr || !stream->announced) return stream != nullptr && stream->kind == Kind::discarded;
  visitor_.on_stop_sending(id, error_code);
  return true;
}

void Connection::handle_stream_closed(StreamId id) {
  if (closed_) return;
  if (is_critical(id) || id == local_control_) return fail(Error::critical_stream_closed);
  Stream* stream = find(id);
  if (stream == nullptr) return;
  const bool announced = stream->announced;
  release(stream->frame);
  table_.erase(id);
  if (announced) visitor_.on_closed(id);
}

void Connection::handle_datagram(ByteView data) {
  constexpr std::uint64_t kQuarterIdMax = (std::uint64_t{1} << 60) - 1;  // RFC 9297 §2.1
  if (closed_ || !options_.settings.takes_datagrams()) return;
  const core::Varint quarter_id = core::decode_varint(data);
  if (quarter_id.size == 0 || quarter_id.value > kQuarterIdMax) return fail(Error::datagram_malformed);
  visitor_.on_datagram(static_cast<StreamId>(quarter_id.value * 4), data.subspan(quarter_id.size));
}

// --- The beginning of a stream --------------------------------------------------------------------------------------

bool Connection::is_critical(StreamId id) const {
  return id == peer_control_ || id == peer_encoder_ || id == peer_decoder_;
}

Connection::Stream* Connection::find(StreamId id) {
  const auto found = table_.find(id);
  return found != table_.end() ? &found->second : nullptr;
}

Connection::Stream* Connection::make_stream(StreamId id) {
  const bool is_server_bidirectional = direction_of(id) == Direction::bidirectional && options_.role == Role::client;
  if (is_server_bidirectional && !is_webtransport_enabled()) {
    fail(Error::server_bidirectional_stream);
    return nullptr;
  }
  if (table_.size() >= options_.streams_max) {
    fail(Error::too_many_streams);
    return nullptr;
  }
  return &table_[id];
}

void Connection::handle_input(StreamId id, Stream* stream, Input& input) {
  if (stream == nullptr) {
    if (is_local(id)) return;
    stream = make_stream(id);
    if (stream == nullptr) return;
  }
  if (stream->kind == Kind::request) return handle_request_input(id, *stream, input);
  if (stream->kind == Kind::discarded) return discard(*stream, input);
  if (direction_of(id) == Direction::unidirectional) return open_unidirectional(id, *stream, input);
  open_bidirectional(id, *stream, input);
}

void Connection::open_bidirectional(StreamId id, Stream& stream, Input& input) {
  HeaderReader& header = stream.frame.header;
  if (!header.read(input.rest)) {
    if (!input.fin) return;
    if (options_.role == Role::client) return fail(Error::server_bidirectional_stream);
    return header.bytes().empty() ? fail_stream(id, stream, Error::request_incomplete) : fail(Error::frame_truncated);
  }
  if (header.type() == frame_type::kWebTransportStream && is_webtransport_enabled()) {
    return begin_webtransport(id, stream, input);
  }
  if (options_.role == Role::client) return fail(Error::server_bidirectional_stream);
  stream.kind = Kind::request;
  handle_frame_header(id, stream, input);
  handle_request_input(id, stream, input);
}

// RFC 9114 §6.2: a stream may end before its type has arrived, and an unknown type is no error.
void Connection::open_unidirectional(StreamId id, Stream& stream, Input& input) {
  HeaderReader& header = stream.frame.header;
  bool whole = header.read_type(input.rest);
  const bool webtransport = whole && header.type() == stream_type::kWebTransport && is_webtransport_enabled();
  if (webtransport) whole = header.read(input.rest);
  if (!whole) {
    if (input.fin) discard(stream, input);
    return;
  }
  if (webtransport) return begin_webtransport(id, stream, input);
  const std::uint64_t type = header.type();
  input.framing_bytes += header.bytes().size();
  header.reset();
  handle_stream_type(type, id, stream, input);
}

void Connection::handle_stream_type(std::uint64_t type, StreamId id, Stream& stream, Input& input) {
  switch (type) {
    case stream_type::kControl:
      return begin_critical(peer_control_, id, Error::control_stream_repeated, input);
    case stream_type::kQpackEncoder:
      return begin_critical(peer_encoder_, id, Error::qpack_stream_repeated, input);
    case stream_type::kQpackDecoder:
      return begin_critical(peer_decoder_, id, Error::qpack_stream_repeated, input);
    case stream_type::kPush:
      return fail(options_.role == Role::server ? Error::push_stream_from_client : Error::push_stream_not_allowed);
    default:
      if (!input.fin) streams_.stop_sending(id, code::kStreamCreationError);
      return discard(stream, input);
  }
}

void Connection::begin_critical(StreamId& slot, StreamId id, Error repeated, Input& input) {
  if (slot != kNone) return fail(repeated);
  slot = id;
  table_.erase(id);
  handle_critical(id, input);
}

void Connection::begin_webtransport(StreamId id, Stream& stream, Input& input) {
  HeaderReader& header = stream.frame.header;
  const auto session = static_cast<StreamId>(header.length());
  if (!is_client_bidirectional(session)) return fail(Error::session_id_invalid);
  input.framing_bytes += header.bytes().size();
  header.reset();
  stream.kind = Kind::webtransport;
  stream.announced = true;
  visitor_.on_webtransport_stream(id, session, direction_of(id));
  if (!closed_) handle_webtransport_data(id, input.rest, input.fin);
}

void Connection::handle_webtransport_data(StreamId id, ByteView data, bool fin) {
  if (!data.empty()) visitor_.on_data(id, data);
  if (fin && !closed_) visitor_.on_fin(id);
}

// --- The end --------------------------------------------------------------------------------------------------------

// All that comes, and what had come of a frame's header, is used up without being looked at.
void Connection::discard(Stream& stream, Input& input) {
  stream.kind = Kind::discarded;
  input.framing_bytes += stream.frame.header.bytes().size() + input.rest.size();
  input.rest = {};
  release(stream.frame);
}

void Connection::release(Frame& frame) {
  gathered_bytes_ -= frame.gathered.size();
  frame = Frame{};
}

void Connection::fail(Error error) {
  if (closed_) return;
  closed_ = true;
  streams_.close(wire_code_of(error), describe(error));
  visitor_.on_connection_error(error);
}

void Connection::fail_stream(StreamId id, Stream& stream, Error error) {
  if (is_connection_error(error)) return fail(error);
  release(stream.frame);
  stream.kind = Kind::discarded;
  streams_.stop_sending(id, wire_code_of(error));
  streams_.reset(id, wire_code_of(error));
  visitor_.on_stream_error(id, error);
}

}  // namespace plait::h3
