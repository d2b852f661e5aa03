"""What plait bench cannot run is refused by name, a quick look says that it is one, and a peer that lies has no row."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import PLAIT, TIMEOUT, Bench, one_cpu


class Refusals(unittest.TestCase):
    def refused(self, *arguments):
        command = [PLAIT, "bench", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_no_suite(self):
        self.assertIn("give a suite, tcp-echo, websocket or webtransport", self.refused())
        self.assertIn("'x' is no suite", self.refused("x"))

    def test_a_list_of_what_is_not_there(self):
        self.assertIn("'nosuch' is no suite", self.refused("--list", "nosuch"))
        for suite in ((), ("tcp-echo",)):
            self.assertIn("--rows '[' is no extended regular expression", self.refused(*suite, "--list", "--rows", "["))
            self.assertIn("no row matches --rows 'none'", self.refused(*suite, "--list", "--rows", "none"))

    def test_rounds_and_seconds(self):
        for value in ("0", "-1", "many"):
            self.assertIn("--rounds", self.refused("websocket", f"--rounds={value}"))
            self.assertIn("--seconds", self.refused("websocket", f"--seconds={value}"))
        for value in ("-1", "long"):
            self.assertIn("--warmup", self.refused("websocket", f"--warmup={value}"))

    def test_cpus_that_this_process_may_not_use(self):
        usable = sorted(os.sched_getaffinity(0))
        other = max(usable) + 1
        for cpus in (f"server={other}", f"server={usable[0]},client={other}", f"client={other}"):
            words = f"--cpu '{cpus}': cannot use CPU {other}: this process may use {', '.join(map(str, usable))}\n"
            self.assertIn(words, self.refused("websocket", "--cpu", cpus))
        only = usable[0]
        self.assertIn(f"--placement two needs a CPU for each, and has only {only}",
                      self.refused("websocket", "--cpu", f"server={only},client={only}", "--placement", "two"))

    def test_serve_on_cpus_that_this_process_may_not_use(self):
        said = self.refused("serve", "--listen", "ws://127.0.0.1:0", "--cpu", "100000")
        self.assertIn("--cpu: cannot use CPU 100000: this process may use ", said)

    def test_serve_on_urls_with_a_path_or_that_are_none(self):
        for url in ("ws://127.0.0.1:0/echo", "ws://127.0.0.1:0?a=b", "quic://127.0.0.1:0/x", "unix:/none/s:/echo"):
            self.assertIn(f"plait: {url}: leave out the path", self.refused("serve", "--listen", url))
        for url in ("foo", "ftp://127.0.0.1:0", "ws://127.0.0.1:x"):
            said = self.refused("serve", "--listen", url)
            self.assertIn(url, said)
            self.assertNotIn("/echo", said)

    def test_half_of_a_certificate_and_its_key(self):
        for given, missing in (("--key", "--cert"), ("--cert", "--key")):
            said = self.refused("serve", "--listen", "wss://127.0.0.1:0", given, "/nonexistent")
            self.assertIn(f"{given} requires {missing}", said)

    def test_files_that_cannot_be_written_before_anything_is_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            older = Path(folder, "older")
            older.write_text("older", encoding="utf-8")
            for option in ("--json", "--markdown", "--html", "--svg"):
                for path, why in ((f"{folder}/none/x", "No such file or directory"), (folder, "Is a directory"),
                                  (f"{older}/x", "Not a directory")):
                    other = "--json" if option == "--svg" else "--svg"
                    said = self.refused("tcp-echo", other, str(older), option, path)
                    self.assertEqual(said, f"plait: {option} {path}: cannot be written: {why}\n")
            self.assertEqual(older.read_text(encoding="utf-8"), "older")
            self.assertEqual(os.listdir(folder), ["older"])

    def test_a_peer_without_its_command(self):
        self.assertIn("--peer 'foo': the = is missing", self.refused("websocket", "--peer", "foo"))


    def test_servers_that_are_not_there(self):
        self.assertIn("--servers 'typo': no such server; there are plait\n",
                      self.refused("websocket", "--servers", "plait,typo"))
        self.assertIn("--baseline 'nope': no such server; there are plait, raw, openssl\n",
                      self.refused("websocket", "--peer", "raw", "--baseline", "nope"))
        self.assertIn("--baseline 'plait': no such server; there are raw\n",
                      self.refused("websocket", "--peer", "raw", "--servers", "raw", "--baseline", "plait"))

    def test_rows_that_need_a_second_cpu_where_there_is_none(self):
        with one_cpu() as cpu:
            self.assertIn(f"left out: the placement on two cores, for which there is only CPU {cpu}, and so all of "
                          "memory/plain, memory/tls, memory/deflate\n", self.refused("websocket", "--rows", "memory"))


class Lists(unittest.TestCase):
    def rows(self, *arguments):
        """The listed rows' ids, by suite."""
        command = [PLAIT, "bench", "--list", *arguments]
        text = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout
        suites = {}
        for line in text.splitlines():
            if re.match(r"\S+: ", line):
                ids = suites.setdefault(line.split(":")[0], [])
            elif line.strip():
                ids.append(line.split()[0])
        return {suite: [row for row in ids if row != "row" and "/" in row] for suite, ids in suites.items()}

    def test_what_would_run_is_listed_and_nothing_else(self):
        every = self.rows()
        self.assertEqual(list(every), ["tcp-echo", "websocket", "webtransport"])
        for suite, rows in every.items():
            self.assertEqual(self.rows(suite), {suite: rows})
        literal = {suite: [row for row in rows if row.startswith("literal/")] for suite, rows in every.items()}
        self.assertEqual(self.rows("tcp-echo", "--rows", "^literal/"), {"tcp-echo": literal["tcp-echo"]})
        self.assertGreater(len(literal["tcp-echo"]), 0)
        self.assertEqual(self.rows("--rows", "^literal/"), {suite: rows for suite, rows in literal.items() if rows})


# A TCP echo that sends everything back twice.
TWICE = """
import asyncio, sys

async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(2 * data)
        await writer.drain()

async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()

asyncio.run(main())
"""


# A WebSocket server that sends a Pong when nobody has sent a Ping, reads some of an upload and is gone.
PONG = """
import base64, hashlib, socket, sys

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection = server.accept()[0]
    request = b""
    while b"\\r\\n\\r\\n" not in request and (data := connection.recv(4096)):
        request += data
    if b"Sec-WebSocket-Key: " in request:
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\\r\\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                           b"Sec-WebSocket-Accept: " + accept + b"\\r\\n\\r\\n\\x8a\\x00")
        connection.recv(65536)
    connection.close()
"""


# A broker that speaks RESP2 and delivers everything twice.
TWICE_TO_ALL = """
import asyncio, sys

subscribers = []

async def serve(reader, writer):
    while data := await reader.read(65536):
        if b"SUBSCRIBE" in data:
            subscribers.append(writer)
            writer.write(b"*3\\r\\n$9\\r\\nsubscribe\\r\\n$6\\r\\nfanout\\r\\n:1\\r\\n")
        elif b"PING" in data:
            writer.write(b"+PONG\\r\\n")
        else:
            delivery = data.replace(b"$7\\r\\nPUBLISH", b"$7\\r\\nmessage")
            for subscriber in subscribers:
                subscriber.write(2 * delivery)

async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()

asyncio.run(main())
"""


class Lies(unittest.TestCase):
    def test_a_broker_that_delivers_twice(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "twice.py")
            script.write_text(TWICE_TO_ALL, encoding="utf-8")
            peer = f"twice={shlex.join([sys.executable, str(script)])} {{port}},redis://127.0.0.1:{{port}}"
            command = [PLAIT, "bench", "websocket", "--quick", "--rows", "^fanout/93B/b1/s100$", "--placement", "free",
                       "--servers", "twice", "--peer", peer]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertIn("a subscriber was sent more messages than were published", done.stdout)

    def test_a_server_that_answers_twice(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "twice.py")
            script.write_text(TWICE, encoding="utf-8")
            command = [PLAIT, "bench", "tcp-echo", "--quick", "--rows", "^echo/1KB/d64/c10$", "--placement", "free",
                       "--peer", f"twice={shlex.join([sys.executable, str(script)])} {{port}},tcp://127.0.0.1:{{port}}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertIn("the server answered more messages than it was sent", done.stdout + done.stderr)

    def test_a_server_that_sends_a_pong_before_it_is_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "pong.py")
            script.write_text(PONG, encoding="utf-8")
            peer = f"pong={shlex.join([sys.executable, str(script)])} {{port}},ws://127.0.0.1:{{port}}"
            command = [PLAIT, "bench", "websocket", "--quick", "--rows", "^stream/upload$", "--placement", "free",
                       "--servers", "pong", "--peer", peer]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("pong failed after 0 samples", done.stdout)


class Quick(unittest.TestCase):
    def test_it_says_so_and_what_it_makes_smaller(self):
        quick = Bench("websocket", "^echo/93B/d1/c1$", "--placement", "free")
        for text in (quick.output, quick.markdown, quick.html, quick.report["title"]):
            self.assertIn("--quick: a look, not a result", text)
            self.assertIn("a tenth of 1,000 connections", text)

    def test_the_help_says_the_same(self):
        done = subprocess.run([PLAIT, "bench", "--help"], capture_output=True, text=True, timeout=TIMEOUT, check=True)
        words = " ".join(done.stdout.split())
        self.assertIn("a tenth of 1,000 connections and of 10,000 streams or more, a twentieth of the openings, a "
                      "sixteenth of a transfer's bytes: a look, not a result", words)


class FullDisk(unittest.TestCase):
    def test_the_other_files_are_written_whatever_becomes_of_one(self):
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "html")
            command = [PLAIT, "bench", "tcp-echo", "--quick", "--rows", "^echo/1KB/d1/c1$", "--placement", "free",
                       "--json", "/dev/full", "--html", str(written)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("plait: --json /dev/full: cannot be written: No space left on device\n", done.stderr)
            self.assertIn("<html", written.read_text(encoding="utf-8"))


class LeftOut(unittest.TestCase):
    def test_what_is_not_done_is_said_in_the_output_and_in_the_report(self):
        with one_cpu():
            bench = Bench("websocket", "^(connect/k1|memory/plain)$", "--verify")
        self.assertEqual([(case["row"], case["placement"]) for case in bench.cases], [("connect/k1", "one core")])
        cores, verify, seconds = bench.report["notes"]
        self.assertTrue(cores.endswith("and so all of memory/plain"), cores)
        self.assertEqual(verify, "--verify compares nothing more in connect/k1, memory/plain")
        self.assertEqual(seconds, "--seconds changes nothing in memory/plain")
        for text in (bench.output, bench.markdown, bench.html):
            for note in bench.report["notes"]:
                self.assertIn(note, text)


if __name__ == "__main__":
    unittest.main()
