// Happy Eyeballs (RFC 8305 §5) with attempts that do what the test says.
#include "client/happy_eyeballs.hpp"

#include <gtest/gtest.h>

#include <map>

namespace plait::client {
namespace {

using namespace std::chrono_literals;

class HappyEyeballsTest : public testing::Test {
 protected:
  // Between two attempts: one that passes while the test runs, and one that does not.
  static constexpr Duration kSoon = 1ms;
  static constexpr Duration kNever = 1h;

  class Try final : public Attempt {
   public:
    Try(HappyEyeballsTest& test, std::string name) : test_(test), name_(std::move(name)) {
      test_.running_[name_] = this;
    }
    Try(const Try&) = delete;
    Try& operator=(const Try&) = delete;
    ~Try() override { ++test_.freed_; }
    void end() override {
      test_.running_.erase(name_);
      test_.ended_.push_back(name_);
    }
    [[nodiscard]] const std::string& name() const { return name_; }

   private:
    HappyEyeballsTest& test_;
    std::string name_;
  };

  HappyEyeballsTest() : loop_(std::move(*net::Loop::make())) {}
  ~HappyEyeballsTest() override {
    happy_eyeballs_ = nullptr;
  }  // ends attempts, which write into what is declared after it

  void start(const std::vector<std::string>& hosts, Duration delay) {
    resolver_ = std::make_unique<net::Resolver>(*loop_, [hosts](const net::Address& address) {
      net::Addresses found;
      for (const std::string& host : hosts) found.push_back(*net::as_literal({.host = host, .port = address.port}));
      return Result<net::Addresses, Error>{found};
    });
    make_race(delay);
    happy_eyeballs_->start({.host = "server.test", .port = 1});
  }
  void make_race(Duration delay) {
    happy_eyeballs_ = std::make_unique<HappyEyeballs>(
        *loop_, *resolver_, delay,
        HappyEyeballs::Callbacks{
            .begin = [this](const net::SocketAddress& address) -> Result<std::unique_ptr<Attempt>, Error> {
              begun_.push_back(address.text());
              if (refused_ == address.text()) return err(Error{"no such family"});
              return std::unique_ptr<Attempt>{std::make_unique<Try>(*this, address.text())};
            },
            .win = [this](Attempt& winner) { won_ = static_cast<Try&>(winner).name(); },
            .lose = [this](const std::string& reason) { lost_ = reason; },
            .silence = "no answer"});
  }
  bool turn_until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < give_up) loop_->run_once(5ms);
    return done();
  }
  bool turn_until_begun(std::size_t count) {
    return turn_until([&] { return begun_.size() >= count; });
  }

  using Texts = std::vector<std::string>;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<HappyEyeballs> happy_eyeballs_;
  std::map<std::string, Try*> running_;
  Texts begun_, ended_;
  std::string refused_, won_, lost_;
  int freed_ = 0;
};

TEST_F(HappyEyeballsTest, TheFirstThatSucceedsWinsAndTheOthersAreEnded) {
  start({"::1", "::2", "192.0.2.1"}, kSoon);
  ASSERT_TRUE(turn_until_begun(3));
  EXPECT_EQ(begun_, (Texts{"[::1]:1", "192.0.2.1:1", "[::2]:1"}));
  happy_eyeballs_->succeed(*running_.at("192.0.2.1:1"));
  EXPECT_EQ(won_, "192.0.2.1:1");
  EXPECT_EQ(ended_, (Texts{"[::1]:1", "[::2]:1"}));
  ASSERT_TRUE(turn_until([&] { return freed_ == 3; }));
  EXPECT_EQ(lost_, "");
}

TEST_F(HappyEyeballsTest, AnAnswerBeforeTheDelayStartsNoOther) {
  start({"::1", "192.0.2.1"}, kNever);
  ASSERT_TRUE(turn_until_begun(1));
  happy_eyeballs_->succeed(*running_.at("[::1]:1"));
  EXPECT_EQ(won_, "[::1]:1");
  for (int i = 0; i < 5; ++i) loop_->run_once(1ms);
  EXPECT_EQ(begun_.size(), 1U);
}

TEST_F(HappyEyeballsTest, AFailureStartsTheNextAtOnce) {
  start({"::1", "192.0.2.1"}, kNever);
  ASSERT_TRUE(turn_until_begun(1));
  happy_eyeballs_->fail(*running_.at("[::1]:1"), "refused");
  EXPECT_EQ(begun_.size(), 2U);
  happy_eyeballs_->succeed(*running_.at("192.0.2.1:1"));
  EXPECT_EQ(won_, "192.0.2.1:1");
}

TEST_F(HappyEyeballsTest, AFailureWhileAnotherRunsLeavesThatAlone) {
  start({"::1", "192.0.2.1"}, kSoon);
  ASSERT_TRUE(turn_until_begun(2));
  happy_eyeballs_->fail(*running_.at("192.0.2.1:1"), "refused");
  EXPECT_EQ(lost_, "");
  EXPECT_TRUE(ended_.empty());
  happy_eyeballs_->succeed(*running_.at("[::1]:1"));
  EXPECT_EQ(won_, "[::1]:1");
}

TEST_F(HappyEyeballsTest, WhenAllFailEachReasonIsTold) {
  refused_ = "[::1]:1";
  start({"::1", "192.0.2.1"}, kNever);
  ASSERT_TRUE(turn_until_begun(2));
  happy_eyeballs_->fail(*running_.at("192.0.2.1:1"), "refused");
  EXPECT_EQ(lost_, "[::1]:1: no such family; 192.0.2.1:1: refused");
}

TEST_F(HappyEyeballsTest, OfOneAddressTheReasonIsEnough) {
  start({"192.0.2.1"}, kNever);
  ASSERT_TRUE(turn_until_begun(1));
  happy_eyeballs_->fail(*running_.at("192.0.2.1:1"), "refused");
  EXPECT_EQ(lost_, "refused");
}

TEST_F(HappyEyeballsTest, ANumberIsNotLookedUp) {
  resolver_ = std::make_unique<net::Resolver>(
      *loop_, [](const net::Address&) -> Result<net::Addresses, Error> { return err(Error{"looked up"}); });
  make_race(kNever);
  happy_eyeballs_->start({.host = "192.0.2.9", .port = 1});
  EXPECT_EQ(begun_, Texts{"192.0.2.9:1"});
}

TEST_F(HappyEyeballsTest, ANameThatIsNotFoundIsALoss) {
  resolver_ = std::make_unique<net::Resolver>(
      *loop_, [](const net::Address&) -> Result<net::Addresses, Error> { return err(Error{"no such host"}); });
  make_race(kNever);
  happy_eyeballs_->start({.host = "server.test", .port = 1});
  EXPECT_EQ(lost_, "") << "never inside the call";
  ASSERT_TRUE(turn_until([&] { return !lost_.empty(); }));
  EXPECT_EQ(lost_, "no such host");
}

TEST_F(HappyEyeballsTest, SaysWhatIsStillWaitedFor) {
  start({"::1", "192.0.2.1"}, kNever);
  EXPECT_EQ(happy_eyeballs_->status(), "the name server did not answer in time");
  ASSERT_TRUE(turn_until_begun(1));
  EXPECT_EQ(happy_eyeballs_->status(), "no answer");
  happy_eyeballs_->fail(*running_.at("[::1]:1"), "refused");
  ASSERT_TRUE(turn_until_begun(2));
  EXPECT_EQ(happy_eyeballs_->status(), "[::1]:1: refused; no answer");
}

TEST_F(HappyEyeballsTest, AddressesAreBounded) {
  Texts hosts;
  for (int i = 1; i <= 30; ++i) hosts.push_back("192.0.2." + std::to_string(i));
  start(hosts, kNever);
  ASSERT_TRUE(turn_until_begun(1));
  while (!running_.empty() && lost_.empty()) {
    auto& attempt = *running_.begin()->second;
    running_.erase(running_.begin());
    happy_eyeballs_->fail(attempt, "refused");
  }
  EXPECT_EQ(begun_.size(), 8U);
  EXPECT_FALSE(lost_.empty());
}

TEST_F(HappyEyeballsTest, StoppingEndsAllAndTellsNothing) {
  start({"::1", "192.0.2.1"}, kSoon);
  ASSERT_TRUE(turn_until_begun(2));
  happy_eyeballs_ = nullptr;
  EXPECT_EQ(ended_.size(), 2U);
  ASSERT_TRUE(turn_until([&] { return freed_ == 2; }));
  EXPECT_EQ(won_ + lost_, "");
}

TEST_F(HappyEyeballsTest, StoppingDuringTheLookUpTellsNothing) {
  start({"::1"}, kSoon);
  happy_eyeballs_ = nullptr;
  for (int i = 0; i < 5; ++i) loop_->run_once(1ms);
  EXPECT_TRUE(begun_.empty());
  EXPECT_EQ(won_ + lost_, "");
}

}  // namespace
}  // namespace plait::client
