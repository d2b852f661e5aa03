"""Headless Chromium through its driver's HTTP interface (W3C WebDriver), with a profile of its own."""

import base64
import http.client
import json
import re
import subprocess
import tempfile
import time

TIMEOUT = 60
SCRIPT_SECONDS = 100  # for all tests of a page
ANSWER_SECONDS = SCRIPT_SECONDS + 20
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server",
         "--window-size=1100,900")

# For a driver to run: calls back with the text of #report once the page's title is "done".
REPORT = """const [finished] = arguments;
    const look = () => document.title === 'done' && finished(document.getElementById('report').textContent);
    new MutationObserver(look).observe(document.head, {subtree: true, childList: true, characterData: true});
    look();"""


class Browser:
    def __init__(self, *flags):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        self.session = None
        try:
            self.port = self.find_port()
            arguments = [*FLAGS, *flags, f"--user-data-dir={self.profile.name}"]
            options = {"goog:chromeOptions": {"args": arguments}, "acceptInsecureCerts": True,
                       "goog:loggingPrefs": {"browser": "ALL"}}
            self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        except BaseException:
            self.close()
            raise

    def find_port(self):
        for line in self.driver.stdout:
            if match := re.search(r"started successfully on port (\d+)", line):
                return int(match.group(1))
        raise AssertionError("chromedriver did not start")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = json.load(connection.getresponse())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(answer["message"])
        return answer

    def open(self, url):
        self.call("POST", f"/session/{self.session}/url", {"url": url})

    def run(self, script, *arguments):
        """The value that the JavaScript function body returns."""
        return self.call("POST", f"/session/{self.session}/execute/sync", {"script": script, "args": arguments})

    def report(self, url):
        """What the page says once its title is "done"."""
        self.call("POST", f"/session/{self.session}/timeouts", {"script": 1000 * SCRIPT_SECONDS})
        self.open(url)
        return self.call("POST", f"/session/{self.session}/execute/async", {"script": REPORT, "args": []})

    def wait_for(self, script):
        """The first true value that the function body returns; each try is a round trip to the browser."""
        deadline = time.monotonic() + TIMEOUT
        while not (value := self.run(script)):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {script}")
            time.sleep(0.02)  # the browser needs the core, too
        return value

    def find(self, selector):
        found = self.call("POST", f"/session/{self.session}/element", {"using": "css selector", "value": selector})
        return f"/session/{self.session}/element/" + next(iter(found.values()))

    def click(self, selector):
        self.call("POST", self.find(selector) + "/click", {})

    def type(self, selector, text):
        self.call("POST", self.find(selector) + "/value", {"text": text})

    def console(self):
        return [entry["message"] for entry in self.call("POST", f"/session/{self.session}/se/log", {"type": "browser"})]

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", f"/session/{self.session}/screenshot")))

    def close(self):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(TIMEOUT)
            self.driver.stdout.close()
            self.profile.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
