#include "transport/quic/quic_stream.hpp"

#include <algorithm>
#include <utility>

#include "transport/quic/quic_session.hpp"

namespace plait::transport {

void QuicStream::handle_data(ByteView data, bool fin) {
  session_.count_received(data.size());
  read_ended_ = fin;
  bool consumes = false;
  session_.guarded("on_data", [&] {
    handler_->on_data(*this, data, fin);
    consumes = handler_->consumes();
  });
  if (!consumes) consume(data.size());
}

// A peer may reset what it has ended, until that is acknowledged (RFC 9000 §3.1).
void QuicStream::handle_reset(std::optional<std::uint32_t> code) {
  if (std::exchange(read_ended_, true)) return;
  session_.guarded("on_reset", [&] { handler_->on_reset(*this, code.value_or(0)); });
}

void QuicStream::handle_stop(std::optional<std::uint32_t> code) {
  write_ended_ = true;
  session_.guarded("on_stop", [&] { handler_->on_stop(*this, code.value_or(0)); });
}

void QuicStream::handle_room() {
  if (handler_ == nullptr || !wants_writable_ || buffered_bytes() > session_.limits().send_low_water_bytes) return;
  wants_writable_ = false;
  session_.guarded("on_writable", [&] { handler_->on_writable(*this); });
}

void QuicStream::handle_closed() {
  if (handler_ == nullptr) return;
  session_.guarded("on_close", [&] { handler_->on_close(*this); });
}

SendStatus QuicStream::write(ByteView data, bool fin) { return write(Bytes::copy_of(data), fin); }

// What is larger than the whole queue may still pass when nothing waits; and an end without data, which takes no room,
// behind that.
SendStatus QuicStream::write(Bytes data, bool fin) {
  if (write_ended_ || !session_.is_open()) return SendStatus::closed;
  const Limits& limits = session_.limits();
  const std::size_t size = data.size();
  const std::size_t backlog = buffered_bytes();
  const std::size_t room = limits.send_queue_bytes_max - std::min(limits.send_queue_bytes_max, backlog);
  if (size > room && backlog > 0) {
    want_writable();
    return SendStatus::dropped;
  }
  if (!session_.write(id_, std::move(data), fin)) return SendStatus::closed;
  write_ended_ = fin;
  session_.count_sent(size);
  if (backlog + size <= limits.send_high_water_bytes) return SendStatus::sent;
  want_writable();
  return SendStatus::queued;
}

// A round trip before the first acknowledgement would come.
void QuicStream::want_writable() {
  wants_writable_ = true;
  session_.tell_when_sent(id_);
}

void QuicStream::reset(std::uint32_t code) {
  write_ended_ = true;
  session_.reset(id_, code);
}

void QuicStream::stop(std::uint32_t code) { session_.stop(id_, code); }
void QuicStream::consume(std::size_t size) { session_.consume(id_, size); }
void QuicStream::set_priority(std::uint32_t group, std::int64_t order) { session_.set_priority(id_, group, order); }
std::size_t QuicStream::buffered_bytes() const { return session_.unsent_bytes(id_); }

StreamDirection QuicStream::direction() const { return quic::direction_of(id_); }

Session& QuicStream::session() { return session_; }

}  // namespace plait::transport
