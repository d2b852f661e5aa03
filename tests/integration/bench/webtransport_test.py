"""plait bench webtransport: every kind of row, its two forms, and other servers on the same rows."""

import contextlib
import select
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from harness import PLAIT, PLAIT_WORD, TIMEOUT, Bench

TWINS = ("upload", "download", "duplex", "handshake", "request/64B", "request/1KB", "datagram-rtt/64B", "aggregate",
         "datagram-send/64B")
OTHERS = ("upload/steady/d10", "download/steady/d1/1200", "duplex/steady/d10", "aggregate/confirmed/1200",
          "connect/k16", "connect/k256", "aggregate/10000", "datagram-send/64B/steady", "request/64B/d64",
          "datagram-rtt/64B/d64", "request/64B/spin", "memory/1000")
MIB = 1 << 20

# Of what a machine that is busy may spoil.
TRIES = 3


def row_pattern(names):
    return "^(" + "|".join(names) + ")$"


class Kinds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.twins = Bench("webtransport", row_pattern(f"{name}/(literal|confirmed)" for name in TWINS),
                          "--placement", "free")

    def sample(self, row, bench=None):
        (case,) = [case for case in (bench or self.twins).cases if case["row"] == row]
        (server,) = case["servers"]
        self.assertNotIn("error", server)
        return server["samples"][0]

    def test_every_published_row_is_measured_as_published_and_as_confirmed(self):
        rows = [case["row"] for case in self.twins.cases]
        self.assertEqual(sorted(rows), sorted(f"{name}/{form}" for name in TWINS for form in ("literal", "confirmed")))
        for case in self.twins.cases:
            self.assertGreater(case["claims"][0]["measured"]["plait"]["median"], 0, case["row"])
            self.assertGreater(case["claims"][0]["published"], 0, case["row"])

    def test_both_forms_stand_in_one_line_beside_the_published_value(self):
        lines = {(line["row"], line["unit"]): line for line in self.twins.table("## Sources")}
        self.assertEqual({row for row, _ in lines}, set(TWINS))
        for (row, unit), line in lines.items():
            if unit == "% (lost)":
                continue
            for column in ("published", "plait, literal", "plait, confirmed"):
                self.assertRegex(line[column], r"^[0-9]", row)
        self.assertEqual(lines["upload", "MiB/s (payload)"]["published"], "32")
        self.assertIn("buffer", lines["upload", "MiB/s (payload)"]["what the published value counted"])
        self.assertEqual(lines["handshake", "messages/s (rate)"]["published"], "40.92")

    def test_streams_are_counted_whole_and_by_sessions(self):
        for name, bytes_each in (("upload", MIB), ("download", MIB), ("duplex", 2 * MIB)):
            for form in ("literal", "confirmed"):
                sample = self.sample(f"{name}/{form}")
                self.assertEqual(sample["payload_bytes"], sample["messages"] * bytes_each, name)
                self.assertEqual(sample["messages"] % 10, 0, "whole rounds")
        sample = self.sample("aggregate/confirmed")
        self.assertEqual(sample["messages"] % 1000, 0)
        self.assertEqual(sample["payload_bytes"], sample["messages"] * 65536)

    def test_an_exchange_on_an_open_session_is_shorter_than_one_with_its_session(self):
        def p50(name, bench=None):
            return [self.sample(f"{name}/{form}", bench)["latency_us"]["p50"] for form in ("confirmed", "literal")]

        for name in ("request/64B", "datagram-rtt/64B"):
            confirmed, literal = p50(name)
            for _ in range(TRIES):
                if confirmed < literal:
                    break
                rows = row_pattern([f"{name}/(literal|confirmed)"])
                confirmed, literal = p50(name, Bench("webtransport", rows, "--placement", "free"))
            self.assertLess(confirmed, literal, name)

    def test_each_part_of_an_opening_is_measured_often_enough(self):
        bench = Bench("webtransport", "^opening/.*/ecdsa$")
        samples = {case["row"].split("/")[1]: case["servers"][0]["samples"][0] for case in bench.cases}
        self.assertEqual(samples.keys(), {"quic", "settings", "session"})
        for part, sample in samples.items():
            self.assertGreater(sample["latency_us"]["min"], 0, part)
            self.assertGreaterEqual(sample["messages"], 1000 // 20, "at least so many, however short the window is")

    def test_openings_are_measured_with_each_kind_of_certificate(self):
        bench = Bench("webtransport", "^opening-cpu/(quic|session)/", "--peer", "raw")
        cpu = {case["row"]: case["claims"][0]["measured"]["plait"]["median"] for case in bench.cases}
        kinds = ("quic/ecdsa", "quic/rsa", "session/ecdsa", "session/resumed", "session/rsa")
        self.assertLessEqual({f"opening-cpu/{kind}" for kind in kinds}, cpu.keys())
        self.assertGreater(min(cpu.values()), 0)
        raw = {case["row"] for case in bench.cases if "raw" in case["claims"][0]["measured"]}
        self.assertEqual(raw, {"opening-cpu/quic/ecdsa"}, "the yardstick has one kind of certificate and no sessions")

    def test_the_other_rows(self):
        bench = Bench("webtransport", row_pattern(OTHERS), "--placement", "free", "--seconds", 0.3)
        self.assertEqual(sorted(case["row"] for case in bench.cases), sorted(OTHERS))
        for case in bench.cases:
            for claim in case["claims"]:
                measured = claim["measured"]["plait"]["median"]
                if claim["metric"] == "lost":
                    self.assertLess(measured, 100, "none may be lost, but not all")
                else:
                    self.assertGreater(measured, 0, case["row"])
            (sample,) = case["servers"][0]["samples"]
            whole = case["row"] in ("datagram-send/64B/steady", "memory/1000")
            self.assertEqual("per_second" in sample, not whole, "there is a rate of a second where it is known")
            self.assertEqual("latency_us" in sample, not whole, case["row"])


class Peers(unittest.TestCase):
    def errors(self, rows, path, *arguments, scheme="https"):
        base = f"{scheme}://127.0.0.1:{{port}}"
        peer = f"peer={PLAIT_WORD} bench serve --listen {base},{base}{path}"
        bench = Bench("webtransport", rows, "--placement", "free", "--peer", peer, *arguments)
        return {case["row"]: {server["name"]: server.get("error") for server in case["servers"]}
                for case in bench.cases}

    def test_a_server_with_a_port_of_our_choice_is_measured_beside_plait(self):
        errors = self.errors("^(upload/confirmed|memory/1000)$", "")
        for servers in errors.values():
            self.assertEqual(servers, {"plait": None, "peer": None})

    def test_the_server_may_be_told_its_scheme_in_capitals(self):
        peer = f"peer={PLAIT_WORD} bench serve --listen HTTPS://127.0.0.1:{{port}},https://127.0.0.1:{{port}}"
        bench = Bench("webtransport", "^request/1KB/confirmed$", "--placement", "free", "--peer", peer)
        self.assertEqual([server.get("error") for server in bench.cases[0]["servers"]], [None, None])

    def test_raw_quic_takes_part_in_every_kind_of_row(self):
        rows = ("upload", "download", "duplex", "request/1KB", "datagram-rtt/64B", "datagram-send/64B", "memory/1000")
        errors = self.errors(row_pattern(f"{row}/confirmed" if "memory" not in row else row for row in rows), "",
                             scheme="quic")
        self.assertEqual(len(errors), len(rows))
        for servers in errors.values():
            self.assertEqual(servers, {"plait": None, "peer": None})

    def test_datagrams_count_only_where_the_server_tells_how_many_it_has(self):
        errors = self.errors("^datagram-send/64B/confirmed$", "/latency")
        self.assertIn("does not tell how many datagrams", errors["datagram-send/64B/confirmed"]["peer"])

    def test_an_answer_that_is_not_the_request_is_no_answer(self):
        errors = self.errors("^request/1KB/confirmed$", "/discard")
        self.assertIn("an answer differs from the request", errors["request/1KB/confirmed"]["peer"])

    def test_a_server_that_refuses_the_path_is_quoted(self):
        errors = self.errors("^handshake/confirmed$", "/nowhere")
        self.assertIn("404", errors["handshake/confirmed"]["peer"])


# Takes the place of a Python with PyWebTransport: plait's server and generator under the other's name. Its client is
# noted with each call, and confirms nothing in the first $EMPTY of them. With $NOISY, something else used a whole core
# in the first one, and the others fail.
INTERPRETER = """#!/bin/sh
case "$*" in
  -c*) echo 9.9.9 ;;
  *_server.py*) exec "$PLAIT" bench serve --listen "https://127.0.0.1:$4" ;;
  *_client.py*)
    shift 3
    echo called >>"$NOTE"
    if [ "$NOISY" ]; then
      if [ "$(wc -l <"$NOTE")" -gt 1 ]; then echo '{"ok":false,"error":"out of luck"}'; exit 1; fi
      echo '{"ok":true,"seconds":1,"messages":100,"other_cpu_seconds":1}'; exit
    fi
    if [ "$(wc -l <"$NOTE")" -le "$EMPTY" ]; then echo '{"ok":true,"messages":0}'; exit; fi
    exec "$PLAIT" bench-generate "$@" ;;
esac
"""


class PyWebTransport(unittest.TestCase):
    def run_bench(self, *arguments, quick=True, **variables):
        """One row, and how often the client was called."""
        with tempfile.TemporaryDirectory(prefix="sp ace ") as folder:
            python, note = Path(folder, "python"), Path(folder, "note")
            python.write_text(INTERPRETER, encoding="ascii")
            python.chmod(0o755)
            environment = {"PLAIT_PYWEBTRANSPORT": f"{python}:{folder}/none", "PLAIT": PLAIT, "NOTE": str(note),
                           "EMPTY": "0", "NOISY": ""} | variables
            bench = Bench("webtransport", "^request/64B/literal$", "--placement", "free", "--peers", *arguments,
                          quick=quick, environment=environment)
            self.assertIn(f"{folder}/none has no pywebtransport", bench.output)
            return bench, len(note.read_text(encoding="ascii").splitlines())

    def assert_measured(self, empty, error, calls, repeated):
        """With a client that confirms nothing `empty` times: the error, how often it was called, and how many of these
        calls were extra. On a machine that is busy nothing may be confirmed in a short window of the others, either."""
        wanted = {"plait": None, "pywebtransport-9.9.9": error}, calls, repeated
        for seconds in (0.15, 1, 4):
            bench, called = self.run_bench("--seconds", seconds, EMPTY=str(empty))
            (case,) = bench.cases
            errors = {server["name"]: server.get("error") for server in case["servers"]}
            measured = errors, called, case["servers"][1]["repeated"]
            if measured == wanted:
                break
        self.assertEqual(measured, wanted)

    def test_its_own_client_measures_its_own_server(self):
        self.assert_measured(empty=0, error=None, calls=1, repeated=0)

    def test_a_window_in_which_nothing_was_confirmed_is_measured_again(self):
        self.assert_measured(empty=1, error=None, calls=2, repeated=1)

    def test_a_server_that_never_confirms_anything_has_no_figure(self):
        self.assert_measured(empty=9, error="nothing was confirmed within the window", calls=3, repeated=2)

    def test_a_retake_that_fails_leaves_the_noisy_sample(self):
        bench, calls = self.run_bench("--servers", "pywebtransport-9.9.9", "--rounds", 1, quick=False, NOISY="1")
        ((server,),) = (case["servers"] for case in bench.cases)
        self.assertEqual([sample["messages"] for sample in server["samples"]], [100])
        self.assertNotIn("error", server)
        self.assertEqual((server["noisy"], calls), (1, 2))
        self.assertEqual(server["retake_error"], "out of luck")
        for text in (bench.output, bench.markdown, bench.html):
            self.assertIn("pywebtransport-9.9.9 failed in an extra sample: out of luck", text)

    def test_without_an_interpreter_the_way_to_one_is_told(self):
        bench = Bench("webtransport", "^request/64B/literal$", "--placement", "free", "--peers",
                      environment={"PLAIT_PYWEBTRANSPORT": ""})
        self.assertIn("PLAIT_PYWEBTRANSPORT set to", bench.output)


class Bulk(unittest.TestCase):
    def test_one_stream_beside_raw_quic_and_tls(self):
        bench = Bench("webtransport", "^bulk/(upload/1452|download/path)$", "--peer", "raw")
        self.assertEqual([case["row"] for case in bench.cases], ["bulk/upload/1452", "bulk/download/path"])
        for case in bench.cases:
            self.assertEqual([server["name"] for server in case["servers"]], ["plait", "raw", "openssl"])
            for server in case["servers"]:
                self.assertNotIn("error", server)
                (sample,) = server["samples"]
                self.assertEqual((sample["messages"], sample["payload_bytes"]), (1, 1_000_000_000 // 16))
                for claim in case["claims"]:
                    self.assertGreater(claim["measured"][server["name"]]["median"], 0, claim["metric"])
            own = {server["name"]: server["congestion_control"] for server in case["servers"]}
            self.assertEqual((own["plait"], own["raw"]), ("cubic", "cubic"))
            self.assertIn(own["openssl"], ("cubic", "reno"))
            words = f"congestion control: plait cubic, raw cubic, openssl {own['openssl']}\n"
            self.assertIn(words, bench.markdown.split(f"### {case['row']} ")[1].split("###")[0])
        table = bench.table("### bulk/upload/1452 · two cores")
        self.assertRegex(table[1]["plait ÷ it"], r"^[0-9]")
        self.assertRegex(table[2]["CPU ÷ its"], r"^[0-9]")
        self.assertRegex(table[0]["server CPU s/GB"], r"^[0-9]")


class DelayedPath(unittest.TestCase):
    def test_one_stream_where_a_round_trip_takes_its_time(self):
        bench = Bench("webtransport", "^(upload|download)/25ms$", "--peer", "raw")
        self.assertEqual([case["row"] for case in bench.cases], ["upload/25ms", "download/25ms"])
        for case in bench.cases:
            self.assertEqual([server["name"] for server in case["servers"]], ["plait", "raw"], "the path is one of UDP")
            for server in case["servers"]:
                self.assertNotIn("error", server)
                (sample,) = server["samples"]
                self.assertEqual((sample["messages"], sample["payload_bytes"]), (1, 100_000_000 // 16))
                self.assertGreater(sample["seconds"], 0.050, "one round trip at least")

    def test_lost_packets_are_sent_again(self):
        bench = Bench("webtransport", "^(upload|download)/25ms-lossy$")
        self.assertEqual([case["row"] for case in bench.cases], ["upload/25ms-lossy", "download/25ms-lossy"])
        for case in bench.cases:
            (server,) = case["servers"]
            self.assertNotIn("error", server)
            self.assertEqual(server["samples"][0]["payload_bytes"], 4_000_000 // 16)


class Relay:
    """UDP between one client and a server; notes the largest datagram. Without UDP_GRO they come one by one."""

    def __init__(self, server_port):
        self.server = ("127.0.0.1", server_port)
        self.front, self.back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for side in (self.front, self.back):
            side.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)  # it is slow: probes would be lost, too
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.largest = 0
        self.client = None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            for ready in select.select([self.front, self.back], [], [])[0]:
                data, source = ready.recvfrom(65536)
                self.largest = max(self.largest, len(data))
                if ready is self.front:
                    self.client = source
                    self.back.sendto(data, self.server)
                else:
                    self.front.sendto(data, self.client)


class PacketSizes(unittest.TestCase):
    def largest(self, packet_bytes, total_bytes=4_000_000):
        options = ["--packet-bytes", str(packet_bytes)] if packet_bytes else []
        command = [PLAIT, "bench", "serve", "--listen", "https://127.0.0.1:0", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            relay = Relay(int(server.stdout.readline().rsplit(":", 1)[1]))
            plan = [f"url=https://127.0.0.1:{relay.port}/discard", "mode=bulk", "direction=upload", f"total={total_bytes}",
                    f"packet-bytes={packet_bytes}"]
            done = subprocess.run([PLAIT, "bench-generate", *plan], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT,
                                  check=False)
            server.terminate()
        self.assertEqual(done.returncode, 0, done.stdout)
        return relay.largest

    def test_packets_are_as_large_as_was_allowed(self):
        self.assertEqual(self.largest(1200), 1200)
        self.assertEqual(self.largest(1452), 1452)
        largest = self.largest(0, total_bytes=40_000_000)  # so that probes which were lost are repeated
        self.assertGreater(largest, 8000, "path MTU discovery on loopback")


class Goodbye(unittest.TestCase):
    DRAIN_TIMEOUT = 5

    def test_a_client_that_ends_with_many_sessions_takes_leave_of_all(self):
        for _ in range(TRIES):
            status = self.status_of_a_server_that_was_left()
            if status is not None:
                break
        self.assertEqual(status, 0, "it waits for no session")

    def status_of_a_server_that_was_left(self):
        """Once it has ended; None: it ran on until its drain was about to be given up."""
        command = [PLAIT, "bench", "serve", "--listen", "https://127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            url = server.stdout.readline().split()[1]
            subprocess.run([PLAIT, "bench-generate", f"url={url}/latency", "mode=idle", "connections=100"], check=True,
                           stdout=subprocess.PIPE, timeout=TIMEOUT)
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return server.wait(timeout=self.DRAIN_TIMEOUT - 1)
        return None


if __name__ == "__main__":
    unittest.main()
