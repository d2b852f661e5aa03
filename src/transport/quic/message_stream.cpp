#include "transport/quic/message_stream.hpp"

#include <utility>

#include "core/byte_sink.hpp"
#include "core/joined.hpp"
#include "frames/frame.hpp"
#include "transport/send_rules.hpp"

namespace plait::transport {

MessageStream::MessageStream(Owner& owner, const Limits& limits, core::BufferPool& pool, bool stalls)
    : owner_(owner), limits_(limits), pool_(pool), stalls_(stalls) {}

void MessageStream::attach(StreamId id) {
  id_ = id;
  early_bytes_ = 0;
  for (Bytes& data : std::exchange(early_, {})) owner_.write(id, std::move(data), false);
  if (wants_writable_) owner_.tell_when_sent(id);
}

// --- Receiving -------------------------------------------------------------------------------------------------------

// What is handled counts as consumed, what waits here does not, so that a stopped session stops its peer.
void MessageStream::handle_data(ByteView data, bool fin) {
  if (ended_) return owner_.consume(*id_, data.size());
  fin_ = fin;
  std::vector<std::uint8_t>& kept = input().kept;
  if (kept.empty() && !is_stopped()) return handle_input(data, {});
  kept.insert(kept.end(), data.begin(), data.end());
  handle_kept();
}

MessageStream::Input& MessageStream::input() {
  if (input_ == nullptr) input_ = std::make_unique<Input>(parts_, limits_, pool_);
  return *input_;
}

// `block` is what `data` lies at the end of; empty if it is not ours. A handler may pause after each message: what is
// left stays there until half of it is used, so that no byte is copied more than a few times.
void MessageStream::handle_input(ByteView data, std::vector<std::uint8_t> block) {
  const bool fin = std::exchange(fin_, false);
  ByteView rest = data;
  decode(rest);
  Input& to = input();
  if (rest.size() > block.size() / 2 && !block.empty()) {
    to.kept = std::move(block);
  } else {
    to.kept.assign(rest.begin(), rest.end());
  }
  to.kept_offset = to.kept.size() - rest.size();
  owner_.consume(*id_, data.size() - rest.size());
  fin_ = fin;
  report_end();
}

void MessageStream::report_end() {
  if (is_stopped() || ended_ || !std::exchange(fin_, false)) return;
  owner_.on_end();
}

void MessageStream::handle_kept() {
  if (is_stopped() || ended_) return;
  if (input_ == nullptr || input_->kept.empty()) return report_end();
  std::vector<std::uint8_t> block = std::exchange(input_->kept, {});
  const ByteView rest = ByteView{block}.subspan(input_->kept_offset);
  handle_input(rest, std::move(block));
}

void MessageStream::handle_end_of_session() {
  over_ = true;
  handle_kept();
}

void MessageStream::ignore_messages() {
  ignored_ = true;
  paused_ = false;
  handle_kept();
}

void MessageStream::decode(ByteView& data) {
  frames::Decoder& decoder = input().decoder;
  while (!is_stopped() && !ended_) {
    const frames::Event event = decoder.next(data);
    if (event.kind == frames::Event::Kind::need_more) return;
    handle_event(event);
  }
}

void MessageStream::handle_event(const frames::Event& event) {
  switch (event.kind) {
    case frames::Event::Kind::message:
      return ignored_ ? void() : owner_.on_message(event.message_kind, event.payload, event.block);
    case frames::Event::Kind::part:
      return ignored_ ? void() : owner_.on_part(event.message_kind, event.payload, event.last);
    case frames::Event::Kind::ping:
      return handle_ping(event.payload);
    case frames::Event::Kind::close:
      return owner_.on_peer_close(event.close_code, as_text(event.payload));
    case frames::Event::Kind::failed:
      return owner_.on_framing_error(frames::close_code_of(event.error), frames::reason_of(event.error));
    case frames::Event::Kind::open:
    case frames::Event::Kind::pong:
    case frames::Event::Kind::need_more:
      return;
  }
}

// Of the pings that come while a backlog stands only the last is answered, and when the backlog is below its mark
// again.
void MessageStream::handle_ping(ByteView payload) {
  core::VectorSink pong;
  frames::encode_pong(payload, pong);
  input().waiting_pong = Bytes::copy_of(ByteView{pong.bytes});
  answer_waiting_ping();
}

void MessageStream::answer_waiting_ping() {
  if (input_ == nullptr || input_->waiting_pong.empty()) return;
  if (shut_ || unsent_bytes() > limits_.send_high_water_bytes) return;
  append(std::exchange(input_->waiting_pong, {}));
}

// --- Sending ---------------------------------------------------------------------------------------------------------

std::size_t MessageStream::buffered_bytes() const { return id_ ? owner_.buffered_bytes(*id_) : early_bytes_; }

std::size_t MessageStream::unsent_bytes() const { return id_ ? owner_.unsent_bytes(*id_) : early_bytes_; }

bool MessageStream::admits(std::size_t size) {
  if (fits_queue(limits_, size, unsent_bytes())) return true;
  want_writable();
  return false;
}

// A round trip before the first acknowledgement would come.
void MessageStream::want_writable() {
  wants_writable_ = true;
  if (id_) owner_.tell_when_sent(*id_);
}

SendStatus MessageStream::append(Bytes data) {
  if (!id_) {
    early_bytes_ += data.size();
    early_.push_back(std::move(data));
  } else if (!owner_.write(*id_, std::move(data), false)) {
    return SendStatus::closed;
  }
  if (unsent_bytes() <= limits_.send_high_water_bytes) return SendStatus::sent;
  want_writable();
  stalled_ = stalls_;
  return SendStatus::queued;
}

SendStatus MessageStream::send(const Message& message) {
  if (message_under_way_ || !admits(message.size())) return SendStatus::dropped;
  const frames::FrameHeader header{frames::type_of(message.kind()), message.size()};
  if (message.storage() != Message::Storage::block || message.size() < kReferenceBytesMin) {
    return append(core::joined({header.view(), message.data()}));
  }
  const SendStatus status = append(Bytes::copy_of(header.view()));
  return status == SendStatus::closed ? status : append(Bytes::share(*message.block(), message.data()));
}

MessageWriter* MessageStream::begin_message(MessageKind kind) {
  if (message_under_way_) return nullptr;
  message_under_way_ = true;
  part_kind_ = kind;
  return this;
}

SendStatus MessageStream::write(ByteView part) {
  if (shut_) return SendStatus::closed;
  if (!admits(part.size())) return owner_.count_part(SendStatus::dropped, part.size(), false);
  return send_part(part, false);
}

SendStatus MessageStream::finish() {
  if (shut_) return SendStatus::closed;
  message_under_way_ = false;
  return send_part({}, true);
}

SendStatus MessageStream::send_part(ByteView part, bool last) {
  const SendStatus status =
      append(core::joined({frames::FrameHeader::part(part_kind_, last, part.size()).view(), part}));
  return owner_.count_part(status, part.size(), last);
}

void MessageStream::close(std::uint16_t code, std::string_view reason) {
  core::VectorSink close;
  frames::encode_close(code, reason, close);
  if (id_) owner_.write(*id_, Bytes::copy_of(ByteView{close.bytes}), true);
}

void MessageStream::handle_room() {
  answer_waiting_ping();
  if (ended_ || (!wants_writable_ && !stalled_) || unsent_bytes() > limits_.send_low_water_bytes) return;
  stalled_ = false;
  const bool tell = std::exchange(wants_writable_, false);
  handle_kept();
  if (tell && !ended_) owner_.on_writable();
}

}  // namespace plait::transport
