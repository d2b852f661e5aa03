"""Headless Chromium, behind chromedriver's HTTP interface (W3C WebDriver)."""

import contextlib
import json
import re
import tempfile
import unittest
import urllib.request

import harness

ARGUMENTS = ("--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-sync "
             "--disable-background-networking --disable-component-update --no-proxy-server").split()


class Browser(harness.Program):
    """Chromium behind chromedriver's HTTP interface (W3C WebDriver)."""

    def __init__(self, folder):
        super().__init__(["chromedriver", "--port=0"])
        while not (found := re.search(r"started successfully on port (\d+)", self.line())):
            pass
        self._root = f"http://127.0.0.1:{found.group(1)}/session"
        chromium = {"binary": harness.shutil.which("chromium"), "args": [*ARGUMENTS, f"--user-data-dir={folder}"]}
        capabilities = {"alwaysMatch": {"acceptInsecureCerts": True, "goog:chromeOptions": chromium}}
        self._root += "/" + self.call("", {"capabilities": capabilities})["sessionId"]

    def call(self, path, body=None, method="POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=harness.TIMEOUT) as answer:
            return json.load(answer)["value"]

    def report(self, url):
        """What the page says once its title is "done"."""
        self.call("/url", {"url": url})
        script = """const [finished] = arguments;
            const look = () => document.title === 'done' && finished(document.getElementById('report').textContent);
            new MutationObserver(look).observe(document.head, {subtree: true, childList: true, characterData: true});
            look();"""
        return self.call("/execute/async", {"script": script, "args": []})

    def __exit__(self, *exception):
        with contextlib.suppress(OSError):
            self.call("", method="DELETE")  # ends Chromium
        super().__exit__(*exception)


class Chromium(unittest.TestCase):
    """One browser for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        folder = cls.stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        cls.browser = cls.stack.enter_context(Browser(folder))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()


def require():
    harness.require(chromium=harness.has_program("chromium"), chromium_driver=harness.has_program("chromedriver"))


def test_names(page):
    """Of the tests that a page of this folder runs."""
    return re.findall(r"^  async (\w+)\(\) \{$", (harness.FOLDER / page).read_text(), re.MULTILINE)
