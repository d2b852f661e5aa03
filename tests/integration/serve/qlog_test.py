"""Files of qlog that a server in development mode writes."""

import json
import stat
import tempfile
import unittest
from pathlib import Path

from harness import Server, plait, publish


def records(file):
    """RFC 7464: RS, a JSON text, LF, and so on."""
    text = file.read_text(encoding="ascii")
    if not text.startswith("\x1e") or not text.endswith("\n"):
        raise AssertionError(f"{file.name} is no JSON text sequence")
    return [json.loads(record) for record in text.split("\x1e")[1:]]


class Qlog(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_each_quic_connection_has_a_file(self):
        wires = ("ws://127.0.0.1:0", "https://127.0.0.1:0", "quic://127.0.0.1:0")
        with Server("--dev", "--qlog", self.folder, "--threads", "2", listen=wires) as server:
            for scheme in ("https", "quic", "ws"):
                self.assertEqual(publish(server, "1", scheme=scheme).returncode, 0, scheme)
            self.assertEqual(server.stop(), 0)
        files = list(self.folder.iterdir())
        self.assertEqual(len(files), 2)
        for file in files:
            self.assertRegex(file.name, r"^([0-9a-f]{2}){8,20}\.sqlog$")
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
            head, *events = records(file)
            self.assertEqual((head["qlog_version"], head["qlog_format"]), ("0.3", "JSON-SEQ"))
            self.assertEqual(head["trace"]["vantage_point"]["type"], "server")
            self.assertEqual(head["trace"]["common_fields"]["group_id"], file.stem)
            names = {event["name"] for event in events}
            self.assertLessEqual({"transport:packet_sent", "transport:packet_received", "transport:parameters_set"},
                                 names)

    def test_there_is_none_by_default(self):
        with Server("--dev", listen=("ws://127.0.0.1:0", "quic://127.0.0.1:0")) as server:
            self.assertEqual(publish(server, "1", scheme="quic").returncode, 0)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_only_in_development_mode(self):
        secret = self.folder / "secret"
        secret.write_text("x" * 32, encoding="ascii")
        done = plait("serve", "--jwt-secret-file", secret, "--qlog", self.folder, "--listen", "ws://127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--qlog: only in development mode", done.stderr)
        self.assertIn("--dev", done.stderr)

    def test_the_folder_must_be_there(self):
        done = plait("serve", "--dev", "--qlog", self.folder / "none", "--listen", "ws://127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--qlog: there is no folder", done.stderr)

    def test_it_is_a_setting_of_the_file_too(self):
        config = self.folder / "plait.toml"
        for text, status in ((f'development = true\nqlog = "{self.folder}"', 0), (f'qlog = "{self.folder}"', 1),
                             ("development = true\nqlog = 1", 1)):
            config.write_text(text + "\n", encoding="utf-8")
            self.assertEqual(plait("check", config).returncode, status, text)


if __name__ == "__main__":
    unittest.main()
