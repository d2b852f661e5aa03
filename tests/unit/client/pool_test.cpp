// Sessions and streams that are lent and taken back.
#include <plait/pool.hpp>

#include <memory>
#include <stdexcept>

#include "integration/server/support.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;
using test::Called;
using test::Calls;

/// Sends back what a stream brings.
class EchoStream final : public StreamHandler {
 public:
  void on_data(Stream& stream, ByteView data, bool fin) override { stream.write(data, fin); }
};

/// Reads, and never ends its half by itself.
class SilentStream final : public StreamHandler {};

/// Answers what a stream brings first, and ends its half.
class OneAnswerStream final : public StreamHandler {
 public:
  void on_data(Stream& stream, ByteView data, bool) override {
    if (!data.empty()) stream.write(data, true);
  }
};

template <class Handler>
class EveryStream final : public SessionHandler {
 public:
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override { return std::make_unique<Handler>(); }
};

class PoolTest : public test::SecureServer, public testing::Test {
 protected:
  void start(const std::string& scheme, HandlerFactory factory = handler<test::Echo>()) {
    SecureServer::make();
    url_ = server_->listen(scheme, std::move(factory));
    server_->start();
  }
  bool turn_until(const std::function<bool()>& done) { return test::turn_until(*client_, done); }

  std::string url_;
  std::optional<Client> client_{std::in_place};
};

class SessionPools : public PoolTest {
 protected:
  SessionPools() {
    start("ws", test::calling({.on_message = [](Session& session, const Message&) { session.abort(); }}));
  }
  void make(const PoolOptions& options = {}, const std::string& url = {}) {
    pool_ = std::make_unique<SessionPool>(*client_, url.empty() ? url_ : url, handler<SessionHandler>(), trusting(),
                                          options);
  }
  void acquire() { acquire_from(*pool_); }
  void acquire_from(SessionPool& pool) {
    pool.acquire([this](Result<Session*, Error> session) {
      if (session) {
        got_.push_back((*session)->id());
      } else {
        errors_.push_back(session.error().message);
      }
    });
  }
  bool turn_until_got(std::size_t count) {
    return turn_until([&] { return got_.size() >= count; });
  }

  std::vector<SessionId> got_;
  std::vector<std::string> errors_;
  std::unique_ptr<SessionPool> pool_;  // tells who waits when it ends
};

TEST_F(SessionPools, OpensUpToItsSizeAndThenLetsWait) {
  make({.size_max = 2});
  for (int i = 0; i < 4; ++i) acquire();
  EXPECT_EQ(pool_->stats().opening, 2U);
  EXPECT_EQ(pool_->stats().waiting, 4U);
  ASSERT_TRUE(turn_until_got(2));
  EXPECT_EQ(pool_->stats().lent, 2U);
  EXPECT_EQ(pool_->stats().waiting, 2U);
  pool_->release(got_[1]);
  ASSERT_EQ(got_.size(), 3U) << "the first that waits gets it at once";
  EXPECT_EQ(got_[2], got_[1]);
  pool_->release(got_[0]);
  ASSERT_EQ(got_.size(), 4U);
  EXPECT_EQ(pool_->stats().opened_total, 2U);
}

TEST_F(SessionPools, TheLongestIdleIsLentFirst) {
  make({.size_max = 2});
  acquire();
  acquire();
  ASSERT_TRUE(turn_until_got(2));
  pool_->release(got_[1]);
  pool_->release(got_[0]);
  EXPECT_EQ(pool_->stats().idle, 2U);
  acquire();
  ASSERT_EQ(got_.size(), 3U) << "inside the call";
  EXPECT_EQ(got_[2], got_[1]);
}

TEST_F(SessionPools, ReleasingTwiceOrWhatIsNotLentDoesNothing) {
  make({.size_max = 2});
  acquire();
  ASSERT_TRUE(turn_until_got(1));
  pool_->release({});
  pool_->release(got_[0]);
  pool_->release(got_[0]);
  EXPECT_EQ(pool_->stats().idle, 1U);
}

TEST_F(SessionPools, WhatHasEndedIsNeverLent) {
  make({.size_max = 1});
  acquire();
  ASSERT_TRUE(turn_until_got(1));
  pool_->release(got_[0]);
  client_->post(got_[0], [this](Session& session) {
    session.close();  // idle, and closing
    acquire();
  });
  ASSERT_TRUE(turn_until_got(2)) << "as soon as there is room for another";
  EXPECT_FALSE(got_[0] == got_[1]);
  pool_->release(got_[0]);  // of one that is gone
  EXPECT_EQ(pool_->stats().lent, 1U);
}

TEST_F(SessionPools, ALentSessionThatDiesMakesRoom) {
  make({.size_max = 1});
  acquire();
  acquire();
  ASSERT_TRUE(turn_until_got(1));
  client_->post(got_[0], [](Session& session) { session.send(Message::text("die")); });
  ASSERT_TRUE(turn_until_got(2));
  EXPECT_FALSE(got_[0] == got_[1]);
}

TEST_F(SessionPools, TooManyThatWait) {
  make({.size_max = 1, .waiting_max = 2});
  for (int i = 0; i < 3; ++i) acquire();
  ASSERT_EQ(errors_.size(), 1U);
  EXPECT_NE(errors_[0].find("too many"), std::string::npos);
}

TEST_F(SessionPools, WhoWaitsTooLongIsTold) {
  make({.size_max = 1, .acquire_timeout = 1h});
  acquire();
  ASSERT_TRUE(turn_until_got(1));
  make({.size_max = 1, .acquire_timeout = 20ms});
  acquire();
  acquire();
  acquire();
  ASSERT_TRUE(turn_until([&] { return errors_.size() >= 2 && pool_->stats().waiting == 0; }));
  EXPECT_NE(errors_[0].find("in time"), std::string::npos);
}

TEST_F(SessionPools, TheLongestTimeIsNoneThatIsOver) {
  make({.size_max = 1, .acquire_timeout = Duration::max()});
  acquire();
  acquire();
  ASSERT_TRUE(turn_until_got(1));
  for (int i = 0; i < 5; ++i) client_->run_once(1ms);
  EXPECT_TRUE(errors_.empty()) << errors_[0];
  EXPECT_EQ(pool_->stats().waiting, 1U);
}

TEST_F(SessionPools, ASessionThatCannotBeOpenedIsTold) {
  make({}, "ws://127.0.0.1:1/");
  acquire();
  acquire();
  ASSERT_TRUE(turn_until([&] { return errors_.size() == 2; }));
  EXPECT_EQ(pool_->stats().failed_total, 2U);
  EXPECT_EQ(pool_->stats().opening, 0U);
  make({}, "nonsense");
  acquire();
  EXPECT_EQ(errors_.size(), 3U);
}

// The books were not kept where a handler threw: the pool lost room for ever, and lent a session that was gone.
TEST_F(SessionPools, AHandlerThatThrowsCostsNoRoom) {
  enum class Throws : std::uint8_t { in_on_open, in_on_close };
  const auto throws = std::make_shared<Throws>(Throws::in_on_open);  // the pool's sessions end after this body
  const auto maybe = [throws](Throws where) {
    if (*throws == where) throw std::runtime_error{"user"};
  };
  const HandlerFactory factory =
      test::calling({.on_open = [maybe](Session&) { maybe(Throws::in_on_open); },
                     .on_close = [maybe](Session&, const CloseInfo&) { maybe(Throws::in_on_close); }});
  pool_ = std::make_unique<SessionPool>(*client_, url_, factory, trusting(), PoolOptions{.size_max = 1});
  acquire();
  ASSERT_TRUE(turn_until([&] { return errors_.size() == 1; })) << "told that it could not be opened";
  EXPECT_EQ(pool_->stats().opening, 0U);
  *throws = Throws::in_on_close;
  acquire();
  ASSERT_TRUE(turn_until_got(1));
  pool_->release(got_[0]);
  client_->post(got_[0], [](Session& session) { session.send(Message::text("die")); });
  ASSERT_TRUE(turn_until([&] { return pool_->stats().idle == 0; }));
  acquire();
  ASSERT_TRUE(turn_until_got(2));
  EXPECT_FALSE(got_[0] == got_[1]);
}

// It was taken for an idle one, though it was freed, and one more than there are was no longer being opened.
TEST_F(SessionPools, ASessionThatIsCutInItsOnOpenIsNotLent) {
  const HandlerFactory factory = test::calling({.on_open = [](Session& session) { session.abort(); }});
  pool_ = std::make_unique<SessionPool>(*client_, url_, factory, trusting(), PoolOptions{.size_max = 1});
  for (std::size_t i = 1; i <= 2; ++i) {
    acquire();
    ASSERT_TRUE(turn_until([&] { return errors_.size() == i; }));
    EXPECT_EQ(pool_->stats().opening, 0U);
    EXPECT_EQ(pool_->stats().idle, 0U);
  }
  EXPECT_TRUE(got_.empty());
}

TEST_F(SessionPools, AFactoryThatMakesNothingCostsNoRoom) {
  const auto null = [] { return std::unique_ptr<SessionHandler>{}; };
  const auto throwing = []() -> std::unique_ptr<SessionHandler> { throw std::runtime_error{"user"}; };
  for (const HandlerFactory& factory : {HandlerFactory{null}, HandlerFactory{throwing}}) {
    pool_ = std::make_unique<SessionPool>(*client_, url_, factory, trusting(), PoolOptions{.size_max = 1});
    acquire();
    acquire();
    EXPECT_EQ(pool_->stats().failed_total, 2U);
    EXPECT_EQ(pool_->stats().opening, 0U);
  }
  EXPECT_EQ(errors_.size(), 4U);
}

TEST_F(SessionPools, WhoAcquiresAndThrowsDoesNotEndTheLoop) {
  make({.size_max = 1, .acquire_timeout = 20ms});
  for (int i = 0; i < 3; ++i) {
    pool_->acquire([this](const Result<Session*, Error>& session) {
      if (session) return;  // one, if it is in time
      errors_.push_back(session.error().message);
      throw std::runtime_error{"user"};
    });
  }
  ASSERT_TRUE(turn_until([&] { return errors_.size() >= 2 && pool_->stats().waiting == 0; })) << "each is told";
}

TEST_F(SessionPools, ARefusalIsToldWithItsStatus) {
  test::TestServer refusing;
  const std::string url =
      refusing.listen("ws", test::calling({.on_request = [](OpeningRequest& request) { request.reject(401, "no"); }}));
  refusing.start();
  make({}, url);
  std::optional<Error> error;
  pool_->acquire([&](const Result<Session*, Error>& session) { error = session ? Error{} : session.error(); });
  ASSERT_TRUE(turn_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->status, 401) << error->message;
}

// It asked a pool that was half gone, and the process ended.
TEST_F(SessionPools, WhoAsksAgainAtTheEndIsToldAgain) {
  make({.size_max = 1});
  SessionPool& pool = *pool_;
  pool.acquire([&](const Result<Session*, Error>& session) {
    ASSERT_FALSE(session);
    pool.release({});
    EXPECT_EQ(pool.stats().waiting, 0U);
    acquire_from(pool);
  });
  pool_ = nullptr;
  EXPECT_EQ(errors_, std::vector<std::string>{"the pool has ended"});
}

TEST_F(SessionPools, TheEndOfThePoolEndsItsSessions) {
  make({.size_max = 2});
  for (int i = 0; i < 3; ++i) acquire();
  ASSERT_TRUE(turn_until_got(2));
  pool_ = nullptr;
  EXPECT_EQ(errors_, std::vector<std::string>{"the pool has ended"});
  client_->run();
  EXPECT_TRUE(test::wait_until([&] { return server_->server().stats().sessions_open == 0; }));
}

class StreamPools : public PoolTest {
 protected:
  // A session with streams, and what runs with it once it is open.
  class Streams final : public SessionHandler {
   public:
    explicit Streams(StreamPools& test) : test_(test) {}
    [[nodiscard]] bool wants_streams() const override { return true; }
    void on_open(Session& session) override { test_.session_ = &session; }
    void on_close(Session&, const CloseInfo&) override { test_.session_ = nullptr; }

   private:
    StreamPools& test_;
  };
  class Counting final : public StreamHandler {
   public:
    explicit Counting(StreamPools& test) : test_(test) {}
    void on_data(Stream&, ByteView data, bool fin) override {
      test_.received_ += as_text(data);
      test_.ended_ += fin ? 1 : 0;
    }
    void on_close(Stream&) override { ++test_.closed_; }

   private:
    StreamPools& test_;
  };

  void make(const PoolOptions& options, HandlerFactory server = handler<EveryStream<EchoStream>>()) {
    start("https", std::move(server));
    ASSERT_TRUE(client_->connect(url_, std::make_unique<Streams>(*this), trusting()));
    ASSERT_TRUE(turn_until([&] { return session_ != nullptr; }));
    pool_ = std::make_unique<StreamPool>(
        *session_, [this] { return std::make_unique<Counting>(*this); }, options);
  }
  void acquire() {
    pool_->acquire([this](Result<Stream*, Error> stream) {
      if (stream) {
        got_.push_back(*stream);
      } else {
        errors_.push_back(stream.error().message);
      }
    });
  }

  ~StreamPools() override {
    pool_ = nullptr;
    client_.reset();  // its handlers write into this
  }

  Session* session_ = nullptr;
  std::unique_ptr<StreamPool> pool_;
  std::vector<Stream*> got_;
  std::vector<std::string> errors_;
  std::string received_;
  int ended_ = 0;
  int closed_ = 0;
};

TEST_F(StreamPools, AStreamServesOneAfterTheOther) {
  make({.size_max = 1});
  acquire();
  acquire();
  ASSERT_EQ(got_.size(), 1U);
  got_[0]->write(as_bytes("one"));
  ASSERT_TRUE(turn_until([&] { return received_ == "one"; }));
  pool_->release(*got_[0]);
  ASSERT_EQ(got_.size(), 2U);
  EXPECT_EQ(got_[1], got_[0]);
  got_[1]->write(as_bytes("two"));
  ASSERT_TRUE(turn_until([&] { return received_ == "onetwo"; }));
  EXPECT_EQ(pool_->stats().opened_total, 1U);
}

TEST_F(StreamPools, AStreamThatIsOverIsDropped) {
  make({.size_max = 1});
  acquire();
  ASSERT_EQ(got_.size(), 1U);
  got_[0]->write(as_bytes("last"), true);
  ASSERT_TRUE(turn_until([&] { return closed_ == 1; }));
  acquire();
  ASSERT_EQ(got_.size(), 2U);
  EXPECT_EQ(pool_->stats().opened_total, 2U);
  EXPECT_EQ(received_, "last");
}

// Our half of it stayed open for ever, until the peer allowed no more streams.
TEST_F(StreamPools, AStreamThatThePeerHasEndedIsOverWhenItIsReleased) {
  constexpr int kStreams = 150;  // the server allows 100 at a time
  make({.size_max = 1}, handler<EveryStream<OneAnswerStream>>());
  for (int i = 1; i <= kStreams; ++i) {
    acquire();
    ASSERT_TRUE(errors_.empty()) << errors_[0];
    Stream& stream = *got_.back();
    stream.write(as_bytes("x"));
    ASSERT_TRUE(turn_until([&] { return ended_ == i; }));
    pool_->release(stream);
    ASSERT_TRUE(turn_until([&] { return closed_ == i; })) << i;
  }
  EXPECT_EQ(received_, std::string(kStreams, 'x'));
}

// The end found no room behind what was larger than the whole queue, and our half stayed open as long as the session.
TEST_F(StreamPools, AStreamThatThePeerHasEndedIsOverThoughItsQueueIsFull) {
  ClientOptions options;
  options.limits.send_queue_bytes_max = 1024;
  client_.emplace(options);
  make({.size_max = 1}, handler<EveryStream<OneAnswerStream>>());
  acquire();
  ASSERT_EQ(got_.size(), 1U);
  got_[0]->write(as_bytes("x"));
  ASSERT_TRUE(turn_until([&] { return ended_ == 1 && got_[0]->buffered_bytes() == 0; }));
  const std::string large(std::size_t{64} << 10, 'x');
  EXPECT_NE(got_[0]->write(as_bytes(large)), SendStatus::dropped);
  EXPECT_EQ(got_[0]->write(as_bytes("x")), SendStatus::dropped);
  pool_->release(*got_[0]);
  EXPECT_TRUE(turn_until([&] { return closed_ == 1; }));
}

// It was lent to the next, whose every write was refused.
TEST_F(StreamPools, AStreamThatItsBorrowerHasEndedIsDropped) {
  make({.size_max = 1}, handler<EveryStream<SilentStream>>());
  const std::vector<std::function<void(Stream&)>> ends{[](Stream& stream) { stream.write(as_bytes("x"), true); },
                                                       [](Stream& stream) { stream.reset(1); }};
  acquire();
  for (const auto& end : ends) {
    ASSERT_TRUE(errors_.empty()) << errors_[0];
    Stream& stream = *got_.back();
    end(stream);
    pool_->release(stream);
    acquire();
    ASSERT_NE(got_.back(), &stream);
    EXPECT_EQ(got_.back()->write(as_bytes("x")), SendStatus::sent);
  }
  ASSERT_TRUE(turn_until([&] { return closed_ == 2; })) << "both directions of both";
  EXPECT_EQ(pool_->stats().lent, 1U);
}

TEST_F(StreamPools, AStreamThatIsEndedWhileItIsIdleIsDropped) {
  make({.size_max = 1}, handler<EveryStream<SilentStream>>());
  acquire();
  ASSERT_EQ(got_.size(), 1U);
  pool_->release(*got_[0]);
  got_[0]->write(as_bytes("x"), true);  // as its handler may
  acquire();
  ASSERT_TRUE(turn_until([&] { return got_.size() == 2; }));
  EXPECT_EQ(got_[1]->write(as_bytes("x")), SendStatus::sent);
  EXPECT_EQ(closed_, 1);
}

TEST_F(StreamPools, AfterTheSessionThereIsNone) {
  make({.size_max = 2});
  acquire();
  ASSERT_EQ(got_.size(), 1U);
  client_->post(session_->id(), [this](Session& session) {
    session.close();
    acquire();
  });
  ASSERT_TRUE(turn_until([&] { return closed_ == 1; }));
  EXPECT_EQ(got_.size(), 1U);
  ASSERT_EQ(errors_.size(), 1U);
  EXPECT_NE(errors_[0].find("closing or closed"), std::string::npos) << errors_[0];
  EXPECT_EQ(pool_->stats().lent, 0U);
}

TEST_F(StreamPools, WhoAsksAgainAtTheEndIsToldAgain) {
  make({.size_max = 1});
  acquire();
  StreamPool& pool = *pool_;
  std::vector<std::string> told;
  const auto note = [&told](const Result<Stream*, Error>& stream) { told.push_back(stream.error().message); };
  pool.acquire([&](const Result<Stream*, Error>& stream) {
    note(stream);
    pool.acquire(note);
  });
  pool_ = nullptr;
  EXPECT_EQ(told, (std::vector<std::string>{"the pool has ended", "the pool has ended"}));
}

TEST_F(StreamPools, TheEndOfThePoolEndsItsStreams) {
  make({.size_max = 2});
  acquire();
  acquire();
  pool_ = nullptr;
  EXPECT_TRUE(turn_until([&] { return closed_ == 2; }));
  EXPECT_NE(session_, nullptr);
}

}  // namespace
}  // namespace plait::client
