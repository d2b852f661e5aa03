// Streams and datagrams of the wires that have them, by Plait's own client.
#include <future>

#include "crypto/certificate.hpp"
#include "integration/server/stream_calls.hpp"

namespace plait::test {
namespace {

class ServerStreams : public SecureServer, public testing::TestWithParam<std::string> {
 protected:
  void start(Calls calls, ServerOptions options = {}) {
    make(std::move(options));
    calls.streams = true;
    url_ = server_->listen(GetParam(), calling(std::move(calls)));
    server_->start();
  }
  /// Runs a client's session until it has ended; how it ended.
  CloseInfo run(Calls calls) { return run(std::move(calls), trusting()); }
  CloseInfo run(Calls calls, const ConnectOptions& options) {
    CloseInfo closed;
    calls.on_close = [&closed](Session&, const CloseInfo& info) { closed = info; };
    Client client;
    connect(client, std::move(calls), options);
    client.run();
    return closed;
  }
  void connect(Client& client, Calls calls) { connect(client, std::move(calls), trusting()); }
  void connect(Client& client, Calls calls, const ConnectOptions& options) {
    calls.streams = true;
    const auto id = client.connect(url_, std::make_unique<Called>(std::move(calls)), options);
    EXPECT_TRUE(id) << id.error().message;
  }

  std::string url_;
};

// --- Streams ---------------------------------------------------------------------------------------------------------

TEST_P(ServerStreams, ABidirectionalStreamEchoesMoreThanItsCredit) {
  start({.on_stream = echo_stream});
  const std::string data = pattern(std::size_t{20} << 20);
  std::string received;
  bool ended = false;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional,
                                            stream_calling({.on_data = [&](Stream& from, ByteView piece, bool fin) {
                                              received += as_text(piece);
                                              ended = fin;
                                              if (fin) from.session().close();
                                            }}));
    ASSERT_TRUE(stream);
    EXPECT_EQ((*stream)->direction(), StreamDirection::bidirectional);
    EXPECT_FALSE((*stream)->opened_by_peer());
    EXPECT_NE((*stream)->write(as_bytes(data), true), SendStatus::dropped);
  };
  const CloseInfo closed = run(calls);
  EXPECT_TRUE(closed.clean);
  EXPECT_TRUE(ended);
  EXPECT_TRUE(received == data) << received.size() << " of " << data.size() << " bytes, or other ones";
}

TEST_P(ServerStreams, AMessageThatIsNotTakenCountsAsDropped) {
  start({});
  Calls calls;
  calls.on_open = [](Session& session) {
    EXPECT_EQ(session.send(Message::text("no stream")), SendStatus::dropped);
    EXPECT_EQ(session.stats().messages_dropped, 1U);
    session.close();
  };
  EXPECT_TRUE(run(calls).clean);
}

TEST_P(ServerStreams, AClientsSessionTellsHowItsOpeningWent) {
  Calls server_calls;
  server_calls.on_open = [](Session& session) { EXPECT_FALSE(session.opening_times()); };
  start(server_calls);
  std::optional<OpeningTimes> times;
  Calls calls;
  calls.on_open = [&](Session& session) {
    times = session.opening_times();
    session.close();
  };
  EXPECT_TRUE(run(calls).clean);
  ASSERT_EQ(times.has_value(), GetParam() == "https");
  if (!times) return;
  EXPECT_GT(times->handshake, Duration::zero());
  EXPECT_GE(times->settings, times->handshake);
  EXPECT_GT(times->response, times->settings);
}

TEST_P(ServerStreams, ManyStreamsAtATimeBeyondTheFirstLimit) {
  start({.on_stream = echo_stream});
  const int kStreams = 1000;
  int opened = 0, closed = 0;
  std::size_t wrong = 0;
  Calls calls;
  const auto open_more = [&](Session& session) {
    for (; opened < kStreams; ++opened) {
      const std::string text = pattern(static_cast<std::size_t>(opened) + 1);
      auto received = std::make_shared<std::string>();
      StreamCalls own;
      own.on_data = [received](Stream&, ByteView piece, bool) { *received += as_text(piece); };
      own.on_close = [&wrong, &closed, received, text, kStreams](Stream& stream) {
        wrong += *received == text ? 0 : 1;
        if (++closed == kStreams) stream.session().close();
      };
      const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling(own));
      if (!stream) {
        EXPECT_EQ(stream.error(), StreamError::limit);
        return;
      }
      (*stream)->write(as_bytes(text), true);
    }
  };
  calls.on_open = open_more;
  calls.on_streams_available = [&](Session& session, StreamDirection) { open_more(session); };
  EXPECT_TRUE(run(calls).clean);
  EXPECT_EQ(closed, kStreams);
  EXPECT_EQ(wrong, 0U);
}

// Opens streams and gives them up at once, many more than may be given up at a time under a low limit; how it ended.
CloseInfo cancel_streams(const std::string& url, const ConnectOptions& options, const Limits& limits) {
  constexpr int kStreams = 1500;
  int cancelled = 0;
  CloseInfo closed;
  const auto cancel_more = [&](Session& session) {
    for (; cancelled < kStreams; ++cancelled) {
      const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
      if (!stream) return;
      (*stream)->write(as_bytes("x"));
      (*stream)->reset(1);
      (*stream)->stop(1);
    }
    session.close();
  };
  Calls calls{.on_open = cancel_more};
  calls.streams = true;
  calls.on_streams_available = [&](Session& session, StreamDirection) { cancel_more(session); };
  calls.on_close = [&](Session&, const CloseInfo& info) { closed = info; };
  Client client{{.limits = limits}};
  EXPECT_TRUE(client.connect(url, std::make_unique<Called>(calls), options));
  client.run();
  return closed;
}

TEST_P(ServerStreams, AsManyMayBeCancelledAsTheLimitsAllow) {
  ServerOptions options;
  options.limits.stream_cancels_per_second_max = 1'000'000;
  start({}, options);
  EXPECT_TRUE(cancel_streams(url_, trusting(), options.limits).clean);
}

TEST_P(ServerStreams, WhoCancelsMoreIsEnded) {
  ServerOptions options;
  options.limits.stream_cancels_per_second_max = 1;
  start({}, options);
  const CloseInfo closed = cancel_streams(url_, trusting(), {});
  EXPECT_FALSE(closed.clean);
  EXPECT_NE(closed.reason.find("too many"), std::string::npos) << closed.reason;
}

TEST_P(ServerStreams, AUnidirectionalStreamIsAnsweredByOneOfTheServers) {
  Calls server_calls;
  server_calls.on_stream = [](Session&, Stream& stream) {
    EXPECT_EQ(stream.direction(), StreamDirection::unidirectional);
    EXPECT_TRUE(stream.opened_by_peer());
    EXPECT_EQ(stream.write(as_bytes("no")), SendStatus::closed);
    return stream_calling({.on_data = [all = std::string{}](Stream& from, ByteView data, bool fin) mutable {
      all += as_text(data);
      if (!fin) return;
      const auto answer = from.session().open_stream(StreamDirection::unidirectional, stream_calling({}));
      ASSERT_TRUE(answer);
      (*answer)->write(as_bytes(all), true);
    }});
  };
  start(server_calls);
  std::string received;
  Calls calls;
  calls.on_open = [](Session& session) {
    const auto stream = session.open_stream(StreamDirection::unidirectional, stream_calling({}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes("hello"), true);
  };
  calls.on_stream = [&](Session&, Stream&) {
    return stream_calling({.on_data = [&](Stream& from, ByteView data, bool fin) {
      received += as_text(data);
      if (fin) from.session().close();
    }});
  };
  EXPECT_TRUE(run(calls).clean);
  EXPECT_EQ(received, "hello");
}

TEST_P(ServerStreams, AServerOpensABidirectionalStream) {
  Box<std::string> answer;
  Calls server_calls;
  server_calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional,
                                            stream_calling({.on_data = [&](Stream&, ByteView data, bool) {
                                              if (!data.empty()) answer.set(std::string{as_text(data)});
                                            }}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes("who is there?"));
  };
  start(server_calls);
  Calls calls;
  calls.on_stream = [](Session&, Stream&) {
    return stream_calling({.on_data =
                               [](Stream& stream, ByteView data, bool) {
                                 EXPECT_EQ(as_text(data), "who is there?");
                                 stream.write(as_bytes("me"), true);
                               },
                           .on_close = nullptr});
  };
  Client client;
  connect(client, calls);
  ASSERT_TRUE(turn_until(client, [&] { return answer.get().has_value(); }));
  EXPECT_EQ(answer.wait(), "me");
}

TEST_P(ServerStreams, ResetAndStopBringTheirCodes) {
  Box<std::uint32_t> reset, stopped;
  Calls server_calls;
  server_calls.on_stream = [&](Session&, Stream& stream) {
    stream.write(as_bytes("I talk until I am stopped"));
    return stream_calling({.on_reset = [&](Stream&, std::uint32_t code) { reset.set(code); },
                           .on_stop = [&](Stream&, std::uint32_t code) { stopped.set(code); }});
  };
  start(server_calls);
  Calls calls;
  calls.on_open = [](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes("half of a"));
    (*stream)->reset(0xFFFFFFFF);
    (*stream)->stop(30);
  };
  Client client;
  connect(client, calls);
  ASSERT_TRUE(turn_until(client, [&] { return reset.get() && stopped.get(); }));
  EXPECT_EQ(reset.wait(), 0xFFFFFFFFU);
  EXPECT_EQ(stopped.wait(), 30U);
}

TEST_P(ServerStreams, AStreamThatNobodyWantsIsRefusedAndTheSessionGoesOn) {
  start({.on_datagram = [](Session& session, ByteView data) { session.send_datagram(data); }});
  bool stopped = false;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional,
                                            stream_calling({.on_stop = [&](Stream& refused, std::uint32_t) {
                                              stopped = true;
                                              refused.session().send_datagram(as_bytes("still there?"));
                                            }}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes("anybody?"));
  };
  std::string received;
  calls.on_datagram = [&](Session& session, ByteView data) {
    received = as_text(data);
    session.close();
  };
  EXPECT_TRUE(run(calls).clean);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(received, "still there?");
}

// A reader that consumes nothing stops its peer: no more than the credit is under way, however much was written.
TEST_P(ServerStreams, AReaderThatDoesNotConsumeStopsItsPeer) {
  std::atomic<std::size_t> received{0};
  Box<Stream*> stream_there;
  Box<SessionId> id;
  Calls server_calls;
  server_calls.on_stream = [&](Session& session, Stream& stream) {
    stream_there.set(&stream);
    id.set(session.id());
    return stream_calling(
        {.consumes = true, .on_data = [&](Stream&, ByteView data, bool) { received += data.size(); }});
  };
  start(server_calls);
  constexpr std::size_t kBytes = std::size_t{40} << 20;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
    ASSERT_TRUE(stream);
    EXPECT_EQ((*stream)->write(as_bytes(std::string(kBytes, 'x')), true), SendStatus::queued);
  };
  Client client;
  connect(client, calls);
  ASSERT_TRUE(turn_until(client, [&] { return received >= std::size_t{1} << 19; }));
  std::size_t consumed = 0;
  for (int i = 0; i < 20; ++i) client.run_once(5ms);
  EXPECT_LE(received, std::size_t{1} << 20) << "the credit of a stream at its beginning";
  // From now on it consumes, and all arrives.
  ASSERT_TRUE(wait_until([&] {
    const std::size_t now = received;
    const std::size_t more = now - std::exchange(consumed, now);
    server_->server().post(id.wait(), [&stream_there, more](Session&) { stream_there.wait()->consume(more); });
    client.run_once(5ms);
    return received == kBytes;
  }));
}

// It could be consumed no more once the stream was closed, as a unidirectional one is by its FIN.
TEST_P(ServerStreams, WhatAClosedStreamHadNotConsumedCostsNoCreditAndNoPlace) {
  constexpr int kStreams = 400;  // four times as many as there may be at a time, and with more bytes than the credit
  std::atomic<int> ended{0};
  Calls server_calls;
  server_calls.on_stream = [&](Session&, Stream&) {
    return stream_calling({.consumes = true, .on_close = [&](Stream&) { ++ended; }});
  };
  start(server_calls);
  int opened = 0;
  Calls calls;
  const auto open_more = [&](Session& session) {
    for (; opened < kStreams; ++opened) {
      const auto stream = session.open_stream(StreamDirection::unidirectional, stream_calling({}));
      if (!stream) return;
      (*stream)->write(as_bytes(pattern(10'000)), true);
    }
  };
  calls.on_open = open_more;
  calls.on_streams_available = [&](Session& session, StreamDirection) { open_more(session); };
  Client client;
  connect(client, calls);
  EXPECT_TRUE(turn_until(client, [&] { return ended == kStreams; })) << opened << " opened, " << ended << " ended";
}

TEST_P(ServerStreams, ConsumingMoreThanWasDeliveredIsIgnored) {
  Calls server_calls;
  server_calls.on_stream = [](Session&, Stream&) {
    return stream_calling({.on_data = [](Stream& stream, ByteView data, bool fin) {
      stream.consume(data.size());  // and once more when this returns
      stream.consume(SIZE_MAX);
      stream.write(data, fin);
    }});
  };
  start(server_calls);
  std::size_t received = 0;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional,
                                            stream_calling({.on_data = [&](Stream& from, ByteView data, bool fin) {
                                              received += data.size();
                                              if (fin) from.session().close();
                                            }}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes(pattern(std::size_t{4} << 20)), true);
  };
  EXPECT_TRUE(run(calls).clean);
  EXPECT_EQ(received, std::size_t{4} << 20);
}

TEST_P(ServerStreams, WritableFollowsAFullBacklog) {
  start({.on_stream = echo_stream});
  std::size_t written = 0, received = 0;
  constexpr std::size_t kPieces = 200;
  const std::string piece = pattern(100'000);
  const auto fill = [&](Stream& stream) {
    while (written < kPieces) {
      const SendStatus status = stream.write(as_bytes(piece), written + 1 == kPieces);
      ASSERT_NE(status, SendStatus::closed);
      if (status == SendStatus::dropped) return;
      ++written;
      if (status == SendStatus::queued) return;
    }
  };
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream =
        session.open_stream(StreamDirection::bidirectional,
                            stream_calling({.on_data =
                                                [&](Stream& from, ByteView data, bool fin) {
                                                  received += data.size();
                                                  if (fin) from.session().close();
                                                },
                                            .on_writable =
                                                [&](Stream& drained) {
                                                  EXPECT_LE(drained.buffered_bytes(), Limits{}.send_low_water_bytes);
                                                  fill(drained);
                                                }}));
    ASSERT_TRUE(stream);
    fill(**stream);
    EXPECT_LT(written, kPieces) << "the high-water mark was met";
  };
  EXPECT_TRUE(run(calls).clean);
  EXPECT_EQ(received, kPieces * piece.size());
}

// With what the peer has not acknowledged counted, too, a stream got no further than the mark in each round trip.
TEST_P(ServerStreams, WhatWasSentIsNoBacklog) {
  std::promise<void> go_on;
  start({.on_stream = [&](Session& session, Stream& stream) {
    go_on.get_future().wait();  // nothing is acknowledged meanwhile
    return echo_stream(session, stream);
  }});
  Stream* written = nullptr;
  bool over = false;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional,
                                            stream_calling({.on_data = [](Stream& from, ByteView, bool fin) {
                                              if (fin) from.session().close();
                                            }}));
    ASSERT_TRUE(stream);
    written = *stream;
    EXPECT_EQ(written->write(as_bytes(pattern(4000)), true), SendStatus::sent);
    EXPECT_GE(written->buffered_bytes(), 4000U);
  };
  calls.on_close = [&](Session&, const CloseInfo&) { over = true; };
  Client client;
  connect(client, std::move(calls));
  EXPECT_TRUE(turn_until(client, [&] { return over || (written != nullptr && written->buffered_bytes() == 0); }));
  EXPECT_FALSE(over);
  go_on.set_value();
  client.run();
}

// Behind an end with a backlog it was `dropped`, and on quic: after the session's close() `sent`.
TEST_P(ServerStreams, NothingIsWrittenBehindTheEnd) {
  start({.on_stream = echo_stream});
  std::vector<SendStatus> statuses;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const Bytes large = Bytes::copy_of(as_bytes(std::string(Limits{}.send_queue_bytes_max, 'x')));
    const auto ended = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
    const auto reset = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
    const auto open = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
    ASSERT_TRUE(ended && reset && open);
    EXPECT_EQ((*ended)->write(large.slice(0, 5'000'000), true), SendStatus::queued);
    EXPECT_EQ((*reset)->write(as_bytes("x")), SendStatus::sent);
    (*reset)->reset(1);
    for (Stream* stream : {*ended, *reset}) {
      statuses.push_back(stream->write(large));
      statuses.push_back(stream->write(ByteView{}, true));
    }
    session.close();
    statuses.push_back((*open)->write(as_bytes("x")));
  };
  run(calls);
  EXPECT_EQ(statuses, std::vector<SendStatus>(5, SendStatus::closed));
}

TEST_P(ServerStreams, TheEndOfTheSessionClosesItsStreams) {
  std::atomic<int> closed{0};
  Calls server_calls;
  server_calls.on_stream = [&](Session& session, Stream&) {
    session.close(4242, "enough");
    return stream_calling({.on_close = [&](Stream& stream) {
      EXPECT_EQ(stream.write(as_bytes("too late")), SendStatus::closed);
      ++closed;
    }});
  };
  start(server_calls);
  int own_closed = 0;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional,
                                            stream_calling({.on_close = [&](Stream&) { ++own_closed; }}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes("hello"));
  };
  const CloseInfo info = run(calls);
  EXPECT_EQ(info.code, 4242);
  EXPECT_EQ(info.reason, "enough");
  EXPECT_TRUE(info.clean);
  EXPECT_EQ(own_closed, 1);
  EXPECT_TRUE(wait_until([&] { return closed == 1; }));
}

TEST_P(ServerStreams, AnExceptionFromAStreamsHandlerClosesTheSessionWith1011) {
  Calls server_calls;
  server_calls.on_stream = [](Session&, Stream&) {
    return stream_calling({.on_data = [](Stream&, ByteView, bool) { throw std::runtime_error{"no database"}; }});
  };
  start(server_calls);
  Calls calls;
  calls.on_open = [](Session& session) {
    const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
    ASSERT_TRUE(stream);
    (*stream)->write(as_bytes("hello"));
  };
  EXPECT_EQ(run(calls).code, close_code::kInternalError);
}

// --- Handlers that end the session where they are called -------------------------------------------------------------

TEST_P(ServerStreams, AnAbortInOnStreamEndsTheStreamThatIsNotThereYet) {
  std::atomic<int> stream_closed{0}, closed{0};
  Calls server_calls;
  server_calls.on_stream = [&](Session& session, Stream& stream) {
    stream.write(as_bytes("never"));
    session.abort();
    return stream_calling({.on_close = [&](Stream&) { ++stream_closed; }});
  };
  server_calls.on_close = [&](Session&, const CloseInfo&) { ++closed; };
  start(server_calls);
  Calls calls;
  calls.on_open = [](Session& session) {
    for (int i = 0; i < 3; ++i) {
      const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
      ASSERT_TRUE(stream);
      (*stream)->write(as_bytes("hello"));
    }
  };
  EXPECT_FALSE(run(calls).clean);
  EXPECT_TRUE(wait_until([&] { return closed == 1; }));
  EXPECT_EQ(stream_closed, 1);
}

TEST_P(ServerStreams, ASessionMayEndInEveryCallOfAStream) {
  for (int place = 0; place < 4; ++place) {
    std::atomic<int> closed{0};
    const auto end_at = [&closed, place](int here) {
      return [here, place](Stream& stream) {
        if (here != place) return;
        stream.session().abort();
        EXPECT_EQ(stream.write(as_bytes("late")), SendStatus::closed);
        stream.reset(1);
        stream.stop(1);
        stream.consume(1);
      };
    };
    Calls server_calls;
    server_calls.on_stream = [&](Session&, Stream& stream) {
      stream.write(as_bytes("hello"));
      return stream_calling({.on_data = [f = end_at(0)](Stream& from, ByteView, bool) { f(from); },
                             .on_reset = [f = end_at(1)](Stream& from, std::uint32_t) { f(from); },
                             .on_stop = [f = end_at(2)](Stream& from, std::uint32_t) { f(from); },
                             .on_close = end_at(3)});
    };
    server_calls.on_close = [&](Session&, const CloseInfo&) { ++closed; };
    start(server_calls);
    Calls calls;
    calls.on_open = [place](Session& session) {
      for (int i = 0; i < 3; ++i) {
        const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
        ASSERT_TRUE(stream);
        (*stream)->write(as_bytes("hello"));
        if (place == 0) continue;  // a reset would drop what is to be read
        (*stream)->reset(7);
        (*stream)->stop(7);
      }
    };
    EXPECT_FALSE(run(calls).clean) << place;
    EXPECT_TRUE(wait_until([&] { return closed == 1; })) << place;
  }
}

TEST_P(ServerStreams, AStopTellsEveryClientAtOnce) {
  std::atomic<int> opened{0};
  start({.on_open = [&](Session&) { ++opened; }});
  constexpr int kClients = 40;  // more than the batches of packets of one turn
  int closed = 0;
  Client client;
  for (int i = 0; i < kClients; ++i) connect(client, {.on_close = [&](Session&, const CloseInfo&) { ++closed; }});
  ASSERT_TRUE(turn_until(client, [&] { return opened == kClients; }));
  server_->server().stop();
  ASSERT_TRUE(server_->join());
  EXPECT_TRUE(turn_until(client, [&] { return closed == kClients; })) << closed;
}

TEST_P(ServerStreams, AClientThatIsDestroyedEndsEverySessionOnce) {
  std::atomic<int> opened{0};
  start({.on_open = [&](Session&) { ++opened; }, .on_stream = echo_stream});
  constexpr int kSessions = 20;
  int closed = 0;
  {
    Client client;
    Calls calls;
    calls.on_open = [](Session& session) {
      const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling({}));
      if (stream) (*stream)->write(as_bytes(pattern(100)), true);
    };
    calls.on_close = [&](Session&, const CloseInfo&) {
      ++closed;
      // Whoever comes back whatever happens does not keep the client from its end.
      EXPECT_FALSE(client.connect(url_, std::make_unique<Called>(Calls{.streams = true}), trusting()));
    };
    for (int i = 0; i < kSessions; ++i) connect(client, calls);
    ASSERT_TRUE(turn_until(client, [&] { return opened >= kSessions / 2; }));
  }
  EXPECT_EQ(closed, kSessions);
}

// What a reset drops unsent never counts against the session's credit, whoever asks for the reset, and also where the
// stream is over with it, since the server has stopped the other direction, which has ended.
TEST_P(ServerStreams, StreamsThatAreGivenUpCostNoCreditOfTheSession) {
  constexpr std::size_t kBytes = std::size_t{8} << 20;  // half of the session's credit
  constexpr int kStreams = 12;
  struct Case {
    bool stopped_by_peer;
    bool over;
  };
  for (const Case one : {Case{true, false}, {false, false}, {true, true}, {false, true}}) {
    SCOPED_TRACE(std::string{one.stopped_by_peer ? "stopped by the peer" : "reset"} + (one.over ? ", and over" : ""));
    Calls server_calls;
    server_calls.on_stream = [one, count = 0](Session&, Stream& stream) mutable {
      const bool last = ++count == kStreams;
      if (!last && one.over) stream.stop(1);
      stream.write(as_bytes(std::string(kBytes, 'x')), last);
      if (!last && !one.stopped_by_peer) stream.reset(1);
      return stream_calling({});
    };
    start(server_calls);
    Calls calls;
    int opened = 0;
    std::size_t received = 0;
    std::function<void(Session&)> open_next = [&](Session& session) {
      ++opened;
      received = 0;
      StreamCalls own;
      own.on_data = [&, one](Stream& from, ByteView data, bool fin) {
        received += data.size();
        if (opened < kStreams) {
          if (one.stopped_by_peer) from.stop(1);
        } else if (fin) {
          from.session().close();
        }
      };
      own.on_close = [&](Stream& from) {
        if (opened < kStreams) open_next(from.session());
      };
      const auto stream = session.open_stream(StreamDirection::bidirectional, stream_calling(own));
      if (!stream) return;
      (*stream)->write(as_bytes(std::string(200'000, 'x')), true);  // more than a packet
    };
    calls.on_open = open_next;
    EXPECT_TRUE(run(calls).clean);
    EXPECT_EQ(opened, kStreams);
    EXPECT_EQ(received, kBytes);
  }
}

// --- Send order and send groups --------------------------------------------------------------------------------------

TEST_P(ServerStreams, StreamsOfAGroupArriveInTheirOrderAndGroupsSideBySide) {
  constexpr std::size_t kBytes = 200'000;
  constexpr std::size_t kUnderWay = 150'000;
  std::mutex mutex;
  std::map<std::string, std::size_t> received;
  std::vector<std::map<std::string, std::size_t>> at_each_end;
  Calls server_calls;
  server_calls.on_stream = [&](Session& session, Stream&) {
    return stream_calling(
        {.on_data = [&, name = std::string{}, id = session.id()](Stream& from, ByteView data, bool fin) mutable {
          const std::lock_guard lock{mutex};
          if (name.empty()) name = as_text(data.first(1));
          received[name] += data.size();
          if (fin) at_each_end.push_back(received);
          if (at_each_end.size() == 4) from.session().close();
        }});
  };
  start(server_calls);
  Calls calls;
  calls.on_open = [](Session& session) {
    struct Wanted {
      char name;
      std::uint32_t group;
      std::int64_t order;
    };
    for (const Wanted wanted : {Wanted{'c', 7, -1}, Wanted{'a', 7, 9}, Wanted{'b', 7, 0}, Wanted{'x', 0, -100}}) {
      const auto stream = session.open_stream(StreamDirection::unidirectional, stream_calling({}));
      ASSERT_TRUE(stream);
      (*stream)->set_priority(wanted.group, wanted.order);
      EXPECT_NE((*stream)->write(as_bytes(std::string(kBytes, wanted.name)), true), SendStatus::dropped);
    }
  };
  EXPECT_TRUE(run(calls).clean);
  const std::lock_guard lock{mutex};
  ASSERT_EQ(at_each_end.size(), 4U);
  std::string ends;
  for (auto& at_end : at_each_end) {
    for (const char name : {'a', 'b', 'c', 'x'}) {
      if (at_end[std::string(1, name)] == kBytes && ends.find(name) == std::string::npos) ends += name;
    }
  }
  std::string of_group = ends;
  std::erase(of_group, 'x');
  EXPECT_EQ(of_group, "abc");
  auto& first = at_each_end.front();
  EXPECT_GT(first["a"] + first["x"], 2 * kBytes - kUnderWay) << "the groups took turns";
  EXPECT_LT(first["b"], kUnderWay);
}

// --- Datagrams -------------------------------------------------------------------------------------------------------

TEST_P(ServerStreams, DatagramsOfEverySizeUpToTheLargest) {
  start({.on_datagram = [](Session& session, ByteView data) { session.send_datagram(data); }});
  std::vector<std::size_t> sizes{1, 100, 1000};
  std::size_t next = 0;
  Calls calls;
  const auto send_next = [&](Session& session) {
    if (next == sizes.size()) return session.close();
    EXPECT_EQ(session.send_datagram(as_bytes(pattern(sizes[next]))), SendStatus::sent);
  };
  calls.on_open = [&](Session& session) {
    EXPECT_GE(session.datagram_bytes_max(), 1000U);
    EXPECT_EQ(session.send_datagram({}), SendStatus::dropped);
    EXPECT_EQ(session.send_datagram(as_bytes(std::string(70'000, 'x'))), SendStatus::dropped);
    sizes.push_back(session.datagram_bytes_max());
    send_next(session);
  };
  calls.on_datagram = [&](Session& session, ByteView data) {
    EXPECT_TRUE(as_text(data) == pattern(sizes[next])) << sizes[next];
    ++next;
    send_next(session);
  };
  EXPECT_TRUE(run(calls).clean);
  EXPECT_EQ(next, sizes.size());
}

// --- Certificates ----------------------------------------------------------------------------------------------------

TEST_P(ServerStreams, ACertificateIsAcceptedByItsHash) {
  start({.on_open = [](Session& session) { session.close(4000, "welcome"); }});
  const auto info = crypto::read_certificate(folder_.file("certificate.pem"));
  ASSERT_TRUE(info);
  ConnectOptions by_hash;
  by_hash.certificate_hashes = {CertificateHash{}, info->fingerprint};
  EXPECT_EQ(run({}, by_hash).code, 4000);
}

TEST_P(ServerStreams, AWrongHashAndAnUnknownAuthorityAreRefusedWithAReason) {
  start({});
  ConnectOptions wrong_hash;
  wrong_hash.certificate_hashes = {CertificateHash{}};
  const CloseInfo by_hash = run({}, wrong_hash);
  EXPECT_EQ(by_hash.code, close_code::kAbnormal);
  EXPECT_NE(by_hash.reason.find("hash"), std::string::npos) << by_hash.reason;
  const CloseInfo by_authority = run({}, {});
  EXPECT_EQ(by_authority.code, close_code::kAbnormal);
  EXPECT_NE(by_authority.reason.find("certificate"), std::string::npos) << by_authority.reason;
}

TEST_P(ServerStreams, NobodyThereIsToldAfterTheTimeout) {
  start({});
  server_->server().stop();
  ASSERT_TRUE(server_->join());
  ConnectOptions impatient = trusting();
  impatient.timeout = 50ms;
  const CloseInfo info = run({}, impatient);
  EXPECT_EQ(info.code, close_code::kAbnormal);
  EXPECT_FALSE(info.reason.empty());
}

INSTANTIATE_TEST_SUITE_P(Wire, ServerStreams, testing::Values("https", "quic"),
                         [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
