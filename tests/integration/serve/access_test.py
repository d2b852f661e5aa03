"""Who may ask, how often, and what the log says of it."""

import os
import re
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from harness import ALL_WIRES, TIMEOUT, Server, plait, publish

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "


class RequestsOfAnAddress(unittest.TestCase):
    def test_more_than_the_limit_is_429(self):
        with Server("--dev", "--requests-max", "2", "--threads", "2") as server:
            answers = [server.request("/health") for _ in range(3)]
            self.assertEqual([status for status, _, _ in answers], [200, 200, 429])
            self.assertIn(int(answers[2][1]["Retry-After"]), range(1, 31), "30, but for the time that has passed")
            self.assertEqual(server.upgrade()[0], 429)

    def test_it_is_off_by_default(self):
        with Server("--dev") as server:
            self.assertEqual({server.request("/health")[0] for _ in range(150)}, {200})


class AccessLog(unittest.TestCase):
    def test_names_path_and_status_and_no_query(self):
        with Server("--dev", "--access-log") as server:
            server.request("/health?token=hunter2")
            server.request("/none")
            server.upgrade()
            self.assertEqual(server.stop(), 0)
            logged = server.logged()
        for line in (" GET /health 200\n", " GET /none 404\n", " GET /wse 401\n"):
            self.assertIn(line, logged)
        self.assertRegex(logged, rf"(?m)^{TIME}plait: info: 127\.0\.0\.1:\d+ GET ")
        self.assertNotIn("hunter2", logged)

    def test_long_paths_methods_and_users_hide_nothing_behind_them(self):
        with tempfile.TemporaryDirectory() as folder:
            secret = Path(folder, "secret")
            secret.write_text("s" * 32, encoding="utf-8")
            token = plait("token", "--user", "\u00e9" * 1000, "--secret-file", secret).stdout.strip()
            with Server("--jwt-secret-file", secret, "--access-log") as server:
                server.request("/" + "x" * 1500, method="A" * 1500)
                self.assertEqual(server.upgrade(Authorization="Bearer " + token)[0], 101)
                self.assertEqual(server.stop(), 0)
                logged = server.logged()
        self.assertIn(f" {'A' * 256}\u2026 /{'x' * 255}\u2026 404\n", logged)
        user = 'user="' + "\u00e9" * 128 + '\u2026"'
        self.assertIn(f" GET /wse 101 {user}\n", logged)
        self.assertRegex(logged, rf" END /wse \d+ {user} seconds=")

    def test_has_what_is_refused_before_it_is_read(self):
        with Server("--dev", "--access-log", listen=ALL_WIRES) as server:
            self.assertEqual(server.request("/health", Large="x" * 40960)[0], 431)
            with socket.create_connection(("127.0.0.1", server.port("tcp")), timeout=TIMEOUT) as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                self.assertTrue(client.recv(4096))
            metrics = server.request("/metrics")[2]
            self.assertEqual(server.stop(), 0)
            logged = server.logged()
        self.assertRegex(logged, r"plait: info: 127\.0\.0\.1:\d+ - - 431\n")
        self.assertRegex(logged, r"plait: info: 127\.0\.0\.1:\d+ OPEN - 400\n")
        self.assertIn("\nplait_http_requests_total 2\n", metrics)
        self.assertIn('\nplait_openings_refused_total{status="other"} 1\n', metrics)

    def test_names_user_duration_bytes_and_close_code_of_a_session(self):
        wires = (*ALL_WIRES, "https://127.0.0.1:0", "quic://127.0.0.1:0")
        with Server("--dev", "--access-log", listen=wires) as server:
            for url in wires:
                scheme = url.split(":")[0]
                self.assertEqual(publish(server, "1", scheme=scheme).returncode, 0)
            self.assertEqual(server.stop(), 0)
            logged = server.logged()
        self.assertEqual(logged.count(' user="developer"\n'), len(wires), logged)
        end = (r'plait: info: 127\.0\.0\.1:\d+ END /wse 1000 user="developer" seconds=\d+\.\d{3} '
               r"in=[1-9]\d* out=[1-9]\d*\n")
        self.assertEqual(len(re.findall(end, logged)), len(wires), logged)

    def test_the_journal_gives_lines_a_time_and_takes_their_priority(self):
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as log:
            stat = os.fstat(log.fileno())
            journal = {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}
            with mock.patch.dict(os.environ, journal), Server("--dev", "--access-log", stderr=log) as server:
                server.request("/health")
                self.assertEqual(server.stop(), 0)
            log.seek(0)
            self.assertRegex(log.read(), r"(?m)^<6>plait: info: 127\.0\.0\.1:\d+ GET /health 200$")

    def test_it_is_off_by_default(self):
        with Server("--dev") as server:
            server.request("/health")
            self.assertEqual(server.stop(), 0)
            self.assertNotIn("/health", server.logged())


class ClientCertificates(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.certificate, self.key = self.make("client")

    def make(self, name):
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=worker-7", "-addext", "extendedKeyUsage=clientAuth", "-days", "2",
                        "-keyout", key, "-out", certificate],
                       check=True, capture_output=True, timeout=TIMEOUT)
        return certificate, key

    def test_pub_needs_one_and_its_owner_is_logged(self):
        wires = (*ALL_WIRES, "https://127.0.0.1:0")
        with Server("--dev", "--access-log", "--client-certificates", "required", "--client-authority",
                    self.certificate, listen=wires) as server:
            for scheme in ("wss", "tls", "https"):
                refused = publish(server, "1", scheme=scheme)
                self.assertEqual(refused.returncode, 1)
                self.assertIn("client certificate", refused.stderr)
                self.assertIn("--cert PATH", refused.stderr)
                done = plait("pub", "demo", "1", "--url", server.url(scheme), "--insecure", "--cert", self.certificate,
                             "--key", self.key, PLAIT_TOKEN=server.token)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(publish(server, "1").returncode, 0)
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.logged().count(" CN=worker-7\n"), 3, server.logged())

    def test_one_that_the_server_does_not_accept(self):
        self.make("other")
        with Server("--dev", "--client-certificates", "required", "--client-authority", self.folder / "other.pem",
                    listen=(*ALL_WIRES, "https://127.0.0.1:0", "quic://127.0.0.1:0")) as server:
            for scheme in ("wss", "tls", "https", "quic"):
                done = plait("pub", "demo", "1", "--url", server.url(scheme), "--insecure", "--cert", self.certificate,
                             "--key", self.key, PLAIT_TOKEN=server.token)
                self.assertEqual(done.returncode, 1)
                self.assertIn("does not accept our certificate", done.stderr)
                self.assertIn("--cert PATH --key PATH: one that an authority of", done.stderr)

    def issue(self, name, issuer, extension, days):
        """A certificate that `issuer`, another one's name, has signed."""
        request, certificate = self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(extension + "\n", encoding="ascii")
        for command in (["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                         "-subj", f"/CN={name}", "-keyout", self.folder / f"{name}.key", "-out", request],
                        ["x509", "-req", "-in", request, "-CA", self.folder / f"{issuer}.pem",
                         "-CAkey", self.folder / f"{issuer}.key", "-set_serial", str(len(name)), "-days", str(days),
                         "-extfile", extensions, "-out", certificate]):
            subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=TIMEOUT)
        return certificate

    def test_authorities_that_let_nobody_in_are_warned_of(self):
        self.make("root")
        leaf = self.issue("leaf", "root", "basicConstraints=critical,CA:FALSE", 2)
        old = self.issue("old", "root", "basicConstraints=critical,CA:TRUE", -1)
        authority, secret, config = (self.folder / name for name in ("all.pem", "secret", "plait.toml"))
        authority.write_bytes(b"".join(path.read_bytes() for path in (self.certificate, leaf, old)))
        secret.write_text("s" * 32, encoding="utf-8")
        config.write_text(f"listen = ['wss://127.0.0.1:0']\njwt.secret_file = '{secret}'\n[tls]\n"
                          f"certificate = '{self.certificate}'\nprivate_key = '{self.key}'\n"
                          f"client_certificates = 'required'\nclient_authority = '{authority}'\n", encoding="utf-8")
        done = plait("check", config)
        with Server("--config", config, listen=()) as server:
            server.wait_logged("expired on")
            self.assertEqual(server.stop(), 0)
            served = server.logged()
        self.assertEqual(done.returncode, 0, done.stderr)
        for said in (done.stderr, served):
            self.assertEqual(said.count(f"client authority file {authority}, certificate "), 2, said)
            self.assertIn(", certificate 2: is no authority's (CA)", said)
            self.assertIn(", certificate 3: expired on 2", said)

    def test_every_authority_of_the_chain_must_be_valid_now(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=root", "-days", "2", "-keyout", self.folder / "root.key",
                        "-out", self.folder / "root.pem"], check=True, capture_output=True, timeout=TIMEOUT)
        with Server("--dev", "--client-certificates", "required", "--client-authority", self.folder / "root.pem",
                    listen=("wss://127.0.0.1:0", "https://127.0.0.1:0", "quic://127.0.0.1:0")) as server:
            for authority, days, status in (("valid", 2, 0), ("expired", -1, 1)):
                between = self.issue(authority, "root", "basicConstraints=critical,CA:TRUE", days)
                leaf = self.issue(f"{authority}-worker", authority, "extendedKeyUsage=clientAuth", 2)
                chain = self.folder / f"{authority}-chain.pem"
                chain.write_bytes(leaf.read_bytes() + between.read_bytes())
                for scheme in ("wss", "https", "quic"):
                    done = plait("pub", "demo", "1", "--url", server.url(scheme), "--insecure", "--cert", chain,
                                 "--key", self.folder / f"{authority}-worker.key", PLAIT_TOKEN=server.token)
                    self.assertEqual(done.returncode, status, (scheme, authority, done.stderr))

    def test_default_listeners_that_ask_for_none_are_warned_of(self):
        file = self.folder / "plait.toml"
        for when, listen, warned in (("required", "", True), ("required", "listen = ['ws://127.0.0.1:0']\n", False),
                                     ("optional", "", False)):
            file.write_text(f"development = true\n{listen}[tls]\nclient_certificates = '{when}'\n"
                            f"client_authority = '{self.certificate}'\n", encoding="utf-8")
            done = plait("check", file)
            self.assertEqual((done.returncode, "ask for no certificate; give listen" in done.stderr), (0, warned),
                             done.stderr)

    def test_the_command_line_can_leave_them_off(self):
        file = self.folder / "plait.toml"
        file.write_text(f"development = true\n[tls]\nclient_certificates = 'required'\n"
                        f"client_authority = '{self.certificate}'\n", encoding="utf-8")
        with Server("--config", file, "--client-certificates", "off", listen=("wss://127.0.0.1:0",)) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", server.port("wss")), timeout=TIMEOUT) as plain:
                with context.wrap_socket(plain) as secured:
                    secured.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertIn(b" 200 ", secured.recv(4096))

    def test_options_that_need_one_another(self):
        for arguments, words in ((("--client-certificates", "required"), "--client-authority FILE"),
                                 (("--client-authority", self.certificate), "--client-certificates"),
                                 (("--client-certificates", "always", "--client-authority", "x"), "always"),
                                 (("--client-certificates", "optional", "--client-authority", self.key), "client.key")):
            done = plait("serve", "--dev", *arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(words, done.stderr)
        done = plait("pub", "demo", "1", "--cert", self.certificate)
        self.assertIn("--cert needs --key", done.stderr)


class File(unittest.TestCase):
    def test_keys_and_what_they_take(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            for text, words in (("limits.requests_max = -1", "a whole number"), ("limits.requests_window = 0", "1 to"),
                                ("access_log = 1", "true or false"), ("tls.client_certificates = 'on'", "required"),
                                ("development = true\ntls.client_certificates = 'required'",
                                 ":2: tls.client_certificates needs tls.client_authority")):
                file.seek(0)
                file.truncate()
                file.write(text + "\n")
                file.flush()
                done = plait("check", file.name)
                self.assertEqual(done.returncode, 1, text)
                self.assertIn(words, done.stderr)
            file.seek(0)
            file.truncate()
            file.write("development = true\naccess_log = true\n[limits]\nrequests_max = 5\nrequests_window = 10\n")
            file.flush()
            self.assertEqual(plait("check", file.name).returncode, 0)


if __name__ == "__main__":
    unittest.main()
