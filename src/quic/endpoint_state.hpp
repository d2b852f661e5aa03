// What an Endpoint is made of. For the files of this layer.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "quic/connection_ids.hpp"
#include "quic/connection_state.hpp"
#include "quic/endpoint.hpp"
#include "quic/expiry_heap.hpp"
#include "quic/intrusive_list.hpp"

namespace plait::quic {

inline constexpr std::size_t kConnectionIdBytes = 8;

struct Endpoint::State {
  State(EndpointConfig given, RandomSource& random_source, EndpointVisitor& endpoint_visitor, TimePoint start);

  /// Marks a call of the endpoint; what died is freed at its end.
  class Call {
   public:
    explicit Call(State& state);
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();

   private:
    State& state_;
  };

  /// Never goes back.
  NativeTime advance(TimePoint given);
  void mark_ready(Connection::State& connection);
  /// It has received something: settled when another one does, or at the end of the call.
  void settle_after(Connection::State& connection);
  void settle();
  /// Null: none of our connections'.
  Connection::State* owner_of(ByteView datagram);
  void handle_stray(const Path& path, ByteView datagram, Ecn ecn);
  void add_id(Connection::State& connection, ByteView id);
  void remove_id(Connection::State& connection, ByteView id);
  ngtcp2_cid make_connection_id();
  bool make_reset_token(const ngtcp2_cid& id, std::uint8_t* token) const;
  void reap();
  std::optional<Transmit> poll_connections(MutableByteView buffer);
  std::optional<Transmit> poll_answer(MutableByteView buffer);
  /// A packet that did not belong to the batch under way; sent next.
  void carry(Transmit transmit, ByteView packet);

  // --- endpoint_accept.cpp: what belongs to no connection ---------------------------------------------------------
  void handle_unknown(const Path& path, ByteView datagram, Ecn ecn, const ngtcp2_version_cid& header);
  void handle_initial(const Path& path, ByteView datagram, Ecn ecn);
  /// Whether a connection may be made; answers by itself if not.
  bool check_token(const Path& path, const ngtcp2_pkt_hd& header, Connection::State::Accept& accept);
  void accept(const Path& path, ByteView datagram, Ecn ecn, const Connection::State::Accept& accept);
  void give_up(Connection::State& oldest);
  void send_version_negotiation(const Path& path, ByteView datagram, const ngtcp2_version_cid& header);
  void send_retry(const Path& path, const ngtcp2_pkt_hd& header);
  void send_refusal(const Path& path, const ngtcp2_pkt_hd& header, std::uint64_t code);
  void send_stateless_reset(const Path& path, ByteView datagram, ByteView id);
  MutableByteView reserve_answer(const Path& path);
  void commit_answer(ngtcp2_ssize size);
  void route_reset(const Path& path, ByteView datagram, Ecn ecn);

  struct Answer {
    Path path;
    std::vector<std::uint8_t> bytes;
  };
  struct Carried {
    Transmit transmit;
    std::vector<std::uint8_t> bytes;
  };

  EndpointConfig config;
  RandomSource& random;
  EndpointVisitor& visitor;
  NativeTime now = 0;
  int calls_under_way = 0;
  bool segmentation = true;

  ConnectionIds<Connection::State> ids;
  ExpiryHeap<Connection::State> expiries;
  IntrusiveList<Connection::State> ready;
  Connection::State* unsettled = nullptr;
  std::list<Connection::State*> handshakes;  // of clients, not finished or failed, the oldest first
  std::unordered_map<Connection::State*, std::unique_ptr<Connection>> connections;
  std::vector<Connection::State*> clients;  // for stateless resets, which carry no connection ID of ours
  std::vector<Connection::State*> dead;
  std::deque<Answer> answers;
  bool answered_last = false;  // what was sent last was one of them
  std::optional<Carried> carried;
  EndpointStats counters;
  ResumptionCache resumption;  // of clients
  std::uint32_t resets_left = 0;
  NativeTime resets_since = 0;
};

}  // namespace plait::quic
