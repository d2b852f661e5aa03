"""What cannot be served is refused by name, with the fix and exit status 1."""

import json
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import TIMEOUT, Server, plait

SECRET = "s" * 32


class CommandLine(unittest.TestCase):
    def refused(self, *arguments):
        done = plait("serve", *arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_production_needs_a_secret(self):
        self.assertIn("--jwt-secret-file FILE is required", self.refused("--listen", "ws://127.0.0.1:0"))

    def test_a_short_secret(self):
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write(SECRET[1:] + "\n")
            secret.flush()
            said = self.refused("--jwt-secret-file", secret.name, "--listen", "ws://127.0.0.1:0")
        self.assertIn("--jwt-secret-file", said)
        self.assertIn("32", said)

    def test_development_listens_on_loopback_only(self):
        for url in ("ws://0.0.0.0:0", "tcp://192.0.2.1:0", "ws://[::]:0", "ws://127.0.0.1.example:0"):
            self.assertIn("loopback", self.refused("--dev", "--listen", url))

    def test_development_refuses_foreign_origins(self):
        self.assertIn("--allowed-origin", self.refused("--dev", "--allowed-origin", "https://example.org"))

    def test_a_path_cannot_be_chosen(self):
        self.assertIn("leave out the path", self.refused("--dev", "--listen", "ws://127.0.0.1:0/chat"))

    def test_one_address_for_two_listeners(self):
        for first, second, words in (("ws://127.0.0.1:8800", "ws://127.0.0.1:8800", "is given twice"),
                                     ("unix:/tmp/a", "unix:/tmp/a", "is given twice"),
                                     ("https://127.0.0.1:4433", "https://127.0.0.1:4433", "is given twice"),
                                     ("wss://127.0.0.1:8800", "ws://127.0.0.1:8800",
                                      "wss://127.0.0.1:8800/ has this port already"),
                                     ("tcp://127.0.0.1:8800", "ws://127.0.0.1:8800", "another")):
            said = self.refused("--dev", "--listen", first, "--listen", second)
            self.assertIn(f"--listen {second}: ", said)
            self.assertIn(words, said)

    def test_all_addresses_and_one_of_them(self):
        for first, second in (("ws://127.0.0.1:8800", "ws://0.0.0.0:8800"),
                              ("tcp://0.0.0.0:8800", "ws://127.0.0.1:8800"),
                              ("ws://[::]:8800", "ws://127.0.0.1:8800"), ("ws://[::1]:8800", "ws://[::]:8800"),
                              ("https://0.0.0.0:4433", "quic://127.0.0.1:4433")):
            said = self.refused("--listen", first, "--listen", second)
            self.assertIn(f"--listen {second}: {first}/ has this port already", said)
        for second in ("ws://0.0.0.0:0", "ws://[::1]:8800", "https://0.0.0.0:8800"):
            self.assertNotIn("already", self.refused("--listen", "ws://0.0.0.0:8800", "--listen", second))

    def test_a_socket_in_a_directory_that_is_not_there(self):
        self.assertIn("--listen unix:/nonexistent/a/s: the directory /nonexistent/a does not exist: make it",
                      self.refused("--dev", "--listen", "unix:/nonexistent/a/s"))

    def test_one_port_for_what_can_share_it(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "plait.toml")
            file.write_text("development = true\nlisten = ['ws://127.0.0.1:4433', 'https://127.0.0.1:4433', "
                            "'quic://127.0.0.1:4433', 'ws://[::1]:4433', 'tcp://127.0.0.1:0', 'tcp://127.0.0.1:0']\n",
                            encoding="utf-8")
            self.assertEqual(plait("check", file).returncode, 0)

    def test_urls_that_cannot_be(self):
        for url in ("127.0.0.1:0", "gopher://127.0.0.1:0", "ws://127.0.0.1:65536"):
            self.assertIn("--listen " + url, self.refused("--dev", "--listen", url))

    def test_a_certificate_needs_its_key_and_the_reverse(self):
        self.assertIn("--key FILE", self.refused("--dev", "--cert", "c.pem"))
        self.assertIn("--cert FILE", self.refused("--dev", "--key", "k.pem"))

    def test_an_unreadable_certificate(self):
        said = self.refused("--dev", "--cert", "/nonexistent/c.pem", "--key", "/nonexistent/k.pem", "--listen",
                            "wss://127.0.0.1:0")
        self.assertIn("/nonexistent/c.pem", said)

    def test_a_port_in_use_leaves_no_certificate_behind(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as state:
            url = f"wss://127.0.0.1:{taken.getsockname()[1]}"
            done = plait("serve", "--dev", "--listen", url, XDG_STATE_HOME=state)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"--listen {url}: ", done.stderr)
            self.assertEqual(list(Path(state).iterdir()), [])

    def test_unknown_options_and_values_out_of_range(self):
        self.assertIn("did you mean '--threads'", self.refused("--thread", "2"))
        self.assertIn("--busy-poll", self.refused("--dev", "--busy-poll", "51"))
        self.assertIn("--threads", self.refused("--dev", "--threads", "many"))

    def test_a_count_that_no_counter_has_is_not_taken_for_another(self):
        for option in ("--requests-max", "--threads", "--busy-poll"):
            for count in ("-1", "99999999999999999999", "18446744073709551617", "1.5", "nan"):
                self.assertIn(option, self.refused("--dev", f"{option}={count}"))

    def test_an_origin_that_no_browser_sends(self):
        for origin in ("foo", "https://example.org/", "https://example.org/a", "example.org", "https://", "*.org/",
                       "https://Example.org", "https://example.org:443", "http://a:80", "https://a b", "*/"):
            said = self.refused("--jwt-secret-file", "/nonexistent", f"--allowed-origin={origin}")
            self.assertIn(f"--allowed-origin {origin}: not an origin", said)
            self.assertIn("write https://HOST or https://HOST:PORT", said)

    def test_origins_that_browsers_send(self):
        for origin in ("https://example.org", "http://localhost:3000", "*", "https://*.example.org", "https://*",
                       "*://a.b", "*.example.org", "https://a?.b:844?", "https://a:*", "null", "https://[::1]:8443",
                       "capacitor://localhost"):
            said = self.refused("--jwt-secret-file", "/nonexistent", f"--allowed-origin={origin}")
            self.assertIn("cannot read /nonexistent", said)


class File(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = folder / "plait.toml"
        self.secret = folder / "secret"
        self.secret.write_text(SECRET, encoding="utf-8")

    def refused(self, text):
        self.file.write_text(text, encoding="utf-8")
        served = plait("serve", "--config", self.file)
        checked = plait("check", self.file)
        self.assertEqual((served.returncode, checked.returncode), (1, 1))
        self.assertIn(served.stderr.removeprefix("plait: "), checked.stderr)
        return served.stderr

    def test_unknown_keys_are_named_with_their_line_and_neighbours(self):
        said = self.refused("development = true\n\n[tls]\ncertificat = 'x'\n")
        self.assertIn('plait.toml:4: unknown key "tls.certificat"; known here: certificate, private_key', said)
        self.assertIn(':1: unknown key "colour"', self.refused("colour = 1\n"))

    def test_values_of_the_wrong_kind(self):
        for text, takes in (("threads = -1", "0 (one per core) to 1024"), ("busy_poll = 51", "0 to 50"),
                            ("development = 'yes'", "true or false"), ("listen = 'ws://127.0.0.1:0'", "an array"),
                            ("hub.rate_limit_refill = -0.5", "a number"),
                            ("hub.rate_limit_capacity = nan", "a number"),
                            ("hub.rate_limit_capacity = inf", "a number"),
                            ("hub.rate_limit_refill = -inf", "a number"),
                            ("hub.rate_limit_refill = +nan", "a number"),
                            ("tls = 1", "[tls]")):
            said = self.refused(text)
            self.assertIn("plait.toml:1: ", said)
            self.assertIn(takes, said)

    def test_text_that_is_no_toml(self):
        self.assertRegex(self.refused("a = 1\nb = = 2\n"), r"plait\.toml:2: ")

    def test_dots_are_bounded_before_they_are_parsed(self):
        for dots in (10_001, 200_000):
            deep = "a" + ".a" * dots
            for text in (f"{deep} = 1", f"[{deep}]", f"[[{deep}]]", f"x = {{ {deep} = 1 }}"):
                self.assertIn("plait.toml: more than 10000 dots", self.refused(text + "\n"))
        self.assertIn('plait.toml:1: unknown key "a"', self.refused("a" + ".a" * 10_000 + " = 1\n"))

    def test_a_file_above_1_mib(self):
        self.assertIn("larger than 1 MiB", self.refused("#" * 2**20 + "\n"))

    def test_all_mistakes_are_told_at_once(self):
        said = self.refused("colour = 1\nlisten = ['ws://127.0.0.1:0', 5]\n[tls]\nprivate_key = 'k.pem'\n")
        for words in (':1: unknown key "colour"', ':2: "listen" takes an array', "jwt.secret_file is required",
                      "plait.toml:4: tls.private_key needs tls.certificate"):
            self.assertIn(words, said)
        self.assertEqual(said.count("\n"), 4, said)

    def test_rules_between_settings(self):
        self.assertIn("loopback", self.refused("development = true\nlisten = ['ws://0.0.0.0:0']\n"))

    def test_a_file_that_is_not_there(self):
        done = plait("serve", "--config", "/nonexistent.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent.toml", done.stderr)

    def test_listeners_without_tls_beside_a_certificate(self):
        certificate, key = self.file.with_name("c.pem"), self.file.with_name("k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=a", "-keyout", key, "-out", certificate], check=True, capture_output=True,
                       timeout=TIMEOUT)
        files = f"[tls]\ncertificate = '{certificate}'\nprivate_key = '{key}'\n"
        secret = f"[jwt]\nsecret_file = '{self.secret}'\n"
        for text, times in ((files + secret, 1), (secret, 0), ("development = true\n" + files, 0),
                            ("listen = ['wss://0.0.0.0:0', 'ws://127.0.0.1:0']\n" + files + secret, 0)):
            self.file.write_text(text, encoding="utf-8")
            done = plait("check", self.file)
            told = done.stderr.count("tls.certificate: ws: and tcp: are listened on by default and encrypt nothing, on "
                                     "every address of this machine; give listen")
            self.assertEqual((done.returncode, told), (0, times), done.stderr)

    def test_secrets_that_everyone_can_read(self):
        self.file.write_text(f"[jwt]\nsecret_file = '{self.secret}'\n", encoding="utf-8")
        for mode, warned in ((0o604, True), (0o640, False), (0o600, False)):
            self.secret.chmod(mode)
            done = plait("check", self.file)
            self.assertEqual((done.returncode, f"chmod o= '{self.secret}'" in done.stderr), (0, warned), done.stderr)

    def test_a_good_file_serves_and_the_command_line_goes_before_it(self):
        self.file.write_text(f"""
listen = ["ws://127.0.0.1:1"]   # nobody may have that port; --listen replaces it
threads = 1
deflate = true
allowed_origins = ["https://example.org"]
drain_timeout = 2
[jwt]
secret_file = "{self.secret}"
issuer = "tests"
audience = "plait"
[limits]
message_bytes_max = 1000000
[hub]
history_count_max = 10
history_ttl = 60
rate_limit_capacity = 10
rate_limit_refill = 0.5
""", encoding="utf-8")
        self.assertEqual(plait("check", self.file).returncode, 0)
        with Server("--config", self.file) as server:
            self.assertIn('"loops":1', server.request("/stats")[2])
            self.assertEqual(server.upgrade(Origin="https://other.example")[0], 403)
            self.assertEqual(server.upgrade(Origin="https://example.org")[0], 401)
            for claims, status in ((("iss=tests", "aud=plait"), 101), (("aud=plait",), 401), (("iss=tests",), 401),
                                   (("iss=tests", "aud=other"), 401)):
                options = [word for claim in claims for word in ("--claim", claim)]
                token = plait("token", "--user", "a", "--secret-file", self.secret, *options).stdout.strip()
                self.assertEqual(server.upgrade(Authorization="Bearer " + token)[0], status, claims)
            self.assertEqual(server.stop(), 0)


class Check(unittest.TestCase):
    def test_system(self):
        done = plait("check", "--system")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^(good|advice) +open files +\d+ \(hard limit \d+\)$")

    def test_system_as_json(self):
        done = plait("check", "--system", "--json")
        self.assertEqual(done.returncode, 0)
        facts = {fact["name"]: fact for fact in json.loads(done.stdout)["facts"]}
        self.assertRegex(facts["open files"]["value"], r"^\d+ \(hard limit \d+\)$")
        self.assertIsInstance(facts["open files"]["advice"], str)

    def test_file_as_json(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("development = true\nlisten = ['ws://127.0.0.1:8800']\n")
            file.flush()
            done = plait("check", file.name, "--json")
            self.assertEqual((done.returncode, json.loads(done.stdout)),
                             (0, {"errors": [], "listen": ["ws://127.0.0.1:8800"]}))
            file.write("colour = \"red\"\nthreads = -1\n")
            file.flush()
            done = plait("check", file.name, "--json")
            said = json.loads(done.stdout)
            self.assertEqual((done.returncode, len(said["errors"]), said["listen"]), (1, 2, []))
            self.assertIn(':3: unknown key "colour"', said["errors"][0])
        done = plait("check", "/nonexistent.toml", "--json")
        self.assertEqual((done.returncode, len(json.loads(done.stdout)["errors"])), (1, 1))

    def test_a_name_that_is_no_utf8_is_json_all_the_same(self):
        done = plait("check", "/nonexistent/na\udcffme.toml", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("na\ufffdme.toml", json.loads(done.stdout)["errors"][0])

    def test_needs_one_of_both(self):
        self.assertEqual(plait("check").returncode, 1)
        self.assertEqual(plait("check", "x.toml", "--system").returncode, 1)


if __name__ == "__main__":
    unittest.main()
