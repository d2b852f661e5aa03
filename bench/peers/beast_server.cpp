// Peer: Boost.Beast, asynchronous, one message read and written at a time. Usage: plait-peer-beast PORT
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>  // before Asio, whose 1.74 uses std::exchange without it

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : stream_(std::move(socket)) {}

  void run() {
    stream_.next_layer().set_option(tcp::no_delay(true));
    websocket::permessage_deflate deflate;
    deflate.server_enable = true;  // when the client offers it
    deflate.compLevel = 1;         // as plait
    stream_.set_option(deflate);
    stream_.read_message_max(0);
    stream_.auto_fragment(false);
    stream_.write_buffer_bytes(64 << 10);
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->write();
    });
  }

  void write() {
    stream_.binary(stream_.got_binary());
    stream_.async_write(buffer_.data(), [self = shared_from_this()](beast::error_code error, std::size_t) {
      self->buffer_.consume(self->buffer_.size());
      if (!error) self->read();
    });
  }

  websocket::stream<tcp::socket> stream_;
  beast::flat_buffer buffer_;
};

void accept_next(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->run();
    accept_next(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return EXIT_FAILURE;
  asio::io_context context{1};
  const auto port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
  tcp::acceptor acceptor{context, {asio::ip::make_address("127.0.0.1"), port}};
  accept_next(acceptor);
  context.run();
}
