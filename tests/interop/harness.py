"""The programs under test and the peers, as context managers that end with the test."""

import contextlib
import importlib.util
import os
import pathlib
import queue
import random
import shutil
import ssl
import string
import subprocess
import sys
import tempfile
import threading

from process import Process

TIMEOUT = 20
FOLDER = pathlib.Path(__file__).parent
NODE_MODULES = "/usr/share/nodejs"
KIB, MIB = 1 << 10, 1 << 20

# Both sides of each length encoding (RFC 6455 §5.2), then messages that need many reads.
SIZES = (0, 1, 125, 126, 127, 65535, 65536, 65537, MIB, 5 * MIB)


def require(**peers):
    """require(package=present): without a package the test skips, or fails where CI is set."""
    missing = [name.replace("_", "-") for name, present in peers.items() if not present]
    if missing:
        print(f"needs the Debian package {', '.join(missing)}")
        sys.exit(1 if os.environ.get("CI") else 77)


def has_module(name):
    return importlib.util.find_spec(name) is not None


def has_program(name):
    return shutil.which(name) is not None


def has_node_ws():
    return pathlib.Path(NODE_MODULES, "ws").exists()


def payload(size):
    """Text that neither repeats with a power of two nor compresses to nothing, which would look like a bomb."""
    block = "".join(random.Random(1).choices(string.ascii_letters, k=9973))
    return (block * (size // len(block) + 1))[:size]


class Program(Process):
    """A program whose lines are read as they come."""

    def __init__(self, command, environment=None):
        super().__init__(command, env=os.environ | (environment or {}))
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self):
        """The next line; None at the end."""
        return self._lines.get(timeout=TIMEOUT)

    def lines_until(self, last):
        """The lines up to `last`, for events whose order is not ours to say."""
        found = []
        while last not in found:
            line = self.line()
            assert line is not None, f"ended without {last!r}; it said {found}"
            found.append(line)
        return found

    def end(self):
        super().end()
        self._reader.join(TIMEOUT)


class PlaitServer(Program):
    """One of our servers; `urls` are those it printed. The development certificate is its own."""

    def __init__(self, *arguments, program=None):
        self._state = tempfile.TemporaryDirectory()
        self.certificate = pathlib.Path(self._state.name, "plait", "certificate.pem")
        super().__init__([*(program or [os.environ["INTEROP_SERVER"]]), *arguments],
                         {"XDG_STATE_HOME": self._state.name})
        self.urls = {}
        for _ in range(sum(":" in argument for argument in arguments)):
            word, url = self.line().split()
            assert word == "listening", word
            self.urls[url.split(":")[0]] = url

    def trusting(self):
        """A TLS context that trusts nothing but the development certificate."""
        return ssl.create_default_context(cafile=self.certificate)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._state.cleanup()


class BenchServer(PlaitServer):
    def __init__(self, *urls, options=()):
        listen = [word for url in urls for word in ("--listen", url)]
        super().__init__(*options, *listen, program=[os.environ["PLAIT"], "bench", "serve"])


def run_client(mode, url, *options):
    """interop_client to its end: (status, lines of output, error text)."""
    command = [os.environ["INTEROP_CLIENT"], mode, url, *map(str, options)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    return result.returncode, result.stdout.splitlines(), result.stderr


def run_node(script, *arguments):
    """A script of this folder to its end: (status, output, error text)."""
    result = subprocess.run(["node", FOLDER / script, *map(str, arguments)], capture_output=True, text=True,
                            timeout=TIMEOUT, check=False, env=os.environ | {"NODE_PATH": NODE_MODULES})
    return result.returncode, result.stdout, result.stderr


@contextlib.contextmanager
def certificate_files():
    """(certificate, key) for localhost and 127.0.0.1, made by openssl."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = pathlib.Path(folder, "c.pem"), pathlib.Path(folder, "k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True, timeout=TIMEOUT)
        yield certificate, key
