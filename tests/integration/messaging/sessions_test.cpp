// What stands above sessions, on real WebTransport sessions between Plait's client and server.
#include <gmock/gmock.h>
#include <plait/datagrams.hpp>
#include <plait/hub.hpp>
#include <plait/monitor.hpp>
#include <plait/pubsub_lines.hpp>
#include <plait/rpc.hpp>
#include <plait/structured.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <set>
#include <stdexcept>

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

struct Point {
  std::int64_t x = 0;
  std::int64_t y = 0;
};
Value to_value(const Point& point) { return Value::object({{"x", point.x}, {"y", point.y}}); }
bool from_value(const Value& value, Point& point) {
  const auto x = value.find("x").as_int64();
  const auto y = value.find("y").as_int64();
  point = {x.value_or(0), y.value_or(0)};
  return x && y;
}

const StructuredTypes& types() {
  static const StructuredTypes registered = std::move(StructuredTypes{Format::msgpack}.add<Point>(7));
  return registered;
}

/// A session whose streams answer the calls that `serve` says.
Calls serving_calls(std::function<void(RpcPeer&, Session&)> serve) {
  return {.streams = true, .on_stream = [serve = std::move(serve)](Session& session, Stream& stream) {
            auto rpc = std::make_unique<RpcPeer>(stream);
            serve(*rpc, session);
            return rpc;
          }};
}

void serve_echo(RpcPeer& rpc, Session&) {
  rpc.serve("echo", [](const Value& params) -> RpcResult { return params; });
}

/// One that wants streams, for what has a state of its own.
class StreamsSession : public SessionHandler {
 public:
  [[nodiscard]] bool wants_streams() const override { return true; }
};

class MessagingSessions : public SecureServer, public testing::Test {
 protected:
  void serve(HandlerFactory factory, Hub* hub = nullptr) {
    ServerOptions options;
    options.threads = 2;
    make(std::move(options));
    if (hub != nullptr) (*server_)->attach(*hub);
    url_ = server_->listen("https", std::move(factory));
  }
  void start() { server_->start(); }
  void connect(Client& client, std::unique_ptr<SessionHandler> handler, const std::string& url = {}) {
    const auto id = client.connect(url.empty() ? url_ : url, std::move(handler), trusting());
    ASSERT_TRUE(id) << id.error().message;
  }
  /// One client session until it has closed itself.
  CloseInfo run(Calls calls) {
    CloseInfo info;
    calls.on_close = [&info](Session&, const CloseInfo& how) { info = how; };
    Client client;
    connect(client, std::make_unique<Called>(std::move(calls)));
    client.run();
    EXPECT_TRUE(info.clean) << info.reason;
    return info;
  }

  std::string url_;
};

class ObjectsServer final : public StreamsSession {
 public:
  void on_open(Session& session) override {
    datagrams_ = std::make_unique<StructuredDatagrams>(session, types());
    datagrams_->on<Point>([this](const Point& point) { EXPECT_TRUE(datagrams_->send(Point{-point.x, -point.y})); });
  }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream& stream) override {
    auto objects = std::make_unique<StructuredStream>(stream, types());
    objects->on<Point>([&objects = *objects](const Point& point) {
      EXPECT_TRUE(objects.send(Point{point.y, point.x}));
    });
    objects->on_end([&objects = *objects](std::optional<std::uint32_t>) { objects.finish(); });
    return objects;
  }
  void on_datagram(Session&, ByteView data) override { datagrams_->handle_datagram(data); }

 private:
  std::unique_ptr<StructuredDatagrams> datagrams_;
};

TEST_F(MessagingSessions, ObjectsOnAStreamAndInDatagrams) {
  serve(handler<ObjectsServer>());
  start();
  Calls client{.streams = true};
  std::int64_t sum = 0;
  std::int64_t from_datagram = 0;
  std::unique_ptr<StructuredDatagrams> datagrams;
  client.on_open = [&](Session& session) {
    auto& objects = **StructuredStream::open(session, types());
    objects.on<Point>([&sum](const Point& point) { sum += point.x - point.y; });
    objects.on_end([&](std::optional<std::uint32_t>) { EXPECT_TRUE(datagrams->send(Point{3, 4})); });
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(objects.send(Point{i, 2 * i}));
    objects.finish();
    datagrams = std::make_unique<StructuredDatagrams>(session, types());
    datagrams->on<Point>([&](const Point& point) {
      from_datagram = point.y;
      session.close();
    });
  };
  client.on_datagram = [&](Session&, ByteView data) { datagrams->handle_datagram(data); };
  run(client);
  EXPECT_EQ(sum, 999 * 1000 / 2);
  EXPECT_EQ(from_datagram, -4);
}

TEST_F(MessagingSessions, BothSidesCallEachOther) {
  serve(calling(serving_calls([](RpcPeer& rpc, Session&) {
    // Asks the caller for its name before it answers.
    rpc.serve_later("greet", [&rpc](const Value& params, RpcReply reply) {
      auto held = std::make_shared<RpcReply>(std::move(reply));
      rpc.call("name", params, [held](const RpcResult& name) { held->result("hello " + *name->as_string()); });
    });
  })));
  start();
  Calls client{.streams = true};
  int answers = 0;
  client.on_open = [&](Session& session) {
    RpcPeer& rpc = **RpcPeer::open(session);
    rpc.serve("name", [](const Value& params) -> RpcResult {
      return Value{"number " + std::to_string(*params.at(0).as_int64())};
    });
    for (int i = 0; i < 200; ++i) {
      rpc.call("greet", Value::array({i}), [&, i](const RpcResult& result) {
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_EQ(*result->as_string(), "hello number " + std::to_string(i));
        if (++answers == 200) session.close();
      });
    }
  };
  run(client);
  EXPECT_EQ(answers, 200);
}

TEST_F(MessagingSessions, AMessageOfAMebibytePasses) {
  serve(calling(serving_calls(serve_echo)));
  start();
  Calls client{.streams = true};
  std::size_t size = 0;
  client.on_open = [&](Session& session) {
    (*RpcPeer::open(session))->call("echo", Value::array({std::string(1'000'000, 'x')}), [&](const RpcResult& result) {
      if (result) size = result->at(0).as_string()->size();
      session.close();
    });
  };
  run(client);
  EXPECT_EQ(size, 1'000'000U);
}

TEST_F(MessagingSessions, CallsFailWhenTheSessionEnds) {
  serve(calling(serving_calls([](RpcPeer& rpc, Session& session) {
    rpc.serve_later("never", [&session](const Value&, const RpcReply&) { session.close(4000, "enough"); });
  })));
  start();
  Calls client{.streams = true};
  std::optional<RpcError::Kind> kind;
  client.on_open = [&](Session& session) {
    (*RpcPeer::open(session))->call("never", Value::array(), [&](const RpcResult& result) {
      if (!result) kind = result.error().kind;
    });
  };
  EXPECT_EQ(run(client).code, 4000);
  EXPECT_TRUE(kind == RpcError::Kind::closed || kind == RpcError::Kind::answered);
}

TEST_F(MessagingSessions, LinesThroughAHubWithOtherSubscribers) {
  Hub hub;
  serve(lines_handler(hub.handler()), &hub);
  const std::string web_socket_url = server_->listen("ws", hub.handler());
  start();

  Client client;
  constexpr int kClients = 6;
  int ready = 0;
  int heard = 0;
  std::string seen_by_web_socket;
  std::vector<std::pair<Session*, LinesClient*>> lines;
  Session* web_socket = nullptr;
  const auto end_when_all_heard = [&] {
    if (heard < kClients || seen_by_web_socket.empty()) return;
    for (const auto& [session, stream] : lines) session->close();
    web_socket->close();
  };
  const auto publish_when_all_are_ready = [&] {
    if (++ready == kClients + 1) lines[0].second->publish("news", as_bytes("line\nfeed"));
  };
  for (int i = 0; i < kClients; ++i) {
    Calls calls{.streams = true};
    calls.on_open = [&](Session& opened) {
      LinesClient& stream = **LinesClient::open(opened);
      lines.emplace_back(&opened, &stream);
      stream.on_message([&](std::string_view topic, ByteView payload) {
        EXPECT_EQ(topic, "news");
        EXPECT_EQ(as_text(payload), "line\nfeed");
        ++heard;
        end_when_all_heard();
      });
      stream.subscribe("news", [&](const Result<void, std::string>& result) {
        EXPECT_TRUE(result) << result.error();
        publish_when_all_are_ready();
      });
    };
    connect(client, std::make_unique<Called>(calls));
  }
  connect(client,
          std::make_unique<Called>(Calls{
              .on_open =
                  [&](Session& session) {
                    web_socket = &session;
                    session.send(Message::text(R"({"t":"subscription","p":{"action":"subscribe","topics":["news"]}})"));
                  },
              .on_message =
                  [&](Session&, const Message& message) {
                    if (message.text().find("subscription_update") != std::string_view::npos)
                      publish_when_all_are_ready();
                    if (message.text().find("\"publication\"") == std::string_view::npos) return;
                    seen_by_web_socket = message.text();
                    end_when_all_heard();
                  }}),
          web_socket_url);
  client.run();
  EXPECT_EQ(heard, kClients);
  EXPECT_NE(seen_by_web_socket.find(R"("p":"line\nfeed")"), std::string::npos) << seen_by_web_socket;
  server_.reset();  // before the hub
}

TEST_F(MessagingSessions, LinesHaveTheRightsThatTheHubGives) {
  HubOptions options;
  options.authenticate = [](const OpeningRequest& request) {
    Identity identity;
    identity.authenticated = request.query() == "ann";
    identity.user = "ann";
    identity.refusal_status = 401;
    return identity;
  };
  options.authorize = [](std::string_view user, std::string_view topic, TopicAction) {
    return user == "ann" && topic != "secret";
  };
  Hub hub{options};
  serve(lines_handler(hub.handler()), &hub);
  start();
  Client client;
  std::string refused;
  const Calls stranger{.streams = true, .on_close = [&](Session&, const CloseInfo& info) { refused = info.reason; }};
  connect(client, std::make_unique<Called>(stranger));
  std::string secret;
  Calls ann{.streams = true};
  ann.on_open = [&](Session& session) {
    (*LinesClient::open(session))->subscribe("secret", [&](const Result<void, std::string>& result) {
      secret = result ? "yes" : result.error();
      session.close();
    });
  };
  connect(client, std::make_unique<Called>(ann), url_ + "?ann");
  client.run();
  EXPECT_NE(refused.find("401"), std::string::npos) << refused;
  EXPECT_EQ(secret, "not allowed");
  server_.reset();  // before the hub
}

TEST_F(MessagingSessions, LinesAnswerSubscriptionsThatTheRateLimitRefuses) {
  HubOptions options;
  options.rate_limit_capacity = 1;
  options.rate_limit_refill = 0.001;
  Hub hub{options};
  serve(lines_handler(hub.handler()), &hub);
  start();
  Client client;
  std::vector<std::string> answers;
  Calls calls{.streams = true};
  calls.on_open = [&](Session& opened) {
    LinesClient& stream = **LinesClient::open(opened);
    for (const std::string topic : {"a", "b", "c"}) {
      stream.subscribe(topic, [&, topic](const Result<void, std::string>& result) {
        answers.push_back(topic + ": " + (result ? "yes" : result.error()));
        if (answers.size() == 3) opened.close();
      });
    }
  };
  connect(client, std::make_unique<Called>(calls));
  client.run();
  EXPECT_THAT(answers, testing::UnorderedElementsAre("a: yes", "b: too many messages", "c: too many messages"));
  server_.reset();  // before the hub
}

TEST_F(MessagingSessions, ReliableDatagramsArriveOnce) {
  struct Receiver final : StreamsSession {
    void on_open(Session& session) override {
      reliable = std::make_unique<ReliableDatagrams>(session);
      reliable->on_datagram([this](ByteView data) { reliable->send(data); });
    }
    void on_datagram(Session&, ByteView data) override { EXPECT_TRUE(reliable->handle_datagram(data)); }
    std::unique_ptr<ReliableDatagrams> reliable;
  };
  serve(handler<Receiver>());
  start();
  Calls client{.streams = true};
  constexpr int kCount = 100;
  int acknowledged = 0;
  std::vector<std::string> echoed;
  std::unique_ptr<ReliableDatagrams> reliable;
  const auto close_when_done = [&](Session& session) {
    if (acknowledged == kCount && echoed.size() == kCount) session.close();
  };
  client.on_open = [&](Session& session) {
    reliable = std::make_unique<ReliableDatagrams>(session);
    reliable->on_datagram([&](ByteView data) {
      echoed.emplace_back(as_text(data));
      close_when_done(session);
    });
    for (int i = 0; i < kCount; ++i) {
      reliable->send(as_bytes(std::to_string(i)), [&](bool arrived) {
        acknowledged += arrived ? 1 : 0;
        close_when_done(session);
      });
    }
  };
  client.on_datagram = [&](Session&, ByteView data) { EXPECT_TRUE(reliable->handle_datagram(data)); };
  run(client);
  EXPECT_EQ(acknowledged, kCount);
  EXPECT_EQ(echoed.size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ((std::set<std::string>{echoed.begin(), echoed.end()}).size(), echoed.size()) << "no two are the same";
}

/// Calls until its monitor has taken three samples.
class Watched final : public StreamsSession {
 public:
  Watched(ClientMonitor& monitor, SessionSample& newest) : attempt_(monitor), newest_(newest) {}
  void on_open(Session& session) override {
    attempt_.opened();
    watch_.emplace(session, MonitorOptions{.interval = 5ms});
    ask(**RpcPeer::open(session));
  }

 private:
  void ask(RpcPeer& rpc) {
    rpc.call("echo", Value::array({1}), [this, &rpc](const RpcResult&) {
      if (watch_->samples().size() < 3) return ask(rpc);
      newest_ = watch_->samples().back();
      rpc.stream().session().close();
    });
  }

  ClientMonitor::Attempt attempt_;
  SessionSample& newest_;
  std::optional<SessionMonitor> watch_;
};

TEST_F(MessagingSessions, MonitorsOfServerClientAndSession) {
  serve(calling(serving_calls(serve_echo)));
  const ServerMonitor server_monitor{server_->server(), {.interval = 5ms}};
  EXPECT_EQ(server_monitor.health(), Health::unknown);
  start();
  Client client;
  SessionSample newest;
  ClientMonitor client_monitor{client, {.interval = 5ms}};
  connect(client, std::make_unique<Watched>(client_monitor, newest));
  connect(client, std::make_unique<Watched>(client_monitor, newest), url_ + "elsewhere");
  client.run();
  EXPECT_EQ(client_monitor.stats().attempts, 2U);
  EXPECT_EQ(client_monitor.stats().opened, 1U);
  EXPECT_GT(client_monitor.stats().connect_time_total, Duration{});
  EXPECT_FALSE(client_monitor.samples().empty());
  EXPECT_GT(newest.stats.packets_sent, 3U);
  EXPECT_GT(newest.stats.congestion_window_bytes, 1000U);
  EXPECT_GT(newest.rtt.value_or(Duration{}), Duration{});
  EXPECT_TRUE(wait_until([&] { return server_monitor.health() != Health::unknown; }));
  server_.reset();
}

// The end of the client wrote into the monitor, which was gone by then: `Client client; ClientMonitor
// monitor{client};`.
TEST_F(MessagingSessions, AttemptsMayOutliveTheirMonitor) {
  struct Counted final : StreamsSession {
    explicit Counted(ClientMonitor& monitor) : attempt(monitor) {}
    ClientMonitor::Attempt attempt;
  };
  serve(handler<StreamsSession>());
  start();
  std::optional<Client> client{std::in_place};
  alignas(ClientMonitor) std::array<std::byte, sizeof(ClientMonitor)> place{};
  auto* monitor = new (place.data()) ClientMonitor{*client};
  connect(*client, std::make_unique<Counted>(*monitor));  // it does not open: nobody turns the loop
  monitor->~ClientMonitor();
  place.fill(std::byte{0x5A});
  const auto untouched = place;
  client.reset();
  EXPECT_EQ(place, untouched);
}

// It went through the loop, and ended the process where that was a thread of a server or a fleet.
TEST(ClientMonitors, AnExceptionAtAnAlertIsLogged) {
  Client client;
  int told = 0;
  const MonitorOptions options{.interval = 1ms, .on_alert = [&told](const Alert&) {
                                 ++told;
                                 throw std::runtime_error{"user"};
                               }};
  ClientMonitor monitor{client, options};
  for (int i = 0; i < 11; ++i) const ClientMonitor::Attempt failed{monitor};
  EXPECT_TRUE(turn_until(client, [&] { return told > 0 && monitor.samples().size() > 3; }));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(monitor.health(), Health::degraded);
}

}  // namespace
}  // namespace plait::test
