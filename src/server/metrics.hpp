// What a running server has counted, for Prometheus and for the page.
#pragma once

#include <plait/hub.hpp>
#include <plait/server.hpp>

#include <string>

namespace plait::server {

struct Snapshot {
  ServerStats server;
  HubStats hub;
  unsigned loops = 0;
  double uptime_seconds = 0;
};

/// The text exposition format, version 0.0.4.
std::string to_prometheus(const Snapshot& snapshot);
inline constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/// {"uptime_seconds":…,"loops":…,"server":{…},"hub":{…}}; the members are those of ServerStats and HubStats.
std::string to_json(const Snapshot& snapshot);

}  // namespace plait::server
