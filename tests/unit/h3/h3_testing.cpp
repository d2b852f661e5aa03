#include "unit/h3/h3_testing.hpp"

#include <gtest/gtest.h>

namespace plait::h3 {
namespace {

// What reached the wire is what the standards demand for the rule that the visitor was told of.
std::optional<Error> checked_error(Endpoint& endpoint) {
  const auto error = endpoint.recorder.error;
  EXPECT_EQ(endpoint.streams.closed.has_value(), error && ends_connection(*error));
  EXPECT_EQ(endpoint.connection.is_closed(), endpoint.streams.closed.has_value());
  if (!error) return error;
  if (ends_connection(*error)) {
    EXPECT_EQ(endpoint.streams.closed->first, standard_code_of(*error));
    EXPECT_EQ(endpoint.streams.closed->second, describe(*error));
    return error;
  }
  const auto& streams = endpoint.streams.streams;
  EXPECT_TRUE(std::any_of(streams.begin(), streams.end(), [&](const auto& stream) {
    return stream.second.reset == standard_code_of(*error) && stream.second.stopped == standard_code_of(*error);
  }));
  return error;
}

}  // namespace

std::optional<Error> error_of(Role role, const std::vector<Arrival>& arrivals, const Settings& settings) {
  Endpoint endpoint{role, settings};
  endpoint.connection.handle_ready();
  for (const Arrival& arrival : arrivals) endpoint.feed(arrival.id, arrival.bytes, arrival.fin);
  return checked_error(endpoint);
}

std::optional<Error> server_error(const std::vector<Arrival>& arrivals) { return error_of(Role::server, arrivals); }
std::optional<Error> client_error(const std::vector<Arrival>& arrivals) { return error_of(Role::client, arrivals); }
std::optional<Error> uni_error(const Buffer& bytes, bool fin) {
  const auto error = server_error({{2, bytes, fin}});
  EXPECT_EQ(client_error({{3, bytes, fin}}), error);
  return error;
}
std::optional<Error> request_error(const HeadLines& lines) { return server_error({{0, headers(lines), true}}); }

std::optional<Error> response_error(const Buffer& bytes, std::string_view method, bool fin) {
  Endpoint client{Role::client};
  client.connection.handle_ready();
  client.feed(3, control());
  const RequestHead head{.method = method, .scheme = "https", .authority = "localhost", .path = "/"};
  const auto id = client.connection.request(head, true);
  EXPECT_TRUE(id.has_value());
  client.feed(*id, bytes, fin);
  return checked_error(client);
}

}  // namespace plait::h3
