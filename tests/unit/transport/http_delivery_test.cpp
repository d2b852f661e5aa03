// HTTP/1.1 responses to a client that takes little of them, or nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "transport/router.hpp"
#include "transport/tcp/http_connection.hpp"
#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kLargeBytes = std::size_t{2} << 20;  // far more than a socket takes at a time
constexpr std::size_t kSharedBytes = std::size_t{64} << 10;

class HttpDelivery : public testing::Test, protected ConnectedLoop {
 protected:
  HttpDelivery() {
    shared_.share_between_threads();
    EXPECT_TRUE(router_.add_http(
        "/large", [](const HttpRequest&) { return HttpResponse{.body = std::string(kLargeBytes, 'x')}; }));
    for (const int status : {200, 204, 205, 500}) {
      EXPECT_TRUE(router_.add_http("/" + std::to_string(status), [this, status](const HttpRequest&) {
        return HttpResponse{.status = status, .shared_body = shared_};
      }));
    }
  }
  ~HttpDelivery() override { end_connections(); }

  static std::string get(std::string_view target, std::string_view fields = {}) {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
  }
  TcpConnection& ask(const std::string& requests) {
    TcpConnection* connection = connect(std::make_unique<HttpConnection>(router_));
    EXPECT_EQ(peer_.write(as_bytes(requests)).bytes, requests.size());
    turn();
    return *connection;
  }
  void turn() {
    for (int i = 0; i < 3; ++i) loop_->run_once({});
  }
  /// As much as there is, at most `bytes_max`.
  std::string take(std::size_t bytes_max) {
    std::string all;
    std::vector<std::uint8_t> buffer(std::size_t{64} << 10);
    while (all.size() < bytes_max) {
      const auto result = peer_.read(MutableByteView{buffer}.first(std::min(buffer.size(), bytes_max - all.size())));
      if (result.bytes == 0) break;
      all += as_text(ByteView{buffer}.first(result.bytes));
      turn();
    }
    return all;
  }
  /// The connection's time is over; whether it goes on.
  bool survives_deadline(TcpConnection& connection) {
    connection.protocol().handle_deadline(loop_->now());
    return connection_count_ > 0;
  }

  Router router_;
  Bytes shared_ = Bytes::copy_of(std::string(kSharedBytes, 's'));
};

// The first deadline counted as progress, whatever had been taken.
TEST_F(HttpDelivery, WhoTakesNothingHasOneTimeout) {
  for (const char* fields : {"", "Connection: close\r\n"}) {
    TcpConnection& connection = ask(get("/large", fields));
    ASSERT_GT(connection.undelivered_bytes(), kLargeBytes);
    EXPECT_FALSE(survives_deadline(connection)) << fields;
  }
}

TEST_F(HttpDelivery, WhoTakesEnoughHasAnother) {
  for (const char* fields : {"", "Connection: close\r\n"}) {
    TcpConnection& connection = ask(get("/large", fields));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(take(kLargeBytes / 4).size(), kLargeBytes / 4);
      ASSERT_TRUE(survives_deadline(connection)) << fields;
    }
    EXPECT_EQ(take(1).size(), 1U);
    EXPECT_FALSE(survives_deadline(connection)) << fields;
  }
}

TEST_F(HttpDelivery, ASharedBodyIsKeptOnceForAllResponses) {
  constexpr std::size_t kRequests = 10;
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += get("/200");
  const TcpConnection& connection = ask(requests);
  EXPECT_GT(connection.backlog_bytes(), 4 * kSharedBytes);
  EXPECT_GT(shared_.block()->reference_count, 4U) << "what waits refers to it";
  const std::string taken = take(SIZE_MAX);
  EXPECT_EQ(std::count(taken.begin(), taken.end(), 's') / static_cast<std::ptrdiff_t>(kSharedBytes), kRequests);
  EXPECT_EQ(shared_.block()->reference_count, 1U);
}

TEST_F(HttpDelivery, ASharedBodyIsSentWhereABodyIs) {
  ask("HEAD" + get("/200").substr(3) + get("/204") + get("/205") + get("/500"));
  const std::string taken = take(SIZE_MAX);
  const auto has = [&](std::string_view text) { return taken.find(text) != std::string::npos; };
  EXPECT_TRUE(has("200 OK\r\n") && has("204 No Content\r\n") && has("205 Reset Content\r\n")) << taken.substr(0, 500);
  EXPECT_TRUE(has("Content-Length: " + std::to_string(kSharedBytes)));
  EXPECT_EQ(taken.size() - taken.find("\r\n\r\ns") - 4, kSharedBytes) << "the last alone";
}

}  // namespace
}  // namespace plait::transport
