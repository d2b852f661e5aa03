// Wants: what a handler asks for, asked once, where an exception can still be answered.
#pragma once

#include <plait/session.hpp>

namespace plait::transport {

struct Wants {
  bool parts = false;
  bool streams = false;

  static Wants of(const SessionHandler& handler) {
    return {.parts = handler.wants_parts(), .streams = handler.wants_streams()};
  }
};

}  // namespace plait::transport
