"""Peer: python3-websockets on uvloop. /echo returns each message, /fanout sends it to everybody else.

Usage: websockets_server.py PORT
"""
import asyncio
import sys

import uvloop
import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

# When the client offers it. The library's own settings, but for plait's level.
DEFLATE = ServerPerMessageDeflateFactory(server_max_window_bits=12, client_max_window_bits=12,
                                         compress_settings={"memLevel": 5, "level": 1})
subscribers = set()


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def fanout(connection):
    subscribers.add(connection)
    try:
        async for message in connection:
            websockets.broadcast(subscribers - {connection}, message)
    finally:
        subscribers.discard(connection)


async def serve(connection, path):
    await (fanout if path.startswith("/fanout") else echo)(connection)


async def main(port):
    # No pings and no size limit: the other servers have none either.
    async with websockets.serve(serve, "127.0.0.1", port, ping_interval=None, max_size=None, write_limit=1 << 20,
                                extensions=[DEFLATE]):
        await asyncio.Future()


uvloop.install()
asyncio.run(main(int(sys.argv[1])))
