#include <plait/rpc.hpp>

#include <deque>
#include <unordered_map>
#include <utility>

#include "core/bounded.hpp"
#include "core/executor.hpp"
#include "core/guard.hpp"
#include "messaging/frame_decoder.hpp"
#include "messaging/guard.hpp"
#include "messaging/open_stream.hpp"
#include "messaging/rpc_message.hpp"

namespace plait {
namespace {

using messaging::FrameDecoder;

RpcError local_error(RpcError::Kind kind, const char* message) { return {kind, rpc_code::kInternalError, message}; }

}  // namespace

struct RpcReply::State {
  std::weak_ptr<RpcPeer::Impl> peer;
  std::optional<Value> id;
};

class RpcPeer::Impl : public std::enable_shared_from_this<RpcPeer::Impl> {
 public:
  explicit Impl(const RpcOptions& options) : options_(options), decoder_(4, options.message_bytes_max) {}

  void call(Stream& stream, std::string_view method, const Value& params, Done&& done, Duration timeout);
  SendStatus notify(Stream& stream, std::string_view method, const Value& params);
  using Method = std::function<void(const Value&, RpcReply)>;
  void serve(std::string name, Method method) {
    methods_[std::move(name)] = std::make_shared<const Method>(std::move(method));
  }
  void set_on_close(std::function<void()> handler) { on_close_ = std::move(handler); }
  [[nodiscard]] std::size_t pending_calls() const { return calls_.size(); }

  void handle_data(Stream& stream, ByteView data, bool fin);
  void handle_end();
  void handle_close();
  /// Neither asks nor answers any more.
  void give_up(Stream& stream);
  void answer(const std::optional<Value>& id, const RpcResult& result);

 private:
  /// A call under way is a timer of its loop.
  struct Call final : core::Timer {
    Call(Impl& of_peer, std::uint64_t own_id, Done on_done) : peer(of_peer), id(own_id), done(std::move(on_done)) {}
    void on_timer(core::TimePoint) override { peer.expire(id); }
    Impl& peer;
    const std::uint64_t id;
    Done done;
  };

  void expire(std::uint64_t id);
  void finish(std::uint64_t id, RpcResult result);
  void fail_calls();
  void handle_message(ByteView payload);
  void handle_request(const messaging::RpcRequest& request, ByteView payload);
  void carry_out(const messaging::RpcRequest& request);
  void carry_out_waiting();
  void send_error(const Value& id, std::int32_t code, std::string_view message);
  void write();
  void finish_if_idle();

  const RpcOptions options_;
  FrameDecoder decoder_;
  Stream* stream_ = nullptr;  // null: nothing is read or written any more
  bool peer_finished_ = false;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::unordered_map<std::string, std::shared_ptr<const Method>> methods_;  // one that runs may replace itself
  std::size_t running_ = 0;                                                 // requests without an answer
  bool serving_waiting_ = false;
  std::deque<std::string> waiting_;  // requests, as they came
  std::size_t waiting_bytes_ = 0;
  std::string sent_;  // scratch
  std::function<void()> on_close_;

  friend class RpcPeer;
};

// --- Calls ----------------------------------------------------------------------------------------------------------

void RpcPeer::Impl::call(Stream& stream, std::string_view method, const Value& params, Done&& done, Duration timeout) {
  if (stream_ == nullptr || peer_finished_) return done(err(local_error(RpcError::Kind::closed, "the stream ended")));
  const std::uint64_t id = ++last_id_;
  sent_.clear();
  if (!messaging::encode_request(sent_, id, method, params, options_.message_bytes_max)) {
    return done(err(local_error(RpcError::Kind::unsent, "too large, or not JSON")));
  }
  const SendStatus status = stream.write(as_bytes(sent_));
  if (status == SendStatus::dropped || status == SendStatus::closed) {
    return done(err(local_error(RpcError::Kind::unsent, "the peer does not read")));
  }
  Call& made = calls_.try_emplace(id, *this, id, std::move(done)).first->second;
  core::Executor& executor = stream.session().executor();
  executor.schedule(made, executor.now() + core::bounded(timeout == Duration::zero() ? options_.timeout : timeout));
}

SendStatus RpcPeer::Impl::notify(Stream& stream, std::string_view method, const Value& params) {
  sent_.clear();
  if (stream_ == nullptr) return SendStatus::closed;
  if (!messaging::encode_request(sent_, std::nullopt, method, params, options_.message_bytes_max)) {
    return SendStatus::dropped;
  }
  return stream.write(as_bytes(sent_));
}

void RpcPeer::Impl::finish(std::uint64_t id, RpcResult result) {
  auto call = calls_.extract(id);
  if (!call.empty()) call.mapped().done(std::move(result));
}

void RpcPeer::Impl::expire(std::uint64_t id) {
  messaging::guarded(stream_->session(),
                     [&] { finish(id, err(local_error(RpcError::Kind::timeout, "no answer in time"))); });
}

// Each hears of it, even if one before it throws.
void RpcPeer::Impl::fail_calls() {
  messaging::AllCalled all;
  for (auto calls = std::exchange(calls_, {}); auto& [id, call] : calls) {
    call.cancel();
    all.call([&done = call.done] { done(err(local_error(RpcError::Kind::closed, "the stream ended"))); });
  }
  all.rethrow();
}

// --- Messages in ----------------------------------------------------------------------------------------------------

void RpcPeer::Impl::handle_data(Stream& stream, ByteView data, bool fin) {
  const auto self = shared_from_this();
  FrameDecoder::Frame frame;
  while (stream_ != nullptr) {
    const auto status = decoder_.next(data, frame);
    if (status == FrameDecoder::Status::too_large) return give_up(stream);
    if (status == FrameDecoder::Status::need_more) break;
    handle_message(frame.payload);
  }
  if (fin) handle_end();
}

void RpcPeer::Impl::handle_message(ByteView payload) {
  messaging::RpcMessage message = messaging::decode_rpc(payload);
  if (const auto* request = std::get_if<messaging::RpcRequest>(&message)) return handle_request(*request, payload);
  if (auto* answer = std::get_if<messaging::RpcAnswer>(&message)) return finish(answer->id, std::move(answer->result));
  if (const auto* fault = std::get_if<messaging::RpcFault>(&message)) {
    send_error(fault->id, fault->code, fault->message);
  }
}

void RpcPeer::Impl::handle_request(const messaging::RpcRequest& request, ByteView payload) {
  if (running_ < options_.requests_max && waiting_.empty()) return carry_out(request);
  if (payload.size() > options_.message_bytes_max - waiting_bytes_) {
    if (request.id) send_error(*request.id, rpc_code::kOverloaded, "too many requests wait");
    return;
  }
  waiting_.emplace_back(as_text(payload));
  waiting_bytes_ += payload.size();
}

void RpcPeer::Impl::carry_out(const messaging::RpcRequest& request) {
  const auto method = methods_.find(request.method);
  if (method == methods_.end()) {
    if (request.id) send_error(*request.id, rpc_code::kMethodNotFound, "there is no such method");
    return;
  }
  ++running_;
  RpcReply reply{std::make_unique<RpcReply::State>(RpcReply::State{weak_from_this(), request.id})};
  core::guarded("the method " + request.method,
                [&request, &reply, running = method->second] { (*running)(request.params, std::move(reply)); });
}

void RpcPeer::Impl::carry_out_waiting() {
  if (std::exchange(serving_waiting_, true)) return;  // the loop below goes on
  while (stream_ != nullptr && running_ < options_.requests_max && !waiting_.empty()) {
    const std::string payload = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= payload.size();
    const messaging::RpcMessage message = messaging::decode_rpc(as_bytes(payload));
    if (const auto* request = std::get_if<messaging::RpcRequest>(&message)) carry_out(*request);
  }
  serving_waiting_ = false;
}

// --- Answers out ----------------------------------------------------------------------------------------------------

void RpcPeer::Impl::answer(const std::optional<Value>& id, const RpcResult& result) {
  --running_;
  if (stream_ == nullptr) return;
  if (id && result) {
    sent_.clear();
    if (messaging::encode_result(sent_, *id, *result, options_.message_bytes_max)) {
      write();
    } else {
      send_error(*id, rpc_code::kInternalError, "the result is too large, or not JSON");
    }
  } else if (id) {
    send_error(*id, result.error().code, result.error().message);
  }
  carry_out_waiting();
  finish_if_idle();
}

void RpcPeer::Impl::send_error(const Value& id, std::int32_t code, std::string_view message) {
  sent_.clear();
  if (!messaging::encode_error(sent_, id, code, message, options_.message_bytes_max) &&
      !messaging::encode_error(sent_, id, code, "unprintable", options_.message_bytes_max)) {
    return;
  }
  write();
}

// A peer that asks and does not read the answers is given up. Guarded, since a reply's destructor may stand below, and
// the calls that fail then are the user's code.
void RpcPeer::Impl::write() {
  if (stream_ == nullptr || stream_->write(as_bytes(sent_)) != SendStatus::dropped) return;
  Stream& stream = *stream_;
  messaging::guarded(stream.session(), [&] { give_up(stream); });
}

// --- The end --------------------------------------------------------------------------------------------------------

void RpcPeer::Impl::give_up(Stream& stream) {
  if (std::exchange(stream_, nullptr) == nullptr) return;
  stream.stop(messaging::kGivenUpCode);
  stream.reset(messaging::kGivenUpCode);
  waiting_.clear();
  fail_calls();
}

// The peer asks no more and answers no more; what it has asked is still answered.
void RpcPeer::Impl::handle_end() {
  peer_finished_ = true;
  fail_calls();
  finish_if_idle();
}

void RpcPeer::Impl::finish_if_idle() {
  if (!peer_finished_ || running_ != 0 || !waiting_.empty() || stream_ == nullptr) return;
  std::exchange(stream_, nullptr)->write(ByteView{}, true);
}

void RpcPeer::Impl::handle_close() {
  stream_ = nullptr;
  messaging::AllCalled all;
  all.call([this] { fail_calls(); });
  if (const auto on_close = std::exchange(on_close_, nullptr)) all.call(on_close);
  all.rethrow();
}

// --- The public face ------------------------------------------------------------------------------------------------

RpcReply::RpcReply(std::unique_ptr<State> state) : state_(std::move(state)) {}
RpcReply::RpcReply(RpcReply&&) noexcept = default;
// The reply that was here is answered last, since that may carry out a request that assigns to this one again.
RpcReply& RpcReply::operator=(RpcReply&& other) noexcept {
  const RpcReply replaced{std::exchange(state_, std::exchange(other.state_, nullptr))};
  return *this;
}
RpcReply::~RpcReply() { error(rpc_code::kInternalError, "no answer"); }

void RpcReply::result(const Value& value) {
  const auto state = std::exchange(state_, nullptr);
  if (state == nullptr) return;
  if (const auto peer = state->peer.lock()) peer->answer(state->id, value);
}

void RpcReply::error(std::int32_t code, std::string_view message) {
  const auto state = std::exchange(state_, nullptr);
  if (state == nullptr) return;
  if (const auto peer = state->peer.lock()) peer->answer(state->id, rpc_error(code, std::string{message}));
}

RpcPeer::RpcPeer(const RpcOptions& options) : impl_(std::make_shared<Impl>(options)) {}

RpcPeer::RpcPeer(Stream& stream, const RpcOptions& options) : RpcPeer(options) {
  stream_ = &stream;
  impl_->stream_ = &stream;
}

RpcPeer::~RpcPeer() = default;

Result<RpcPeer*, StreamError> RpcPeer::open(Session& session, const RpcOptions& options) {
  std::unique_ptr<RpcPeer> handler{new RpcPeer{options}};
  auto opened = messaging::open_stream(session, StreamDirection::bidirectional, std::move(handler), &RpcPeer::stream_);
  if (opened) (*opened)->impl_->stream_ = (*opened)->stream_;
  return opened;
}

void RpcPeer::call(std::string_view method, const Value& params, Done done, Duration timeout) {
  impl_->call(*stream_, method, params, std::move(done), timeout);
}

SendStatus RpcPeer::notify(std::string_view method, const Value& params) {
  return impl_->notify(*stream_, method, params);
}

void RpcPeer::serve(std::string name, std::function<RpcResult(const Value&)> method) {
  serve_later(std::move(name), [method = std::move(method)](const Value& params, RpcReply reply) {
    const RpcResult result = method(params);
    result ? reply.result(*result) : reply.error(result.error().code, result.error().message);
  });
}

void RpcPeer::serve_later(std::string name, std::function<void(const Value&, RpcReply)> method) {
  impl_->serve(std::move(name), std::move(method));
}

void RpcPeer::close() {
  const auto impl = impl_;
  if (impl->stream_ == nullptr) return;
  impl->stream_ = nullptr;
  stream_->write(ByteView{}, true);
  stream_->stop(messaging::kGivenUpCode);
  impl->fail_calls();
}

void RpcPeer::on_close(std::function<void()> handler) { impl_->set_on_close(std::move(handler)); }
std::size_t RpcPeer::pending_calls() const { return impl_->pending_calls(); }

void RpcPeer::on_data(Stream& stream, ByteView data, bool fin) { impl_->handle_data(stream, data, fin); }
void RpcPeer::on_reset(Stream& stream, std::uint32_t) { impl_->give_up(stream); }
void RpcPeer::on_stop(Stream& stream, std::uint32_t) { impl_->give_up(stream); }
void RpcPeer::on_close(Stream&) { impl_->handle_close(); }

}  // namespace plait
