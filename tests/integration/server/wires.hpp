// A server on the wire that a test's parameter names, and a client that knows its certificate.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "integration/server/support.hpp"

namespace plait::test {

inline const auto kEveryWire = testing::Values("tcp", "tls", "ws", "wss", "https", "quic", "unix");

class EveryWire : public SecureServer, public testing::TestWithParam<std::string> {
 protected:
  void listen(HandlerFactory factory, const std::string& path = "/") {
    if (GetParam() == "unix") {
      const auto url = (*server_)->listen("unix:" + folder_.file("socket") + ":" + path, std::move(factory));
      ASSERT_TRUE(url) << url.error().message;
      base_ = "unix:" + folder_.file("socket") + ":";
    } else {
      const std::string url = server_->listen(GetParam(), std::move(factory), path);
      base_ = url.substr(0, url.find('/', url.find("//") + 2));
    }
  }
  void start(Calls calls, ServerOptions options = {}) {
    make(std::move(options));
    listen(calling(std::move(calls)));
    server_->start();
  }
  Result<BlockingClient, Error> connect(const std::string& path = "/") {
    return BlockingClient::connect(base_ + path, trusting());
  }
  /// Why an opening at `path` fails.
  std::string refusal(const std::string& path = "/") {
    const auto client = connect(path);
    return client ? "it was accepted" : client.error().message;
  }
  /// What an echo at `path` makes of "hello", or why there is none.
  std::string echoed(const std::string& path = "/") {
    auto client = connect(path);
    if (!client) return client.error().message;
    if (const auto sent = client->send(Message::text("hello")); !sent) return sent.error().message;
    const auto received = client->receive();
    if (!received) return received.error().message;
    return *received ? std::string{(*received)->data.text()} : "the session has ended";
  }
  void expect_echo(const std::string& path = "/") { EXPECT_EQ(echoed(path), "hello"); }
  static Calls echo() {
    return {.on_message = [](Session& session, const Message& message) { session.send(message); }};
  }

  std::string base_;
};

}  // namespace plait::test
