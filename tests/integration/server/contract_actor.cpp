#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "integration/server/contract.hpp"

namespace plait::test {

Actor::Actor(Stage& stage) : stage_(stage), is_client_(false) { ++stage_.handlers; }

Actor::Actor(Stage& stage, Pair& pair)
    : stage_(stage), pair_(&pair), is_client_(true), random_(pair.seed), steps_left_(20 + random(100)) {
  ++stage_.handlers;
}

Actor::~Actor() {
  if (opened_ && !closed_) fail("the handler was destroyed before on_close");
  if (depth_ > 0) fail("the handler was destroyed inside its own callback");
  --stage_.handlers;
}

void Actor::fail(const std::string& what) const {
  ADD_FAILURE() << (pair_ == nullptr ? "?" : pair_->name) << (is_client_ ? " client: " : " server: ") << what;
}

void Actor::post(std::function<void(Session&)> task) const {
  const SessionId id = own().id.get().value_or(SessionId{});
  is_client_ ? stage_.client->post(id, std::move(task)) : stage_.server->post(id, std::move(task));
}

// --- Callbacks -------------------------------------------------------------------------------------------------------

void Actor::on_request(OpeningRequest& request) {
  std::size_t number = 0;
  const std::string_view query = request.query();
  std::from_chars(query.data(), query.data() + query.size(), number);
  pair_ = &stage_.pairs.at(number);
  random_.seed(pair_->seed + 1);
  steps_left_ = 20 + random(100);
  switch (random(16)) {
    case 0:
      return request.reject(503, "not now");
    case 1:
      throw std::runtime_error{"in on_request"};
    case 2:
    case 3:
      return stage_.server->post(request.defer(), [](OpeningRequest& later) { later.accept(); });
    default:
      return request.accept();
  }
}

void Actor::on_open(Session& session) {
  if (opened_ || closed_) fail("on_open twice, or after on_close");
  opened_ = true;
  thread_ = std::this_thread::get_id();
  ++own().opened;
  own().id.set(session.id());
  own().actor = this;
  const Scope scope{*this, "on_open"};
  act(session);
}

void Actor::on_message(Session& session, const Message& message) {
  const Scope scope{*this, "on_message"};
  expect(pair_->mode == Mode::messages, "a message, where parts or streams are wanted");
  take(message.text(), message.kind());
  const bool answers = stage_.acting && steps_left_ > 0 && message.kind() == MessageKind::text && random(4) == 0;
  if (answers) {
    const SendStatus status = session.send(
        Message::received(MessageKind::binary, message.data(), message.storage(), message.block()), {random(2) == 0});
    note(status, 1);
  }
  act(session);
}

void Actor::on_message_part(Session& session, const Message& part, bool last) {
  const Scope scope{*this, "on_message_part"};
  expect(pair_->mode == Mode::parts, "a part, where messages or streams are wanted");
  assembled_ += part.text();
  if (last) take(std::exchange(assembled_, {}), part.kind());
  act(session);
}

// Own messages are text; binary are those of the other side, sent back.
void Actor::take(std::string_view message, MessageKind kind) {
  ++own().received;
  const bool is_own = kind == MessageKind::binary;
  const auto number = number_of(is_own == is_client_, message);
  if (!number) return fail("a message of " + std::to_string(message.size()) + " bytes that nobody sent");
  std::uint64_t& last = is_own ? last_echoed_ : last_taken_;
  expect(is_own ? *number > last : *number == last + 1, "a message out of order");
  last = *number;
}

std::unique_ptr<StreamHandler> Actor::on_stream(Session& session, Stream& stream) {
  const Scope scope{*this, "on_stream"};
  expect(stream.opened_by_peer(), "on_stream of our own");
  if (random(8) == 0) {
    act(session);
    return nullptr;
  }
  auto handler = std::make_unique<StreamActor>(*this);
  handler->begin(stream);
  streams_.push_back(handler.get());
  try {
    act(session);
  } catch (...) {
    std::erase(streams_, handler.get());
    throw;
  }
  if (closed_) handler->set_late();
  return handler;
}

void Actor::on_streams_available(Session& session, StreamDirection) {
  const Scope scope{*this, "on_streams_available"};
  act(session);
}

void Actor::on_datagram(Session& session, ByteView data) {
  const Scope scope{*this, "on_datagram"};
  expect(number_of(!is_client_, as_text(data)).has_value(), "a datagram that nobody sent");
  act(session);
}

void Actor::on_datagram_fate(Session& session, DatagramId id, DatagramFate fate) {
  const Scope scope{*this, "on_datagram_fate"};
  expect(!sends_datagram_, "on_datagram_fate inside send_datagram()");
  const auto known = fates_.find(id);
  if (unsent_datagrams_.erase(id) == 1) {
    expect(fate == DatagramFate::sent || fate == DatagramFate::dropped, "a fate before `sent`");
    fates_[id] = fate;
  } else if (known == fates_.end()) {
    fail("the fate of a datagram without an ID");
  } else {
    expect(known->second == DatagramFate::sent, "a second end of a datagram");
    expect(fate == DatagramFate::acknowledged || fate == DatagramFate::lost, "`sent` or `dropped` after `sent`");
    known->second = fate;
  }
  act(session);
}

void Actor::on_writable(Session& session) {
  const Scope scope{*this, "on_writable"};
  own().awaits_writable = own().awaits_writable - (std::exchange(awaits_writable_, false) ? 1 : 0);
  act(session);
}

void Actor::on_draining(Session& session) {
  const Scope scope{*this, "on_draining"};
  expect(!std::exchange(drained_, true), "on_draining twice");
  act(session);
}

// The first and only call of a client's session that did not open.
void Actor::on_close(Session& session, const CloseInfo& info) {
  own().actor = nullptr;
  own().info.set(info);
  ++own().closed;
  if (!opened_) {
    closed_ = true;
    expect(is_client_ && !info.clean && !info.started_by_us, "on_close without on_open");
    return;
  }
  const Scope scope{*this, "on_close", true};
  closed_ = true;
  own().over = true;
  own().awaits_writable = 0;
  if (info.clean && !info.started_by_us && pair_->mode != Mode::streams) {
    ++stage_.checked_closes;
    if (own().received != peers().sent) {
      fail("closed with " + std::to_string(info.code) + " after " + std::to_string(own().received) + " of " +
           std::to_string(peers().sent) + " messages");
    }
  }
  act(session);
}

void Actor::act_from_outside(Session& session) {
  const Scope scope{*this, "a posted task"};
  act(session);
}

void Actor::settle(Session& session) {
  const Scope scope{*this, "a posted task"};
  session.resume();
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i]->consume_all();
  for (std::size_t left = 0; writer_ != nullptr && in_parts_.size() != left;) {
    left = in_parts_.size();
    write_part(session);  // as far as there is room
  }
  own().settled = true;  // a callback that still saw `acting` is over, as this is a task of the same thread
}

}  // namespace plait::test
