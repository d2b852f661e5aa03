"""The routes of `plait bench serve` and aiohttp: counts and bytes, also those of a long stream."""

import asyncio
import contextlib
import unittest

import harness

harness.require(python3_aiohttp=harness.has_module("aiohttp"))

import aiohttp  # noqa: E402

CHUNK = 64 * harness.KIB
STREAM = 256 * harness.MIB


class Fanout(unittest.IsolatedAsyncioTestCase):
    OPTIONS = ()

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # a tenth of the speed

    @classmethod
    def setUpClass(cls):
        cls.server = harness.BenchServer("ws://127.0.0.1:0", "wss://localhost:0", options=cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        with cls.server:
            assert cls.server.stop() == 0

    @contextlib.asynccontextmanager
    async def connect(self, path, scheme="ws", **options):
        async with aiohttp.ClientSession() as session:
            url = self.server.urls[scheme] + path
            async with session.ws_connect(url, max_msg_size=0, **options) as client:
                yield client

    async def receive_bytes(self, client, total):
        """The sizes of the binary messages until `total` bytes have come."""
        sizes = []
        while total > 0:
            sizes.append(len(await client.receive_bytes(timeout=harness.TIMEOUT)))
            total -= sizes[-1]
        self.assertEqual(total, 0)
        return sizes

    async def upload(self, client, total):
        data = bytes(CHUNK)
        for _ in range(total // CHUNK):
            await client.send_bytes(data)
        await client.send_str("how many?")
        self.assertEqual(await client.receive_str(timeout=harness.TIMEOUT), str(total))

    async def test_fanout_reaches_all_the_others(self):
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(self.connect("/fanout")) for _ in range(8)]
            for number, sender in enumerate(clients):
                await sender.send_str(f"from {number}")
                for other in clients:
                    if other is not sender:
                        self.assertEqual(await other.receive_str(timeout=harness.TIMEOUT), f"from {number}")
            # The sender itself got nothing: the next thing that each receives is the next message.

    async def test_fanout_loses_nothing_when_others_leave(self):
        async with contextlib.AsyncExitStack() as stack:
            leaving = [await stack.enter_async_context(self.connect("/fanout")) for _ in range(20)]
            staying = [await stack.enter_async_context(self.connect("/fanout")) for _ in range(4)]
            sender = await stack.enter_async_context(self.connect("/fanout"))
            for number in range(200):
                await sender.send_str(str(number))
                if number % 10 == 0:
                    leaving[number // 10]._response.connection.transport.abort()
            for other in staying:
                for number in range(200):
                    self.assertEqual(await other.receive_str(timeout=harness.TIMEOUT), str(number))


class Routes(Fanout):
    OPTIONS = ("--threads", "2")

    async def test_echo(self):
        async with self.connect("/echo") as client:
            await client.send_bytes(b"x" * 1000)
            self.assertEqual(await client.receive_bytes(), b"x" * 1000)

    async def test_discard_counts(self):
        async with self.connect("/discard") as client:
            for sizes in ((), (0,), (1, 2, 3), (100_000, harness.MIB)):
                for size in sizes:
                    await client.send_bytes(bytes(size))
            await client.send_str("?")
            self.assertEqual(await client.receive_str(), str(6 + 100_000 + harness.MIB))

    async def test_produce_on_request(self):
        async with self.connect("/produce") as client:
            await client.send_str("200000")
            self.assertEqual(await self.receive_bytes(client, 200_000), [CHUNK] * 3 + [200_000 - 3 * CHUNK])
            await client.send_str("5")
            self.assertEqual(await self.receive_bytes(client, 5), [5])

    async def test_produce_by_query(self):
        async with self.connect("/produce?bytes=2500&size=1000") as client:
            self.assertEqual(await self.receive_bytes(client, 2500), [1000, 1000, 500])

    async def test_duplex(self):
        async with self.connect(f"/duplex?bytes={8 * harness.MIB}") as client:
            received = asyncio.create_task(self.receive_bytes(client, 8 * harness.MIB))
            for _ in range(128):
                await client.send_bytes(bytes(CHUNK))
            self.assertEqual(await received, [CHUNK] * 128)

    async def test_an_endless_stream_hears_its_peer(self):
        async with self.connect("/duplex", autoping=False) as client:
            await client.send_bytes(bytes(CHUNK))
            await client.send_str("0")  # no more
            await client.ping(b"end")
            while (answer := await client.receive(timeout=harness.TIMEOUT)).type == aiohttp.WSMsgType.BINARY:
                pass
            self.assertEqual((answer.type, answer.data), (aiohttp.WSMsgType.PONG, b"end"))

    async def test_latency_idles(self):
        async with self.connect("/latency", autoping=False) as client:
            await client.send_str("anything")
            await client.ping(b"still there")
            answer = await client.receive(timeout=harness.TIMEOUT)
            self.assertEqual((answer.type, answer.data), (aiohttp.WSMsgType.PONG, b"still there"))

    async def test_ws_without_a_query_downloads(self):
        async with self.connect("/ws") as client:
            self.assertEqual(await self.receive_bytes(client, 32 * CHUNK), [CHUNK] * 32)
            # An endless stream hears that it is no longer wanted.
            await asyncio.wait_for(client.close(), harness.TIMEOUT)
            self.assertEqual(client.close_code, 1000)

    async def test_ws_upload(self):
        async with self.connect("/ws?test=upload") as client:
            await self.upload(client, 32 * CHUNK)

    async def test_long_download(self):
        async with self.connect(f"/ws?test=download&bytes={STREAM}") as client:
            self.assertEqual(set(await self.receive_bytes(client, STREAM)), {CHUNK})

    async def test_long_upload(self):
        async with self.connect("/ws?test=upload") as client:
            await self.upload(client, STREAM)

    async def test_streams_over_tls(self):
        context = self.server.trusting()
        async with self.connect(f"/ws?test=download&bytes={STREAM // 8}", "wss", ssl=context) as client:
            self.assertEqual(set(await self.receive_bytes(client, STREAM // 8)), {CHUNK})
        async with self.connect("/ws?test=upload", "wss", ssl=context) as client:
            await self.upload(client, STREAM // 8)


unittest.main()
