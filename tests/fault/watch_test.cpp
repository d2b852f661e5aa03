// A connection whose socket can no longer be watched: it ends behind the call that found it out.
#include <gmock/gmock.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "fault/fault.hpp"
#include "integration/server/support.hpp"
#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

class FaultWatch : public testing::Test, protected ConnectedLoop {
 protected:
  ~FaultWatch() override { end_connections(); }
};

// The peer hangs up while the session is paused, so that its socket is not watched until it goes on.
TEST_F(FaultWatch, ASessionThatGoesOnWithoutAWatchEndsBehindTheCall) {
  std::optional<CloseInfo> closed;
  Session& session = open(
      std::make_unique<test::Called>(test::Calls{.on_close = [&](Session&, const CloseInfo& info) { closed = info; }}));
  session.pause();
  peer_.close();
  loop_->run_once(Duration::zero());
  ASSERT_TRUE(context_.entries.find(session.id())->is_cut());
  ASSERT_FALSE(closed);

  fault::Plan plan;
  {
    const fault::Injection injection{plan.fail_nth(1, ENOSPC)};
    session.resume();
    EXPECT_EQ(plan.last(), "epoll_add");
    EXPECT_FALSE(closed) << "inside a call of its handler's";
    session.send(Message::text("nobody hears it"));
    EXPECT_FALSE(closed);
  }
  loop_->run_once(Duration::zero());
  ASSERT_TRUE(closed);
  EXPECT_THAT(closed->reason, testing::HasSubstr("can no longer be watched: No space left on device"));
  EXPECT_EQ(context_.entries.size(), 0U);
}

}  // namespace
}  // namespace plait::transport
