// Names of protocols in ALPN (RFC 7301), over TLS and in QUIC's handshake.
#pragma once

namespace plait::tls {

inline constexpr const char* kAlpnHttp1 = "http/1.1";
inline constexpr const char* kAlpnHttp3 = "h3";
/// The wires without HTTP (spec/frames.md).
inline constexpr const char* kAlpnFrames = "plait/1";

}  // namespace plait::tls
