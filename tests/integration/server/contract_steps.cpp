// What an actor does.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "integration/server/contract.hpp"

namespace plait::test {
namespace {

constexpr std::size_t kHeaderBytes = 24;  // number, size
constexpr std::size_t kMessageBytesMax = 400'000;
constexpr std::size_t kPeriod = 1000;  // of what stands in streams

const std::string& text() {
  static const std::string text = pattern(kMessageBytesMax + 2 * kPeriod);
  return text;
}

std::string_view text_at(bool from_client, std::uint64_t number, std::size_t size) {
  return std::string_view{text()}.substr((number * 31 + (from_client ? 7 : 0)) % kPeriod, size);
}

bool is_taken(SendStatus status) { return status == SendStatus::sent || status == SendStatus::queued; }

}  // namespace

std::string make_message(bool from_client, std::uint64_t number, std::size_t size) {
  std::array<char, kHeaderBytes + 1> header{};
  std::snprintf(header.data(), header.size(), "%011llu %011zu ", static_cast<unsigned long long>(number), size);
  return std::string{header.data()}.append(text_at(from_client, number, size - kHeaderBytes));
}

std::optional<std::uint64_t> number_of(bool from_client, std::string_view message) {
  if (message.size() < kHeaderBytes) return std::nullopt;
  std::uint64_t number = 0;
  std::size_t size = 0;
  std::from_chars(message.data(), message.data() + 11, number);
  std::from_chars(message.data() + 12, message.data() + 23, size);
  const bool whole = size == message.size() && size <= kMessageBytesMax;
  if (!whole || message.substr(kHeaderBytes) != text_at(from_client, number, size - kHeaderBytes)) return std::nullopt;
  return number;
}

std::string_view stream_text(bool from_client, std::uint64_t offset, std::size_t size) {
  static const std::string periods = [] {
    std::string all;
    while (all.size() < kMessageBytesMax + 2 * kPeriod) all += pattern(kPeriod);
    return all;
  }();
  return std::string_view{periods}.substr((offset + (from_client ? 7 : 0)) % kPeriod, size);
}

// --- Sessions --------------------------------------------------------------------------------------------------------

void Actor::act(Session& session) {
  for (std::size_t count = random(3); count > 0 && steps_left_ > 0 && stage_.acting; --count) {
    --steps_left_;
    step(session);
  }
  if (steps_left_ > 0 && stage_.acting && random(400) == 0) {
    own().over = true;
    throw std::runtime_error{"in a callback"};
  }
}

void Actor::step(Session& session) {
  const std::size_t choice = random(100);
  if (choice < 30) return step_any_mode(session);
  pair_->mode == Mode::streams ? step_streams(session) : step_messages(session);
}

void Actor::step_any_mode(Session& session) {
  switch (random(30)) {
    case 0:
      return close(session);
    case 1:
      return abort(session);
    case 2:
      (void)session.stats();
      (void)session.rtt();
      (void)session.peer();
      (void)session.opening_times();
      return expect(closed_ || session.id() == own().id.get(), "another id()");
    case 3:
      if (is_client_) stage_.connect_one();
      return;
    case 4:
    case 5:
    case 6:
    case 7:
      return session.pause();
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
      return session.resume();
    case 14:
    case 15:
    case 16:
    case 17:
      return post([this](Session& later) { act_from_outside(later); });
    default:
      return send_datagram(session);
  }
}

void Actor::step_messages(Session& session) {
  const auto opened = random(20) == 0
                          ? session.open_stream(StreamDirection::bidirectional, std::make_unique<StreamHandler>())
                          : Result<Stream*, StreamError>{err(StreamError::closed)};
  expect(!opened, "a stream where the session's are messages");
  switch (random(8)) {
    case 0:
      return send_burst(session);
    case 1:
    case 2:
    case 3:
      return write_part(session);
    default:
      return send_one(session);
  }
}

void Actor::close(Session& session) {
  session.close(random(2) == 0 ? close_code::kNormal : 4000, "enough");
  own().over = true;
}

void Actor::abort(Session& session) {
  const bool was_aborting = std::exchange(aborting_, true);
  own().over = true;
  session.abort();
  aborting_ = was_aborting;
}

// --- Messages --------------------------------------------------------------------------------------------------------

std::size_t Actor::random_size() {
  constexpr std::array<std::size_t, 10> kMaxima{100, 100, 100, 200, 3000, 3000, 10'000, 70'000, 70'000, 400'000};
  return kHeaderBytes + random(kMaxima.at(random(kMaxima.size())) - kHeaderBytes);
}

// What became of messages, or of one.
void Actor::note(SendStatus status, std::size_t count) {
  expect(!own().over || status == SendStatus::closed, "send() did not answer `closed` on a session that is closing");
  if (is_taken(status)) own().sent += count;
  note_backlog(status);
}

// A message that was dropped because another is under way in parts waits for nothing.
void Actor::note_backlog(SendStatus status) {
  const bool waits = status == SendStatus::queued || (status == SendStatus::dropped && writer_ == nullptr);
  if (waits && !std::exchange(awaits_writable_, true)) ++own().awaits_writable;
}

void Actor::send_one(Session& session) {
  const std::string message = make_message(is_client_, last_made_ + 1, random_size());
  SendStatus status{};
  if (random(3) == 0) {
    const Bytes bytes = Bytes::copy_of(as_bytes(message));
    status = session.send(Message::shared(MessageKind::text, bytes), {random(2) == 0});
  } else {
    status = session.send(Message::text(message), {random(2) == 0});
  }
  expect(writer_ == nullptr || !is_taken(status), "a message was accepted in the middle of another");
  if (is_taken(status)) ++last_made_;
  note(status, 1);
}

void Actor::send_burst(Session& session) {
  MessageBurst burst;
  for (std::size_t i = 0, count = 1 + random(5); i < count; ++i) {
    burst.add(MessageKind::text, Bytes::copy_of(as_bytes(make_message(is_client_, last_made_ + 1 + i, random_size()))));
  }
  const BurstStatus status = session.send_burst(burst);
  expect(is_taken(status.status) == (status.accepted == burst.size()), "a status that is not the last one's");
  last_made_ += status.accepted;
  own().sent += status.accepted;
  note(status.status, 0);
}

// Begins a message in parts, or goes on with the one under way.
void Actor::write_part(Session& session) {
  if (writer_ == nullptr) {
    writer_ = session.begin_message(MessageKind::text);
    expect(!own().over || writer_ == nullptr, "a message was begun on a session that is closing");
    if (writer_ == nullptr) return;
    in_parts_ = make_message(is_client_, last_made_ + 1, random_size());
    expect(session.begin_message(MessageKind::text) == nullptr, "two messages at once");
  }
  if (in_parts_.empty()) {
    MessageWriter& writer = *std::exchange(writer_, nullptr);
    const SendStatus status = writer.finish();
    if (is_taken(status)) ++last_made_;
    return note(status, 1);
  }
  const std::size_t size = std::min(in_parts_.size(), 1 + random(50'000));
  const SendStatus status = writer_->write(as_bytes(in_parts_).first(size));
  if (is_taken(status)) in_parts_.erase(0, size);
  if (status == SendStatus::closed) {
    writer_ = nullptr;
    in_parts_.clear();
  }
  const bool waits = status == SendStatus::queued || status == SendStatus::dropped;
  if (waits && !std::exchange(awaits_writable_, true)) ++own().awaits_writable;
}

// Few wires have them, and few sessions take a large one.
void Actor::send_datagram(Session& session) {
  const std::size_t size = kHeaderBytes + random(random(4) == 0 ? 3000 : 200);
  const std::string datagram = make_message(is_client_, 0, size);
  DatagramId id = 0;
  const bool named = random(2) == 0;
  sends_datagram_ = true;
  const SendStatus status = session.send_datagram(as_bytes(datagram), named ? &id : nullptr);
  sends_datagram_ = false;
  const bool has_datagrams = pair_->wire == "https" || pair_->wire == "quic";
  expect(has_datagrams || status == SendStatus::dropped, "a datagram on a wire without them");
  expect(!has_datagrams || !own().over || status == SendStatus::closed, "a datagram on a session that is closing");
  if (named && status == SendStatus::sent) unsent_datagrams_.insert(id);
}

// --- Streams ---------------------------------------------------------------------------------------------------------

void Actor::step_streams(Session& session) {
  if (streams_.empty() || random(6) == 0) {
    const auto direction = random(2) == 0 ? StreamDirection::bidirectional : StreamDirection::unidirectional;
    auto handler = std::make_unique<StreamActor>(*this);
    StreamActor& stream = *handler;
    const auto opened = session.open_stream(direction, std::move(handler));
    expect(!own().over || (!opened && opened.error() == StreamError::closed), "a stream of a session that is closing");
    if (!opened) return;
    expect((*opened)->direction() == direction && !(*opened)->opened_by_peer(), "another stream");
    streams_.push_back(&stream);
    stream.begin(**opened);
  }
  streams_[random(streams_.size())]->step();
}

void StreamActor::step() {
  switch (actor_.random(16)) {
    case 0:
      if (!can_write()) return;
      write_ended_ = true;
      stream_->reset(7);
      return set_awaits_writable(false);
    case 1:
      stopped_ = true;
      return stream_->stop(8);
    case 2:
      return stream_->set_priority(static_cast<std::uint32_t>(actor_.random(3)),
                                   static_cast<std::int64_t>(actor_.random(5)));
    case 3:
    case 4:
      return consume(actor_.random(unconsumed_ + 1));
    case 5:
      return write(actor_.random(3000), true);
    default:
      return write(actor_.random(actor_.random(4) == 0 ? 200'000 : 3000), false);
  }
}

void StreamActor::write(std::size_t size, bool fin) {
  const std::string data{stream_text(actor_.is_client_, written_, size)};
  const SendStatus status =
      actor_.random(2) == 0 ? stream_->write(as_bytes(data), fin) : stream_->write(Bytes::copy_of(as_bytes(data)), fin);
  const bool over = !can_write() || write_ended_ || actor_.own().over;
  actor_.expect(!over || status == SendStatus::closed, "write() did not answer `closed` on a stream that is over");
  if (status == SendStatus::closed) return;
  set_awaits_writable(status != SendStatus::sent || awaits_writable_);
  if (status == SendStatus::dropped) return;
  written_ += size;
  if (!fin) return;
  write_ended_ = true;
  const std::lock_guard lock{actor_.pair_->mutex};
  actor_.pair_->ended_streams[{actor_.is_client_, stream_->id()}] = written_;
}

void StreamActor::consume(std::size_t size) {
  unconsumed_ -= size;
  stream_->consume(size);
}

void StreamActor::set_awaits_writable(bool awaits) {
  if (awaits == std::exchange(awaits_writable_, awaits)) return;
  actor_.own().awaits_writable += awaits ? 1 : -1;
}

void StreamActor::on_data(Stream& stream, ByteView data, bool fin) {
  const Actor::Scope scope{actor_, "on_data"};
  actor_.expect(!closed_ && !read_ended_, "on_data after the end");
  actor_.expect(!stopped_, "on_data after stop()");
  const bool from_client = !actor_.is_client_;
  for (ByteView rest = data; !rest.empty();) {
    const std::size_t size = std::min(rest.size(), kMessageBytesMax);
    if (as_text(rest.first(size)) != stream_text(from_client, received_, size)) actor_.fail("other bytes in a stream");
    received_ += size;
    rest = rest.subspan(size);
  }
  if (consumes_) unconsumed_ += data.size();
  if (!actor_.stage_.acting) consume_all();
  if (fin) {
    read_ended_ = true;
    const std::lock_guard lock{actor_.pair_->mutex};
    const auto ended = actor_.pair_->ended_streams.find({from_client, stream.id()});
    actor_.expect(ended != actor_.pair_->ended_streams.end() && ended->second == received_, "a stream of another size");
  }
  actor_.act(stream.session());
}

void StreamActor::on_reset(Stream& stream, std::uint32_t code) {
  const Actor::Scope scope{actor_, "on_reset"};
  actor_.expect(!closed_ && !std::exchange(read_ended_, true), "on_reset after the end");
  actor_.expect(code == 7 || code == 8 || code == 0, "another code");  // 8: it answers our stop()
  actor_.act(stream.session());
}

void StreamActor::on_stop(Stream& stream, std::uint32_t code) {
  const Actor::Scope scope{actor_, "on_stop"};
  actor_.expect(!closed_, "on_stop after on_close");
  actor_.expect(code == 8 || code == 0, "another code");
  write_ended_ = true;
  set_awaits_writable(false);
  actor_.act(stream.session());
}

void StreamActor::on_writable(Stream& stream) {
  const Actor::Scope scope{actor_, "on_writable of a stream"};
  actor_.expect(!closed_, "on_writable after on_close");
  set_awaits_writable(false);
  actor_.act(stream.session());
}

void StreamActor::on_close(Stream& stream) {
  const Actor::Scope scope{actor_, "on_close of a stream", true, is_late_};
  actor_.expect(!std::exchange(closed_, true), "on_close of a stream twice");
  actor_.expect(&stream == stream_, "another stream");
  set_awaits_writable(false);
  std::erase(actor_.streams_, this);
  actor_.act(stream.session());
}

}  // namespace plait::test
