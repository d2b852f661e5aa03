// Close codes on every wire: what each can carry, and what becomes of the rest.
#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

class ServerCloseCode : public EveryWire {
 protected:
  /// How a client's session ends when the server's handler closes it with `code` and `reason`.
  CloseInfo seen_by_client(std::uint32_t code, const std::string& reason = {}) {
    start({.on_open = [code, reason](Session& session) { session.close(code, reason); }});
    CloseInfo seen;
    Client client;
    Calls calls{.on_close = [&](Session&, const CloseInfo& info) { seen = info; }};
    EXPECT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), options()));
    client.run();
    EXPECT_TRUE(seen.clean);
    return seen;
  }
  [[nodiscard]] bool is_webtransport() const { return GetParam() == "https"; }
};

TEST_P(ServerCloseCode, WhatEveryWireCarriesArrives) {
  for (const std::uint32_t code : {1000U, 1014U, 3000U, 4999U}) {
    EXPECT_EQ(seen_by_client(code, "why").code, code);
  }
}

TEST_P(ServerCloseCode, NoCodeArrivesAsNone) {
  for (const std::uint32_t code : {0U, 1005U}) {
    const CloseInfo info = seen_by_client(code);
    EXPECT_EQ(info.code, close_code::kNoStatus);
    EXPECT_EQ(info.reason, "");
  }
}

TEST_P(ServerCloseCode, WhatTheWireCannotCarryIs1011) {
  for (const std::uint32_t code : {42U, 1006U, 5000U, 66536U, 0xffffffffU}) {  // 66536 is 1000 in 16 bits
    EXPECT_EQ(seen_by_client(code, "why").code, is_webtransport() ? code : close_code::kInternalError);
  }
}

TEST_P(ServerCloseCode, AReasonThatIsNotUtf8IsLeftOut) {
  const CloseInfo info = seen_by_client(4000, "caf\xe9");
  EXPECT_EQ(info.code, 4000U);
  EXPECT_EQ(info.reason, "");
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerCloseCode, kEveryWire, [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
