"""What people get wrong first, and that the command says which option or word helps."""

import contextlib
import itertools
import signal
import socket
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import ALL_WIRES, TIMEOUT, Server, plait, wait_until


@contextlib.contextmanager
def answering(*pieces):
    """Answers one connection with `pieces`, some time apart, and then a close with its like; yields the URL."""
    done = threading.Event()

    def serve():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                    done.wait(0.05)
                while data := connection.recv(65536):
                    if data.endswith(CLOSED):
                        connection.sendall(CLOSED)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            thread.join(TIMEOUT)


def refusal(body, content_type="text/plain", length=None):
    length = len(body) if length is None else length
    fields = f"Content-Type: {content_type}\r\nContent-Length: {length}\r\n"
    return f"HTTP/1.1 403 Forbidden\r\n{fields}\r\n".encode() + body


OPENED = b"\x01\x07PLT1\x00\xc8\x00"  # spec/frames.md §3.2
CLOSED = b"\x07\x02\x03\xe8"
READY = '{"t":"server_ready","p":{}}'


def text_frame(text):
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 64 else (0x4000 | len(data)).to_bytes(2, "big")
    return b"\x02" + length + data


class Connecting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", listen=(*ALL_WIRES, "https://127.0.0.1:0")))

    def said(self, *arguments, url=None, **variables):
        done = plait(*arguments, "--url", url or self.server.url(), **variables)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_no_token(self):
        for command in (("pub", "demo", "1"), ("sub", "demo")):
            said = self.said(*command)
            for words in ("401 Unauthorized: there is no access token", "--token-file", "PLAIT_TOKEN"):
                self.assertIn(words, said)
        said = self.said("pub", "demo", "1", url=self.server.url("tcp"))
        for words in ("there is no access token", "--token-file", "PLAIT_TOKEN"):
            self.assertIn(words, said)

    def test_every_wire_says_the_same(self):
        wires = (*ALL_WIRES, "https://127.0.0.1:0", "quic://127.0.0.1:0")
        with Server("--dev", listen=wires) as server:
            for path, words in (("/wse", "status 401 Unauthorized: there is no access token"),
                                ("/nowhere", "status 404 Not Found: ")):
                for url in server.urls:
                    said = self.said("pub", "demo", "1", "--insecure", url=url + path)
                    self.assertIn("the server refused with " + words, said)

    def test_a_udp_port_that_nobody_listens_at_is_told_at_once(self):
        for scheme in ("https", "quic"):
            self.assertIn("nobody listens at this UDP port", self.said(
                "pub", "demo", "1", "--timeout", "1000", url=f"{scheme}://127.0.0.1:1"))

    def test_what_a_server_says_reaches_a_terminal_as_text_only(self):
        for answer in (b"\x01\x0dPLT1\x01\x94\x06\x1b[31m!",  # refused: 404
                       b"\x01\x0dPLT1\x01\x94\x06\xc2\x9b31m!",
                       OPENED + b"\x07\x0b\x03\xf0no\n\x1b[31m!"):  # closed: 1008
            with answering(answer) as url:
                said = self.said("pub", "demo", "1", url=url.replace("ws:", "tcp:"))
            self.assertIn("31m!", said)
            self.assertNotRegex(said, "[\x1b\x9b]")

    def test_publications_reach_a_terminal_as_text_only(self):
        answers = (READY, '{"t":"subscription_update","p":{"action":"subscribe","success":true}}',
                   '{"t":"publication","tp":"demo","p":["a\u007f\u009b31m\u00a0\u00e9",\t1]}')
        for options, words in (((), r'["a\u007f\u009b31m' + '\u00a0\u00e9", 1]'), (("--json",), r'"a\u007f\u009b31m')):
            with answering(OPENED + b"".join(map(text_frame, answers))) as url:
                done = plait("sub", "demo", "--count", "1", *options, "--url", url.replace("ws:", "tcp:"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(words, done.stdout)
            self.assertNotRegex(done.stdout.removesuffix("\n"), "[\0-\x1f\x7f-\x9f]")

    def test_an_epoch_that_is_none_is_not_printed(self):
        for epoch, words in (("0123abcD", None), ('x\\"}', "no position"), ("0123abc", "no position")):
            answer = f'{{"t":"published","p":{{"topic":"demo","epoch":"{epoch}","offset":7}}}}'
            for options in ((), ("--json",)):
                with answering(OPENED + text_frame(READY) + text_frame(answer)) as url:
                    done = plait("pub", "demo", "1", *options, "--url", url.replace("ws:", "tcp:"))
                self.assertEqual(done.returncode, 1 if words else 0, done.stderr)
                self.assertIn(words or epoch, done.stderr if words else done.stdout)

    def test_the_scheme_of_another_port(self):
        for scheme, words in (("tcp", "is this a ws: port?"), ("tls", "is this a TLS port?"),
                              ("wss", "is this a TLS port?")):
            url = f"{scheme}://127.0.0.1:{self.server.port()}"
            self.assertIn(words, self.said("pub", "demo", "1", "--timeout", "1000", url=url))

    def test_what_begins_with_a_dash_stands_behind_two(self):
        token = self.server.token
        done = plait("pub", "--url", self.server.url(), "--", "demo", "--text", PLAIT_TOKEN=token)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = plait("pub", "--", "demo", "--text", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("too many arguments for 'plait pub' behind --: '--json'; options stand before it", done.stderr)

    def test_a_bad_token(self):
        said = self.said("pub", "demo", "1", PLAIT_TOKEN="bad")
        self.assertIn("the access token is refused", said)
        self.assertIn("give another access token", said)

    def explained(self, words, *pieces):
        """What is said of a refusal that comes in pieces, with `words` in it. It is not waited for as long as a machine
        that is busy may need for all of them, hence several tries."""
        for _ in range(5):
            with answering(*pieces) as url:
                said = self.said("pub", "demo", "1", url=url)
            if words in said:
                break
        self.assertIn(words, said)
        return said

    def test_an_explanation_is_one_line_of_plain_ascii_and_bounded(self):
        answer = refusal(b"\x1b[31mr\x07ed\xc2\x9b " + b"x" * 500 + b"\nsecond")
        said = self.explained("status 403 Forbidden: [31mred xxx", answer[:-300], answer[-300:])
        self.assertNotIn("x" * 200, said)
        self.assertNotRegex(said.rstrip("\n"), r"[^ -~]|second")

    def test_an_explanation_is_waited_for(self):
        answer = refusal(b"not today\nnor tomorrow")
        self.explained("403 Forbidden: not today\n", answer[:-20], answer[-20:-3], answer[-3:])

    def test_an_explanation_that_does_not_come_or_is_a_page(self):
        with answering(refusal(b"not", length=100)) as url:
            self.assertIn("403 Forbidden\n", self.said("pub", "demo", "1", url=url))
        with answering(refusal(b"<html>no</html>", "text/html")) as url:
            self.assertIn("403 Forbidden\n", self.said("pub", "demo", "1", url=url))

    def test_a_self_signed_certificate(self):
        for wire in ("wss", "tls", "https"):
            said = self.said("pub", "demo", "1", url=self.server.url(wire))
            self.assertIn("self-signed: use it as certificate authority file", said)
            for option in ("--ca", "--insecure"):
                self.assertIn(option, said)

    def test_ws_to_a_tls_port(self):
        self.assertIn("wss:", self.said("pub", "demo", "1", url=f"ws://127.0.0.1:{self.server.port('wss')}"))
        with answering(b"\x15\x03\x01\x00\x02\x02\x46") as url:
            self.assertIn("wss:", self.said("pub", "demo", "1", url=url))

    def test_a_url_without_a_scheme_is_told_those_that_work(self):
        for said in (self.said("pub", "demo", "1", url="127.0.0.1:80"),
                     plait("serve", "--dev", "--listen", "127.0.0.1:80").stderr):
            self.assertIn("write ws:// wss:// tcp:// tls:// https:// or quic://", said)
            self.assertNotIn("http://", said)


class Settings(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = folder / "plait.toml"
        self.secret = folder / "secret"
        self.secret.write_text("s" * 32, encoding="utf-8")

    def checked(self, text):
        self.file.write_text(text, encoding="utf-8")
        done = plait("check", self.file)
        return done.returncode, done.stderr

    def refused(self, text):
        status, said = self.checked(text)
        self.assertEqual(status, 1, text)
        return said

    def test_zero_is_no_limit_of_what_must_be(self):
        for key in ("limits.message_bytes_max", "limits.send_queue_bytes_max", "limits.connections_max",
                    "limits.handshake_timeout", "hub.history_ttl", "hub.topics_max", "hub.subscriptions_max"):
            said = self.refused(f"development = true\n{key} = 0\n")
            self.assertRegex(said, rf'plait\.toml:2: "{key}" takes .*\b1 ')

    def test_zero_where_it_means_something(self):
        for key in ("threads", "busy_poll", "drain_timeout", "limits.ping_interval", "hub.history_count_max",
                    "hub.rate_limit_capacity", "hub.rate_limit_refill"):
            self.assertEqual(self.checked(f"development = true\n{key} = 0\n"), (0, ""))

    def test_a_rate_limit_that_lets_nothing_pass(self):
        rate = "development = true\n[hub]\nrate_limit_capacity = {}\nrate_limit_refill = {}\n"
        self.assertIn("lets no message pass", self.refused(rate.format(0.5, 1)))
        self.assertIn("rate_limit_refill", self.refused(rate.format(10, 0)))
        self.assertIn(":4: hub.rate_limit_refill without hub.rate_limit_capacity limits nothing",
                      self.refused(rate.format(0, 10)))
        self.assertEqual(self.checked(rate.format(10, 0.5)), (0, ""))

    def test_sizes_that_make_no_sense(self):
        for key in ("message_bytes_max", "send_queue_bytes_max"):
            text = f"development = true\nlimits.{key} = {{}}\n"
            self.assertIn(f'plait.toml:2: "limits.{key}" takes a whole number, 1 to 4294967296 (4 GiB)',
                          self.refused(text.format(2**32 + 1)))
        self.assertEqual(self.checked(text.format(2**32)), (0, ""))
        status, said = self.checked(text.format(10))
        self.assertEqual(status, 0, said)
        self.assertIn("plait.toml:2: limits.send_queue_bytes_max: below limits.message_bytes_max", said)

    def test_what_is_not_toml_is_named(self):
        self.assertIn("plait.toml:2: this is not TOML (at threads): ", self.refused("development = true\nthreads =\n"))
        self.assertIn("plait.toml:1: this is not TOML: ", self.refused("[tls\n"))
        for name in ("tls.certificate", "certificate", "tls", "tls.further"):
            self.assertIn(f"plait.toml:1: this is not TOML (at {name}): ", self.refused(f" {name} = \n"))

    def test_what_is_not_toml_may_be_a_secret(self):
        for secret in ("JvQBm/6oZk+x4T1c", "JvQBm-6oZk_x4T1c", "JWT_SECRET"):
            for text in (f"{secret}=\n", f"{secret} = =\n", f"jwt.issuer = '''\n{secret}=\n"):
                said = self.refused(text)
                self.assertIn("this is not TOML: ", said)
                self.assertNotIn(secret, said)
        for text in (" = 1\n", ". = =\n", "t = =\n", "ls.cert = =\n"):
            self.assertNotIn("(at", self.refused(text))

    def test_check_reads_the_files_that_are_named(self):
        self.assertIn("plait.toml:1: jwt.secret_file: cannot read /nonexistent",
                      self.refused("jwt.secret_file = '/nonexistent'\n"))
        short = self.secret.with_name("short")
        short.write_text("s" * 31, encoding="utf-8")
        self.assertIn(f"jwt.secret_file: {short}: ", self.refused(f"jwt.secret_file = '{short}'\n"))
        files = f"jwt.secret_file = '{self.secret}'\ntls.certificate = '{{}}'\ntls.private_key = '{{}}'\n"
        said = self.refused(files.format("/nonexistent", self.secret))
        self.assertIn("plait.toml:2: tls.certificate, tls.private_key: cannot read certificate file /nonexistent", said)
        said = self.refused(files.format(self.secret, self.secret))
        self.assertRegex(said, rf"tls.private_key: certificate file {self.secret} .*; give a PEM file with the chain")

    def test_check_knows_the_variable_that_names_the_secret(self):
        self.file.write_text("listen = ['ws://127.0.0.1:0']\n", encoding="utf-8")
        for secret, status in ((self.secret, 0), ("/nonexistent", 1)):
            done = plait("check", self.file, PLAIT_JWT_SECRET_FILE=str(secret))
            self.assertEqual(done.returncode, status, done.stderr)

    def test_all_mistakes_at_once(self):
        said = self.refused("threads = -1\n[tls]\ncertificat = 'x'\n[hub]\ntopics_max = 0\n")
        *in_the_file, last = said.splitlines()
        self.assertEqual([line.split(":")[2] for line in in_the_file], ["1", "3", "5"], said)
        self.assertIn("jwt.secret_file is required", last)
        said = self.refused("listen = ['ws://h/x', 'wss://h']\ntls.private_key = 'k'\nhub.rate_limit_capacity = 0.5\n"
                            "[[tls.further]]\ncertificate = '/nonexistent/c'\nprivate_key = '/nonexistent/k'\n")
        for words in ("leave out the path", ":1: listen wss://h: needs a certificate: give tls.certificate and ",
                      ":2: tls.private_key needs tls.certificate", ":4: tls.further: cannot read certificate file",
                      ":3: hub.rate_limit_capacity below 1 lets no message pass", "jwt.secret_file is required"):
            self.assertIn(words, said)
        self.assertEqual(said.count("plait: "), 6, said)

    def test_nothing_follows_from_the_default_of_a_mistake(self):
        self.secret.chmod(0o600)
        development = "development = true\nlisten = ['ws://127.0.0.1:0']\n"
        files = "certificate = '/nonexistent/c'\nprivate_key = '/nonexistent/k'\n"
        for text in (development + "[hub]\nrate_limit_capacity = nan\nrate_limit_refill = 1.0",
                     development + "[hub]\nrate_limit_capacity = 10\nrate_limit_refill = 'a'",
                     "[jwt]\nsecret_file = 5",
                     "development = 1\nqlog = '/'\nlisten = ['wss://127.0.0.1:0']",
                     development + "[tls]\ncertificate = 7\nprivate_key = 'k'",
                     development + "[tls]\ncertificate = 'c'\nprivate_key = 7",
                     development + "[tls]\nclient_certificates = 'required'\nclient_authority = 3",
                     development + "[tls]\nclient_certificates = 3\nclient_authority = '/nonexistent'",
                     f"jwt.secret_file = '{self.secret}'\nlisten = ['wss://127.0.0.1:0']\n[tls]\ncertificate = 7",
                     f"listen = 5\njwt.secret_file = '{self.secret}'\n[tls]\nclient_certificates = 'required'\n"
                     "client_authority = 3",
                     development + "limits.message_bytes_max = 'a'\nlimits.send_queue_bytes_max = 1"):
            said = self.refused(text + "\n")
            lines = [line for line in said.splitlines() if '" takes ' not in line]
            self.assertEqual(lines, [], text)
        said = self.refused(f"jwt.secret_file = '{self.secret}'\n[tls]\ncertificate = 7\n[[tls.further]]\n{files}")
        self.assertNotIn("needs", said)

    def test_what_has_no_mistake_is_judged_beside_one(self):
        said = self.refused("[hub]\nrate_limit_capacity = 0.5\nrate_limit_refill = 'a'\n"
                            "[tls]\nclient_authority = 3\nprivate_key = 'k'\n")
        for words in ("hub.rate_limit_capacity below 1", "tls.private_key needs tls.certificate",
                      "jwt.secret_file is required"):
            self.assertIn(words, said)

    def test_the_command_line_mends_the_value_of_a_mistake(self):
        self.file.write_text("development = true\n[tls]\nprivate_key = 7\n", encoding="utf-8")
        said = plait("serve", "--config", self.file, "--key", "k").stderr
        self.assertIn('"tls.private_key" takes a string', said)
        self.assertIn("--key needs tls.certificate", said)

    def test_a_file_has_keys_and_no_options(self):
        for text in ("", "listen = ['ws://h/x', 'wss://h', 'http://h', 'a']\ndevelopment = false\nqlog = '/x'\n"
                         "allowed_origins = ['x']\n[tls]\ncertificate = 'c'\nclient_authority = 'a'\n",
                     "development = true\nlisten = ['ws://192.0.2.1']\nqlog = '/nonexistent'\n"
                     "allowed_origins = ['https://a.example']\n[tls]\nclient_certificates = 'required'\n"):
            said = self.refused(text)
            self.assertNotIn("--", said)
            lines = said.splitlines()
            self.assertTrue(all("plait.toml:" in line or "is required" in line for line in lines), said)

    def test_the_command_line_is_named_where_it_goes_before_the_file(self):
        self.file.write_text("development = true\nlisten = ['ws://127.0.0.1:0']\njwt.secret_file = '/none'\n",
                             encoding="utf-8")
        done = plait("serve", "--config", self.file, "--listen", "ws://h", "--key", "k")
        self.assertIn("--listen ws://h: development listens on loopback", done.stderr)
        self.assertIn("--key needs tls.certificate", done.stderr)
        self.assertIn("plait.toml:3: jwt.secret_file: cannot read /none", done.stderr)

    def test_a_file_that_is_not_there(self):
        done = plait("check", "/nonexistent.toml")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "plait: cannot read /nonexistent.toml: No such file or directory\n"))

    def test_a_scheme_that_is_not_served(self):
        self.assertIn("write ws://", self.refused("development = true\nlisten = ['http://127.0.0.1:0']\n"))


class Options(unittest.TestCase):
    def refused(self, *arguments):
        done = plait(*arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_a_count_is_not_negative(self):
        for count in ("-1", "1.5", "many"):
            self.assertIn(f"--count: {count} is no whole number, 0 or more",
                          self.refused("sub", "demo", f"--count={count}"))
        self.assertIn("--count: given more than once", self.refused("sub", "demo", "--count=1", "--count=2"))

    def test_a_time_to_live_that_is_none(self):
        make = ("token", "--user", "a", "--secret-file", "/nonexistent")
        for value in ("1h30m", "1.5h", "h", "1w", "-1s"):
            self.assertIn("--ttl: write a whole number, of seconds or with s, m, h or d, such as",
                          self.refused(*make, f"--ttl={value}"))
        for value in ("0", "0d", "36501d", "99999999999999999999s", "9223372036854775807d"):
            self.assertIn("--ttl: not within 1s to 36500d", self.refused(*make, f"--ttl={value}"))
        for value in ("1s", "90m", "36500d", "60"):  # so far, it is good
            self.assertIn("/nonexistent", self.refused(*make, f"--ttl={value}"))

    def test_one_of_two_is_enough(self):
        self.assertIn("give one of them, not both", self.refused("check", "--system", "plait.toml"))
        self.assertIn("give a config file or --system", self.refused("check"))
        self.assertIn("give one of them, not both", self.refused("pub", "a", "1", "--lines"))

    def test_help_of_what_is_no_command(self):
        self.assertIn("unknown command 'serv' for 'plait'; did you mean 'serve'?", self.refused("help", "serv"))
        for words in (("help", "echo", "nope"), ("echo", "nope", "--help"), ("echo", "--help", "nope")):
            self.assertIn("unknown command 'nope' for 'plait echo'", self.refused(*words))
        self.assertIn("unknown command 'bogus' for 'plait'", self.refused("bogus", "--help"))
        self.assertIn("unknown argument 'nope' for 'plait serve'", self.refused("serve", "nope", "--help"))
        for words in ((), ("serve",), ("bench", "websocket"), ("echo", "serve"), ("serve", "--unknown")):
            self.assertEqual(plait("help", *words).returncode, 0, words)

    def test_urls_of_another_command(self):
        for url in ("ftp://127.0.0.1/", "http://127.0.0.1/", "127.0.0.1/?u=https://x", "127.0.0.1", "https:", "unix:/a"):
            self.assertEqual(self.refused("get", url),
                             f"plait: {url}: HTTP/3 has https: URLs only; write https://HOST/PATH\n")
        for url in ("https://", "HTTPS:///"):
            self.assertEqual(self.refused("get", url), f"plait: {url}: the host is empty; write https://HOST/PATH\n")
        self.assertIn("write ws:// instead of http://", self.refused("pub", "a", "1", "--url", "http://127.0.0.1:1"))

    def test_a_hub_that_is_not_there(self):
        with socket.socket() as unused:  # bound, and nobody listens
            unused.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{unused.getsockname()[1]}"
            for command in (("pub", "a", "1"), ("sub", "a")):
                self.assertIn("Connection refused; is plait serve running there? --url names another hub",
                              self.refused(*command, "--url", url))

    def test_seconds_and_rates_are_numbers_within_reason(self):
        for value in ("nan", "-nan", "inf", "-1", "0", "many", "1e300"):
            for command in (("get", "https://127.0.0.1:1/"), ("pub", "demo", "1"), ("sub", "demo"), ("echo", "send"),
                            ("echo", "bench")):
                said = self.refused(*command, f"--timeout={value}")
                self.assertIn(f"--timeout: {value} is no number from 0.001 to 86400", said)
            for command, option in ((("bench", "websocket"), "--seconds"), (("bench", "websocket"), "--rate"),
                                    (("echo", "bench"), "--duration"), (("echo", "bench"), "--rate")):
                self.assertIn(f"{option}: {value} is no number", self.refused(*command, f"{option}={value}"))

    def test_counts_are_not_negative(self):
        for arguments in (("serve", "--dev", "--requests-max=-1"), ("serve", "--dev", "--threads=-1"),
                          ("bench", "serve", "--threads=-1"), ("echo", "bench", "--warmup=-1"),
                          ("echo", "serve", "--max-connections=-1"), ("token", "--user=a", "--ttl=-1s")):
            self.assertIn(arguments[-1].split("=", maxsplit=1)[0], self.refused(*arguments))

    def test_words_of_a_choice_are_named(self):
        for word in ("sometimes", "7", "1", ""):
            said = self.refused("serve", "--dev", f"--client-certificates={word}")
            for words in ("--client-certificates", "off", "optional", "required"):
                self.assertIn(words, said)

    def test_the_key_that_is_missing_is_named(self):
        said = self.refused("serve", "--cert", "a", "--cert", "b", "--key", "k")
        self.assertIn("2 --cert and 1 --key, which belong together in their order", said)
        self.assertIn("there is no --key for --cert b", said)
        said = self.refused("serve", "--cert", "a", "--key", "j", "--key", "k")
        self.assertIn("there is no --cert for --key k", said)

    def test_the_header_field_that_cannot_be_sent_is_named(self):
        for field, name in (("a b: c", "a b"), ("Host: x", "Host"), ("x: a\nb", "x")):
            said = self.refused("get", "https://127.0.0.1:1/", "--header", field)
            self.assertIn(f'the header field "{name}" cannot be sent', said)

    def test_a_claim_is_given_once(self):
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("s" * 32)
            secret.flush()
            said = self.refused("token", "--user", "a", "--secret-file", secret.name, "--claim", "a=1", "--claim=a=2")
        self.assertIn("--claim a: given twice", said)


    def test_a_token_that_every_server_would_refuse_is_not_made(self):
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("s" * 32)
            secret.flush()
            make = ("token", "--secret-file", secret.name)
            self.assertIn("--user: must be UTF-8", self.refused(*make, "--user", "\udcff"))
            self.assertIn("--claim: name and value", self.refused(*make, "--user", "a", "--claim", "a=\udcff"))
            long = self.refused(*make, "--user", "a", "--claim", "a=" + "x" * 8192)
            self.assertIn("the token is larger than 8 KiB", long)
            self.assertIn('"nbf"', self.refused(*make, "--user", "a", "--claim", "nbf=soon"))
            for claim in ("aud=someone", "nbf=99999999999", "iss=me"):
                self.assertEqual(plait(*make, "--user", "a", "--claim", claim).returncode, 0)


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
    except OSError:
        return True
    return False


class Stopping(unittest.TestCase):
    DRAIN_SECONDS = 5

    # Also where the loop that hears of signals, one of four, has no connection any more.
    def test_a_second_signal_does_not_wait_for_the_drain(self):
        for first, second in itertools.product((signal.SIGTERM, signal.SIGINT), repeat=2):
            # On a machine that is busy the drain may be over before the second signal is sent.
            self.assertTrue(any(self.seconds_to_stop(first, second) < self.DRAIN_SECONDS for _ in range(5)))

    def receive_to(self, wanted, connection):
        received = b""
        while wanted not in received:
            piece = connection.recv(4096)
            self.assertNotEqual(piece, b"", f"ended behind {received}, before {wanted}")
            received += piece

    def seconds_to_stop(self, first, second):
        with (Server("--dev", "--threads", 4) as server,
              socket.create_connection(("127.0.0.1", server.port())) as silent):
            silent.sendall(f"GET /wse HTTP/1.1\r\nHost: 127.0.0.1:{server.port()}\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           f"Authorization: Bearer {server.token}\r\n\r\n".encode())
            self.receive_to(b"server_ready", silent)
            begin = time.monotonic()
            server.process.send_signal(first)
            self.receive_to(b"\x88", silent)  # its close frame, which is never answered
            wait_until(lambda: is_refused(server.port()))  # until every loop drains
            server.process.send_signal(second)
            self.assertEqual(server.process.wait(TIMEOUT), 0)
            return time.monotonic() - begin


if __name__ == "__main__":
    unittest.main()
