"""Our server's HTTP/1.1 and curl; and what only raw sockets can say."""

import pathlib
import socket
import subprocess
import tempfile
import unittest

import harness

harness.require(curl=harness.has_program("curl"))


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.socket_path = pathlib.Path(cls.folder.name, "s")
        cls.server = harness.PlaitServer("ws://127.0.0.1:0", "wss://localhost:0", f"unix:{cls.socket_path}")
        cls.root = cls.server.urls["ws"].replace("ws:", "http:")

    @classmethod
    def tearDownClass(cls):
        with cls.server, cls.folder:
            assert cls.server.stop() == 0

    def curl(self, *arguments, data=None):
        """(output, status codes and numbers of new connections as text)."""
        command = ["curl", "--silent", "--show-error", "--max-time", str(harness.TIMEOUT), "--write-out",
                   "%{stderr}%{http_code}/%{num_connects} ", *map(str, arguments)]
        result = subprocess.run(command, input=data, capture_output=True, timeout=harness.TIMEOUT, check=False)
        return result.stdout, result.stderr.decode().strip()

    def test_get(self):
        self.assertEqual(self.curl(f"{self.root}/health"), (b"ok\n", "200/1"))
        self.assertEqual(self.curl(f"{self.root}/health?a=b"), (b"ok\n", "200/1"))
        self.assertEqual(self.curl(f"{self.root}/nowhere"), (b"not found\n", "404/1"))

    def test_keep_alive(self):
        pages = [f"{self.root}/{page}" for page in ("health", "page", "nowhere", "health")]
        body, codes = self.curl(*pages)
        self.assertEqual((len(body), codes), (3 + 65536 + 10 + 3, "200/1 200/0 404/0 200/0"))

    def test_head(self):
        head, code = self.curl("--head", f"{self.root}/page")
        self.assertEqual(code, "200/1")
        self.assertIn(b"\r\nContent-Length: 65536\r\n", head)
        self.assertTrue(head.endswith(b"\r\n\r\n"))

    def test_post_with_length(self):
        for size in (0, 1, 1000, 65536, harness.MIB):
            data = b"d" * size
            self.assertEqual(self.curl("--data-binary", "@-", f"{self.root}/body", data=data), (data, "200/1"))

    def test_post_in_chunks(self):
        for size in (0, 1, 100_000, harness.MIB):
            data = harness.payload(size).encode()
            answer = self.curl("--header", "Transfer-Encoding: chunked", "--data-binary", "@-", f"{self.root}/body",
                               data=data)
            self.assertEqual(answer, (data, "200/1"))

    def test_expect_continue(self):
        answer, code = self.curl("--include", "--header", "Expect: 100-continue", "--expect100-timeout",
                                 harness.TIMEOUT, "--data-binary", "@-", f"{self.root}/body", data=b"x" * 5000)
        self.assertEqual(code, "200/1")
        self.assertTrue(answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), answer[:100])
        self.assertTrue(answer.endswith(b"\r\n\r\n" + b"x" * 5000))

    def test_methods(self):
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
            head, code = self.curl("--include", "--request", method, f"{self.root}/body")
            self.assertEqual(code, "200/1")
            self.assertIn(f"X-Method: {method}".encode(), head)

    def test_large_header(self):
        for size, status in ((30_000, "200"), (40_000, "431")):
            _, code = self.curl("--header", "X: " + "y" * size, f"{self.root}/health")
            self.assertEqual(code, f"{status}/1")

    def test_many_header_fields(self):
        fields = [word for i in range(101) for word in ("--header", f"X-{i}: y")]
        self.assertEqual(self.curl(*fields, f"{self.root}/health")[1], "431/1")

    def test_long_request_line(self):
        self.assertEqual(self.curl(f"{self.root}/{'x' * 9000}")[1], "414/1")

    def test_large_bodies(self):
        data = b"x" * (harness.MIB + 1)
        for field in ("Expect:", "Expect: 100-continue", "Transfer-Encoding: chunked"):
            _, code = self.curl("--header", field, "--data-binary", "@-", f"{self.root}/body", data=data)
            self.assertTrue(code.endswith("413/1"), f"{field} {code}")

    def test_http_1_0(self):
        head, code = self.curl("--http1.0", "--include", f"{self.root}/health", f"{self.root}/health")
        self.assertEqual(code, "200/1 200/1")
        self.assertTrue(head.endswith(b"ok\n"))

    def test_tls(self):
        url = self.server.urls["wss"].replace("wss:", "https:")
        answer = self.curl("--cacert", self.server.certificate, f"{url}/page", f"{url}/health")
        self.assertEqual((len(answer[0]), answer[1]), (65536 + 3, "200/1 200/0"))
        self.assertIn("000/", self.curl(f"{url}/health")[1])  # not trusted by the system

    def test_unix_socket(self):
        answer = self.curl("--unix-socket", self.socket_path, "http://localhost/health", "http://localhost/body")
        self.assertEqual(answer, (b"ok\n", "200/1 200/0"))

    def test_websocket_paths_asked_without_upgrade(self):
        head, code = self.curl("--include", f"{self.root}/echo")
        self.assertEqual(code, "426/1")
        self.assertIn(b"Upgrade: websocket", head)

    def test_pipelining(self):
        with socket.create_connection(tuple(self.address()), timeout=harness.TIMEOUT) as connection:
            request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(request * 9 + request.replace(b"Host", b"Connection: close\r\nHost"))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 10)
        self.assertEqual(answer.count(b"ok\n"), 10)

    def test_bad_requests(self):
        both_lengths = b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        for request, status in ((b"GET /health HTTP/1.1\r\n\r\n", 400),
                                (b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n", 505),
                                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
                                (both_lengths, 400)):
            with socket.create_connection(tuple(self.address()), timeout=harness.TIMEOUT) as connection:
                connection.sendall(request)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            self.assertTrue(answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:60])

    def address(self):
        host, port = self.root.removeprefix("http://").split(":")
        return host, int(port)


unittest.main()
