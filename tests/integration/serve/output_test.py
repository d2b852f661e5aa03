"""What becomes of output that nobody takes: full disks, readers that are gone, readers that stall."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import PLAIT, TIMEOUT, Server, Subscriber, environment, plait, publish

NO_SPACE = "plait: cannot write to standard output: No space left on device\n"
FULL = "/dev/full"  # every write fails with ENOSPC


def run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
    return subprocess.run([PLAIT, *map(str, arguments)], stdout=stdout, stderr=stderr, text=True, timeout=TIMEOUT,
                          check=False, env=environment("/nonexistent") | variables)


@contextlib.contextmanager
def started(*arguments, stdout, **variables):
    """A `plait …` that is killed if it has not ended by itself."""
    with subprocess.Popen([PLAIT, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          env=environment("/nonexistent") | variables) as process:
        try:
            yield process
        finally:
            process.kill()


class FullDisk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev"))
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.secret = cls.folder / "secret"
        cls.secret.write_text("s" * 32, encoding="utf-8")
        cls.config = cls.folder / "plait.toml"
        cls.config.write_text("development = true\n", encoding="utf-8")

    def lost(self, *arguments, **variables):
        with open(FULL, "w", encoding="utf-8") as full:
            done = run(*arguments, stdout=full, **variables)
        self.assertEqual((done.returncode, done.stderr), (1, NO_SPACE), arguments)

    def test_a_command_whose_output_is_lost_fails_and_says_so(self):
        self.lost("token", "--user", "a", "--secret-file", self.secret)
        self.lost("check", self.config)
        self.lost("check", "--system")
        self.lost("bench", "--list")
        self.lost("bench-generate", "no-plan")
        for kind in ("tcp", "ws", "fanout", "quic-bulk", "tls-bulk"):
            self.lost("bench-raw", kind)
        self.lost("--help")
        self.lost("pub", "--help")
        self.lost("pub", "demo", "1", "--url", self.server.url(), PLAIT_TOKEN=self.server.token)

    def test_a_subscriber_whose_output_is_lost_ends(self):
        for options in (("--count", 1), (), ("--recover",)):
            with open(FULL, "w", encoding="utf-8") as full, \
                    started("sub", "full", *options, "--url", self.server.url(), stdout=full,
                            PLAIT_TOKEN=self.server.token) as process:
                self.assertEqual(process.stderr.readline(), "subscribed\n")
                publish(self.server, "1", topic="full")
                self.assertEqual(process.communicate(timeout=TIMEOUT)[1], NO_SPACE)
                self.assertEqual(process.returncode, 1)

    def test_a_message_that_is_lost_changes_no_exit_status(self):
        with open(FULL, "w", encoding="utf-8") as full:
            self.assertEqual(run("pub", stderr=full).returncode, 1)
            self.assertEqual(run("pub", "demo", "1", "--url", self.server.url(), stderr=full).returncode, 1)
            done = run("pub", "demo", "1", "--url", self.server.url(), stderr=full, PLAIT_TOKEN=self.server.token)
            self.assertEqual(done.returncode, 0)

    def test_a_server_outlives_its_log(self):
        with open(FULL, "w", encoding="utf-8") as full, Server("--dev", "--access-log", stderr=full) as server:
            for _ in range(3):
                self.assertEqual(server.request("/health")[0], 200)
            self.assertEqual(server.stop(), 0)

    def test_a_server_serves_without_its_standard_output(self):
        with tempfile.TemporaryDirectory() as state, open(FULL, "w", encoding="utf-8") as full:
            with started("serve", "--dev", "--listen", f"unix:{state}/p", stdout=full,
                         XDG_STATE_HOME=state) as process:
                said = iter(process.stderr.readline, "")
                self.assertTrue(any("standard output cannot be written" in line for line in said))
                url = ("--url", f"unix:{state}/p:/wse")
                self.assertIn("401", plait("pub", "demo", "1", *url).stderr)
                process.send_signal(signal.SIGTERM)
                self.assertTrue(process.communicate(timeout=TIMEOUT)[1].endswith(NO_SPACE))
                self.assertEqual(process.returncode, 1)


class GoneReader(unittest.TestCase):
    def test_a_server_outlives_the_reader_of_its_log(self):
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as log, Server("--dev", "--access-log", stderr=log) as server:
            os.close(reading)
            log.close()
            for _ in range(3):
                self.assertEqual(server.request("/health")[0], 200)
            self.assertEqual(server.stop(), 0)

    def test_a_subscriber_ends_at_once_and_says_nothing(self):
        with Server("--dev") as server, Subscriber("demo", "--url", server.url(), token=server.token) as subscriber:
            subscriber.process.stdout.close()  # nothing is ever published
            self.assertEqual(subscriber.process.wait(TIMEOUT), -signal.SIGPIPE)
            self.assertEqual(subscriber.process.stderr.read(), "")

    def test_also_where_sigpipe_is_ignored(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            done = subprocess.run([PLAIT, "--help"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False,
                                  timeout=TIMEOUT, restore_signals=False)  # as Python has it
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_lines_that_were_lost_are_counted_when_somebody_reads_again(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = Path(folder, "log")
            os.mkfifo(fifo)
            waiting = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # so that the other end can be opened
            with open(fifo, "w", encoding="utf-8") as log, open(waiting, encoding="utf-8") as reader, \
                    Server("--dev", "--access-log", stderr=log) as server:
                lines = ""
                while "lines of the log before this were lost" not in lines:
                    reader.close()
                    server.request("/lost")
                    reader = self.enterContext(open(fifo, encoding="utf-8"))
                    server.request("/read")
                    lines = ""
                    while "GET /read 404\n" not in lines:
                        lines += reader.readline()
                self.assertRegex(
                    lines, r"plait: warning: \d+ lines of the log before this were lost\n\S+Z plait: info: ")
                self.assertEqual(server.stop(), 0)


class StalledReader(unittest.TestCase):
    def test_the_log_stalls_no_loop(self):
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        with os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "w") as log, \
                Server("--jwt-secret-file", self.secret(), "--access-log", "--threads", 2, stderr=log) as server:
            for _ in range(90):  # more than fits: each line has more than 50 bytes
                self.assertEqual(server.request("/a-path-of-some-length-that-is-not-there")[0], 404)
            self.assertEqual(server.stop(), 0)

    def secret(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "secret").write_text("s" * 32, encoding="utf-8")
        return folder / "secret"


class OneMessageALine(unittest.TestCase):
    def test_a_publication_forges_no_line(self):
        data = '[1,\n"fake"\r\n,"a\\nb"]'
        with Server("--dev") as server:
            for options in ((), ("--json",)):
                with Subscriber("demo", "--count", 2, *options, "--url", server.url(), token=server.token) as lines:
                    publish(server, data)
                    publish(server, "2")
                    first, second = (json.loads(lines.line()) for _ in range(2))
                self.assertEqual(first["p"] if options else first, [1, "fake", "a\nb"])
                self.assertEqual(second["p"] if options else second, 2)


if __name__ == "__main__":
    unittest.main()
