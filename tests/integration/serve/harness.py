"""`plait serve` and its clients, as context managers that end with the test."""

import http.client
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from process import Process

PLAIT = os.environ["PLAIT"]
TIMEOUT = 30
ALL_WIRES = ("ws://127.0.0.1:0", "wss://127.0.0.1:0", "tcp://127.0.0.1:0", "tls://127.0.0.1:0")

# Of the state: below a file, so that not even root can make it.
NO_FOLDER = "/dev/null/state"


def environment(state):
    """Without what the tester's own shell may have set, and with a state folder of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLAIT_")}
    return clean | {"XDG_STATE_HOME": str(state)}


def plait(*arguments, timeout=TIMEOUT, **variables):
    """Runs `plait …` to its end."""
    return subprocess.run([PLAIT, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False,
                          env=environment(NO_FOLDER) | variables)


def wait_until(done, explain=lambda: "it did not come"):
    """The first true value of `done()`; asked with pauses, since who is waited for needs the cores, too."""
    give_up = time.monotonic() + TIMEOUT
    while not (value := done()):
        if time.monotonic() > give_up:
            raise AssertionError(explain())
        time.sleep(0.02)
    return value


def again_if_taken(attempt):
    """Calls `attempt`; again, twice at most, where a server could not have the port that another had before: a test
    beside this one may have been given it in between."""
    for _ in range(2):
        try:
            return attempt()
        except DoesNotListen as refusal:
            if "in use" not in str(refusal):
                raise
    return attempt()


class DoesNotListen(Exception):
    """A server ended before it listened; why is what it logged."""


class Server(Process):
    """`plait serve …` on free ports. `urls` are those it printed; `token` is the development token, if there is one.
    What it logs is in logged(), unless it goes to the file `stderr`."""

    def __init__(self, *arguments, listen=ALL_WIRES[:1], stderr=None, program=PLAIT, **variables):
        self.folder = tempfile.TemporaryDirectory()
        self.log = open(Path(self.folder.name) / "log", "w+", encoding="utf-8")
        command = [program, "serve", *map(str, arguments)]
        for url in listen:
            command += ["--listen", url]
        super().__init__(command, stderr=stderr or self.log, env=environment(self.folder.name) | variables)
        lines = [self.process.stdout.readline() for _ in listen]
        if "" in lines:
            said = self.logged()
            self.__exit__()
            raise DoesNotListen(said)
        self.urls = [re.fullmatch(r"listening (.+)\n", line).group(1) for line in lines]
        self.token = None
        self.greeting = ""
        while "--dev" in arguments and not re.search(r" pub demo .*\n(  http.*\n)?\n$", self.greeting):
            self.greeting += self.process.stdout.readline()
            if match := re.search(r"PLAIT_TOKEN=(\S+)", self.greeting):
                self.token = match.group(1)

    def url(self, scheme="ws"):
        return next(url for url in self.urls if url.startswith(scheme + ":"))

    def port(self, scheme="ws"):
        return int(self.url(scheme).rsplit(":", 1)[1])

    def request(self, path, method="GET", **headers):
        """(status, fields, body) of one HTTP request; underscores in names of fields stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=TIMEOUT)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def upgrade(self, **headers):
        """The answer to an opening handshake at /wse."""
        return self.request("/wse", Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Version="13",
                            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==", **headers)

    def logged(self):
        self.log.flush()
        return (Path(self.folder.name) / "log").read_text(encoding="utf-8")

    def wait_logged(self, text):
        """Until `text` is in the log, which is written beside the loops."""
        wait_until(lambda: text in self.logged(), lambda: f"{text!r} was not logged, but {self.logged()!r}")

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.log.close()
        self.folder.cleanup()


class Subscriber(Process):
    """`plait sub …`, subscribed by the time the constructor returns."""

    def __init__(self, *arguments, token):
        super().__init__([PLAIT, "sub", *arguments], stderr=subprocess.PIPE,
                         env=environment(NO_FOLDER) | {"PLAIT_TOKEN": token})
        first = self.process.stderr.readline()
        if first != "subscribed\n":
            self.process.kill()
            raise AssertionError(f"plait sub said: {first}")

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def wait(self):
        """Its exit status, what it still printed and what it said."""
        output, errors = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, output, errors


def publish(server, data, scheme="ws", topic="demo", token=None):
    return plait("pub", topic, data, "--url", server.url(scheme), "--insecure", PLAIT_TOKEN=token or server.token)
