// What a client's certificate says of its owner, for both TLS libraries.
#pragma once

#include <plait/bytes.hpp>
#include <plait/session.hpp>

#include <optional>

namespace plait::crypto {

/// `der` is that of a certificate that was verified. nullopt: it cannot be read.
[[nodiscard]] std::optional<ClientCertificate> describe_client(ByteView der);

}  // namespace plait::crypto
