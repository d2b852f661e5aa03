#include <plait/client.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/backoff.hpp"
#include "client/client_impl.hpp"
#include "core/guard.hpp"
#include "core/timer.hpp"
#include "transport/handler_proxy.hpp"
#include "transport/loop_context.hpp"

namespace plait {
namespace {

// The wait for the next attempt. Like a session, it keeps the client's run() going, and ends with the client.
class RetryWait final : public transport::LoopEntry, private core::Timer {
 public:
  /// Calls `done` after `delay`, unless it is aborted before.
  static SessionId start(transport::LoopContext& context, Duration delay, std::function<void()> done) {
    std::unique_ptr<RetryWait> owned{new RetryWait{context, std::move(done)}};
    RetryWait& wait = *owned;
    wait.id_ = context.put(std::move(owned));
    context.loop.schedule(wait, context.loop.now() + delay);
    return wait.id_;
  }

  // LoopEntry
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { leave(); }
  void abort(const transport::Disconnect&) override { leave(); }

 private:
  RetryWait(transport::LoopContext& context, std::function<void()> done) : context_(context), done_(std::move(done)) {}
  void on_timer(core::TimePoint) override {
    leave();
    done_();
  }
  void leave() {
    cancel();
    context_.loop.retire(context_.entries.remove(id_));
  }

  transport::LoopContext& context_;
  const std::function<void()> done_;
  SessionId id_;
};

}  // namespace

class ReconnectingSession::Impl {
 public:
  Impl(Client& client, std::string url, std::unique_ptr<SessionHandler> handler, ConnectOptions options,
       const ReconnectPolicy& policy, OnState on_state)
      : client_(client),
        context_(ClientAccess::context(client)),
        urls_{std::move(url)},
        handler_(std::move(handler)),
        options_(std::move(options)),
        backoff_(policy),
        on_state_(std::move(on_state)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { end(); }

  void add_url(std::string url) { urls_.push_back(std::move(url)); }
  void on_attempt(std::function<void(ConnectOptions&)> prepare) { prepare_ = std::move(prepare); }
  Result<void, Error> start();
  [[nodiscard]] Session* session() const { return session_; }
  void close(std::uint32_t code, std::string_view reason);

 private:
  class Link;

  Result<void, Error> attempt();
  Result<void, Error> go_on();
  Result<void, Error> connect(const std::string& url);
  [[nodiscard]] std::size_t next_url() const;
  [[nodiscard]] int status_of(const CloseInfo& info);
  void end();
  void handle_open(Session& session);
  void handle_close(Session& session, const CloseInfo& info);
  void wait(Duration delay);
  void tell(LinkState state, const CloseInfo& info) const {
    if (on_state_) core::guarded("a handler of link states", [&] { on_state_(state, info); });
  }

  Client& client_;
  transport::LoopContext& context_;
  std::vector<std::string> urls_;
  std::size_t preferred_ = 0;  // the one of urls_ that worked last
  std::size_t current_ = 0;    // the one that was tried last
  std::size_t tried_ = 0;      // how many of them this attempt has tried
  std::function<void(ConnectOptions&)> prepare_;
  bool may_renew_ = true;  // no 401 has come since a session or start()
  const std::unique_ptr<SessionHandler> handler_;
  ConnectOptions options_;
  client::Backoff backoff_;
  const OnState on_state_;
  Link* link_ = nullptr;        // from an attempt to the end of its session
  Session* session_ = nullptr;  // while it is open
  SessionId id_;                // of the session, or of the wait for the next
  bool started_ = false;
  bool closed_ = false;  // by the user
};

// The handler of one session. Once it has no owner, it does nothing.
class ReconnectingSession::Impl::Link final : public transport::HandlerProxy {
 public:
  explicit Link(Impl& owner) : HandlerProxy(*owner.handler_), owner_(&owner) {}
  void leave() {
    owner_ = nullptr;
    set_target(nothing_);
  }
  void on_open(Session& session) override {
    if (owner_ != nullptr) owner_->handle_open(session);
  }
  void on_close(Session& session, const CloseInfo& info) override {
    if (owner_ != nullptr) owner_->handle_close(session, info);
  }

 private:
  Impl* owner_;
  SessionHandler nothing_;
};

Result<void, Error> ReconnectingSession::Impl::start() {
  if (started_) return err(Error{"a reconnecting session starts once"});
  if (closed_) return err(Error{"the reconnecting session is closed"});
  if (handler_ == nullptr) return err(Error{"the handler is null"});
  for (const std::string& url : urls_) {
    if (const auto parsed = parse_connect_url(url); !parsed) return err(parsed.error());
  }
  auto begun = attempt();
  started_ = begun.has_value();
  return begun;
}

Result<void, Error> ReconnectingSession::Impl::attempt() {
  tried_ = 0;
  return go_on();
}

// With the next URL that can be tried; the error is that of the last.
Result<void, Error> ReconnectingSession::Impl::go_on() {
  for (;;) {
    current_ = next_url();
    ++tried_;
    auto connected = connect(urls_[current_]);
    if (connected || closed_ || tried_ == urls_.size()) return connected;
  }
}

// The preferred one, then the others in their order.
std::size_t ReconnectingSession::Impl::next_url() const {
  if (tried_ == 0) return preferred_;
  return tried_ <= preferred_ ? tried_ - 1 : tried_;
}

Result<void, Error> ReconnectingSession::Impl::connect(const std::string& url) {
  if (prepare_ && !core::guarded("what on_attempt() was given", [&] { prepare_(options_); })) {
    return err(Error{"what on_attempt() was given threw"});
  }
  if (closed_) return err(Error{"the reconnecting session is closed"});
  auto link = std::make_unique<Link>(*this);
  link_ = link.get();
  const auto id = client_.connect(url, std::move(link), options_);
  if (id) {
    id_ = *id;
    return {};
  }
  link_ = nullptr;
  return err(id.error());
}

void ReconnectingSession::Impl::end() {
  if (link_ != nullptr) std::exchange(link_, nullptr)->leave();
  session_ = nullptr;
  if (transport::LoopEntry* entry = context_.entries.find(id_)) entry->abort({});
}

void ReconnectingSession::Impl::close(std::uint32_t code, std::string_view reason) {
  closed_ = true;
  if (session_ != nullptr) return session_->close(code, reason);
  end();
}

void ReconnectingSession::Impl::handle_open(Session& session) {
  session_ = &session;
  may_renew_ = true;
  preferred_ = current_;
  handler_->on_open(session);
  if (session_ != nullptr) tell(LinkState::established, {});
}

void ReconnectingSession::Impl::handle_close(Session& session, const CloseInfo& info) {
  link_ = nullptr;
  id_ = {};
  if (std::exchange(session_, nullptr) != nullptr) {
    core::guarded("a session handler", [&] { handler_->on_close(session, info); });
    if (closed_) return;
    tell(LinkState::lost, info);
    if (!closed_) wait(backoff_.lose());
    return;
  }
  if (closed_) return;
  CloseInfo last = info;
  if (info.status == 0 && tried_ < urls_.size()) {
    const auto connected = go_on();
    if (connected || closed_) return;
    last = {.reason = connected.error().message};
  }
  if (const auto delay = backoff_.fail(status_of(last))) return wait(*delay);
  closed_ = true;
  tell(LinkState::failed, last);
}

// A token may expire between prepare_ and the server, once; 0 is the status of what may be tried again.
int ReconnectingSession::Impl::status_of(const CloseInfo& info) {
  constexpr int kUnauthorized = 401;
  return info.status == kUnauthorized && prepare_ && std::exchange(may_renew_, false) ? 0 : info.status;
}

// connect() may also fail at once, for instance where no file descriptor is left.
void ReconnectingSession::Impl::wait(Duration delay) {
  id_ = RetryWait::start(context_, delay, [this] {
    id_ = {};
    const auto connected = attempt();
    if (connected || closed_) return;
    if (const auto next = backoff_.fail()) return wait(*next);
    closed_ = true;
    tell(LinkState::failed, {.reason = connected.error().message});
  });
}

ReconnectingSession::ReconnectingSession(Client& client, std::string url, std::unique_ptr<SessionHandler> handler,
                                         ConnectOptions options, const ReconnectPolicy& policy, OnState on_state)
    : impl_(std::make_unique<Impl>(client, std::move(url), std::move(handler), std::move(options), policy,
                                   std::move(on_state))) {}
ReconnectingSession::~ReconnectingSession() = default;

void ReconnectingSession::add_url(std::string url) { impl_->add_url(std::move(url)); }
void ReconnectingSession::on_attempt(std::function<void(ConnectOptions&)> prepare) {
  impl_->on_attempt(std::move(prepare));
}
Result<void, Error> ReconnectingSession::start() { return impl_->start(); }
Session* ReconnectingSession::session() const { return impl_->session(); }
void ReconnectingSession::close(std::uint32_t code, std::string_view reason) { impl_->close(code, reason); }

}  // namespace plait
