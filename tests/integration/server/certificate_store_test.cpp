// What a server does when its certificate cannot be read or its files cannot be watched.
#include "server/certificate_store.hpp"

#include <algorithm>

#include "integration/server/support.hpp"
#include "net/loop.hpp"
#include "support/no_descriptors.hpp"

namespace plait::test {
namespace {

class ServerCertificateStore : public testing::Test {
 protected:
  ServerCertificateStore() { options_.tls = write_certificate(folder_); }
  void watch(Duration retry_interval) {
    store_ = std::make_unique<CertificateStore>(
        options_, [this](const CertificateLoader::Loaded&) { ++news_; }, retry_interval);
    ASSERT_TRUE(store_->load());
    store_->watch(*loop_);
  }
  bool turn_until(const std::function<bool()>& done) {
    return wait_until([&] {
      loop_->run_once(1ms);
      return done();
    });
  }
  [[nodiscard]] bool says(std::string_view words) const { return log_.text().find(words) != std::string::npos; }

  const Folder folder_;
  const QuietLog log_;
  ServerOptions options_;
  std::unique_ptr<net::Loop> loop_ = std::move(*net::Loop::make());
  std::unique_ptr<CertificateStore> store_;
  int news_ = 0;
};

TEST_F(ServerCertificateStore, WhatCouldNotBeReadForAWhileIsReadWithoutAnotherWrite) {
  watch(1ms);
  const auto before = store_->certificates().front().sha256;
  write_certificate(folder_);  // seen with the next turn
  {
    const NoDescriptors none;
    ASSERT_TRUE(turn_until([&] { return says("cannot read"); })) << log_.text();
    EXPECT_TRUE(says("are not watched")) << "the watch is made anew, too";
    EXPECT_EQ(news_, 0);
  }
  EXPECT_TRUE(turn_until([&] { return news_ > 0; })) << log_.text();
  EXPECT_NE(store_->certificates().front().sha256, before);
  const int read = news_;
  write_certificate(folder_);
  EXPECT_TRUE(turn_until([&] { return news_ > read; })) << "it watches again";
  store_->end_watch();
}

TEST_F(ServerCertificateStore, AFolderThatIsRemovedTakesNoWatchFromTheOthers) {
  const Folder parent;
  const std::string further = parent.file("further");
  const auto make_further = [&] {
    const Folder fresh;
    options_.further_tls = {write_certificate(fresh)};
    std::filesystem::copy(fresh.path(), further);
    options_.further_tls = {{further + "/certificate.pem", further + "/key.pem"}};
  };
  make_further();
  watch(1h);
  std::filesystem::remove_all(further);
  ASSERT_TRUE(turn_until([&] { return says("are not watched"); }));
  make_further();
  const int read = news_;
  write_certificate(folder_);
  EXPECT_TRUE(turn_until([&] { return news_ > read; })) << log_.text();
  store_->end_watch();
}

TEST_F(ServerCertificateStore, WhatIsAsItWasIsSaidOnce) {
  watch(1ms);
  std::filesystem::remove(options_.tls.private_key_file);
  store_->try_reload();
  int turns = 0;
  ASSERT_TRUE(turn_until([&] { return ++turns == 50; }));
  const std::string text = log_.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  store_->end_watch();
}

}  // namespace
}  // namespace plait::test
