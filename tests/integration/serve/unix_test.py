"""Unix sockets: the hub, the page and the benchmark's routes, each at its own path."""

import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import PLAIT, TIMEOUT, Server, Subscriber, environment, publish

HANDSHAKE = ("GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def status_of(path, request):
    """The status of the answer to `request` on the socket at `path`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(str(path))
        connection.sendall(request.encode())
        return int(connection.recv(65536).split()[1])


class Unix(unittest.TestCase):
    def setUp(self):
        self.socket = Path(self.enterContext(tempfile.TemporaryDirectory()), "s")

    def test_the_hub_is_at_its_path_and_the_page_beside_it(self):
        with Server("--dev", listen=("ws://127.0.0.1:0", f"unix:{self.socket}")) as server:
            self.assertEqual(server.urls[1], f"unix:{self.socket}")
            self.assertEqual(status_of(self.socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200)
            for url in (server.url("unix"), server.url("unix") + ":/wse"):
                with Subscriber("demo", "--url", url, "--count", "1", token=server.token) as subscriber:
                    self.assertEqual(publish(server, "1", "unix").returncode, 0)
                    self.assertEqual(subscriber.wait()[0], 0)
            self.assertEqual(server.stop(), 0)

    def test_a_scheme_may_be_written_in_capitals(self):
        with Server("--dev", listen=("WS://127.0.0.1:0", f"UNIX:{self.socket}")) as server:
            self.assertEqual(server.urls[1], f"unix:{self.socket}")
            self.assertEqual(status_of(self.socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200)
            self.assertEqual(publish(server, "1", "unix").returncode, 0)
            self.assertEqual(server.stop(), 0)

    def test_bench_serve_has_every_route(self):
        for url in (f"unix:{self.socket}", f"unix:{self.socket}:/", f"Unix:{self.socket}:/"):
            with subprocess.Popen([PLAIT, "bench", "serve", "--listen", url], stdout=subprocess.PIPE, text=True,
                                  env=environment(self.socket.parent)) as server:
                try:
                    self.assertEqual(server.stdout.readline(), f"listening unix:{self.socket}\n")
                    for path in ("/echo", "/discard", "/produce", "/duplex", "/latency", "/fanout", "/ws"):
                        self.assertEqual(status_of(self.socket, HANDSHAKE.format(path)), 101, path)
                    self.assertEqual(status_of(self.socket, HANDSHAKE.format("/")), 404)
                    server.send_signal(signal.SIGTERM)
                    self.assertEqual(server.wait(TIMEOUT), 0)
                finally:
                    server.kill()


if __name__ == "__main__":
    unittest.main()
