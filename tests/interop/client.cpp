// The client that foreign servers are tested with: interop_client MODE URL [OPTION VALUE]…
//
//   echo  sends messages of all sizes, compares what comes back, then closes with --code and --reason
//   wait  prints the kind and size of every message until the peer closes
//   rtt   waits until the peer has answered a ping
//   many  opens 100 sessions, echoes on each, closes them all
// Options: --deflate yes, --authority FILE (else certificates are not verified), --subprotocol NAME, --field
// NAME:VALUE,
// --timeout MILLISECONDS (of the opening handshake), --largest BYTES, --code, --reason. Prints last "closed CODE
// clean|unclean peer|us REASON". Status: 0, 1 when an answer was wrong, 2 when there was no session (standard error
// says why).
#include <plait/client.hpp>

#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using plait::BlockingClient;
using plait::Bytes;
using plait::ByteView;
using plait::CloseInfo;
using plait::Message;
using plait::MessageKind;
using plait::Session;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kSizes[] = {0, 1, 125, 126, 127, 1000, 4096, 65535, 65536, 65537, kMiB, 5 * kMiB};
constexpr std::size_t kManyCount = 100;

using Options = std::map<std::string, std::string>;

int to_number(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

plait::ConnectOptions connect_options(Options& options) {
  plait::ConnectOptions result;
  result.deflate = options.contains("--deflate");
  result.verify_certificate = options.contains("--authority");
  if (result.verify_certificate) result.certificate_authority_file = options["--authority"];
  if (options.contains("--subprotocol")) result.subprotocols = {options["--subprotocol"]};
  if (options.contains("--timeout")) result.timeout = std::chrono::milliseconds{to_number(options["--timeout"])};
  if (options.contains("--field")) {
    const std::string& field = options["--field"];
    const std::size_t colon = field.find(':');
    result.headers.emplace_back(field.substr(0, colon), field.substr(colon + 1));
  }
  return result;
}

int fail(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  return 1;
}

void print(const CloseInfo& info) {
  std::printf("closed %d %s %s %s\n", info.code, info.clean ? "clean" : "unclean", info.started_by_us ? "us" : "peer",
              info.reason.c_str());
}

// ASCII that neither repeats with a power of two nor compresses to nothing.
std::vector<std::uint8_t> payload_of(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = static_cast<std::uint32_t>(size) + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>('0' + (state >> 24) % 64);
  }
  return bytes;
}

bool echoes(BlockingClient& client, MessageKind kind, std::size_t size) {
  const std::vector<std::uint8_t> payload = payload_of(size);
  if (!client.send(Message{kind, payload})) return false;
  const auto answer = client.receive();
  return answer && *answer && (*answer)->kind == kind && std::ranges::equal((*answer)->data.view(), payload);
}

int echo(BlockingClient client, Options& options) {
  const std::size_t largest =
      options.contains("--largest") ? static_cast<std::size_t>(to_number(options["--largest"])) : SIZE_MAX;
  for (const MessageKind kind : {MessageKind::text, MessageKind::binary}) {
    for (const std::size_t size : kSizes) {
      if (size > largest) break;
      if (!echoes(client, kind, size)) return fail("a wrong answer to a message of " + std::to_string(size) + " bytes");
    }
  }
  const int code = options.contains("--code") ? to_number(options["--code"]) : plait::close_code::kNormal;
  print(client.close(static_cast<std::uint16_t>(code), options["--reason"]));
  return 0;
}

int wait(BlockingClient client) {
  for (;;) {
    const auto message = client.receive();
    if (!message) break;
    if (!*message) return fail("nothing came in time");
    std::printf("%s %zu\n", (*message)->kind == MessageKind::text ? "text" : "binary", (*message)->data.size());
  }
  print(client.close());
  return 0;
}

// One session of `many` and of `rtt`.
struct Member : plait::SessionHandler {
  explicit Member(std::size_t& counter, Session** where = nullptr) : counter_(counter), where_(where) {}
  void on_open(Session& session) override {
    if (where_ != nullptr) *where_ = &session;
    session.send(Message::text("one of many"));
  }
  void on_message(Session& session, const Message& message) override {
    if (where_ == nullptr && message.text() == "one of many") session.close(4000, "done");
  }
  void on_close(Session&, const CloseInfo& info) override {
    if (where_ != nullptr) *where_ = nullptr;
    if (info.clean && info.started_by_us) ++counter_;
    if (!info.clean) std::fprintf(stderr, "closed %d %s\n", info.code, info.reason.c_str());
  }

 private:
  std::size_t& counter_;
  Session** where_;
};

int many(const std::string& url, Options& options) {
  plait::Client client;
  std::size_t closed = 0;
  for (std::size_t i = 0; i < kManyCount; ++i) {
    if (auto id = client.connect(url, std::make_unique<Member>(closed), connect_options(options)); !id) {
      return fail(id.error().message);
    }
  }
  client.run();
  std::printf("%zu sessions\n", closed);
  return closed == kManyCount ? 0 : 1;
}

int rtt(const std::string& url, Options& options) {
  plait::ClientOptions client_options;
  client_options.limits.ping_interval = std::chrono::milliseconds{20};
  Session* session = nullptr;
  std::size_t closed = 0;
  plait::Client client{client_options};
  if (auto id = client.connect(url, std::make_unique<Member>(closed, &session), connect_options(options)); !id) {
    return fail(id.error().message);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{18};
  while (session == nullptr || !session->rtt()) {
    if (std::chrono::steady_clock::now() > deadline) return fail("no pong came in time");
    client.run_once(std::chrono::milliseconds{100});
  }
  std::puts("ponged");
  session->close(4000);
  client.run();
  return closed == 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fail("interop_client echo|wait|rtt|many URL [OPTION VALUE]…");
  const std::string mode = argv[1];
  const std::string url = argv[2];
  Options options;
  for (int i = 3; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  if (mode == "many") return many(url, options);
  if (mode == "rtt") return rtt(url, options);
  auto client = BlockingClient::connect(url, connect_options(options));
  if (!client) {
    fail(client.error().message);
    return 2;
  }
  return mode == "echo" ? echo(std::move(*client), options) : wait(std::move(*client));
}
