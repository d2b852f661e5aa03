// HTTP beside WebSocket on one port: an endpoint that says how many sessions are open.
//   curl http://127.0.0.1:8800/sessions
#include <plait/server.hpp>

#include <iostream>
#include <string>

namespace {

struct Greeter : plait::SessionHandler {
  void on_open(plait::Session& session) override {
    const std::string greeting = "welcome, " + session.peer();
    session.send(plait::Message::text(greeting));
  }
};

}  // namespace

int main(int argc, char** argv) {
  plait::Server server;
  const auto url = server.listen(argc > 1 ? argv[1] : "ws://127.0.0.1:8800/greet", plait::handler<Greeter>());
  std::cerr << (url ? "listening " + *url : url.error().message) << std::endl;
  if (!url) return 1;

  server.http("/sessions", [&server](const plait::HttpRequest&) {
    plait::HttpResponse response;
    response.content_type = "application/json";
    response.body = "{\"open\":" + std::to_string(server.stats().sessions_open) + "}";
    return response;
  });

  return server.run() ? 0 : 1;
}
