"""Our HTTP/3 server and ngtcp2's client (gtlsclient), which can do to a connection what browsers do seldom."""

import pathlib
import subprocess
import tempfile
import unittest

import harness

harness.require(ngtcp2_client=harness.has_program("gtlsclient"))

CHACHA20 = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"
AES_256 = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM"


class Gtlsclient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(harness.PlaitServer("https://127.0.0.1:0"))
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def get(self, path, *options, status=200):
        """(body, what the client said). It waits by --delay-stream for what --key-update and others do before."""
        root = self.server.urls["https"]
        command = ["gtlsclient", "--no-quic-dump", "--exit-on-all-streams-close", f"--download={self.folder}", *options,
                   "127.0.0.1", root.rsplit(":", 1)[1], root + path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=harness.TIMEOUT, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        self.assertIn(f"[:status: {status}]", said)
        return (self.folder / path[1:]).read_text(), said

    def assert_page(self, *options):
        body, said = self.get("/page", *options)
        self.assertEqual(body, "p" * (64 << 10))
        return said

    def test_get(self):
        self.assertEqual(self.get("/health")[0], "ok\n")
        self.assert_page()

    def test_missing_and_session_paths(self):
        self.get("/nothing", status=404)
        self.get("/echo", status=405)

    def test_many_requests_on_one_connection(self):
        self.assertEqual(self.assert_page("--nstreams=50").count("[:status: 200]"), 50)

    def test_bodies(self):
        body = self.folder / "sent"
        for size, status in ((1, 200), (300_000, 200), ((1 << 20) + 1, 413)):
            body.write_text(harness.payload(size))
            answer, _ = self.get("/body", "--http-method=POST", f"--data={body}", status=status)
            self.assertEqual(answer == harness.payload(size), status == 200)

    def test_cipher_suites(self):
        for ciphers in (CHACHA20, AES_256):
            self.assert_page(f"--ciphers={ciphers}")

    def assert_says(self, pattern, option, *further):
        """With `option` after a while, and the request after three. The client may do so only once the handshake is
        confirmed, for which a machine that is busy may need longer, hence several tries."""
        for milliseconds in (20, 200, 2000):
            try:
                said = self.assert_page(f"{option}={milliseconds}ms", f"--delay-stream={3 * milliseconds}ms", *further)
                self.assertRegex(said, pattern)
                return
            except AssertionError as error:
                failure = error
        raise failure

    def test_key_update(self):
        self.assert_says("key update confirmed", "--key-update")

    def test_migration_to_another_address(self):
        self.assert_says(r"Path validation against path .* succeeded", "--change-local-addr")

    def test_nat_rebinding(self):
        # The server looks where its client has gone.
        self.assert_says("frm rx .*PATH_CHALLENGE", "--change-local-addr", "--nat-rebinding")

    def test_version_negotiation(self):
        root = self.server.urls["https"]
        command = ["gtlsclient", "--version=0x1a2a3a4a", "127.0.0.1", root.rsplit(":", 1)[1], root + "/page"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=harness.TIMEOUT, check=False)
        self.assertIn("VN v=0x00000001", done.stderr)

    def test_small_udp_payloads_and_flow_control(self):
        self.assert_page("--max-udp-payload-size=1200", "--no-pmtud", "--max-stream-data-bidi-local=2000",
                         "--max-data=4000", "--max-window=4000", "--max-stream-window=2000")


if __name__ == "__main__":
    unittest.main()
