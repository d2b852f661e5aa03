"""The page in headless Chromium: messages flow both ways, counters live, and it comes back after a lost server."""

import json
import os
import tempfile
import unittest
from pathlib import Path

from browser import Browser
from harness import ALL_WIRES, Server, Subscriber, plait, publish

WEBTRANSPORT = "https://127.0.0.1:0"
STATUS = "return document.getElementById('status').textContent"
CONNECTED = "return document.getElementById('status').dataset.state === 'open'"

# Of what a machine that is busy may spoil.
TRIES = 3


def shows(text):
    return ("return [...document.querySelectorAll('#messages .data')].some((cell) => cell.textContent === "
            f"{json.dumps(text)})")


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def open(self, server):
        self.browser.open(f"http://127.0.0.1:{server.port()}/")

    def expect_webtransport(self, url):
        """Opens the page, which falls back for good where that takes longer than a few seconds."""
        for _ in range(TRIES):
            self.browser.open(url)
            self.browser.wait_for(CONNECTED)
            if self.browser.run(STATUS) == "connected over WebTransport":
                break
        self.assertEqual(self.browser.run(STATUS), "connected over WebTransport")

    def test_messages_flow_and_counters_live(self):
        browser = self.browser
        with Server("--dev", "--threads", 2, listen=ALL_WIRES) as server:
            self.open(server)
            browser.wait_for(CONNECTED)
            self.assertEqual(browser.run("return document.getElementById('example').textContent"),
                             f"plait pub demo '{{\"hello\":\"world\"}}' --url {server.url()}")

            with Subscriber("demo", "--count", 1, "--url", server.url(), token=server.token) as subscriber:
                browser.type("#text", "typed in the page")
                browser.click("#publish button[type=submit]")
                self.assertEqual(subscriber.line(), '"typed in the page"')
            browser.wait_for(shows("typed in the page"))

            self.assertEqual(publish(server, '{"from":"terminal"}', scheme="tls").returncode, 0)
            browser.wait_for(shows('{"from":"terminal"}'))

            caption = "return document.getElementById('timer').textContent"
            browser.click("#timer")
            self.assertEqual(browser.run(caption), "Stop")
            browser.wait_for("return document.querySelectorAll('#messages li').length >= 20")
            browser.wait_for("return Number(document.getElementById('rate-in').textContent) >= 1")
            browser.wait_for("return document.getElementById('plot-out').points.numberOfItems >= 3")
            self.assertEqual(browser.run("return document.getElementById('loops').textContent"), "2")
            browser.wait_for("return document.getElementById('sessions').textContent === '1'")
            if path := os.environ.get("PLAIT_SCREENSHOT"):
                browser.screenshot(path)
            browser.click("#timer")
            self.assertEqual(browser.run(caption), "10 a second")
            errors = [line for line in browser.console() if "Content Security Policy" in line or "Uncaught" in line]
            self.assertEqual(errors, [])

    def test_the_wire_is_webtransport_where_the_server_has_it(self):
        browser = self.browser
        with Server("--dev", "--threads", 2, listen=(*ALL_WIRES, WEBTRANSPORT)) as server:
            self.expect_webtransport(f"http://127.0.0.1:{server.port()}/")
            with Subscriber("demo", "--count", 1, "--url", server.url(), token=server.token) as subscriber:
                browser.type("#text", "over HTTP/3")
                browser.click("#publish button[type=submit]")
                self.assertEqual(subscriber.line(), '"over HTTP/3"')
            large = "x" * 100_000
            self.assertEqual(publish(server, large).returncode, 0)
            browser.wait_for(shows(large))
            url = server.url()
            self.assertEqual(server.stop(), 0)
            browser.wait_for("return document.getElementById('status').dataset.state === 'closed'")
            errors = [line for line in browser.console() if "Content Security Policy" in line or "Uncaught" in line]
            self.assertEqual(errors, [])
        with Server("--dev", listen=(url,)):  # which has none: the page falls back
            browser.wait_for(CONNECTED)
            self.assertEqual(browser.run(STATUS), "connected over WebSocket")

    def test_in_development_the_names_of_this_machine_are_one(self):
        with Server("--dev", listen=(*ALL_WIRES, WEBTRANSPORT)) as server:
            self.expect_webtransport(f"http://localhost:{server.port()}/")

    def test_where_webtransport_fails_it_falls_back(self):
        with Server("--dev", listen=("ws://127.0.0.2:0", WEBTRANSPORT)) as server:
            self.browser.open(f"http://127.0.0.2:{server.port()}/")  # another host: not the server's own page
            self.browser.wait_for(CONNECTED)
            self.assertEqual(self.browser.run(STATUS), "connected over WebSocket")
            server.wait_logged("refused a session from origin http://127.0.0.2")

    def test_text_is_shown_as_text(self):
        with Server("--dev") as server:
            self.open(server)
            self.browser.wait_for(CONNECTED)
            self.assertEqual(publish(server, "<img src=x onerror=alert(1)>").returncode, 0)
            self.browser.wait_for(shows("<img src=x onerror=alert(1)>"))
            self.assertEqual(self.browser.run("return document.querySelectorAll('#messages img').length"), 0)

    def test_it_connects_again_and_says_what_it_cannot_recover(self):
        with Server("--dev") as server:
            url = server.url()
            self.open(server)
            self.browser.wait_for(CONNECTED)
            self.assertEqual(publish(server, '"before"').returncode, 0)
            self.browser.wait_for(shows("before"))
            self.assertEqual(server.stop(), 0)
            self.browser.wait_for("return document.getElementById('status').dataset.state === 'closed'")
        with Server("--dev", listen=(url,)) as again:
            self.browser.wait_for(CONNECTED)
            self.browser.wait_for("return document.querySelectorAll('#messages .gap').length === 1")
            self.assertEqual(publish(again, '"after"').returncode, 0)
            self.browser.wait_for(shows("after"))

    def test_in_production_it_asks_for_a_token(self):
        with tempfile.TemporaryDirectory() as folder:
            secret = Path(folder) / "secret"
            secret.write_text("s" * 32, encoding="utf-8")
            token = plait("token", "--user", "visitor", "--secret-file", secret).stdout.strip()
            with Server("--jwt-secret-file", secret) as server:
                self.open(server)
                self.browser.run("document.cookie = 'access_token=; Path=/wse; Max-Age=0'")
                self.browser.wait_for(f"{STATUS} === 'needs an access token'")
                self.assertRegex(server.request("/metrics")[2], r'openings_refused_total\{status="401"\} 1\n')
                place = "return document.getElementById('{}').getBoundingClientRect().top"
                form, counters = (self.browser.run(place.format(name)) for name in ("token-form", "sessions"))
                self.assertLess(form, counters)
                self.browser.type("#token", "garbage")
                self.browser.click("#token-form button")
                refused = "return document.getElementById('notice').textContent.includes('refused this access token')"
                self.browser.wait_for(refused)
                self.browser.run("document.getElementById('token').value = ''")
                self.browser.type("#token", token)
                self.browser.click("#token-form button")
                self.browser.wait_for(CONNECTED)


if __name__ == "__main__":
    unittest.main()
