#include "transport/router.hpp"

#include <gtest/gtest.h>

namespace plait::transport {
namespace {

HttpHandler answering(std::string body) {
  return [body = std::move(body)](const HttpRequest&) { return HttpResponse{.body = body}; };
}

/// Which handler answers `path`; empty: none.
std::string found(const Router& router, std::string_view path) {
  const HttpHandler* handler = router.find_http(path);
  return handler == nullptr ? "" : (*handler)(HttpRequest{}).body;
}

TEST(TransportRouter, FindsNothingWhenEmpty) {
  const Router router;
  EXPECT_EQ(router.find_session("/"), nullptr);
  EXPECT_EQ(router.find_http("/"), nullptr);
}

TEST(TransportRouter, SessionPathsAreExact) {
  Router router;
  router.add_session("/chat", handler<SessionHandler>());
  EXPECT_NE(router.find_session("/chat"), nullptr);
  for (const char* path : {"/", "/cha", "/chat/", "/chat2", "/CHAT", ""}) {
    EXPECT_EQ(router.find_session(path), nullptr) << path;
  }
}

TEST(TransportRouter, ExactPathsComeBeforePrefixesAndLongPrefixesBeforeShort) {
  Router router;
  router.add_http("/*", answering("all"));
  router.add_http("/files/*", answering("files"));
  router.add_http("/files/a", answering("a"));
  EXPECT_EQ(found(router, "/files/a"), "a");
  EXPECT_EQ(found(router, "/files/b"), "files");
  EXPECT_EQ(found(router, "/files/"), "files");
  EXPECT_EQ(found(router, "/files"), "all");
  EXPECT_EQ(found(router, ""), "");
}

TEST(TransportRouter, PagesOfTheOtherListenersOfTheSameHostMayOpenSessions) {
  Router router;
  EXPECT_FALSE(router.allows_origin("http://127.0.0.1:8800", "127.0.0.1:4433", true));
  router.page_origins = {{.secure = false, .port = 8800}, {.secure = true, .port = 443}};
  EXPECT_TRUE(router.allows_origin("http://127.0.0.1:8800", "127.0.0.1:4433", true));
  EXPECT_TRUE(router.allows_origin("https://example.org", "example.org:4433", true));
  EXPECT_TRUE(router.allows_origin("http://[::1]:8800", "[::1]:4433", true));
  for (const char* foreign : {"https://127.0.0.1:8800", "http://127.0.0.1:8801", "http://localhost:8800", "null"}) {
    EXPECT_FALSE(router.allows_origin(foreign, "127.0.0.1:4433", true)) << foreign;
  }
  EXPECT_FALSE(router.allows_origin("http://127.0.0.1:8800", "", true));
}

TEST(TransportRouter, OfTwoHandlersAtOnePathTheFirstAnswers) {
  Router router;
  router.add_http("/a", answering("first"));
  router.add_http("/a", answering("second"));
  EXPECT_EQ(found(router, "/a"), "first");
}

}  // namespace
}  // namespace plait::transport
