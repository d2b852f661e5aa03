"""plait serve: what it prints, answers over HTTP, and how it ends."""

import hashlib
import json
import re
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from harness import (
    ALL_WIRES, NO_FOLDER, PLAIT, TIMEOUT, Server, Subscriber, again_if_taken, environment, plait, publish, wait_until)


class Endpoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", "--threads", 2, listen=ALL_WIRES))

    def test_every_listener_is_printed_with_its_port(self):
        self.assertEqual([url.split(":")[0] for url in self.server.urls], ["ws", "wss", "tcp", "tls"])
        self.assertNotIn("0", [url.rsplit(":", 1)[1] for url in self.server.urls])

    def test_development_mode_prints_a_token_and_three_lines_to_paste_and_warns(self):
        for expected in (r" sub demo --url ws://127", r" pub demo '\{", rf"http://127\.0\.0\.1:{self.server.port()}/"):
            self.assertRegex(self.server.greeting, expected)
        self.assertIn("DEVELOPMENT MODE", self.server.logged())

    def paste(self, server, pattern):
        """One of the printed lines, started in a shell."""
        (line,) = re.findall(rf"\n  (.* {pattern} .*)\n", server.greeting)
        return subprocess.Popen(["sh", "-c", f"exec {line}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment(NO_FOLDER) | {"PLAIT_TOKEN": server.token})

    def test_the_lines_to_paste_reach_this_server_on_its_only_wire(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="sp ace ")))
        program = folder / "plait"
        program.symlink_to(PLAIT)
        for url in ("quic://127.0.0.1:0", "https://127.0.0.1:0", "wss://127.0.0.1:0", f"unix:{folder}/socket"):
            with (self.subTest(url), Server("--dev", listen=(url,), program=str(program)) as server,
                  self.paste(server, "sub demo") as subscriber):
                try:
                    self.assertEqual(subscriber.stderr.readline(), "subscribed\n")
                    with self.paste(server, "pub demo") as publisher:
                        self.assertEqual((publisher.wait(TIMEOUT), publisher.stderr.read()), (0, ""))
                    self.assertIn("world", subscriber.stdout.readline())
                finally:
                    subscriber.kill()

    def test_health(self):
        status, fields, body = self.server.request("/health")
        self.assertEqual((status, fields["Content-Type"]), (200, "application/json"))
        self.assertEqual(json.loads(body)["status"], "ok")

    def test_metrics_are_the_text_format(self):
        status, fields, body = self.server.request("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(fields["Content-Type"].startswith("text/plain; version=0.0.4"))
        sample = re.compile(r"plait_[a-z_]+(\{status=\"(\d{3}|other)\"\})? [0-9.]+|# (HELP|TYPE) plait_[a-z_]+ \S.*")
        self.assertTrue(all(sample.fullmatch(line) for line in body.splitlines()))
        self.assertIn("# TYPE plait_hub_publications_total counter\n", body)
        self.assertRegex(body, r"\nplait_loops 2\n")
        self.assertIn("\nplait_handshakes_failed_total 0\n", body)
        self.assertEqual(body.count("# TYPE plait_openings_refused_total counter\n"), 1)

    def test_metrics_count_openings_that_are_refused(self):
        def refused():
            body = self.server.request("/metrics")[2]
            return int(re.search(r'plait_openings_refused_total{status="401"} (\d+)', body)[1])

        before = refused()
        self.assertEqual(self.server.upgrade()[0], 401)
        self.assertEqual(refused(), before + 1)

    def test_metrics_count_a_publication(self):
        def published():
            return json.loads(self.server.request("/stats")[2])["hub"]["publications"]

        before = published()
        self.assertEqual(publish(self.server, "1", topic="counted").returncode, 0)
        self.assertEqual(published(), before + 1)

    def test_page_assets_have_types_and_a_policy(self):
        script = "text/javascript"
        for path, content_type in (("/", "text/html"), ("/app.js", script), ("/frames.js", script),
                                   ("/webtransport.js", script), ("/style.css", "text/css")):
            status, fields, body = self.server.request(path)
            self.assertEqual(status, 200, path)
            self.assertEqual(fields["Content-Type"], content_type + "; charset=utf-8")
            self.assertIn("default-src 'none'", fields["Content-Security-Policy"])
            self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
            self.assertGreater(len(body), 1000, path)

    def test_page_asks_no_other_server(self):
        for path in ("/", "/app.js", "/frames.js", "/webtransport.js", "/style.css"):
            text = self.server.request(path)[2].replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, r"https?://|@import|url\(")

    def test_only_get_and_head(self):
        status, fields, _ = self.server.request("/health", method="POST")
        self.assertEqual((status, fields["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.server.request("/health", method="HEAD")[::2], (200, ""))

    def test_unknown_path_is_404(self):
        self.assertEqual(self.server.request("/nothing")[0], 404)


def certificate_file(server):
    return Path(server.folder.name) / "plait" / "certificate.pem"


def certificate_hash(server):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate_file(server).read_text())).hexdigest()


class WebTransport(unittest.TestCase):
    """What tells a page how to open WebTransport; page_test.py has a browser do it."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", listen=(*ALL_WIRES, "https://127.0.0.1:0")))

    @staticmethod
    def offer(server):
        status, fields, body = server.request("/dev/certificate")
        assert (status, fields["Cache-Control"]) == (200, "no-store"), (status, body)
        return json.loads(body)

    def test_the_certificates_hash_is_printed_and_served(self):
        offer = self.offer(self.server)
        expected = certificate_hash(self.server)
        self.assertEqual(offer["url"], self.server.url("https") + "/wse")
        first = offer["certificates"][0]
        self.assertEqual((first["algorithm"], first["hash"]), ("sha-256", expected))
        self.assertIn(f"\n  {expected}\n", self.server.greeting)
        self.assertLess(first["not_after"] - time.time(), 14 * 86400)

    def test_only_for_own_pages_of_this_machine(self):
        for headers in ({"Host": "example.org"}, {"Origin": "https://example.org"}, {"Sec_Fetch_Site": "cross-site"}):
            self.assertEqual(self.server.request("/dev/certificate", **headers)[0], 403, headers)

    def test_the_page_may_connect_to_it_and_https_responses_tell_of_it(self):
        policy = self.server.request("/")[1]["Content-Security-Policy"]
        self.assertRegex(policy, f"connect-src 'self' {self.server.url('https')}$")
        self.assertIsNone(self.server.request("/health")[1]["Alt-Svc"])
        context = ssl.create_default_context(cafile=certificate_file(self.server))
        with urllib.request.urlopen(self.server.url("wss").replace("wss:", "https:") + "/health", timeout=TIMEOUT,
                                    context=context) as answer:
            self.assertEqual(answer.headers["Alt-Svc"], f'h3=":{self.server.port("https")}"')

    def test_both_hashes_are_served_when_the_certificate_was_replaced(self):
        with Server("--dev", listen=(*ALL_WIRES, "https://127.0.0.1:0")) as server:
            old = self.offer(server)["certificates"][0]["hash"]
            certificate_file(server).write_text("not a certificate")  # which the server sees, and makes another
            certificates = wait_until(
                lambda: (offered := self.offer(server)["certificates"])[0]["hash"] != old and offered)
            self.assertEqual([one["hash"] for one in certificates], [certificate_hash(server), old])

    def test_without_such_a_listener_there_is_nothing_to_tell(self):
        with Server("--dev") as server:
            self.assertEqual(server.request("/dev/certificate")[0], 404)
            self.assertTrue(server.request("/")[1]["Content-Security-Policy"].endswith("connect-src 'self'"))


class Ending(unittest.TestCase):
    def test_sigterm_closes_sessions_with_1001_and_exits_0(self):
        with Server("--dev", listen=ALL_WIRES) as server:
            with Subscriber("demo", "--url", server.url("ws"), token=server.token) as ws, \
                    Subscriber("demo", "--url", server.url("tls"), "--insecure", token=server.token) as tls:
                self.assertEqual(server.stop(), 0)
                for subscriber in (ws, tls):
                    status, _, errors = subscriber.wait()
                    self.assertEqual(status, 1)
                    self.assertIn("1001", errors)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
            done = plait("serve", "--dev", "--listen", url)
        self.assertEqual(done.returncode, 1)
        self.assertIn(url, done.stderr)
        self.assertIn("in use", done.stderr)

    def test_a_server_that_is_gone_frees_its_port(self):
        def listen_again():
            with Server("--dev") as first:
                url = first.url()
                self.assertEqual(first.stop(), 0)
            with Server("--dev", listen=(url,)) as second:
                self.assertEqual(second.urls, [url])
                with socket.create_connection(("127.0.0.1", second.port()), timeout=TIMEOUT):
                    pass

        again_if_taken(listen_again)


if __name__ == "__main__":
    unittest.main()
