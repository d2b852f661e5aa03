// The contract of sessions and streams under random calls from everywhere, on every wire at once, with random limits.
// It begins with the same seed each time; PLAIT_CONTRACT_SEED names another, and PLAIT_CONTRACT_SECONDS makes a longer
// run of it.
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "integration/server/contract.hpp"

namespace plait::test {
namespace {

constexpr std::array<const char*, 7> kWires{"tcp", "tls", "ws", "wss", "https", "quic", "unix"};
constexpr std::array<const char*, 3> kPaths{"/messages", "/parts", "/streams"};

bool has_streams(std::string_view wire) { return wire == "https" || wire == "quic"; }

Limits random_limits(std::mt19937_64& random) {
  Limits limits;
  limits.send_high_water_bytes = 1000 + random() % 300'000;
  limits.send_low_water_bytes = random() % limits.send_high_water_bytes;
  limits.send_queue_bytes_max = limits.send_high_water_bytes + random() % 1'000'000;
  if (random() % 3 == 0) limits.ping_interval = 5ms;
  return limits;
}

class Round {
 public:
  Round(const Folder& folder, const TlsFiles& tls, std::uint64_t seed)
      : folder_(folder), random_(seed), name_("seed " + std::to_string(seed) + " ") {
    ServerOptions options;
    options.tls = tls;
    options.threads = 1 + static_cast<unsigned>(random_() % 2);
    options.deflate = true;
    options.limits = random_limits(random_);
    server_ = std::make_unique<TestServer>(options);
    client_ = std::make_unique<Client>(ClientOptions{.limits = random_limits(random_)});
    stage_.server = &server_->server();
    stage_.client = client_.get();
    stage_.connect_one = [this] { connect_one(); };
    options_.certificate_authority_file = tls.certificate_file;
    for (std::size_t i = 0; i < Stage::kPairsMax; ++i) plan(stage_.pairs.at(i), i);
    for (const char* wire : kWires) listen(wire);
    server_->start();
  }

  void run();
  [[nodiscard]] std::uint64_t checked_closes() const { return stage_.checked_closes; }

 private:
  void plan(Pair& pair, std::size_t index);
  void listen(const std::string& wire);
  void connect_one();
  void turn() { client_->run_once(1ms); }
  bool turn_until(const std::function<bool()>& done) {
    return wait_until([&] {
      turn();
      return done();
    });
  }
  void act_from_outside();
  void settle();
  [[nodiscard]] bool is_settled();
  void settle_and_close();
  void expect_all_closed();
  [[nodiscard]] std::string left_open();

  const Folder& folder_;
  std::mt19937_64 random_;
  const std::string name_;
  Stage stage_;
  std::map<std::string, std::string> urls_;  // of each wire, without a path
  ConnectOptions options_;
  std::size_t connected_ = 0;
  bool ending_ = false;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<Client> client_;
};

void Round::plan(Pair& pair, std::size_t index) {
  pair.wire = kWires.at(index % kWires.size());
  pair.mode = static_cast<Mode>(random_() % (has_streams(pair.wire) ? 3 : 2));
  pair.deflate = random_() % 2 == 0;
  pair.shares_connection = random_() % 2 == 0;
  pair.seed = random_();
  pair.name = name_ + std::to_string(index) + " " + pair.wire + kPaths.at(static_cast<std::size_t>(pair.mode));
}

void Round::listen(const std::string& wire) {
  for (const std::string path : kPaths) {
    const std::string base = wire == "unix" ? "unix:" + folder_.file("socket") + ":" : urls_[wire];
    const std::string url = base.empty() ? wire + "://127.0.0.1:0" : base;
    const auto bound = (*server_)->listen(url + path, [this] { return std::make_unique<Actor>(stage_); });
    ASSERT_TRUE(bound) << bound.error().message;
    urls_[wire] = wire == "unix" ? base : bound->substr(0, bound->size() - path.size());
  }
}

void Round::connect_one() {
  if (connected_ == Stage::kPairsMax) return;
  const std::size_t index = connected_++;
  Pair& pair = stage_.pairs.at(index);
  ConnectOptions options = options_;
  options.deflate = pair.deflate;
  options.reuse_connection = pair.shares_connection;
  const std::string url =
      urls_[pair.wire] + kPaths.at(static_cast<std::size_t>(pair.mode)) + "?" + std::to_string(index);
  const auto connected = stage_.client->connect(url, std::make_unique<Actor>(stage_, pair), options);
  EXPECT_TRUE(connected || ending_) << connected.error().message;
  if (!connected) --connected_;
}

void Round::act_from_outside() {
  Pair& pair = stage_.pairs.at(random_() % Stage::kPairsMax);
  const bool to_client = random_() % 2 == 0;
  Side& side = to_client ? pair.client : pair.server;
  const auto id = side.id.get();
  if (!id) return;
  const auto task = [&side](Session& session) { side.actor.load()->act_from_outside(session); };
  to_client ? client_->post(*id, task) : (*server_)->post(*id, task);
}

// What is known of the sessions that have not ended, for a failure.
std::string Round::left_open() {
  std::ostringstream text;
  for (std::size_t i = 0; i < connected_; ++i) {
    const Pair& pair = stage_.pairs.at(i);
    if (pair.client.closed > 0) continue;
    text << "\n" << pair.name;
    for (const Side* side : {&pair.client, &pair.server}) {
      text << (side == &pair.client ? " client" : ", server") << " opened " << side->opened << ", closed "
           << side->closed << ", over " << side->over << ", settled " << side->settled << ", sent " << side->sent
           << ", received " << side->received;
    }
  }
  return text.str();
}

// A session that stays paused, or has a message half written, would wait for ever.
void Round::settle() {
  for (Pair& pair : stage_.pairs) {
    for (Side* side : {&pair.client, &pair.server}) {
      const auto id = side->id.get();
      if (!id || side->closed > 0) continue;
      const auto task = [side](Session& session) { side->actor.load()->settle(session); };
      side == &pair.client ? client_->post(*id, task) : (*server_)->post(*id, task);
    }
  }
}

bool Round::is_settled() {
  for (std::size_t i = 0; i < connected_; ++i) {
    const Pair& pair = stage_.pairs.at(i);
    if (pair.client.closed > 0 && (pair.server.opened == 0 || pair.server.closed > 0)) continue;
    if (pair.client.closed > 0 || pair.server.closed > 0) return false;    // the end is on its way,
    if (pair.client.opened == 0 || pair.server.opened == 0) return false;  // or the opening
    if (!pair.client.settled || !pair.server.settled) return false;        // it may be about to close
    if (pair.client.awaits_writable > 0 || pair.server.awaits_writable > 0) return false;
    if (pair.client.sent != pair.server.received || pair.server.sent != pair.client.received) return false;
  }
  return true;
}

void Round::settle_and_close() {
  stage_.acting = false;
  const bool settled = turn_until([&] {
    settle();
    return is_settled();
  });
  std::vector<Pair*> open;
  for (std::size_t i = 0; i < connected_; ++i) {
    Pair& pair = stage_.pairs.at(i);
    const bool is_open = pair.client.opened > 0 && pair.client.closed == 0;
    if (!is_open || pair.client.over || pair.server.over) continue;
    open.push_back(&pair);
    if (!settled) {
      ADD_FAILURE() << pair.name << " client sent " << pair.client.sent << ", server received " << pair.server.received
                    << ", server sent " << pair.server.sent << ", client received " << pair.client.received
                    << "; waiting for on_writable: " << pair.client.awaits_writable << ", "
                    << pair.server.awaits_writable << "; server closed: " << pair.server.closed;
    }
    client_->post(*pair.client.id.get(), [](Session& session) { session.close(4001, "done"); });
  }
  EXPECT_TRUE(turn_until([&] { return client_->is_idle(); })) << name_ << "sessions that do not end:" << left_open();
  for (Pair* pair : open) {
    EXPECT_TRUE(wait_until([&] { return pair->server.closed > 0; })) << pair->name;
    for (const Side* side : {&pair->client, &pair->server}) {
      const CloseInfo info = side->info.get().value_or(CloseInfo{});
      EXPECT_TRUE(info.clean && info.code == 4001 && info.reason == "done")
          << pair->name << (side == &pair->client ? " client " : " server ") << info.code << " " << info.reason;
    }
  }
}

void Round::expect_all_closed() {
  EXPECT_EQ(stage_.handlers, 0) << name_ << "handlers are left";
  for (std::size_t i = 0; i < connected_; ++i) {
    const Pair& pair = stage_.pairs.at(i);
    EXPECT_EQ(pair.client.closed, 1) << pair.name << " client";
    EXPECT_EQ(pair.server.closed, pair.server.opened) << pair.name << " server";
  }
}

void Round::run() {
  for (std::size_t i = 0, count = 7 + random_() % 20; i < count; ++i) connect_one();
  for (std::size_t i = 0, turns = random_() % 300; i < turns; ++i) {
    turn();
    if (random_() % 2 == 0) act_from_outside();
  }
  const std::size_t end = random_() % 6;
  if (end == 0) {
    (*server_)->drain();
    for (int i = 0; i < 20; ++i) turn();
  } else if (end == 1) {
    (*server_)->stop();
  } else if (end > 2) {  // else the client just ends
    settle_and_close();
  }
  ending_ = true;
  client_ = nullptr;
  server_ = nullptr;
  expect_all_closed();
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  const std::string_view text = given == nullptr ? "" : given;
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

TEST(SessionContract, HoldsWhateverIsCalledAndWhenever) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{setting("PLAIT_CONTRACT_SECONDS", 3)};
  const Folder folder;
  const TlsFiles tls = write_certificate(folder);
  const std::uint64_t first = setting("PLAIT_CONTRACT_SEED", 1);
  std::uint64_t checked = 0;
  std::uint64_t seed = first;
  for (; !HasFailure() && std::chrono::steady_clock::now() < end; ++seed) {
    Round round{folder, tls, seed};
    round.run();
    checked += round.checked_closes();
  }
  RecordProperty("closes", std::to_string(checked));
  std::cout << "seeds " << first << " to " << seed - 1 << ", " << checked << " clean closes of a peer\n";
}

}  // namespace
}  // namespace plait::test
