// One test per MUST of RFC 9114, 9204 and 9297 about streams and frames, in both roles where both have it; each asserts
// which rule fired, and error_of() that the error code of the wire is the one that the standards demand.
#include <gtest/gtest.h>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

constexpr StreamId kClientUni = 2;
constexpr StreamId kServerUni = 3;

Buffer request() { return headers(get_lines()); }
Buffer response() { return headers({{":status", "200"}}); }

// --- Streams --------------------------------------------------------------------------------------------------------

TEST(H3Rules, Rfc9114Section6_2_1_OneControlStream) {
  EXPECT_EQ(server_error({{2, control()}, {6, control()}}), Error::control_stream_repeated);
  EXPECT_EQ(client_error({{3, control()}, {7, control()}}), Error::control_stream_repeated);
}

TEST(H3Rules, Rfc9204Section4_2_OneQpackStreamOfAKind) {
  EXPECT_EQ(server_error({{2, bytes_of({2})}, {6, bytes_of({3})}}), std::nullopt);
  EXPECT_EQ(server_error({{2, bytes_of({2})}, {6, bytes_of({2})}}), Error::qpack_stream_repeated);
  EXPECT_EQ(client_error({{3, bytes_of({2})}, {7, bytes_of({2})}}), Error::qpack_stream_repeated);
  EXPECT_EQ(client_error({{3, bytes_of({3})}, {7, bytes_of({3})}}), Error::qpack_stream_repeated);
  EXPECT_EQ(server_error({{2, bytes_of({3})}, {6, bytes_of({3})}}), Error::qpack_stream_repeated);
}

TEST(H3Rules, Rfc9114Section6_2_1_CriticalStreamsStayOpen) {
  for (const Buffer& first : {control(), bytes_of({2}), bytes_of({3})}) {
    EXPECT_EQ(uni_error(first, true), Error::critical_stream_closed);
    EXPECT_EQ(server_error({{2, first}, {2, {}, true}}), Error::critical_stream_closed);
    for (const auto& [role, id] : {std::pair{Role::server, kClientUni}, std::pair{Role::client, kServerUni}}) {
      Endpoint reset{role};
      reset.feed(id, first);
      reset.connection.handle_stream_reset(id, code::kNoError);
      EXPECT_EQ(reset.recorder.error, Error::critical_stream_closed);
      Endpoint closed{role};
      closed.feed(id, first);
      closed.connection.handle_stream_closed(id);
      EXPECT_EQ(closed.recorder.error, Error::critical_stream_closed);
    }
  }
}

TEST(H3Rules, Rfc9114Section6_2_1_NobodyMayStopOurControlStream) {
  for (const StreamId id : {2, 3}) {
    Endpoint endpoint{id % 2 == 0 ? Role::client : Role::server};
    endpoint.connection.handle_ready();
    endpoint.connection.handle_stop_sending(id, code::kNoError);
    EXPECT_EQ(endpoint.recorder.error, Error::critical_stream_closed) << id;
  }
}

TEST(H3Rules, Rfc9114Section6_2_2_OnlyServersPush) {
  EXPECT_EQ(server_error({{kClientUni, bytes_of({1})}}), Error::push_stream_from_client);
}

TEST(H3Rules, Rfc9114Section6_2_2_NoPushStreamWithoutMaxPushId) {
  EXPECT_EQ(client_error({{kServerUni, bytes_of({1, 0})}}), Error::push_stream_not_allowed);
}

TEST(H3Rules, Rfc9114Section6_1_NoServerBidirectionalStreamsWithoutWebTransport) {
  const Buffer header = varint(0x41) + varint(0);
  EXPECT_EQ(error_of(Role::client, {{1, header}}, http3_settings()), Error::server_bidirectional_stream);
  EXPECT_EQ(client_error({{1, request()}}), Error::server_bidirectional_stream);
  EXPECT_EQ(client_error({{1, {}, true}}), Error::server_bidirectional_stream);
}

TEST(H3Rules, Rfc9114Section6_2_UnknownStreamTypesAreNoError) {
  Endpoint server{Role::server};
  server.feed(2, varint(0x21 + 0x1F * 5) + to_buffer("whatever"));
  server.feed(2, to_buffer("more"), true);
  EXPECT_EQ(server.recorder.log, Log{});
  EXPECT_EQ(server.streams.streams[2].stopped, code::kStreamCreationError);
  EXPECT_EQ(server.streams.streams[2].consumed, varint(0x21 + 0x1F * 5).size() + 12);
}

TEST(H3Rules, Rfc9114Section6_2_AStreamMayEndBeforeItsTypeHasArrived) {
  EXPECT_EQ(uni_error({}, true), std::nullopt);
  EXPECT_EQ(uni_error(bytes_of({0x40}), true), std::nullopt);
  EXPECT_EQ(uni_error(bytes_of({0x40, 0x54, 0x40}), true), std::nullopt);
  Endpoint server{Role::server};
  server.feed(2, bytes_of({0x40}));
  server.connection.handle_stream_reset(2, code::kNoError);
  EXPECT_EQ(server.recorder.log, Log{});
  EXPECT_EQ(server.streams.streams[2].consumed, 1U);
}

TEST(H3Rules, StreamsAreBounded) {
  Endpoint server{Role::server};
  server.options.streams_max = 3;
  for (const StreamId id : {0, 4, 8}) server.feed(id, varint(0x41) + varint(0));
  EXPECT_EQ(server.recorder.error, std::nullopt);
  server.connection.handle_stream_closed(4);
  server.feed(12, varint(0x41) + varint(0));
  EXPECT_EQ(server.recorder.error, std::nullopt);
  server.feed(16, varint(0x41));
  EXPECT_EQ(server.recorder.error, Error::too_many_streams);
}

// --- Frames ---------------------------------------------------------------------------------------------------------

TEST(H3Rules, Rfc9114Section7_1_AStreamMustNotEndInsideAFrame) {
  const Buffer whole = request() + data("abc");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    if (size == request().size()) continue;
    const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(server_error({{0, cut, true}}), Error::frame_truncated) << size;
  }
  EXPECT_EQ(server_error({{0, whole, true}}), std::nullopt);
  EXPECT_EQ(server_error({{0, request() + varint(0x21) + varint(5), true}}), Error::frame_truncated);
  EXPECT_EQ(response_error(response() + varint(0x00) + varint(5) + to_buffer("cut")), Error::frame_truncated);
}

TEST(H3Rules, Rfc9114Section7_1_APayloadMustFitItsFields) {
  EXPECT_EQ(uni_error(control() + frame(0x07, bytes_of({0, 0}))), Error::frame_malformed);
  EXPECT_EQ(uni_error(control() + frame(0x07)), Error::frame_malformed);
  EXPECT_EQ(uni_error(control() + frame(0x0D, bytes_of({0x40}))), Error::frame_malformed);
  EXPECT_EQ(uni_error(control() + varint(0x07) + varint(9)), Error::frame_malformed);
  EXPECT_EQ(uni_error(control(bytes_of({0x06}))), Error::frame_malformed);
  EXPECT_EQ(uni_error(control(bytes_of({0x06, 0x40}))), Error::frame_malformed);
  EXPECT_EQ(uni_error(control(bytes_of({0x40}))), Error::frame_malformed);
}

TEST(H3Rules, Rfc9114Section7_2_8_FramesOfHttp2) {
  for (const std::uint64_t type : {0x02, 0x06, 0x08, 0x09}) {
    EXPECT_EQ(server_error({{0, frame(type)}}), Error::frame_of_http2) << type;
    EXPECT_EQ(server_error({{0, request() + frame(type)}}), Error::frame_of_http2) << type;
    EXPECT_EQ(response_error(response() + frame(type)), Error::frame_of_http2) << type;
    EXPECT_EQ(uni_error(control() + frame(type)), Error::frame_of_http2) << type;
  }
}

TEST(H3Rules, Rfc9114Section9_UnknownFramesAreSkipped) {
  const Buffer unknown = frame(0x21 + 0x1F * 1000, Buffer(300, 7)) + frame(0x2F0, {});
  Endpoint server{Role::server};
  server.feed(2, control() + unknown);
  server.feed(0, unknown + request() + unknown + data("a") + unknown + data("b") + headers({{"x", "y"}}) + unknown,
              true);
  EXPECT_EQ(server.recorder.log, (Log{"settings", "request 0 GET https localhost:4433 / ", "data 0", "fin 0"}));
  EXPECT_EQ(server.recorder.received[0], "ab");
}

TEST(H3Rules, ControlFramesAreBounded) {
  EXPECT_EQ(uni_error(varint(0) + varint(4) + varint(kControlFrameBytesMax + 1)), Error::control_frame_too_large);
  Buffer settings;
  for (std::uint64_t n = 0; settings.size() < kControlFrameBytesMax - 3; ++n)
    settings = settings + one_setting(0x100 + n, 1);
  EXPECT_EQ(uni_error(control(settings)), std::nullopt);
}

TEST(H3Rules, Rfc9114Section6_2_1_SettingsComeFirst) {
  for (const std::uint64_t type : {0x00, 0x01, 0x07, 0x0D, 0x21}) {
    EXPECT_EQ(uni_error(varint(0) + frame(type, bytes_of({0}))), Error::settings_missing) << type;
  }
}

TEST(H3Rules, Rfc9114Section7_2_4_SettingsComeOnce) {
  EXPECT_EQ(uni_error(control() + frame(0x04)), Error::settings_repeated);
}

TEST(H3Rules, Rfc9114Section7_2_RequestFramesOnTheControlStream) {
  for (const std::uint64_t type : {0x00, 0x01, 0x05}) {
    EXPECT_EQ(uni_error(control() + frame(type)), Error::frame_on_control_stream) << type;
  }
}

TEST(H3Rules, Rfc9114Section7_2_ControlFramesOnARequestStream) {
  for (const std::uint64_t type : {0x03, 0x04, 0x07, 0x0D}) {
    EXPECT_EQ(server_error({{0, frame(type, bytes_of({0}))}}), Error::frame_on_request_stream) << type;
    EXPECT_EQ(server_error({{0, request() + frame(type, bytes_of({0}))}}), Error::frame_on_request_stream) << type;
    EXPECT_EQ(response_error(response() + frame(type, bytes_of({0}))), Error::frame_on_request_stream) << type;
  }
}

TEST(H3Rules, Rfc9114Section4_1_DataBeforeHeaders) {
  EXPECT_EQ(server_error({{0, data("x")}}), Error::data_before_headers);
  EXPECT_EQ(server_error({{0, data("")}}), Error::data_before_headers);
  EXPECT_EQ(response_error(headers({{":status", "103"}}) + data("x")), Error::data_before_headers);
}

TEST(H3Rules, Rfc9114Section4_1_NothingButUnknownFramesAfterTrailers) {
  const Buffer trailers = headers({{"x", "y"}});
  EXPECT_EQ(server_error({{0, request() + trailers + data("x")}}), Error::frame_after_trailers);
  EXPECT_EQ(server_error({{0, request() + trailers + trailers}}), Error::frame_after_trailers);
  EXPECT_EQ(response_error(response() + trailers + data("x")), Error::frame_after_trailers);
  EXPECT_EQ(response_error(response() + trailers + trailers), Error::frame_after_trailers);
}

TEST(H3Rules, Rfc9114Section4_4_OnlyDataAfterConnect) {
  EXPECT_EQ(server_error({{0, headers(connect_lines()) + headers({{"x", "y"}})}}), Error::frame_after_connect);
}

TEST(H3Rules, Rfc9114Section7_2_5_ClientsDoNotPromise) {
  EXPECT_EQ(server_error({{0, request() + frame(0x05, bytes_of({0}))}}), Error::push_promise_from_client);
}

TEST(H3Rules, Rfc9114Section7_2_5_NoPromiseWithoutMaxPushId) {
  EXPECT_EQ(response_error(frame(0x05, bytes_of({0, 0, 0})), "GET", false), Error::push_promise_not_allowed);
}

TEST(H3Rules, Rfc9114Section7_2_7_ServersSendNoMaxPushId) {
  EXPECT_EQ(client_error({{3, control() + frame(0x0D, bytes_of({1}))}}), Error::max_push_id_from_server);
}

TEST(H3Rules, Rfc9114Section7_2_7_MaxPushIdIsNotReduced) {
  const auto push = [](int id) { return frame(0x0D, bytes_of({id})); };
  EXPECT_EQ(server_error({{2, control() + push(3) + push(3) + push(4)}}), std::nullopt);
  EXPECT_EQ(server_error({{2, control() + push(3) + push(2)}}), Error::max_push_id_reduced);
}

TEST(H3Rules, Rfc9114Section7_2_3_CancelPushOfAPushThatWasNotPromised) {
  EXPECT_EQ(server_error({{2, control() + frame(0x03, bytes_of({0}))}}), Error::cancel_push_unknown);
  EXPECT_EQ(client_error({{3, control() + frame(0x03, bytes_of({0}))}}), Error::cancel_push_unknown);
}

TEST(H3Rules, Rfc9114Section7_2_6_AServersGoawayNamesARequestStream) {
  for (const int id : {1, 2, 3, 5}) {
    EXPECT_EQ(client_error({{3, control() + frame(0x07, bytes_of({id}))}}), Error::goaway_id_invalid) << id;
  }
  EXPECT_EQ(server_error({{2, control() + frame(0x07, bytes_of({3}))}}), std::nullopt) << "a push ID";
}

TEST(H3Rules, Rfc9114Section5_2_GoawayIdsDoNotGrow) {
  const auto goaway = [](int id) { return frame(0x07, bytes_of({id})); };
  EXPECT_EQ(client_error({{3, control() + goaway(8) + goaway(8) + goaway(4)}}), std::nullopt);
  EXPECT_EQ(client_error({{3, control() + goaway(8) + goaway(12)}}), Error::goaway_id_increased);
  EXPECT_EQ(server_error({{2, control() + goaway(1) + goaway(2)}}), Error::goaway_id_increased);
}

// --- SETTINGS -------------------------------------------------------------------------------------------------------

TEST(H3Rules, Rfc9114Section7_2_4_NoSettingTwice) {
  EXPECT_EQ(uni_error(control(one_setting(0x06, 1) + one_setting(0x33, 1) + one_setting(0x06, 1))),
            Error::setting_repeated);
  EXPECT_EQ(uni_error(control(one_setting(0x21, 1) + one_setting(0x21, 2))), Error::setting_repeated) << "unknown";
}

TEST(H3Rules, Rfc9114Section7_2_4_1_SettingsOfHttp2) {
  for (const std::uint64_t id : {0, 2, 3, 4, 5}) {
    EXPECT_EQ(uni_error(control(one_setting(id, 0))), Error::setting_of_http2) << id;
  }
}

TEST(H3Rules, Rfc9220Section3_Rfc9297Section2_1_1_FlagsAre0Or1) {
  for (const std::uint64_t id : {0x08, 0x33}) {
    EXPECT_EQ(uni_error(control(one_setting(id, 0))), std::nullopt);
    EXPECT_EQ(uni_error(control(one_setting(id, 1))), std::nullopt);
    EXPECT_EQ(uni_error(control(one_setting(id, 2))), Error::setting_value_invalid);
  }
}

TEST(H3Rules, Rfc9297Section2_1_1_DatagramsNeedTheTransportParameter) {
  for (const auto& [role, id] : {std::pair{Role::server, kClientUni}, std::pair{Role::client, kServerUni}}) {
    Endpoint endpoint{role};
    endpoint.streams.datagram_max = 0;
    endpoint.feed(id, control(one_setting(0x33, 1)));
    EXPECT_EQ(endpoint.recorder.error, Error::datagrams_without_transport);
  }
}

// --- QPACK ----------------------------------------------------------------------------------------------------------

TEST(H3Rules, Rfc9204Section6_AFieldSectionThatCannotBeDecoded) {
  const Buffer section_with_table = bytes_of({0x02, 0x00, 0x80});  // Required Insert Count 1
  EXPECT_EQ(server_error({{0, frame(0x01, section_with_table)}}), Error::qpack_decompression_failed);
  EXPECT_EQ(server_error({{0, frame(0x01)}}), Error::qpack_decompression_failed);
  EXPECT_EQ(server_error({{0, frame(0x01, bytes_of({0, 0, 0xFF, 0xFF}))}}), Error::qpack_decompression_failed);
  EXPECT_EQ(response_error(frame(0x01, section_with_table)), Error::qpack_decompression_failed);
}

TEST(H3Rules, Rfc9204Section4_3_OnlyCapacity0OnTheEncoderStream) {
  EXPECT_EQ(uni_error(bytes_of({2, 0x20, 0x20})), std::nullopt) << "Chromium sends one";
  EXPECT_EQ(uni_error(bytes_of({2, 0x21})), Error::qpack_encoder_stream);
  EXPECT_EQ(uni_error(bytes_of({2, 0x3F, 0xE1, 0x1F})), Error::qpack_encoder_stream);
  EXPECT_EQ(uni_error(bytes_of({2, 0xC0, 1, 'x'})), Error::qpack_encoder_stream) << "insert";
  EXPECT_EQ(uni_error(bytes_of({2, 0x00})), Error::qpack_encoder_stream) << "duplicate";
}

TEST(H3Rules, Rfc9204Section4_4_OnlyCancellationsOnTheDecoderStream) {
  EXPECT_EQ(uni_error(bytes_of({3, 0x40, 0x44, 0x7F, 0x81, 0x01, 0x48})), std::nullopt);
  EXPECT_EQ(uni_error(bytes_of({3, 0x80})), Error::qpack_decoder_stream) << "Section Acknowledgment";
  EXPECT_EQ(uni_error(bytes_of({3, 0x01})), Error::qpack_decoder_stream) << "Insert Count Increment";
  EXPECT_EQ(uni_error(bytes_of({3, 0x7F}) + Buffer(10, 0x80)), Error::qpack_decoder_stream) << "endless";
}

// --- HTTP Datagrams and WebTransport --------------------------------------------------------------------------------

TEST(H3Rules, Rfc9297Section2_1_DatagramsBeginWithAQuarterStreamId) {
  for (const Buffer& datagram : {Buffer{}, bytes_of({0x40}), varint(std::uint64_t{1} << 60)}) {
    for (const Role role : {Role::server, Role::client}) {
      Endpoint endpoint{role};
      endpoint.connection.handle_datagram(datagram);
      EXPECT_EQ(endpoint.recorder.error, Error::datagram_malformed);
      EXPECT_EQ(endpoint.streams.closed->first, 0x33U);
    }
  }
  Endpoint server{Role::server};
  server.connection.handle_datagram(varint((std::uint64_t{1} << 60) - 1));
  EXPECT_EQ(server.recorder.error, std::nullopt);
}

TEST(H3Rules, WebTransport_SessionIdsAreRequestStreams) {
  for (const std::uint64_t session : {1, 2, 3, 5}) {
    EXPECT_EQ(server_error({{0, varint(0x41) + varint(session)}}), Error::session_id_invalid) << session;
    EXPECT_EQ(uni_error(varint(0x54) + varint(session)), Error::session_id_invalid) << session;
  }
}

TEST(H3Rules, WebTransport_TheStreamHeaderComesFirst) {
  const Buffer header = varint(0x41) + varint(0);
  EXPECT_EQ(server_error({{0, request() + header}}), Error::webtransport_frame_not_first);
  EXPECT_EQ(server_error({{0, frame(0x21) + header}}), Error::webtransport_frame_not_first);
  EXPECT_EQ(uni_error(control() + header), Error::webtransport_frame_not_first);
}

TEST(H3Rules, WebTransport_WhenOffItsTypesAreUnknown) {
  const Settings off = http3_settings();
  EXPECT_EQ(error_of(Role::server, {{0, frame(0x41, bytes_of({1, 2})) + request(), true}}, off), std::nullopt);
  EXPECT_EQ(error_of(Role::server, {{2, varint(0x54) + varint(1)}}, off), std::nullopt);
  EXPECT_EQ(error_of(Role::server, {{2, control() + frame(0x41)}}, off), std::nullopt);
}

TEST(H3Rules, EveryErrorHasASentenceAndTheCodeThatTheStandardsDemand) {
  for (int value = 0; value <= static_cast<int>(kLastError); ++value) {
    const auto error = static_cast<Error>(value);
    EXPECT_FALSE(describe(error).empty());
    EXPECT_EQ(wire_code_of(error), standard_code_of(error)) << describe(error);
    EXPECT_EQ(is_connection_error(error), ends_connection(error)) << describe(error);
  }
}

}  // namespace
}  // namespace plait::h3
