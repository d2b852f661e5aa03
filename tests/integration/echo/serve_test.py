"""`plait echo serve`, both models, against plain Python sockets."""

import functools
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import unittest

import harness

MODELS = ("thread", "async")
KILLED_PEER = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while True:
    connection.sendall(bytes(65536))
    print(len(connection.recv(1)), flush=True)
"""


def fill(connection):
    """Sends without ever receiving until nothing more is taken; gives the number of bytes that were."""
    connection.settimeout(0.3)
    sent = 0
    try:
        while True:
            sent += connection.send(bytes(1 << 16))
    except TimeoutError:
        return sent


def send_and_end(connection, data):
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def for_each_model(*arguments):
    """Runs the test once for each model, with a server of its own."""

    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for model in MODELS:
                with self.subTest(model=model), harness.PlaitServer("--model", model, *arguments) as server:
                    test(self, server)

        return run

    return decorate


class Serve(unittest.TestCase):
    def assert_echoes(self, server, size=1000):
        data = os.urandom(size)
        with server.connect() as connection:
            self.assertEqual(harness.exchange(connection, data), data)

    @for_each_model()
    def test_echoes_every_size(self, server):
        with server.connect() as connection:
            for size in harness.SIZES:
                data = os.urandom(size)
                self.assertEqual(harness.exchange(connection, data), data, size)

    @for_each_model("--bufsize", "100")
    def test_a_message_above_the_buffer_size_comes_back_whole(self, server):
        self.assert_echoes(server, 10_000)

    @for_each_model()
    def test_half_close_echoes_the_rest_then_closes(self, server):
        with server.connect() as connection:
            data = os.urandom(200_000)
            sender = threading.Thread(target=send_and_end, args=(connection, data))
            sender.start()
            self.assertEqual(harness.receive_exactly(connection, len(data)), data)
            self.assertEqual(connection.recv(1), b"")
            sender.join(harness.TIMEOUT)

    @for_each_model()
    def test_200_connections_at_once(self, server):
        connections = [server.connect() for _ in range(200)]
        for number, connection in enumerate(connections):
            connection.sendall(struct.pack("!I", number))
        for number, connection in enumerate(connections):
            self.assertEqual(harness.receive_exactly(connection, 4), struct.pack("!I", number))
            connection.close()

    @for_each_model()
    def test_a_peer_that_does_not_read_blocks_nobody_and_loses_nothing(self, server):
        with server.connect() as slow:
            sent = fill(slow)
            self.assertLess(sent, 1 << 26, "the server must stop reading")
            self.assert_echoes(server)
            slow.settimeout(harness.TIMEOUT)
            slow.shutdown(socket.SHUT_WR)
            self.assertEqual(len(harness.receive_exactly(slow, sent)), sent)
            self.assertEqual(slow.recv(1), b"")

    @for_each_model("--verbose")
    def test_a_killed_peer_in_mid_transfer_leaves_the_others_alone(self, server):
        peer = subprocess.Popen([sys.executable, "-c", KILLED_PEER, str(server.port)], stdout=subprocess.PIPE)
        with server.connect() as bystander, peer:
            self.assertTrue(peer.stdout.readline())
            peer.kill()
            self.assertRegex(server.process.stdout.readline(), "^connection .* bytes in, ")
            self.assertEqual(harness.exchange(bystander, b"alive"), b"alive")
        self.assert_echoes(server)

    @for_each_model("--verbose")
    def test_a_reset_ends_the_connection_only(self, server):
        with server.connect() as connection:
            connection.sendall(b"x" * 100_000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.assertRegex(server.process.stdout.readline(), "^connection .* bytes in, ")
        self.assert_echoes(server)

    @for_each_model("--max-connections", "2", "--verbose")
    def test_connections_beyond_the_maximum_are_closed_and_others_may_follow(self, server):
        with server.connect() as first, server.connect() as second:
            self.assertEqual(harness.exchange(first, b"1"), b"1")
            self.assertEqual(harness.exchange(second, b"2"), b"2")
            with server.connect() as third:
                self.assertEqual(third.recv(1), b"")
        self.assertIn("connection", server.process.stdout.readline())
        self.assertIn("connection", server.process.stdout.readline())
        self.assert_echoes(server)
        status, output = server.stop()
        self.assertEqual(status, 0)
        self.assertIn("total: 3 connections, 1 refused", output)

    def assert_stops(self, server, number):
        self.assert_echoes(server, 5000)
        with server.connect() as connection:
            self.assertEqual(harness.exchange(connection, b"12345"), b"12345")
            status, output = server.stop(number)
            self.assertEqual(connection.recv(1), b"")
        self.assertEqual(status, 0)
        self.assertEqual(output, "total: 2 connections, 0 refused, 5005 bytes in, 5005 bytes out\n")

    @for_each_model()
    def test_sigterm_stops_it_with_status_0_and_totals(self, server):
        self.assert_stops(server, signal.SIGTERM)

    @for_each_model()
    def test_sigint_stops_it_with_status_0_and_totals(self, server):
        self.assert_stops(server, signal.SIGINT)

    @for_each_model()
    def test_stopping_does_not_wait_for_a_peer_that_does_not_read(self, server):
        with server.connect() as slow:
            fill(slow)
            status, output = server.stop()
            self.assertEqual(status, 0)
            self.assertTrue(re.match(r"total: 1 connections, 0 refused, \d+ bytes in, \d+ bytes out", output))

    def test_several_loops_share_a_port(self):
        with harness.PlaitServer("--model", "async", "--threads", "3") as server:
            for _ in range(50):
                self.assert_echoes(server)
            _, output = server.stop()
            self.assertIn("total: 50 connections", output)

    def test_a_unix_socket(self):
        for model in MODELS:
            path = f"{os.environ.get('TMPDIR', '/tmp')}/plait-echo-{os.getpid()}-{model}.sock"
            command = [harness.PLAIT, "echo", "serve", "--unix", path, "--model", model]
            with self.subTest(model=model), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                self.assertEqual(server.stdout.readline(), f"listening unix:{path}\n")
                bench = harness.plait("bench", "--unix", path, "--verify", "--repeat", 10)
                server.terminate()
                self.assertEqual(bench.returncode, 0, bench.stderr)
                self.assertEqual(server.wait(harness.TIMEOUT), 0)
                self.assertFalse(os.path.exists(path))

    def test_ipv6(self):
        for model in MODELS:
            with self.subTest(model=model), harness.PlaitServer("--model", model, "--host", "::1") as server:
                bench = harness.plait("bench", "--ipv6", "--port", server.port, "--verify", "--repeat", 10)
                self.assertEqual(bench.returncode, 0, bench.stderr)


if __name__ == "__main__":
    unittest.main()
