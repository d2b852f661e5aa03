"""plait pub and plait sub against plait serve, over every wire."""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from dialect_test import Client
from harness import ALL_WIRES, NO_FOLDER, PLAIT, TIMEOUT, Server, Subscriber, environment, plait, publish


class Cuttable:
    """Forwards TCP connections to `port` until cut() cuts all of them; later ones are forwarded again."""

    def __init__(self, port):
        self.target = port
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                self.accepted.release()
                self.open.wait(TIMEOUT)
                far = socket.create_connection(("127.0.0.1", self.target), timeout=TIMEOUT)
                self.sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def forward(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self):
        """Returns when the connections are cut; the next ones wait for resume()."""
        self.open.clear()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.sockets = []

    def resume(self):
        self.open.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


class CutOnce(Cuttable):
    """Ends the first connection behind the response that opens its WebSocket."""

    def __init__(self, port):
        self.was_cut = False
        super().__init__(port)

    def forward(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if data.startswith(b"HTTP/1.1 101 ") and not self.was_cut:
                    self.was_cut = True
                    sink.sendall(data[:data.index(b"\r\n\r\n") + 4])
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class Watched(Cuttable):
    """Knows whether a WebSocket's pong has passed."""

    def __init__(self, port):
        self.ponged = threading.Event()
        super().__init__(port)

    def forward(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if data[0] == 0x8A:
                    self.ponged.set()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class PubSub(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        listen = (*ALL_WIRES, "https://127.0.0.1:0", "quic://127.0.0.1:0")
        cls.server = cls.enterClassContext(Server("--dev", "--threads", 2, listen=listen))

    def subscribe(self, *arguments, scheme="ws"):
        return Subscriber(*arguments, "--url", self.server.url(scheme), "--insecure", token=self.server.token)

    def publish(self, data, topic, scheme="ws"):
        done = publish(self.server, data, scheme=scheme, topic=topic)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_every_wire_to_every_wire(self):
        wires = ("ws", "wss", "tcp", "tls", "https", "quic")
        with contextlib.ExitStack() as stack:
            subscribers = [stack.enter_context(self.subscribe("mesh", "--count", len(wires), scheme=wire))
                           for wire in wires]
            for wire in wires:
                self.publish(json.dumps({"from": wire}), "mesh", scheme=wire)
            for subscriber in subscribers:
                self.assertEqual([json.loads(subscriber.line())["from"] for _ in wires], list(wires))
                self.assertEqual(subscriber.wait()[0], 0)

    def test_text_becomes_a_json_string_and_json_stays(self):
        with self.subscribe("kinds", "--count", 3) as subscriber:
            for data in ("plain text", '{"a": [1, 2]}', "42"):
                self.publish(data, "kinds")
            self.assertEqual([subscriber.line() for _ in range(3)], ['"plain text"', '{"a": [1, 2]}', "42"])

    def test_envelopes_and_acknowledged_positions(self):
        with self.subscribe("stamped", "--count", 2, "--json") as subscriber:
            positions = [self.publish(str(i), "stamped").split()[-1] for i in range(2)]
            envelopes = [json.loads(subscriber.line()) for _ in range(2)]
        self.assertEqual([f"{one['e']}:{one['o']}" for one in envelopes], positions)
        self.assertEqual([(one["tp"], one["p"], one["o"]) for one in envelopes], [("stamped", 0, 1), ("stamped", 1, 2)])

    def test_patterns_and_several_topics(self):
        with self.subscribe("many.*", "other", "--count", 2) as subscriber:
            self.publish("1", "unrelated")
            self.publish("2", "many.a")
            self.publish("3", "other")
            self.assertEqual(sorted([subscriber.line(), subscriber.line()]), ["many.a 2", "other 3"])

    def feed(self, text, *arguments):
        arguments = (PLAIT, "pub", *arguments, "--url", self.server.url())
        return subprocess.run(arguments, input=text, capture_output=True, timeout=TIMEOUT, check=False,
                              env=environment(NO_FOLDER) | {"PLAIT_TOKEN": self.server.token})

    def test_standard_input_as_one_message_or_a_message_a_line(self):
        large = json.dumps("x" * 500_000)  # more than an argument may have
        with self.subscribe("fed", "--count", 4) as subscriber:
            self.assertEqual(self.feed(large.encode() + b"\n", "fed", "-").returncode, 0)
            self.assertEqual(self.feed(b"two words\n", "fed", "-").returncode, 0)
            done = self.feed(b'{"a":1}\n\nlast', "fed", "--lines")
            self.assertEqual((done.returncode, done.stdout.count(b"published at ")), (0, 2), done.stderr)
            self.assertEqual([subscriber.line() for _ in range(4)], [large, '"two words"', '{"a":1}', '"last"'])

    def test_lines_end_with_the_number_of_the_one_that_is_refused(self):
        for line, words in ((b"\xff", b"plait: line 3: the data to publish is not UTF-8\n"),
                            (b"1e400", b"plait: line 3: the data to publish has a number beyond 64-bit integers")):
            done = self.feed(b"1\n\n" + line + b"\n4\n", "fed", "--lines")
            self.assertEqual((done.returncode, done.stdout.count(b"published at ")), (1, 1))
            self.assertIn(words, done.stderr)
        done = self.feed(b"1\n", "a b", "--lines")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"plait: line 1: PUBLISH_FAILED", done.stderr)

    def test_lines_that_come_too_fast_wait_as_long_as_the_server_says(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write("[hub]\nrate_limit_capacity = 2\nrate_limit_refill = 8\n")
            config.flush()
            server = self.enterContext(Server("--dev", "--config", config.name))
        lines = "".join(f"{i}\n" for i in range(8))
        with Subscriber("fast", "--count", "8", "--url", server.url(), token=server.token) as subscriber, \
                self.lines("fast", server.port(), server.token) as publisher:
            output, errors = publisher.communicate(lines, timeout=TIMEOUT)
            self.assertEqual((publisher.returncode, output.count("published at "), errors), (0, 8, ""))
            self.assertEqual(subscriber.wait()[1], lines, "each once, in their order")

    def lines(self, topic, port, token):
        """`plait pub --lines`, to be fed."""
        arguments = (PLAIT, "pub", topic, "--lines", "--url", f"ws://127.0.0.1:{port}")
        return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=environment(NO_FOLDER) | {"PLAIT_TOKEN": token})

    def feed_line(self, publisher, line):
        publisher.stdin.write(line + "\n")
        publisher.stdin.flush()
        self.assertIn("published at ", publisher.stdout.readline())

    def test_lines_may_be_long_in_coming(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write("[limits]\nping_interval = 1\n")
            config.flush()
            server = self.enterContext(Server("--dev", "--config", config.name))
        with Watched(server.port()) as proxy, self.lines("far", proxy.port, server.token) as publisher:
            self.feed_line(publisher, "1")
            self.assertTrue(proxy.ponged.wait(TIMEOUT), "who waits for its input still answers pings")
            self.feed_line(publisher, "2")
            publisher.communicate(timeout=TIMEOUT)
            self.assertEqual(publisher.returncode, 0)

    def test_lines_end_with_the_session_though_no_line_comes(self):
        with Cuttable(self.server.port()) as proxy, self.lines("cut", proxy.port, self.server.token) as publisher:
            self.feed_line(publisher, "1")
            proxy.cut()
            self.assertEqual(publisher.wait(TIMEOUT), 1)
            self.assertRegex(publisher.stderr.read(), "after line 1: .*1006")

    def test_input_that_cannot_be_read_is_not_its_end(self):
        folder = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, folder)
        with self.subscribe("unread", "--count", 1) as subscriber:
            for data in ("-", "--lines"):
                arguments = (PLAIT, "pub", "unread", data, "--url", self.server.url())
                done = subprocess.run(arguments, stdin=folder, capture_output=True, timeout=TIMEOUT, check=False,
                                      env=environment(NO_FOLDER) | {"PLAIT_TOKEN": self.server.token})
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertIn(b"cannot read standard input: Is a directory", done.stderr)
            self.publish("1", "unread")
            self.assertEqual(subscriber.line(), "1", "nothing was published")

    def test_what_cannot_be_published_is_said_here(self):
        for text, arguments, words in ((b"\xff", ("fed", "-"), b"not UTF-8"), (b"", ("fed",), b"DATA, or --lines"),
                                       (b'{"id":18446744073709551616}', ("fed", "-"), b"beyond 64-bit integers"),
                                       (b"", ("fed", "1e400"), b"beyond 64-bit integers"),
                                       (b"x" * (17 << 20), ("fed", "-"), b"larger than 16 MiB"),
                                       (b"", (b"\xff", "1"), b"the topic is not UTF-8"),
                                       (b"", ("fed", "1", "--lines"), b"one of them, not both")):
            done = self.feed(text, *arguments)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(words, done.stderr)

    def test_recover_prints_what_was_published_while_the_connection_was_lost(self):
        with Cuttable(self.server.port()) as proxy:
            url = f"ws://127.0.0.1:{proxy.port}"
            with Subscriber("lost", "--recover", "--count", 3, "--url", url, token=self.server.token) as subscriber:
                self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                self.publish("1", "lost")
                self.assertEqual(subscriber.line(), "1")
                proxy.cut()
                self.publish("2", "lost")
                self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                proxy.resume()
                self.assertEqual(subscriber.line(), "2")
                self.publish("3", "lost")
                self.assertEqual(subscriber.line(), "3")
                status, _, errors = subscriber.wait()
                self.assertEqual(status, 0)
                self.assertRegex(errors, r"\A.*; connecting again\nsubscribed\n\Z")

    def test_recover_from_another_server_says_that_something_may_have_been_missed(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        secret = folder / "secret"
        secret.write_text("s" * 32, encoding="utf-8")
        token = plait("token", "--user", "faithful", "--secret-file", secret).stdout.strip()
        first = self.enterContext(Server("--jwt-secret-file", secret))
        second = self.enterContext(Server("--jwt-secret-file", secret))
        with Cuttable(first.port()) as proxy:
            url = f"ws://127.0.0.1:{proxy.port}"
            with Subscriber("anew", "--recover", "--count", 1, "--url", url, token=token) as subscriber:
                proxy.target = second.port()  # as after a restart, with nothing published at all
                proxy.cut()
                proxy.resume()
                self.assertIn("connecting again", subscriber.process.stderr.readline())
                self.assertEqual(subscriber.process.stderr.readline(), "subscribed\n")
                self.assertIn("messages of anew may have been missed", subscriber.process.stderr.readline())
                self.assertEqual(publish(second, "1", topic="anew", token=token).returncode, 0)
                self.assertEqual(subscriber.line(), "1")
                self.assertEqual(subscriber.wait()[0], 0)

    def test_recover_says_that_patterns_may_have_missed_something(self):
        with Cuttable(self.server.port()) as proxy:
            url = f"ws://127.0.0.1:{proxy.port}"
            count = 1001  # topics: more positions than one request may name
            arguments = ("los*", "--recover", "--count", count + 1, "--url", url)
            with Subscriber(*arguments, token=self.server.token) as subscriber, Client(self.server) as publisher:
                self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                for i in range(count):
                    publisher.send(json.dumps({"t": "publish", "p": {"topic": f"lost{i}", "data": 1}}))
                self.assertEqual({subscriber.line() for _ in range(count)}, {f"lost{i} 1" for i in range(count)})
                proxy.cut()
                self.publish("2", "lost1")
                self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                proxy.resume()
                self.assertIn("connecting again", subscriber.process.stderr.readline())
                self.assertEqual(subscriber.process.stderr.readline(), "subscribed\n")
                self.assertIn("messages of los* may have been missed", subscriber.process.stderr.readline())
                self.publish("3", "lost1")
                self.assertEqual(subscriber.line(), "lost1 3")
                self.assertEqual(subscriber.wait()[0], 0)

    def test_reconnect_goes_on_without_what_was_missed(self):
        with Cuttable(self.server.port()) as proxy:
            url = f"ws://127.0.0.1:{proxy.port}"
            with Subscriber("back", "--reconnect", "--count", 2, "--url", url, token=self.server.token) as subscriber:
                self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                self.publish("1", "back")
                self.assertEqual(subscriber.line(), "1")
                proxy.cut()
                self.publish("2", "back")
                self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                proxy.resume()
                self.assertIn("connecting again", subscriber.process.stderr.readline())
                self.assertEqual(subscriber.process.stderr.readline(), "subscribed\n")
                self.publish("3", "back")
                self.assertEqual(subscriber.line(), "3")
                self.assertEqual(subscriber.wait()[0], 0)

    def test_reconnect_ends_with_the_reason_when_the_server_refuses_for_good(self):
        for option in ("--reconnect", "--recover"):
            with Server("--dev") as other, Cuttable(self.server.port()) as proxy:
                url = f"ws://127.0.0.1:{proxy.port}"
                with Subscriber("gone", option, "--url", url, token=self.server.token) as subscriber:
                    self.assertTrue(proxy.accepted.acquire(timeout=TIMEOUT))
                    proxy.target = other.port()  # which knows no token of the first
                    proxy.cut()
                    proxy.resume()
                    status, output, errors = subscriber.wait()
            self.assertEqual((status, output), (1, ""))
            self.assertIn("connecting again", errors)
            self.assertRegex(errors.splitlines()[-1], r"refused with status 401 Unauthorized: .*--token-file PATH")

    def test_reconnect_waits_for_a_server_that_is_not_there_yet(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        secret = folder / "secret"
        secret.write_text("s" * 32, encoding="utf-8")
        token = plait("token", "--user", "early", "--secret-file", secret).stdout.strip()
        unused = self.enterContext(socket.socket())  # bound, and nobody listens; a server that is told to may yet
        unused.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        unused.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}"
        arguments = (PLAIT, "sub", "early", "--reconnect", "--count", "1", "--url", url)
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment(NO_FOLDER) | {"PLAIT_TOKEN": token}) as subscriber:
            self.assertIn("connecting again", subscriber.stderr.readline())
            with Server("--jwt-secret-file", secret, listen=(url,)) as server:
                while "connecting again" in (said := subscriber.stderr.readline()):
                    pass
                self.assertEqual(said, "subscribed\n")
                self.assertEqual(publish(server, "1", topic="early", token=token).returncode, 0)
                self.assertEqual(subscriber.communicate(timeout=TIMEOUT)[0], "1\n")
        done = plait("sub", "early", "--reconnect", "--url", "ws://", PLAIT_TOKEN=token)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("connecting again", done.stderr)

    def test_reconnect_waits_out_a_first_connection_that_is_lost_before_the_answer(self):
        for option in ("--reconnect", "--recover"):
            with CutOnce(self.server.port()) as proxy:
                arguments = (PLAIT, "sub", "once", option, "--count", "1", "--url", f"ws://127.0.0.1:{proxy.port}")
                with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env=environment(NO_FOLDER) | {"PLAIT_TOKEN": self.server.token}) as subscriber:
                    self.assertIn("connecting again", subscriber.stderr.readline())
                    self.assertEqual(subscriber.stderr.readline(), "subscribed\n")
                    self.publish("1", "once")
                    self.assertEqual(subscriber.communicate(timeout=TIMEOUT)[0], "1\n")

    def test_without_recover_a_lost_connection_ends_it_with_1(self):
        with Cuttable(self.server.port()) as proxy:
            url = f"ws://127.0.0.1:{proxy.port}"
            with Subscriber("lost", "--url", url, token=self.server.token) as subscriber:
                proxy.cut()
                status, _, errors = subscriber.wait()
        self.assertEqual(status, 1)
        self.assertIn("1006", errors)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", listen=ALL_WIRES[:2]))

    def refused(self, *arguments, **variables):
        done = plait(*arguments, **variables)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_no_token(self):
        for command in (("pub", "demo", "1"), ("sub", "demo")):
            self.assertIn("401", self.refused(*command, "--url", self.server.url()))

    def test_a_topic_that_cannot_be(self):
        token = self.server.token
        for topic in ("a*", "a b", "é", "x" * 257):
            said = self.refused("pub", topic, "1", "--url", self.server.url(), PLAIT_TOKEN=token)
            self.assertRegex(said, r"PUBLISH_FAILED: .*1 to 256 bytes of visible ASCII, without blanks, \* and \?")
        for topic in ("", "a b", "*****"):
            said = self.refused("sub", topic, "--url", self.server.url(), PLAIT_TOKEN=token)
            self.assertRegex(said, r"refused.*1 to 256 bytes of visible ASCII, without blanks, with at most four \*")

    def test_a_topic_that_no_message_can_name(self):
        for command in (("pub", b"\xff", "1"), ("sub", "demo", b"\xff")):
            done = subprocess.run((PLAIT, *command, "--url", "unix:/nonexistent"), capture_output=True, timeout=TIMEOUT,
                                  check=False, env=environment(NO_FOLDER))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (1, b"", b"plait: the topic is not UTF-8\n"))

    def test_a_certificate_that_nobody_signed(self):
        said = self.refused("pub", "demo", "1", "--url", self.server.url("wss"), PLAIT_TOKEN=self.server.token)
        self.assertIn("certificate", said)

    def test_nobody_there(self):
        with socket.socket() as unused:  # bound, and nobody listens
            unused.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{unused.getsockname()[1]}"
            self.assertIn("cannot connect", self.refused("pub", "demo", "1", "--url", url))

    def test_a_token_file(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "empty").write_text(" \n", encoding="utf-8")
        (folder / "control").write_text("a\x01b\n", encoding="utf-8")
        for file, words in (("absent", "No such file or directory"), (".", "Is a directory"), ("empty", "is empty"),
                            ("control", "a control character")):
            said = self.refused("pub", "demo", "1", "--token-file", folder / file)
            self.assertIn("--token-file: ", said)
            self.assertIn(words, said)
        (folder / "token").write_text(f"\n{self.server.token}\r\nand a note\n", encoding="utf-8")
        done = plait("pub", "demo", "1", "--token-file", folder / "token", "--url", self.server.url())
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_token_in_the_environment_may_have_a_line_end_behind_it(self):
        self.assertEqual(publish(self.server, "1", token=self.server.token + "\r\n").returncode, 0)
        for token in ("two words", "two\nlines"):
            self.assertIn("PLAIT_TOKEN: ", self.refused("pub", "demo", "1", PLAIT_TOKEN=token))


class Help(unittest.TestCase):
    def test_every_command_has_examples(self):
        for command in ("serve", "pub", "sub", "token", "check"):
            done = plait(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Examples:\n  ", done.stdout)
            self.assertEqual(plait("help", command).stdout, done.stdout)
        self.assertEqual(plait("help").stdout, plait("--help").stdout)


if __name__ == "__main__":
    unittest.main()
