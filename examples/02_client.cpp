// Sends each line of its input to a server and prints what comes back: 02_client URL
#include <plait/client.hpp>

#include <iostream>
#include <string>

namespace {

int fail(const std::string& why) {
  std::cerr << why << std::endl;
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto client = plait::BlockingClient::connect(argc > 1 ? argv[1] : "ws://127.0.0.1:8800/echo");
  if (!client) return fail(client.error().message);

  for (std::string line; std::getline(std::cin, line);) {
    const auto sent = client->send(plait::Message::text(line));
    if (!sent) return fail(sent.error().message);
    const auto received = client->receive();
    if (!received) return fail(received.error().message);
    if (!*received) return fail("no answer came in time");
    std::cout << (*received)->data.text() << std::endl;
  }
  return client->close().clean ? 0 : 1;
}
