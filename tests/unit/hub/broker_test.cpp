// A broker of the embedder's that breaks its word: the hub lives on, and everybody is answered once.
#include <gtest/gtest.h>

#include <plait/log.hpp>

#include <stdexcept>
#include <type_traits>
#include <vector>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

enum class Fault : std::uint8_t { none, before_done, behind_done, later };

/// The memory broker, with what `fault` says about each call.
class FaultyBroker final : public Broker {
 public:
  FaultyBroker(const Fault& fault, const BrokerContext& context) : fault_(fault), inner_(memory_broker()(context)) {}

  void publish(std::string_view topic, Bytes payload, const PublishOptions& options, PublishDone done) override {
    fail_before(done);
    inner_->publish(topic, std::move(payload), options, done);
    fail_behind();
  }
  void history(std::string_view topic, std::optional<Position> since, HistoryDone done) override {
    fail_before(done);
    inner_->history(topic, since, done);
    fail_behind();
  }
  /// What it has kept of calls that threw.
  void call_late() {
    for (const PublishDone& done : std::exchange(publishes_, {})) done(Position{1, 99});
    for (const HistoryDone& done : std::exchange(histories_, {})) done(History{{1, 99}, false, {}});
  }

 private:
  template <class Done>
  void fail_before(const Done& done) {
    if (fault_ == Fault::later) {
      if constexpr (std::is_same_v<Done, PublishDone>) {
        publishes_.push_back(done);
      } else {
        histories_.push_back(done);
      }
    }
    if (fault_ == Fault::before_done || fault_ == Fault::later) throw std::runtime_error{"no database"};
  }
  void fail_behind() const {
    if (fault_ == Fault::behind_done) throw std::runtime_error{"no thread"};
  }

  const Fault& fault_;
  std::unique_ptr<Broker> inner_;
  std::vector<PublishDone> publishes_;
  std::vector<HistoryDone> histories_;
};

/// The number of loops: with two, the publisher is never on the topic's home.
class HubFaultyBroker : public ::testing::TestWithParam<std::size_t> {
 protected:
  HubFaultyBroker() {
    set_log_sink([](LogLevel, std::string_view) {});
  }
  ~HubFaultyBroker() override { set_log_sink({}); }
  [[nodiscard]] HubOptions options() {
    HubOptions options = test_options();
    options.broker = [this](const BrokerContext& context) {
      auto broker = std::make_unique<FaultyBroker>(fault, context);
      brokers.push_back(broker.get());
      return broker;
    };
    return options;
  }

  Fault fault = Fault::none;
  std::vector<FaultyBroker*> brokers;
  FakeHub hub{GetParam(), options()};
  std::string topic = hub.topic_at(0);
  std::unique_ptr<FakeClient> alice = hub.connect(static_cast<std::uint32_t>(GetParam() - 1));
};
INSTANTIATE_TEST_SUITE_P(Loops, HubFaultyBroker, ::testing::Values(1, 2));

TEST_P(HubFaultyBroker, ThatThrowsIsUnavailableAndTakesNoRoomForAnswers) {
  fault = Fault::before_done;
  for (std::size_t i = 0; i < Shard::kAnswersMax + 1000; ++i) {
    alice->publish(topic, "1", "p");
    hub.settle();
    const auto answer = alice->session.take();
    ASSERT_EQ(types(answer), "error") << i;
    ASSERT_NE(answer[0].data.find("broker unavailable"), std::string::npos) << answer[0].data;
    ASSERT_EQ(answer[0].cid, "p");
  }
  alice->subscribe(topic, "s");
  hub.settle();
  const auto refused = alice->session.take();
  ASSERT_EQ(types(refused), "subscription_update");
  EXPECT_NE(refused[0].data.find("broker unavailable"), std::string::npos) << refused[0].data;

  fault = Fault::none;
  alice->subscribe(topic);
  hub.settle();
  alice->publish(topic, "2", "q");
  hub.settle();
  const std::string seen = types(alice->session.take());
  EXPECT_TRUE(seen == "subscription_update publication published" ||
              seen == "subscription_update published publication")
      << seen;
}

TEST_P(HubFaultyBroker, ThatThrowsBehindItsAnswerHasAnswered) {
  fault = Fault::behind_done;
  alice->subscribe(topic, "s");
  hub.settle();
  const auto answer = alice->session.take();
  ASSERT_EQ(types(answer), "subscription_update");
  EXPECT_NE(answer[0].data.find(R"("success":true)"), std::string::npos) << answer[0].data;
  alice->unsubscribe(topic);
  hub.settle();
  alice->session.take();
  alice->publish(topic, "1", "p");
  hub.settle();
  EXPECT_EQ(types(alice->session.take()), "published");
}

TEST_P(HubFaultyBroker, ThatAnswersBehindItsExceptionIsNotHeard) {
  fault = Fault::later;
  alice->publish(topic, "1", "p");
  alice->subscribe(topic, "s");
  hub.settle();
  EXPECT_EQ(alice->session.take().size(), 2U);
  for (FaultyBroker* broker : brokers) broker->call_late();
  hub.settle();
  EXPECT_EQ(types(alice->session.take()), "");
  fault = Fault::none;
  alice->publish(topic, "2", "q");  // in the place of the one before
  hub.settle();
  const auto answer = alice->session.take();
  ASSERT_EQ(types(answer), "published");
  EXPECT_EQ(answer[0].cid, "q");
}

TEST_P(HubFaultyBroker, ThatThrowsIsToldToTheEmbedder) {
  for (const Fault one : {Fault::before_done, Fault::behind_done}) {
    fault = one;
    int calls = 0;
    bool published = false;
    hub.engine->publish(topic, "1", [&](const auto& result) {
      ++calls;
      published = result.has_value();
    });
    hub.settle();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(published, one == Fault::behind_done);
  }
}

}  // namespace
}  // namespace plait::hub
