"""Peer: aiohttp on uvloop. /echo, /fanout, and /ws?test=download|upload|concurrent as curl_cffi's benchmark server.

Usage: aiohttp_server.py PORT
"""
import asyncio
import os
import sys

import uvloop
from aiohttp import WSMsgType, web

CHUNK = os.urandom(65536)  # one buffer again and again, as the published server does
subscribers = set()


async def open_websocket(request):
    # Compression is used when the client offers it, at the library's one level: 1, plait's.
    websocket = web.WebSocketResponse(max_msg_size=0)
    await websocket.prepare(request)
    return websocket


async def echo(request):
    websocket = await open_websocket(request)
    async for message in websocket:
        if message.type == WSMsgType.BINARY:
            await websocket.send_bytes(message.data)
        elif message.type == WSMsgType.TEXT:
            await websocket.send_str(message.data)
    return websocket


async def fanout(request):
    websocket = await open_websocket(request)
    subscribers.add(websocket)
    try:
        async for message in websocket:
            for other in subscribers - {websocket}:
                await other.send_bytes(message.data)
    finally:
        subscribers.discard(websocket)
    return websocket


async def drain(websocket):
    async for _ in websocket:
        pass


async def produce(websocket):
    while not websocket.closed:
        for _ in range(16):
            await websocket.send_bytes(CHUNK)
        await asyncio.sleep(0)  # a client that reads as fast never makes it wait: let the uploads in, as plait does


async def stream(request):
    websocket = await open_websocket(request)
    test = request.query.get("test", "download")
    producer = asyncio.ensure_future(produce(websocket)) if test != "upload" else None
    try:
        await drain(websocket)
    finally:
        if producer is not None:
            producer.cancel()
    return websocket


async def main(port):
    application = web.Application()
    application.add_routes([web.get("/echo", echo), web.get("/fanout", fanout), web.get("/ws", stream)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Future()


uvloop.install()
asyncio.run(main(int(sys.argv[1])))
