// TCP and TLS 1.3 by OpenSSL, with blocking calls: what QUIC has to be compared with. The cipher is QUIC's,
// AES-128-GCM, and so is the congestion control. OpenSSL reads ahead: else it asks the kernel twice for each record of
// 16 KB.
#include "bench/components/bulk/bulk.hpp"
#include "bench/components/loopback.hpp"
#include "bench/text_file.hpp"
#include "crypto/certificate.hpp"

#include <fmt/core.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace plait::bench {

namespace {

constexpr std::size_t kReadAheadBytes = std::size_t{256} << 10;

template <auto kFree>
struct Free {
  template <class Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Free<SSL_free>>;

Context make_context(const SSL_METHOD* method) {
  Context context{SSL_CTX_new(method)};
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), kReadAheadBytes);
  return context;
}

bool use_certificate(SSL_CTX& context, const crypto::CertificatePem& pem) {
  const std::unique_ptr<BIO, Free<BIO_free>> certificate_text{BIO_new_mem_buf(pem.certificate.data(), -1)};
  const std::unique_ptr<BIO, Free<BIO_free>> key_text{BIO_new_mem_buf(pem.private_key.data(), -1)};
  const std::unique_ptr<X509, Free<X509_free>> certificate{
      PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr)};
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> key{
      PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)};
  return SSL_CTX_use_certificate(&context, certificate.get()) == 1 && SSL_CTX_use_PrivateKey(&context, key.get()) == 1;
}

Unexpected<Error> system_failure(const char* what) {
  const int number = errno;
  return err(Error{fmt::format("{}: {}", what, std::strerror(number)), number});
}

/// bbr, the system's default here, halves transfers on loopback. The error names both that will do.
Result<std::string, Error> choose_congestion_control(int fd) {
  for (const std::string name : {"cubic", "reno"}) {
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size())) == 0) return name;
  }
  return system_failure("the system allows a TCP socket neither cubic nor reno");
}

/// One connection. False: it has ended.
class Link {
 public:
  Link(SSL_CTX& context, int fd) : ssl_(SSL_new(&context)), fd_(fd), buffer_(kBulkChunkBytes) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL_set_fd(ssl_.get(), fd);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { close(fd_); }

  bool connect() { return SSL_connect(ssl_.get()) == 1; }
  bool accept() { return SSL_accept(ssl_.get()) == 1; }
  bool write(ByteView bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  bool write_chunks(std::uint64_t left) {
    for (std::uint64_t size = 0; left > 0; left -= size) {
      size = std::min<std::uint64_t>(left, kBulkChunkBytes);
      if (!write(bulk_chunk().first(static_cast<std::size_t>(size)))) return false;
    }
    return true;
  }
  bool read_header(TransferHeader& header) {
    for (std::size_t have = 0; have < header.size();) {
      const int got = SSL_read(ssl_.get(), header.data() + have, static_cast<int>(header.size() - have));
      if (got <= 0) return false;
      have += static_cast<std::size_t>(got);
    }
    return true;
  }
  bool read(std::uint64_t left) {
    while (left > 0) {
      const auto size = static_cast<int>(std::min<std::uint64_t>(left, buffer_.size()));
      const int got = SSL_read(ssl_.get(), buffer_.data(), size);
      if (got <= 0) return false;
      left -= static_cast<std::uint64_t>(got);
    }
    return true;
  }

 private:
  Ssl ssl_;
  int fd_;
  std::vector<std::uint8_t> buffer_;
};

void serve(Link& link) {
  TransferHeader header;
  while (link.read_header(header)) {
    const Transfer transfer = decode_transfer(header);
    if (!link.read(transfer.request_bytes) || !link.write_chunks(transfer.answer_bytes)) return;
  }
}

class TlsBulkClient final : public BulkClient {
 public:
  TlsBulkClient(SSL_CTX& context, int fd) : link_(context, fd) {}
  bool connect() { return link_.connect(); }

  Result<void, Error> run(const Transfer& transfer) override {
    if (link_.write(encode_transfer(transfer)) && link_.write_chunks(transfer.request_bytes) &&
        link_.read(transfer.answer_bytes)) {
      return {};
    }
    return err(Error{"the TLS connection ended during a transfer"});
  }

 private:
  Link link_;
};

}  // namespace

std::string tls_congestion_control() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto chosen = choose_congestion_control(fd);
  close(fd);
  return chosen ? std::move(*chosen) : std::string{};
}

Result<void, Error> run_tls_bulk_load(LoadContext& context) {
  const Context tls = make_context(TLS_client_method());
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(context.plan.url.port);
  TlsBulkClient client(*tls, fd);
  if (auto chosen = choose_congestion_control(fd); !chosen) return err(chosen.error());
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure("cannot connect to the TLS yardstick");
  }
  if (!client.connect()) return err(Error{"the TLS yardstick refused the handshake"});
  return run_bulk_transfers(client, context);
}

Result<void, Error> serve_tls_bulk(std::uint16_t port) {
  const auto pem = crypto::make_certificate({}, std::chrono::system_clock::now());
  if (!pem) return err(pem.error());
  const Context context = make_context(TLS_server_method());
  if (!use_certificate(*context, *pem)) return err(Error{"OpenSSL does not take the certificate"});
  sockaddr_in address = loopback(port);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (auto chosen = choose_congestion_control(listener); !chosen)
    return err(chosen.error());  // accepted ones inherit it
  if (bind(listener, generic, length) != 0 || listen(listener, 16) != 0) return system_failure("cannot listen on TCP");
  getsockname(listener, generic, &length);
  auto said = print_line(fmt::format("listening tls-bulk://127.0.0.1:{}", ntohs(address.sin_port)));
  if (!said) return said;
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return system_failure("cannot accept");
    Link link(*context, fd);
    if (link.accept()) serve(link);
  }
}

}  // namespace plait::bench
