"""Our server and Chromium's WebSocket: browser_page.html has the tests, chromedriver brings its report."""

import contextlib
import json
import re
import tempfile
import unittest
import urllib.request

import harness

harness.require(chromium=harness.has_program("chromium"), chromium_driver=harness.has_program("chromedriver"))

NAMES = re.findall(r"^  async (\w+)\(\) \{$", (harness.FOLDER / "browser_page.html").read_text(), re.MULTILINE)
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
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        folder = cls.stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        cls.browser = cls.stack.enter_context(Browser(folder))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def assert_page_passes(self, scheme, *options):
        with harness.PlaitServer(*options, "ws://127.0.0.1:0", "wss://localhost:0") as server:
            page = (harness.FOLDER / "browser_page.html").as_uri()
            root = server.urls[scheme]
            if scheme == "wss":  # the driver accepts the certificate of a page, and with it that of its sessions
                self.browser.call("/url", {"url": root.replace("wss:", "https:") + "/health"})
            report = self.browser.report(f"{page}?{'deflate' if options else ''}#{root}")
            self.assertEqual(report.split("\n"), [f"{name} passed" for name in NAMES])
            self.assertEqual(server.stop(), 0)

    def test_page(self):
        self.assertGreater(len(NAMES), 5)
        self.assert_page_passes("ws")

    def test_page_with_deflate(self):
        self.assert_page_passes("ws", "--deflate")

    def test_page_over_tls(self):
        self.assert_page_passes("wss")


unittest.main()
