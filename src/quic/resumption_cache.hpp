// ResumptionCache: what servers have given a client for its next connection: TLS session tickets (RFC 8446 §4.6.1) and
// address validation tokens (RFC 9000 §8.1.3). Each is used once, so that nobody on the way can tell by it that two
// connections are of one client (RFC 8446 §C.4), and the newest first. Bounded; the oldest goes.
#pragma once

#include <plait/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quic/path.hpp"
#include "quic/tls.hpp"

namespace plait::quic {

class ResumptionCache {
 public:
  static constexpr std::size_t kCountMax = 256;
  /// Of one server.
  static constexpr std::size_t kServerCountMax = 16;
  /// Larger ones are not kept. A ticket has the server's certificates in it.
  static constexpr std::size_t kBytesMax = 16'384;

  /// Whose: a ticket that came under one choice of whom to trust says nothing under another.
  struct Server {
    std::shared_ptr<const ClientTls::State> tls;
    std::string host;
    Address address;
    bool operator==(const Server&) const = default;
  };
  struct Ticket {
    std::vector<std::uint8_t> data;
    /// When the first of the server's certificates expires; then it has to show a new one.
    WallTime usable_until = WallTime::max();
  };

  void add_ticket(const Server& server, Ticket ticket) {
    if (ticket.data.size() <= kBytesMax) add(tickets_, server, std::move(ticket));
  }
  void add_token(const Server& server, ByteView token) {
    if (token.size() <= kBytesMax) add(tokens_, server, {token.begin(), token.end()});
  }
  /// Given out once; none if there is none.
  std::optional<Ticket> take_ticket(const Server& server) { return take(tickets_, server); }
  std::optional<std::vector<std::uint8_t>> take_token(const Server& server) { return take(tokens_, server); }

 private:
  template <class Item>
  using Items = std::vector<std::pair<Server, Item>>;  // the newest at the end

  template <class Item>
  static void add(Items<Item>& items, const Server& server, Item item) {
    const auto is_same = [&](auto& kept) { return kept.first == server; };
    if (std::ranges::count_if(items, is_same) >= std::ptrdiff_t{kServerCountMax}) {
      items.erase(std::ranges::find_if(items, is_same));
    }
    if (items.size() >= kCountMax) items.erase(items.begin());
    items.emplace_back(server, std::move(item));
  }
  template <class Item>
  static std::optional<Item> take(Items<Item>& items, const Server& server) {
    const auto found = std::find_if(items.rbegin(), items.rend(), [&](auto& item) { return item.first == server; });
    if (found == items.rend()) return std::nullopt;
    std::optional<Item> taken{std::move(found->second)};
    items.erase(std::next(found).base());
    return taken;
  }

  Items<Ticket> tickets_;
  Items<std::vector<std::uint8_t>> tokens_;
};

}  // namespace plait::quic
