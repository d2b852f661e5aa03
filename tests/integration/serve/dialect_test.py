"""The messaging protocol at /wse, word by word: both forms of the envelope, and what a lost connection leaves."""

import json
import socket
import struct
import tempfile
import unittest

from harness import TIMEOUT, Server, publish, wait_until

MASKING_KEY = b"\x37\xfa\x21\x3d"


class Client:
    """A WebSocket of text messages up to 64 KiB and nothing else (RFC 6455)."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port()), timeout=TIMEOUT)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(f"GET /wse HTTP/1.1\r\nHost: 127.0.0.1:{server.port()}\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            f"Cookie: access_token={server.token}\r\n\r\n".encode())
        head = b"".join(iter(self.stream.readline, b"\r\n"))
        assert b" 101 " in head, head

    def send(self, text):
        data = text.encode()
        assert len(data) < 126
        masked = bytes(byte ^ MASKING_KEY[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(bytes((0x81, 0x80 | len(data))) + MASKING_KEY + masked)

    def receive(self):
        first, length = self.stream.read(2)
        assert first == 0x81, first
        if length == 126:
            (length,) = struct.unpack(">H", self.stream.read(2))
        return self.stream.read(length).decode()

    def close(self):
        """Without a closing handshake."""
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def subscribe(topic, prefix=""):
    return prefix + json.dumps({"t": "subscription_update", "p": {"action": "subscribe", "topics": [topic]}})


class Dialect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--dev", "--threads", 2))

    def hub_stats(self):
        return json.loads(self.server.request("/stats")[2])["hub"]

    def test_the_default_form_has_the_member_c(self):
        with Client(self.server) as client:
            ready = json.loads(client.receive())
            self.assertEqual((ready["c"], ready["t"], ready["v"]), ("WSE", "server_ready", 1))
            client.send(subscribe("plain"))
            answer = json.loads(client.receive())
            self.assertEqual((answer["c"], answer["t"], answer["p"]["success"]), ("WSE", "subscription_update", True))
            publish(self.server, '{"px": 1}', topic="plain")
            publication = client.receive()
            self.assertTrue(publication.startswith('{"tp":"plain","e":"'), publication)
            publication = json.loads(publication)
            self.assertEqual((publication["c"], publication["p"], publication["o"]), ("U", {"px": 1}, 1))

    def test_the_prefixes_of_version_1_2_are_accepted_and_answered_likewise(self):
        for prefix in ("WSE", "S", "U"):
            with Client(self.server) as client:
                client.receive()
                client.send(subscribe(f"old.{prefix}", prefix))
                answer = client.receive()
                self.assertTrue(answer.startswith("WSE{"), answer)
                self.assertNotIn("c", json.loads(answer.removeprefix("WSE")))
                publish(self.server, "7", topic=f"old.{prefix}")
                publication = client.receive()
                self.assertTrue(publication.startswith("U{"), publication)
                self.assertEqual(json.loads(publication.removeprefix("U"))["p"], 7)

    def test_the_file_s_limits_hold_and_are_told(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[hub]\nsubscriptions_max = 3\npatterns_max = 1\nrate_limit_capacity = 77\n"
                       "rate_limit_refill = 0.25\n")
            file.flush()
            server = self.enterContext(Server("--dev", "--config", file.name))
        with Client(server) as client:
            client.receive()
            client.send('{"t":"client_hello","p":{}}')
            limits = json.loads(client.receive())["p"]["limits"]
            self.assertEqual((limits["max_subscriptions"], limits["rate_limit_capacity"], limits["rate_limit_refill"]),
                             (3, 77, 0.25))
            for topic, success in (("a*", True), ("b*", False), ("c", True), ("d", True), ("e", False)):
                client.send(subscribe(topic))
                self.assertEqual(json.loads(client.receive())["p"]["success"], success, topic)
            for _ in range(200):
                client.send('{"t":"ping","p":{}}')
            answers = ""
            while "RATE_LIMITED" not in answers:
                answers = client.receive()

    def test_a_lost_connection_unsubscribes(self):
        # Eight topics, so that some live on the other loop than the session.
        before = self.hub_stats()["subscriptions_open"]
        with Client(self.server) as client:
            client.receive()
            for number in range(8):
                client.send(subscribe(f"left.{number}"))
                self.assertTrue(json.loads(client.receive())["p"]["success"])
            self.assertEqual(self.hub_stats()["subscriptions_open"], before + 8)
        stats = wait_until(lambda: (now := self.hub_stats())["subscriptions_open"] <= before and now,
                           lambda: str(self.hub_stats()))
        publish(self.server, "1", topic="left.0")
        self.assertEqual(self.hub_stats()["deliveries"], stats["deliveries"])


if __name__ == "__main__":
    unittest.main()
