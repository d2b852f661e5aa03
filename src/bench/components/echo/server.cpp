#include "bench/components/echo/server.hpp"

#include "bench/components/echo/models.hpp"

namespace plait::bench {

Result<std::unique_ptr<EchoServer>, Error> EchoServer::start(net::Loop& loop, const EchoServerOptions& options) {
  return options.model == EchoModel::thread ? start_thread_echo_server(loop, options)
                                            : start_async_echo_server(loop, options);
}

net::LoopOptions EchoServer::loop_options(const EchoServerOptions& options) {
  net::LoopOptions loop;
  if (options.model == EchoModel::thread) return loop;  // it only accepts
  if (options.buffer_bytes > 0) loop.receive_buffer_bytes = options.buffer_bytes;
  loop.busy_poll = options.busy_poll;
  return loop;
}

}  // namespace plait::bench
