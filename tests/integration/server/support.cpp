#include "integration/server/support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "crypto/certificate.hpp"

namespace plait::test {
namespace {

constexpr int kGiveUpMilliseconds = 20'000;
constexpr std::string_view kMaskingKey = "\x37\xfa\x21\x3d";

void write_file(const std::string& name, const std::string& text) {
  // Renamed into place, so that a server that watches the file never sees half of it.
  std::ofstream{name + ".new"} << text;
  std::filesystem::rename(name + ".new", name);
}

}  // namespace

bool wait_until(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

bool turn_until(Client& client, const std::function<bool()>& done) {
  return wait_until([&] {
    client.run_once(1ms);
    return done();
  });
}

std::string told_at_a_limit(std::string_view wanted, const std::function<std::string(Duration limit)>& attempt) {
  std::string told;
  for (Duration limit = 250ms; limit <= 4s && told.find(wanted) == std::string::npos; limit *= 2) told = attempt(limit);
  return told;
}

// --- Files, log ------------------------------------------------------------------------------------------------------

TlsFiles write_certificate(const Folder& folder, std::chrono::system_clock::time_point now) {
  const auto made = crypto::make_certificate({}, now);
  EXPECT_TRUE(made);
  TlsFiles files{.certificate_file = folder.file("certificate.pem"), .private_key_file = folder.file("key.pem")};
  write_file(files.private_key_file, made->private_key);
  write_file(files.certificate_file, made->certificate);
  return files;
}

QuietLog::QuietLog() {
  set_log_sink([this](LogLevel, std::string_view line) {
    const std::lock_guard lock{mutex_};
    text_.append(line).append("\n");
  });
}
QuietLog::~QuietLog() {
  set_log_sink([](LogLevel, std::string_view) {});
}

std::string QuietLog::text() const {
  const std::lock_guard lock{mutex_};
  return text_;
}

// --- Server ----------------------------------------------------------------------------------------------------------

namespace {

ServerOptions with_one_loop(ServerOptions options) {
  if (options.threads == 0) options.threads = 1;
  return options;
}

}  // namespace

TestServer::TestServer(ServerOptions options) : server_(with_one_loop(std::move(options))) {}

TestServer::~TestServer() {
  server_.stop();
  if (thread_.joinable()) thread_.join();
}

std::string TestServer::listen(const std::string& scheme, HandlerFactory factory, const std::string& path) {
  const auto url = server_.listen(scheme + "://127.0.0.1:0" + path, std::move(factory));
  EXPECT_TRUE(url) << (url ? "" : url.error().message);
  return url ? *url : "";
}

void TestServer::start() {
  finished_ = false;
  thread_ = std::thread{[this] {
    const auto ran = server_.run();
    EXPECT_TRUE(ran) << (ran ? "" : ran.error().message);
    finished_ = true;
  }};
}

bool TestServer::join() {
  if (!wait_until([&] { return finished_.load(); })) return false;
  thread_.join();
  return true;
}

std::uint16_t port_of(std::string_view url) {
  const std::string_view rest = url.substr(url.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), port);
  return port;
}

int find_socket(int (*name_of)(int, sockaddr*, socklen_t*), std::uint16_t port) {
  for (int fd = 0; fd < FD_SETSIZE; ++fd) {
    sockaddr_in name{};
    socklen_t length = sizeof name;
    if (name_of(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0 || name.sin_family != AF_INET) continue;
    if (ntohs(name.sin_port) == port) return fd;
  }
  return -1;
}

DeafPort::DeafPort(const std::string& host) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  socklen_t length = sizeof name;
  EXPECT_EQ(::inet_pton(AF_INET, host.c_str(), &name.sin_addr), 1);
  EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), length), 0);
  EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &length), 0);
  number_ = ntohs(name.sin_port);
}
DeafPort::~DeafPort() { ::close(fd_); }

// --- RawClient -------------------------------------------------------------------------------------------------------

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // A server that refuses it may be quicker than this call; what is read then is nothing, as when it is slower.
  const int connected = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_TRUE(connected == 0 || errno == ECONNRESET) << std::strerror(errno);
}
RawClient::~RawClient() { ::close(fd_); }

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // the peer has closed; what it says is read afterwards
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void RawClient::send_bytewise(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) send(bytes.substr(i, 1));
}

bool RawClient::fill() {
  pollfd readable{fd_, POLLIN, 0};
  if (::poll(&readable, 1, kGiveUpMilliseconds) != 1) {
    ADD_FAILURE() << "the server sent nothing; so far: " << kept_.substr(0, 200);
    return false;
  }
  std::vector<char> buffer(std::size_t{256} << 10);
  const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (count > 0) kept_.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

std::string RawClient::read_some() {
  if (kept_.empty()) fill();
  return std::exchange(kept_, {});
}

std::string RawClient::read_exactly(std::size_t count) {
  while (kept_.size() < count && fill()) {
  }
  std::string bytes = kept_.substr(0, count);
  kept_.erase(0, bytes.size());
  return bytes;
}

std::string RawClient::read_to(std::string_view end) {
  std::size_t found = std::string::npos;
  while ((found = kept_.find(end)) == std::string::npos && fill()) {
  }
  return found == std::string::npos ? std::exchange(kept_, {}) : read_exactly(found + end.size());
}

std::string RawClient::read_all() {
  while (fill()) {
  }
  return std::exchange(kept_, {});
}

bool RawClient::is_silent() const {
  pollfd readable{fd_, POLLIN, 0};
  return kept_.empty() && ::poll(&readable, 1, 0) == 0;
}

void RawClient::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void RawClient::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::string RawClient::upgrade(const std::string& fields, const std::string& path) {
  send(upgrade_request(fields, path));
  return read_to("\r\n\r\n");
}

int RawClient::Frame::close_code() const {
  if (opcode != 8) return -1;
  if (payload.size() < 2) return close_code::kNoStatus;
  return (static_cast<unsigned char>(payload[0]) << 8) | static_cast<unsigned char>(payload[1]);
}

RawClient::Frame RawClient::read_frame() {
  const std::string head = read_exactly(2);
  if (head.size() < 2) return {};
  Frame frame{.opcode = head[0] & 0x0f, .fin = (head[0] & 0x80) != 0, .rsv1 = (head[0] & 0x40) != 0};
  EXPECT_EQ(head[1] & 0x80, 0) << "a server must not mask";
  std::size_t size = static_cast<unsigned char>(head[1]);
  if (size >= 126) {
    const std::string length = read_exactly(size == 126 ? 2 : 8);
    size = 0;
    for (const char byte : length) size = (size << 8) | static_cast<unsigned char>(byte);
  }
  frame.payload = read_exactly(size);
  return frame;
}

// --- Frames ----------------------------------------------------------------------------------------------------------

std::string frame(int opcode, std::string_view payload, const FrameOptions& options) {
  std::string out;
  const auto put = [&out](std::size_t byte) { out += static_cast<char>(byte & 0xff); };
  put(static_cast<std::size_t>((options.fin ? 0x80 : 0) | (options.reserved << 4) | opcode));
  const std::size_t mask_bit = options.masked ? 0x80 : 0;
  const std::size_t size = payload.size();
  if (size < 126) {
    put(mask_bit | size);
  } else {
    const bool small = size <= 0xffff;
    put(mask_bit | (small ? 126U : 127U));
    for (int shift = small ? 8 : 56; shift >= 0; shift -= 8) put(size >> shift);
  }
  if (!options.masked) return out.append(payload);
  out += kMaskingKey;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ kMaskingKey[i % 4]);
  return out;
}

std::string close_frame(int code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return frame(8, payload.append(reason));
}

std::string upgrade_request(const std::string& fields, const std::string& path) {
  return "GET " + path +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         fields + "\r\n";
}

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('!' + (i * 7 + i / 251) % 90);
  return text;
}

}  // namespace plait::test
