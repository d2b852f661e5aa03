// RPC: the server adds numbers, and asks its caller for a name before it greets.
//   05_rpc serve https://127.0.0.1:4433/   serves, with a certificate made for development
//   05_rpc https://127.0.0.1:4433/         adds the numbers of each line of its input; believes any certificate
#include <plait/client.hpp>
#include <plait/rpc.hpp>
#include <plait/server.hpp>

#include <iostream>
#include <memory>
#include <sstream>
#include <string>

namespace {

plait::RpcResult sum(const plait::Value& params) {
  std::int64_t total = 0;
  for (std::size_t i = 0; !params.at(i).is_null(); ++i) {
    const auto number = params.at(i).as_int64();
    if (!number) return plait::rpc_error(plait::rpc_code::kInvalidParams, "integers only");
    if (__builtin_add_overflow(total, *number, &total)) {
      return plait::rpc_error(plait::rpc_code::kInvalidParams, "the sum is too large");
    }
  }
  return plait::Value{total};
}

struct CalculatingSession : plait::SessionHandler {
  bool wants_streams() const override { return true; }
  std::unique_ptr<plait::StreamHandler> on_stream(plait::Session&, plait::Stream& stream) override {
    auto rpc = std::make_unique<plait::RpcPeer>(stream);
    rpc->serve("sum", sum);
    rpc->serve_later("greet", [&rpc = *rpc](const plait::Value&, plait::RpcReply reply) {
      auto later = std::make_shared<plait::RpcReply>(std::move(reply));
      rpc.call("name", plait::Value::array(), [later](const plait::RpcResult& name) {
        if (name && name->as_string() != nullptr) later->result("hello, " + *name->as_string());
      });
    });
    return rpc;
  }
};

/// Has itself greeted, then sends the next line of the input, until there is none.
struct AskingSession : plait::SessionHandler {
  explicit AskingSession(bool& outcome) : failed(outcome) {}
  bool wants_streams() const override { return true; }
  void on_open(plait::Session& session) override {
    const auto opened = plait::RpcPeer::open(session);
    if (!opened) return session.close();
    rpc = *opened;
    rpc->serve("name", [](const plait::Value&) -> plait::RpcResult { return plait::Value{"example"}; });
    call("greet", plait::Value::array());
  }
  void on_close(plait::Session&, const plait::CloseInfo& info) override {
    if (info.clean) return;
    std::cerr << info.reason << std::endl;
    failed = true;
  }
  void call(std::string_view method, const plait::Value& params) {
    rpc->call(method, params, [this](const plait::RpcResult& result) {
      std::string text;
      if (result && plait::encode(plait::Format::json, *result, text)) std::cout << text << std::endl;
      if (!result && result.error().kind == plait::RpcError::Kind::closed) return;  // on_close says why
      if (!result) std::cout << result.error().message << std::endl;
      ask();
    });
  }
  void ask() {
    std::string line;
    if (!std::getline(std::cin, line)) return rpc->stream().session().close();
    plait::Value::Array numbers;
    std::istringstream words{line};
    for (std::string word; words >> word;) {
      const auto number = plait::decode(plait::Format::json, plait::as_bytes(word));
      numbers.push_back(number ? *number : plait::Value{word});
    }
    call("sum", numbers);
  }
  bool& failed;
  plait::RpcPeer* rpc = nullptr;
};

int serve(const std::string& url) {
  plait::ServerOptions options;
  options.development_certificate = true;
  plait::Server server{options};
  const auto bound = server.listen(url, plait::handler<CalculatingSession>());
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
