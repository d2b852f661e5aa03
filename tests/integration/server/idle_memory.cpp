// What 10,000 idle WebSocket sessions keep in the server's heap, bare and under TLS: at most twice what is promised.
// The clients are another process, because each end of a connection needs a file descriptor.
#include <arpa/inet.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "integration/server/support.hpp"
#include "net/file_limit.hpp"
#include "support/transport_loop.hpp"
#include "tls/context.hpp"
#include "transport/tcp/acceptor.hpp"
#include "transport/tcp/http_connection.hpp"

namespace plait::transport {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr std::size_t kSessions = 10'000;
constexpr std::size_t kOtherFiles = 64;

/// Heap bytes in use, the allocator's own headers and what it got by mmap included.
std::size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// The clients' process: connections that have sent an opening handshake, read its answer, and say nothing more.
class Clients {
 public:
  Clients(std::uint16_t port, bool secure) : port_(port) {
    if (secure) tls_.reset(::SSL_CTX_new(::TLS_client_method()));
  }
  /// Opens one connection whenever a byte can be read from `orders`, answers it, and ends the process at the end.
  [[noreturn]] void run(int orders, int answers) {
    for (char order = 0; ::read(orders, &order, 1) == 1;) {
      const char answer = open_one() ? '+' : '-';
      if (::write(answers, &answer, 1) != 1) break;
    }
    ::_exit(0);
  }

 private:
  bool open_one() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);  // stays open
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
    std::array<char, 4096> buffer;
    if (tls_ == nullptr) {
      return ::send(fd, request_.data(), request_.size(), 0) > 0 && ::recv(fd, buffer.data(), buffer.size(), 0) > 0;
    }
    SSL* ssl = ::SSL_new(tls_.get());
    ::SSL_set_fd(ssl, fd);
    const bool opened = ::SSL_connect(ssl) == 1 &&
                        ::SSL_write(ssl, request_.data(), static_cast<int>(request_.size())) > 0 &&
                        ::SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size())) > 0;
    ::SSL_free(ssl);  // the connection stays as it is, without a word to the server
    return opened;
  }

  std::uint16_t port_;
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> tls_{nullptr, ::SSL_CTX_free};
  const std::string request_ = test::upgrade_request();
};

class IdleSessions : public testing::Test, protected TransportLoop {
 protected:
  IdleSessions() : TransportLoop({.ping_interval = Duration::zero()}) {}
  ~IdleSessions() override {
    ::close(orders_);
    ::close(answers_);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
    end_connections();
  }

  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer's heap is not the real one";
    const std::uint64_t files = net::raise_file_limit();
    if (files < kSessions + kOtherFiles) GTEST_SKIP() << files << " open files are too few";
  }

  void start(std::shared_ptr<const tls::Context> tls = nullptr) {
    EXPECT_TRUE(router_.add_session("/", plait::handler<test::Echo>()));
    net::Listener listener = std::move(*net::Listener::bind({.host = "127.0.0.1"}));
    start_clients(listener.port(), tls != nullptr);
    acceptor_ = std::make_unique<Acceptor>(context_, std::move(listener), std::move(tls),
                                           [this] { return std::make_unique<HttpConnection>(router_); });
    ASSERT_TRUE(acceptor_->start());
  }

  /// Heap bytes of each idle session.
  std::size_t measure() {
    open(1);  // what the first session sets up
    const std::size_t before = heap_bytes();
    open(kSessions);
    const std::size_t each = (heap_bytes() - before) / kSessions;
    EXPECT_EQ(context_.counters.sessions_open.get(), kSessions + 1);
    std::printf("heap per idle session, %zu of them: %zu bytes\n", kSessions, each);
    RecordProperty("bytes_per_session", static_cast<int>(each));
    EXPECT_GT(each, 100U) << "the measurement itself";
    return each;
  }

 private:
  void start_clients(std::uint16_t port, bool secure) {
    net::raise_file_limit();
    std::array<int, 2> orders{};
    std::array<int, 2> answers{};
    ASSERT_EQ(::pipe(orders.data()), 0);
    ASSERT_EQ(::pipe(answers.data()), 0);
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      ::close(orders[1]);
      ::close(answers[0]);
      Clients{port, secure}.run(orders[0], answers[1]);
    }
    ::close(orders[0]);
    ::close(answers[1]);
    orders_ = orders[1];
    answers_ = answers[0];
  }

  void open(std::size_t count) {
    const std::size_t wanted = context_.counters.sessions_open.get() + count;
    const std::string orders(count, 'o');
    ASSERT_EQ(::write(orders_, orders.data(), orders.size()), static_cast<ssize_t>(orders.size()));
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{100};
    while (context_.counters.sessions_open.get() < wanted) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << context_.counters.sessions_open.get() << " are open";
      loop_->run_once(std::chrono::milliseconds{100});
    }
    for (std::size_t i = 0; i < count; ++i) {
      char answer = 0;
      ASSERT_EQ(::read(answers_, &answer, 1), 1);
      ASSERT_EQ(answer, '+') << "client " << i;
    }
    loop_->run_once(Duration::zero());
  }

  Router router_;
  std::unique_ptr<Acceptor> acceptor_;
  pid_t child_ = -1;
  int orders_ = -1;
  int answers_ = -1;
};

TEST_F(IdleSessions, TenThousandBareOnesKeepAtMostAKibibyteEach) {
  start();
  EXPECT_LE(measure(), 2 * 512U);
}

TEST_F(IdleSessions, TenThousandUnderTlsKeepAtMost60KibibytesEach) {
  const test::Folder folder;
  const TlsFiles files = test::write_certificate(folder);
  auto context =
      tls::Context::server({.certificate_file = files.certificate_file, .private_key_file = files.private_key_file});
  ASSERT_TRUE(context);
  start(std::make_shared<const tls::Context>(std::move(*context)));
  EXPECT_LE(measure(), 2 * (std::size_t{30} << 10));
}

}  // namespace
}  // namespace plait::transport
