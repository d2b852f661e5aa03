"""plait serve as a process: its threads, its limit of open files, SIGHUP."""

import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from harness import PLAIT, TIMEOUT, Server, Subscriber, again_if_taken, environment, plait, wait_until
from process import Process


def make_certificate(folder):
    """A new c.pem and k.pem for localhost, written in place; the certificate."""
    certificate, key = Path(folder, "c.pem"), Path(folder, "k.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=TIMEOUT)
    return ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="utf-8"))


def served_certificate(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        with context.wrap_socket(connection) as secured:
            return secured.getpeercert(binary_form=True)


def listening_sockets(port):
    """How many sockets listen on that port of 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    return sum(line.split()[1:4:2] == [f"0100007F:{port:04X}", "0A"] for line in lines)


class Killed(unittest.TestCase):
    def test_clients_over_quic_hear_of_it_from_the_next_server(self):
        with tempfile.TemporaryDirectory() as folder:
            make_certificate(folder)
            secret = Path(folder, "secret")
            secret.write_text("a secret of 32 bytes or more, then", encoding="utf-8")
            options = ("--jwt-secret-file", secret, "--cert", Path(folder, "c.pem"), "--key", Path(folder, "k.pem"))
            token = plait("token", "--user", "a", "--secret-file", secret).stdout.strip()
            status, _, errors = again_if_taken(lambda: self.told_by_the_next_server(options, token))
        self.assertEqual(status, 1)
        self.assertIn("the peer knows this connection no more", errors)

    @staticmethod
    def told_by_the_next_server(options, token):
        """What a subscriber does whose server was killed, once there is another one at its port."""
        with Server(*options, listen=["https://127.0.0.1:0"]) as first:
            url = first.url("https")
            with Subscriber("demo", "--insecure", "--url", url, token=token) as subscriber:
                first.process.kill()
                first.process.wait(TIMEOUT)
                with Server(*options, listen=[url]):
                    return subscriber.wait()


class Threads(unittest.TestCase):
    def wait_for_threads(self, server, loops):
        """Until so many loops have a thread, which they get one after another: the first may answer before."""
        def threads():
            return len(os.listdir(f"/proc/{server.process.pid}/task"))

        wait_until(lambda: threads() == loops, lambda: f"{threads()} threads for {loops} loops")

    def test_the_log_has_one_only_while_there_are_lines(self):
        with Server("--dev", "--access-log", "--threads", 1) as server:
            for path in ("/first", "/second"):
                server.request(path)
                server.wait_logged(f"GET {path} 404")
                self.wait_for_threads(server, 1)

    def test_each_thread_turns_a_loop_and_listens(self):
        with Server("--dev", "--threads", 3) as server:
            self.assertRegex(server.request("/metrics")[2], r"\nplait_loops 3\n")
            self.wait_for_threads(server, 3)
            self.assertEqual(listening_sockets(server.port()), 3)

    def test_one_per_core_by_default(self):
        with Server("--dev") as server:
            cores = len(os.sched_getaffinity(0))
            self.assertRegex(server.request("/metrics")[2], rf"\nplait_loops {cores}\n")
            self.wait_for_threads(server, cores)

    def with_few_threads(self, stack_bytes):
        """Where the address space has room for a few threads' stacks. Unlike a limit of processes, that holds for root,
        too."""
        return "prlimit", f"--stack={stack_bytes}", f"--as={8 << 30}"

    def said_with_few_threads(self, *command, stack_bytes=1 << 30):
        done = subprocess.run([*self.with_few_threads(stack_bytes), PLAIT, *command], capture_output=True, text=True,
                              timeout=TIMEOUT, check=False, env=environment("/dev/null/state"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("no thread is left for it", done.stderr)
        return done.stderr

    def test_a_thread_that_cannot_be_made_is_an_error(self):
        for command in (("serve", "--dev"), ("bench", "serve")):
            said = self.said_with_few_threads(*command, "--listen", "ws://127.0.0.1:0", "--threads", "200")
            self.assertRegex(said, r"plait: (error: )?loop \d+ of 200: no thread")
        self.said_with_few_threads("serve", "--dev", "--listen", "ws://127.0.0.1:0", "--threads", "2",
                                   stack_bytes=1 << 40)  # not one

    def test_so_it_is_for_the_echo_pair(self):
        serve = ("echo", "serve", "--model", "async", "--port", "0")
        self.assertRegex(self.said_with_few_threads(*serve, "--threads", "200"), r"loop \d+ of 200: no thread")
        with Server("--dev") as server:  # whatever accepts
            said = self.said_with_few_threads("echo", "bench", "--port", str(server.port()), "--parallel", "200")
            self.assertRegex(said, r"thread \d+ of 200: no thread")

    def test_so_it_is_for_a_subscriber(self):  # who watches its reader, and has a name looked up
        said = self.said_with_few_threads("sub", "demo", "--url", "ws://localhost:1", stack_bytes=1 << 40)
        self.assertIn("cannot resolve the host localhost: no thread", said)

    def test_a_server_of_one_loop_needs_none(self):
        command = (*self.with_few_threads(1 << 40), PLAIT, "bench", "serve", "--listen", "ws://127.0.0.1:0")
        with Process(command) as server:
            self.assertIn("listening ws://", server.process.stdout.readline())
            self.assertEqual(server.stop(), 0)


class ServiceManager(unittest.TestCase):
    def test_it_is_told_when_the_server_is_ready_and_when_it_stops(self):
        with (tempfile.TemporaryDirectory() as folder,
              socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as named,
              socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract):
            named.bind(str(Path(folder, "notify")))
            abstract.bind("")  # the kernel picks a name
            for manager, name in ((named, named.getsockname()), (abstract, "@" + abstract.getsockname()[1:].decode())):
                manager.settimeout(TIMEOUT)
                with mock.patch.dict(os.environ, {"NOTIFY_SOCKET": name}), Server("--dev") as server:
                    self.assertEqual(manager.recv(100), b"READY=1")
                    self.assertEqual(server.request("/health")[0], 200)
                    self.assertEqual(server.stop(), 0)
                    self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_one_that_does_not_listen_is_no_error(self):
        for name in ("/nonexistent/notify", "x" * 200, ""):
            with mock.patch.dict(os.environ, {"NOTIFY_SOCKET": name}), Server("--dev") as server:
                self.assertEqual(server.stop(), 0)


class StandardFiles(unittest.TestCase):
    def test_what_is_closed_is_no_place_for_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "s")
            with subprocess.Popen(["sh", "-c", 'exec "$0" serve --dev --listen "unix:$1" <&- >&- 2>&-', PLAIT, path],
                                  env=environment(folder)) as process:
                try:
                    wait_until(lambda: path.exists() or process.poll() is not None)
                    files = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
                finally:
                    process.terminate()
                    process.wait(TIMEOUT)
        self.assertEqual(files, ["/dev/null"] * 3)


class OpenFiles(unittest.TestCase):
    def test_the_soft_limit_is_raised_to_the_hard_one(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        try:
            with Server("--dev") as server:
                limits = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="utf-8")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.assertEqual(re.search(r"Max open files +(\d+) +(\d+)", limits).groups(), (str(hard), str(hard)))


class Hangup(unittest.TestCase):
    def setUp(self):
        # What is written in place behind a link to another folder is not seen by the watch of files.
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.real = Path(folder, "real")
        self.real.mkdir()
        self.first = make_certificate(self.real)
        self.files = [Path(folder, name) for name in ("c.pem", "k.pem")]
        for file in self.files:
            file.symlink_to(self.real / file.name)

    def serve(self, *arguments):
        return Server("--dev", "--cert", self.files[0], "--key", self.files[1], *arguments,
                      listen=("wss://127.0.0.1:0",))

    def test_sighup_serves_the_new_certificate(self):
        with self.serve() as server:
            self.assertEqual(served_certificate(server.port("wss")), self.first)
            second = make_certificate(self.real)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: served_certificate(server.port("wss")) == second)
            self.assertEqual(server.stop(), 0)

    def test_sighup_with_a_bad_file_keeps_the_old_one_and_says_so(self):
        with self.serve() as server:
            (self.real / "k.pem").write_text("no key", encoding="utf-8")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: str(self.files[1]) in server.logged())
            self.assertEqual(served_certificate(server.port("wss")), self.first)
            self.assertEqual(server.stop(), 0)

    def test_after_sighup_the_files_are_watched_where_they_are_then(self):
        base = self.real.parent
        current = base / "current"
        folders = [base / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        make_certificate(folders[0])
        current.symlink_to(folders[0])
        with Server("--dev", "--cert", current / "c.pem", "--key", current / "k.pem",
                    listen=("wss://127.0.0.1:0",)) as server:
            port = server.port("wss")
            second = make_certificate(folders[1])
            (base / "turned").symlink_to(folders[1])
            (base / "turned").replace(current)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: served_certificate(port) == second)
            third = make_certificate(folders[1])
            wait_until(lambda: served_certificate(port) == third)
            # A folder that is removed is told, and once it is made again SIGHUP is enough.
            shutil.rmtree(folders[1])
            server.wait_logged("the certificate's files are not watched")
            folders[1].mkdir()
            make_certificate(folders[1])
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: served_certificate(port) != third)
            last = make_certificate(folders[1])
            wait_until(lambda: served_certificate(port) == last)
            self.assertEqual(server.stop(), 0)

    def test_a_bad_file_is_warned_of_once_however_it_is_noticed(self):
        began = time.monotonic()
        with self.serve() as server:
            self.assertEqual(served_certificate(server.port("wss")), self.first)  # so it watches by now
            bad = self.real / "bad"
            bad.write_text("no key", encoding="utf-8")
            bad.replace(self.files[1])  # the watch of files sees that
            server.wait_logged(str(self.files[1]))
            for _ in range(2):
                server.process.send_signal(signal.SIGHUP)
            self.assertEqual(server.stop(), 0)
            told = [line for line in server.logged().splitlines() if str(self.files[1]) in line]
            self.assertLessEqual(len(told), 1 + (time.monotonic() - began) // 10, told)  # once in 10 s

    def test_without_a_certificate_it_is_told_that_there_is_none(self):
        secret = self.real / "secret"
        secret.write_text("a secret of 32 bytes or more, then", encoding="utf-8")
        with Server("--jwt-secret-file", secret, "--access-log") as server:
            server.process.send_signal(signal.SIGHUP)
            server.wait_logged("there is no certificate to read again")
            self.assertEqual(server.request("/health")[0], 200)
            self.assertEqual(server.stop(), 0)

    def test_a_good_one_is_told_in_the_access_log(self):
        with self.serve("--access-log") as server:
            server.process.send_signal(signal.SIGHUP)
            server.wait_logged("info: the certificate was read again: it is valid until 2")
            self.assertEqual(server.stop(), 0)


class ClosedTerminal(unittest.TestCase):
    def hang_up_with(self, disposition):
        """What SIGHUP is to those that are started from here."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.signal(signal.SIGHUP, disposition))

    def test_it_ends_a_server_in_development(self):
        self.hang_up_with(signal.SIG_DFL)
        with Server("--dev") as server:
            self.assertEqual(server.stop(signal.SIGHUP), 0)

    def test_it_ends_the_server_of_the_benchmarks(self):
        self.hang_up_with(signal.SIG_DFL)
        with Process((PLAIT, "bench", "serve", "--listen", "ws://127.0.0.1:0")) as server:
            self.assertIn("listening ws://", server.process.stdout.readline())
            self.assertEqual(server.stop(signal.SIGHUP), 0)

    def test_who_started_it_with_nohup_keeps_it(self):
        self.hang_up_with(signal.SIG_IGN)
        with Server("--dev", "--access-log") as server:
            server.process.send_signal(signal.SIGHUP)
            server.wait_logged("there is no certificate to read again")
            self.assertEqual(server.request("/health")[0], 200)
            self.assertEqual(server.stop(), 0)


class Errors(unittest.TestCase):
    """Exit status 1, and a sentence with the option and the fix."""

    def said_by(self, *arguments, **variables):
        done = plait(*arguments, **variables)
        self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
        return done.stderr

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
            said = self.said_by("serve", "--dev", "--listen", url)
        self.assertIn(f"--listen {url}", said)
        self.assertRegex(said, "in use: .*(another port|stop)")
        self.assertIn("ss -ltnp", said)

    def test_a_udp_port_in_use(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, tempfile.TemporaryDirectory() as state:
            taken.bind(("127.0.0.1", 0))
            for scheme in ("https", "quic"):
                url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
                said = self.said_by("serve", "--dev", "--listen", url, XDG_STATE_HOME=state)
                self.assertIn("ss -lunp", said)
                self.assertIn("a server that is being stopped keeps it for up to drain_timeout", said)

    def test_an_unreadable_certificate(self):
        files = ["--cert", self.nowhere("c.pem"), "--key", self.nowhere("k.pem")]
        said = self.said_by("serve", "--dev", "--listen", "wss://127.0.0.1:0", *files)
        for expected in ("--cert", self.nowhere("c.pem"), "No such file", "give a PEM file"):
            self.assertIn(expected, said)

    def test_an_unreadable_key(self):
        with tempfile.TemporaryDirectory() as folder:
            make_certificate(folder)
            said = self.said_by("serve", "--dev", "--listen", "wss://127.0.0.1:0", "--cert", Path(folder, "c.pem"),
                                "--key", self.nowhere("k.pem"))
        for expected in ("--key", self.nowhere("k.pem"), "give the certificate's key"):
            self.assertIn(expected, said)

    def test_an_unknown_option(self):
        said = self.said_by("serve", "--lisen", "ws://127.0.0.1:0")
        for expected in ("unknown option '--lisen'", "did you mean '--listen'?", "--help"):
            self.assertIn(expected, said)

    def test_no_folder_for_the_development_certificate(self):
        done = subprocess.run([PLAIT, "serve", "--dev", "--listen", "wss://127.0.0.1:0"], capture_output=True,
                              text=True, timeout=TIMEOUT, check=False, env={"TMPDIR": "/nonexistent"})
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("set XDG_STATE_HOME or HOME", done.stderr)

    def test_a_bad_value(self):
        self.assertIn("--threads", self.said_by("serve", "--dev", "--threads", "many"))
        self.assertIn("--rounds", self.said_by("bench", "websocket", "--rounds", "many"))
        self.assertIn("--seconds", self.said_by("bench", "websocket", "--seconds", "1", "--seconds", "2"))
        self.assertIn("a command is required", self.said_by("echo"))

    def test_a_config_error(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write("development = true\nthread = 2\n")
            config.flush()
            said = self.said_by("serve", "--config", config.name)
        self.assertIn(f'{config.name}:2: unknown key "thread"; known here: ', said)
        self.assertIn("threads", said)

    @staticmethod
    def nowhere(name):
        return f"/nonexistent/{name}"


if __name__ == "__main__":
    unittest.main()
