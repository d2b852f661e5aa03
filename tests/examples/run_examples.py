"""run_examples.py CLASS FOLDER: runs every example of the folder and checks what it answers."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

FOLDER = pathlib.Path(sys.argv.pop())


@contextlib.contextmanager
def serving_process(example, *arguments):
    """An example server on a free port, for as long as the block runs: the process and its URL."""
    with tempfile.TemporaryDirectory() as state, subprocess.Popen(
        [FOLDER / example, *arguments], stderr=subprocess.PIPE, text=True, env={**os.environ, "XDG_STATE_HOME": state}
    ) as process:
        try:
            word, url = process.stderr.readline().split()
            assert word == "listening", word
            yield process, url
        finally:
            process.terminate()


@contextlib.contextmanager
def serving(example, *arguments):
    """Its URL alone."""
    with serving_process(example, *arguments) as (_, url):
        yield url


@contextlib.contextmanager
def reconnecting(*urls):
    with subprocess.Popen(
        [FOLDER / "example_06_reconnect", *urls], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def send_lines(url, text, example="example_02_client"):
    return subprocess.run([FOLDER / example, url], input=text, capture_output=True, text=True, timeout=20)


class Examples(unittest.TestCase):
    def test_client_gets_its_lines_back(self):
        with serving("example_01_echo", "ws://127.0.0.1:0/echo") as url:
            result = send_lines(url, "one\ntwo\n")
        self.assertEqual((result.returncode, result.stdout), (0, "one\ntwo\n"), result.stderr)

    def test_each_line_comes_back_on_a_stream_of_its_own(self):
        for scheme in ("https", "quic"):
            with self.subTest(scheme), serving("example_04_streams", "serve", f"{scheme}://127.0.0.1:0/") as url:
                result = send_lines(url, "one\ntwo\nthree\n", "example_04_streams")
                self.assertEqual((result.returncode, result.stdout), (0, "one\ntwo\nthree\n"), result.stderr)

    def test_both_sides_call_each_other(self):
        with serving("example_05_rpc", "serve", "https://127.0.0.1:0/") as url:
            result = send_lines(url, "1 2 3\nx\n\n9223372036854775807 1\n", "example_05_rpc")
        answers = '"hello, example"\n6\nintegers only\n0\nthe sum is too large\n'
        self.assertEqual((result.returncode, result.stdout), (0, answers), result.stderr)

    def test_client_says_why_it_cannot_connect(self):
        with serving("example_01_echo", "ws://127.0.0.1:0/echo") as url:
            result = send_lines(url.replace("/echo", "/elsewhere"), "one\n")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("404", result.stderr)

    def test_session_comes_back_with_its_server(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            place = f"unix:{folder}/socket:/echo"
            with serving("example_01_echo", place) as url:
                client = stack.enter_context(reconnecting(url))
                self.assertEqual(client.stderr.readline(), "established\n")
                self.assertEqual(client.stdout.readline(), "hello\n")
            self.assertIn("lost: ", client.stderr.readline())
            with serving("example_01_echo", place):
                self.assertEqual(client.stderr.readline(), "established\n")
                self.assertEqual(client.stdout.readline(), "hello\n")

    def test_session_falls_back_to_another_way(self):
        with serving("example_01_echo", "ws://127.0.0.1:0/echo") as url:
            with reconnecting("https://127.0.0.1:1/echo", url) as client:
                self.assertEqual(client.stderr.readline(), "established\n")
                self.assertEqual(client.stdout.readline(), "hello\n")

    def test_session_that_is_refused_for_good_does_not_come_back(self):
        with serving("example_01_echo", "ws://127.0.0.1:0/echo") as url:
            with reconnecting(url.replace("/echo", "/elsewhere")) as client:
                output, errors = client.communicate(timeout=20)
        self.assertEqual((client.returncode, output), (1, ""))
        self.assertRegex(errors, "^failed: .*404")

    def test_clients_of_quic_fail_where_nobody_listens(self):
        for example in ("example_04_streams", "example_05_rpc"):
            result = send_lines("https://127.0.0.1:1/", "1\n", example)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("nobody listens", result.stderr)

    def test_server_says_why_it_cannot_listen(self):
        result = subprocess.run([FOLDER / "example_01_echo", "carrier-pigeon://x/"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("carrier-pigeon", result.stderr)

    def test_room_ticks_for_all_its_members(self):
        with serving("example_07_ticks", "ws://127.0.0.1:0/room") as url, contextlib.ExitStack() as stack:
            members = [
                stack.enter_context(
                    subprocess.Popen([FOLDER / "example_02_client", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True))
                for _ in range(2)
            ]
            for member in members:
                stack.callback(member.kill)
            for member in members:
                state = []
                while state[1:] != ["2", "hello"]:  # how many there are, and what was said last
                    member.stdin.write("hello\n")
                    member.stdin.flush()
                    state = member.stdout.readline().split()
                    self.assertTrue(state)

    def test_endpoint_beside_websocket(self):
        with serving("example_03_http_endpoint", "ws://127.0.0.1:0/greet") as url:
            greeted = send_lines(url, "hello\n")
            self.assertTrue(greeted.stdout.startswith("welcome, 127.0.0.1:"), greeted)
            netloc = urllib.parse.urlsplit(url).netloc
            with contextlib.closing(http.client.HTTPConnection(netloc, timeout=10)) as connection:
                connection.request("GET", "/sessions")
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "application/json"))
                self.assertIn("open", json.loads(answer.read()))


class LostServer(unittest.TestCase):
    """Waits for QUIC's idle timeout."""

    def test_rpc_client_ends_when_its_server_is_lost_under_a_call(self):
        with contextlib.ExitStack() as stack:
            process, url = stack.enter_context(serving_process("example_05_rpc", "serve", "https://127.0.0.1:0/"))
            lines = stack.enter_context(tempfile.TemporaryFile())
            lines.write(b"1\n" * 1_000_000)
            lines.seek(0)
            client = stack.enter_context(
                subprocess.Popen([FOLDER / "example_05_rpc", url], stdin=lines, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE))
            self.assertEqual(client.stdout.readline(), b'"hello, example"\n')
            process.kill()
            _, errors = client.communicate(timeout=60)
        self.assertEqual(client.returncode, 1, errors)


unittest.main()
