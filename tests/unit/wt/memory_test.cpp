// What a session costs, and that the bytes of its streams cost nothing here.
#include <gtest/gtest.h>

#include "support/allocations.hpp"
#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

// Takes everything and keeps nothing.
class QuietStreams final : public h3::Streams {
 public:
  std::optional<StreamId> open(Direction) override { return next_ += 4; }
  void await_streams(Direction) override {}
  void write(StreamId, Bytes data, bool) override { written_bytes += data.size(); }
  void reset(StreamId, std::uint64_t) override {}
  void stop_sending(StreamId, std::uint64_t) override {}
  void consume(StreamId, std::size_t bytes) override { consumed_bytes += bytes; }
  void close(std::uint64_t, std::string_view) override {}
  [[nodiscard]] std::size_t datagram_bytes_max() const override { return 1200; }
  bool send_datagram(ByteView) override { return true; }

  std::size_t written_bytes = 0;
  std::size_t consumed_bytes = 0;

 private:
  StreamId next_ = 1;
};

class QuietVisitor final : public SessionVisitor {
 public:
  void on_stream(StreamId, Direction) override {}
  void on_stream_data(StreamId id, ByteView data, bool) override { session->consume(id, data.size()); }
  void on_stream_reset(StreamId, std::optional<std::uint32_t>) override {}
  void on_stop_sending(StreamId, std::optional<std::uint32_t>) override {}
  void on_stream_closed(StreamId) override {}
  void on_stream_writable(StreamId) override {}
  void on_streams_available(Direction) override {}
  void on_datagram(ByteView) override {}
  void on_draining() override {}
  void on_closed(const CloseInfo&) override {}

  Session* session = nullptr;
};

TEST(WtMemory, AnIdleSessionOwnsLessThan500Bytes) {
  auto server = make_server(h3::webtransport_settings());
  SessionsOptions options;
  QuietVisitor visitor;
  Sessions sessions{options, server->connection};
  ASSERT_TRUE(sessions.begin(0));
  test::start_counting();
  const bool begun = sessions.begin(4);
  const auto entry = test::stop_counting();
  test::start_counting();
  const auto session = sessions.accept(4, visitor);
  sessions.deliver_early(4);
  const auto counted = test::stop_counting();
  ASSERT_TRUE(begun && session.has_value());
  EXPECT_EQ(entry.count, 1U);
  EXPECT_EQ(counted.count, 1U);
  EXPECT_LT(entry.bytes_max + counted.bytes_max, 500U);
  RecordProperty("bytes", static_cast<int>(entry.bytes_max + counted.bytes_max));
}

TEST(WtMemory, BytesOfStreamsAllocateNothing) {
  auto server = make_server(h3::webtransport_settings());
  QuietStreams streams;
  h3::Connection connection{server->options, streams, *server, server->qpack};
  SessionContext context{.connection = connection, .local = server->options.settings.webtransport};
  QuietVisitor visitor;
  Session session{0, context, visitor};
  visitor.session = &session;
  const StreamId ours = session.open_stream(Direction::bidirectional).value();
  session.handle_stream(4, Direction::bidirectional);
  Stream& own = context.streams.find(ours)->second;
  Stream& theirs = context.streams.find(4)->second;
  const Buffer data(10'000, 'x');
  const Bytes bytes = Bytes::copy_of(data);
  streams.written_bytes = 0;
  test::start_counting();
  for (int i = 0; i < 100; ++i) {
    session.handle_stream_data(4, theirs, data, false);
    session.handle_stream_data(ours, own, data, false);
    session.write(4, bytes, false);
    session.handle_datagram(data);
  }
  const auto counted = test::stop_counting();
  EXPECT_EQ(counted.count, 0U);
  EXPECT_EQ(streams.written_bytes, 1'000'000U);
  EXPECT_EQ(streams.consumed_bytes, 2'000'000U);
}

}  // namespace
}  // namespace plait::wt
