#include "broker/memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace plait::broker {
namespace {

class StillExecutor final : public core::Executor {
 public:
  void post(std::function<void()>) override { ADD_FAILURE() << "the memory broker completes inside the call"; }
  [[nodiscard]] core::TimePoint now() const override { return time; }
  void schedule(core::Timer& timer, core::TimePoint deadline) override { wheel.schedule(timer, deadline); }
  void advance(core::TimePoint::duration duration) {
    for (const core::TimePoint end = time + duration; time < end;) {
      time += std::min<core::TimePoint::duration>(end - time, std::chrono::milliseconds{100});
      wheel.advance(time);
    }
  }
  core::TimePoint time{};
  core::TimerWheel wheel{time};
};

class MemoryBrokerTest : public ::testing::Test, public BrokerListener {
 protected:
  void make(const MemoryBrokerOptions& options) {
    broker_ = std::make_unique<MemoryBroker>(options, executor_, *this, [this] { return ++epochs_; });
  }
  void on_publication(const Publication& publication) override { told_.push_back(publication); }

  Result<Position, BrokerError> publish(std::string_view topic, std::string_view payload) {
    std::optional<Result<Position, BrokerError>> answer;
    broker_->publish(topic, Bytes::copy_of(payload), {}, [&](auto result) { answer = result; });
    EXPECT_TRUE(answer.has_value()) << "done is called inside the call";
    return *answer;
  }
  History history(std::string_view topic, std::optional<Position> since = {}) {
    std::optional<History> answer;
    broker_->history(topic, since, [&](auto result) { answer = std::move(*result); });
    EXPECT_TRUE(answer.has_value()) << "done is called inside the call";
    return *answer;
  }
  static std::string texts(const std::vector<Publication>& publications) {
    std::string texts;
    for (const Publication& publication : publications) texts += publication.payload.text();
    return texts;
  }

  /// Of one with one publication, besides name and payload.
  static constexpr std::size_t kTopicBytes =
      MemoryBroker::kTopicOverheadBytes + MemoryBroker::kKeptListBytes + MemoryBroker::kOverheadBytes;

  StillExecutor executor_;
  std::uint32_t epochs_ = 0;
  std::vector<Publication> told_;
  std::unique_ptr<MemoryBroker> broker_;
};

TEST_F(MemoryBrokerTest, OffsetsCountPerTopicAndTheListenerHearsThemInOrder) {
  make({});
  EXPECT_EQ(*publish("a", "1"), (Position{1, 1}));
  EXPECT_EQ(*publish("b", "2"), (Position{2, 1}));
  EXPECT_EQ(*publish("a", "3"), (Position{1, 2}));
  ASSERT_EQ(texts(told_), "123");
  EXPECT_EQ(told_[2].topic.text(), "a");
  EXPECT_EQ(told_[2].position, (Position{1, 2}));
}

TEST_F(MemoryBrokerTest, KeepsWhatThePublisherDecides) {
  make({});
  PublishOptions options{Priority::high, {}, WallTime{std::chrono::milliseconds{1234}}};
  options.id[0] = 7;
  broker_->publish("a", Bytes::copy_of("x"), options, [](auto) {});
  const Publication kept = history("a", Position{1, 0}).publications.at(0);
  EXPECT_EQ(kept.priority, Priority::high);
  EXPECT_EQ(kept.id[0], 7);
  EXPECT_EQ(kept.time.time_since_epoch().count(), 1234);
}

TEST_F(MemoryBrokerTest, RecoversExactlyTheGap) {
  make({});
  for (const char* payload : {"1", "2", "3", "4"}) ASSERT_TRUE(publish("a", payload));
  for (const auto& [since, expected] : {std::pair{0, "1234"}, {1, "234"}, {3, "4"}, {4, ""}}) {
    const History answer = history("a", Position{1, static_cast<std::uint64_t>(since)});
    EXPECT_TRUE(answer.recovered) << since;
    EXPECT_EQ(texts(answer.publications), expected) << since;
    EXPECT_EQ(answer.position, (Position{1, 4}));
  }
}

TEST_F(MemoryBrokerTest, DoesNotRecoverFromAnotherEpochOrTheFuture) {
  make({});
  ASSERT_TRUE(publish("a", "1"));
  EXPECT_FALSE(history("a", Position{2, 0}).recovered);
  EXPECT_FALSE(history("a", Position{1, 2}).recovered);
  EXPECT_FALSE(history("a", Position{1, ~std::uint64_t{0}}).recovered);
  EXPECT_FALSE(history("a").recovered) << "nobody asked";
}

TEST_F(MemoryBrokerTest, TopicThatIsAskedForBeginsBeforeItsFirstPublication) {
  make({});
  EXPECT_EQ(history("a").position, (Position{1, 0}));
  ASSERT_TRUE(publish("a", "1"));
  EXPECT_EQ(texts(history("a", Position{1, 0}).publications), "1");
}

TEST_F(MemoryBrokerTest, CountLimitDropsTheOldestAndRecoveryIsAllOrNothing) {
  make({.history_count_max = 2});
  for (const char* payload : {"1", "2", "3"}) ASSERT_TRUE(publish("a", payload));
  EXPECT_EQ(texts(history("a", Position{1, 1}).publications), "23");
  const History too_old = history("a", Position{1, 0});
  EXPECT_FALSE(too_old.recovered);
  EXPECT_TRUE(too_old.publications.empty());
}

TEST_F(MemoryBrokerTest, WithoutHistoryOnlyTheNewestPositionRecovers) {
  make({.history_count_max = 0});
  ASSERT_TRUE(publish("a", "1"));
  EXPECT_TRUE(history("a", Position{1, 1}).recovered);
  EXPECT_FALSE(history("a", Position{1, 0}).recovered);
  EXPECT_EQ(broker_->kept_bytes(), 0u);
}

TEST_F(MemoryBrokerTest, ByteLimitPerTopicIsExact) {
  make({.history_bytes_max = 10});
  ASSERT_TRUE(publish("a", "12345"));
  ASSERT_TRUE(publish("a", "67890"));
  EXPECT_EQ(history("a", Position{1, 0}).publications.size(), 2u);
  ASSERT_TRUE(publish("a", "x"));
  EXPECT_FALSE(history("a", Position{1, 0}).recovered);
  EXPECT_EQ(texts(history("a", Position{1, 1}).publications), "67890x");
  ASSERT_TRUE(publish("a", "1234567890"));
  EXPECT_EQ(broker_->kept_bytes(), 10u);
}

TEST_F(MemoryBrokerTest, RefusesWhatCannotBeKeptAndTellsNobody) {
  make({.history_bytes_max = 10});
  const auto refused = publish("a", "12345678901");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), BrokerError::payload_too_large);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(history("a").position.offset, 0u);
}

TEST_F(MemoryBrokerTest, HistoryExpires) {
  make({.history_ttl = std::chrono::seconds{300}});
  ASSERT_TRUE(publish("a", "1"));
  executor_.time += std::chrono::seconds{299};
  ASSERT_TRUE(publish("a", "2"));
  EXPECT_EQ(history("a", Position{1, 0}).publications.size(), 2u);
  executor_.time += std::chrono::seconds{1};
  EXPECT_FALSE(history("a", Position{1, 0}).recovered);
  EXPECT_EQ(texts(history("a", Position{1, 1}).publications), "2");
}

TEST_F(MemoryBrokerTest, TheLongestTimeIsNoneThatIsOver) {
  executor_.time += std::chrono::seconds{1};
  make({.history_ttl = std::chrono::nanoseconds::max()});
  ASSERT_TRUE(publish("a", "1"));
  executor_.advance(std::chrono::seconds{60});
  EXPECT_EQ(texts(history("a", Position{1, 0}).publications), "1");
}

TEST_F(MemoryBrokerTest, HistoryExpiresUntouched) {
  make({.history_count_max = 100'000, .history_ttl = std::chrono::seconds{8}});
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(publish("topic" + std::to_string(i), "1"));
  for (std::size_t i = 0; i < 3 * MemoryBroker::kSweepMax; ++i) ASSERT_TRUE(publish("deep", "1"));
  executor_.advance(std::chrono::milliseconds{7900});
  EXPECT_EQ(broker_->kept_bytes(), 1000u + 3 * MemoryBroker::kSweepMax);
  executor_.advance(std::chrono::milliseconds{2100});
  EXPECT_EQ(broker_->kept_bytes(), 0u);
  EXPECT_FALSE(executor_.wheel.next_deadline()) << "nothing is kept: it rests";
  EXPECT_EQ(history("topic7").position.offset, 1u) << "the topic goes on";
}

TEST_F(MemoryBrokerTest, SmallPublicationsCountWithTheirOverhead) {
  make({.history_bytes_max = 1000, .total_bytes_max = 5 * (kTopicBytes + std::string_view{"topic10"}.size() + 1)});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(publish("topic" + std::to_string(i), "1"));
  EXPECT_EQ(broker_->topic_count(), 5u);
}

TEST_F(MemoryBrokerTest, ForgetsTheTopicUsedLongestAgoAndItBeginsANewEpoch) {
  make({.topics_max = 2});
  ASSERT_TRUE(publish("a", "1"));
  ASSERT_TRUE(publish("b", "2"));
  ASSERT_TRUE(publish("a", "3"));
  ASSERT_TRUE(publish("c", "4"));
  EXPECT_EQ(broker_->topic_count(), 2u);
  EXPECT_TRUE(history("a", Position{1, 0}).recovered);
  EXPECT_EQ(history("b", Position{2, 1}).position, (Position{4, 0}));
}

TEST_F(MemoryBrokerTest, NamesThatNobodyPublishesToDriveOutNoTopicThatHasPublications) {
  make({.topics_max = 3});
  ASSERT_TRUE(publish("a", "1"));
  ASSERT_TRUE(publish("b", "2"));
  for (int i = 0; i < 100; ++i) history("name" + std::to_string(i));
  EXPECT_EQ(broker_->topic_count(), 3u);
  EXPECT_TRUE(history("a", Position{1, 0}).recovered);
  EXPECT_TRUE(history("b", Position{2, 0}).recovered);
  ASSERT_TRUE(publish("name99", "3"));
  EXPECT_EQ(history("name99").position, (Position{102, 1})) << "the youngest name had stayed";
  history("another");  // nothing else is left to go
  EXPECT_FALSE(history("a", Position{1, 0}).recovered);
}

TEST_F(MemoryBrokerTest, TheTopicInUseStays) {
  make({.topics_max = 1});
  history("a");
  ASSERT_TRUE(publish("b", "1"));
  EXPECT_EQ(history("b").position, (Position{2, 1}));
  EXPECT_EQ(history("c").position, (Position{3, 0}));
  EXPECT_EQ(broker_->topic_count(), 1u);
}

TEST_F(MemoryBrokerTest, TotalBytesAreBounded) {
  make({.history_bytes_max = 10, .total_bytes_max = 2 * (1 + 10 + kTopicBytes)});
  for (const char* topic : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(publish(topic, "1234567890"));
    EXPECT_LE(broker_->kept_bytes(), 20u);
  }
  EXPECT_EQ(texts(history("d", Position{4, 0}).publications), "1234567890");
  EXPECT_EQ(broker_->topic_count(), 2u);
}

// The hub's payloads lie in one block with their topic's name.
TEST_F(MemoryBrokerTest, TotalBytesCountAllOfTheBlockThatAPayloadKeeps) {
  make({.history_ttl = std::chrono::seconds{8}});
  const Bytes joined = Bytes::copy_of(std::string(250, 'n') + "1");
  broker_->publish(std::string(250, 'n'), joined.slice(250, 1), {}, [](auto) {});
  EXPECT_EQ(broker_->kept_bytes(), 1u);
  EXPECT_EQ(broker_->total_bytes(), 250 + kTopicBytes + 251);
  executor_.advance(std::chrono::seconds{10});
  EXPECT_EQ(broker_->total_bytes(), 250 + MemoryBroker::kTopicOverheadBytes) << "the empty list goes, too";
}

TEST_F(MemoryBrokerTest, TotalBytesBoundNamesThatNobodyPublishesTo) {
  make({.history_bytes_max = 1000, .total_bytes_max = 100'000});
  ASSERT_TRUE(publish("a", "1"));
  for (int i = 0; i < 1000; ++i) history(std::string(200, 'n') + std::to_string(i));
  EXPECT_LE(broker_->total_bytes(), 100'000u);
  EXPECT_GT(broker_->topic_count(), 100u);
  EXPECT_TRUE(history("a", Position{1, 0}).recovered) << "they go first";
}

TEST_F(MemoryBrokerTest, AFewNamesThatNobodyPublishesToStayWhereMemoryIsShort) {
  make({.history_bytes_max = 1000, .total_bytes_max = 10 * (kTopicBytes + 1000)});
  const Position before = history("quiet").position;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(publish("topic" + std::to_string(i), std::string(500, 'x')));
  EXPECT_LT(broker_->topic_count(), 20u);
  EXPECT_TRUE(history("quiet", before).recovered);
}

}  // namespace
}  // namespace plait::broker
