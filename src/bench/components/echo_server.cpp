#include "bench/components/echo_server.hpp"

#include "bench/components/echo_models.hpp"

namespace plait::bench {

Result<std::unique_ptr<EchoServer>, Error> EchoServer::start(const EchoServerOptions& options) {
  return options.model == EchoModel::thread ? start_thread_echo_server(options) : start_async_echo_server(options);
}

}  // namespace plait::bench
