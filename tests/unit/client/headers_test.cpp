// Which header fields a client may be given.
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
}

TEST(ClientHeaders, TheFieldThatCannotBeSentIsNamed) {
  EXPECT_EQ(mistake("a b", "c"),
            "the header field \"a b\" cannot be sent: its name is empty, or has a character that no name has (RFC 9110 "
            "§5.1)");
  EXPECT_NE(mistake("", "c").find("its name is empty"), std::string::npos);
  EXPECT_EQ(mistake("x", "a\r\nb: c"), "the header field \"x\" cannot be sent: its value has a control character");
}

TEST(ClientHeaders, TheConnectionsOwnAreNot) {
  for (const char* name : {"Host", "connection", "Content-Length", "Keep-Alive", "UPGRADE", "Transfer-Encoding"}) {
    EXPECT_NE(mistake(name, "x").find("by the connection itself"), std::string::npos) << name;
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
