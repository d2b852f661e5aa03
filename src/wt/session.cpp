// A session's life: what opens it, what arrives on its CONNECT stream, and its end. Capsules one by one are in
// session_capsules.cpp, its streams in session_streams.cpp.
#include "wt/session.hpp"

#include <array>
#include <utility>

#include "codec/utf8.hpp"
#include "h3/capsule_type.hpp"
#include "h3/frame.hpp"

namespace plait::wt {
namespace {

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

}  // namespace

Session::Session(StreamId id, SessionContext& context, SessionVisitor& visitor)
    : id_(id),
      context_(context),
      visitor_(visitor),
      capsules_(h3::is_webtransport_capsule, kCapsuleBytesMax),
      peer_data_limit_(context.flow_control ? context.peer().initial_data : kNoLimit),
      local_data_limit_(context.flow_control ? context.local.initial_data : kNoLimit) {
  for (const Direction direction : {Direction::bidirectional, Direction::unidirectional}) {
    StreamCounts& counts = counts_of(direction);
    counts.peer_limit = context.flow_control ? initial_streams(context.peer(), direction) : kNoLimit;
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
  while (is_open()) {
    const auto capsule = capsules_.next(data);
    if (!capsule) return fail(Error::capsule_too_large);
    if (!*capsule) return;
    handle_capsule(**capsule);
  }
  // The session has ended by then, with what WT_CLOSE_SESSION said, however the bytes were cut.
  if (data.empty() || !std::exchange(close_received_, false)) return;
  context_.connection.reset(id_, wire_code_of(Error::data_after_close));
  context_.connection.stop_sending(id_, wire_code_of(Error::data_after_close));
}

void Session::handle_connect_fin() {
  if (phase_ == Phase::closing) return finish_close(true);
  if (!is_open()) return;
  if (!capsules_.finish()) return fail(Error::capsule_truncated);
  send_connect({}, true);
  end_streams();
  finish({.clean = true});
}

// The recipient of WT_CLOSE_SESSION may answer it with a reset (§6).
void Session::handle_connect_reset() {
  if (phase_ == Phase::closing) return finish_close(true);
  if (is_open()) abort();
}

// WT_SESSION_GONE announces a WT_CLOSE_SESSION, which may arrive after it.
void Session::handle_connect_stop_sending(std::uint64_t error_code) {
  if (is_open() && error_code != code::kSessionGone) abort();
}

void Session::handle_lost() {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::closing) return finish_close(false);
  end_streams();
  finish({.clean = false});
}

// --- The end --------------------------------------------------------------------------------------------------------

void Session::drain() {
  if (!is_open() || std::exchange(draining_sent_, true)) return;
  send_capsule(h3::capsule_type::kDrainSession, {});
}

// Code 0 without a reason is FIN alone, which means the same to all peers (§6). The streams are reset when the peer has
// ended its side: Chromium 156 tells its page of a lost connection, three times of ten, when both arrive together.
void Session::close(std::uint32_t code, std::string_view reason) {
  if (!is_open()) return;
  ByteView text = as_bytes(reason);
  text = codec::is_utf8(text) ? codec::utf8_prefix(text, kCloseReasonBytesMax) : ByteView{};
  phase_ = Phase::closing;
  close_ = std::make_unique<OwnClose>(OwnClose{.info = {.code = code, .reason = std::string{as_text(text)}}});
  if (code == 0 && text.empty()) {
    send_connect({}, true);
  } else {
    core::VectorSink value;
    const std::array<std::uint8_t, 4> big_endian{static_cast<std::uint8_t>(code >> 24),
                                                 static_cast<std::uint8_t>(code >> 16),
                                                 static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    value.append(big_endian);
    value.append(text);
    send_capsule(h3::capsule_type::kCloseSession, value.bytes, true);
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
    if (!context_.connection_lost && stream.unconsumed_bytes > 0) {
      context_.connection.consume(id, stream.unconsumed_bytes);
    }
    const EndedStream ended{id, stream.sends, stream.receives && !stream.dropped};
    if (phase_ == Phase::closing) {
      close_->streams.push_back(ended);
    } else {
      tell_end(ended);
    }
    const bool closed = stream.closed;
    stream = Stream{};
    at = closed ? context_.streams.erase(at) : std::next(at);
  }
  blocked_.clear();
  buffered_bytes_ = 0;
}

void Session::tell_end(const EndedStream& stream) {
  if (context_.connection_lost || !context_.streams.contains(stream.id)) return;
  if (stream.sends) context_.connection.reset(stream.id, code::kSessionGone);
  if (stream.receives) context_.connection.stop_sending(stream.id, code::kSessionGone);
}

void Session::finish_close(bool clean) {
  for (const EndedStream& stream : close_->streams) tell_end(stream);
  close_->info.clean = clean;
  finish(close_->info);
}

void Session::finish(const CloseInfo& info) {
  phase_ = Phase::closed;
  visitor_.on_closed(info);
}

}  // namespace plait::wt
