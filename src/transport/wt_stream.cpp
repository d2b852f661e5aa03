#include "transport/wt_stream.hpp"

#include <utility>

#include "transport/wt_session.hpp"

namespace plait::transport {

void WtStream::handle_data(ByteView data, bool fin) {
  session_.count_received(data.size());
  bool consumes = false;
  session_.guarded([&] {
    handler_->on_data(*this, data, fin);
    consumes = handler_->consumes();
  });
  if (!consumes) consume(data.size());
}

void WtStream::handle_reset(std::optional<std::uint32_t> code) {
  session_.guarded([&] { handler_->on_reset(*this, code.value_or(0)); });
}

void WtStream::handle_stop(std::optional<std::uint32_t> code) {
  session_.guarded([&] { handler_->on_stop(*this, code.value_or(0)); });
}

void WtStream::handle_room() {
  if (handler_ == nullptr || !wants_writable_ || buffered_bytes() > session_.limits().send_low_water_bytes) return;
  wants_writable_ = false;
  session_.guarded([&] { handler_->on_writable(*this); });
}

void WtStream::handle_closed() {
  if (handler_ == nullptr) return;
  session_.guarded([&] { handler_->on_close(*this); });
}

SendStatus WtStream::write(ByteView data, bool fin) { return write(Bytes::copy_of(data), fin); }

// What is larger than the whole queue may still pass when nothing waits.
SendStatus WtStream::write(Bytes data, bool fin) {
  const Limits& limits = session_.limits();
  const std::size_t size = data.size();
  const std::size_t backlog = buffered_bytes();
  const bool fits = backlog <= limits.send_queue_bytes_max && size <= limits.send_queue_bytes_max - backlog;
  if (!fits && backlog > 0) {
    wants_writable_ = true;
    return SendStatus::dropped;
  }
  wt::Session* protocol = session_.protocol();
  if (protocol == nullptr || !protocol->write(id_, std::move(data), fin)) return SendStatus::closed;
  session_.count_sent(size);
  if (backlog + size <= limits.send_high_water_bytes) return SendStatus::sent;
  wants_writable_ = true;
  return SendStatus::queued;
}

void WtStream::reset(std::uint32_t code) {
  if (session_.protocol() != nullptr) session_.protocol()->reset(id_, code);
}

void WtStream::stop(std::uint32_t code) {
  if (session_.protocol() != nullptr) session_.protocol()->stop_sending(id_, code);
}

void WtStream::consume(std::size_t size) {
  if (session_.protocol() != nullptr) session_.protocol()->consume(id_, size);
}

std::size_t WtStream::buffered_bytes() const {
  const wt::Session* protocol = session_.protocol();
  if (protocol == nullptr) return 0;
  return protocol->buffered_bytes(id_) + session_.unacknowledged_bytes(id_);
}

StreamDirection WtStream::direction() const {
  return h3::direction_of(id_) == h3::Direction::bidirectional ? StreamDirection::bidirectional
                                                               : StreamDirection::unidirectional;
}

Session& WtStream::session() { return session_; }

}  // namespace plait::transport
