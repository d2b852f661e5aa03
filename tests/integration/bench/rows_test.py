"""What plait bench does: every kind of row, peers in turn, open loop, placements."""

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from harness import PLAIT, PLAIT_WORD, SCRIPTS, TIMEOUT, Bench, require, two_cpus

# A WebSocket server that stops for a tenth of a second in every fifth.
STALLING_PEER = """#!/bin/sh
(while kill -STOP $$; do sleep 0.1; kill -CONT $$; sleep 0.1; done) >/dev/null 2>&1 &
exec "$2" bench-raw ws --port "$1"
"""

# A TCP echo that answers so many messages of 1 KB and holds all others back, for so many seconds; so many of those it
# never answers.
HOLDING_PEER = """
import asyncio, sys

received, until = 0, None
answered, seconds, swallowed = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]) * 1024

async def serve(reader, writer):
    global received, until, swallowed
    while data := await reader.read(65536):
        received += len(data)
        now = asyncio.get_running_loop().time()
        if received > answered * 1024:
            until = until or now + seconds
            await asyncio.sleep(until - now)
            swallows = min(swallowed, len(data))
            swallowed -= swallows
            data = data[swallows:]
        writer.write(data)
        await writer.drain()

async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()

asyncio.run(main())
"""

# A WebSocket server that notes how many files it may open.
COUNTING_PEER = """#!/bin/sh
ulimit -Sn > "$2"
exec "$3" bench-raw ws --port "$1"
"""

# A WebSocket server that notes its port, and whose first one somebody else has.
LATE_PEER = """#!/bin/sh
echo "$1" >> "$2"
[ "$(wc -l < "$2")" -gt 1 ] || exit 1
exec "$3" bench-raw ws --port "$1"
"""

# A WebSocket server that notes how it was started.
PEER = """#!/bin/sh
echo "$$ $2 $(sed -n 's/^Cpus_allowed_list:\\t//p' /proc/$$/status)" >> "$3"
exec "$4" bench-raw ws --port "$1"
"""

# Of what a machine that is busy may spoil.
TRIES = 3

BROKERS = {
    "redis": 'redis-server --bind 127.0.0.1 --port {port} --save "" --appendonly no',
    "nats": "env PATH=$PATH:/usr/sbin nats-server -a 127.0.0.1 -p {port}",
}


def samples(bench):
    return [sample for case in bench.cases for server in case["servers"] for sample in server["samples"]]


class Kinds(unittest.TestCase):
    ROWS = ("echo/16KB/d16/c10", "echo/1MB/d2/c1", "connect/k16", "connect/tls/k16", "fanout/93B/b16/s100",
            "fanout/tls/93B/b16/s100", "memory/plain", "memory/tls", "memory/deflate",
            "tls/93B/d64/c10", "deflate/1KB/d64/c10", "rtt/server-spins/93B/d1/c1", "rtt/both-spin/93B/d1/c1",
            "stream/upload", "stream/download", "stream/concurrent", "picows-tls/256B/d1/c1")

    def test_every_kind_of_websocket_row_measures_plait(self):
        bench = Bench("websocket", "^(" + "|".join(self.ROWS) + ")$", "--placement", "free")
        self.assertEqual(sorted(case["row"] for case in bench.cases), sorted(self.ROWS))
        for case in bench.cases:
            measured = case["claims"][0]["measured"]["plait"]
            self.assertEqual(measured["count"], 1, case["row"])
            self.assertGreater(measured["median"], 0, case["row"])
            (sample,) = case["servers"][0]["samples"]
            whole = case["row"].startswith(("memory/", "stream/"))
            self.assertEqual("per_second" in sample, not whole, "there is a rate of a second where it is known")
            self.assertEqual("latency_us" in sample, not whole, case["row"])
        units = {case["row"]: case["claims"][0]["unit"] for case in bench.cases}
        self.assertIn("B", units["memory/tls"])
        self.assertEqual(bench.table("### stream/upload · free")[0]["p50 µs"], "–")

    def test_a_download_to_a_client_that_never_falls_behind_does_not_starve_the_upload_beside_it(self):
        two_cpus(self)
        bench = Bench("websocket", "^stream/concurrent$", "--placement", "two")
        self.assertGreater(samples(bench)[0]["messages"], 0)

    def test_every_kind_of_tcp_row_measures_plait(self):
        bench = Bench("tcp-echo", "^(literal/single|literal/16KB|steady/1KB|echo/1KB/d64/c10)$", "--placement", "free")
        self.assertEqual(len(bench.cases), 4)
        for sample in samples(bench):
            self.assertGreater(sample["messages"], 0)

    def test_an_open_loop_sends_at_its_rate_and_counts_from_when_a_message_was_due(self):
        for _ in range(TRIES):
            bench = Bench("websocket", "^echo/93B/d1/c10$", "--rate", 2000, "--placement", "free", "--seconds", 0.5)
            (sample,) = samples(bench)
            rate = sample["messages"] / sample["seconds"]
            if 1000 < rate < 2200:
                break
        self.assertLess(rate, 2200)
        self.assertGreater(rate, 1000)


class Brokers(unittest.TestCase):
    """Redis and NATS in their own protocols."""

    def fan_out(self, name, more="", seconds=0.15):
        require(self, f"the Debian package {name}-server",
                shutil.which(f"{name}-server", path=os.environ["PATH"] + ":/usr/sbin"))
        rows = "^(echo/93B/d1/c1|fanout/93B/b(1|16|64)/s100|connect/k1)$"
        bench = Bench("websocket", rows, "--placement", "free", "--verify", "--seconds", seconds, "--servers", name,
                      "--peer", f"{name}={BROKERS[name]} {more},{name}://127.0.0.1:{{port}}")
        ran = {case["row"] for case in bench.cases if case["servers"]}
        self.assertEqual(ran, {f"fanout/93B/b{burst}/s100" for burst in (1, 16, 64)}, "no other row is its business")
        for case in bench.cases:
            for server in case["servers"]:
                self.assertGreater(server["samples"][0]["messages"], 0, case["row"])

    def test_redis(self):
        self.fan_out("redis")

    def test_nats(self):
        self.fan_out("nats")

    def test_the_pings_of_nats_are_no_deliveries(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write('ping_interval: "50ms"\n')
            file.flush()
            self.fan_out("nats", f"-c {shlex.quote(file.name)}", seconds=0.6)

    def test_a_broker_that_refuses_is_quoted(self):
        refusal = ("import socket; server = socket.create_server((\"127.0.0.1\", {port}))\nwhile True: "
                   "server.accept()[0].sendall(b\"-DENIED go away\\r\\n\")")
        bench = Bench("websocket", "^fanout/93B/b1/s100$", "--placement", "free", "--peer",
                      f"denying=python3 -c '{refusal}',redis://127.0.0.1:{{port}}")
        (case,) = bench.cases
        (error,) = [server["error"] for server in case["servers"] if server["name"] == "denying"]
        self.assertEqual(error, "refused: -DENIED go away")


class Peers(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.started = Path(folder, "started")
        self.script = Path(folder, "peer")
        self.script.write_text(PEER, encoding="utf-8")
        self.script.chmod(0o755)

    def peer(self, name):
        script, started = shlex.quote(str(self.script)), shlex.quote(str(self.started))
        return f"{name}={script} {{port}} {{cpu}} {started} {PLAIT_WORD},ws://127.0.0.1:{{port}}"

    def lines(self):
        return [line.split() for line in self.started.read_text(encoding="utf-8").splitlines()]

    def test_rounds_alternate_between_servers_that_start_fresh_for_each_case(self):
        controller, terminal = os.openpty()
        shown = []

        def read():
            try:
                while data := os.read(controller, 65536):
                    shown.append(data)
            except OSError:
                pass  # the terminal was closed

        reader = threading.Thread(target=read)
        reader.start()
        bench = Bench("websocket", "^echo/(93B|1KB)/d64/c10$", "--placement", "free", "--rounds", 3, "--peer",
                      self.peer("other"), stderr=terminal)
        os.close(terminal)
        reader.join()
        os.close(controller)
        order = re.findall(r"· round (\d) of 3 · (\w+)", b"".join(shown).decode())
        one_case = [(str(number), name) for number in (1, 2, 3) for name in ("plait", "other")]
        self.assertEqual([step for i, step in enumerate(order) if i == 0 or order[i - 1] != step], one_case * 2)
        self.assertEqual(len(bench.cases), 2)
        self.assertEqual(len({pid for pid, *_ in self.lines()}), 2, "one process for each case")
        self.assertTrue(all(ratio["count"] == 3 for case in bench.cases
                            for ratio in case["servers"][1]["baseline_divided_by_it"].values()))

    def test_servers_are_started_anew_every_five_rounds(self):
        Bench("websocket", "^echo/93B/d1/c1$", "--placement", "free", "--servers", "other", "--rounds", 6,
              "--seconds", 0.01, "--warmup", 0, "--peer", self.peer("other"))
        self.assertEqual(len({pid for pid, *_ in self.lines()}), 2)

    def test_placements_bind_the_server_to_its_cpu(self):
        first, second = two_cpus(self)
        Bench("websocket", "^echo/93B/d1/c1$", "--cpu", f"server={second},client={first}", "--servers", "other",
              "--peer", self.peer("other"))
        started = [(cpu, allowed) for _, cpu, allowed in self.lines()]
        self.assertEqual(started[1:], [(str(second), str(second))] * 2)
        self.assertEqual(started[0][0], "-1", "free")

    def test_servers_may_open_as_many_files_as_the_hard_limit_allows(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        low = 1024
        require(self, f"a hard limit of open files above {low}", not 0 <= hard <= low)
        self.script.write_text(COUNTING_PEER, encoding="utf-8")
        script, started = shlex.quote(str(self.script)), shlex.quote(str(self.started))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
        Bench("websocket", "^connect/k1$", "--placement", "free", "--servers", "counting", "--peer",
              f"counting={script} {{port}} {started} {PLAIT_WORD},ws://127.0.0.1:{{port}}")
        self.assertEqual(self.started.read_text(encoding="ascii").strip(), "unlimited" if hard < 0 else str(hard))

    def test_a_server_that_ends_before_it_serves_is_started_once_more(self):
        self.script.write_text(LATE_PEER, encoding="utf-8")
        script, started = shlex.quote(str(self.script)), shlex.quote(str(self.started))
        bench = Bench("websocket", "^echo/93B/d1/c1$", "--placement", "free", "--servers", "late", "--peer",
                      f"late={script} {{port}} {started} {PLAIT_WORD},ws://127.0.0.1:{{port}}")
        (server,) = bench.cases[0]["servers"]
        self.assertNotIn("error", server)
        self.assertEqual(len(self.lines()), 2, "ports")

    def test_a_generator_started_by_hand_opens_as_many_connections_as_the_hard_limit_allows(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        low = 64
        command = [PLAIT, "bench-raw", "ws"]
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            url = server.stdout.readline().split()[1]
            done = subprocess.run([PLAIT, "bench-generate", f"url={url}/echo", "mode=idle", f"connections={2 * low}"],
                                  stdout=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False)
            server.terminate()
        self.assertTrue(json.loads(done.stdout)["ok"], done.stdout)

    def test_an_open_loop_sees_the_stalls_that_a_closed_one_hides(self):
        self.script.write_text(STALLING_PEER, encoding="utf-8")
        script = shlex.quote(str(self.script))
        peer = ("--peer", f"stalling={script} {{port}} {PLAIT_WORD},ws://127.0.0.1:{{port}}", "--servers", "stalling")
        options = ("--placement", "free", "--seconds", 0.6, *peer)
        for _ in range(TRIES):
            (closed,) = samples(Bench("websocket", "^echo/93B/d1/c10$", *options))
            (opened,) = samples(Bench("websocket", "^echo/93B/d1/c10$", "--rate", 500, *options))
            if closed["latency_us"]["p90"] < 20_000 < opened["latency_us"]["p90"] and opened["messages"] > 100:
                break
        self.assertLess(closed["latency_us"]["p90"], 20_000, "ten messages wait for each stall, thousands do not")
        self.assertGreater(opened["latency_us"]["p90"], 20_000, "half of all were due in a stall")
        self.assertGreater(opened["messages"], 100)

    def hold(self, seconds, is_as_wanted, answered=100, swallowed=0):
        """500 messages a second to the holding peer, `answered` of them before it holds; again where the sample is not
        as wanted."""
        self.script.write_text(HOLDING_PEER, encoding="utf-8")
        script = shlex.join([sys.executable, str(self.script)])
        peer = f"holding={script} {{port}} {answered} {seconds} {swallowed},tcp://127.0.0.1:{{port}}"
        for _ in range(TRIES):
            bench = Bench("tcp-echo", "^echo/1KB/d64/c10$", "--placement", "free", "--rate", 500, "--seconds", 0.3,
                          "--servers", "holding", "--peer", peer)
            (sample,) = samples(bench)
            if is_as_wanted(sample):
                break
        return bench, sample

    def test_an_open_loop_waits_for_what_was_due_when_its_window_ended(self):
        bench, sample = self.hold(0.8, lambda one: one["latency_us"]["p90"] > 400_000 and one["messages"] < 140
                                  and "lost" not in one)
        self.assertGreater(sample["latency_us"]["p90"], 400_000, "due in the window's last 150 ms, answered behind it")
        self.assertLess(sample["messages"], 140, "answered in the window")
        self.assertNotIn("lost", sample)
        self.assertNotIn("lost", bench.output)

    def test_a_server_that_stalls_for_all_of_an_open_loops_window_has_a_figure(self):
        bench, sample = self.hold(1.2, lambda one: one["messages"] == 0 and one["latency_us"]["p90"] > 300_000,
                                  answered=0)
        self.assertEqual(sample["messages"], 0)
        self.assertGreater(sample["latency_us"]["p90"], 300_000)
        (server,) = bench.cases[0]["servers"]
        self.assertEqual(server["repeated"], 0)
        (line,) = bench.table("### echo/1KB/d64/c10 · free")
        self.assertEqual((line["server CPU µs"], line["client CPU µs"]), ("–", "–"), "of no message")

    def test_what_an_open_loop_has_no_answer_to_is_lost(self):
        bench, sample = self.hold(3600, lambda one: one.get("lost", 0) > 50)
        self.assertGreater(sample["lost"], 50)
        self.assertGreater(sample["latency_us"]["p90"], 1_900_000)
        self.assertRegex(bench.output, r"holding lost \d+ messages")

    def test_what_is_lost_is_a_part_of_all_that_was_due(self):
        def sent_of(sample):
            return sample["messages"] + sample.get("late", 0) + sample.get("lost", 0)

        bench, sample = self.hold(0.8, lambda one: one.get("lost") == 10 and sent_of(one) > 0.95 * 0.3 * 500,
                                  swallowed=10)
        self.assertEqual(sample["lost"], 10)
        sent = sent_of(sample)
        self.assertGreater(sent, 0.95 * 0.3 * 500)
        self.assertIn(f"holding lost 10 messages ({1000 / sent:.3g} %)", bench.output)

    def test_missing_peers_are_named_with_what_to_install(self):
        bench = Bench("websocket", "^echo/93B/d1/c1$", "--placement", "free", "--peers", "--peer-scripts",
                      "/nonexistent", "--servers", "plait")
        missing = bench.report["missing_peers"]
        self.assertIn("not measured: " + missing[0], bench.markdown)
        for script in ("websockets", "aiohttp", "node-ws", "python-threads", "python-asyncio"):
            (words,) = [peer for peer in missing if peer.startswith(script + ": ")]
            self.assertRegex(words, r": /nonexistent/\w+\.(py|js) is not there; --peer-scripts names the folder")

    def test_everything_starts_from_an_installation_whose_folder_has_a_space_in_its_name(self):
        prefix = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="sp ace ")))
        program, scripts = prefix / "bin" / "plait", prefix / "share" / "plait" / "peers"
        program.parent.mkdir()
        shutil.copy(PLAIT, program)
        shutil.copytree(SCRIPTS, scripts)
        (scripts / "tcp_threads_server.py").unlink()
        bench = Bench("tcp-echo", "^echo/1KB/d64/c10$", "--placement", "free", "--peer", "raw", "--peers",
                      program=program)
        errors = {server["name"]: server.get("error") for server in bench.cases[0]["servers"]}
        self.assertEqual(errors, {"plait": None, "raw": None, "python-asyncio": None})
        self.assertTrue([peer for peer in bench.report["missing_peers"]
                         if peer.startswith(f"python-threads: {scripts}/tcp_threads_server.py is not there")])


if __name__ == "__main__":
    unittest.main()
