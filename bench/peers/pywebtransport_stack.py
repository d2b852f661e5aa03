"""PyWebTransport behind one face: 0.9 with ServerApp and events, and what came after it, without either.

Both sides get the limits of the published benchmarks, as far as a version has them. Import it where pywebtransport is.
"""
import asyncio
import logging
import os
import ssl
import tempfile

import pywebtransport
from pywebtransport import ClientConfig, ServerConfig, WebTransportClient
from pywebtransport.utils import generate_self_signed_cert

logging.disable(logging.CRITICAL)
VERSION = pywebtransport.__version__
HAS_APP = hasattr(pywebtransport, "ServerApp")
CREDIT = 100 << 20
LIMITS = {"initial_max_data": CREDIT, "initial_max_streams_bidi": 10_000, "initial_max_streams_uni": 10_000,
          "max_connections": 20_000}
if HAS_APP:
    LIMITS |= {"flow_control_window_size": CREDIT, "stream_flow_control_increment_bidi": 1 << 20,
               "stream_flow_control_increment_uni": 1 << 20}


class Stream:
    """`read` answers nothing at the end; a stream that cannot be written to is not `bidirectional`."""

    def __init__(self, stream):
        self.stream = stream
        self.write = stream.write  # (data=, end_stream=)
        self.write_all = stream.write_all
        if hasattr(stream, "read"):
            self.read_all = stream.read_all

    @property
    def bidirectional(self):
        return hasattr(self.stream, "read") and hasattr(self.stream, "write")

    async def read(self):
        if HAS_APP:
            try:
                return await self.stream.read(max_bytes=65536)
            except pywebtransport.StreamError:  # so 0.9 tells the end when our half has ended, too
                return b""
        return await self.stream.read(max_size=65536)

    async def write_whole(self, data):
        """In chunks of 64 KiB, the last with FIN."""
        if HAS_APP:
            await self.write_all(data=data, chunk_size=65536)
        else:
            for at in range(0, len(data), 65536):
                await self.write(data=data[at:at + 65536], end_stream=at + 65536 >= len(data))


class Session:
    def __init__(self, session):
        self.session = session
        self.path = session.path
        self.datagrams = asyncio.Queue()
        self.tasks = set()
        if HAS_APP:
            self.on("DATAGRAM_RECEIVED", lambda event: self.datagrams.put_nowait(event.data["data"]))

    def on(self, name, handler):
        async def handle(event):
            handler(event)
        self.session.events.on(event_type=getattr(pywebtransport.types.EventType, name), handler=handle)

    def spawn(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve_streams(self, serve):
        """Calls `serve` for each stream of the peer until the session ends."""
        if HAS_APP:
            ended = asyncio.Event()
            self.on("STREAM_OPENED", lambda event: self.spawn(serve(make_stream(event.data["stream"]))))
            self.on("SESSION_CLOSED", lambda event: ended.set())
            await ended.wait()
            return

        async def each(streams):
            async for stream in streams:
                self.spawn(serve(make_stream(stream)))
        await asyncio.gather(each(self.session.incoming_bidirectional_streams()),
                             each(self.session.incoming_unidirectional_streams()))

    async def read_datagram(self):
        return await (self.datagrams.get() if HAS_APP else self.session.read_datagram())

    async def send_datagram(self, data):
        await self.session.send_datagram(data=data)

    async def open_stream(self, bidirectional=True):
        if bidirectional:
            return make_stream(await self.session.create_bidirectional_stream())
        return make_stream(await self.session.create_unidirectional_stream())

    async def close(self):
        await self.session.close()


class ReceiveStream(Stream):
    def __init__(self, stream):  # pylint: disable=super-init-not-called
        self.stream = stream


def make_stream(stream):
    return Stream(stream) if hasattr(stream, "write") else ReceiveStream(stream)


class Client:
    """`async with Client() as client: session = await client.connect(url)`"""

    def __init__(self):
        self.client = WebTransportClient(config=ClientConfig(verify_mode=ssl.CERT_NONE, **LIMITS))

    async def __aenter__(self):
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.client.__aexit__(*error)

    async def connect(self, url):
        return Session(await self.client.connect(url=url))


async def serve(port, handle):
    """Calls `handle` with each session, which ends with it."""
    with tempfile.TemporaryDirectory() as folder:
        *_, cert, key = generate_self_signed_cert(hostname="localhost", output_dir=folder)
        config = ServerConfig(certfile=os.path.join(folder, os.path.basename(cert)),
                              keyfile=os.path.join(folder, os.path.basename(key)), bind_host="127.0.0.1",
                              bind_port=port, **LIMITS)
        if HAS_APP:
            app = pywebtransport.ServerApp(config=config)
            for path in ("/discard", "/produce", "/duplex", "/duplex/confirmed", "/latency", "/echo"):
                app.route(path=path)(lambda session: handle(Session(session)))
            async with app:
                await app.serve(host="127.0.0.1", port=port)
            return
        async with pywebtransport.WebTransportServer(config=config) as server:
            await server.listen()
            tasks = set()
            async for connection in server.incoming_connections():
                task = asyncio.create_task(serve_connection(connection, handle))
                tasks.add(task)
                task.add_done_callback(tasks.discard)


async def serve_connection(connection, handle):
    async for session in connection.incoming_sessions():
        await session.accept()
        await handle(Session(session))
