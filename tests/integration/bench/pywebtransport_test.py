"""The load generator of the PyWebTransport peer, with its server's routes or another server's, over a wire in memory:
what it counts and what is in its window is as with plait's own."""

import asyncio
import contextlib
import io
import json
import os
import sys
import types
import unittest
from pathlib import Path
from unittest import mock

import memory_stack

sys.path.insert(0, str(Path(__file__).parents[3] / "bench/peers"))
with mock.patch.dict(sys.modules, uvloop=types.SimpleNamespace(run=asyncio.run), pywebtransport_stack=memory_stack):
    import pywebtransport_client as client
    import pywebtransport_meter as meter
    import pywebtransport_server as server

MEBIBYTE = 1 << 20
SLOW = 1000  # seconds


class Clock:
    """A thousandth of a second passes with every look at it."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now += 0.001
        return self.now


class Exited(Exception):
    pass


class Case(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.replace(client.time, "perf_counter", self.clock)
        self.replace(client, "WAIT", 0.0001)  # the loop's seconds: the clock of the test does not move meanwhile

    def replace(self, target, name, value):
        patch = mock.patch.object(target, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def measure(self, path, *words, handle=server.handle, warmup=0.005, seconds=0.1):
        """The report of one run."""
        with mock.patch.object(memory_stack.Client, "handle", handle), \
                contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(Exited):
            client.main([f"url=https://peer:1{path}", f"warmup={warmup}", f"seconds={seconds}", *words])
        return json.loads(output.getvalue().splitlines()[0])

    def measure_well(self, *arguments, **options):
        report = self.measure(*arguments, **options)
        self.assertTrue(report["ok"], report.get("error"))
        return report


def streams_served_by(serve):
    async def handle(session):
        await session.serve_streams(serve)
    return handle


class Streams(Case):
    def test_uploads_and_downloads_count_when_their_receiver_has_them(self):
        for path, direction in (("/discard", "upload"), ("/produce", "download")):
            for words in (("count=10",), ("count=0", "depth=3")):
                report = self.measure_well(path, "mode=stream", f"direction={direction}", "payload=100000", *words)
                self.assertGreater(report["messages"], 3)
                self.assertEqual(report["payload_bytes"], report["messages"] * 100000)
                self.assertGreater(report["latency_us"]["min"], 0)

    def test_both_ways_count_when_either_side_has_read_all(self):
        report = self.measure_well("/duplex", "mode=stream", "direction=concurrent", f"payload={MEBIBYTE}", "count=2")
        self.assertGreaterEqual(report["messages"], 2)
        self.assertEqual(report["payload_bytes"], report["messages"] * 2 * MEBIBYTE)

    def duplex_with(self, read, answer):
        async def serve(stream):
            if read:
                await stream.read_all()
            await stream.write(bytes(1000) + answer, end_stream=True)
        return self.measure("/duplex", "mode=stream", "direction=concurrent", "payload=1000", "count=1",
                            handle=streams_served_by(serve))

    def test_a_server_that_ends_its_half_without_a_word_about_ours_is_an_error(self):
        self.assertIn("it read nothing", self.duplex_with(False, b"")["error"])
        self.assertIn("it read nothing", self.duplex_with(True, b"")["error"])
        self.assertTrue(self.duplex_with(True, b"1000")["ok"])

    def test_a_server_that_has_not_read_all_is_an_error(self):
        self.assertIn("it read 999", self.duplex_with(True, b"999")["error"])

        async def serve(stream):
            await stream.write(b"999 0", end_stream=True)
        report = self.measure("/discard", "mode=stream", "direction=upload", "payload=1000", "count=1",
                              handle=streams_served_by(serve))
        self.assertIn("it read 999", report["error"])

    def test_a_stream_that_ends_makes_room_for_the_next(self):
        depth, others = 10, 25
        most = waiting = answered = 0

        async def serve(stream):
            nonlocal most, waiting, answered
            waiting += 1
            most = max(most, waiting)
            while waiting < depth and answered < others:  # nine of them always wait
                await asyncio.sleep(0)
            waiting -= 1
            answered += 1
            await stream.write(b"64 0", end_stream=True)

        self.measure_well("/discard", "mode=stream", "direction=upload", "payload=64", f"depth={depth}", "count=0",
                          handle=streams_served_by(serve))
        self.assertEqual(most, depth)
        self.assertGreaterEqual(answered, others)

    def test_the_published_steps_count_what_was_written(self):
        report = self.measure_well("/discard", "mode=stream", "direction=upload", "payload=1000", "count=10",
                                   "literal=1")
        self.assertEqual(report["payload_bytes"], report["messages"] * 1000)
        report = self.measure_well("/duplex", "mode=stream", "direction=concurrent", f"payload={MEBIBYTE}", "count=2",
                                   "literal=1")
        self.assertEqual(report["payload_bytes"], report["messages"] * 2 * MEBIBYTE)


class Exchanges(Case):
    def test_requests_and_datagrams_are_answered(self):
        for path, datagrams in (("/latency", 0), ("/echo", 1)):
            for literal in (0, 1):
                report = self.measure_well(path, "mode=echo", f"datagrams={datagrams}", "payload=64",
                                           f"literal={literal}")
                self.assertGreater(report["messages"], 3)
                self.assertEqual((report["payload_bytes"], report["lost"]), (report["messages"] * 64, 0))

    def test_datagrams_are_numbered_and_depth_of_them_are_outstanding(self):
        depth = 64
        batches = []

        async def handle(session):
            while True:
                batch = [await session.read_datagram() for _ in range(depth)]
                self.assertTrue(session.datagrams.empty())
                batches.append(len(set(batch)))
                for data in reversed(batch):
                    await session.send_datagram(data)

        report = self.measure_well("/echo", "mode=echo", "datagrams=1", "payload=64", f"depth={depth}", handle=handle)
        self.assertEqual(set(batches), {depth})
        self.assertGreater(report["messages"], 0)

    def test_for_a_datagram_that_is_lost_the_next_is_sent(self):
        seen = []

        async def handle(session):
            while True:
                data = await session.read_datagram()
                seen.append(data)
                if len(seen) != 5:
                    await session.send_datagram(data)

        report = self.measure_well("/echo", "mode=echo", "datagrams=1", "payload=64", "depth=2", handle=handle,
                                   warmup=0, seconds=2 * client.LOST_AFTER)
        self.assertEqual(report["lost"], 1)
        self.assertEqual(len(set(seen)), len(seen))

    def test_what_is_out_when_the_window_ends_is_late_or_lost(self):
        seen = 0

        async def handle(session):
            nonlocal seen
            while True:
                data = await session.read_datagram()
                seen += 1
                if seen % 10:
                    await session.send_datagram(data)

        report = self.measure_well("/echo", "mode=echo", "datagrams=1", "payload=64", "depth=10", handle=handle,
                                   warmup=0, seconds=client.LOST_AFTER / 2)
        self.assertGreater(report["lost"], 0)
        self.assertEqual(report["lost"], seen // 10 - 1, "the first ten were sent before the window")
        self.assertEqual(report["messages"] + report["late"] + report["lost"], seen - 1)

    def test_an_answer_that_is_not_the_request_is_an_error(self):
        async def serve(stream):
            await stream.write(await stream.read_all() + b".", end_stream=True)
        report = self.measure("/latency", "mode=echo", "payload=64", handle=streams_served_by(serve))
        self.assertIn("an answer differs", report["error"])


class Window(Case):
    def slow_close(self):
        async def leave(_client, *_error):
            self.clock.now += SLOW
        self.replace(memory_stack.Client, "__aexit__", leave)

    def test_the_clients_close_is_not_in_it(self):
        self.slow_close()
        rows = (("/latency", "mode=echo"), ("/echo", "mode=echo", "datagrams=1"), ("/latency", "mode=connect"),
                ("/discard", "mode=datagram"), ("/discard", "mode=stream", "direction=upload", "count=2"),
                ("/discard", "mode=stream", "direction=upload", "depth=2"))
        for row in rows:
            self.assertLess(self.measure_well(*row)["seconds"], 1, row)

    def test_in_the_published_steps_it_is(self):
        self.slow_close()
        report = self.measure_well("/latency", "mode=echo", "literal=1", warmup=0)
        self.assertGreater(report["seconds"], SLOW)
        self.assertGreater(report["latency_us"]["min"], SLOW * 1e6)

    def test_what_ends_after_it_does_not_count(self):
        report = self.measure_well("/latency", "mode=echo", "depth=50")
        self.assertLess(report["seconds"], 0.2)
        self.assertLess(report["messages"], 100, "each takes a thousandth at least")

    def test_of_streams_that_take_longer_than_it_all_count(self):
        depth = 10
        waiting = []

        async def serve(stream):
            waiting.append(stream)
            if len(waiting) < depth:
                return
            self.clock.now += SLOW  # and all ten are answered
            for one in waiting:
                await one.write(b"64 0", end_stream=True)
            waiting.clear()

        report = self.measure_well("/discard", "mode=stream", "direction=upload", "payload=64", f"depth={depth}",
                                   handle=streams_served_by(serve))
        self.assertEqual(report["messages"], depth)
        self.assertAlmostEqual(report["seconds"], SLOW, delta=1)

    def test_it_ends_once(self):
        window = meter.Meter({"server-pid": "0", "warmup": "0", "seconds": "1"})
        window.begin()
        window.confirm(64)
        for _ in range(2):
            window.end()
            self.clock.now += SLOW
            window.confirm(64)
        self.assertLess(window.report()["seconds"], 1)
        self.assertEqual(window.report()["messages"], 1)

    def test_openings_are_as_many_as_the_row_wants_however_short_it_is(self):
        for connections in (1, 4):
            report = self.measure_well("/latency", "mode=connect", "count=300", f"connections={connections}")
            self.assertEqual(report["messages"], 300)
            self.assertGreater(report["latency_us"]["min"], 0)
        self.assertLess(self.measure_well("/latency", "mode=connect")["messages"], 300)

    def test_an_open_loop_is_refused(self):
        self.assertIn("no open loop", self.measure("/latency", "mode=echo", "rate=10")["error"])

    def test_it_is_given_up_only_after_a_long_window_should_have_ended(self):
        with mock.patch.object(client.threading, "Timer") as timer:
            self.measure("/latency", "mode=nothing", warmup=2, seconds=600)
        self.assertEqual(timer.call_args.args[0], client.GIVE_UP_SECONDS + 602)
        timer.return_value.cancel.assert_called_once()


class Percentiles(Case):
    def test_they_are_the_nearest_rank(self):
        for count, percent, rank in ((1, 50, 1), (20, 50, 10), (21, 50, 11), (20, 99, 20), (100, 95, 95),
                                     (1000, 99.9, 999), (1001, 99.9, 1000)):
            self.assertEqual(meter.percentile(range(1, count + 1), percent), rank)


class Sessions(Case):
    def idle(self, *words, handle=server.handle):
        self.replace(client.os, "_exit", mock.Mock(side_effect=Exited))
        self.replace(client, "SETTLE_SECONDS", 0)
        return self.measure("/latency", "mode=idle", f"server-pid={os.getpid()}", *words, handle=handle)

    def settle_slowly(self):
        def collect():
            self.clock.now += SLOW
        self.replace(client.gc, "collect", collect)

    def test_each_is_used_once_when_the_row_says_so(self):
        touched = []

        async def serve(stream):
            touched.append(await stream.read_all())
            await stream.write(b"", end_stream=True)
        self.idle("connections=30", handle=streams_served_by(serve))
        self.assertEqual(touched, [])
        report = self.idle("connections=30", "touch=1", handle=streams_served_by(serve))
        self.assertEqual(touched, [b"touch"] * 31)
        self.assertEqual(report["messages"], 30)
        self.assertIn("client_rss_bytes_per_connection", report["memory"])

    def test_what_settles_is_not_in_the_rate(self):
        self.settle_slowly()
        self.assertLess(self.idle("connections=30")["seconds"], 1)


class Datagrams(Case):
    def test_what_the_server_has_counts(self):
        report = self.measure_well("/discard", "mode=datagram", "payload=64", "burst=8")
        self.assertGreater(report["messages"], 8)
        self.assertEqual((report["payload_bytes"], report["lost"]), (report["messages"] * 64, 0))
        report = self.measure_well("/discard", "mode=datagram", "payload=64", "count=100", "literal=1")
        self.assertEqual(report["payload_bytes"], report["messages"] * 64)
        self.assertEqual(report["messages"] % 100, 0)

    def report_with(self, answers):
        """Of a server that says so many, one number each time, and the last ever after."""
        async def serve(stream):
            await stream.read_all()
            count = answers.pop(0) if len(answers) > 1 else answers[0]
            await stream.write(f"0 {count}".encode(), end_stream=True)
        return self.measure("/discard", "mode=datagram", "burst=8", warmup=0, seconds=0.003,
                            handle=streams_served_by(serve))

    def test_those_that_come_late_are_not_lost(self):
        # Nothing is sent in a warm-up of 0 s; then a burst of eight each time the clock is looked at, two in all.
        report = self.report_with([0, 3, 9, 11])
        self.assertEqual((report["messages"], report["lost"]), (11, 5))
        self.assertEqual(self.report_with([0, 16])["lost"], 0)

    def test_more_than_were_sent_are_an_error(self):
        self.assertIn("more datagrams than it was sent", self.report_with([0, 17])["error"])


if __name__ == "__main__":
    unittest.main()
