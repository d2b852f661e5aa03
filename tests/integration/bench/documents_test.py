"""What the JSON, Markdown and HTML of plait bench say of every number."""

import shlex
import statistics
import unittest

from harness import Bench

ROUNDS = 3
SUMMARY = {"median", "low", "high", "min", "max", "mean", "stddev", "count"}
LIMITS = {"server-bound", "generator-bound", "latency-bound", "one core shared"}


class Documents:
    """The same for every suite; subclasses say which rows they run."""

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench(cls.SUITE, cls.ROWS, "--peer", "raw", "--rounds", ROUNDS)

    def servers(self):
        return [(case, server) for case in self.bench.cases for server in case["servers"]]

    def test_the_report_names_suite_command_and_machine(self):
        report = self.bench.report
        self.assertEqual(report["suite"], self.SUITE)
        self.assertRegex(report["command"], f"^plait bench {self.SUITE} .*--quick ")
        for fact in ("CPU", "kernel", "TCP congestion control, but in bulk rows", "compiler", "plait"):
            self.assertTrue(report["machine"][fact], fact)
        self.assertIn(report["command"], self.bench.markdown)

    def test_depth_1_is_shown_in_three_placements_for_both_servers(self):
        self.assertEqual([case["placement"] for case in self.bench.cases], ["free", "one core", "two cores"])
        for case in self.bench.cases:
            self.assertEqual([server["name"] for server in case["servers"]], ["plait", "raw"])

    def test_each_sample_has_confirmed_counts_rates_latency_cpu_and_limit(self):
        for _, server in self.servers():
            self.assertEqual(len(server["samples"]), ROUNDS)
            for sample in server["samples"]:
                self.assertGreater(sample["messages"], 0)
                self.assertGreater(sample["payload_bytes"], 0)
                self.assertTrue(sample["per_second"] and all(rate > 0 for rate in sample["per_second"]))
                self.assertGreater(sample["server_cpu_seconds"], 0)
                self.assertGreater(sample["client_cpu_seconds"], 0)
                latency = [sample["latency_us"][name] for name in ("min", "p50", "p90", "p95", "p99", "p999", "max")]
                self.assertEqual(latency, sorted(latency))
                self.assertGreater(latency[0], 0)
                self.assertIn(sample["limit"], LIMITS)

    def test_repeats_are_summed_up(self):
        for case, server in self.servers():
            for claim in case["claims"]:
                measured = claim["measured"][server["name"]]
                self.assertEqual(set(measured), SUMMARY)
                self.assertEqual(measured["count"], ROUNDS)
                self.assertLessEqual(measured["min"], measured["median"])
                self.assertLessEqual(measured["median"], measured["max"])
            for ratio in server["baseline_divided_by_it"].values():
                self.assertEqual(set(ratio), SUMMARY)

    def test_the_summary_is_that_of_the_samples(self):
        for case, server in self.servers():
            claim = next(claim for claim in case["claims"] if claim["metric"] == self.LATENCY)
            values = [sample["latency_us"][self.LATENCY] for sample in server["samples"]]
            measured = claim["measured"][server["name"]]
            self.assertAlmostEqual(measured["median"], statistics.median(values))
            self.assertAlmostEqual(measured["stddev"], statistics.stdev(values))

    def test_each_claim_names_source_published_counted_ours_and_unit(self):
        table = self.bench.table("## Sources")
        claims = [claim for case in self.bench.cases for claim in case["claims"]]
        self.assertEqual(len(table), len(claims))
        for row, claim in zip(table, claims):
            self.assertEqual(claim["source"] or "Plait's own row", row["source"])
            self.assertIn(self.SOURCE, row["source"])
            self.assertEqual(claim["published"] is None, row["published"] == "–")
            self.assertEqual(claim["counted"], row["what the published value counted"])
            self.assertTrue(claim["counted"] and row["plait"])
            self.assertTrue(row["unit"].startswith(claim["unit"]))

    def test_each_case_shows_both_cpus_spread_and_limit(self):
        for case in self.bench.cases:
            rows = self.bench.table(f"### {case['row']} · {case['placement']}")
            self.assertEqual([row["server"] for row in rows], ["plait", "raw"])
            for row in rows:
                for column in ("server CPU µs", "client CPU µs", "stddev"):
                    self.assertRegex(row[column], r"^[0-9.]+")
                self.assertIn(row["limit"], LIMITS)

    def test_the_page_stands_alone(self):
        self.assertIn("<svg", self.bench.html)
        for outside in ("src=", "href=", "@import"):
            self.assertNotIn(outside, self.bench.html)


class WebSocket(Documents, unittest.TestCase):
    SUITE, ROWS, SOURCE, LATENCY = "websocket", "echo/93B/d1/c1$", "Plait's own row", "p50"


class Command(unittest.TestCase):
    def test_the_reports_command_can_be_pasted(self):
        rows = "^connect/k1$|it's|#`$(a b)"
        bench = Bench("websocket", rows, "--placement", "free", "--seconds", "0.05")
        words = shlex.split(bench.report["command"])
        self.assertEqual(words[:5], ["plait", "bench", "websocket", "--rows", rows])


class TcpEcho(Documents, unittest.TestCase):
    SUITE, ROWS, SOURCE, LATENCY = "tcp-echo", "^literal/1KB$", "network-echo, BENCHMARKS.md", "mean"

    def test_published_values_stand_beside_ours(self):
        claims = self.bench.cases[0]["claims"]
        self.assertEqual([(claim["metric"], claim["published"]) for claim in claims][:2], [("mean", 30), ("p95", 53)])
        self.assertIn("2000 messages one at a time", claims[0]["counted"])
        for case in self.bench.cases:
            for server in case["servers"]:
                self.assertEqual({sample["messages"] for sample in server["samples"]}, {2000})


if __name__ == "__main__":
    unittest.main()
