#include "bench/report.hpp"

#include "bench/json_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace plait::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

Sample make_sample(double messages, double server_cpu, double client_cpu) {
  Sample sample;
  sample.seconds = 1;
  sample.messages = messages;
  sample.payload_bytes = messages * 1024;
  sample.server_cpu_seconds = server_cpu;
  sample.client_cpu_seconds = client_cpu;
  sample.latency_us.add("p50", 10.0);
  return sample;
}

Report make_report() {
  CaseResult result;
  result.row = {.id = "echo/93B", .title = "a | b", .scheme = "ws", .path = "/echo"};
  result.row.claims = {{Metric::mebibytes_per_second_one_way, "document", 32.34, "payload / time"}};
  result.servers = {{.server = "plait", .samples = {make_sample(1 << 21, 0.5, 0.9), make_sample(1 << 22, 0.5, 0.9)}},
                    {.server = "peer", .samples = {make_sample(1 << 20, 0.9, 0.5), make_sample(1 << 21, 0.9, 0.5)}},
                    {.server = "broken", .error = "it\nfell"}};
  return {.suite = "s",
          .title = "<title>",
          .command = "plait bench s",
          .baseline = "plait",
          .machine = {{"CPU", "2 × chip"}},
          .missing_peers = {"x: apt install x"},
          .notes = {"left out: <much>"},
          .cases = {result}};
}

TEST(BenchReport, HumanNumbersHaveThreeDigits) {
  EXPECT_EQ(human(0), "0");
  EXPECT_EQ(human(0.04127), "0.0413");
  EXPECT_EQ(human(54.46), "54.5");
  EXPECT_EQ(human(9990), "9990");
  EXPECT_EQ(human(9996), "10.0k");
  EXPECT_EQ(human(165432), "165k");
  EXPECT_EQ(human(999499), "999k");
  EXPECT_EQ(human(12.65e6), "12.7M");
  EXPECT_EQ(human(3.1e9), "3.10G");
}

TEST(BenchReport, TextTableAlignsCharactersNotBytes) {
  const Table table{.header = {"a", "µs"}, .rows = {{"long name", "5"}, {"é", "12345"}}};
  EXPECT_EQ(table.text(), "a             µs\nlong name      5\né          12345\n");
}

TEST(BenchReport, MarkdownEscapesBars) {
  const Table table{.header = {"a"}, .rows = {{"x|y"}}};
  EXPECT_EQ(table.markdown(), "| a |\n|:--|\n| x\\|y |\n");
}

TEST(BenchReport, RatiosPairByRound) {
  const Report report = make_report();
  const Summary ratio = paired_ratio(report.cases[0], "plait", "peer", Metric::messages_per_second);
  EXPECT_EQ(ratio.count, 2U);
  EXPECT_DOUBLE_EQ(ratio.median, 2);
  EXPECT_DOUBLE_EQ(ratio.max, 2);
  EXPECT_EQ(paired_ratio(report.cases[0], "plait", "broken", Metric::messages_per_second).count, 0U);
}

TEST(BenchReport, BaselineFallsBackToAServerThatWasMeasured) {
  Report report = make_report();
  EXPECT_EQ(baseline_of(report.cases[0], "plait"), "plait");
  EXPECT_EQ(baseline_of(report.cases[0], "broken"), "plait");
}

TEST(BenchReport, TextNamesLimitAndFailures) {
  const std::string text = to_text(make_report().cases[0], "plait");
  EXPECT_THAT(text, HasSubstr("generator-bound"));
  EXPECT_THAT(text, HasSubstr("server-bound"));
  EXPECT_THAT(text, HasSubstr("broken failed after 0 samples: it fell"));
}

TEST(BenchReport, TextNamesAnExtraSampleThatFailed) {
  Report report = make_report();
  report.cases[0].servers[1].retake_error = "it\ncrashed";
  EXPECT_THAT(to_text(report.cases[0], "plait"), HasSubstr("peer failed in an extra sample: it crashed"));
  EXPECT_EQ(to_json(report).find("cases").at(0).find("servers").at(1).find("retake_error"), "it\ncrashed");
}

TEST(BenchReport, BulkRowsNameTheCongestionControlOfEachServer) {
  Report report = make_report();
  CaseResult& result = report.cases[0];
  result.servers.pop_back();
  result.servers[0].congestion_control = "cubic";
  EXPECT_THAT(to_text(result, "plait"), Not(HasSubstr("congestion"))) << "of other rows the machine's is";
  result.row.plan.mode = LoadMode::bulk;
  for (const std::string& text : {to_text(result, "plait"), to_markdown(report), to_html(report)}) {
    EXPECT_THAT(text, HasSubstr("congestion control: plait cubic, peer not known"));
  }
}

TEST(BenchReport, WhereNoLatencyWasRecordedNoneIsShown) {
  Report report = make_report();
  CaseResult& result = report.cases[0];
  for (Sample& sample : result.servers[0].samples) sample.latency_us = Value{};
  Value zero;
  zero.add("p50", 0.0);
  result.servers[1].samples[0].latency_us = zero;  // as a peer's own client may say it
  const Table table = servers_table(result, "plait");
  ASSERT_EQ(table.header[4], "p50 µs");
  EXPECT_EQ(table.rows[0][4], "–");
  EXPECT_EQ(table.rows[1][4], "10.0") << "of the sample that has one";
  EXPECT_EQ(summarize_metric(result.servers[0], Metric::latency_p50_us).count, 0U);
  EXPECT_EQ(summarize_metric(result.servers[1], Metric::latency_p50_us).count, 1U);
  result.row.claims = {{Metric::latency_p50_us, "", std::nullopt, "c"}};
  EXPECT_EQ(claims_table(report).rows[0][5], "–");
}

TEST(BenchReport, TextNamesWhatWasLost) {
  Report report = make_report();
  CaseResult& result = report.cases[0];
  result.servers[1].samples[0].lost = 1 << 20;
  result.servers[1].samples[1].late = 4 << 20;
  result.row.plan.mode = LoadMode::datagram;
  EXPECT_THAT(to_text(result, "plait"), Not(HasSubstr("lost"))) << "what the row is about";
  result.row.plan.mode = LoadMode::echo;
  EXPECT_THAT(to_text(result, "plait"), HasSubstr("peer lost 1048576 messages (12.5 %)"));
  EXPECT_THAT(to_markdown(report), HasSubstr("peer lost 1048576 messages (12.5 %)"));
  EXPECT_THAT(to_text(result, "plait"), Not(HasSubstr("plait lost")));
}

TEST(BenchReport, ClaimsNameSourcePublishedCountedOursAndUnit) {
  const Table table = claims_table(make_report());
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"echo/93B", "two cores", "document", "payload / time", "32.34",
                                                     "3072 [2048–4096]", "MiB/s (one way)"}));
}

TEST(BenchReport, PublishedValuesKeepTheirDigits) {
  Report report = make_report();
  for (const auto& [value, text] : {std::pair{13985.0, "13985"}, {32.0, "32"}, {29.87 * 1000, "29870"}, {0.6, "0.6"}}) {
    report.cases[0].row.claims[0].value = value;
    EXPECT_EQ(claims_table(report).rows[0][4], text);
  }
}

TEST(BenchReport, SmallRatiosHaveThreeDigits) {
  EXPECT_EQ(ratio_text(0.0049), "0.00490");
  EXPECT_EQ(ratio_text(0.0996), "0.0996");
  EXPECT_EQ(ratio_text(0.1), "0.10");
  EXPECT_EQ(ratio_text(12.346), "12.35");
  Report report = make_report();
  for (Sample& sample : report.cases[0].servers[1].samples) sample.payload_bytes *= 1000;
  EXPECT_EQ(servers_table(report.cases[0], "plait").rows[1][9], "0.00200 [0.00200–0.00200]");
  EXPECT_THAT(to_html(report), HasSubstr("0.00200×"));
}

Report make_twin_report() {
  Report report = make_report();
  CaseResult literal = report.cases[0];
  CaseResult confirmed = report.cases[0];
  literal.row.twin = confirmed.row.twin = "upload";
  literal.row.id = "upload/literal";
  literal.row.plan.literal = true;
  confirmed.row.id = "upload/confirmed";
  confirmed.row.claims.push_back({Metric::loss_percent, "", std::nullopt, "lost"});
  for (Sample& sample : confirmed.servers[0].samples) sample.payload_bytes /= 2;
  report.cases.push_back(literal);
  report.cases.push_back(confirmed);
  return report;
}

TEST(BenchReport, TwinRowsStandInOneLine) {
  const Table table = claims_table(make_twin_report());
  ASSERT_EQ(table.header.size(), 8U);
  EXPECT_EQ(table.header[5], "plait, literal");
  EXPECT_EQ(table.header[6], "plait, confirmed");
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0][5], "–") << "a row without a twin";
  EXPECT_EQ(table.rows[0][6], "3072 [2048–4096]");
  EXPECT_EQ(table.rows[1][0], "upload");
  EXPECT_EQ(table.rows[1][5], "3072 [2048–4096]");
  EXPECT_EQ(table.rows[1][6], "1536 [1024–2048]");
  EXPECT_EQ(table.rows[2][5], "–") << "a claim of the confirmed row alone";
  EXPECT_EQ(table.rows[2][6], "0 [0–0]");
}

TEST(BenchReport, ATwinAloneHasItsColumn) {
  Report report = make_twin_report();
  report.cases = {report.cases[1]};
  const Table table = claims_table(report);
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0][5], "3072 [2048–4096]");
  EXPECT_EQ(table.rows[0][6], "–");
}

TEST(BenchReport, TwinsOfOtherPlacementsAreOthers) {
  Report report = make_twin_report();
  report.cases[2].placement = Placement::one;
  const Table table = claims_table(report);
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(table.rows[1][6], "–");
  EXPECT_EQ(table.rows[2][5], "–");
}

TEST(BenchReport, JsonHoldsEverySample) {
  const auto json = decode(Format::json, as_bytes(json_text(to_json(make_report()), 2)));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("title"), "<title>");
  const Value& servers = json->find("cases").at(0).find("servers");
  ASSERT_EQ(servers.as_array()->size(), 3U);
  EXPECT_EQ(servers.at(0).find("samples").as_array()->size(), 2U);
  EXPECT_EQ(servers.at(1).find("samples").at(1).find("messages").as_double().value_or(0), 1 << 21);
  EXPECT_EQ(servers.at(1).find("baseline_divided_by_it").find("rate").find("median").as_double().value_or(0), 2);
  EXPECT_EQ(servers.at(2).find("error"), "it\nfell");
}

TEST(BenchReport, HtmlStandsAloneAndEscapes) {
  const std::string html = to_html(make_report());
  EXPECT_THAT(html, HasSubstr("&lt;title&gt;"));
  EXPECT_THAT(html, HasSubstr("<svg"));
  EXPECT_THAT(html, HasSubstr("2.00×"));
  EXPECT_THAT(html, HasSubstr("<p>a | b</p>"));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("href=")));
}

TEST(BenchReport, APictureHasABarForEachCaseOfEachServerThatWasMeasured) {
  Report report = make_report();
  report.cases.push_back(report.cases[0]);
  const std::string svg = to_svg(report);
  EXPECT_EQ(svg.find("<svg xmlns=\"http://www.w3.org/2000/svg\""), 0U);
  EXPECT_THAT(svg, HasSubstr("&lt;title&gt;"));
  EXPECT_THAT(svg, HasSubstr("plait ÷ peer"));
  EXPECT_THAT(svg, Not(HasSubstr("÷ broken"))) << "it has no sample";
  EXPECT_THAT(svg, Not(HasSubstr("÷ plait")));
  std::size_t bars = 0;
  for (std::size_t at = svg.find("<rect"); at != std::string::npos; at = svg.find("<rect", at + 1)) ++bars;
  EXPECT_EQ(bars, 2U);
}

TEST(BenchReport, MarkdownHasCommandMachineAndMissingPeers) {
  const std::string text = to_markdown(make_report());
  EXPECT_THAT(text, HasSubstr("plait bench s"));
  EXPECT_THAT(text, HasSubstr("2 × chip"));
  EXPECT_THAT(text, HasSubstr("not measured: x: apt install x"));
}

TEST(BenchReport, NotesStandInEveryDocument) {
  EXPECT_THAT(to_markdown(make_report()), HasSubstr("- left out: <much>\n"));
  EXPECT_THAT(to_html(make_report()), HasSubstr("left out: &lt;much&gt;"));
  EXPECT_EQ(to_json(make_report()).find("notes").at(0), "left out: <much>");
}

TEST(BenchSample, LimitIsTheFullerCore) {
  EXPECT_EQ(limit_of(make_sample(1, 0.9, 0.95), Row{}, Placement::two), Limit::generator);
  EXPECT_EQ(limit_of(make_sample(1, 0.95, 0.9), Row{}, Placement::two), Limit::server);
  EXPECT_EQ(limit_of(make_sample(1, 0.5, 0.59), Row{}, Placement::two), Limit::latency);
  EXPECT_EQ(limit_of(make_sample(1, 0.5, 0.5), Row{}, Placement::one), Limit::shared);
}

TEST(BenchReport, WhoSpinsHasNoLimitAndNoCpuToCompare) {
  Report report = make_report();
  CaseResult& result = report.cases[0];
  const auto cells = [&] {
    const Table table = servers_table(result, "plait");
    const auto at = [&](const std::string& name) {
      return static_cast<std::size_t>(std::find(table.header.begin(), table.header.end(), name) - table.header.begin());
    };
    return std::vector{table.rows[1][at("limit")], table.rows[1][at("CPU ÷ its")]};
  };
  EXPECT_THAT(cells(), testing::ElementsAre("server-bound", HasSubstr("0.28")));
  result.row.plan.spin = true;
  EXPECT_THAT(cells(), testing::ElementsAre("spinning", "–"));
  result.row.plan.spin = false;
  result.row.server_options = "--busy-poll 50";
  EXPECT_THAT(cells(), testing::ElementsAre("spinning", "–"));
}

TEST(BenchSample, ReportsThatCannotBeReadAreErrors) {
  EXPECT_EQ(parse_sample(R"({"ok":false,"error":"why"})").error().message, "why");
  EXPECT_FALSE(parse_sample("Segmentation fault"));
}

TEST(BenchSample, JsonRoundTrip) {
  Sample sample = make_sample(1000, 0.25, 0.5);
  sample.per_second = {1, 2};
  sample.memory.add("anonymous_bytes_per_connection", 272.0);
  sample.late = 1000;
  sample.lost = 2000;
  Value json = to_json(sample);
  json.add("ok", true);
  const auto read = parse_sample(json_text(json));
  ASSERT_TRUE(read);
  EXPECT_EQ(json_text(to_json(*read)), json_text(to_json(sample)));
  EXPECT_DOUBLE_EQ(read->value(Metric::server_cpu_us_per_message), 250);
  EXPECT_DOUBLE_EQ(read->value(Metric::anonymous_bytes_per_connection), 272);
  EXPECT_DOUBLE_EQ(read->value(Metric::loss_percent), 50) << "of all that was sent";
  EXPECT_DOUBLE_EQ(read->value(Metric::mebibytes_per_second), 1000.0 / 1024);
  EXPECT_DOUBLE_EQ(read->value(Metric::gigabit_per_second), 1000 * 1024 * 8 / 1e9);
}

TEST(BenchSample, WithoutAMessageItIsEmptyUnlessSomeAreLateOrLost) {
  Sample sample;
  EXPECT_TRUE(sample.is_empty());
  EXPECT_FALSE(sample.has(Metric::server_cpu_us_per_message)) << "there is no message to divide it by";
  sample.lost = 1;
  EXPECT_FALSE(sample.is_empty());
  sample.lost = 0;
  sample.latency_us.add("max", 0.0);
  EXPECT_TRUE(sample.is_empty());
  EXPECT_FALSE(make_sample(1, 0, 0).is_empty());
}

TEST(BenchSample, WhatWasNotMeasuredIsLeftOutAndReadBack) {
  Sample sample = make_sample(1000, 0.25, 0.5);
  sample.latency_us = Value{};
  Value json = to_json(sample);
  EXPECT_TRUE(json.find("per_second").is_null());
  EXPECT_TRUE(json.find("latency_us").is_null());
  json.add("ok", true);
  const auto read = parse_sample(json_text(json));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->per_second.empty());
  EXPECT_FALSE(read->has(Metric::latency_max_us));
  EXPECT_TRUE(read->has(Metric::loss_percent)) << "none is a result";
}

TEST(BenchSuite, RowsThatLoseDatagramsSayHowMany) {
  for (const Row& row : webtransport_suite().rows) {
    const bool counts_losses = row.plan.datagrams || (row.plan.mode == LoadMode::datagram && !row.plan.literal);
    const auto is_loss = [](const Claim& claim) { return claim.metric == Metric::loss_percent; };
    EXPECT_EQ(std::any_of(row.claims.begin(), row.claims.end(), is_loss), counts_losses) << row.id;
  }
}

TEST(BenchSuite, RowsThatMoveBothWaysSayThatTheyCountThemTogether) {
  std::size_t rows = 0;
  for (const Suite& suite : all_suites()) {
    for (const Row& row : suite.rows) {
      if (row.plan.direction != StreamDirection::concurrent) continue;
      ++rows;
      EXPECT_THAT(row.title, HasSubstr("both directions together")) << row.id;
      EXPECT_THAT(row.claims.front().counted, HasSubstr("together")) << row.id;
    }
  }
  EXPECT_GT(rows, 2U);
}

TEST(BenchSuite, RowsAreUniqueAndComplete) {
  for (const Suite& suite : all_suites()) {
    std::set<std::string> ids;
    for (const Row& row : suite.rows) {
      EXPECT_TRUE(ids.insert(row.id).second) << row.id;
      EXPECT_FALSE(row.claims.empty() || row.placements.empty() || row.scheme.empty()) << row.id;
      for (const Claim& claim : row.claims) EXPECT_FALSE(claim.counted.empty()) << row.id;
      EXPECT_EQ(row.plan.literal, !row.twin.empty() && row.id == row.twin + "/literal") << row.id;
    }
  }
}

}  // namespace
}  // namespace plait::bench
