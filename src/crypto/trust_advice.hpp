// What a client says of a server's certificate that it cannot trust: the same on every wire. "the certificate of HOST"
// stands before it.
#pragma once

namespace plait::crypto {

inline constexpr const char* kSelfSigned =
    " is self-signed: use it as certificate authority file, or for development connect with verification off";
inline constexpr const char* kUnknownAuthority =
    " is signed by no authority known here: use a certificate authority file, or for development connect with "
    "verification off";

}  // namespace plait::crypto
