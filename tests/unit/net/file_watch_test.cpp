#include "net/file_watch.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

void write_file(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

class FileWatchTest : public testing::Test {
 protected:
  std::unique_ptr<FileWatch> watch(const std::vector<std::string>& paths) {
    auto made = FileWatch::make(*loop_, paths, [this] { ++changes_; });
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  /// inotify events are queued by the time the change returns, so one turn that does not wait sees them.
  int changes() {
    loop_->run_once(0s);
    return std::exchange(changes_, 0);
  }

  std::unique_ptr<Loop> loop_ = make_loop();
  std::string directory_ = temporary_directory();
  std::string path_ = directory_ + "/server.crt";
  int changes_ = 0;
};

TEST_F(FileWatchTest, AFileWrittenInPlaceChanges) {
  write_file(path_, "one");
  const auto watched = watch({path_});
  EXPECT_EQ(changes(), 0);
  write_file(path_, "two");
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, AFileReplacedByRenameChangesEachTime) {
  write_file(path_, "one");
  const auto watched = watch({path_});
  for (int i = 0; i < 3; ++i) {
    write_file(path_ + ".new", "two");
    EXPECT_EQ(changes(), 0) << "not the watched file";
    fs::rename(path_ + ".new", path_);
    EXPECT_EQ(changes(), 1);
  }
}

TEST_F(FileWatchTest, AnUnfinishedFileIsNotReportedBeforeItIsClosed) {
  const auto watched = watch({path_});
  std::ofstream file{path_};
  file << "half" << std::flush;
  EXPECT_EQ(changes(), 0);
  file.close();
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, ATurnedSymbolicLinkChanges) {
  write_file(directory_ + "/1.pem", "one");
  write_file(directory_ + "/2.pem", "two");
  fs::create_symlink("1.pem", path_);
  const auto watched = watch({path_});
  fs::remove(path_);
  EXPECT_EQ(changes(), 0) << "a missing file is nothing to load";
  fs::create_symlink("2.pem", path_);
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, ATurnedDirectoryLinkChangesAsKubernetesDoesIt) {
  for (const char* version : {"/..1", "/..2"}) {
    fs::create_directory(directory_ + version);
    write_file(directory_ + version + "/server.crt", version);
  }
  fs::create_directory_symlink("..1", directory_ + "/..data");
  fs::create_symlink("..data/server.crt", path_);
  const auto watched = watch({path_});
  fs::create_directory_symlink("..2", directory_ + "/..data_tmp");
  EXPECT_EQ(changes(), 0);
  fs::rename(directory_ + "/..data_tmp", directory_ + "/..data");
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, TwoFilesChangedTogetherAreOneCall) {
  const std::string key = directory_ + "/server.key";
  const auto watched = watch({path_, key});
  write_file(path_, "certificate");
  write_file(key, "key");
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, MoreEventsThanOneReadTakesAreOneCall) {
  const auto watched = watch({path_});
  for (int i = 0; i < 500; ++i) write_file(directory_ + "/a-name-that-fills-the-buffer-" + std::to_string(i), "x");
  write_file(path_, "one");
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, ARelativePathIsInTheWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(directory_);
  const auto watched = watch({"server.crt"});
  fs::current_path(before);
  write_file(path_, "one");
  EXPECT_EQ(changes(), 1);
}

TEST_F(FileWatchTest, ADirectoryThatIsRemovedIsToldOnce) {
  const std::string inner = directory_ + "/inner";
  fs::create_directory(inner);
  write_file(inner + "/server.crt", "one");
  const auto watched = watch({inner + "/server.crt"});
  fs::remove_all(inner);
  EXPECT_EQ(changes(), 1);
  fs::create_directory(inner);
  write_file(inner + "/server.crt", "two");
  EXPECT_EQ(changes(), 0) << "that is another directory: it needs another watch";
}

TEST_F(FileWatchTest, AMissingDirectoryIsNamed) {
  const auto made = FileWatch::make(*loop_, {directory_ + "/missing/server.crt"}, [] {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().system_errno, ENOENT);
  EXPECT_THAT(made.error().message, HasSubstr(directory_ + "/missing"));
}

TEST_F(FileWatchTest, MayBeDestroyedInsideItsCallback) {
  std::unique_ptr<FileWatch> watched;
  int calls = 0;
  auto made = FileWatch::make(*loop_, {path_}, [&] {
    ++calls;
    watched.reset();
  });
  ASSERT_TRUE(made);
  watched = std::move(*made);
  write_file(path_, "one");
  loop_->run_once(1s);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace plait::net
