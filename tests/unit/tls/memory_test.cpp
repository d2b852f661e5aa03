// What a connection costs: heap after the handshake, and allocations per message.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <atomic>
#include <new>

#include "pair.hpp"

namespace {

std::atomic<std::size_t> heap_bytes{0};

void* counted_allocate(std::size_t size) {
  void* memory = std::malloc(size);
  heap_bytes += malloc_usable_size(memory);
  return memory;
}
void counted_free(void* memory) {
  heap_bytes -= malloc_usable_size(memory);
  std::free(memory);
}
void* counted_reallocate(void* memory, std::size_t size) {
  heap_bytes -= malloc_usable_size(memory);
  void* moved = std::realloc(memory, size);
  heap_bytes += malloc_usable_size(moved);
  return moved;
}

// Only before OpenSSL's first allocation.
const bool openssl_is_counted =
    CRYPTO_set_mem_functions(
        [](std::size_t size, const char*, int) { return counted_allocate(size); },
        [](void* memory, std::size_t size, const char*, int) { return counted_reallocate(memory, size); },
        [](void* memory, const char*, int) { counted_free(memory); }) == 1;

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = counted_allocate(size)) return memory;
  std::abort();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted_allocate(size); }
void operator delete(void* memory) noexcept { counted_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { counted_free(memory); }

namespace plait::tls {
namespace {

class TlsMemory : public testing::TestWithParam<Version> {};

INSTANTIATE_TEST_SUITE_P(Tls, TlsMemory, testing::Values(Version::tls_1_2, Version::tls_1_3), name_of);

TEST_P(TlsMemory, AnIdleConnectionKeepsLittleHeap) {
  ASSERT_TRUE(openssl_is_counted);
  constexpr std::size_t kConnections = 50;
  const Credentials credentials;
  const Context client_context = *Context::client(credentials.client(GetParam()));
  const Context server_context = *Context::server(credentials.server());
  std::vector<std::unique_ptr<Engine>> idle;
  idle.reserve(kConnections);
  const auto add = [&] {
    Pair pair{client_context, server_context};
    pair.run();
    pair.expect_works();
    return std::move(pair.server.engine);
  };
  add();  // what the first connection of a process sets up
  const std::size_t before = heap_bytes;
  for (std::size_t i = 0; i < kConnections; ++i) idle.push_back(add());
  const std::size_t each = (heap_bytes - before) / kConnections;
  RecordProperty("heap_bytes_per_connection", static_cast<int>(each));
  std::printf("heap per idle TLS connection: %zu bytes\n", each);
  EXPECT_LE(each, std::size_t{60} << 10);
  EXPECT_GE(each, std::size_t{1} << 10);  // the counter counts
}

}  // namespace
}  // namespace plait::tls
