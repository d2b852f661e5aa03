// Wants: what a handler asks for, asked once, where an exception can still be answered.
#pragma once

#include <plait/session.hpp>

#include <optional>

#include "core/guard.hpp"

namespace plait::transport {

struct Wants {
  bool parts = false;
  bool streams = false;

  static Wants of(const SessionHandler& handler) {
    return {.parts = handler.wants_parts(), .streams = handler.wants_streams()};
  }
  /// None: the handler threw, which is logged.
  static std::optional<Wants> try_of(const SessionHandler& handler) {
    std::optional<Wants> wants;
    core::guarded("a session handler", [&] { wants = of(handler); });
    return wants;
  }
};

}  // namespace plait::transport
