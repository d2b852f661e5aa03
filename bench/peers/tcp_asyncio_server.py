"""Peer: asyncio streams, read, write, drain: the published echo pair's second server.

Usage: tcp_asyncio_server.py PORT [BUFFER_BYTES]
"""
import asyncio
import sys

BUFFER_BYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 4096


async def echo(reader, writer):
    try:
        while data := await reader.read(BUFFER_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the generator ends its connections with RST
    finally:
        writer.close()


async def main(port):
    server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
