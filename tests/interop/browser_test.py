"""Our server and Chromium's WebSocket: browser_page.html has the tests, chromedriver brings its report."""

import unittest

import chromium
import harness

chromium.require()

NAMES = chromium.test_names("browser_page.html")


class WebSocket(chromium.Chromium):
    def assert_page_passes(self, scheme, *options):
        with harness.PlaitServer(*options, "ws://127.0.0.1:0", "wss://localhost:0") as server:
            page = (harness.FOLDER / "browser_page.html").as_uri()
            root = server.urls[scheme]
            if scheme == "wss":  # the driver accepts the certificate of a page, and with it that of its sessions
                self.browser.open(root.replace("wss:", "https:") + "/health")
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
