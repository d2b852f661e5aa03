#include "bench/routes.hpp"

#include "bench/stream_routes.hpp"
#include "core/executor.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace plait::bench {
namespace {

constexpr std::size_t kDefaultMessageBytes = std::size_t{64} << 10;
constexpr std::size_t kMessageBytesMax = std::size_t{16} << 20;
constexpr std::uint64_t kEndless = UINT64_MAX;
// A peer that reads as fast as we write never makes send() say queued: without an end to its turn, a producer on one
// core and a reader on another would keep this connection's own input, and all others, waiting.
constexpr std::size_t kTurnBytes = std::size_t{1} << 20;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The value of `name` in a query that needs no decoding.
std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
  }
  return {};
}

class EchoHandler final : public SessionHandler {
  void on_message(Session& session, const Message& message) override { session.send(message); }
};

class IdleHandler final : public SessionHandler {};

/// Counts what comes in and sends what is asked for, as fast as the peer takes it.
class FloodHandler final : public SessionHandler {
 public:
  FloodHandler(Server& server, bool produces, std::uint64_t bytes)
      : server_(server), produces_(produces), remaining_(bytes) {}

  void on_request(OpeningRequest& request) override {
    const auto size = parse_number(query_value(request.query(), "size"));
    if (size && *size > 0 && *size <= kMessageBytesMax) message_bytes_ = static_cast<std::size_t>(*size);
    if (const auto bytes = parse_number(query_value(request.query(), "bytes"))) remaining_ = *bytes;
    request.accept();
  }
  void on_open(Session& session) override { produce(session); }
  void on_message(Session& session, const Message& message) override {
    if (message.kind() == MessageKind::binary) {
      received_bytes_ += message.size();
      return;
    }
    if (!produces_) {
      session.send(Message::text(std::to_string(received_bytes_)));
    } else if (const auto bytes = parse_number(message.text())) {
      remaining_ = *bytes;
      produce(session);
    }
  }
  void on_writable(Session& session) override { produce(session); }

 private:
  void produce(Session& session) {
    if (!produces_) return;
    if (payload_.empty() && remaining_ > 0) {
      payload_ = Bytes::copy_of(ByteView{std::vector<std::uint8_t>(message_bytes_, 0x5A)});
    }
    for (std::size_t sent = 0; remaining_ > 0;) {
      if (sent >= kTurnBytes) return produce_next_turn(session);
      const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(message_bytes_, remaining_));
      const Bytes part = payload_.slice(0, size);
      const SendStatus status = session.send(Message::shared(MessageKind::binary, part));
      if (status == SendStatus::dropped || status == SendStatus::closed) return;
      sent += size;
      if (remaining_ != kEndless) remaining_ -= size;
      if (status == SendStatus::queued) return;
    }
  }

  void produce_next_turn(Session& session) {
    if (std::exchange(posted_, true)) return;
    server_.post(session.id(), [this](Session& same) {
      posted_ = false;
      produce(same);
    });
  }

  Server& server_;
  bool produces_;
  bool posted_ = false;
  std::uint64_t remaining_;
  std::uint64_t received_bytes_ = 0;
  std::size_t message_bytes_ = kDefaultMessageBytes;
  Bytes payload_;
};

/// curl_cffi's target: the query, or else the mode that was given, says which way the bytes go.
class WsModeHandler final : public SessionHandler {
 public:
  WsModeHandler(Server& server, WsMode mode) : server_(server), mode_(mode) {}

  void on_request(OpeningRequest& request) override {
    const std::string_view test = query_value(request.query(), "test");
    if (test == "upload") mode_ = WsMode::upload;
    if (test == "download") mode_ = WsMode::download;
    stream_ = std::make_unique<FloodHandler>(server_, mode_ != WsMode::upload, mode_ == WsMode::upload ? 0 : kEndless);
    stream_->on_request(request);
  }
  void on_open(Session& session) override { stream_->on_open(session); }
  void on_message(Session& session, const Message& message) override { stream_->on_message(session, message); }
  void on_writable(Session& session) override { stream_->on_writable(session); }

 private:
  Server& server_;
  WsMode mode_;
  std::unique_ptr<FloodHandler> stream_;
};

/// The sessions of one /fanout route. What one of them sends in a turn of its loop goes to the others together, at the
/// end of that turn. A loop's members and burst are touched on that loop only; the mutex guards the map, and is taken
/// when a session comes or goes and when messages leave their loop.
class FanoutGroup : public std::enable_shared_from_this<FanoutGroup> {
 public:
  struct Waiting {
    MessageKind kind;
    Bytes bytes;
  };
  struct Loop {
    std::vector<Session*> members;
    MessageBurst burst;         // what `sender` has sent in this turn
    Session* sender = nullptr;  // null: the burst is empty
    bool posted = false;        // send() will be called
    std::vector<SessionId> ids;
    std::vector<Waiting> waiting;  // from other loops
  };

  explicit FanoutGroup(Server& server) : server_(server) {}

  Loop& join(Session& session) {
    const std::lock_guard lock{mutex_};
    Loop& loop = loops_[session.id().loop];
    loop.members.push_back(&session);
    loop.ids.push_back(session.id());
    return loop;
  }
  void leave(Loop& loop, Session& session) {
    if (loop.sender == &session) send(loop);
    const std::lock_guard lock{mutex_};
    std::erase(loop.members, &session);
    std::erase(loop.ids, session.id());
    wake(loop);  // the task that was under way may have been this session's
  }
  void add(Loop& loop, Session& sender, const Message& message) {
    if (loop.sender != &sender || loop.burst.size() >= kBurstMax) send(loop);
    loop.sender = &sender;
    loop.burst.add(message.kind(), message.share());
    if (std::exchange(loop.posted, true)) return;
    sender.executor().post([self = shared_from_this(), &loop] {
      loop.posted = false;
      self->send(loop);
    });
  }

 private:
  static constexpr std::size_t kBurstMax = 64;

  void send(Loop& loop) {
    const Session* sender = std::exchange(loop.sender, nullptr);
    if (sender == nullptr) return;
    send_to(loop.members, loop.burst, sender);
    send_to_other_loops(loop);
    loop.burst.clear();
  }
  // To all members but `sender`. A member that cannot be written to leaves meanwhile.
  static void send_to(const std::vector<Session*>& members, const MessageBurst& burst, const Session* sender) {
    for (std::size_t i = 0; i < members.size();) {
      Session* member = members[i];
      if (member != sender) member->send_burst(burst);
      if (i < members.size() && members[i] == member) ++i;
    }
  }
  void send_to_other_loops(const Loop& own) {
    const std::lock_guard lock{mutex_};
    if (loops_.size() < 2) return;
    for (std::size_t i = 0; i < own.burst.size(); ++i) {
      Bytes bytes = own.burst[i].share();
      bytes.share_between_threads();
      for (auto& [index, loop] : loops_) {
        if (&loop == &own || loop.ids.empty()) continue;
        loop.waiting.push_back({own.burst[i].kind(), bytes});
        if (loop.waiting.size() == 1) wake(loop);
      }
    }
  }

  // Another loop is reached through one of its sessions.
  void wake(Loop& loop) {
    if (loop.waiting.empty()) return;
    if (loop.ids.empty()) return loop.waiting.clear();
    server_.post(loop.ids.front(), [this, &loop](Session&) { deliver(loop); });
  }
  void deliver(Loop& loop) {
    MessageBurst burst;
    {
      const std::lock_guard lock{mutex_};
      for (Waiting& one : loop.waiting) burst.add(one.kind, std::move(one.bytes));
      loop.waiting.clear();
    }
    send_to(loop.members, burst, nullptr);
  }

  Server& server_;
  std::mutex mutex_;
  std::map<std::uint32_t, Loop> loops_;  // never shrinks, so references into it last
};

class FanoutHandler final : public SessionHandler {
 public:
  explicit FanoutHandler(std::shared_ptr<FanoutGroup> group) : group_(std::move(group)) {}

  void on_open(Session& session) override { loop_ = &group_->join(session); }
  void on_message(Session& session, const Message& message) override { group_->add(*loop_, session, message); }
  void on_close(Session& session, const CloseInfo&) override {
    if (loop_ != nullptr) group_->leave(*loop_, session);
  }

 private:
  std::shared_ptr<FanoutGroup> group_;
  FanoutGroup::Loop* loop_ = nullptr;
};

HandlerFactory stream_handler(Server& server, bool produces, std::uint64_t bytes) {
  return [&server, produces, bytes] { return std::make_unique<FloodHandler>(server, produces, bytes); };
}

/// The first one is /echo.
std::vector<std::pair<std::string_view, HandlerFactory>> message_routes(Server& server, const RouteOptions& options) {
  return {{"/echo", handler<EchoHandler>()},
          {"/discard", stream_handler(server, false, 0)},
          {"/produce", stream_handler(server, true, 0)},
          {"/duplex", stream_handler(server, true, kEndless)},
          {"/latency", handler<IdleHandler>()},
          {"/ws", [&server, mode = options.ws_mode] { return std::make_unique<WsModeHandler>(server, mode); }}};
}

/// Schemes are case-insensitive (RFC 3986 §3.1).
bool has_scheme(std::string_view url, std::string_view scheme) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(url.substr(0, url.find(':')), scheme, {}, lower);
}

/// What is wrong with a route's URL is wrong with the one that it was made of, and nobody wrote the other.
Error as_given(Error error, std::string_view route, std::string_view url) {
  if (const auto at = error.message.find(route); at != std::string::npos) error.message.replace(at, route.size(), url);
  return error;
}

}  // namespace

Result<std::string, Error> listen_on_routes(Server& server, std::string_view url, const RouteOptions& options) {
  // The first listen() binds and tells the port; the others must name it.
  const bool is_unix = has_scheme(url, "unix");
  const std::size_t authority = url.find("://");
  std::string_view base = url;
  if (is_unix) {
    base = url.substr(0, url.find(":/", 5));
  } else if (authority != std::string_view::npos) {
    base = url.substr(0, url.find_first_of("/?#", authority + 3));
  }
  const std::string separator = is_unix ? ":" : "";
  if (const auto path = url.substr(base.size()); !path.empty() && path != separator + "/") {
    return err(Error{std::string{url} + ": leave out the path; the routes are at /echo, /discard … of every listener"});
  }
  const std::string echo = separator + "/echo";
  const bool has_streams = has_scheme(url, "https") || has_scheme(url, "quic");
  const auto group = std::make_shared<FanoutGroup>(server);
  std::vector<std::pair<std::string_view, HandlerFactory>> routes =
      has_streams ? stream_routes() : message_routes(server, options);
  routes.emplace_back("/fanout", [group] { return std::make_unique<FanoutHandler>(group); });
  const std::string first = std::string{base} + echo;
  auto bound = server.listen(first, routes.front().second);
  if (!bound) return err(as_given(bound.error(), first, url));
  const std::string root = bound->substr(0, bound->size() - echo.size());
  for (auto next = routes.begin() + 1; next != routes.end(); ++next) {
    const std::string at = root + separator + std::string{next->first};
    if (auto added = server.listen(at, next->second); !added) return added;
  }
  return root;
}

}  // namespace plait::bench
