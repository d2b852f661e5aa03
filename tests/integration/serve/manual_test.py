"""What docs/manual says of the server and its clients is so: its file and its command lines are taken as they stand."""

import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import ALL_WIRES, PLAIT, TIMEOUT, Server, environment, plait

MANUAL = Path(__file__).resolve().parents[3] / "docs/manual"
PAGE = MANUAL / "serve.md"


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


class ClientCommands(unittest.TestCase):
    """Each line of client-commands.md that calls plait, with the ports of a server that is there."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = self.enterContext(Server("--dev", listen=(*ALL_WIRES, "https://127.0.0.1:0")))
        (self.folder / "token").write_text(self.server.token, encoding="utf-8")
        (self.folder / "secret").write_text("s" * 32, encoding="utf-8")
        (self.folder / "plait.toml").write_text("development = true\n", encoding="utf-8")

    def lines(self):
        text = (MANUAL / "client-commands.md").read_text(encoding="utf-8")
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line.replace("https://127.0.0.1:4433", self.server.url("https")), comments=True)
                start = words.index("plait") + 1
                end = words.index(">") if ">" in words else len(words)
                yield line, words[start:end]

    def run_line(self, words):
        """As it stands, but that a subscriber ends with its subscription."""
        command = [PLAIT, *words, *(("--url", self.server.url()) if words[0] in ("pub", "sub") else ())]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              cwd=self.folder, env=environment(self.folder)) as process:
            if words[0] == "sub":
                said = process.stderr.readline()
                process.kill()
                return 0 if said == "subscribed\n" else said
            output, said = process.communicate("one\ntwo\n", timeout=TIMEOUT)
            return 0 if process.returncode == 0 and output else said

    def test_every_line_does_what_it_says(self):
        commands = set()
        for line, words in self.lines():
            self.assertEqual(self.run_line(words), 0, line)
            commands.add(words[0])
        self.assertEqual(commands, {"token", "pub", "sub", "get", "check"})


if __name__ == "__main__":
    unittest.main()
