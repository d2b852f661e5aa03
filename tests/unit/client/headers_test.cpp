// Which header fields and subprotocols a client may be given.
#include "client/check_headers.hpp"

#include <gtest/gtest.h>

namespace plait::client {
namespace {

std::string mistake(const std::string& name, const std::string& value) {
  ConnectOptions options;
  options.headers = {{"Cookie", "a=b"}, {name, value}};
  const auto checked = check_headers(options);
  return checked ? "" : checked.error().message;
}

TEST(ClientHeaders, WhatCanBeSent) {
  EXPECT_EQ(mistake("Authorization", "Bearer x"), "");
  EXPECT_EQ(mistake("x-empty", ""), "");
  EXPECT_EQ(mistake("Sec-WebSocket", "x"), "");
}

TEST(ClientHeaders, TheFieldThatCannotBeSentIsNamed) {
  EXPECT_EQ(mistake("a b", "c"),
            "the header field \"a b\" cannot be sent: its name is empty, or has a character that no name has (RFC 9110 "
            "§5.1)");
  EXPECT_NE(mistake("", "c").find("its name is empty"), std::string::npos);
  EXPECT_EQ(mistake("x", "a\r\nb: c"), "the header field \"x\" cannot be sent: its value has a control character");
}

TEST(ClientHeaders, TheConnectionsOwnAreNot) {
  for (const char* name : {"Host", "connection", "Content-Length", "Keep-Alive", "UPGRADE", "Transfer-Encoding",
                           "Sec-WebSocket-Key", "sec-websocket-protocol", "Sec-WebSocket-Extensions"}) {
    EXPECT_NE(mistake(name, "x").find("by the connection itself"), std::string::npos) << name;
  }
}

TEST(ClientSubprotocols, AreCheckedBeforeAnythingIsDone) {
  Client client;
  const auto error_of = [&](const char* scheme, std::vector<std::string> subprotocols) {
    ConnectOptions options;
    options.subprotocols = std::move(subprotocols);
    const auto id =
        client.connect(std::string{scheme} + "://127.0.0.1:1/", std::make_unique<SessionHandler>(), options);
    return id ? "" : id.error().message;
  };
  for (const char* scheme : {"ws", "wss", "tcp", "tls", "https", "quic"}) {
    EXPECT_NE(error_of(scheme, {"a", ""}).find("the subprotocol \"\" cannot be offered"), std::string::npos) << scheme;
    EXPECT_NE(error_of(scheme, {"a b"}).find("\"a b\""), std::string::npos) << scheme;
    EXPECT_NE(error_of(scheme, {"a", "b", "a"}).find("it is there twice"), std::string::npos) << scheme;
    EXPECT_EQ(error_of(scheme, {"a", "b.1"}), "") << scheme;
  }
}

TEST(ClientHeaders, AreCheckedBeforeAnythingIsDone) {
  Client client;
  ConnectOptions options;
  options.headers = {{"Host", "x"}};
  for (const char* url : {"ws://127.0.0.1:1/", "https://127.0.0.1:1/", "quic://127.0.0.1:1/", "tcp://127.0.0.1:1/"}) {
    const auto id = client.connect(url, std::make_unique<SessionHandler>(), options);
    ASSERT_FALSE(id) << url;
    EXPECT_NE(id.error().message.find("\"Host\""), std::string::npos);
  }
  const auto got = client.get("https://127.0.0.1:1/", std::make_unique<ResponseHandler>(), options);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("\"Host\""), std::string::npos);
}

}  // namespace
}  // namespace plait::client
