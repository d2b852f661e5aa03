#include <plait/client.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <utility>

#include "client/client_impl.hpp"
#include "core/bounded.hpp"

namespace plait {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kGoodbyeTime{200};
constexpr std::chrono::seconds kTellingTime{1};  // from a deadline to being told of it
// Bytes of unread messages above which the session is paused.
constexpr std::size_t kUnreadBytesMax = std::size_t{4} << 20;

// An empty message takes memory, too.
std::size_t unread_bytes_of(const Bytes& data) { return sizeof(BlockingClient::Received) + data.size(); }

}  // namespace

class BlockingClient::Impl {
 public:
  /// What the handler has seen; outlives the handler.
  struct Inbox {
    Session* session = nullptr;  // while it is open
    std::deque<Received> messages;
    std::size_t bytes = 0;
    CloseInfo closed;
    bool was_open = false;
    bool is_closed = false;
  };

  class Handler final : public SessionHandler {
   public:
    explicit Handler(Inbox& inbox) : inbox_(inbox) {}
    void on_open(Session& session) override {
      inbox_.session = &session;
      inbox_.was_open = true;
    }
    void on_message(Session& session, const Message& message) override {
      inbox_.messages.push_back({message.kind(), message.share()});
      inbox_.bytes += unread_bytes_of(inbox_.messages.back().data);
      if (inbox_.bytes > kUnreadBytesMax) session.pause();
    }
    void on_close(Session&, const CloseInfo& info) override {
      inbox_.session = nullptr;
      inbox_.closed = info;
      inbox_.is_closed = true;
    }

   private:
    Inbox& inbox_;
  };

  /// Turns the loop until `done` or the deadline, but once at least. True: done.
  template <class Done>
  bool turn_until(Done&& done, Duration timeout) {
    const Clock::time_point deadline = Clock::now() + core::bounded(timeout);
    for (bool in_time = true; !done();) {
      if (!in_time) return false;
      const Duration left = deadline - Clock::now();
      in_time = left > Duration::zero();
      client.run_once(std::max(left, Duration::zero()));
    }
    if (inbox.is_closed && !std::exchange(said_goodbye, true)) say_goodbye();
    return true;
  }

  /// Nobody turns the loop after the end of the session, but on QUIC our half of it may not have left yet.
  void say_goodbye() {
    const Clock::time_point deadline = Clock::now() + kGoodbyeTime;
    for (auto now = Clock::now(); !client.is_idle() && now < deadline; now = Clock::now()) {
      client.run_once(deadline - now);
    }
  }

  /// The peer is gone, while messages that came before are still unread.
  [[nodiscard]] bool is_cut() const {
    const auto* entry = ClientAccess::context(client).entries.find(inbox.session->id());
    return entry != nullptr && entry->is_cut();
  }

  [[nodiscard]] Error closed_error() const {
    const bool may_pass = inbox.closed.code == close_code::kGoingAway || inbox.closed.code == close_code::kAbnormal ||
                          inbox.closed.code == close_code::kServiceRestart ||
                          inbox.closed.code == close_code::kTryAgainLater;
    return {.message = "the session has ended (" + std::to_string(inbox.closed.code) + "): " + inbox.closed.reason,
            .system_errno = may_pass ? ENOTCONN : 0};
  }

  Inbox inbox;  // before the client, whose handler refers to it
  bool said_goodbye = false;
  Client client;
};

BlockingClient::BlockingClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlockingClient::BlockingClient(BlockingClient&&) noexcept = default;
BlockingClient& BlockingClient::operator=(BlockingClient&&) noexcept = default;
BlockingClient::~BlockingClient() = default;

Result<BlockingClient, Error> BlockingClient::connect(std::string_view url, const ConnectOptions& options) {
  auto impl = std::make_unique<Impl>();
  auto started = impl->client.connect(url, std::make_unique<Impl::Handler>(impl->inbox), options);
  if (!started) return err(started.error());
  Impl::Inbox& inbox = impl->inbox;
  // The session's own deadline comes first: it knows what was waited for.
  impl->turn_until([&] { return inbox.session != nullptr || inbox.is_closed; },
                   core::bounded(options.timeout) + kTellingTime);
  if (inbox.was_open) return BlockingClient{std::move(impl)};
  return err(Error{
      .message = "cannot connect to " + std::string{url} + ": " + (inbox.is_closed ? inbox.closed.reason : "timed out"),
      .system_errno = ENOTCONN,
      .status = inbox.closed.status});
}

Result<void, Error> BlockingClient::send(const Message& message, Duration timeout) {
  Impl::Inbox& inbox = impl_->inbox;
  SendStatus status = SendStatus::dropped;
  const auto sent = [&] {
    if (inbox.session == nullptr) return true;
    if (status == SendStatus::dropped) status = inbox.session->send(message);
    return status != SendStatus::dropped && inbox.session->buffered_bytes() == 0;
  };
  if (!impl_->turn_until(sent, timeout)) return err(Error{"the peer does not take the message: timed out"});
  if (inbox.session == nullptr) return err(impl_->closed_error());
  if (impl_->is_cut()) return err(Error{.message = "the peer broke the connection", .system_errno = ENOTCONN});
  if (status == SendStatus::closed) return err(Error{"the session is closing"});
  return {};
}

Result<std::optional<BlockingClient::Received>, Error> BlockingClient::receive(Duration timeout) {
  Impl::Inbox& inbox = impl_->inbox;
  impl_->turn_until([&] { return !inbox.messages.empty() || inbox.is_closed; }, timeout);
  if (inbox.messages.empty()) {
    if (inbox.is_closed) return err(impl_->closed_error());
    return std::optional<Received>{};
  }
  Received message = std::move(inbox.messages.front());
  inbox.messages.pop_front();
  inbox.bytes -= unread_bytes_of(message.data);
  if (inbox.session != nullptr && inbox.bytes <= kUnreadBytesMax) inbox.session->resume();
  return std::optional<Received>{std::move(message)};
}

CloseInfo BlockingClient::close(std::uint32_t code, std::string_view reason, Duration timeout) {
  Impl::Inbox& inbox = impl_->inbox;
  if (inbox.session != nullptr) inbox.session->close(code, reason);
  impl_->turn_until([&] { return inbox.is_closed; }, timeout);
  return inbox.closed;
}

}  // namespace plait
