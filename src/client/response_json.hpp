// A response as JSON, for scripts.
#pragma once

#include <plait/client.hpp>

#include <string>

namespace plait::client {

/// {"status": 200, "headers": [["name", "value"], …], "body": "…"}; a body that is no UTF-8 is "body_base64" instead.
[[nodiscard]] std::string to_json(const Response& response);

}  // namespace plait::client
