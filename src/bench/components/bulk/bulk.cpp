#include "bench/components/bulk/bulk.hpp"

#include <algorithm>

namespace plait::bench {

namespace {

void put(std::uint64_t value, std::uint8_t* out) {
  for (int i = 7; i >= 0; --i, value >>= 8U) out[i] = static_cast<std::uint8_t>(value);
}

std::uint64_t get(const std::uint8_t* from) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8U | from[i];
  return value;
}

}  // namespace

TransferHeader encode_transfer(const Transfer& transfer) {
  TransferHeader header;
  put(transfer.request_bytes, header.data());
  put(transfer.answer_bytes, header.data() + 8);
  return header;
}

Transfer decode_transfer(const TransferHeader& header) { return {get(header.data()), get(header.data() + 8)}; }

ByteView bulk_chunk() {
  static const std::vector<std::uint8_t> kChunk(kBulkChunkBytes, 0x5A);
  return kChunk;
}

Result<void, Error> run_bulk_transfers(BulkClient& client, LoadContext& context) {
  const auto transfer = [&context](std::uint64_t bytes) {
    return context.plan.direction == StreamDirection::upload ? Transfer{bytes, 1} : Transfer{0, bytes};
  };
  const std::uint64_t bytes = context.plan.total_bytes;
  if (auto warm = client.run(transfer(std::max<std::uint64_t>(bytes / kWarmupPart, 1))); !warm) return warm;
  context.meter.begin(now_ns());
  if (auto done = client.run(transfer(bytes)); !done) return done;
  context.meter.confirm_whole(1, bytes);
  context.meter.end(now_ns());
  return {};
}

}  // namespace plait::bench
