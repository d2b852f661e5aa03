"""Our client and servers that refuse, answer wrongly, say nothing or go away."""

import base64
import contextlib
import hashlib
import re
import socket
import threading
import unittest

import harness

ACCEPT = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"


@contextlib.contextmanager
def answering(answer):
    """A server that gives `answer` (bytes, or a function of the request) to one request; yields its URL."""
    done = threading.Event()

    def serve():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                request = b""
                while b"\r\n\r\n" not in request and (piece := connection.recv(4096)):
                    request += piece
                connection.sendall(answer(request) if callable(answer) else answer)
                if answer == b"":
                    done.wait(harness.TIMEOUT)

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        done.set()
        listener.close()
        thread.join(harness.TIMEOUT)


def accepting(after=b"", fields=""):
    """The right answer, with further fields, then the bytes `after`."""

    def answer(request):
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request).group(1)
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        return ((ACCEPT % accept) + fields + "\r\n").encode() + after

    return answer


class Refusals(unittest.TestCase):
    def assert_refused(self, answer, *texts, options=()):
        with answering(answer) as url:
            status, lines, error = harness.run_client("wait", url, *options)
        self.assertEqual((status, lines), (2, []))
        for text in ("cannot connect to ws://127.0.0.1:", *texts):
            self.assertIn(text, error)

    def assert_ends(self, answer, last):
        with answering(answer) as url:
            status, lines, error = harness.run_client("wait", url)
        self.assertEqual((status, error), (0, ""))
        self.assertRegex(lines[-1], last)
        return lines[:-1]

    def test_http_statuses(self):
        for status in ("401 Unauthorized", "404 Not Found", "302 Found", "200 OK", "503 Service Unavailable"):
            self.assert_refused(f"HTTP/1.1 {status}\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n".encode(),
                                f"refused with status {status}")

    def test_garbage(self):
        self.assert_refused(b"\x00\xff\xfe garbage\r\n\r\n", "not an HTTP response")
        self.assert_refused(b"SSH-2.0-OpenSSH_9.2\r\n", "cannot connect")

    def test_a_head_without_end(self):
        self.assert_refused(b"HTTP/1.1 101 Switching\r\n" + b"X: " + b"y" * 40_000, "not an HTTP response")

    def test_a_wrong_accept_key(self):
        self.assert_refused((ACCEPT % "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" + "\r\n").encode(), "Sec-WebSocket-Accept")

    def test_what_was_not_offered(self):
        self.assert_refused(accepting(fields="Sec-WebSocket-Protocol: chat\r\n"), "subprotocol")
        self.assert_refused(accepting(fields="Sec-WebSocket-Extensions: permessage-deflate\r\n"), "extension")

    def test_no_answer(self):
        self.assert_refused(b"", "the opening handshake timed out", options=("--timeout", 200))

    def test_nobody_listens(self):
        with socket.socket() as unused:  # bound, and nobody listens
            unused.bind(("127.0.0.1", 0))
            status, _, error = harness.run_client("wait", f"ws://127.0.0.1:{unused.getsockname()[1]}/")
        self.assertEqual(status, 2)
        self.assertIn("Connection refused", error)

    def test_plain_server_asked_for_tls(self):
        with answering(b"") as url:
            status, _, error = harness.run_client("wait", url.replace("ws:", "wss:"), "--timeout", 300)
        self.assertEqual(status, 2)
        self.assertIn("cannot connect to wss:", error)

    def test_frames_with_the_answer(self):
        messages = self.assert_ends(accepting(b"\x81\x02hi\x82\x00\x88\x05\x03\xe8bye"), "^closed 1000 clean peer bye$")
        self.assertEqual(messages, ["text 2", "binary 0"])

    def test_interim_responses(self):  # RFC 9110 §15.2
        interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

        def answer(request):
            return interim + accepting(b"\x81\x02hi\x88\x02\x03\xe8")(request)

        self.assertEqual(self.assert_ends(answer, "^closed 1000 clean peer "), ["text 2"])
        self.assert_refused(interim + b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "status 403 Forbidden")
        self.assert_refused(interim * 2000, "too many interim responses")

    def test_close_without_code(self):
        self.assert_ends(accepting(b"\x88\x00"), "^closed 1005 clean peer $")

    def test_frames_that_break_rules(self):
        for frame, code in ((b"\x81\x80\x00\x00\x00\x00", 1002),  # masked by a server (RFC 6455 §5.1)
                            (b"\xc1\x00", 1002), (b"\x83\x00", 1002), (b"\x09\x00", 1002), (b"\x80\x00", 1002),
                            (b"\x89\x7e\x00\x7e", 1002), (b"\x82\x7e\x00\x01x", 1002),
                            (b"\x88\x02\x03\xed", 1002), (b"\x81\x01\xff", 1007),
                            (b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009)):
            with self.subTest(frame=frame):
                self.assert_ends(accepting(frame), f"^closed {code} unclean us .+")

    def test_tcp_ends_inside_a_frame(self):
        self.assert_ends(accepting(b"\x81\x05he"), "^closed 1006 unclean peer ")


unittest.main()
