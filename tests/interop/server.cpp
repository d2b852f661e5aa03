// The server that foreign clients are tested against: interop_server [--deflate] URL…
//
// Prints "listening URL" for each URL, then one line for each session that ends: "closed CODE clean|unclean peer|us
// REASON". Sessions: /echo, /subprotocol (agrees to chat.v2), /close (a text "CODE REASON" is what it closes with),
// /rtt (answers every message with whether a pong has come), /parts (echoes in frames of 1000 bytes), /refuse (401); on
// https: those of stream_routes.hpp, too.
// Endpoints: /health, /page (64 KiB), /body (the request's body). On unix: the path "/" echoes.
#include <plait/server.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "reporting.hpp"
#include "stream_routes.hpp"

namespace {

using plait::ByteView;
using plait::Message;
using plait::OpeningRequest;
using plait::Session;

constexpr std::size_t kPartBytes = 1000;

struct Echo : Reporting {
  void on_message(Session& session, const Message& message) override { session.send(message); }
};

struct Subprotocol : Echo {
  void on_request(OpeningRequest& request) override { request.accept("chat.v2"); }
};

struct Close : Reporting {
  void on_message(Session& session, const Message& message) override {
    const std::string_view text = message.text();
    std::uint16_t code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    const std::string_view rest{end, text.data() + text.size()};
    session.close(code, rest.substr(rest.starts_with(' ') ? 1 : 0));
  }
};

struct Rtt : Reporting {
  void on_message(Session& session, const Message&) override {
    session.send(Message::text(session.rtt().has_value() ? "ponged" : "no pong"));
  }
};

struct Parts : Reporting {
  void on_message(Session& session, const Message& message) override {
    plait::MessageWriter* writer = session.begin_message(message.kind());
    for (ByteView rest = message.data(); !rest.empty();) {
      const std::size_t size = std::min(rest.size(), kPartBytes);
      writer->write(rest.first(size));
      rest = rest.subspan(size);
    }
    writer->finish();
  }
};

struct Refuse : Reporting {
  void on_request(OpeningRequest& request) override { request.reject(401, "no token"); }
};

plait::Result<std::string, plait::Error> listen(plait::Server& server, const std::string& url) {
  if (url.starts_with("unix:")) return server.listen(url, plait::handler<Echo>());
  auto bound = server.listen(url + "/echo", plait::handler<Echo>());
  if (!bound) return bound;
  const std::string root = bound->substr(0, bound->rfind('/'));
  std::vector<Route> routes{
      {"/subprotocol", plait::handler<Subprotocol>()},
      {"/close", plait::handler<Close>()},
      {"/rtt", plait::handler<Rtt>()},
      {"/parts", plait::handler<Parts>()},
      {"/refuse", plait::handler<Refuse>()},
  };
  if (url.starts_with("https:")) std::ranges::move(stream_routes(), std::back_inserter(routes));
  for (const auto& [path, factory] : routes) {
    if (auto added = server.listen(root + path, factory); !added) return added;
  }
  return root;
}

void add_endpoints(plait::Server& server) {
  server.http("/health", [](const plait::HttpRequest&) { return plait::HttpResponse{.body = "ok\n"}; });
  server.http("/page", [](const plait::HttpRequest&) {
    return plait::HttpResponse{.content_type = "text/html", .body = std::string(std::size_t{64} << 10, 'p')};
  });
  server.http("/body", [](const plait::HttpRequest& request) {
    return plait::HttpResponse{.content_type = "application/octet-stream",
                               .body = std::string{request.body()},
                               .headers = {{"X-Method", std::string{request.method()}}}};
  });
}

}  // namespace

int main(int argc, char** argv) {
  plait::ServerOptions options;
  options.threads = 2;
  options.development_certificate = true;
  options.handle_signals = true;
  options.allowed_origins = {"*"};
  options.limits.ping_interval = std::chrono::milliseconds{50};
  std::vector<std::string> urls{argv + 1, argv + argc};
  options.deflate = std::erase(urls, "--deflate") > 0;

  plait::Server server{options};
  for (const std::string& url : urls) {
    const auto bound = listen(server, url);
    std::printf("%s\n", (bound ? "listening " + *bound : bound.error().message).c_str());
    if (!bound) return 1;
  }
  add_endpoints(server);
  std::fflush(stdout);
  return server.run() ? 0 : 1;
}
