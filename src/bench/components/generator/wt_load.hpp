// WtLoad: what the WebTransport loads share: the client, its sessions, the window, and the ways in which a run ends
// early.
//
// A load's work happens in calls from the client's loop. Its run() turns that loop until it has what it waits for.
#pragma once

#include "bench/components/generator/loads.hpp"

#include <plait/client.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plait::bench {

class WtLoad {
 public:
  WtLoad(const WtLoad&) = delete;
  WtLoad& operator=(const WtLoad&) = delete;

 protected:
  explicit WtLoad(LoadContext& context);
  virtual ~WtLoad() = default;

  /// Calls work(); the client is gone when it returns. Fails with what made the run end early.
  Result<void, Error> run();

  // What a load does.
  virtual void work() = 0;
  virtual void on_open(std::size_t /*index*/, Session& /*session*/) {}
  virtual void on_streams_available(std::size_t /*index*/) {}
  virtual void on_datagram(std::size_t /*index*/, ByteView /*data*/) {}
  /// After close(index).
  virtual void on_closed(std::size_t /*index*/) {}

  // Sessions, by numbers of the load's choice.
  void connect(std::size_t index);
  void close(std::size_t index);
  /// None before on_open and from close() on.
  [[nodiscard]] Session* session(std::size_t index);
  [[nodiscard]] bool is_closed(std::size_t index) const;
  /// Opens one and turns the loop until it is open.
  void open_first();
  /// Closes it and turns the loop until the server has answered.
  void close_first();
  /// Ends the client; its sessions end without a word to the load.
  void drop_client();

  /// One turn of the loop. False: the run is to end.
  bool turn();
  /// A turn that does not wait.
  bool turn_at_once();
  [[nodiscard]] bool is_running() const { return failure_.empty(); }
  void fail(std::string why);
  /// Something was confirmed.
  void progress() { last_progress_ = now_ns(); }

  /// Begins the window when the warm-up is over; true while it has not passed.
  bool is_in_window();
  /// Begins the window now, without a warm-up.
  void begin_window();
  void end_window();

  LoadContext& context_;
  const Plan& plan_;
  Meter& meter_;

 private:
  class Link;

  bool turn(Duration wait_max);

  std::string url_;
  ConnectOptions options_;
  std::vector<Link*> links_;  // null once closed
  std::string failure_;
  bool silent_ = false;  // what ends now was ended by drop_client()
  std::uint64_t last_progress_;
  std::uint64_t begin_;
  std::uint64_t end_ = 0;
  std::unique_ptr<Client> client_;
};

/// A payload of the plan's size, shared by everything that is sent.
[[nodiscard]] Bytes make_wt_payload(std::size_t bytes);

}  // namespace plait::bench
