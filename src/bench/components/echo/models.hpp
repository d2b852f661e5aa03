// The two models behind EchoServer::start().
#pragma once

#include "bench/components/echo/server.hpp"

namespace plait::bench {

Result<std::unique_ptr<EchoServer>, Error> start_thread_echo_server(net::Loop& loop, const EchoServerOptions& options);
Result<std::unique_ptr<EchoServer>, Error> start_async_echo_server(net::Loop& loop, const EchoServerOptions& options);

}  // namespace plait::bench
