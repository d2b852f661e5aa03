// The loads of WebTransport, beside a server that does not do what they ask of it.
#include "bench/components/generator/loads.hpp"

#include "crypto/certificate.hpp"

#include <plait/server.hpp>

#include <gtest/gtest.h>

#include <unistd.h>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace plait::bench {
namespace {

constexpr std::uint32_t kStopCode = 7;

/// Ends its half at once, and wants no more of the other.
class EndsAndStops final : public StreamHandler {
 private:
  void on_data(Stream& stream, ByteView, bool) override {
    if (std::exchange(done_, true)) return;
    stream.write(ByteView{}, true);
    stream.stop(kStopCode);
  }
  bool done_ = false;
};

/// Echoes datagrams, but for every tenth.
class UnwillingSession final : public SessionHandler {
 public:
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override { return std::make_unique<EndsAndStops>(); }
  void on_datagram(Session& session, ByteView data) override {
    if (++datagrams_ % 10 != 0) session.send_datagram(data);
  }

 private:
  std::uint64_t datagrams_ = 0;
};

class BenchWtLoad : public testing::Test {
 protected:
  BenchWtLoad() : folder_(testing::TempDir() + "bench_wt_load_" + std::to_string(getpid())) {
    std::filesystem::create_directory(folder_);
    const auto pem = crypto::make_certificate({}, std::chrono::system_clock::now());
    const TlsFiles files{.certificate_file = folder_ / "certificate.pem", .private_key_file = folder_ / "key.pem"};
    std::ofstream{files.certificate_file} << pem->certificate;
    std::ofstream{files.private_key_file} << pem->private_key;
    ServerOptions options;
    options.threads = 1;
    options.tls = files;
    server_ = std::make_unique<Server>(options);
    plan.url = parse_url(server_->listen("https://127.0.0.1:0/", handler<UnwillingSession>()).value()).value();
    quic_url = parse_url(server_->listen("quic://127.0.0.1:0/", handler<UnwillingSession>()).value()).value();
    plan.warmup_seconds = 0;
    plan.seconds = 0.1;
    thread_ = std::thread{[this] { EXPECT_TRUE(server_->run()); }};
  }
  ~BenchWtLoad() override {
    server_->stop();
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  Plan plan;
  Url quic_url;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

// More than a first flight carries, and all of it written: what was not acknowledged is not confirmed.
TEST_F(BenchWtLoad, AStreamThatTheServerStopsCountsNotAsSent) {
  plan.mode = LoadMode::stream;
  plan.direction = StreamDirection::concurrent;
  plan.payload_bytes = std::size_t{64} << 10;
  plan.count = 1;
  LoadContext context{plan};
  const auto done = run_wt_stream_load(context);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "the server stopped a stream with code 7");
}

TEST_F(BenchWtLoad, DatagramsThatAreRefusedHaveNoBytes) {
  plan.mode = LoadMode::datagram;
  plan.literal = true;
  plan.payload_bytes = 70'000;  // more than any datagram has
  plan.count = 10;
  LoadContext context{plan};
  const auto done = run_wt_datagram_load(context);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(context.meter.report().find("messages").as_double().value_or(-1), 0);
  EXPECT_EQ(context.meter.report().find("payload_bytes").as_double().value_or(-1), 0);
}

// The window is shorter than the time after which a datagram is lost, unless the machine was others' meanwhile.
TEST_F(BenchWtLoad, DatagramsThatDoNotComeBackAreLostInAShortWindow) {
  plan.mode = LoadMode::echo;
  plan.datagrams = true;
  plan.payload_bytes = 64;
  plan.depth = 64;
  plan.seconds = 0.3;
  constexpr double kSecondsUntilLost = 1;
  constexpr int kAttempts = 5;
  Value report;
  const auto count = [&report](const char* name) { return report.find(name).as_double().value_or(-1); };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    LoadContext context{plan};
    const auto done = run_wt_echo_load(context);
    ASSERT_TRUE(done) << done.error().message;
    report = context.meter.report();
    if (count("seconds") < kSecondsUntilLost && count("messages") > 0 && count("lost") > 0) break;
  }
  EXPECT_LT(count("seconds"), kSecondsUntilLost);
  EXPECT_GT(count("messages"), 0);
  EXPECT_GT(count("lost"), 0);
  EXPECT_LT(count("lost"), count("messages") + count("late"));
}

TEST_F(BenchWtLoad, AnOpeningWithoutTimesOfItsPartsIsNoSample) {
  plan.mode = LoadMode::connect;
  for (const OpeningStep until : {OpeningStep::handshake, OpeningStep::settings}) {
    plan.until = until;
    {
      LoadContext context{plan};
      EXPECT_TRUE(run_wt_connect_load(context));
    }
    Plan raw = plan;
    raw.url = quic_url;
    LoadContext context{raw};
    const auto done = run_wt_connect_load(context);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "the sessions of this wire do not tell the times of their opening's parts");
    EXPECT_EQ(context.meter.messages(), 0U);
  }
}

}  // namespace
}  // namespace plait::bench
