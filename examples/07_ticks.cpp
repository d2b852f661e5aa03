// A room that tells its members its state 20 times a second. Who has not taken the last state yet is left out: the next
// one is newer anyway.
//   07_ticks ws://127.0.0.1:8800/room
#include <plait/executor.hpp>
#include <plait/server.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <set>
#include <string>

namespace {

struct Room {
  std::set<plait::Session*> members;
  std::string last_said;
  std::uint64_t ticks = 0;

  void tick() {
    const std::string state = std::to_string(++ticks) + " " + std::to_string(members.size()) + " " + last_said;
    plait::MessageBurst burst;  // framed once, not for each member
    burst.add(plait::MessageKind::text, plait::Bytes::copy_of(plait::as_bytes(state)));
    for (plait::Session* member : members) {
      if (member->buffered_bytes() == 0) member->send_burst(burst);
    }
  }
};

class Member : public plait::SessionHandler {
 public:
  explicit Member(Room& room) : room_(room) {}
  void on_open(plait::Session& session) override { room_.members.insert(&session); }
  void on_message(plait::Session&, const plait::Message& message) override { room_.last_said = message.text(); }
  void on_close(plait::Session& session, const plait::CloseInfo&) override { room_.members.erase(&session); }

 private:
  Room& room_;
};

}  // namespace

int main(int argc, char** argv) {
  Room room;
  plait::ServerOptions options;
  options.threads = 1;  // the room, its members and the timer are on one loop: nothing needs a lock
  plait::Server server{options};
  const auto url = server.listen(argc > 1 ? argv[1] : "ws://127.0.0.1:8800/room",
                                 [&room] { return std::make_unique<Member>(room); });
  std::cerr << (url ? "listening " + *url : url.error().message) << std::endl;
  if (!url) return 1;

  plait::Timer ticks{*server.executor(), [&room] { room.tick(); }};
  ticks.every(std::chrono::milliseconds{50});
  return server.run() ? 0 : 1;
}
