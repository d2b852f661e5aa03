// What every session of interop_server does: one line when it ends.
#pragma once

#include <plait/session.hpp>

#include <cstdio>

struct Reporting : plait::SessionHandler {
  void on_close(plait::Session&, const plait::CloseInfo& info) override {
    std::printf("closed %d %s %s %s\n", info.code, info.clean ? "clean" : "unclean", info.started_by_us ? "us" : "peer",
                info.reason.c_str());
    std::fflush(stdout);
  }
};
