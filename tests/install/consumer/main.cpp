// A project of its own that has only the installed package: a server, and a client that gets its message back.
#include <plait/client.hpp>
#include <plait/log.hpp>
#include <plait/server.hpp>
#include <plait/value.hpp>

#include <cstdio>
#include <string>
#include <thread>

namespace {

struct Echo : plait::SessionHandler {
  void on_message(plait::Session& session, const plait::Message& message) override { session.send(message); }
};

bool echoes(const std::string& url) {
  auto client = plait::BlockingClient::connect(url);
  if (!client || !client->send(plait::Message::text("hello"))) return false;
  const auto answer = client->receive();
  const bool equal = answer && *answer && (*answer)->data.text() == "hello";
  return client->close().clean && equal;
}

/// What is no member of a class is exported one by one.
bool free_functions_link() {
  bool logged = false;
  plait::set_log_sink([&](plait::LogLevel, std::string_view) { logged = true; });
  plait::log(plait::LogLevel::info, "a line");
  plait::set_log_sink(nullptr);
  return logged && plait::Value::object({{"a", 1}}) == plait::Value::object({{"a", 1}});
}

}  // namespace

int main() {
  if (!free_functions_link()) return 1;
  plait::Server server;
  const auto url = server.listen("ws://127.0.0.1:0/echo", plait::handler<Echo>());
  if (!url) return std::fprintf(stderr, "%s\n", url.error().message.c_str()), 1;
  std::thread serving{[&] {
    if (!server.run()) std::fprintf(stderr, "the server did not run\n");
  }};
  const bool works = echoes(*url);
  server.drain();
  serving.join();
  return works ? 0 : 1;
}
