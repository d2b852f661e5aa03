// How long the body is (RFC 9112 §6): the rules that request smuggling lives on, all in one place.
#pragma once

#include <plait/result.hpp>

#include <string_view>

#include "http/request.hpp"

namespace plait::http {

/// RFC 9112 §6.3 for requests.
[[nodiscard]] Result<BodyFraming, Error> request_framing(const Fields& fields, int minor_version);

/// RFC 9112 §6.3 for the response with `status` to a request with `request_method`.
[[nodiscard]] Result<BodyFraming, Error> response_framing(const Fields& fields, int minor_version, int status,
                                                          std::string_view request_method);

}  // namespace plait::http
