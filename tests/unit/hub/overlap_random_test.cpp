// Sessions that subscribe at random: requests of several topics and patterns, recoveries and ends, on loops that turn
// in a random order. Each session reads each topic that it hears whole, in order, and once (spec/protocol.md §1.1,
// §4.2, §4.3).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fake.hpp"
#include "wire/stamp.hpp"

namespace plait::hub {
namespace {

using namespace test;

constexpr std::uint32_t kLoops = 3;
constexpr unsigned kSeeds = 100;
constexpr int kSteps = 300;

using Names = std::vector<std::string>;

bool is_matched(std::string_view name, std::string_view topic) {
  if (name.ends_with('*')) return topic.starts_with(name.substr(0, name.size() - 1));
  return name == topic || (name.starts_with('?') && name.substr(1) == topic.substr(1));
}

/// One client, and what it may expect after what it has read.
class Reader {
 public:
  Reader(FakeHub& hub, std::uint32_t loop, const Names& topics, const Names& patterns, std::mt19937& random)
      : client_(hub.connect(loop)), topics_(topics), patterns_(patterns), random_(random) {}

  void subscribe_some() {
    ++request_;
    const bool recover = below(3) == 0;
    std::set<std::string> names;
    for (std::size_t left = 1 + below(3); left > 0; --left) names.insert(any_name());
    std::string list;
    std::string positions;
    for (const std::string& name : names) {
      list += (list.empty() ? "\"" : ",\"") + name + '"';
      const bool asks_for_recovery = recover && read_[name].last.has_value();
      if (asks_for_recovery) positions += (positions.empty() ? "" : ",") + position_of(name);
      if (asks_for_recovery || !deciding_.contains(name)) deciding_[name] = request_;
    }
    client_->send(R"({"t":"subscription","p":{"action":"subscribe","topics":[)" + list + R"(],"recover":true,)" +
                  R"("recovery":{)" + positions + R"(}},"cid":")" + std::to_string(request_) + R"("})");
    read();
  }

  void unsubscribe_one() {
    const std::string name = any_name();
    client_->unsubscribe(name);
    read();
    deciding_.erase(name);
    answered_.erase(name);
    read_[name].since.reset();
    for (const std::string& topic : topics_) {
      if (!hears(topic)) read_[topic].next.reset();
    }
  }

  void publish_one() {
    client_->publish(topics_[below(topics_.size())], "1");
    read();
  }

  void read() {
    for (const Received& message : client_->session.take()) {
      ASSERT_NE(message.type, "error") << message.text;
      if (message.type == "publication") on_publication(message);
      if (message.type == "gap") on_gap(message);
      if (message.type == "subscription_update") on_answer(message);
    }
  }

  /// Call when nothing is under way any more; `newest` has the offsets.
  void expect_whole(const std::map<std::string, std::uint64_t>& newest) {
    for (const std::string& topic : topics_) {
      const auto next = read_[topic].next;
      if (!next) continue;
      EXPECT_EQ(*next, newest.at(topic) + 1) << topic << " was not read to its end";
    }
  }

  std::size_t checked_count = 0;  ///< publications of which it was known that they were the next

 private:
  struct Read {
    std::optional<Position> last;
    std::optional<std::uint64_t> next;   // the offset that must come next, if that is known
    std::optional<std::uint64_t> since;  // of the recovery that is under way
  };

  std::size_t below(std::size_t end) { return random_() % end; }

  std::string any_name() {
    const Names& names = below(3) == 0 ? patterns_ : topics_;
    return names[below(names.size())];
  }

  // Of one of the last that it has read.
  std::string position_of(const std::string& topic) {
    Read& read = read_[topic];
    read.since = read.last->offset - std::min<std::uint64_t>(read.last->offset, below(3));
    std::string epoch;
    wire::append_epoch(epoch, read.last->epoch);
    return "\"" + topic + R"(":{"epoch":")" + epoch + R"(","offset":)" + std::to_string(*read.since) + "}";
  }

  [[nodiscard]] bool hears(const std::string& topic) const {
    return std::ranges::any_of(answered_, [&](const std::string& name) { return is_matched(name, topic); });
  }

  void on_publication(const Received& message) {
    ASSERT_TRUE(hears(message.topic)) << "before the answer: " << message.text;
    Read& read = read_[message.topic];
    if (read.next) {
      ASSERT_EQ(message.position.offset, *read.next) << message.text;
      ++checked_count;
    }
    read.last = message.position;
    read.next = message.position.offset + 1;
  }

  // What a recovery has left out that ended unanswered is told to the patterns, and nothing else is missed here.
  void on_gap(const Received& message) {
    ASSERT_NE(message.data.find_first_of("*?"), std::string::npos) << message.text;
    for (auto& [topic, read] : read_) read.next.reset();
  }

  void on_answer(const Received& message) {
    if (message.cid.empty()) return;  // to unsubscribe
    codec::JsonParser parser;
    const auto payload = parser.parse(message.data);
    ASSERT_TRUE(payload && payload->find("success").as_bool() == true) << message.text;
    for (const codec::JsonValue element : payload->find("success_topics").elements()) {
      const std::string name{element.as_string().value_or("")};
      const auto deciding = deciding_.find(name);
      if (deciding == deciding_.end() || std::to_string(deciding->second) != message.cid) continue;
      const bool heard = hears(name);
      answered_.insert(name);
      if (const auto position = payload->find("recovery").find(name)) on_position(name, position, heard);
    }
  }

  void on_position(const std::string& topic, codec::JsonValue position, bool heard) {
    Read& read = read_[topic];
    const std::uint64_t offset = position.find("offset").as_uint64().value_or(0);
    if (const auto since = std::exchange(read.since, std::nullopt)) {
      ASSERT_EQ(position.find("recovered").as_bool(), true) << topic;
      ASSERT_EQ(position.find("count").as_uint64(), offset - *since) << topic;
      read.next = *since + 1;
      return;
    }
    const std::uint64_t next = heard && read.next ? *read.next : offset + 1;
    ASSERT_EQ(next, offset + 1) << topic << ": not all before the answer has come";
    read.next = next;
  }

  std::unique_ptr<FakeClient> client_;
  const Names& topics_;
  const Names& patterns_;
  std::mt19937& random_;
  int request_ = 0;
  std::map<std::string, int> deciding_;  // the request whose answer counts, of what is not unsubscribed
  std::set<std::string> answered_;
  std::map<std::string, Read> read_;
};

class Stage {
 public:
  explicit Stage(unsigned seed) : random_(seed) {
    for (const std::string& topic : topics_) witness_->subscribe(topic);
    hub_.settle();
    witness_->session.take();
    for (std::uint32_t loop = 0; loop < kLoops; ++loop) {
      for (int i = 0; i < 2; ++i) {
        readers_.push_back(std::make_unique<Reader>(hub_, loop, topics_, patterns_, random_));
      }
    }
  }

  void step() {
    Reader& reader = *readers_[random_() % readers_.size()];
    switch (random_() % 8) {
      case 0:
        return reader.subscribe_some();
      case 1:
        return reader.unsubscribe_one();
      case 2:
      case 3:
        return reader.publish_one();
      default:
        hub_.turn(static_cast<std::uint32_t>(random_() % kLoops));
        for (const auto& one : readers_) one->read();
    }
  }

  void finish() {
    hub_.settle();
    std::map<std::string, std::uint64_t> newest;
    for (const std::string& topic : topics_) newest[topic] = 0;
    for (const Received& message : witness_->session.take()) newest[message.topic] = message.position.offset;
    for (const auto& reader : readers_) {
      reader->read();
      reader->expect_whole(newest);
    }
  }

  [[nodiscard]] std::size_t checked_count() const {
    std::size_t count = 0;
    for (const auto& reader : readers_) count += reader->checked_count;
    return count;
  }

 private:
  FakeHub hub_{kLoops};
  const Names topics_{hub_.topic_at(0), hub_.topic_at(1), hub_.topic_at(2), hub_.topic_at(1, "u")};
  const Names patterns_{"t*", "*", "u*", "?" + topics_[1].substr(1)};
  std::mt19937 random_;
  std::unique_ptr<FakeClient> witness_ = hub_.connect(0);
  std::vector<std::unique_ptr<Reader>> readers_;
};

TEST(HubOverlapAtRandom, EverySessionReadsWhatItHearsWholeInOrderAndOnce) {
  std::size_t checked = 0;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Stage stage{seed};
    for (int i = 0; i < kSteps && !HasFailure(); ++i) stage.step();
    stage.finish();
    if (HasFailure()) return;
    checked += stage.checked_count();
  }
  EXPECT_GT(checked, std::size_t{10} * kSeeds);
}

}  // namespace
}  // namespace plait::hub
