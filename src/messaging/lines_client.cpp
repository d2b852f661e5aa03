#include <plait/pubsub_lines.hpp>

#include <memory>
#include <unordered_map>
#include <utility>

#include "core/bounded.hpp"
#include "core/executor.hpp"
#include "messaging/guard.hpp"
#include "messaging/lines_decoder.hpp"
#include "messaging/open_stream.hpp"

namespace plait {
class LinesClient::Impl {
 public:
  explicit Impl(const LinesOptions& options) : options_(options), decoder_(options.message_bytes_max) {}

  void subscribe(Stream& stream, std::string_view topic, Subscribed done);
  void unsubscribe(Stream& stream, std::string_view topic);
  SendStatus publish(Stream& stream, std::string_view topic, ByteView payload);
  void handle_data(Stream& stream, ByteView data);
  /// Nothing is read or written any more.
  void end(const char* reason);
  void handle_close();

  std::shared_ptr<const OnMessage> on_message;  // one that runs may replace itself
  std::shared_ptr<const OnGap> on_gap;          // likewise
  std::function<void()> on_close;

 private:
  /// A subscription that waits for its answer is a timer of its loop.
  struct Pending final : core::Timer {
    Pending(Impl& of, Session& on, std::string name, Subscribed on_done)
        : client(of), session(on), topic(std::move(name)), done(std::move(on_done)) {}
    void on_timer(core::TimePoint) override {
      messaging::guarded(session, [this] { client.finish(std::string{topic}, err(std::string{"no answer in time"})); });
    }
    Impl& client;
    Session& session;
    const std::string topic;
    Subscribed done;
  };

  void finish(const std::string& topic, Result<void, std::string> result);
  void handle(const messaging::Command& command);

  const LinesOptions options_;
  messaging::LinesDecoder decoder_;
  std::unordered_map<std::string, Pending> pending_;
  bool over_ = false;
  std::string sent_;  // scratch
};

void LinesClient::Impl::subscribe(Stream& stream, std::string_view topic, Subscribed done) {
  const auto refuse = [&](const char* why) {
    if (done) done(err(std::string{why}));
  };
  if (over_) return refuse("the stream ended");
  if (!messaging::is_line_topic(topic)) return refuse("not a topic");
  const auto [pending, added] =
      pending_.try_emplace(std::string{topic}, *this, stream.session(), std::string{topic}, std::move(done));
  if (!added) return refuse("it is being subscribed to");
  sent_.clear();
  messaging::append_line(sent_, "SUB", topic);
  const SendStatus status = stream.write(as_bytes(sent_));
  if (status == SendStatus::dropped || status == SendStatus::closed) {
    return finish(std::string{topic}, err(std::string{"the peer does not read"}));
  }
  core::Executor& executor = stream.session().executor();
  executor.schedule(pending->second, executor.now() + core::bounded(options_.subscribe_timeout));
}

void LinesClient::Impl::unsubscribe(Stream& stream, std::string_view topic) {
  if (over_ || !messaging::is_line_topic(topic)) return;
  sent_.clear();
  messaging::append_line(sent_, "UNSUB", topic);
  stream.write(as_bytes(sent_));
}

SendStatus LinesClient::Impl::publish(Stream& stream, std::string_view topic, ByteView payload) {
  if (over_) return SendStatus::closed;
  if (!messaging::is_line_topic(topic)) return SendStatus::dropped;
  sent_.clear();
  messaging::append_line(sent_, "PUB", topic, std::to_string(payload.size()));
  sent_ += as_text(payload);
  return stream.write(as_bytes(sent_));
}

void LinesClient::Impl::finish(const std::string& topic, Result<void, std::string> result) {
  auto pending = pending_.extract(topic);
  if (!pending.empty() && pending.mapped().done) pending.mapped().done(std::move(result));
}

void LinesClient::Impl::handle_data(Stream& stream, ByteView data) {
  using Status = messaging::LinesDecoder::Status;
  messaging::Command command;
  while (!over_) {
    const Status status = decoder_.next(data, command);
    if (status == Status::need_more) return;
    if (status == Status::command) {
      handle(command);
      continue;
    }
    end("the server broke a rule");
    stream.stop(messaging::kGivenUpCode);
    stream.reset(messaging::kGivenUpCode);
  }
}

void LinesClient::Impl::handle(const messaging::Command& command) {
  switch (command.verb) {
    case messaging::Verb::message:
      if (const auto handler = on_message; handler != nullptr && *handler) (*handler)(command.topic, command.payload);
      return;
    case messaging::Verb::gap:
      if (const auto handler = on_gap; handler != nullptr && *handler) (*handler)(command.topic, command.count);
      return;
    case messaging::Verb::subscribed:
      return finish(std::string{command.topic}, {});
    case messaging::Verb::refused:
      return finish(std::string{command.topic}, err(std::string{command.reason}));
    default:
      return;  // a client's
  }
}

void LinesClient::Impl::end(const char* reason) {
  over_ = true;
  messaging::AllCalled all;
  while (!pending_.empty()) {
    auto pending = pending_.extract(pending_.begin());
    pending.mapped().cancel();
    if (const Subscribed& done = pending.mapped().done) all.call([&] { done(err(std::string{reason})); });
  }
  all.rethrow();
}

void LinesClient::Impl::handle_close() {
  messaging::AllCalled all;
  all.call([this] { end("the stream ended"); });
  if (const auto handler = std::exchange(on_close, nullptr)) all.call(handler);
  all.rethrow();
}

LinesClient::LinesClient(const LinesOptions& options) : impl_(std::make_unique<Impl>(options)) {}
LinesClient::~LinesClient() = default;

Result<LinesClient*, StreamError> LinesClient::open(Session& session, const LinesOptions& options) {
  std::unique_ptr<LinesClient> handler{new LinesClient{options}};
  return messaging::open_stream(session, StreamDirection::bidirectional, std::move(handler), &LinesClient::stream_);
}

void LinesClient::on_message(OnMessage handler) {
  impl_->on_message = std::make_shared<const OnMessage>(std::move(handler));
}
void LinesClient::on_gap(OnGap handler) { impl_->on_gap = std::make_shared<const OnGap>(std::move(handler)); }
void LinesClient::on_close(std::function<void()> handler) { impl_->on_close = std::move(handler); }
void LinesClient::subscribe(std::string_view topic, Subscribed done) {
  impl_->subscribe(*stream_, topic, std::move(done));
}
void LinesClient::unsubscribe(std::string_view topic) { impl_->unsubscribe(*stream_, topic); }
SendStatus LinesClient::publish(std::string_view topic, ByteView payload) {
  return impl_->publish(*stream_, topic, payload);
}

void LinesClient::close() {
  impl_->end("closed");
  stream_->write(ByteView{}, true);
  stream_->stop(messaging::kGivenUpCode);
}

void LinesClient::on_data(Stream& stream, ByteView data, bool fin) {
  impl_->handle_data(stream, data);
  if (fin) impl_->end("the stream ended");
}

void LinesClient::on_close(Stream&) { impl_->handle_close(); }

}  // namespace plait
