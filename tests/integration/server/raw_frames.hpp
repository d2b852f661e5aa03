// The frames of spec/frames.md as a peer writes them on the first stream.
#pragma once

#include <string>
#include <string_view>

#include "core/byte_sink.hpp"
#include "frames/frame.hpp"
#include "frames/open.hpp"

namespace plait::test {

inline constexpr std::uint64_t kFirst = 0;  // the client's first bidirectional stream

inline std::string text_of(const core::VectorSink& sink) { return std::string{as_text(ByteView{sink.bytes})}; }

inline std::string open_frame(std::string_view path, std::string_view token = {}) {
  core::VectorSink out;
  frames::encode_open(frames::OpenRequest{.path = path, .authority = "example.org", .token = token}, out);
  return text_of(out);
}

/// `text` is the subprotocol of one that accepts, else the reason.
inline std::string answer_frame(std::uint16_t status, std::string_view text) {
  core::VectorSink out;
  frames::encode_open(frames::OpenResponse{.status = status, .subprotocol = text, .reason = text}, out);
  return text_of(out);
}

inline std::string message(std::string_view text) {
  core::VectorSink out;
  out.append(frames::FrameHeader{frames::FrameType::text, text.size()}.view());
  out.append(as_bytes(text));
  return text_of(out);
}

inline std::string close_message(std::uint16_t code, std::string_view reason = {}) {
  core::VectorSink out;
  frames::encode_close(code, reason, out);
  return text_of(out);
}

}  // namespace plait::test
