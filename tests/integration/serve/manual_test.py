"""What docs/manual/serve.md says is so: its file is taken as it stands, and what it promises happens."""

import re
import tempfile
import unittest
from pathlib import Path

from harness import Server, plait

PAGE = Path(__file__).resolve().parents[3] / "docs/manual/serve.md"


class File(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.secret = folder / "secret"
        self.secret.write_text("s" * 32, encoding="utf-8")
        self.file = folder / "plait.toml"
        shown = re.search(r"^```toml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL).group(1)
        self.file.write_text(shown.replace('"secret"', f'"{self.secret}"'), encoding="utf-8")

    def test_the_file_is_without_errors(self):
        checked = plait("check", self.file)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("listen ws://0.0.0.0:8800\nlisten tcp://0.0.0.0:8801\n", checked.stdout)

    def test_health_metrics_and_stats_need_no_token_and_sessions_do(self):
        with Server("--config", self.file) as server:
            for path in ("/health", "/metrics", "/stats"):
                self.assertEqual(server.request(path)[0], 200)
            self.assertEqual(server.upgrade()[0], 401)
            self.assertEqual(server.request("/dev/token")[0], 404)
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
