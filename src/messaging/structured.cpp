#include <plait/structured.hpp>

#include <utility>

#include "core/assert.hpp"
#include "messaging/frame_decoder.hpp"
#include "messaging/open_stream.hpp"

namespace plait {
namespace {

constexpr std::size_t kHeaderBytes = 6;  // type id, payload length
static_assert(kStructuredErrorCode == messaging::kGivenUpCode);

}  // namespace

std::string_view describe(StructuredError error) {
  switch (error) {
    case StructuredError::unregistered:
      return "a type without an id";
    case StructuredError::unknown_type:
      return "an id that nothing handles";
    case StructuredError::malformed:
      return "malformed";
    case StructuredError::too_large:
      return "too large";
    case StructuredError::truncated:
      return "cut short";
  }
  return "unknown";
}

// --- Types ----------------------------------------------------------------------------------------------------------

StructuredTypes::StructuredTypes(Format format, std::size_t message_bytes_max)
    : format_(format), message_bytes_max_(message_bytes_max) {}

void StructuredTypes::add(std::uint16_t id, std::type_index type) {
  for (const auto& [other_type, other_id] : ids_) PLAIT_ASSERT(other_id != id, "one id is one type");
  PLAIT_ASSERT(ids_.emplace(type, id).second, "one type has one id");
}

std::optional<std::uint16_t> StructuredTypes::id_of(std::type_index type) const {
  const auto found = ids_.find(type);
  return found == ids_.end() ? std::nullopt : std::optional{found->second};
}

void StructuredHandlers::set(std::optional<std::uint16_t> id, Handler handler) {
  PLAIT_ASSERT(id.has_value(), "the type is registered");
  handlers_[*id] = std::make_shared<const Handler>(std::move(handler));
}

void StructuredHandlers::dispatch(std::uint16_t id, ByteView payload) {
  const auto found = handlers_.find(id);
  if (found == handlers_.end()) return report(StructuredError::unknown_type);
  const auto handler = found->second;
  if (!(*handler)(payload)) report(StructuredError::malformed);
}

void StructuredHandlers::report(StructuredError error) const {
  if (const auto handler = on_error_; handler != nullptr && *handler) (*handler)(error);
}

// --- Streams --------------------------------------------------------------------------------------------------------

StructuredStream::StructuredStream(const StructuredTypes& types)
    : StructuredHandlers(types),
      decoder_(std::make_unique<messaging::FrameDecoder>(kHeaderBytes, types.message_bytes_max())) {}

StructuredStream::StructuredStream(Stream& stream, const StructuredTypes& types) : StructuredStream(types) {
  stream_ = &stream;
}

StructuredStream::~StructuredStream() = default;

Result<StructuredStream*, StreamError> StructuredStream::open(Session& session, const StructuredTypes& types,
                                                              StreamDirection direction) {
  std::unique_ptr<StructuredStream> handler{new StructuredStream{types}};
  return messaging::open_stream(session, direction, std::move(handler), &StructuredStream::stream_);
}

std::string& StructuredStream::begin_frame() {
  sent_.assign(kHeaderBytes, '\0');
  return sent_;
}

Result<SendStatus, StructuredError> StructuredStream::send_frame(std::uint16_t id) {
  const std::size_t size = sent_.size() - kHeaderBytes;
  if (size > types().message_bytes_max() || size > UINT32_MAX) return err(StructuredError::too_large);
  std::string header;
  messaging::append_u16(header, id);
  messaging::append_u32(header, static_cast<std::uint32_t>(size));
  sent_.replace(0, kHeaderBytes, header);
  return stream_->write(as_bytes(sent_));
}

void StructuredStream::on_data(Stream& stream, ByteView data, bool fin) {
  messaging::FrameDecoder::Frame frame;
  while (!over_) {
    const auto status = decoder_->next(data, frame);
    if (status == messaging::FrameDecoder::Status::need_more) break;
    if (status == messaging::FrameDecoder::Status::frame) {
      dispatch(messaging::read_u16(frame.header), frame.payload);
      continue;
    }
    over_ = true;
    stream.stop(kStructuredErrorCode);
    stream.reset(kStructuredErrorCode);
    report(StructuredError::too_large);
  }
  if (!fin || over_) return;
  over_ = true;
  if (decoder_->inside()) report(StructuredError::truncated);
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(std::nullopt);
}

void StructuredStream::on_reset(Stream&, std::uint32_t code) {
  if (std::exchange(over_, true)) return;
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(code);
}

void StructuredStream::on_writable(Stream&) {
  if (const auto handler = on_writable_; handler != nullptr && *handler) (*handler)();
}

void StructuredStream::on_close(Stream&) {
  over_ = true;
  if (const auto on_close = std::exchange(on_close_, nullptr)) on_close();
}

// --- Datagrams ------------------------------------------------------------------------------------------------------

Result<SendStatus, StructuredError> StructuredDatagrams::send_datagram() {
  const SendStatus status = session_.send_datagram(as_bytes(sent_));
  if (status == SendStatus::dropped && sent_.size() > session_.datagram_bytes_max()) {
    return err(StructuredError::too_large);
  }
  return status;
}

void StructuredDatagrams::handle_datagram(ByteView datagram) {
  if (datagram.size() < 2) return report(StructuredError::truncated);
  dispatch(messaging::read_u16(datagram), datagram.subspan(2));
}

}  // namespace plait
