"""Headless Firefox, behind its own driver's protocol (Marionette), since Debian has no geckodriver."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time

import browser
import harness

PREFERENCES = {
    "marionette.port": 0,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}


START_SECONDS = 90


class Firefox:
    """`folder` becomes its profile and its home."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self._received = b""
        self._calls = 0

    def __enter__(self):
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
        (self._folder / "user.js").write_text("".join(lines))
        self._process = subprocess.Popen(
            ["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", self._folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"HOME": str(self._folder)})
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._find_port()), timeout=browser.ANSWER_SECONDS)
            self._receive()  # who it is
            self.call("WebDriver:NewSession", {})
        except BaseException:
            self._process.kill()
            raise
        return self

    def _find_port(self):
        file = self._folder / "MarionetteActivePort"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                return int(file.read_text())
            time.sleep(0.05)  # it needs the core, too
        raise AssertionError("Firefox did not start")

    def _receive(self):
        """One message: its length in decimal digits, a colon, JSON."""
        while True:
            length, colon, rest = self._received.partition(b":")
            if colon and len(rest) >= int(length):
                self._received = rest[int(length):]
                return json.loads(rest[:int(length)])
            data = self._socket.recv(65536)
            assert data, "Firefox ended"
            self._received += data

    def call(self, command, parameters):
        self._calls += 1
        message = json.dumps([0, self._calls, command, parameters]).encode()
        self._socket.sendall(f"{len(message)}:".encode() + message)
        _, _, error, result = self._receive()
        assert error is None, error
        return result

    def report(self, url):
        """What the page says once its title is "done"."""
        self.call("WebDriver:SetTimeouts", {"script": 1000 * browser.SCRIPT_SECONDS})
        self.call("WebDriver:Navigate", {"url": url})
        return self.call("WebDriver:ExecuteAsyncScript", {"script": browser.REPORT, "args": []})["value"]

    def __exit__(self, *_):
        with contextlib.suppress(OSError, AssertionError):
            self.call("Marionette:Quit", {"flags": ["eForceQuit"]})
        self._socket.close()
        try:
            self._process.wait(harness.TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(harness.TIMEOUT)
