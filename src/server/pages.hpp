// The page that `plait serve` shows in a browser: the files of dashboard/, part of the program.
#pragma once

#include <plait/server.hpp>

#include <string_view>

namespace plait::server {

/// The files' contents, made from dashboard/ by the build.
extern const std::string_view kIndexHtml;
extern const std::string_view kAppJs;
extern const std::string_view kStyleCss;

/// Serves /, /app.js and /style.css. Their Content-Security-Policy lets them load and connect to this server only.
void add_pages(Server& server);

/// `body` with the fields that every answer to a browser has: its type is not guessed, and it may not be framed.
HttpResponse page_response(const HttpRequest& request, std::string_view content_type, std::string_view body);

}  // namespace plait::server
