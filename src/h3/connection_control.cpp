// The critical streams of the peer: control (RFC 9114 §6.2.1, §7.2) and the two of QPACK (RFC 9204 §4.2).
#include "h3/connection.hpp"

namespace plait::h3 {

void Connection::handle_critical(StreamId id, Input& input) {
  if (id == peer_control_) {
    handle_control(input);
  } else {
    const ByteView data = input.take(input.rest.size());
    input.framing_bytes += data.size();
    handle_qpack(id, data);
  }
  if (input.fin) fail(Error::critical_stream_closed);
}

void Connection::handle_qpack(StreamId id, ByteView data) {
  if (id == peer_encoder_) {
    if (!is_valid_encoder_stream(data)) fail(Error::qpack_encoder_stream);
  } else if (!decoder_stream_.read(data)) {
    fail(Error::qpack_decoder_stream);
  }
}

void Connection::handle_control(Input& input) {
  Frame& frame = control_frame_;
  while (!closed_) {
    if (frame.kind == FrameKind::none) {
      if (!frame.header.read(input.rest)) return;
      input.framing_bytes += frame.header.bytes().size();
      begin_control_frame();
    } else if (frame.kind == FrameKind::skipped) {
      const std::size_t bytes = input.take(frame.bytes_left).size();
      input.framing_bytes += bytes;
      frame.bytes_left -= bytes;
      if (frame.bytes_left > 0) return;
      release(frame);
    } else {
      ByteView payload;
      if (!gather(frame, input, payload)) return;
      handle_control_frame(frame.header.type(), payload);
      release(frame);
    }
  }
}

void Connection::begin_control_frame() {
  Frame& frame = control_frame_;
  const std::uint64_t type = frame.header.type();
  frame.bytes_left = frame.header.length();
  frame.kind = FrameKind::gathered;
  if (!peer_settings_ && type != frame_type::kSettings) return fail(Error::settings_missing);
  if (is_frame_of_http2(type)) return fail(Error::frame_of_http2);
  switch (type) {
    case frame_type::kSettings:
      if (peer_settings_) return fail(Error::settings_repeated);
      break;
    case frame_type::kGoaway:
    case frame_type::kCancelPush:
    case frame_type::kMaxPushId:
      if (frame.bytes_left > core::kVarintBytesMax) return fail(Error::frame_malformed);
      break;
    case frame_type::kData:
    case frame_type::kHeaders:
    case frame_type::kPushPromise:
      return fail(Error::frame_on_control_stream);
    case frame_type::kWebTransportStream:
      if (is_webtransport_enabled()) return fail(Error::webtransport_frame_not_first);
      [[fallthrough]];
    default:
      frame.kind = FrameKind::skipped;
      return;
  }
  if (frame.bytes_left > kControlFrameBytesMax) fail(Error::control_frame_too_large);
}

void Connection::handle_control_frame(std::uint64_t type, ByteView payload) {
  if (type == frame_type::kSettings) return handle_settings(payload);
  const core::Varint id = core::decode_varint(payload);
  if (id.size == 0 || id.size != payload.size()) return fail(Error::frame_malformed);
  if (type == frame_type::kGoaway) return handle_goaway(id.value);
  if (type == frame_type::kMaxPushId) return handle_max_push_id(id.value);
  fail(Error::cancel_push_unknown);
}

void Connection::handle_settings(ByteView payload) {
  auto settings = decode_settings(payload);
  if (!settings) return fail(settings.error());
  if (settings->datagrams && streams_.datagram_bytes_max() == 0) return fail(Error::datagrams_without_transport);
  peer_settings_ = *settings;
  visitor_.on_settings(*peer_settings_);
}

void Connection::handle_goaway(std::uint64_t id) {
  if (options_.role == Role::client && !is_client_bidirectional(static_cast<StreamId>(id))) {
    return fail(Error::goaway_id_invalid);
  }
  if (peer_goaway_ && id > *peer_goaway_) return fail(Error::goaway_id_increased);
  peer_goaway_ = id;
  visitor_.on_goaway(id);
}

void Connection::handle_max_push_id(std::uint64_t id) {
  if (options_.role == Role::client) return fail(Error::max_push_id_from_server);
  if (peer_push_max_ && id < *peer_push_max_) return fail(Error::max_push_id_reduced);
  peer_push_max_ = id;
}

// True once the frame's payload is whole: where it stands, or gathered.
bool Connection::gather(Frame& frame, Input& input, ByteView& whole) {
  const ByteView piece = input.take(frame.bytes_left);
  input.framing_bytes += piece.size();
  frame.bytes_left -= piece.size();
  if (frame.bytes_left == 0 && frame.gathered.empty()) {
    whole = piece;
    return true;
  }
  if (piece.size() > kBufferedSectionsBytesMax - gathered_bytes_) {
    fail(Error::field_sections_too_large);
    return false;
  }
  gathered_bytes_ += piece.size();
  frame.gathered.insert(frame.gathered.end(), piece.begin(), piece.end());
  whole = frame.gathered;
  return frame.bytes_left == 0;
}

}  // namespace plait::h3
