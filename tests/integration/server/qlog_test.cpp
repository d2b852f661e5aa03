// Files of qlog: named, bounded, and no harm to what they tell of.
#include "server/qlog.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

constexpr QlogFolder::Bounds kSmallBounds{.file_bytes_max = 10, .files_max = 2};

class QlogFiles : public testing::Test {
 protected:
  QlogFiles() { std::filesystem::create_directory(folder_.file("qlog")); }
  [[nodiscard]] std::string name() const { return folder_.file("qlog"); }
  [[nodiscard]] std::string contents(const std::string& file) const {
    std::ifstream stream{name() + "/" + file};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }
  [[nodiscard]] std::size_t warnings() const {
    const std::string text = log_.text();
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  Folder folder_;
  QuietLog log_;
};

TEST_F(QlogFiles, AreNamedByTheConnectionAndOfTheirOwner) {
  QlogFolder folder{name()};
  const auto file = folder.open(std::vector<std::uint8_t>{0x00, 0x9f, 0xab});
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(std::filesystem::status(name() + "/009fab.sqlog").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(QlogFiles, EndBeforeTheRecordThatWouldExceedTheirBound) {
  QlogFolder folder{name(), kSmallBounds};
  auto file = folder.open(as_bytes("a"));
  for (const char* record : {"12345", "67890", "x", "y"}) file->write(as_bytes(record));
  EXPECT_EQ(contents("61.sqlog"), "1234567890") << "and it is closed";
  EXPECT_NE(log_.text().find("61.sqlog has reached 10 bytes"), std::string::npos) << log_.text();
  file.reset();
  EXPECT_EQ(warnings(), 1U) << log_.text();
}

TEST_F(QlogFiles, AreBoundedInNumber) {
  QlogFolder folder{name(), kSmallBounds};
  const auto first = folder.open(as_bytes("a"));
  auto second = folder.open(as_bytes("b"));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  second.reset();
  for (const char* id : {"c", "d", "e"}) EXPECT_EQ(folder.open(as_bytes(id)), nullptr) << "also when some have ended";
  EXPECT_EQ(warnings(), 1U) << log_.text();
}

// The client chooses the name.
TEST_F(QlogFiles, OneThatIsThereIsLeftAlone) {
  QlogFolder folder{name(), kSmallBounds};
  auto first = folder.open(as_bytes("a"));
  first->write(as_bytes("first"));
  first.reset();
  EXPECT_EQ(folder.open(as_bytes("a")), nullptr);
  EXPECT_EQ(contents("61.sqlog"), "first");
  EXPECT_NE(folder.open(as_bytes("b")), nullptr) << "a failure does not count";
}

TEST_F(QlogFiles, AFolderThatIsGoneIsToldOnce) {
  QlogFolder folder{name() + "/none"};
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(folder.open(as_bytes(id)), nullptr);
  EXPECT_EQ(warnings(), 1U) << log_.text();
  EXPECT_NE(log_.text().find("/none/61.sqlog: No such file"), std::string::npos) << log_.text();
}

// As on a full disk: beyond so many bytes the system takes no more.
int write_what_the_system_does_not_take(const std::string& name, const QuietLog& log) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{4096, 4096};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  QlogFolder folder{name};
  const auto first = folder.open(as_bytes("a"));
  const auto second = folder.open(as_bytes("b"));
  for (int i = 0; i < 100; ++i) {
    first->write(as_bytes(std::string(1000, 'x')));
    second->write(as_bytes(std::string(1000, 'x')));
  }
  const std::string told = log.text();
  return told.find("cannot write ") != std::string::npos && std::ranges::count(told, '\n') == 1 ? 0 : 1;
}

TEST_F(QlogFiles, WhatTheSystemDoesNotTakeEndsTheFileAndIsToldOnce) {
  EXPECT_EXIT(std::exit(write_what_the_system_does_not_take(name(), log_)), testing::ExitedWithCode(0), "");
}

TEST(QlogOfAServer, IsRefusedWhereOthersCanReachIt) {
  const Folder folder;
  ServerOptions options;
  options.tls = write_certificate(folder);
  options.qlog_folder = folder.file("");
  Server server{options};
  for (const char* url : {"https://0.0.0.0:0/", "quic://0.0.0.0:0/"}) {
    const auto bound = server.listen(url, handler<Echo>());
    ASSERT_FALSE(bound);
    EXPECT_NE(bound.error().message.find("qlog_folder is for development"), std::string::npos) << bound.error().message;
  }
  EXPECT_TRUE(server.listen("https://127.0.0.1:0/", handler<Echo>()));
  EXPECT_TRUE(server.listen("ws://0.0.0.0:0/", handler<Echo>())) << "which has none";
}

}  // namespace
}  // namespace plait::test
