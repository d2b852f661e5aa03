// Capsules, in and out (draft-ietf-webtrans-http3 §5.6, §6).
#include <array>
#include <utility>

#include "codec/utf8.hpp"
#include "core/byte_sink.hpp"
#include "h3/capsule_type.hpp"
#include "wt/session.hpp"

namespace plait::wt {
namespace {

constexpr std::uint64_t kStreamLimitMax = std::uint64_t{1} << 60;

}  // namespace

void Session::handle_capsule(const http::Capsule& capsule) {
  switch (capsule.type) {
    case h3::capsule_type::kCloseSession:
      return handle_close_capsule(capsule.value);
    case h3::capsule_type::kDrainSession:
      return capsule.value.empty() ? handle_draining() : fail(Error::capsule_malformed);
    case h3::capsule_type::kMaxData:
      return handle_max_data(capsule.value);
    case h3::capsule_type::kMaxStreamsBidi:
      return handle_max_streams(Direction::bidirectional, capsule.value);
    case h3::capsule_type::kMaxStreamsUni:
      return handle_max_streams(Direction::unidirectional, capsule.value);
    case h3::capsule_type::kDataBlocked:
      read_limit(capsule.value);
      return;
    case h3::capsule_type::kStreamsBlockedBidi:
    case h3::capsule_type::kStreamsBlockedUni:
      return handle_streams_blocked(capsule.value);
    default:  // of the types that the decoder lets pass, the two of streams
      return fail(Error::capsule_prohibited);
  }
}

void Session::handle_close_capsule(ByteView value) {
  if (value.size() < 4) return fail(Error::capsule_malformed);
  const ByteView reason = value.subspan(4);
  if (reason.size() > kCloseReasonBytesMax) return fail(Error::close_reason_too_long);
  if (!codec::is_utf8(reason)) return fail(Error::close_reason_not_utf8);
  CloseInfo info{.reason = std::string{as_text(reason)}, .clean = true};
  for (const std::uint8_t byte : value.first(4)) info.code = info.code << 8 | byte;
  close_received_ = true;
  send_connect({}, true);
  end_streams();
  finish(info);
}

void Session::handle_draining() {
  if (!is_open() || std::exchange(draining_reported_, true)) return;
  visitor_.on_draining();
}

// --- Limits that arrive ---------------------------------------------------------------------------------------------

// None: without flow control limits mean nothing, or the session has failed.
std::optional<std::uint64_t> Session::read_limit(ByteView value) {
  const core::Varint limit = core::decode_varint(value);
  if (limit.size == 0 || limit.size != value.size()) {
    fail(Error::capsule_malformed);
    return std::nullopt;
  }
  return context_.flow_control ? std::optional{limit.value} : std::nullopt;
}

bool Session::raise(std::uint64_t& limit, std::uint64_t value) {
  if (value < limit || (value == limit && context_.strict_limits)) {
    fail(Error::limit_not_increased);
    return false;
  }
  return std::exchange(limit, value) != value;
}

void Session::handle_max_data(ByteView value) {
  const auto limit = read_limit(value);
  if (limit && raise(peer_data_limit_, *limit)) flush();
}

void Session::handle_max_streams(Direction direction, ByteView value) {
  const auto limit = read_limit(value);
  if (!limit) return;
  if (*limit > kStreamLimitMax) return fail(Error::stream_limit_too_high);
  if (raise(counts_of(direction).peer_limit, *limit)) visitor_.on_streams_available(direction);
}

void Session::handle_streams_blocked(ByteView value) {
  const auto limit = read_limit(value);
  if (limit && *limit > kStreamLimitMax) fail(Error::stream_limit_too_high);
}

// --- Capsules that leave --------------------------------------------------------------------------------------------

void Session::send_capsule(std::uint64_t type, ByteView value, bool fin) {
  core::VectorSink out;
  http::encode_capsule(type, value, out);
  send_connect(Bytes::copy_of(out.bytes), fin);
}

void Session::send_limit(std::uint64_t type, std::uint64_t limit) {
  std::array<std::uint8_t, core::kVarintBytesMax> value{};
  const std::size_t size = core::encode_varint(limit, value.data());
  send_capsule(type, ByteView{value}.first(size));
}

// Once for each limit.
void Session::send_blocked(std::uint64_t type, std::uint64_t limit, std::uint64_t& blocked_at) {
  if (std::exchange(blocked_at, limit) == limit || blocked_capsules_ == kBlockedCapsulesMax) return;
  ++blocked_capsules_;
  send_limit(type, limit);
}

// A peer whose capsules are not in DATA frames finds none there either (PyWebTransport up to 0.10).
void Session::send_connect(Bytes data, bool fin) {
  if (context_.connection.uses_unframed_capsules(id_)) {
    context_.connection.send_unframed(id_, std::move(data), fin);
  } else {
    context_.connection.send_data(id_, std::move(data), fin);
  }
}

}  // namespace plait::wt
