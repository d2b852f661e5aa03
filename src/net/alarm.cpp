#include "net/alarm.hpp"

namespace plait::net {

Alarm::Alarm(Loop& loop, std::function<void()> ring) : loop_(loop), ring_(std::move(ring)) {
  loop_.alarms_.push_back(this);
}

Alarm::~Alarm() { std::erase(loop_.alarms_, this); }

}  // namespace plait::net
