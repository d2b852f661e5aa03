"""Peer: PyWebTransport on uvloop, with the routes of its published benchmarks.

Usage: pywebtransport_server.py PORT
"""
import asyncio
import sys

import uvloop

import pywebtransport_stack as stack

CHUNK = bytes(65536)
DUPLEX_BYTES = 1 << 20


class Routes:
    def __init__(self, session):
        self.session = session
        self.received_datagrams = 0

    async def count(self, stream):
        received = 0
        while data := await stream.read():
            received += len(data)
        return received

    async def discard(self, stream):
        received = await self.count(stream)
        if stream.bidirectional:
            await stream.write(data=f"{received} {self.received_datagrams}".encode(), end_stream=True)

    async def produce(self, stream):
        await self.send(stream, int(await stream.read()))

    async def send(self, stream, left, end_stream=True):
        while left > 0:
            size = min(left, len(CHUNK))
            left -= size
            await stream.write(data=CHUNK[:size], end_stream=end_stream and left == 0)

    async def duplex(self, stream):
        self.session.spawn(self.send(stream, DUPLEX_BYTES))
        await self.count(stream)

    async def duplex_confirmed(self, stream):
        """Both halves at once; behind ours, how much of the client's was read."""
        _, received = await asyncio.gather(self.send(stream, DUPLEX_BYTES, end_stream=False), self.count(stream))
        await stream.write(data=str(received).encode(), end_stream=True)

    async def latency(self, stream):
        await stream.write_whole(await stream.read_all())

    echo = latency

    async def datagrams(self, echo):
        while True:
            data = await self.session.read_datagram()
            self.received_datagrams += 1
            if echo:
                await self.session.send_datagram(data)


async def handle(session):
    routes = Routes(session)
    path = session.path.split("?")[0]
    if path in ("/discard", "/echo"):
        session.spawn(routes.datagrams(path == "/echo"))
    serve = getattr(routes, path.strip("/").replace("/", "_"))

    async def quietly(stream):
        try:
            await serve(stream)
        except stack.pywebtransport.WebTransportError:
            pass  # the client closed the session in the middle, as some rows do
    await session.serve_streams(quietly)
    for task in list(session.tasks):
        task.cancel()


if __name__ == "__main__":
    uvloop.run(stack.serve(int(sys.argv[1]), handle))
