"""Our client and the servers of Python's websockets and aiohttp, and of node's ws."""

import asyncio
import contextlib
import ssl
import threading
import unittest

import harness

harness.require(python3_websockets=harness.has_module("websockets"), python3_aiohttp=harness.has_module("aiohttp"),
                nodejs=harness.has_program("node"), node_ws=harness.has_node_ws())

import aiohttp.web  # noqa: E402
import websockets  # noqa: E402

SIZE_MAX = 8 * harness.MIB
DEFLATE = ("--deflate", "yes", "--largest", harness.MIB // 4)


@contextlib.contextmanager
def in_thread(start):
    """Runs the coroutine function `start`, which gives (port, coroutine function that stops), on a loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port, stop = asyncio.run_coroutine_threadsafe(start(), loop).result(harness.TIMEOUT)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(harness.TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(harness.TIMEOUT)
        loop.close()


def websockets_server(handle, **options):
    async def start():
        settings = {"compression": None, "max_size": SIZE_MAX} | options
        server = await websockets.serve(handle, "127.0.0.1", 0, **settings)

        async def stop():
            server.close()
            await server.wait_closed()

        return server.sockets[0].getsockname()[1], stop

    return in_thread(start)


def aiohttp_server(**options):
    async def echo(request):
        session = aiohttp.web.WebSocketResponse(max_msg_size=SIZE_MAX, **options)
        await session.prepare(request)
        async for message in session:
            if message.type == aiohttp.WSMsgType.TEXT:
                await session.send_str(message.data)
            else:
                await session.send_bytes(message.data)
        return session

    async def heartbeat(request):
        """Closes once a heartbeat was answered. aiohttp waits for that half as long as between heartbeats: longer than
        a thread stands still on a machine that is busy."""
        session = aiohttp.web.WebSocketResponse(heartbeat=8, autoping=False)
        await session.prepare(request)
        message = await session.receive()
        await session.close(code=4000, message=message.type.name.encode())
        return session

    async def start():
        application = aiohttp.web.Application()
        application.router.add_get("/echo", echo)
        application.router.add_get("/heartbeat", heartbeat)
        runner = aiohttp.web.AppRunner(application)
        await runner.setup()
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner.addresses[0][1], runner.cleanup

    return in_thread(start)


async def echo(session):
    with contextlib.suppress(websockets.ConnectionClosed):  # any code but 1000 and 1001
        while True:
            await session.send(await session.recv())


class ClientTest(unittest.TestCase):
    def assert_run(self, mode, url, *options, last):
        status, lines, error = harness.run_client(mode, url, *options)
        self.assertEqual((status, error), (0, ""))
        self.assertEqual(lines[-1], last)
        return lines


class ToWebsockets(ClientTest):
    def test_all_sizes(self):
        with websockets_server(echo) as port:
            self.assert_run("echo", f"ws://127.0.0.1:{port}/", last="closed 1000 clean us ")

    def test_all_sizes_over_tls(self):
        with harness.certificate_files() as (certificate, key):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            with websockets_server(echo, ssl=context) as port:
                for host in ("127.0.0.1", "localhost"):
                    self.assert_run("echo", f"wss://{host}:{port}/", "--authority", certificate,
                                    last="closed 1000 clean us ")
                self.assert_run("many", f"wss://127.0.0.1:{port}/", "--authority", certificate, last="100 sessions")

    def test_a_certificate_that_is_not_trusted(self):
        with harness.certificate_files() as (certificate, key), harness.certificate_files() as (other, _):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            with websockets_server(echo, ssl=context) as port:
                status, _, error = harness.run_client("echo", f"wss://127.0.0.1:{port}/", "--authority", other)
        self.assertEqual(status, 2)
        self.assertIn("certificate", error)

    def test_deflate(self):
        agreed = []

        async def handle(session):
            agreed.append([extension.name for extension in session.extensions])
            await echo(session)

        factory = websockets.extensions.permessage_deflate.ServerPerMessageDeflateFactory
        for settings in ({}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True},
                         {"server_max_window_bits": 9}):
            with websockets_server(handle, extensions=[factory(**settings)]) as port:
                self.assert_run("echo", f"ws://127.0.0.1:{port}/", *DEFLATE, last="closed 1000 clean us ")
        self.assertEqual(agreed, [["permessage-deflate"]] * 4)

    def test_client_answers_pings(self):
        async def handle(session):
            for data in (b"", b"x", b"y" * 125):
                await asyncio.wait_for(await session.ping(data), harness.TIMEOUT)
            await session.close(4000, "ponged")

        with websockets_server(handle) as port:
            self.assert_run("wait", f"ws://127.0.0.1:{port}/", last="closed 4000 clean peer ponged")

    def test_client_pings(self):
        with websockets_server(echo) as port:
            self.assert_run("rtt", f"ws://127.0.0.1:{port}/", last="ponged")

    def test_server_fragments(self):
        async def handle(session):
            await session.send(["one", "", "two"])
            await session.send([b"x" * 70_000] * 3)
            await session.send(["𝄞" * 10, "€" * 1000])

        with websockets_server(handle) as port:
            lines = self.assert_run("wait", f"ws://127.0.0.1:{port}/", last="closed 1000 clean peer ")
        self.assertEqual(lines[:-1], ["text 6", "binary 210000", "text 3040"])

    def test_close_code_and_reason(self):
        seen = []

        async def handle(session):
            await echo(session)
            seen.append((session.close_code, session.close_reason))

        with websockets_server(handle) as port:
            for code, reason in ((1000, ""), (1001, "leaving"), (4999, "ö" * 61)):
                self.assert_run("echo", f"ws://127.0.0.1:{port}/", "--code", code, "--reason", reason,
                                last=f"closed {code} clean us {reason}")
        self.assertEqual(seen, [(1000, ""), (1001, "leaving"), (4999, "ö" * 61)])

    def test_server_closes_first(self):
        async def handle(session):
            await session.send("last words")
            await session.close(1011, "x" * 123)

        with websockets_server(handle) as port:
            lines = self.assert_run("wait", f"ws://127.0.0.1:{port}/", last="closed 1011 clean peer " + "x" * 123)
        self.assertEqual(lines[0], "text 10")

    def test_server_drops_tcp(self):
        async def handle(session):
            await session.send("x")
            session.transport.abort()

        with websockets_server(handle) as port:
            status, lines, _ = harness.run_client("wait", f"ws://127.0.0.1:{port}/")
        self.assertEqual(status, 0)
        self.assertRegex(lines[-1], "^closed 1006 unclean peer ")

    def test_subprotocol_and_fields(self):
        seen = []

        async def handle(session):
            seen.append((session.subprotocol, session.request_headers["Authorization"], session.path))

        with websockets_server(handle, subprotocols=["chat"]) as port:
            self.assert_run("wait", f"ws://127.0.0.1:{port}/a/b?c=d", "--subprotocol", "chat", "--field",
                            "Authorization:Bearer t", last="closed 1000 clean peer ")
        self.assertEqual(seen, [("chat", "Bearer t", "/a/b?c=d")])

    def test_a_message_that_is_too_big_for_the_peer(self):
        with websockets_server(echo, max_size=1000) as port:
            status, _, error = harness.run_client("echo", f"ws://127.0.0.1:{port}/")
        self.assertEqual((status, error), (1, "a wrong answer to a message of 4096 bytes\n"))

    def test_a_hundred_at_once(self):
        with websockets_server(echo) as port:
            self.assert_run("many", f"ws://127.0.0.1:{port}/", last="100 sessions")


class ToAiohttp(ClientTest):
    def test_all_sizes(self):
        with aiohttp_server(compress=False) as port:
            # aiohttp answers every close frame with 1000.
            self.assert_run("echo", f"ws://127.0.0.1:{port}/echo", "--code", 4000, "--reason", "done",
                            last="closed 1000 clean us done")

    def test_deflate(self):
        with aiohttp_server(compress=True) as port:
            self.assert_run("echo", f"ws://127.0.0.1:{port}/echo", *DEFLATE, last="closed 1000 clean us ")

    def test_heartbeats(self):
        with aiohttp_server() as port:
            self.assert_run("rtt", f"ws://127.0.0.1:{port}/echo", last="ponged")
            self.assert_run("wait", f"ws://127.0.0.1:{port}/heartbeat", last="closed 4000 clean peer PONG")

    def test_a_path_that_is_not_there(self):
        with aiohttp_server() as port:
            status, _, error = harness.run_client("echo", f"ws://127.0.0.1:{port}/elsewhere")
        self.assertEqual(status, 2)
        self.assertIn("404", error)


class ToNodeWs(ClientTest):
    @contextlib.contextmanager
    def serving(self, **options):
        environment = {"NODE_PATH": harness.NODE_MODULES} | options
        with harness.Program(["node", harness.FOLDER / "node_server.js"], environment) as server:
            yield server.line().removeprefix("listening ")

    def test_all_sizes(self):
        with self.serving() as url:
            self.assert_run("echo", url, "--code", 3001, "--reason", "done", last="closed 3001 clean us done")

    def test_deflate(self):
        for settings in ("{}", '{"serverNoContextTakeover":true}', '{"clientNoContextTakeover":true}',
                         '{"serverMaxWindowBits":10,"threshold":0}'):
            with self.serving(DEFLATE=settings) as url:
                self.assert_run("echo", url, *DEFLATE, last="closed 1000 clean us ")

    def test_server_fragments_pings_and_closes(self):
        with self.serving() as url:
            lines = self.assert_run("wait", url + "script", last="closed 4003 clean peer finished")
        self.assertEqual(lines[:-1], ["text 6", "binary 0", "text 4"])

    def test_server_terminates(self):
        with self.serving() as url:
            _, lines, _ = harness.run_client("wait", url + "terminate")
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], "^closed 1006 unclean peer .")

    def test_a_hundred_at_once(self):
        with self.serving() as url:
            self.assert_run("many", url, last="100 sessions")


del ClientTest
unittest.main()
