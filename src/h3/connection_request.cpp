// Request streams (RFC 9114 §4): heads, content and trailers out of frames, and CONNECT (§4.4).
#include "h3/connection.hpp"

#include <algorithm>

namespace plait::h3 {

void Connection::handle_request_input(StreamId id, Stream& stream, Input& input) {
  while (!closed_ && stream.kind == Kind::request) {
    if (stream.frame.kind == FrameKind::none) {
      if (!stream.frame.header.read(input.rest)) break;
      handle_frame_header(id, stream, input);
    } else {
      if (input.rest.empty() && stream.frame.bytes_left > 0) break;
      handle_payload(id, stream, input);
    }
  }
  if (closed_) return;
  if (stream.kind == Kind::discarded) return discard(stream, input);
  if (!input.fin) return;
  if (!stream.frame.between_frames()) return fail(Error::frame_truncated);
  handle_message_end(id, stream);
}

// The header's bytes are used up when it is whole; those of a capsule outside of DATA are the visitor's.
void Connection::handle_frame_header(StreamId id, Stream& stream, Input& input) {
  const std::size_t header_bytes = stream.frame.header.bytes().size();
  stream.frame.bytes_left = stream.frame.header.length();
  begin_frame(id, stream);
  if (stream.frame.kind != FrameKind::capsule) input.framing_bytes += header_bytes;
  stream.frame.header.reset();
}

void Connection::begin_frame(StreamId id, Stream& stream) {
  const std::uint64_t type = stream.frame.header.type();
  if (is_frame_of_http2(type)) return fail(Error::frame_of_http2);
  switch (type) {
    case frame_type::kData:
      return begin_data(id, stream);
    case frame_type::kHeaders:
      return begin_section(id, stream);
    case frame_type::kPushPromise:
      return fail(options_.role == Role::server ? Error::push_promise_from_client : Error::push_promise_not_allowed);
    case frame_type::kSettings:
    case frame_type::kGoaway:
    case frame_type::kCancelPush:
    case frame_type::kMaxPushId:
      return fail(Error::frame_on_request_stream);
    default:
      return begin_extension(id, stream);
  }
}

void Connection::begin_data(StreamId id, Stream& stream) {
  if (stream.phase == Phase::head) return fail(Error::data_before_headers);
  if (stream.phase == Phase::trailers) return fail(Error::frame_after_trailers);
  if (stream.content_length_given) {
    if (stream.frame.bytes_left > stream.content_bytes_left) {
      return fail_stream(id, stream, Error::content_length_mismatch);
    }
    stream.content_bytes_left -= stream.frame.bytes_left;
  }
  stream.frame.kind = FrameKind::data;
}

void Connection::begin_section(StreamId id, Stream& stream) {
  if (stream.phase == Phase::tunnel) return fail(Error::frame_after_connect);
  if (stream.phase == Phase::trailers) return fail(Error::frame_after_trailers);
  if (stream.phase == Phase::head && id >= goaway_limit_) return fail_stream(id, stream, Error::request_rejected);
  if (stream.frame.bytes_left > options_.settings.field_section_bytes_max.value_or(kFieldSectionBytesMax)) {
    return fail_stream(id, stream, Error::field_section_too_large);
  }
  stream.frame.kind = FrameKind::gathered;
}

void Connection::begin_extension(StreamId id, Stream& stream) {
  const std::uint64_t type = stream.frame.header.type();
  stream.frame.kind = FrameKind::skipped;
  if (!is_webtransport_enabled()) return;
  if (type == frame_type::kWebTransportStream) return fail(Error::webtransport_frame_not_first);
  if (stream.phase != Phase::tunnel || !is_webtransport_capsule(type)) return;
  stream.frame.kind = FrameKind::capsule;
  stream.unframed_capsules = true;
  visitor_.on_data(id, stream.frame.header.bytes());
}

void Connection::handle_payload(StreamId id, Stream& stream, Input& input) {
  Frame& frame = stream.frame;
  if (frame.kind == FrameKind::gathered) {
    ByteView section;
    if (gather(frame, input, section)) handle_section(id, stream, section);
    return;
  }
  const ByteView piece = input.take(frame.bytes_left);
  frame.bytes_left -= piece.size();
  const bool skipped = frame.kind == FrameKind::skipped;
  if (frame.bytes_left == 0) frame.kind = FrameKind::none;
  if (skipped) {
    input.framing_bytes += piece.size();
  } else if (!piece.empty()) {
    visitor_.on_data(id, piece);
  }
}

// --- Field sections -------------------------------------------------------------------------------------------------

void Connection::handle_section(StreamId id, Stream& stream, ByteView section) {
  const auto bytes_max = options_.settings.field_section_bytes_max.value_or(kFieldSectionBytesMax);
  auto decoded = qpack_.decode(
      section, {.bytes_max = static_cast<std::size_t>(bytes_max), .fields_max = options_.field_count_max});
  release(stream.frame);
  if (!decoded) return refuse_section(id, stream, decoded.error());
  if (stream.phase == Phase::content) {
    stream.phase = Phase::trailers;
    if (const auto checked = check_trailers(*decoded); !checked) fail_stream(id, stream, checked.error());
  } else if (options_.role == Role::server) {
    decoded->join_cookies();
    handle_request_head(id, stream, *decoded);
  } else {
    handle_response_head(id, stream, *decoded);
  }
}

// Who sends too many fields is told so by a response, as over HTTP/1.1.
void Connection::refuse_section(StreamId id, Stream& stream, Error error) {
  const bool is_request = options_.role == Role::server && stream.phase == Phase::head && id < goaway_limit_;
  if (error != Error::too_many_fields || !is_request) return fail_stream(id, stream, error);
  stream.phase = Phase::content;
  announce_request(id, stream);
  visitor_.on_too_many_fields(id);
}

void Connection::announce_request(StreamId id, Stream& stream) {
  next_request_ = std::max(next_request_, id + 4);
  stream.announced = true;
}

void Connection::handle_request_head(StreamId id, Stream& stream, const FieldSection& section) {
  if (id >= goaway_limit_) return fail_stream(id, stream, Error::request_rejected);  // sent since the frame began
  const auto head = parse_request(section, options_.settings.extended_connect);
  if (!head) return fail_stream(id, stream, head.error());
  stream.phase = head->is_connect() ? Phase::tunnel : Phase::content;
  if (stream.phase == Phase::content) {
    if (const auto expected = expect_content(stream, head->fields); !expected) {
      return fail_stream(id, stream, expected.error());
    }
  }
  announce_request(id, stream);
  visitor_.on_request(id, *head);
}

void Connection::handle_response_head(StreamId id, Stream& stream, const FieldSection& section) {
  const auto head = parse_response(section);
  if (!head) return fail_stream(id, stream, head.error());
  if (!head->is_interim()) {
    const bool accepted = stream.is_connect && head->status / 100 == 2;
    stream.phase = accepted ? Phase::tunnel : Phase::content;
    const bool without_content = accepted || stream.is_head_request || head->status == 204 || head->status == 304;
    if (!without_content) {
      if (const auto expected = expect_content(stream, head->fields); !expected) {
        return fail_stream(id, stream, expected.error());
      }
    }
  }
  visitor_.on_response(id, *head);
}

Result<void, Error> Connection::expect_content(Stream& stream, const http::Fields& fields) {
  const auto length = content_length_of(fields);
  if (!length) return err(length.error());
  stream.content_length_given = length->has_value();
  stream.content_bytes_left = length->value_or(0);
  return {};
}

void Connection::handle_message_end(StreamId id, Stream& stream) {
  if (stream.phase == Phase::head) {
    const bool request = options_.role == Role::server;
    return fail_stream(id, stream, request ? Error::request_incomplete : Error::response_incomplete);
  }
  if (stream.content_length_given && stream.content_bytes_left > 0) {
    return fail_stream(id, stream, Error::content_length_mismatch);
  }
  visitor_.on_fin(id);
}

}  // namespace plait::h3
