"""`plait echo send` and `plait echo bench` against Python's echo servers and against our own."""

import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import harness

PYTHON_SERVERS = (harness.threaded_python_server, harness.asyncio_python_server)
PUBLISHED = re.compile(r"\[bench\] repeats: (\d+), msg_len: (\d+) bytes\n"
                       r"\[bench\] avg RTT: (\d+\.\d{3}) ms, p95 RTT: (\d+\.\d{3}) ms\n"
                       r"\[bench\] throughput: (\d+\.\d{2}) MB/s\n")


def bench_json(*arguments):
    result = harness.plait("bench", *arguments, "--json", "-")
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


def corrupt_byte(position):
    """An echo that changes the byte at `position` of the stream."""

    def handle(connection):
        offset = 0
        while data := bytearray(connection.recv(4096)):
            if offset <= position < offset + len(data):
                data[position - offset] ^= 0xFF
            offset += len(data)
            connection.sendall(data)

    return handle


class Send(unittest.TestCase):
    def test_prints_what_the_published_client_prints(self):
        for serve in PYTHON_SERVERS:
            with self.subTest(server=serve.__name__), serve() as port:
                result = harness.plait("send", "--port", port, "--message", "it's \"ü\"\n")
                self.assertEqual(result.returncode, 0, result.stderr)
                text = repr("it's \"ü\"\n".encode())
                sent, received, rtt = result.stdout.splitlines()
                self.assertEqual(sent, f"[client] sent    : {text}")
                self.assertEqual(received, f"[client] received: {text}")
                self.assertRegex(rtt, r"^\[client\] RTT     : \d+\.\d{3} ms$")

    def test_an_empty_message_is_refused(self):
        with harness.threaded_python_server() as port:
            result = harness.plait("send", "--port", port, "--message", "")
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("an empty message is not on the wire", result.stderr)

    def test_a_peer_that_does_not_answer_is_given_up_on(self):
        with harness.threaded_python_server(lambda connection: connection.recv(1 << 20) and connection.recv(1)) as port:
            result = harness.plait("send", "--port", port, "--timeout", "0.1")
            self.assertEqual(result.returncode, 1)
            self.assertIn("did not answer within the timeout", result.stderr)

    def test_a_peer_that_closes_is_an_error(self):
        with harness.threaded_python_server(lambda connection: connection.recv(1 << 20)) as port:
            result = harness.plait("send", "--port", port)
            self.assertEqual(result.returncode, 1)
            self.assertIn("closed the connection before it had echoed everything", result.stderr)


class Bench(unittest.TestCase):
    def test_every_size_against_python(self):
        for serve in PYTHON_SERVERS:
            with serve() as port:
                for size in harness.SIZES[1:]:
                    with self.subTest(server=serve.__name__, size=size):
                        result = bench_json("--port", port, "--size", size, "--repeat", 5, "--verify")
                        self.assertEqual(result["messages"], 5)

    def test_every_size_pipelined_on_several_connections(self):
        for serve in PYTHON_SERVERS:
            with serve() as port:
                for size in harness.SIZES[1:]:
                    with self.subTest(server=serve.__name__, size=size):
                        result = bench_json("--port", port, "--size", size, "--repeat", 5, "--verify",
                                            "--connections", 3, "--depth", 4)
                        self.assertEqual(result["messages"], 15)

    def test_both_of_our_models(self):
        for model in ("thread", "async"):
            with harness.PlaitServer("--model", model) as server:
                for size in harness.SIZES[1:]:
                    for extra in ((), ("--connections", 20, "--parallel", 2, "--depth", 8)):
                        with self.subTest(model=model, size=size, extra=extra):
                            bench_json("--port", server.port, "--size", size, "--repeat", 10, "--verify", *extra)

    def test_the_first_three_lines_are_the_published_ones(self):
        with harness.threaded_python_server() as port:
            result = harness.plait("bench", "--port", port, "--message", "x" * 1024, "--repeat", 50)
            lines = PUBLISHED.match(result.stdout)
            self.assertTrue(lines, result.stdout)
            self.assertEqual(lines.group(1, 2), ("50", "1024"))
            self.assertIn("one way, MiB", result.stdout)

    def test_published_figures_follow_from_the_measured_ones(self):
        with harness.PlaitServer() as server:
            result = bench_json("--port", server.port, "--size", 1024, "--repeat", 200)
            seconds = result["wall_ns"] / 1e9
            self.assertAlmostEqual(result["published"]["throughput_one_way_mebibytes_per_second"],
                                   1024 * 200 / seconds / 2**20, 6)
            self.assertAlmostEqual(result["both_ways"]["gigabits_per_second"], 2 * 1024 * 200 * 8 / seconds / 1e9, 6)
            self.assertAlmostEqual(result["published"]["average_rtt_ms"], result["round_trip"]["mean_ns"] / 1e6, 9)
            self.assertTrue(result["published"]["p95_is_exact"])
            rtt = result["round_trip"]
            order = [rtt[name] for name in ("min_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns")]
            self.assertEqual(order, sorted(order))
            self.assertLess(rtt["mean_ns"] * 200, result["wall_ns"])

    def test_warm_up_is_sent_but_not_counted(self):
        with harness.PlaitServer() as server:
            result = bench_json("--port", server.port, "--size", 10, "--repeat", 7, "--warmup", 5)
            self.assertEqual(result["messages"], 7)
            _, output = server.stop()
            self.assertIn("120 bytes in", output)

    def test_an_open_loop_warms_up_at_its_depth_or_one_by_one(self):
        for extra in ((), ("--depth", 3), ("--connections", 3)):
            with self.subTest(extra=extra), harness.PlaitServer() as server:
                result = bench_json("--port", server.port, "--size", 10, "--rate", 1000, "--repeat", 20, "--warmup", 10,
                                    "--verify", *extra)
                connections = result["setup"]["connections"]
                self.assertEqual(result["messages"], 20 * connections)
                _, output = server.stop()
                self.assertIn(f"total: {connections} connections, 0 refused, {300 * connections} bytes in", output)

    def test_a_difference_names_message_and_byte_and_exits_with_1(self):
        for extra in ((), ("--depth", 3)):
            with self.subTest(extra=extra), harness.threaded_python_server(corrupt_byte(2 * 1000 + 345)) as port:
                result = harness.plait("bench", "--port", port, "--size", 1000, "--repeat", 5, "--verify", *extra)
                self.assertEqual(result.returncode, 1)
                self.assertIn("differs in message 2 at byte 345", result.stderr)

    def test_a_peer_that_sends_more_than_it_was_sent_is_an_error(self):
        def twice(connection):
            while data := connection.recv(4096):
                connection.sendall(data * 2)

        def unasked(connection):
            connection.sendall(bytes(100_000))
            while connection.recv(4096):
                pass

        for serve in (twice, unasked):
            for extra in ((), ("--depth", 3)):
                with self.subTest(serve=serve.__name__, extra=extra), harness.threaded_python_server(serve) as port:
                    result = harness.plait("bench", "--port", port, "--size", 1000, "--repeat", 50, *extra)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn("sent more than it was sent", result.stderr)

    def test_without_verify_a_difference_is_not_looked_for(self):
        with harness.threaded_python_server(corrupt_byte(5)) as port:
            self.assertEqual(harness.plait("bench", "--port", port, "--repeat", 5).returncode, 0)

    def test_a_stall_is_seen_by_every_message_that_it_delays(self):
        stall = 0.2

        def stall_once(connection):
            first = connection.recv(4096)
            harness.threading.Event().wait(stall)
            connection.sendall(first)
            while data := connection.recv(4096):
                connection.sendall(data)

        with harness.threaded_python_server(stall_once) as port:
            result = bench_json("--port", port, "--size", 10, "--rate", 1000, "--duration", "0.25")
        self.assertEqual(result["messages"], 250)
        self.assertEqual(result["round_trip"]["from"], "intended send time")
        self.assertGreater(result["round_trip"]["p50_ns"], stall / 4 * 1e9)
        self.assertGreater(result["round_trip"]["max_ns"], stall * 0.99 * 1e9)

    def test_an_open_loop_keeps_its_rate_over_threads_and_connections(self):
        with harness.PlaitServer("--model", "async") as server:
            result = bench_json("--port", server.port, "--size", 10, "--rate", 2000, "--repeat", 50,
                                "--connections", 8, "--parallel", 2, "--verify")
            self.assertEqual(result["messages"], 400)
            self.assertGreater(result["wall_ns"], 0.99 * 398 / 2000 * 1e9)

    def test_an_open_loop_is_not_faster_than_its_rate(self):
        with harness.PlaitServer("--model", "async") as server:
            result = bench_json("--port", server.port, "--rate", 100, "--duration", "0.3")
            self.assertEqual(result["messages"], 30)
            self.assertLessEqual(result["messages_per_second"], 100)
            self.assertGreaterEqual(result["rated_over_ns"], result["wall_ns"])

    def test_an_open_loop_of_one_message_sends_it_whatever_the_threads(self):
        with harness.PlaitServer("--model", "async") as server:
            result = bench_json("--port", server.port, "--rate", 10, "--duration", "0.1", "--parallel", 4)
            self.assertEqual(result["messages"], 1)
            self.assertLessEqual(result["messages_per_second"], 10)
            result = harness.plait("bench", "--port", server.port, "--rate", 0.5, "--duration", 2)
            self.assertIn("open loop at 0.5/s", result.stdout)
            self.assertRegex(result.stdout, r"messages/s +0\.50\n")

    def test_an_open_loop_of_no_message_is_refused(self):
        with harness.threaded_python_server() as port:
            for rate, duration, least in ((0.1, 1, 10), (0.3, 0.5, 3.334), (3, 0.1, 0.334)):
                result = harness.plait("bench", "--port", port, "--rate", rate, "--duration", duration)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn(f"--rate {rate} for --duration {duration} is less than one message; "
                              f"give --duration {least} or more", result.stderr)

    def test_duration_ends_a_closed_loop(self):
        with harness.PlaitServer("--model", "async") as server:
            for extra in ((), ("--connections", 4, "--depth", 4)):
                for duration in (0.1, 1, 5):  # a machine that is busy may need more than the shortest
                    result = bench_json("--port", server.port, "--duration", duration, *extra)
                    self.assertGreaterEqual(result["wall_ns"], duration * 1e9)
                    if result["messages"] > 10:
                        break
                self.assertGreater(result["messages"], 10)

    def test_a_peer_that_falls_silent_is_given_up_on(self):
        for extra in ((), ("--depth", 2)):
            with harness.threaded_python_server(lambda connection: [connection.recv(1) for _ in range(2000)]) as port:
                result = harness.plait("bench", "--port", port, "--repeat", 1, "--timeout", "0.1", *extra)
                self.assertEqual(result.returncode, 1)
                self.assertIn("within the timeout", result.stderr)

    def test_a_server_that_dies_ends_every_thread_with_an_error(self):
        with harness.PlaitServer("--verbose") as server:
            command = [harness.PLAIT, "echo", "bench", "--port", str(server.port), "--duration", "60", "--parallel",
                       "2", "--connections", "8"]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as bench, server.connect() as ours:
                harness.exchange(ours, b"x")  # the server lives, and has accepted somebody
                server.process.send_signal(signal.SIGKILL)
                _, errors = bench.communicate(timeout=harness.TIMEOUT)
                self.assertEqual(bench.returncode, 1)
                self.assertRegex(errors, "closed the connection|reset by peer|Connection refused|Broken pipe")

    def test_files_for_payload_json_and_histogram(self):
        with harness.PlaitServer() as server, tempfile.TemporaryDirectory() as folder:
            payload, report, histogram = (os.path.join(folder, name) for name in ("payload", "json", "histogram"))
            with open(payload, "wb") as file:
                file.write(b"\0\xff" * 5000)
            result = harness.plait("bench", "--port", server.port, "--payload-file", payload, "--repeat", 20,
                                   "--json", report, "--histogram", histogram)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(PUBLISHED.match(result.stdout))
            with open(report, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["setup"]["payload_bytes"], 10_000)
            with open(histogram, encoding="utf-8") as file:
                self.assertIn("Percentile TotalCount", file.readline())

    def test_socket_options_do_not_change_what_comes_back(self):
        with harness.PlaitServer("--model", "async", "--busy-poll", "20", "--no-nodelay") as server:
            for extra in (("--sndbuf", 4096, "--rcvbuf", 4096), ("--busy-poll", 20), ("--busy-poll", 20, "--depth", 2)):
                bench_json("--port", server.port, "--size", 20_000, "--repeat", 3, "--verify", *extra)


if __name__ == "__main__":
    unittest.main()
