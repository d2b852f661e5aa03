// The routes of `plait bench serve`: small handlers that a load generator, ours or a peer's, is pointed at.
//
//   /echo     returns every message
//   /discard  reads everything; a text message is answered with the number of payload bytes before it
//   /produce  sends as many bytes as a text message (or ?bytes=N) asks for, in messages of ?size=N (64 KiB)
//   /duplex   /discard and an endless /produce at once
//   /latency  accepts and idles
//   /fanout   a message of one session goes to all the others
//   /ws       the target of curl_cffi's streaming benchmarks (?test=upload|download)
//
// On https: and quic: URLs they are those of stream_routes.hpp, in streams and datagrams; /fanout is as above, and /ws
// is not there.
#pragma once

#include <plait/server.hpp>

#include <string>
#include <string_view>

namespace plait::bench {

/// What /ws does with a session that has no ?test=.
enum class WsMode : std::uint8_t { download, upload, concurrent };

struct RouteOptions {
  WsMode ws_mode = WsMode::download;
};

/// Binds `url`, which has no path but "/", with all routes; unix:/name.sock has them as unix:/name.sock:/echo. Returns
/// the URL really bound, without a path. Errors name the URL as it was given.
Result<std::string, Error> listen_on_routes(Server& server, std::string_view url, const RouteOptions& options);

}  // namespace plait::bench
