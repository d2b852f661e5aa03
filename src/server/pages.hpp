// The page that `plait serve` shows in a browser: the files of dashboard/, part of the program.
#pragma once

#include <plait/server.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plait::server {

/// The files' contents, made from dashboard/ by the build.
extern const std::string_view kIndexHtml;
extern const std::string_view kAppJs;
extern const std::string_view kFramesJs;
extern const std::string_view kWebTransportJs;
extern const std::string_view kStyleCss;

/// Serves / and the files of it. The Content-Security-Policy of / lets it load from and connect to this server only:
/// where it comes from, and the origins `connect_to`.
void add_pages(Server& server, const std::vector<std::string>& connect_to);

/// `body` with the fields that every answer to a browser has: its type is not guessed, and it may not be framed.
HttpResponse page_response(const HttpRequest& request, std::string_view content_type, std::string_view body);

}  // namespace plait::server
