// A response that is given to a function once it is whole.
#pragma once

#include <plait/client.hpp>

#include <functional>
#include <memory>

namespace plait::client {

/// `done` is called once. A body above `body_bytes_max` is an error.
[[nodiscard]] std::unique_ptr<ResponseHandler> gather_response(
    std::size_t body_bytes_max, std::function<void(const Result<Response, Error>&)> done);

}  // namespace plait::client
