#include "tls/stream_bio.hpp"

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"

namespace plait::tls {
namespace {

Stream& stream_of(BIO* bio) { return *static_cast<Stream*>(BIO_get_data(bio)); }

int read_input(BIO* bio, char* out, std::size_t size, std::size_t* read_size) {
  BIO_clear_retry_flags(bio);
  Stream& stream = stream_of(bio);
  *read_size = std::min(size, stream.input.size());
  if (*read_size == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(out, stream.input.data(), *read_size);
  stream.input = stream.input.subspan(*read_size);
  return 1;
}

int write_output(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  Stream& stream = stream_of(bio);
  PLAIT_ASSERT(stream.output != nullptr, "OpenSSL writes only during a call that has an output");
  stream.output->append({reinterpret_cast<const std::uint8_t*>(data), size});
  *written = size;
  return 1;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// Made once and kept for the process: every engine's BIO points at it.
const BIO_METHOD* method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "plait stream");
    PLAIT_ASSERT(made != nullptr, "out of memory");
    BIO_meth_set_read_ex(made, read_input);
    BIO_meth_set_write_ex(made, write_output);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

}  // namespace

BIO* make_stream_bio(Stream& stream) {
  BIO* bio = BIO_new(method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &stream);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace plait::tls
