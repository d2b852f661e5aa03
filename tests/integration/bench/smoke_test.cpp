// The whole chain once: plait bench starts the raw peer and the generator, and what it writes can be read.
#include "bench/components/process.hpp"
#include "bench/json_text.hpp"
#include "bench/text_file.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

namespace plait::bench {
namespace {

constexpr std::chrono::seconds kPatience{50};

struct Outcome {
  int exit_status = -1;
  std::string output;
  std::string errors;
};

Outcome run_plait(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), PLAIT_EXECUTABLE);
  auto process = Process::start(arguments, std::nullopt);
  if (!process || !process->has_ended(kPatience)) return {};
  return {process->exit_status(), process->output(), process->errors()};
}

Value run_rows(const std::string& suite, const std::string& rows) {
  const std::string file = testing::TempDir() + "bench_smoke_" + std::to_string(getpid()) + ".json";
  const Outcome outcome = run_plait({"bench", suite, "--quick", "--verify", "--seconds", "0.1", "--rows", rows,
                                     "--peer", "raw", "--servers", "raw", "--placement", "free", "--json", file});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output << outcome.errors;
  const auto json = decode(Format::json, as_bytes(read_text_file(file)));
  std::filesystem::remove(file);
  EXPECT_TRUE(json) << outcome.output;
  return json ? *json : Value{};
}

double messages_of(const Value& report) {
  const Value& sample = report.find("cases").at(0).find("servers").at(0).find("samples").at(0);
  return sample.find("messages").as_double().value_or(0);
}

TEST(BenchSmoke, WebSocketEchoAgainstTheRawPeer) {
  const Value report = run_rows("websocket", "^echo/93B/d64/c10$");
  EXPECT_GT(messages_of(report), 0);
  EXPECT_EQ(report.find("suite"), "websocket");
  EXPECT_FALSE(report.find("machine").find("kernel").is_null());
}

TEST(BenchSmoke, WebSocketLargeMessagesAgainstTheRawPeer) {
  EXPECT_GT(messages_of(run_rows("websocket", "^echo/1MB/")), 0);
}

TEST(BenchSmoke, FanoutAgainstTheRawPeer) { EXPECT_GT(messages_of(run_rows("websocket", "^fanout/93B/b16/s100$")), 0); }

TEST(BenchSmoke, ConnectAgainstTheRawPeer) { EXPECT_GT(messages_of(run_rows("websocket", "^connect/k16$")), 0); }

TEST(BenchSmoke, LiteralTcpRowConfirmsExactlyItsRepeats) {
  EXPECT_EQ(messages_of(run_rows("tcp-echo", "^literal/1KB$")), 2000);
}

TEST(BenchSmoke, MistakesOnTheCommandLineAreNamed) {
  for (const auto& [arguments, word] : {std::pair<std::vector<std::string>, std::string>{{"bench", "nosuch"}, "nosuch"},
                                        {{"bench", "websocket", "--rows", "["}, "--rows"},
                                        {{"bench", "websocket", "--rows", "nothing-matches"}, "--list"},
                                        {{"bench", "websocket", "--placement", "three"}, "--placement"},
                                        {{"bench", "websocket", "--cpu", "server"}, "--cpu"},
                                        {{"bench", "websocket", "--peer", "x"}, "--peer"},
                                        {{"bench", "websocket", "--servers", "none"}, "--servers"}}) {
    const Outcome outcome = run_plait(arguments);
    EXPECT_EQ(outcome.exit_status, 1) << word;
    EXPECT_NE(outcome.errors.find(word), std::string::npos) << outcome.errors;
  }
}

TEST(BenchSmoke, AServerThatDoesNotStartIsReportedWithItsWords) {
  const Outcome outcome =
      run_plait({"bench", "websocket", "--quick", "--rows", "^connect/k1$", "--placement", "free", "--servers", "bad",
                 "--peer", "bad=sh -c 'echo out of cheese >&2; exit 3',ws://127.0.0.1:0"});
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_NE(outcome.output.find("ended with status 3: out of cheese"), std::string::npos) << outcome.output;
}

}  // namespace
}  // namespace plait::bench
