// What plait get shows of a server's header fields.
#include <cstdio>

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  for (int byte = 0; (byte = std::fgetc(pipe)) != EOF;) output += static_cast<char>(byte);
  EXPECT_EQ(::pclose(pipe), 0) << output;
  return output;
}

TEST(ServeGetFields, ReachATerminalAsTextOnly) {
  const Folder folder;
  ServerOptions options;
  options.tls = write_certificate(folder);
  TestServer server{std::move(options)};
  const std::string url = server.listen("https");
  server->http("/page", [](const HttpRequest&) {
    return HttpResponse{.body = "body",
                        .headers = {{"X-Title",
                                     "red \xC2\x9B"
                                     "31m \xC3\xA9"}}};
  });
  server.start();
  const std::string get = PLAIT_EXECUTABLE " get --insecure " + url + "page ";
  EXPECT_NE(output_of(get + "-i").find("x-title: red ?31m \xC3\xA9\n"), std::string::npos) << output_of(get + "-i");
  const std::string json = output_of(get + "--json");
  EXPECT_NE(json.find("red \\u009b31m \xC3\xA9"), std::string::npos) << json;
}

}  // namespace
}  // namespace plait::test
