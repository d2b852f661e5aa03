"""Our server and Chromium's WebTransport: webtransport_page.html has the tests, chromedriver brings its report."""

import functools
import hashlib
import http.server
import ssl
import threading
import unittest

import chromium
import harness

chromium.require()

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


class WebTransport(chromium.Chromium):
    def test_page(self):
        self.assertGreater(len(NAMES), 10)
        with PageServer() as pages, harness.PlaitServer("https://127.0.0.1:0") as server:
            der = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
            root = server.urls["https"]
            report = self.browser.report(f"{pages}/{PAGE}#{root},{hashlib.sha256(der).hexdigest()}")
            self.assertEqual(report.split("\n"), [f"{name} passed" for name in NAMES])
            self.assertEqual(server.stop(), 0)
            closed = list(iter(server.line, None))
            self.assertIn("closed 4001 clean peer enough", closed)
            self.assertIn("closed 4242 clean us bye from the server", closed)
            self.assertEqual([line for line in closed if "unclean" in line], [])


unittest.main()
