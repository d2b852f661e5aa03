"""The `plait` command and its Python peers, as context managers that end with the test."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading

from process import Process

PLAIT = os.environ["PLAIT"]
TIMEOUT = 20
SIZES = (0, 1, 4095, 4096, 4097, 65536, 1 << 20)


def plait(*arguments):
    """Runs `plait echo …` to its end."""
    command = [PLAIT, "echo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)


class PlaitServer(Process):
    """`plait echo serve` on a free port; `port` is the one it printed."""

    def __init__(self, *arguments):
        super().__init__([PLAIT, "echo", "serve", "--port", "0", *arguments])
        self.port = int(re.fullmatch(r"listening tcp://.*:(\d+)\n", self.process.stdout.readline()).group(1))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)

    def stop(self, number=signal.SIGTERM):
        """Its exit status and what it printed since it began to listen."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, output


@contextlib.contextmanager
def threaded_python_server(handle=None):
    """A thread for each connection, 4096-byte buffers; yields the port."""

    def echo(connection):
        while data := connection.recv(4096):
            connection.sendall(data)

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            (handle or echo)(connection)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(TIMEOUT)


@contextlib.contextmanager
def asyncio_python_server():
    """asyncio streams on a loop in a thread; yields the port."""

    async def echo(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def start():
        return await asyncio.start_server(echo, "127.0.0.1", 0)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(TIMEOUT)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT)


def receive_exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError(f"ended after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def exchange(connection, data):
    """Sends `data` while it receives as much; gives what came back."""
    sender = threading.Thread(target=connection.sendall, args=(data,))
    sender.start()
    received = receive_exactly(connection, len(data))
    sender.join(TIMEOUT)
    return received
