"""Our server and the Python clients websockets and aiohttp."""

import asyncio
import contextlib
import socket
import struct
import unittest

import harness

harness.require(python3_websockets=harness.has_module("websockets"), python3_aiohttp=harness.has_module("aiohttp"))

import aiohttp  # noqa: E402
import websockets  # noqa: E402
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory  # noqa: E402

SIZE_MAX = 8 * harness.MIB


def connect(url, **options):
    return websockets.connect(url, **{"compression": None, "max_size": SIZE_MAX, "ping_interval": None} | options)


class PythonClients(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.PlaitServer("--deflate", "ws://127.0.0.1:0", "wss://127.0.0.1:0")
        cls.url = cls.server.urls["ws"]

    @classmethod
    def tearDownClass(cls):
        with cls.server:
            assert cls.server.stop() == 0

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # a tenth of the speed

    async def assert_echoes(self, client, sizes=harness.SIZES):
        for size in sizes:
            text = harness.payload(size)
            for message in (text, text.encode()):
                await client.send(message)
                self.assertEqual(await asyncio.wait_for(client.recv(), harness.TIMEOUT), message)


class Websockets(PythonClients):
    async def test_all_sizes(self):
        async with connect(f"{self.url}/echo") as client:
            await self.assert_echoes(client)

    async def test_all_sizes_over_tls(self):
        url = self.server.urls["wss"]
        async with connect(f"{url}/echo", ssl=self.server.trusting()) as client:
            await self.assert_echoes(client)

    async def test_fragments_in(self):
        async with connect(f"{self.url}/echo") as client:
            await client.send(["one ", "", "two ", "täil"])
            self.assertEqual(await client.recv(), "one two täil")
            await client.send([bytes([i]) * 30000 for i in range(5)])
            self.assertEqual(await client.recv(), b"".join(bytes([i]) * 30000 for i in range(5)))

    async def test_fragments_out(self):
        async with connect(f"{self.url}/parts") as client:
            for size in (0, 1, 999, 1000, 1001, 100_000):
                await client.send(harness.payload(size))
                self.assertEqual(await client.recv(), harness.payload(size))

    async def test_utf8_split_over_fragments(self):
        async with connect(f"{self.url}/echo") as client:
            text = "𝄞ö€" * 700
            await client.send(text)
            self.assertEqual(await client.recv(), text)
            self.assertEqual(client.close_code, None)

    async def test_pings(self):
        async with connect(f"{self.url}/echo") as client:
            for data in (b"", b"x", b"y" * 125):
                pong = await client.ping(data)
                await asyncio.wait_for(pong, harness.TIMEOUT)

    async def test_peer_closes(self):
        for code, reason in ((1000, ""), (1001, "going"), (4999, "ö" * 61)):
            client = await connect(f"{self.url}/echo")
            await client.close(code, reason)
            self.assertEqual(client.close_code, code)
            self.server.lines_until(f"closed {code} clean peer {reason}")

    async def test_server_closes(self):
        for code, reason in ((1000, "bye"), (1013, ""), (3000, "x" * 123)):
            async with connect(f"{self.url}/close") as client:
                await client.send(f"{code} {reason}")
                await asyncio.wait_for(client.wait_closed(), harness.TIMEOUT)
                self.assertEqual((client.close_code, client.close_reason), (code, reason))
            self.server.lines_until(f"closed {code} clean us {reason}")

    async def test_subprotocol(self):
        async with connect(f"{self.url}/subprotocol", subprotocols=["chat.v1", "chat.v2"]) as client:
            self.assertEqual(client.subprotocol, "chat.v2")
        for path, offered in (("subprotocol", ["chat.v1"]), ("echo", ["chat.v2"]), ("subprotocol", None)):
            async with connect(f"{self.url}/{path}", subprotocols=offered) as client:
                self.assertIsNone(client.subprotocol)

    async def test_refusals(self):
        for path, status in (("refuse", 401), ("nowhere", 404), ("health", 200)):
            with self.assertRaises(websockets.exceptions.InvalidStatusCode) as caught:
                await connect(f"{self.url}/{path}")
            self.assertEqual(caught.exception.status_code, status)

    async def test_deflate_with_each_context_takeover(self):
        for ours in (False, True):
            for theirs in (False, True):
                factory = ClientPerMessageDeflateFactory(server_no_context_takeover=ours,
                                                         client_no_context_takeover=theirs)
                async with connect(f"{self.url}/echo", extensions=[factory]) as client:
                    self.assertEqual([extension.name for extension in client.extensions], ["permessage-deflate"])
                    await self.assert_echoes(client, (0, 1, 511, 512, 65536, harness.MIB))
                    await self.assert_echoes(client, (65536, 600))

    async def test_deflate_with_window_bits(self):
        for bits in (9, 12, 15):
            factory = ClientPerMessageDeflateFactory(server_max_window_bits=bits, client_max_window_bits=bits)
            async with connect(f"{self.url}/echo", extensions=[factory]) as client:
                await self.assert_echoes(client, (1, 600, 70_000))

    async def test_deflate_with_fragments(self):
        async with connect(f"{self.url}/echo", compression="deflate") as client:
            parts = [harness.payload(size) for size in (40_000, 1, 900)]
            await client.send(parts)
            self.assertEqual(await client.recv(), "".join(parts))

    async def test_a_hundred_at_once(self):
        async def one(number):
            async with connect(f"{self.url}/echo", open_timeout=harness.TIMEOUT) as client:
                for turn in range(5):
                    await client.send(f"{number} {turn}")
                    self.assertEqual(await client.recv(), f"{number} {turn}")

        await asyncio.wait_for(asyncio.gather(*map(one, range(100))), harness.TIMEOUT)

    async def test_abrupt_disconnects(self):
        for linger in (False, True):
            client = await connect(f"{self.url}/echo")
            await client.send("x" * harness.MIB)
            if linger:  # so that the kernel sends RST
                raw = client.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.transport.abort()
            await client.wait_closed()
            lines = self.wait_for_abnormal_close()
            self.assertIn(" unclean peer", lines[-1])
        async with connect(f"{self.url}/echo") as client:
            await self.assert_echoes(client, (1,))

    def wait_for_abnormal_close(self):
        lines = [self.server.line()]
        while not lines[-1].startswith("closed 1006"):
            lines.append(self.server.line())
        return lines


class Aiohttp(PythonClients):
    @contextlib.asynccontextmanager
    async def connect(self, path, scheme="ws", **options):
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(self.server.urls[scheme] + path, max_msg_size=SIZE_MAX, **options) as client:
                yield client

    async def assert_echoes(self, client, sizes=harness.SIZES):
        for size in sizes:
            text = harness.payload(size)
            await client.send_str(text)
            self.assertEqual(await client.receive_str(timeout=harness.TIMEOUT), text)
            await client.send_bytes(text.encode())
            self.assertEqual(await client.receive_bytes(timeout=harness.TIMEOUT), text.encode())

    async def test_all_sizes(self):
        async with self.connect("/echo") as client:
            await self.assert_echoes(client)

    async def test_all_sizes_over_tls(self):
        async with self.connect("/echo", "wss", ssl=self.server.trusting()) as client:
            await self.assert_echoes(client)

    async def test_deflate(self):
        for bits in (9, 15):
            async with self.connect("/echo", compress=bits) as client:
                self.assertGreater(client.compress, 0)
                await self.assert_echoes(client, (0, 1, 512, 70_000, harness.MIB))

    async def receive_text(self, client, pings):
        """The next text; the pings before it are put into `pings`."""
        while (message := await client.receive(timeout=harness.TIMEOUT)).type == aiohttp.WSMsgType.PING:
            pings.append(message)
        self.assertEqual(message.type, aiohttp.WSMsgType.TEXT)
        return message.data

    async def test_server_pings(self):
        pings = []
        async with self.connect("/rtt", autoping=False) as client:
            await client.send_str("?")
            self.assertEqual(await self.receive_text(client, pings), "no pong")
            ping = pings[-1] if pings else await client.receive(timeout=harness.TIMEOUT)
            self.assertEqual(ping.type, aiohttp.WSMsgType.PING)
            await client.pong(ping.data)
            await client.send_str("?")
            self.assertEqual(await self.receive_text(client, pings), "ponged")

    async def test_closes(self):
        async with self.connect("/close") as client:
            await client.send_str("4001 bye")
            message = await client.receive(timeout=harness.TIMEOUT)
            self.assertEqual((message.type, message.data, message.extra), (aiohttp.WSMsgType.CLOSE, 4001, "bye"))
        async with self.connect("/echo") as client:
            await client.close(code=4002, message=b"enough")
            self.assertEqual(client.close_code, 4002)
        self.server.lines_until("closed 4002 clean peer enough")

    async def test_http_beside_websocket(self):
        async with aiohttp.ClientSession() as session:
            root = self.url.replace("ws:", "http:")
            for data in (b"", b"x" * 100_000):
                async with session.post(f"{root}/body", data=data) as answer:
                    self.assertEqual((answer.status, await answer.read()), (200, data))


del PythonClients
unittest.main()
