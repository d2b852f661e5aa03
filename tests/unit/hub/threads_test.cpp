// Loops on threads of their own: publishers and subscribers on all of them, topics at home on all of them, and
// subscribers that keep leaving and recovering meanwhile. Each must see each topic whole, in order, and once.
#include <plait/hub.hpp>

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/executor.hpp"
#include "hub/engine.hpp"
#include "hub/handler.hpp"
#include "support/still_session.hpp"
#include "wire/stamp.hpp"

namespace plait::hub {
namespace {

class ThreadExecutor final : public core::Executor {
 public:
  ~ThreadExecutor() override { stop(); }
  void start() {
    thread_ = std::thread{[this] { run(); }};
  }
  void stop() {
    if (!thread_.joinable()) return;
    post([this] { running_ = false; });
    thread_.join();
  }

  void post(std::function<void()> task) override {
    const std::lock_guard lock{mutex_};
    tasks_.push_back(std::move(task));
    posted_.notify_one();
  }
  [[nodiscard]] core::TimePoint now() const override { return now_; }
  void schedule(core::Timer& timer, core::TimePoint deadline) override { wheel_.schedule(timer, deadline); }

 private:
  void run() {
    while (running_) {
      now_ = std::chrono::steady_clock::now();
      wheel_.advance(now_);
      for (const auto& task : next_tasks()) task();
    }
  }
  std::vector<std::function<void()>> next_tasks() {
    std::unique_lock lock{mutex_};
    const auto posted = [this] { return !tasks_.empty(); };
    if (const auto deadline = wheel_.next_deadline()) {
      posted_.wait_until(lock, *deadline, posted);
    } else {
      posted_.wait(lock, posted);
    }
    return std::exchange(tasks_, {});
  }

  std::mutex mutex_;
  std::condition_variable posted_;
  std::vector<std::function<void()>> tasks_;
  core::TimePoint now_ = std::chrono::steady_clock::now();
  core::TimerWheel wheel_{now_};
  bool running_ = true;
  std::thread thread_;
};

/// Counts down to zero; somebody waits for that.
class Latch {
 public:
  explicit Latch(int count) : count_(count) {}
  void count_down() {
    const std::lock_guard lock{mutex_};
    --count_;
    changed_.notify_all();
  }
  bool wait(std::chrono::seconds timeout) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, timeout, [this] { return count_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_;
};

constexpr int kLoops = 3;
constexpr int kTopics = 5;
constexpr int kPublishersPerLoop = 2;
constexpr int kSubscribersPerLoop = 3;
constexpr int kPublicationsPerPublisher = 400;  // to each topic
constexpr int kWindow = 32;
constexpr std::uint64_t kPerTopic = std::uint64_t{kLoops} * kPublishersPerLoop * kPublicationsPerPublisher;

std::string topic_name(int topic) { return "topic" + std::to_string(topic); }

/// A session and handler of one loop, driven on its thread only.
class Client : public plait::test::StillSession {
 public:
  Client(Engine& engine, ThreadExecutor& own_thread, std::uint32_t loop)
      : StillSession({loop, 0, 0}), thread(own_thread), handler_(engine) {}

  virtual void on_text(std::string_view text) = 0;
  void open() { handler_.on_open(*this); }
  void end() { handler_.on_close(*this, {}); }
  void say(const std::string& json) { handler_.on_message(*this, Message::text(json)); }

  SendStatus send(const Message& message, SendOptions) override {
    on_text(message.text());
    return SendStatus::sent;
  }
  void close(std::uint32_t code, std::string_view) override { ADD_FAILURE() << "closed with " << code; }
  [[nodiscard]] core::Executor& executor() override { return thread; }

  ThreadExecutor& thread;

 private:
  Handler handler_;
};

/// Publishes "<name>.<n>" to every topic, at most kWindow at a time.
class Publisher final : public Client {
 public:
  Publisher(Engine& engine, ThreadExecutor& own_thread, std::uint32_t loop, std::string name)
      : Client(engine, own_thread, loop), name_(std::move(name)) {}

  void start() {
    for (int i = 0; i < kWindow; ++i) publish_next();
  }
  void on_text(std::string_view text) override {
    if (text.find(R"("t":"published")") == std::string_view::npos) {
      EXPECT_NE(text.find("server_ready"), std::string_view::npos) << text;
      return;
    }
    thread.post([this] { publish_next(); });  // not inside the hub's own call
  }

 private:
  void publish_next() {
    if (next_ == kPublicationsPerPublisher * kTopics) return;
    say(R"({"t":"publish","p":{"topic":")" + topic_name(next_ % kTopics) + R"(","data":")" + name_ + "." +
        std::to_string(next_ / kTopics) + R"("},"cid":"x"})");
    ++next_;
  }

  std::string name_;
  int next_ = 0;
};

/// Keeps what it reads of every topic; leaves and recovers every so many publications.
class Subscriber final : public Client {
 public:
  Subscriber(Engine& engine, ThreadExecutor& own_thread, std::uint32_t loop, int leave_every, Latch& subscribed,
             Latch& complete)
      : Client(engine, own_thread, loop), leave_every_(leave_every), subscribed_(subscribed), complete_(complete) {}

  void start() {
    for (int topic = 0; topic < kTopics; ++topic) {
      say(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + topic_name(topic) + R"("]}})");
    }
  }

  void on_text(std::string_view text) override {
    if (text.starts_with(R"({"tp":"topic)")) return on_publication(text);
    if (text.find(R"("t":"gap")") != std::string_view::npos) return on_gap(text);
    if (text.find(R"("recovered":false)") != std::string_view::npos) on_not_recovered(text);
    EXPECT_EQ(text.find(R"("success":false)"), std::string_view::npos) << text;
    if (text.find(R"("action":"subscribe")") != std::string_view::npos && answers_++ < kTopics) {
      subscribed_.count_down();
    }
  }

  std::array<std::vector<std::string>, kTopics> payloads;  ///< [topic][offset - 1]
  int recoveries = 0;

 private:
  void on_publication(std::string_view text) {
    const int topic = text[12] - '0';
    const std::size_t epoch = text.find(R"("e":")") + 5;
    std::from_chars(&text[epoch], &text[epoch] + 8, epochs_[static_cast<std::size_t>(topic)], 16);
    std::uint64_t offset = 0;
    const std::size_t digits = text.find(R"("o":)") + 4;
    std::from_chars(&text[digits], text.data() + text.size(), offset);
    const std::size_t payload = text.find(R"("p":")") + 5;

    auto& read = payloads[static_cast<std::size_t>(topic)];
    ASSERT_GT(offset, read.size()) << "a duplicate in " << text;
    if (waits_for_recovery_[static_cast<std::size_t>(topic)] && offset != read.size() + 1) return;
    ASSERT_EQ(offset, read.size() + 1) << "a gap before " << text;
    waits_for_recovery_[static_cast<std::size_t>(topic)] = false;
    read.emplace_back(text.substr(payload, text.find('"', payload) - payload));
    if (read.size() == kPerTopic) complete_.count_down();
    if (++count_ % leave_every_ == 0) thread.post([this, topic] { leave_and_recover(topic); });
  }

  void on_gap(std::string_view text) {
    const int topic = text[text.find(R"("topic":"topic)") + 14] - '0';
    waits_for_recovery_[static_cast<std::size_t>(topic)] = true;
    thread.post([this, topic] { recover(topic); });
  }

  // A later request may have overtaken it, but nothing overtakes the last.
  void on_not_recovered(std::string_view text) {
    const std::size_t cid = text.find(R"("cid":")");
    ASSERT_NE(cid, std::string_view::npos) << text;
    const int topic = text[text.find(R"("recovery":{"topic)") + 18] - '0';
    int request = 0;
    std::from_chars(&text[cid + 7], text.data() + text.size(), request);
    EXPECT_LT(request, requests_[static_cast<std::size_t>(topic)]) << text;
  }

  void leave_and_recover(int topic) {
    say(R"({"t":"subscription","p":{"action":"unsubscribe","topics":[")" + topic_name(topic) + R"("]}})");
    recover(topic);
  }

  void recover(int topic) {
    ++recoveries;
    std::string epoch;
    wire::append_epoch(epoch, epochs_[static_cast<std::size_t>(topic)]);
    const std::string name = topic_name(topic);
    say(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + name + R"("],"recover":true,"recovery":{")" +
        name + R"(":{"epoch":")" + epoch + R"(","offset":)" +
        std::to_string(payloads[static_cast<std::size_t>(topic)].size()) + R"(}}},"cid":")" +
        std::to_string(++requests_[static_cast<std::size_t>(topic)]) + R"("})");
  }

  int leave_every_;
  int answers_ = 0;
  int count_ = 0;
  std::array<std::uint32_t, kTopics> epochs_{};
  std::array<bool, kTopics> waits_for_recovery_{};
  std::array<int, kTopics> requests_{};  // for recovery
  Latch& subscribed_;
  Latch& complete_;
};

class HubThreads : public ::testing::Test {
 protected:
  HubThreads() {
    HubOptions options;
    options.broker = memory_broker({.history_count_max = 100'000});
    engine = std::make_unique<Engine>(std::move(options));
    std::vector<core::Executor*> pointers;
    for (ThreadExecutor& executor : executors) pointers.push_back(&executor);
    engine->attach(pointers);
    for (std::uint32_t loop = 0; loop < kLoops; ++loop) {
      for (int i = 0; i < kSubscribersPerLoop; ++i) {
        subscribers.push_back(
            std::make_unique<Subscriber>(*engine, executors[loop], loop, 40 + 30 * i, subscribed, complete));
      }
      for (int i = 0; i < kPublishersPerLoop; ++i) {
        publishers.push_back(
            std::make_unique<Publisher>(*engine, executors[loop], loop, std::to_string(loop) + std::to_string(i)));
      }
    }
    for (ThreadExecutor& executor : executors) executor.start();
  }
  ~HubThreads() override {
    each(subscribers, [](Client& client) { client.end(); });
    each(publishers, [](Client& client) { client.end(); });
    for (ThreadExecutor& executor : executors) executor.stop();
  }
  template <class Clients, class Action>
  static void each(const Clients& clients, Action action) {
    for (const auto& client : clients) client->thread.post([&client = *client, action] { action(client); });
  }

  Latch subscribed{kLoops * kSubscribersPerLoop * kTopics};
  Latch complete{kLoops * kSubscribersPerLoop * kTopics};
  std::unique_ptr<Engine> engine;
  std::array<ThreadExecutor, kLoops> executors;
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  std::vector<std::unique_ptr<Publisher>> publishers;
};

TEST_F(HubThreads, EverySubscriberSeesEveryTopicWholeInOrderAndOnce) {
  each(subscribers, [](Subscriber& subscriber) {
    subscriber.open();
    subscriber.start();
  });
  ASSERT_TRUE(subscribed.wait(std::chrono::seconds{60}));
  each(publishers, [](Publisher& publisher) {
    publisher.open();
    publisher.start();
  });
  ASSERT_TRUE(complete.wait(std::chrono::seconds{100}));
  for (ThreadExecutor& executor : executors) executor.stop();  // what follows reads what the threads wrote

  int recoveries = 0;
  for (const auto& subscriber : subscribers) {
    recoveries += subscriber->recoveries;
    for (int topic = 0; topic < kTopics; ++topic) {
      const auto t = static_cast<std::size_t>(topic);
      ASSERT_EQ(subscriber->payloads[t].size(), kPerTopic);
      ASSERT_EQ(subscriber->payloads[t], subscribers[0]->payloads[t]) << "one order for all";
    }
  }
  EXPECT_GT(recoveries, 100);
  for (const auto& payloads : subscribers[0]->payloads) {
    std::map<std::string, int> next;  // per publisher
    for (const std::string& payload : payloads) {
      const std::size_t dot = payload.find('.');
      ASSERT_EQ(payload.substr(dot + 1), std::to_string(next[payload.substr(0, dot)]++))
          << "each publisher's own order";
    }
  }
  EXPECT_EQ(engine->stats().publications, kPerTopic * kTopics);
}

}  // namespace
}  // namespace plait::hub
