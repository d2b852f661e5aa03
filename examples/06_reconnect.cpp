// A session that comes back by itself: greets the server each time, prints what it answers, and tells how the link is.
// Several URLs are ways to the same server, in order of preference. A file "access_token" is read before each attempt.
//   06_reconnect ws://127.0.0.1:8800/echo
#include <plait/client.hpp>

#include <fstream>
#include <iostream>
#include <memory>
#include <string>

namespace {

struct Greeter : plait::SessionHandler {
  void on_open(plait::Session& session) override { session.send(plait::Message::text("hello")); }
  void on_message(plait::Session&, const plait::Message& message) override { std::cout << message.text() << std::endl; }
};

void print_state(plait::LinkState state, const plait::CloseInfo& why) {
  if (state == plait::LinkState::established) std::cerr << "established" << std::endl;
  if (state == plait::LinkState::lost) std::cerr << "lost: " << why.reason << std::endl;
  if (state == plait::LinkState::failed) std::cerr << "failed: " << why.reason << std::endl;
}

void put_token_in(plait::ConnectOptions& options) {
  std::ifstream file{"access_token"};
  std::string token;
  if (std::getline(file, token)) options.headers = {{"Authorization", "Bearer " + token}};
}

}  // namespace

int main(int argc, char** argv) {
  plait::Client client;
  plait::ReconnectingSession session{
      client, argc > 1 ? argv[1] : "ws://127.0.0.1:8800/echo", std::make_unique<Greeter>(), {}, {}, print_state};
  for (int i = 2; i < argc; ++i) session.add_url(argv[i]);
  session.on_attempt(put_token_in);
  const auto started = session.start();
  if (!started) std::cerr << started.error().message << std::endl;
  client.run();  // until it is given up: refused for good, or ten times not reached
  return 1;
}
