// H3Waiter: somebody who needs an HTTP/3 connection. It stands in the loop's table until it has one, and whoever goes
// on above the connection takes its place there, so that its SessionId is valid from the first moment.
#pragma once

#include <plait/client.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/timer.hpp"
#include "transport/h3/h3_client_connection.hpp"

namespace plait::client {

class H3Dial;

/// Which connection is wanted. What differs in any of these shares none.
struct QuicServer {
  /// All that a TLS context depends on.
  struct Tls {
    bool verify = true;
    std::string authority_file;
    std::vector<CertificateHash> certificate_hashes;
    std::string certificate_file;
    std::string private_key_file;
    bool resume = true;
    // clang-tidy 14 takes the 0 in it for a pointer.
    auto operator<=>(const Tls&) const = default;  // NOLINT(modernize-use-nullptr)
  };
  std::string host;
  std::uint16_t port = 0;
  Tls tls;
  bool shared = false;  ///< with others that say so

  // clang-tidy 14 takes the 0 in it for a pointer.
  auto operator<=>(const QuicServer&) const = default;  // NOLINT(modernize-use-nullptr)
};

class H3Waiter : public transport::LoopEntry, private core::Timer {
 public:
  H3Waiter(transport::LoopContext& context, QuicServer server) : context_(context), server_(std::move(server)) {}

  /// Puts `waiter` into its context's table, for as long as until `deadline`.
  static H3Waiter& add(std::unique_ptr<H3Waiter> waiter, core::TimePoint deadline);
  [[nodiscard]] SessionId id() const { return id_; }
  [[nodiscard]] const QuicServer& server() const { return server_; }

  /// Whether a connection that others use, and whose SETTINGS have come, has room for it.
  [[nodiscard]] virtual bool fits(const transport::H3ClientConnection& connection) const = 0;
  /// Goes on above `connection`, whose SETTINGS have come. The waiter is retired.
  void go_on(transport::H3ClientConnection& connection) {
    cancel();
    take_over(connection);
  }
  /// There will be none: tells its user, and leaves the table.
  void fail(const std::string& reason);

  /// The dial that it waits for, if it does.
  void set_dial(H3Dial* dial) { dial_ = dial; }

  // LoopEntry
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { abort({}); }
  void abort(const transport::Disconnect& why) override;

 protected:
  [[nodiscard]] core::Executor& executor() const { return context_.loop; }
  [[nodiscard]] core::TimePoint wait_deadline() const { return wait_deadline_; }
  virtual void take_over(transport::H3ClientConnection& connection) = 0;
  virtual void tell_failed(const std::string& reason) = 0;

 private:
  void on_timer(core::TimePoint) override;

  transport::LoopContext& context_;
  const QuicServer server_;
  SessionId id_;
  core::TimePoint wait_deadline_;
  H3Dial* dial_ = nullptr;
};

}  // namespace plait::client
