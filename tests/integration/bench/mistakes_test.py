"""What plait bench cannot run is refused by name, and a quick look says that it is one."""

import subprocess
import unittest

from harness import PLAIT, TIMEOUT, Bench


class Refusals(unittest.TestCase):
    def refused(self, *arguments):
        command = [PLAIT, "bench", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_no_suite(self):
        self.assertIn("give a suite, tcp-echo, websocket or webtransport", self.refused())
        self.assertIn("'x' is no suite", self.refused("x"))

    def test_rounds_and_seconds(self):
        for value in ("0", "-1", "many"):
            self.assertIn("--rounds", self.refused("websocket", f"--rounds={value}"))
            self.assertIn("--seconds", self.refused("websocket", f"--seconds={value}"))

    def test_a_peer_without_its_command(self):
        self.assertIn("--peer 'foo': the = is missing", self.refused("websocket", "--peer", "foo"))


class Quick(unittest.TestCase):
    def test_it_says_so(self):
        quick = Bench("websocket", "^echo/93B/d1/c1$", "--placement", "free")
        for text in (quick.output, quick.markdown, quick.html):
            self.assertIn("--quick: a look, not a result", text)


if __name__ == "__main__":
    unittest.main()
