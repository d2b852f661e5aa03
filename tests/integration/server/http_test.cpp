// HTTP/1.1 and the opening handshake, by a client that is nothing but a socket.
#include "integration/server/support.hpp"

namespace plait::test {
namespace {

class ServerHttp : public testing::Test {
 protected:
  void start(ServerOptions options = {}, HandlerFactory factory = handler<Echo>()) {
    server_ = std::make_unique<TestServer>(std::move(options));
    port_ = port_of(server_->listen("ws", std::move(factory), ""));
    (*server_)->http("/hello", [](const HttpRequest& request) {
      return HttpResponse{.body = "hello " + std::string{request.method()} + " " + std::string{request.query()}};
    });
    (*server_)->http("/body",
                     [](const HttpRequest& request) { return HttpResponse{.body = std::string{request.body()}}; });
    (*server_)->http("/asked", [](const HttpRequest& request) {
      return HttpResponse{.body = std::string{request.path()} + (request.secure() ? " secure" : " plain") +
                                  (request.is_origin_allowed() ? " own" : " foreign")};
    });
    (*server_)->http("/large", [](const HttpRequest&) { return HttpResponse{.body = pattern(kLargeBytes)}; });
    (*server_)->http("/counted", [this](const HttpRequest&) {
      ++counted_;
      return HttpResponse{.body = std::string(kCountedBytes, 'x')};
    });
    (*server_)->http("/closing", [](const HttpRequest&) {
      return HttpResponse{.body = "the last", .headers = {{"connection", "x, Close"}}};
    });
    (*server_)->http("/own-fields", [](const HttpRequest&) {
      return HttpResponse{.body = "{}",
                          .headers = {{"content-type", "application/json"}, {"DATE", "Thu, 01 Jan 1970 00:00:00 GMT"}}};
    });
    (*server_)->http("/bad-field", [](const HttpRequest&) { return HttpResponse{.headers = {{"a b", "c"}}}; });
    for (const int status : {103, 204, 205, 304}) {
      (*server_)->http("/" + std::to_string(status),
                       [=](const HttpRequest&) { return HttpResponse{.status = status, .body = "x"}; });
    }
    (*server_)->http("/throws", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error{"secret"}; });
    (*server_)->http("/throws-a-number", [](const HttpRequest&) -> HttpResponse { throw 42; });
    server_->start();
  }
  /// What a fresh connection gets for `request`, up to the head's end.
  std::string head_of(const std::string& request) {
    RawClient client{port_};
    client.send(request);
    return client.read_to("\r\n\r\n");
  }
  /// The status of a request that must end the connection.
  std::string refusal_of(const std::string& request) {
    RawClient client{port_};
    client.send(request);
    const std::string response = client.read_all();
    EXPECT_NE(response.find("Connection: close"), std::string::npos) << response;
    return status_of(response);
  }
  /// Whoever does no more than `act` has not sent all in time. Who sends nothing until then hears nothing.
  void expect_408_at_the_limit(const std::function<void(RawClient&)>& act) {
    const std::string wanted = "HTTP/1.1 408";
    const auto status = [&](Duration limit) {
      ServerOptions options;
      options.limits.handshake_timeout = limit;
      start(options);
      RawClient client{port_};
      act(client);
      return status_of(client.read_all());
    };
    EXPECT_EQ(told_at_a_limit(wanted, status), wanted);
  }
  static std::string status_of(const std::string& response) { return response.substr(0, 12); }

  static constexpr std::size_t kLargeBytes = std::size_t{8} << 20;
  static constexpr std::size_t kCountedBytes = std::size_t{1} << 20;
  std::atomic<std::size_t> counted_{0};  // requests for /counted
  std::unique_ptr<TestServer> server_;
  std::uint16_t port_ = 0;
};

std::string get(const std::string& path, const std::string& fields = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

TEST_F(ServerHttp, AHandlerSeesWhatMiddlewareDoes) {
  start();
  RawClient client{port_};
  client.send(get("/asked", "Origin: https://elsewhere.example\r\nConnection: close\r\n"));
  const std::string response = client.read_all();
  EXPECT_TRUE(response.ends_with("/asked plain foreign")) << response;
}

// --- Opening handshake -----------------------------------------------------------------------------------------------

TEST_F(ServerHttp, Rfc6455Section1_3TheExampleKeyIsAnswered) {
  start();
  const std::string head = head_of(upgrade_request());
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Sec-WebSocket-Protocol"), std::string::npos);
  EXPECT_EQ(head.find("Sec-WebSocket-Extensions"), std::string::npos);
}

TEST_F(ServerHttp, HandshakeAndFramesMayArriveByteByByteOrAllAtOnce) {
  start();
  const std::string frames = text_frame("hello") + frame(1, "fra", {.fin = false}) + frame(9, "ping") +
                             frame(0, "gment") + frame(2, pattern(5000)) + close_frame(1000, "bye");
  const std::string all = upgrade_request() + frames;
  RawClient whole{port_};
  whole.send(all);
  const std::string expected = whole.read_all();
  EXPECT_NE(expected.find("hello"), std::string::npos);
  EXPECT_NE(expected.find(pattern(5000)), std::string::npos);
  RawClient bytewise{port_};
  bytewise.send_bytewise(all);
  EXPECT_TRUE(bytewise.read_all() == expected);
  for (const std::size_t cut : {std::size_t{1}, all.find("\r\n\r\n") + 3, all.find("\r\n\r\n") + 4, all.size() - 1}) {
    RawClient halves{port_};
    halves.send(all.substr(0, cut));
    halves.send(all.substr(cut));
    EXPECT_TRUE(halves.read_all() == expected) << cut;
  }
}

TEST_F(ServerHttp, AnUnknownPathIs404) {
  start();
  EXPECT_EQ(status_of(head_of(upgrade_request({}, "/other"))), "HTTP/1.1 404");
  EXPECT_EQ(status_of(head_of(get("/other"))), "HTTP/1.1 404");
}

TEST_F(ServerHttp, Rfc9110Section15_5_22ARequestWithoutUpgradeIs426) {
  start();
  const std::string head = head_of(get("/"));
  EXPECT_EQ(status_of(head), "HTTP/1.1 426");
  EXPECT_NE(head.find("\r\nUpgrade: websocket\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nConnection: Upgrade\r\n"), std::string::npos) << "§7.8: " << head;
}

TEST_F(ServerHttp, Rfc6455Section4_4AnotherVersionIs426WithOurs) {
  start();
  std::string request = upgrade_request();
  request.replace(request.find(": 13"), 4, ": 12");
  const std::string head = head_of(request);
  EXPECT_EQ(status_of(head), "HTTP/1.1 426");
  EXPECT_NE(head.find("Sec-WebSocket-Version: 13\r\n"), std::string::npos) << head;
}

TEST_F(ServerHttp, ABadKeyIs400AndAnotherMethod405) {
  start();
  std::string request = upgrade_request();
  request.replace(request.find("dGhlIHNh"), 8, "");
  EXPECT_EQ(status_of(head_of(request)), "HTTP/1.1 400");
  EXPECT_EQ(status_of(head_of("POST" + upgrade_request().substr(3))), "HTTP/1.1 405");
}

TEST_F(ServerHttp, Rfc9110Section7_8TheUpgradeOfAnHttp1_0RequestIsNone) {
  start();
  std::string request = upgrade_request();
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  const std::string head = head_of(request);
  EXPECT_EQ(status_of(head), "HTTP/1.1 426");
  EXPECT_NE(head.find("\r\nUpgrade: websocket\r\n"), std::string::npos) << head;
}

TEST_F(ServerHttp, Rfc6455Section9_1MalformedExtensionsAre400AlsoWhereNoneIsWanted) {
  for (const bool deflate : {false, true}) {
    ServerOptions options;
    options.deflate = deflate;
    start(options);
    const auto status = [&](const std::string& extensions) {
      return status_of(head_of(upgrade_request("Sec-WebSocket-Extensions: " + extensions + "\r\n")));
    };
    EXPECT_EQ(status("permessage-deflate; ="), "HTTP/1.1 400") << deflate;
    EXPECT_EQ(status("permessage-deflate, unknown; a=b"), "HTTP/1.1 101") << deflate;
  }
}

TEST_F(ServerHttp, Rfc6455Section10_2OriginsAreCheckedAgainstTheHostAndTheList) {
  ServerOptions options;
  options.allowed_origins = {"https://example.org"};
  start(options);
  const auto status = [&](const std::string& origin) {
    return status_of(head_of(upgrade_request("Origin: " + origin + "\r\n")));
  };
  EXPECT_EQ(status("https://example.org"), "HTTP/1.1 101");
  EXPECT_EQ(status("http://localhost"), "HTTP/1.1 101") << "the same origin as the Host field";
  EXPECT_EQ(status("https://evil.example"), "HTTP/1.1 403");
  EXPECT_EQ(status("https://example.org.evil.example"), "HTTP/1.1 403");
  EXPECT_EQ(status("null"), "HTTP/1.1 403");
}

TEST_F(ServerHttp, AStarAllowsEveryOrigin) {
  ServerOptions options;
  options.allowed_origins = {"*"};
  start(options);
  EXPECT_EQ(status_of(head_of(upgrade_request("Origin: https://evil.example\r\n"))), "HTTP/1.1 101");
}

TEST_F(ServerHttp, Rfc7692PermessageDeflateIsNegotiatedAndUsed) {
  ServerOptions options;
  options.deflate = true;
  start(options);
  RawClient client{port_};
  const std::string head = client.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_NE(head.find("Sec-WebSocket-Extensions: permessage-deflate"), std::string::npos) << head;
  client.send(text_frame(std::string(10'000, 'a')));
  const auto echo = client.read_frame();
  EXPECT_TRUE(echo.rsv1);
  EXPECT_LT(echo.payload.size(), 200U);
}

TEST_F(ServerHttp, Rfc7692BothSidesOfPlaitAgree) {
  ServerOptions options;
  options.deflate = true;
  start(options);
  ConnectOptions connect_options;
  connect_options.deflate = true;
  auto client = BlockingClient::connect("ws://127.0.0.1:" + std::to_string(port_), connect_options);
  ASSERT_TRUE(client) << client.error().message;
  for (const std::size_t size : {0, 511, 512, 100'000}) {
    const std::string text = pattern(size);
    ASSERT_TRUE(client->send(Message::text(text)));
    const auto received = client->receive();
    ASSERT_TRUE(received && *received);
    EXPECT_TRUE((*received)->data.text() == text) << size;
  }
}

TEST_F(ServerHttp, Rfc7692Section8AMessageThatInflatesBeyondTheRatioEndsTheSession) {
  ServerOptions options;
  options.deflate = true;
  Box<CloseInfo> closed;
  start(options, calling({.on_message = [](Session&, const Message&) { ADD_FAILURE() << "it is a bomb"; },
                          .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }}));
  ConnectOptions connect_options;
  connect_options.deflate = true;
  auto client = BlockingClient::connect("ws://127.0.0.1:" + std::to_string(port_), connect_options);
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE(client->send(Message::binary(std::vector<std::uint8_t>(std::size_t{4} << 20))));
  EXPECT_EQ(closed.wait().code, close_code::kMessageTooBig);
}

// The last inflated bytes may wait when all of the message has been read: resuming has to bring them.
TEST_F(ServerHttp, Rfc7692ASessionThatStopsWithinAMessageInPartsGetsTheRestOfIt) {
  constexpr std::size_t kPartBytes = std::size_t{64} << 10;
  for (const bool paused : {true, false}) {
    ServerOptions options;
    options.deflate = true;
    options.limits.send_high_water_bytes = 100'000;
    options.limits.send_low_water_bytes = 1000;
    std::size_t bytes = 0;
    Box<std::size_t> received;
    Calls calls;
    calls.on_part = [&](Session& session, const Message& part, bool last) {
      if (last) received.set(bytes + part.size());
      if (std::exchange(bytes, bytes + part.size()) > 0) return;
      if (!paused) session.send(Message::binary(std::vector<std::uint8_t>(kLargeBytes)), {.compress = false});
      if (!paused) return;
      session.pause();
      (*server_)->post(session.id(), [](Session& resumed) { resumed.resume(); });
    };
    start(options, calling(calls));
    ConnectOptions connect_options;
    connect_options.deflate = true;
    auto client = BlockingClient::connect("ws://127.0.0.1:" + std::to_string(port_), connect_options);
    ASSERT_TRUE(client) << client.error().message;
    ASSERT_TRUE(client->send(Message::binary(std::vector<std::uint8_t>(kPartBytes))));
    if (!paused) {
      EXPECT_TRUE(client->receive());
    }
    EXPECT_EQ(received.wait(), kPartBytes);
  }
}

// --- Requests and responses ------------------------------------------------------------------------------------------

TEST_F(ServerHttp, PipelinedRequestsAreAnsweredInOrderOnOneConnection) {
  start();
  RawClient client{port_};
  client.send(get("/hello?1") + get("/hello?2") + get("/other") + get("/hello?3"));
  for (const char* body : {"hello GET 1", "hello GET 2", "not found\n", "hello GET 3"}) {
    const std::string head = client.read_to("\r\n\r\n");
    EXPECT_EQ(head.find("Connection: close"), std::string::npos) << head;
    EXPECT_EQ(client.read_exactly(std::string_view{body}.size()), body);
  }
  EXPECT_TRUE(client.is_silent());
}

TEST_F(ServerHttp, RequestsThenAnUpgradeOnOneConnection) {
  start();
  RawClient client{port_};
  client.send(get("/hello") + upgrade_request() + text_frame("after"));
  client.read_to("hello GET ");
  EXPECT_EQ(status_of(client.read_to("\r\n\r\n")), "HTTP/1.1 101");
  EXPECT_EQ(client.read_frame().payload, "after");
}

TEST_F(ServerHttp, BodiesWithALengthAndInChunks) {
  start();
  RawClient client{port_};
  client.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(client.read_to("hello").starts_with("HTTP/1.1 200"));
  client.send_bytewise(
      "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n4;x=y\r\nbar!\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read_to("foobar!").starts_with("HTTP/1.1 200"));
  client.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.read_to("\r\n\r\n").starts_with("HTTP/1.1 100"));
  client.send("ok");
  EXPECT_TRUE(client.read_to("ok").starts_with("HTTP/1.1 200"));
}

TEST_F(ServerHttp, Rfc9110Section9_3_2HeadHasTheLengthAndNoBody) {
  start();
  RawClient client{port_};
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(client.read_to("\r\n\r\n").find("Content-Length: 11\r\n"), std::string::npos);
  client.send(get("/hello"));
  EXPECT_TRUE(client.read_to("\r\n\r\n").starts_with("HTTP/1.1 200")) << "no body came between";
}

TEST_F(ServerHttp, Rfc9110Section9_3_2AnErrorThatAnswersHeadHasNoBody) {
  ServerOptions options;
  options.limits.body_bytes_max = 10;
  start(options);
  for (const std::string request : {"/bad-field HTTP/1.1\r\nHost: a\r\n\r\n", "/throws HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"}) {
    RawClient client{port_};
    client.send("HEAD " + request);
    const std::string response = client.read_all();
    EXPECT_EQ(response.find("\r\n\r\n"), response.size() - 4) << response;
    EXPECT_EQ(response.find("Content-Length: 0"), std::string::npos) << response;
  }
  RawClient client{port_};
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /bad-field HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("internal error\n")) << "the next request is another";
}

TEST_F(ServerHttp, Rfc9112Section6_3AResponseWithoutABodyHasNoneWhateverItsHandlerGave) {
  start();
  for (const int status : {204, 304}) {
    RawClient client{port_};
    client.send(get("/" + std::to_string(status)) + get("/hello"));
    const std::string head = client.read_to("\r\n\r\n");
    EXPECT_EQ(status_of(head), "HTTP/1.1 " + std::to_string(status));
    EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
    EXPECT_EQ(status_of(client.read_to("hello GET ")), "HTTP/1.1 200") << "nothing stands before the next response";
  }
}

TEST_F(ServerHttp, Rfc9110Section15_3_6A205HasNoContentAndSaysSo) {
  start();
  RawClient client{port_};
  client.send(get("/205") + get("/hello"));
  const std::string head = client.read_to("\r\n\r\n");
  EXPECT_EQ(status_of(head), "HTTP/1.1 205");
  EXPECT_NE(head.find("\r\nContent-Length: 0\r\n"), std::string::npos) << head;
  EXPECT_EQ(status_of(client.read_to("hello GET ")), "HTTP/1.1 200") << "nothing stands before the next response";
}

TEST_F(ServerHttp, AHandlersContentTypeAndDateTakeThePlaceOfOurs) {
  start();
  const std::string head = head_of(get("/own-fields"));
  EXPECT_NE(head.find("content-type: application/json\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Content-Type"), std::string::npos) << head;
  EXPECT_NE(head.find("DATE: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Date"), std::string::npos) << head;
}

TEST_F(ServerHttp, Rfc9110Section7_4AnHttpsTargetWithoutTlsIs421) {
  start();
  EXPECT_EQ(refusal_of("GET https://localhost/hello HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 421");
  EXPECT_EQ(status_of(head_of("GET http://localhost/hello HTTP/1.1\r\nHost: localhost\r\n\r\n")), "HTTP/1.1 200");
}

TEST_F(ServerHttp, Rfc9110Section15_2AnInterimStatusOfAHandlerIs500) {
  start();
  EXPECT_EQ(refusal_of(get("/103")), "HTTP/1.1 500");
}

TEST_F(ServerHttp, LimitsAreRefusedWithTheirStatus) {
  ServerOptions options;
  options.limits.body_bytes_max = 10;
  start(options);
  EXPECT_EQ(refusal_of("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"), "HTTP/1.1 413");
  EXPECT_EQ(refusal_of("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"), "HTTP/1.1 413");
  EXPECT_EQ(refusal_of(get("/" + std::string(9'000, 'a'))), "HTTP/1.1 414");
  EXPECT_EQ(refusal_of(get("/", "A: " + std::string(33'000, 'a') + "\r\n")), "HTTP/1.1 431");
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  EXPECT_EQ(refusal_of(get("/", many)), "HTTP/1.1 431");
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(refusal_of("garbage\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ((*server_)->stats().http_requests, 7U);
}

// What a connection keeps of a head has to fit the buffer that it is read to: it would be read for ever otherwise.
TEST_F(ServerHttp, HeadsAreBoundedAlsoWhereTheLimitsAreNot) {
  ServerOptions options;
  options.limits.request_line_bytes_max = std::size_t{1} << 30;
  options.limits.header_bytes_max = std::size_t{1} << 30;
  start(options);
  EXPECT_EQ(refusal_of("GET /" + std::string(600'000, 'a')), "HTTP/1.1 414");
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(600'000, 'a')), "HTTP/1.1 431");
}

TEST_F(ServerHttp, Rfc9112Section6_1LengthAndChunkedTogetherSmuggleNothing) {
  start();
  RawClient client{port_};
  client.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
              get("/hello?smuggled"));
  const std::string answer = client.read_all();
  EXPECT_EQ(status_of(answer), "HTTP/1.1 400");
  EXPECT_EQ(answer.find("smuggled"), std::string::npos);
}

TEST_F(ServerHttp, Rfc9112Section9_6NothingBehindTheLastRequestIsAnswered) {
  ServerOptions options;
  options.limits.body_bytes_max = 10;
  start(options);
  const std::vector<std::string> last_ones{
      get("/hello", "Connection: close\r\n"),
      get("/closing"),
      get("/throws"),
      "GET /hello HTTP/1.0\r\n\r\n",
      "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",  // what follows is its body, not a request
      "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n"};
  for (const std::string& last : last_ones) {
    RawClient client{port_};
    client.send(last + get("/hello?smuggled"));
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 ")) << last;
    EXPECT_EQ(answer.find("smuggled"), std::string::npos) << last;
  }
}

// What one read brings can ask for thousands of times as much; the rest of it waits until the answers are taken.
TEST_F(ServerHttp, RequestsWhoseAnswersNobodyTakesWait) {
  constexpr std::size_t kRequests = 64;
  start();
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += get("/counted");
  RawClient client{port_, 4096};
  client.send(requests);
  ASSERT_TRUE(wait_until([&] { return counted_ > 0; }));
  EXPECT_EQ(status_of(head_of(get("/hello"))), "HTTP/1.1 200") << "the read that began then is over";
  EXPECT_LT(counted_, kRequests / 2);
  for (std::size_t i = 0; i < kRequests; ++i) {
    client.read_to("\r\n\r\n");
    ASSERT_EQ(client.read_exactly(kCountedBytes).size(), kCountedBytes) << i;
  }
  EXPECT_EQ(counted_, kRequests);
}

TEST_F(ServerHttp, AClientThatEndsItsDirectionGetsTheAnswersThatWaited) {
  constexpr std::size_t kRequests = 3;
  start();
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += get("/large");
  RawClient client{port_, 4096};
  client.send(requests);
  client.shutdown_write();
  std::size_t bytes = 0;
  for (std::string piece = client.read_some(); !piece.empty(); piece = client.read_some()) bytes += piece.size();
  EXPECT_GT(bytes, kRequests * kLargeBytes);
}

TEST_F(ServerHttp, AnExceptionFromAHandlerIs500WithoutItsText) {
  start();
  RawClient client{port_};
  client.send(get("/throws"));
  const std::string response = client.read_all();
  EXPECT_EQ(status_of(response), "HTTP/1.1 500");
  EXPECT_EQ(response.find("secret"), std::string::npos);
}

TEST_F(ServerHttp, WhateverAHandlerThrowsIs500) {
  start();
  RawClient client{port_};
  client.send(get("/throws-a-number"));
  EXPECT_EQ(status_of(client.read_all()), "HTTP/1.1 500");
}

TEST_F(ServerHttp, AClientThatEndsItsDirectionStillGetsTheWholeResponse) {
  start();
  RawClient client{port_, 4096};
  client.send(get("/large"));
  client.shutdown_write();
  const std::string response = client.read_all();
  EXPECT_EQ(response.size() - (response.find("\r\n\r\n") + 4), kLargeBytes);
}

TEST_F(ServerHttp, AClientThatEndsItsDirectionDuringTheLastResponseGetsAllOfIt) {
  start();
  RawClient client{port_, 4096};
  client.send(get("/large", "Connection: close\r\n"));
  client.read_to("\r\n\r\n");  // the server is through with its requests
  client.shutdown_write();
  EXPECT_EQ(client.read_all().size(), kLargeBytes);
}

TEST_F(ServerHttp, ADrainLetsTheResponseUnderWayFinish) {
  start();
  for (const bool ended : {false, true}) {
    RawClient client{port_, 4096};
    client.send(get("/large"));
    if (ended) client.shutdown_write();
    client.read_to("\r\n\r\n");
    RawClient session{port_};
    session.upgrade();
    (*server_)->drain();
    EXPECT_EQ(session.read_frame().close_code(), close_code::kGoingAway);  // the drain has begun
    EXPECT_EQ(client.read_all().size(), kLargeBytes);
    EXPECT_TRUE(server_->join());
    start();
  }
}

// --- Times -----------------------------------------------------------------------------------------------------------

TEST_F(ServerHttp, ASlowRequestHeadIs408) {
  expect_408_at_the_limit([](RawClient& client) { client.send("GET / HTTP/1.1\r\nHost: "); });
}

TEST_F(ServerHttp, AConnectionThatSaysNothingIsClosed) {
  ServerOptions options;
  options.limits.handshake_timeout = 50ms;
  start(options);
  RawClient client{port_};
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(ServerHttp, APipelinedHeadThatStopsHalfwayIs408) {
  expect_408_at_the_limit([](RawClient& client) {
    client.send(get("/hello") + "GET /hello HTTP/1.1\r\nHost: ");
    client.read_to("hello GET ");
  });
}

TEST_F(ServerHttp, AnUpgradeThatIsWholeOnlyDuringADrainIs503) {
  start();
  const std::string request = upgrade_request();
  RawClient client{port_};
  client.send(get("/hello") + request.substr(0, 30));
  client.read_to("hello GET ");  // the server has seen the beginning
  RawClient session{port_};
  session.upgrade();
  (*server_)->drain();
  EXPECT_EQ(session.read_frame().close_code(), close_code::kGoingAway);  // the drain has begun
  client.send(request.substr(30));
  EXPECT_EQ(status_of(client.read_all()), "HTTP/1.1 503");
  EXPECT_EQ((*server_)->stats().openings_refused_other, 1U);
}

TEST_F(ServerHttp, AnIdleKeptAliveConnectionIsClosed) {
  ServerOptions options;
  options.limits.keep_alive_timeout = 50ms;
  start(options);
  RawClient client{port_};
  client.send(get("/hello"));
  EXPECT_TRUE(client.read_all().ends_with("hello GET "));
}

TEST_F(ServerHttp, ARefusedClientThatDoesNotCloseIsCutAfterCloseTimeoutWithoutASecondAnswer) {
  ServerOptions options;
  options.limits.close_timeout = 50ms;
  start(options);
  RawClient client{port_};
  client.send("garbage\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_EQ(answer.rfind("HTTP/1.1"), 0U) << answer;
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; }));
}

/// What of a large response came, and the longest time for which none of it did.
struct SlowReading {
  std::size_t bytes = 0;
  Duration pause_max{0};
};

// Slowly, paced by other connections' requests, so that deadlines pass while the server still has bytes to write. A
// machine that lets this thread wait for as long as a deadline gets more time.
class SlowReader : public ServerHttp {
 protected:
  void expect_all_of_it(const std::string& fields) {
    Duration timeout = 600ms;
    SlowReading reading = read_slowly(fields, timeout);
    for (int i = 0; i < 3 && reading.pause_max > timeout / 3; ++i) reading = read_slowly(fields, timeout *= 2);
    EXPECT_EQ(reading.bytes, kLargeBytes) << fields;
  }

 private:
  SlowReading read_slowly(const std::string& fields, Duration timeout) {
    constexpr std::size_t kPiece = 4096;
    ServerOptions options;
    options.limits.close_timeout = timeout;
    options.limits.keep_alive_timeout = timeout;
    start(options);
    RawClient client{port_, 4096};
    SlowReading reading;
    const auto start_time = std::chrono::steady_clock::now();
    client.send(get("/large", fields));
    client.read_to("\r\n\r\n");
    for (auto last = start_time; reading.bytes < kLargeBytes;) {
      const std::string piece = client.read_exactly(std::min(kLargeBytes - reading.bytes, kPiece));
      const auto now = std::chrono::steady_clock::now();
      reading.pause_max = std::max<Duration>(reading.pause_max, now - std::exchange(last, now));
      if (piece.empty()) break;
      reading.bytes += piece.size();
      const double share = static_cast<double>(reading.bytes) / static_cast<double>(kLargeBytes);
      const auto due = start_time + std::chrono::duration_cast<Duration>(2.5 * share * timeout);
      while (std::chrono::steady_clock::now() < due) head_of(get("/hello"));
    }
    return reading;
  }
};

TEST_F(SlowReader, AResponseThatIsStillTakenIsNotCutByATimeout) { expect_all_of_it({}); }
TEST_F(SlowReader, AResponseThatIsStillTakenIsNotCutByACloseTimeout) { expect_all_of_it("Connection: close\r\n"); }

TEST_F(ServerHttp, AResponseThatNobodyTakesIsCut) {
  ServerOptions options;
  options.limits.close_timeout = 20ms;
  start(options);
  RawClient client{port_, 4096};
  client.send(get("/large", "Connection: close\r\n"));
  EXPECT_NE(client.read_to("\r\n\r\n"), "");
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; }));
}

// --- Counts ----------------------------------------------------------------------------------------------------------

TEST_F(ServerHttp, AFloodOfHalfOpenHandshakesKeepsOnlyTheNewest) {
  constexpr std::size_t kMax = 8;
  ServerOptions options;
  options.limits.handshakes_max = kMax;
  start(options);
  std::vector<std::unique_ptr<RawClient>> flood;
  for (std::size_t i = 0; i < 5 * kMax; ++i) flood.push_back(std::make_unique<RawClient>(port_));
  EXPECT_TRUE(wait_until([&] {
    const ServerStats stats = (*server_)->stats();
    return stats.connections_accepted == flood.size() && stats.connections_open == kMax &&
           stats.connections_refused == flood.size() - kMax;
  }));
  EXPECT_EQ(flood.front()->read_all(), "") << "the oldest was cut";
  EXPECT_EQ(status_of(flood.back()->upgrade()), "HTTP/1.1 101") << "the newest goes on";
}

TEST_F(ServerHttp, OpenSessionsDoNotCountAsHandshakes) {
  ServerOptions options;
  options.limits.handshakes_max = 1;
  start(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<RawClient>(port_));
    EXPECT_EQ(status_of(clients.back()->upgrade()), "HTTP/1.1 101");
  }
  for (const auto& client : clients) {
    client->send(text_frame("still here"));
    EXPECT_EQ(client->read_frame().payload, "still here");
  }
}

TEST_F(ServerHttp, ConnectionsBeyondTheMaximumAreRefused) {
  ServerOptions options;
  options.limits.connections_max = 2;
  start(options);
  RawClient first{port_};
  RawClient second{port_};
  first.upgrade();
  second.upgrade();
  RawClient third{port_};
  EXPECT_EQ(third.read_all(), "");
  EXPECT_EQ((*server_)->stats().connections_refused, 1U);
  first.send(text_frame("still here"));
  EXPECT_EQ(first.read_frame().payload, "still here");
}

}  // namespace
}  // namespace plait::test
