// RPC (spec/messaging.md §3): two peers with a wire of memory between them.
#include <gtest/gtest.h>
#include <plait/rpc.hpp>

#include <stdexcept>

#include "fake.hpp"
#include "messaging/rpc_message.hpp"
#include "support/vectors.hpp"

namespace plait::test {
namespace {

using namespace std::chrono_literals;

std::string frame(std::string_view json) {
  const auto size = static_cast<std::uint32_t>(json.size());
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(size >> shift & 0xFF);
  return out.append(json);
}

/// A result or error as one line.
std::string text_of(const RpcResult& result) {
  if (!result) return std::to_string(result.error().code) + " " + result.error().message;
  std::string json;
  EXPECT_TRUE(encode(Format::json, *result, json));
  return json;
}

RpcResult add(const Value& params) {
  const auto left = params.at(0).as_int64();
  const auto right = params.at(1).as_int64();
  if (!left || !right) return rpc_error(rpc_code::kInvalidParams, "two integers");
  return Value{*left + *right};
}

class Rpc : public testing::Test {
 protected:
  explicit Rpc(const RpcOptions& options = {}) {
    client = *RpcPeer::open(session, options);
    client_wire = session.streams.back().get();
    server_wire = &session.add_stream(nullptr);
    auto handler = std::make_unique<RpcPeer>(*server_wire, options);
    server = handler.get();
    server_wire->handler = std::move(handler);
    server->serve("add", add);
    server->serve_later("later", [this](const Value&, RpcReply reply) { replies.push_back(std::move(reply)); });
  }

  /// Carries bytes both ways until nothing is left.
  void settle() {
    while (!client_wire->written.empty() || !server_wire->written.empty()) {
      const std::string up = client_wire->take();
      const std::string down = server_wire->take();
      if (!up.empty()) server_wire->receive(up);
      if (!down.empty()) client_wire->receive(down);
    }
  }
  RpcPeer::Done keep(std::string& text) {
    return [&text](const RpcResult& result) { text = text_of(result); };
  }
  /// Calls and returns what came.
  std::string call(std::string_view method, const Value& params) {
    std::string text = "nothing";
    client->call(method, params, keep(text));
    settle();
    return text;
  }
  /// The error's kind of a call that fails by itself.
  std::function<void(RpcResult)> keep_kind(std::optional<RpcError::Kind>& kind) {
    return [&kind](const RpcResult& result) { kind = result.error().kind; };
  }

  std::vector<RpcReply> replies;
  FakeExecutor executor;
  FakeSession session{executor};
  RpcPeer* client = nullptr;
  RpcPeer* server = nullptr;
  FakeStream* client_wire = nullptr;
  FakeStream* server_wire = nullptr;
};

TEST_F(Rpc, BothSidesCallAndServe) {
  EXPECT_EQ(call("add", Value::array({2, 3})), "5");
  client->serve("name", [](const Value&) -> RpcResult { return Value{"client"}; });
  std::string text;
  server->call("name", Value::array(), keep(text));
  settle();
  EXPECT_EQ(text, "\"client\"");
  EXPECT_EQ(client->pending_calls() + server->pending_calls(), 0U);
  EXPECT_FALSE(executor.has_timers());
}

TEST_F(Rpc, Errors) {
  EXPECT_EQ(call("add", Value::array({2})), "-32602 two integers");
  EXPECT_EQ(call("nothing", Value::array()), "-32601 there is no such method");
  EXPECT_EQ(call("add", 5), "-32602 parameters are an array or an object");
  server->serve("throws", [](const Value&) -> RpcResult { throw std::runtime_error{"secret"}; });
  EXPECT_EQ(call("throws", Value::array()), "-32603 no answer") << "what was thrown is the server's own";
  server->serve("binary", [](const Value&) -> RpcResult { return Value{Value::Binary{1}}; });
  EXPECT_EQ(call("binary", Value::array()), "-32603 the result is too large, or not JSON");
  server->serve("own", [](const Value&) -> RpcResult { return rpc_error(7, "mine"); });
  EXPECT_EQ(call("own", Value::array()), "7 mine");
}

TEST_F(Rpc, Vectors) {
  server->serve("echo", [](const Value& params) -> RpcResult { return params; });
  const VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("rpc_exchanges")) {
    server_wire->receive(as_text(from_hex(string_member(vector, "request"))));
    EXPECT_EQ(to_hex(as_bytes(server_wire->take())), string_member(vector, "answer")) << string_member(vector, "name");
  }
}

TEST_F(Rpc, CallsAreAsTheSpecificationSays) {
  client->call("add", Value::array({2, 3}), [](const RpcResult&) {});
  EXPECT_EQ(client_wire->take(), frame(R"({"id":1,"method":"add","params":[2,3]})"));
  EXPECT_EQ(client->notify("log", Value::array({"x"})), SendStatus::sent);
  EXPECT_EQ(client_wire->take(), frame(R"({"method":"log","params":["x"]})"));
}

TEST_F(Rpc, NotificationsAreCarriedOutAndNotAnswered) {
  std::string logged;
  server->serve("log", [&](const Value& params) -> RpcResult {
    logged = *params.at(0).as_string();
    return rpc_error(1, "nobody hears this");
  });
  client->notify("log", Value::array({"x"}));
  client->notify("nothing", Value::array());
  server_wire->receive(client_wire->take());
  EXPECT_EQ(logged, "x");
  EXPECT_EQ(server_wire->take(), "");
}

TEST_F(Rpc, AnAnswerMayComeLaterAndOutOfOrder) {
  std::string first;
  std::string second;
  client->call("later", Value::array(), keep(first));
  client->call("later", Value::array(), keep(second));
  settle();
  ASSERT_EQ(replies.size(), 2U);
  replies[1].result("b");
  replies[1].result("only the first answer counts");
  replies[0].error(5, "a");
  settle();
  EXPECT_EQ(first, "5 a");
  EXPECT_EQ(second, "\"b\"");
}

TEST_F(Rpc, AReplyThatIsForgottenIsAnError) {
  std::string text;
  client->call("later", Value::array(), keep(text));
  settle();
  replies.clear();
  settle();
  EXPECT_EQ(text, "-32603 no answer");
}

TEST_F(Rpc, ACallHasADeadline) {
  std::optional<RpcError::Kind> quick;
  std::optional<RpcError::Kind> usual;
  client->call("later", Value::array(), keep_kind(usual));
  client->call("later", Value::array(), keep_kind(quick), 2s);
  settle();
  executor.advance(2100ms);
  EXPECT_EQ(quick, RpcError::Kind::timeout);
  EXPECT_EQ(usual, std::nullopt);
  executor.advance(28s);
  EXPECT_EQ(usual, RpcError::Kind::timeout);
  EXPECT_EQ(client->pending_calls(), 0U);
  replies[0].result("too late");
  settle();
}

TEST_F(Rpc, TheLongestTimeIsNoneThatIsOver) {
  executor.advance(1s);
  std::optional<RpcError::Kind> kind;
  client->call("later", Value::array(), keep_kind(kind), Duration::max());
  executor.advance(10s);
  EXPECT_EQ(kind, std::nullopt);
  EXPECT_EQ(client->pending_calls(), 1U);
}

TEST_F(Rpc, AnExceptionAtADeadlineEndsTheSessionOnly) {
  client->call("later", Value::array(), [](const RpcResult&) { throw std::runtime_error{"user"}; });
  executor.advance(31s);
  EXPECT_TRUE(session.closed);
}

TEST_F(Rpc, AMethodMayReplaceItselfWhileItRuns) {
  server->serve("once", [this, name = std::string(100, 'x')](const Value&) -> RpcResult {
    server->serve("once", [](const Value&) -> RpcResult { return Value{"again"}; });
    return Value{name};
  });
  EXPECT_EQ(call("once", Value::array()), '"' + std::string(100, 'x') + '"');
  EXPECT_EQ(call("once", Value::array()), "\"again\"");
}

TEST_F(Rpc, AllCallsUnderWayHearOfTheEndThoughOneThrows) {
  int ended = 0;
  for (int i = 0; i < 6; ++i) {
    client->call("later", Value::array(), [&ended](const RpcResult&) {
      if (++ended == 2) throw std::runtime_error{"user"};
    });
  }
  bool closed = false;
  client->on_close([&] { closed = true; });
  settle();
  EXPECT_THROW(client_wire->close(), std::runtime_error);
  EXPECT_EQ(ended, 6);
  EXPECT_TRUE(closed);
}

TEST_F(Rpc, TheEndFailsWhatIsUnderWay) {
  std::optional<RpcError::Kind> kind;
  client->call("later", Value::array(), keep_kind(kind));
  bool closed = false;
  client->on_close([&] { closed = true; });
  settle();
  client_wire->close();
  EXPECT_EQ(kind, RpcError::Kind::closed);
  EXPECT_TRUE(closed);
  EXPECT_FALSE(executor.has_timers());
  server_wire->close();
  replies[0].result("the stream is gone");
}

TEST_F(Rpc, AResetAndACloseOfOursFailCallsToo) {
  std::optional<RpcError::Kind> reset;
  client->call("later", Value::array(), keep_kind(reset));
  client_wire->handler->on_reset(*client_wire, 1);
  EXPECT_EQ(reset, RpcError::Kind::closed);
  std::optional<RpcError::Kind> after;
  client->call("add", Value::array(), keep_kind(after));
  EXPECT_EQ(after, RpcError::Kind::closed);
  std::optional<RpcError::Kind> closed;
  server->call("x", Value::array(), keep_kind(closed));
  server->close();
  EXPECT_EQ(closed, RpcError::Kind::closed);
  EXPECT_TRUE(server_wire->fin);
}

TEST_F(Rpc, WhoFinishesStillGetsAnswers) {
  std::string text;
  client->call("later", Value::array(), keep(text));
  server_wire->receive(client_wire->take(), true);
  EXPECT_FALSE(server_wire->fin);
  replies[0].result(1);
  EXPECT_TRUE(server_wire->fin) << "and then the server finishes, too";
  settle();
  EXPECT_EQ(text, "1");
}

TEST_F(Rpc, WhoHasFinishedIsAskedNothing) {
  client->call("later", Value::array(), [](const RpcResult&) {});
  server_wire->receive(client_wire->take(), true);
  std::optional<RpcError::Kind> kind;
  server->call("name", Value::array(), keep_kind(kind));
  EXPECT_EQ(kind, RpcError::Kind::closed) << "at once, and not when the stream closes";
  EXPECT_EQ(server_wire->take(), "");
}

TEST_F(Rpc, ACallMayBeMadeFromInsideAnAnswer) {
  std::string text;
  client->call("add", Value::array({1, 1}), [&](const RpcResult& result) {
    client->call("add", Value::array({*result->as_int64(), 10}), keep(text));
  });
  settle();
  EXPECT_EQ(text, "12");
}

class RpcLimits : public Rpc {
 protected:
  RpcLimits() : Rpc(RpcOptions{.timeout = 30s, .message_bytes_max = 200, .requests_max = 2}) {}
};

TEST_F(RpcLimits, RequestsWaitForTheirTurnAndThenAreRefused) {
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> texts(9, "nothing");
    for (std::string& text : texts) client->call("later", Value::array({"0123456789"}), keep(text));
    settle();
    EXPECT_EQ(replies.size(), 2U) << "as many as may run at once";
    EXPECT_EQ(texts.back(), "-32000 too many requests wait");
    std::size_t answered = 0;
    while (answered < replies.size()) {
      replies[answered].result(answered);
      ++answered;
      settle();
    }
    EXPECT_EQ(answered, 6U) << "two at once, and four times 49 or 50 bytes";
    EXPECT_EQ(texts[5], "5") << "in order";
    replies.clear();
  }
}

class RpcOneAtATime : public Rpc {
 protected:
  RpcOneAtATime() : Rpc(RpcOptions{.requests_max = 1}) {}
};

// The stack has no room for one in the other.
TEST_F(RpcOneAtATime, ThousandsThatWaitAreCarriedOutInARow) {
  constexpr int kMany = 25'000;
  int carried_out = 0;
  server->serve("count", [&carried_out](const Value&) -> RpcResult { return Value{++carried_out}; });
  std::string requests = frame(R"({"method":"later"})");
  for (int i = 0; i < kMany; ++i) requests += frame(R"({"method":"count"})");
  server_wire->receive(requests);
  EXPECT_EQ(carried_out, 0);
  ASSERT_EQ(replies.size(), 1U);
  replies[0].result(1);
  EXPECT_EQ(carried_out, kMany);
}

// It was forgotten without an answer, and counted as under way for ever.
TEST_F(RpcLimits, AReplyThatAnotherIsAssignedToIsAnError) {
  std::optional<RpcReply> newest;
  server->serve_later("newest", [&](const Value&, RpcReply reply) { newest = std::move(reply); });
  std::vector<std::string> texts(5, "nothing");
  for (std::string& text : texts) {
    client->call("newest", Value::array(), keep(text));
    settle();
  }
  RpcReply& same = *newest;
  *newest = std::move(same);
  settle();
  EXPECT_EQ(texts, (std::vector<std::string>{"-32603 no answer", "-32603 no answer", "-32603 no answer",
                                             "-32603 no answer", "nothing"}));
  newest->result(5);
  settle();
  EXPECT_EQ(texts.back(), "5");
}

TEST_F(RpcLimits, AnAssignmentMayBeInterruptedByTheNext) {
  std::optional<RpcReply> newest;
  server->serve_later("newest", [&](const Value&, RpcReply reply) { newest = std::move(reply); });
  std::vector<std::string> texts(3, "nothing");
  client->call("newest", Value::array(), keep(texts[0]));
  client->call("later", Value::array(), keep(texts[1]));
  client->call("newest", Value::array(), keep(texts[2]));  // waits until one of the others is answered
  settle();
  newest = std::move(replies[0]);
  settle();
  newest->result("last");
  settle();
  EXPECT_EQ(texts, (std::vector<std::string>{"-32603 no answer", "-32603 no answer", "\"last\""}));
}

TEST_F(RpcLimits, AnswersPassRequestsThatWait) {
  for (int i = 0; i < 3; ++i) client->call("later", Value::array(), [](const RpcResult&) {});
  client->serve("name", [](const Value&) -> RpcResult { return Value{"client"}; });
  settle();
  std::string text;
  server->call("name", Value::array(), keep(text));
  settle();
  EXPECT_EQ(text, "\"client\"");
}

TEST_F(RpcLimits, WhatIsTooLargeIsNotSent) {
  std::optional<RpcError::Kind> kind;
  client->call("add", Value::array({std::string(200, 'x')}), keep_kind(kind));
  EXPECT_EQ(kind, RpcError::Kind::unsent);
  EXPECT_EQ(client->notify("add", Value::array({std::string(200, 'x')})), SendStatus::dropped);
  EXPECT_EQ(client_wire->take(), "");
  server->serve("large", [](const Value&) -> RpcResult { return Value{std::string(200, 'x')}; });
  EXPECT_EQ(call("large", Value::array()), "-32603 the result is too large, or not JSON");
}

TEST_F(RpcLimits, AMessageAboveTheLimitEndsTheStream) {
  std::optional<RpcError::Kind> kind;
  server->call("x", Value::array(), keep_kind(kind));
  server_wire->receive(std::string_view{"\0\0\0\xC9", 4});
  EXPECT_EQ(server_wire->reset_codes, std::vector<std::uint32_t>{0xC});
  EXPECT_EQ(server_wire->stop_codes, std::vector<std::uint32_t>{0xC});
  EXPECT_EQ(kind, RpcError::Kind::closed);
}

TEST_F(RpcLimits, APeerThatDoesNotReadIsGivenUp) {
  server_wire->status = SendStatus::dropped;
  client->call("add", Value::array({1, 2}), [](const RpcResult&) {});
  settle();
  EXPECT_EQ(server_wire->reset_codes, std::vector<std::uint32_t>{0xC});
  std::optional<RpcError::Kind> kind;
  client_wire->status = SendStatus::dropped;
  client->call("add", Value::array({1, 2}), keep_kind(kind));
  EXPECT_EQ(kind, RpcError::Kind::unsent);
}

// The reply is answered by its destructor, out of which no exception may come.
TEST_F(Rpc, AnExceptionWhenAPeerIsGivenUpEndsTheSessionOnly) {
  server->serve("throws", [](const Value&) -> RpcResult { throw std::runtime_error{"user"}; });
  server->call("x", Value::array(), [](const RpcResult&) { throw std::runtime_error{"user"}; });
  server_wire->status = SendStatus::dropped;
  server_wire->receive(frame(R"({"id":1,"method":"throws"})"));
  EXPECT_EQ(server_wire->reset_codes, std::vector<std::uint32_t>{0xC});
  EXPECT_EQ(server->pending_calls(), 0U);
  EXPECT_TRUE(session.closed);
}

TEST_F(Rpc, AnAssignmentToAReplyMayEndTheSession) {
  client->call("later", Value::array(), [](const RpcResult&) {});
  client->call("later", Value::array(), [](const RpcResult&) {});
  settle();
  server->call("x", Value::array(), [](const RpcResult&) { throw std::runtime_error{"user"}; });
  server_wire->status = SendStatus::dropped;
  replies[0] = std::move(replies[1]);
  EXPECT_TRUE(session.closed);
}

TEST_F(Rpc, CutAnywhere) {
  for (std::size_t cut = 0;; ++cut) {
    std::string text;
    client->call("add", Value::array({20, 3}), keep(text));
    const std::string request = client_wire->take();
    if (cut > request.size()) break;
    server_wire->receive(request.substr(0, cut));
    server_wire->receive(request.substr(cut));
    const std::string answer = server_wire->take();
    for (const char byte : answer) client_wire->receive({&byte, 1});
    EXPECT_EQ(text, "23") << cut;
  }
}

TEST_F(Rpc, OpeningFailsAsTheSessionSays) {
  session.stream_error = StreamError::limit;
  EXPECT_EQ(RpcPeer::open(session).error(), StreamError::limit);
}

}  // namespace
}  // namespace plait::test
