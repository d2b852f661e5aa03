// qlog (version 0.3) of a server's connections, for development: what ngtcp2 tells of each packet, as a JSON text
// sequence (RFC 7464).
//
// Servers only. ngtcp2 1.11 writes the record transport:parameters_set into 1,024 bytes of its stack without a look at
// their end. What a client sends makes it 736 bytes at most (every number at its largest), since ngtcp2 refuses from a
// client what would make it longer: preferred_address, stateless_reset_token and retry_source_connection_id. Our own
// has at most 956. But a server's, with a preferred address, has up to 1,199, so that any server could overflow the
// stack of a client that writes qlog (mended in 1.23). All other records are bounded by their own buffers.
#pragma once

#include <plait/bytes.hpp>

#include <functional>
#include <memory>

namespace plait::quic {

/// Takes the records of one connection. Destroyed after the last one.
class QlogWriter {
 public:
  virtual ~QlogWriter() = default;
  /// One record as it stands in the file: RS, a JSON object, LF. Called in the midst of the connection's work, of which
  /// it may call nothing.
  virtual void write(ByteView record) = 0;
};

/// For a connection that a client begins, named by the Destination Connection ID of its first packet: 8 to 20 bytes of
/// the client's choice. Null: it gets none.
using MakeQlog = std::function<std::unique_ptr<QlogWriter>(ByteView original_destination_connection_id)>;

}  // namespace plait::quic
