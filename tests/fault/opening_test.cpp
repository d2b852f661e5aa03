// An opening that is answered when its connection cannot be watched again: the connection ends, and nothing else.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/byte_sink.hpp"
#include "fault/fault.hpp"
#include "integration/server/support.hpp"
#include "transport/tcp/frame_session.hpp"
#include "transport/tcp/http_connection.hpp"
#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

class FaultOpening : public testing::Test, protected ConnectedLoop {
 protected:
  FaultOpening() {
    test::Calls calls;
    calls.on_request = [](OpeningRequest& request) { request.defer(); };
    EXPECT_TRUE(router_.add_session("/", test::calling(std::move(calls))));
  }

  void answer_unwatched(std::unique_ptr<Protocol> protocol, ByteView request) {
    connect(std::move(protocol));
    ASSERT_EQ(peer_.write(request).bytes, request.size());
    loop_->run_once({});
    ASSERT_EQ(context_.openings.size(), 1U);
    peer_.close();
    loop_->run_once({});  // which is heard once, and then not watched for
    ASSERT_EQ(context_.openings.size(), 1U);
    fault::Plan plan;
    plan.fail_nth(1, ENOMEM);
    {
      const fault::Injection injection{plan};
      context_.openings.begin()->second->answer([](OpeningRequest& opening) { opening.accept(); });
    }
    EXPECT_EQ(plan.fired(), 1);
    EXPECT_EQ(plan.last(), "epoll_add");
    loop_->run_once({});  // at whose end it ends, not inside the call
    EXPECT_EQ(context_.entries.size(), 0U);
    EXPECT_TRUE(context_.handshakes.empty());
  }

  Router router_;
};

TEST_F(FaultOpening, OfAWebSocket) {
  answer_unwatched(std::make_unique<HttpConnection>(router_),
                   as_bytes("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
}

TEST_F(FaultOpening, OfFrames) {
  FrameRequest request;
  request.path = "/";
  core::VectorSink open;
  ASSERT_TRUE(encode_request(request, limits_, open));
  answer_unwatched(std::make_unique<FrameAccept>(context_, router_), ByteView{open.bytes});
}

}  // namespace
}  // namespace plait::transport
