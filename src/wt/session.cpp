// A session's life: what opens it, what arrives on its CONNECT stream, and its end. Capsules one by one are in
// session_capsules.cpp, its streams in session_streams.cpp.
#include "wt/session.hpp"

#include <array>
#include <utility>

#include "codec/utf8.hpp"
#include "h3/frame.hpp"
#include "wt/capsule_type.hpp"

namespace plait::wt {
namespace {

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

}  // namespace

Session::Session(StreamId id, SessionContext& context, SessionVisitor& visitor)
    : id_(id),
      context_(context),
      visitor_(visitor),
      capsules_(h3::is_webtransport_capsule, kCapsuleBytesMax),
      peer_data_limit_(context.flow_control ? context.peer.initial_data : kNoLimit),
      local_data_limit_(context.flow_control ? context.local.initial_data : kNoLimit) {
  for (const Direction direction : {Direction::bidirectional, Direction::unidirectional}) {
    StreamCounts& counts = counts_of(direction);
    counts.peer_limit = context.flow_control ? initial_streams(context.peer, direction) : kNoLimit;
    counts.local_limit = context.flow_control ? initial_streams(context.local, direction) : kNoLimit;
  }
}

Stream* Session::find(StreamId id) const {
  const auto found = context_.streams.find(id);
  return found != context_.streams.end() && found->second.session == this ? &found->second : nullptr;
}

// --- HTTP Datagrams -------------------------------------------------------------------------------------------------

bool Session::send_datagram(ByteView payload) { return is_open() && context_.connection.send_datagram(id_, payload); }

std::size_t Session::datagram_bytes_max() const { return is_open() ? context_.connection.datagram_bytes_max(id_) : 0; }

void Session::handle_datagram(ByteView payload) {
  if (is_open()) visitor_.on_datagram(payload);
}

// --- The CONNECT stream ---------------------------------------------------------------------------------------------

void Session::handle_connect_data(ByteView data) {
  context_.connection.consume(id_, data.size());
  if (!data.empty() && std::exchange(close_received_, false)) {
    context_.connection.reset(id_, wire_code_of(Error::data_after_close));
    context_.connection.stop_sending(id_, wire_code_of(Error::data_after_close));
  }
  while (is_open()) {
    const auto capsule = capsules_.next(data);
    if (!capsule) return fail(Error::capsule_too_large);
    if (!*capsule) return;
    if ((*capsule)->type == capsule_type::kCloseSession && !data.empty()) return fail(Error::data_after_close);
    handle_capsule(**capsule);
  }
}

void Session::handle_connect_fin() {
  if (phase_ == Phase::closing) return finish(*close_info_);
  if (!is_open()) return;
  if (!capsules_.finish()) return fail(Error::capsule_truncated);
  send_connect({}, true);
  end_streams();
  finish({.clean = true});
}

// The recipient of WT_CLOSE_SESSION may answer it with a reset (§6).
void Session::handle_connect_reset() {
  if (phase_ == Phase::closing) return finish(*close_info_);
  if (is_open()) abort();
}

// WT_SESSION_GONE announces a WT_CLOSE_SESSION, which may arrive after it.
void Session::handle_connect_stop_sending(std::uint64_t error_code) {
  if (is_open() && error_code != code::kSessionGone) abort();
}

void Session::handle_lost() {
  if (phase_ == Phase::closed) return;
  end_streams();
  CloseInfo info = close_info_ ? std::move(*close_info_) : CloseInfo{};
  info.clean = false;
  finish(info);
}

// --- The end --------------------------------------------------------------------------------------------------------

void Session::drain() {
  if (!is_open() || std::exchange(draining_sent_, true)) return;
  send_capsule(capsule_type::kDrainSession, {});
}

// Code 0 without a reason is FIN alone, which means the same to all peers (§6).
void Session::close(std::uint32_t code, std::string_view reason) {
  if (!is_open()) return;
  ByteView text = as_bytes(reason);
  text = codec::is_utf8(text) ? codec::utf8_prefix(text, kCloseReasonBytesMax) : ByteView{};
  phase_ = Phase::closing;
  close_info_ =
      std::make_unique<CloseInfo>(CloseInfo{.code = code, .reason = std::string{as_text(text)}, .clean = true});
  if (code == 0 && text.empty()) {
    send_connect({}, true);
  } else {
    core::VectorSink value;
    const std::array<std::uint8_t, 4> big_endian{static_cast<std::uint8_t>(code >> 24),
                                                 static_cast<std::uint8_t>(code >> 16),
                                                 static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    value.append(big_endian);
    value.append(text);
    send_capsule(capsule_type::kCloseSession, value.bytes, true);
  }
  end_streams();
}

void Session::abort() {
  if (phase_ == Phase::closed) return;
  context_.connection.reset(id_, h3::code::kRequestCancelled);
  context_.connection.stop_sending(id_, h3::code::kRequestCancelled);
  handle_lost();
}

void Session::fail(Error error) {
  context_.connection.reset(id_, wire_code_of(error));
  context_.connection.stop_sending(id_, wire_code_of(error));
  end_streams();
  finish({.error = error});
}

// What is left of each is an entry that swallows what still arrives, until h3 reports the stream's end.
void Session::end_streams() {
  if (std::exchange(stream_count_, 0) == 0) return;
  for (auto at = context_.streams.begin(); at != context_.streams.end();) {
    const StreamId id = at->first;
    Stream& stream = at->second;
    if (stream.session != this) {
      ++at;
      continue;
    }
    if (!context_.connection_lost) {
      if (stream.unconsumed_bytes > 0) context_.connection.consume(id, stream.unconsumed_bytes);
      if (stream.sends) context_.connection.reset(id, code::kSessionGone);
      if (stream.receives && !stream.dropped) context_.connection.stop_sending(id, code::kSessionGone);
    }
    const bool closed = stream.closed;
    stream = Stream{};
    at = closed ? context_.streams.erase(at) : std::next(at);
  }
  blocked_.clear();
  buffered_bytes_ = 0;
}

void Session::finish(const CloseInfo& info) {
  phase_ = Phase::closed;
  visitor_.on_closed(info);
}

}  // namespace plait::wt
