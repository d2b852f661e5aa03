"""Our server and browsers' WebTransport: webtransport_page.html has the tests, their drivers bring its report."""

import functools
import hashlib
import http.server
import ssl
import tempfile
import threading
import unittest

import chromium
import firefox
import harness

chromium.require()
harness.require(firefox_esr=harness.has_program("firefox-esr"))

PAGE = "webtransport_page.html"
NAMES = chromium.test_names(PAGE)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class PageServer:
    """The page on http://127.0.0.1, which is a secure context: WebTransport exists nowhere else."""

    def __enter__(self):
        handler = functools.partial(QuietHandler, directory=harness.FOLDER)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(harness.TIMEOUT)


class WebTransport:
    """One browser: `browser.report(url)` runs the page. `lacks`: what it cannot do."""

    browser = None
    lacks = ()
    answers_closes = True

    def test_page(self):
        self.assertGreater(len(NAMES), 10)
        with PageServer() as pages, harness.PlaitServer("https://127.0.0.1:0") as server:
            der = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
            fragment = ",".join([server.urls["https"], hashlib.sha256(der).hexdigest(), *self.lacks])
            report = self.browser.report(f"{pages}/{PAGE}#{fragment}")
            self.assertEqual(report.split("\n"), [f"{name} passed" for name in NAMES if name not in self.lacks])
            self.assertEqual(server.stop(), 0)
            closed = list(iter(server.line, None))
            self.assertIn("closed 4001 clean peer enough", closed)
            ours = "4242 clean us bye from the server"
            if not self.answers_closes:
                ours = "1006 unclean us the connection ended with code 256"
            self.assertIn(f"closed {ours}", closed)
            self.assertEqual(sum("unclean" in line for line in closed), 0 if self.answers_closes else 1)


class ChromiumWebTransport(WebTransport, chromium.Chromium):
    pass


class FirefoxWebTransport(WebTransport, unittest.TestCase):
    lacks = ("page_stops", "server_resets", "server_codes_of_32_bits", "protocols")
    answers_closes = False  # the connection ends instead

    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(firefox.Firefox(cls.enterClassContext(
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True))))


unittest.main()
