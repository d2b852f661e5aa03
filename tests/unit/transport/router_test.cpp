#include "transport/router.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

namespace plait::transport {
namespace {

/// For handlers that do not look at it.
class NoRequest final : public HttpRequest {
 public:
  [[nodiscard]] std::string_view method() const override { return {}; }
  [[nodiscard]] std::string_view path() const override { return {}; }
  [[nodiscard]] std::string_view query() const override { return {}; }
  [[nodiscard]] std::string_view parameter(std::string_view) const override { return {}; }
  [[nodiscard]] std::string_view header(std::string_view) const override { return {}; }
  [[nodiscard]] std::string_view body() const override { return {}; }
  [[nodiscard]] std::string peer() const override { return {}; }
  [[nodiscard]] bool secure() const override { return false; }
  [[nodiscard]] const ClientCertificate* certificate() const override { return nullptr; }
  [[nodiscard]] bool is_origin_allowed() const override { return false; }
};

HttpHandler answering(std::string body) {
  return [body = std::move(body)](const HttpRequest&) { return HttpResponse{.body = body}; };
}

/// Which handler answers `path`; empty: none.
std::string found(const Router& router, std::string_view path) {
  const RouteMatch match = router.find(path);
  NoRequest request;
  return match.http == nullptr ? "" : (*match.http)(request).body;
}

/// A router with the paths as pages whose body they are.
Router with_pages(std::initializer_list<const char*> paths) {
  Router router;
  for (const char* path : paths) EXPECT_TRUE(router.add_http(path, answering(path))) << path;
  return router;
}

/// What the pattern's names hold in `path`; nullopt: no match.
std::optional<std::map<std::string, std::string>> parameters(const char* pattern, std::string_view path) {
  const Router router = with_pages({pattern});
  const RouteMatch match = router.find(path);
  if (match.http == nullptr) return std::nullopt;
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : match.parameters) all.emplace(name, value);
  return all;
}

using Named = std::map<std::string, std::string>;

TEST(TransportRouter, FindsNothingWhenEmpty) {
  const Router router;
  EXPECT_EQ(router.find("/").session, nullptr);
  EXPECT_EQ(router.find("/").http, nullptr);
}

TEST(TransportRouter, SessionPathsAreExact) {
  Router router;
  EXPECT_TRUE(router.add_session("/chat", handler<SessionHandler>()));
  EXPECT_NE(router.find("/chat").session, nullptr);
  for (const char* path : {"/", "/cha", "/chat/", "/chat2", "/CHAT", ""}) {
    EXPECT_EQ(router.find(path).session, nullptr) << path;
  }
}

TEST(TransportRouter, ExactPathsComeBeforePrefixesAndLongPrefixesBeforeShort) {
  const Router router = with_pages({"/*", "/files/*", "/files/a"});
  EXPECT_EQ(found(router, "/files/a"), "/files/a");
  EXPECT_EQ(found(router, "/files/b"), "/files/*");
  EXPECT_EQ(found(router, "/files/"), "/files/*");
  EXPECT_EQ(found(router, "/files"), "/*");
  EXPECT_EQ(found(router, ""), "");
}

TEST(TransportRouter, ExactPathsComeBeforePatternsAndThoseInTheirOrderBeforePrefixes) {
  const Router router = with_pages({"/a/*", "/a/{x}/c", "/a/b/{y}", "/a/b/c"});
  EXPECT_EQ(found(router, "/a/b/c"), "/a/b/c");
  EXPECT_EQ(found(router, "/a/z/c"), "/a/{x}/c");
  EXPECT_EQ(found(router, "/a/b/z"), "/a/b/{y}");
  EXPECT_EQ(found(router, "/a/z/z"), "/a/*");
  const Router other = with_pages({"/{x}/b", "/a/{y}"});
  EXPECT_EQ(found(other, "/a/b"), "/{x}/b") << "the first that was registered";
}

TEST(TransportRouter, AnExactPageComesBeforeAPatternOfSessions) {
  Router router;
  EXPECT_TRUE(router.add_session("/{room}", handler<SessionHandler>()));
  EXPECT_TRUE(router.add_http("/health", answering("fine")));
  EXPECT_EQ(found(router, "/health"), "fine");
  EXPECT_NE(router.find("/kitchen").session, nullptr);
}

TEST(TransportRouter, NamesHoldWholeSegments) {
  const char* rooms = "/rooms/{room}/users/{user}";
  EXPECT_EQ(parameters(rooms, "/rooms/7/users/ann"), (Named{{"room", "7"}, {"user", "ann"}}));
  for (const char* path : {"/rooms/7/users", "/rooms/7/users/", "/rooms//users/ann", "/rooms/7/users/ann/", "/rooms/7",
                           "/rooms/7/users/ann/more", "/rooms/7/Users/ann", "rooms/7/users/ann", "/", ""}) {
    EXPECT_EQ(parameters(rooms, path), std::nullopt) << path;
  }
}

TEST(TransportRouter, TheLastNameMayHoldTheRest) {
  EXPECT_EQ(parameters("/files/{name:*}", "/files/a/b/c"), (Named{{"name", "a/b/c"}}));
  EXPECT_EQ(parameters("/files/{name:*}", "/files/"), (Named{{"name", ""}}));
  EXPECT_EQ(parameters("/files/{name:*}", "/files"), std::nullopt);
  EXPECT_EQ(parameters("/{user}/files/*", "/ann/files/a/b"), (Named{{"user", "ann"}}));
  EXPECT_EQ(parameters("/{user}/", "/ann/"), (Named{{"user", "ann"}}));
  EXPECT_EQ(parameters("/{user}/", "/ann"), std::nullopt);
}

TEST(TransportRouter, ParametersAreDecodedOnceAndOnlyIfWellEncoded) {
  EXPECT_EQ(parameters("/{x}", "/a%2Fb%00%2541"), (Named{{"x", std::string{"a/b\0%41", 7}}}));
  EXPECT_EQ(parameters("/{x}", "/+"), (Named{{"x", "+"}})) << "a plus is a plus in paths";
  for (const char* path : {"/%", "/a%4", "/%zz"}) EXPECT_EQ(parameters("/{x}", path), std::nullopt) << path;
  EXPECT_EQ(parameters("/%41", "/A"), std::nullopt) << "plain segments are compared as they were sent";
}

TEST(TransportRouter, LongHostilePathsTakeOnePass) {
  std::string path;
  for (int i = 0; i < 100'000; ++i) path += "/a";
  EXPECT_EQ(parameters("/{a}/{b}/{c}/{d:*}", path)->at("d").size(), path.size() - 7);
  EXPECT_EQ(parameters("/{a}/{b}/{c}", path), std::nullopt);
}

TEST(TransportRouter, PatternsThatAreNoneAreRefusedWithTheReason) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "begin with"},          {"rooms", "begin with"},  {"/a{x}", "whole segment"},
      {"/{x}b", "whole segment"},  {"/{x", "whole segment"}, {"/x}", "whole segment"},
      {"/{}", "no name"},          {"/{1a}", "no name"},     {"/{a-b}", "no name"},
      {"/{a:b}", "no name"},       {"/{a}/{a}", "twice"},    {"/{a:*}/b", "must be the last"},
      {"/{a}/b*", "whole segment"}};
  for (const auto& [pattern, reason] : wrong) {
    Router router;
    const auto added = router.add_http(pattern, answering(""));
    ASSERT_FALSE(added) << pattern;
    EXPECT_NE(added.error().message.find(reason), std::string::npos) << added.error().message;
  }
  std::string many;
  for (int i = 0; i < 17; ++i) many += "/{n" + std::to_string(i) + "}";
  Router router;
  EXPECT_NE(router.add_http(many, answering("")).error().message.find("more than 16 names"), std::string::npos);
}

TEST(TransportRouter, APathThatIsTakenIsRefused) {
  Router router = with_pages({"/a", "/b/{x}", "/c*"});
  EXPECT_TRUE(router.add_session("/d", handler<SessionHandler>()));
  for (const char* path : {"/a", "/b/{x}", "/b/{other}", "/c*", "/d"}) {
    const auto added = router.add_http(path, answering(""));
    ASSERT_FALSE(added) << path;
    EXPECT_NE(added.error().message.find("is served already"), std::string::npos) << added.error().message;
  }
  EXPECT_FALSE(router.add_session("/a", handler<SessionHandler>()));
  EXPECT_EQ(found(router, "/a"), "/a") << "the first stays";
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

}  // namespace
}  // namespace plait::transport
