#include <plait/server.hpp>

#include <iostream>

struct Echo : plait::SessionHandler {
  void on_message(plait::Session& session, const plait::Message& message) override { session.send(message); }
};

int main(int argc, char** argv) {
  plait::Server server;
  const auto url = server.listen(argc > 1 ? argv[1] : "ws://127.0.0.1:8800/echo", plait::handler<Echo>());
  std::cerr << (url ? "listening " + *url : url.error().message) << std::endl;
  return url && server.run() ? 0 : 1;
}
