// WebTransport, and with quic: URLs raw QUIC: opens a bidirectional stream for each line of its input and prints what
// comes back on it.
//   04_streams serve https://127.0.0.1:4433/   echoes streams and datagrams, with a certificate made for development
//   04_streams https://127.0.0.1:4433/         the client; believes any certificate
#include <plait/client.hpp>
#include <plait/server.hpp>

#include <iostream>
#include <string>

namespace {

struct EchoStream : plait::StreamHandler {
  void on_data(plait::Stream& stream, plait::ByteView data, bool fin) override { stream.write(data, fin); }
};

struct EchoSession : plait::SessionHandler {
  bool wants_streams() const override { return true; }
  std::unique_ptr<plait::StreamHandler> on_stream(plait::Session&, plait::Stream&) override {
    return std::make_unique<EchoStream>();
  }
  void on_datagram(plait::Session& session, plait::ByteView data) override { session.send_datagram(data); }
};

/// Sends the next line of the input on a stream of its own, until there is none.
struct AskingSession : plait::SessionHandler {
  struct Answer : plait::StreamHandler {
    explicit Answer(AskingSession& owner) : asking(owner) {}
    void on_data(plait::Stream&, plait::ByteView data, bool) override { text += plait::as_text(data); }
    void on_close(plait::Stream& stream) override {
      std::cout << text << std::endl;
      asking.ask(stream.session());
    }
    AskingSession& asking;
    std::string text;
  };

  explicit AskingSession(bool& outcome) : failed(outcome) {}
  bool wants_streams() const override { return true; }
  void on_open(plait::Session& session) override { ask(session); }
  void on_close(plait::Session&, const plait::CloseInfo& info) override {
    if (info.clean) return;
    std::cerr << info.reason << std::endl;
    failed = true;
  }
  void ask(plait::Session& session) {
    std::string line;
    if (!std::getline(std::cin, line)) return session.close();
    const auto stream = session.open_stream(plait::StreamDirection::bidirectional, std::make_unique<Answer>(*this));
    if (!stream) return session.close();
    (*stream)->write(plait::as_bytes(line), true);
  }
  bool& failed;
};

int serve(const std::string& url) {
  plait::ServerOptions options;
  options.development_certificate = true;
  plait::Server server{options};
  const auto bound = server.listen(url, plait::handler<EchoSession>());
  std::cerr << (bound ? "listening " + *bound : bound.error().message) << std::endl;
  return bound && server.run() ? 0 : 1;
}

int ask(const std::string& url) {
  bool failed = false;
  plait::Client client;
  plait::ConnectOptions options;
  options.verify_certificate = false;
  const auto session = client.connect(url, std::make_unique<AskingSession>(failed), options);
  if (!session) std::cerr << session.error().message << std::endl;
  client.run();
  return session && !failed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "https://127.0.0.1:4433/";
  return first == "serve" ? serve(argc > 2 ? argv[2] : "https://127.0.0.1:4433/") : ask(first);
}
