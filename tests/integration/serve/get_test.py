"""`plait get`: pages of `plait serve` over HTTP/3."""

import json
import socket
import ssl
import subprocess
import tempfile
import unittest
from hashlib import sha256
from pathlib import Path

from harness import PLAIT, TIMEOUT, Server, plait


class Get(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", listen=("ws://127.0.0.1:0", "https://127.0.0.1:0")))
        cls.url = cls.server.url("https").removesuffix("/wse")

    def test_body(self):
        done = plait("get", f"{self.url}/health", "--insecure")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, self.server.request("/health")[2])

    def test_a_scheme_in_any_case(self):
        for scheme in ("HTTPS", "Https"):
            done = plait("get", f"{self.url.replace('https', scheme)}/health", "--insecure")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fields(self):
        done = plait("get", "-i", f"{self.url}/health", "--insecure")
        head, body = done.stdout.split("\n\n", 1)
        self.assertEqual(head.splitlines()[0], "HTTP/3 200")
        self.assertIn("content-type: ", head)
        self.assertEqual(body, self.server.request("/health")[2])

    def test_json(self):
        done = plait("get", "--json", f"{self.url}/health", "--insecure")
        answer = json.loads(done.stdout)
        self.assertEqual((answer["status"], answer["body"]), (200, self.server.request("/health")[2]))
        self.assertIn("content-length", dict(answer["headers"]))

    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            name = Path(folder) / "page.html"
            done = plait("get", f"{self.url}/", "--insecure", "-o", name)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertIn("<html", name.read_text(encoding="utf-8").lower())
            done = plait("get", f"{self.url}/", "--insecure", "-o", f"{folder}/none/page")
            self.assertEqual(done.returncode, 1)
            self.assertIn("-o", done.stderr)
            self.assertIn("No such file or directory", done.stderr)

    def test_a_dash_is_standard_output(self):
        with tempfile.TemporaryDirectory() as folder:
            for page, status in (("health", 0), ("none", 1)):
                command = [PLAIT, "get", f"{self.url}/{page}", "--insecure", "-o", "-"]
                body, answer = (subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True,
                                               timeout=TIMEOUT, check=False) for options in ((), ("--json",)))
                self.assertEqual((body.returncode, answer.returncode), (status, status), answer.stderr)
                self.assertEqual(json.loads(answer.stdout)["body"], body.stdout)
                self.assertNotEqual(body.stdout, "")
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_json_to_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            name = Path(folder) / "answer"
            done = plait("get", f"{self.url}/health", "--insecure", "--json", "-o", name)
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.assertEqual(json.loads(name.read_text())["status"], 200)

    def test_a_file_stays_as_it_was_where_nothing_came_for_it(self):
        with tempfile.TemporaryDirectory() as folder:
            name = Path(folder) / "kept"
            name.write_text("precious")
            for url in ("https://127.0.0.1:1/", f"{self.url}/none"):
                done = plait("get", url, "--insecure", "-o", name)
                self.assertEqual((done.returncode, name.read_text()), (1, "precious"), done.stderr)
            done = plait("get", f"{self.url}/none", "--insecure", "--json", "-o", name)
            self.assertEqual((done.returncode, json.loads(name.read_text())["status"]), (1, 404))

    def test_a_file_on_a_full_disk(self):
        for options in ((), ("--json",)):
            for page in ("/", "/health"):  # larger and smaller than a file's buffer
                done = plait("get", f"{self.url}{page}", "--insecure", *options, "-o", "/dev/full")
                self.assertEqual(done.returncode, 1, (page, options))
                self.assertIn("cannot write to /dev/full\n", done.stderr)

    def test_status_of_an_error(self):
        done = plait("get", f"{self.url}/none", "--insecure")
        self.assertEqual((done.returncode, done.stderr), (1, "plait: HTTP status 404\n"))
        self.assertIn("not found", done.stdout)

    def test_certificates(self):
        done = plait("get", f"{self.url}/health")
        self.assertEqual(done.returncode, 1)
        self.assertIn("(--ca PATH, --certificate-hash HASH, --insecure)", done.stderr)
        state = Path(self.server.folder.name)
        certificate = next(text for path in state.rglob("*.pem")
                           if "BEGIN CERTIFICATE" in (text := path.read_text(encoding="utf-8")))
        digest = sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
        self.assertEqual(plait("get", f"{self.url}/health", "--certificate-hash", digest).returncode, 0)
        other = "00" * 32
        self.assertEqual(plait("get", f"{self.url}/health", "--certificate-hash", other).returncode, 1)
        self.assertIn("--certificate-hash", plait("get", f"{self.url}/health", "--certificate-hash", "xyz").stderr)

    def test_a_server_without_the_group_that_a_client_offers_first(self):
        # It asks for another (HelloRetryRequest, RFC 8446 §4.1.4).
        with tempfile.TemporaryDirectory() as folder:
            without = {group: Path(folder) / group for group in ("X25519", "SECP256R1")}
            for group, policy in without.items():
                policy.write_text(f"[overrides]\ndisabled-curve = {group}\ndisabled-curve = SECP384R1\n")
            with Server("--dev", listen=("https://127.0.0.1:0",),
                        GNUTLS_SYSTEM_PRIORITY_FILE=str(without["X25519"])) as server:
                url = f"{server.url('https').removesuffix('/wse')}/health"
                done = plait("get", url, "--insecure")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                done = plait("get", url, "--insecure", GNUTLS_SYSTEM_PRIORITY_FILE=str(without["SECP256R1"]))
                self.assertEqual(done.returncode, 1, "the server has no X25519 for it")

    def test_what_is_no_request(self):
        for arguments, word in ((("http://127.0.0.1/",), "https:"), (("nonsense",), "write https://HOST/PATH"),
                                ((f"{self.url}/", "--header", "x"), "--header"), ((), "URL")):
            done = plait("get", *arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(word, done.stderr)

    def test_nobody_answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
            done = plait("get", url, "--insecure", "--timeout", "0.3")
        self.assertEqual((done.returncode, done.stderr),
                         (1, f"plait: {url}: no answer: does the peer speak QUIC on this UDP port?\n"))

    def test_nobody_there(self):
        done = plait("get", "https://127.0.0.1:1/", "--insecure", "--timeout", "1000")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "plait: https://127.0.0.1:1/: nobody listens at this UDP port\n"))


if __name__ == "__main__":
    unittest.main()
