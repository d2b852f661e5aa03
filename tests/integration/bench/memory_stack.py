"""Takes the place of bench/peers/pywebtransport_stack.py: client and server in one loop, with queues for a wire."""

import asyncio
import types
from urllib.parse import urlsplit

pywebtransport = types.SimpleNamespace(WebTransportError=type("WebTransportError", (Exception,), {}))


class Stream:
    """One side of it. What is empty ends a half."""

    def __init__(self, incoming, outgoing, bidirectional):
        self.incoming = incoming
        self.outgoing = outgoing
        self.bidirectional = bidirectional
        self.ended = False

    async def write(self, data, end_stream=False):
        if data:
            self.outgoing.put_nowait(data)
        if end_stream:
            self.outgoing.put_nowait(b"")

    async def write_whole(self, data):
        await self.write(data[:len(data) // 2])
        await self.write(data[len(data) // 2:], end_stream=True)

    async def read(self):
        if self.ended:
            return b""
        data = await self.incoming.get()
        self.ended = not data
        return data

    async def read_all(self):
        whole = b""
        while data := await self.read():
            whole += data
        return whole


class Session:
    def __init__(self, path):
        self.path = path
        self.streams = asyncio.Queue()  # of the peer; None at the end
        self.datagrams = asyncio.Queue()
        self.tasks = set()
        self.peer = None

    def spawn(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve_streams(self, serve):
        while stream := await self.streams.get():
            self.spawn(serve(stream))

    async def open_stream(self, bidirectional=True):
        there, back = asyncio.Queue(), asyncio.Queue()
        self.peer.streams.put_nowait(Stream(there, back, bidirectional))
        return Stream(back, there, bidirectional)

    async def send_datagram(self, data):
        self.peer.datagrams.put_nowait(data)

    async def read_datagram(self):
        return await self.datagrams.get()

    async def close(self):
        self.peer.streams.put_nowait(None)


class Client:
    handle = None  # what a server does with a session

    def __init__(self):
        self.tasks = set()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        for task in self.tasks:
            task.cancel()

    async def connect(self, url):
        ours, its = Session(None), Session(urlsplit(url).path)
        ours.peer, its.peer = its, ours
        self.tasks.add(asyncio.get_running_loop().create_task(Client.handle(its)))
        await asyncio.sleep(0)
        return ours
