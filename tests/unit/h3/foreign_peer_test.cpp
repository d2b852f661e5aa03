// nghttp3's own HTTP/3 connection as the peer, in memory: a second reading of RFC 9114 that is not ours. It offers a
// QPACK dynamic table, and knows nothing of WebTransport.
#include <gtest/gtest.h>
#include <nghttp3/nghttp3.h>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

class Foreign {
 public:
  explicit Foreign(Role role) {
    nghttp3_callbacks callbacks{};
    callbacks.recv_header = [](nghttp3_conn*, std::int64_t, std::int32_t, nghttp3_rcbuf* name, nghttp3_rcbuf* value,
                               std::uint8_t, void* self, void*) {
      static_cast<Foreign*>(self)->received += text_of(name) + "=" + text_of(value) + "\n";
      return 0;
    };
    callbacks.recv_data = [](nghttp3_conn*, std::int64_t, const std::uint8_t* bytes, std::size_t size, void* self,
                             void*) {
      static_cast<Foreign*>(self)->received += as_text({bytes, size});
      return 0;
    };
    callbacks.end_stream = [](nghttp3_conn*, std::int64_t, void* self, void*) {
      static_cast<Foreign*>(self)->received += "\nend\n";
      return 0;
    };
    nghttp3_settings settings;
    nghttp3_settings_default(&settings);
    settings.qpack_max_dtable_capacity = 4096;
    settings.qpack_blocked_streams = 100;
    settings.h3_datagram = 1;
    const nghttp3_mem* memory = nghttp3_mem_default();
    if (role == Role::client) {
      EXPECT_EQ(nghttp3_conn_client_new(&connection_, &callbacks, &settings, memory, this), 0);
    } else {
      settings.enable_connect_protocol = 1;
      EXPECT_EQ(nghttp3_conn_server_new(&connection_, &callbacks, &settings, memory, this), 0);
      nghttp3_conn_set_max_client_streams_bidi(connection_, 100);
    }
    const StreamId first = role == Role::client ? 2 : 3;
    EXPECT_EQ(nghttp3_conn_bind_control_stream(connection_, first), 0);
    EXPECT_EQ(nghttp3_conn_bind_qpack_streams(connection_, first + 4, first + 8), 0);
  }
  Foreign(const Foreign&) = delete;
  Foreign& operator=(const Foreign&) = delete;
  ~Foreign() { nghttp3_conn_del(connection_); }

  void request(StreamId id, const HeadLines& lines, std::string content) {
    content_ = std::move(content);
    const auto values = to_values(lines);
    ASSERT_EQ(nghttp3_conn_submit_request(connection_, id, values.data(), values.size(), &reader_, nullptr), 0);
  }
  void respond(StreamId id, const HeadLines& lines, std::string content) {
    content_ = std::move(content);
    const auto values = to_values(lines);
    ASSERT_EQ(nghttp3_conn_submit_response(connection_, id, values.data(), values.size(), &reader_), 0);
  }

  void deliver_to(Endpoint& ours, std::size_t piece_bytes) {
    for (;;) {
      std::int64_t id = -1;
      int fin = 0;
      nghttp3_vec vectors[16];
      const nghttp3_ssize count = nghttp3_conn_writev_stream(connection_, &id, &fin, vectors, std::size(vectors));
      ASSERT_GE(count, 0);
      if (id < 0) return;
      Buffer bytes;
      for (nghttp3_ssize i = 0; i < count; ++i) bytes = bytes + to_buffer(ByteView{vectors[i].base, vectors[i].len});
      ASSERT_EQ(nghttp3_conn_add_write_offset(connection_, id, bytes.size()), 0);
      ours.feed(id, bytes, fin != 0, piece_bytes);
    }
  }
  void take_from(Endpoint& ours, std::size_t piece_bytes) {
    for (auto& [id, out] : ours.streams.streams) {
      while (out.delivered < out.bytes.size() || (out.fin && !out.fin_delivered)) {
        const std::size_t size = std::min(piece_bytes, out.bytes.size() - out.delivered);
        const bool last = out.delivered + size == out.bytes.size();
        ASSERT_GE(nghttp3_conn_read_stream(connection_, id, out.bytes.data() + out.delivered, size, last && out.fin),
                  0);
        out.delivered += size;
        out.fin_delivered = last && out.fin;
      }
    }
  }

  std::string received;

 private:
  static std::string text_of(const nghttp3_rcbuf* buffer) {
    const nghttp3_vec vec = nghttp3_rcbuf_get_buf(buffer);
    return std::string{as_text({vec.base, vec.len})};
  }
  static std::vector<nghttp3_nv> to_values(const HeadLines& lines) {
    std::vector<nghttp3_nv> values;
    const auto bytes = [](std::string_view text) { return const_cast<std::uint8_t*>(as_bytes(text).data()); };
    for (const auto& [name, value] : lines) {
      values.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP3_NV_FLAG_NONE});
    }
    return values;
  }
  static nghttp3_ssize read_content(nghttp3_conn*, std::int64_t, nghttp3_vec* vectors, std::size_t,
                                    std::uint32_t* flags, void* self, void*) {
    std::string& content = static_cast<Foreign*>(self)->content_;
    *flags |= NGHTTP3_DATA_FLAG_EOF;
    if (content.empty()) return 0;
    vectors[0] = {const_cast<std::uint8_t*>(as_bytes(content).data()), content.size()};
    return 1;
  }

  nghttp3_conn* connection_ = nullptr;
  nghttp3_data_reader reader_{read_content};
  std::string content_;
};

class H3ForeignPeer : public testing::TestWithParam<std::size_t> {};

TEST_P(H3ForeignPeer, AsksOurServer) {
  Endpoint server{Role::server};
  Foreign client{Role::client};
  server.connection.handle_ready();
  client.take_from(server, GetParam());
  client.request(0, post_lines() + HeadLines{{"content-length", "7"}, {"x-long", "a value that no static table has"}},
                 "content");
  client.deliver_to(server, GetParam());
  EXPECT_EQ(server.recorder.error, std::nullopt);
  EXPECT_EQ(server.recorder.log,
            (Log{"settings",
                 "request 0 POST https localhost:4433 /  content-length=7 x-long=a value that no static table has",
                 "data 0", "fin 0"}));
  EXPECT_EQ(server.recorder.received[0], "content");
  const http::Field fields[] = {{"Content-Type", "text/plain"}, {"x-other", "\xE9 value"}};
  ASSERT_TRUE(server.connection.respond(0, 103, {}, false));
  ASSERT_TRUE(server.connection.respond(0, 200, fields, false));
  server.connection.send_data(0, Bytes::copy_of("ans"), false);
  server.connection.send_data(0, Bytes::copy_of("wer"), true);
  server.connection.goaway();
  client.take_from(server, GetParam());
  EXPECT_EQ(client.received, ":status=103\n:status=200\ncontent-type=text/plain\nx-other=\xE9 value\nanswer\nend\n");
}

TEST_P(H3ForeignPeer, AnswersOurClient) {
  Endpoint client{Role::client};
  Foreign server{Role::server};
  client.connection.handle_ready();
  server.take_from(client, GetParam());
  server.deliver_to(client, GetParam());
  ASSERT_TRUE(client.recorder.settings.has_value());
  EXPECT_TRUE(client.recorder.settings->extended_connect && client.recorder.settings->datagrams);
  RequestHead head{
      .method = "CONNECT", .scheme = "https", .authority = "localhost", .path = "/x", .protocol = "webtransport"};
  head.fields.add("Origin", "https://example.org");
  const auto id = client.connection.request(head, false);
  ASSERT_TRUE(id.has_value());
  client.connection.send_data(*id, Bytes::copy_of("capsules"), true);
  server.take_from(client, GetParam());
  EXPECT_EQ(server.received,
            ":method=CONNECT\n:scheme=https\n:authority=localhost\n:path=/x\n:protocol=webtransport\n"
            "origin=https://example.org\ncapsules\nend\n");
  server.respond(*id, {{":status", "200"}, {"x-server", "foreign"}}, "and back");
  server.deliver_to(client, GetParam());
  EXPECT_EQ(client.recorder.log, (Log{"settings", "response 0 200 x-server=foreign", "data 0", "fin 0"}));
  EXPECT_EQ(client.recorder.received[*id], "and back");
}

INSTANTIATE_TEST_SUITE_P(Pieces, H3ForeignPeer, testing::Values(1, 2, 5, 1000));

}  // namespace
}  // namespace plait::h3
