"""Load generator: PyWebTransport's own client, which its published rows measured, against its own server.

Takes the words of `plait bench-generate` and prints the same report. Published rows run in the published steps: a new
event loop, a new client, a session, the work, both closes. "Confirmed" ones as Plait's generator runs them: what counts
and what is in the window is the same.

Usage: pywebtransport_client.py url=… mode=stream|echo|connect|datagram|idle …
"""
import asyncio
import gc
import itertools
import json
import os
import sys
import threading
import time

import uvloop

import pywebtransport_stack as stack
from pywebtransport_meter import Meter, memory

SETTLE_SECONDS = 2
AT_A_TIME = 100
CHUNK_BYTES = 65536
NUMBER_BYTES = 8
EXCHANGE_TIMEOUT = 5  # of the published steps
LOST_AFTER = 1  # seconds
LATE = 0.05  # datagrams that still come in then are late, not lost
WAIT = 0.1
GIVE_UP_SECONDS = 60  # after the warm-up and the window should have ended


class Load:
    """A load tells the meter by itself what was confirmed."""

    def __init__(self, plan):
        if float(plan["rate"]) > 0:
            raise ValueError("--rate: WebTransport rows have no open loop")
        self.plan = plan
        self.url = plan["url"]
        self.literal = plan["literal"] == "1"
        self.payload = bytes(int(plan["payload"]))
        self.count = int(plan["count"])
        self.depth = int(plan["depth"])
        self.datagrams = plan["datagrams"] == "1"
        self.meter = Meter(plan)

    def run(self):
        if self.literal:
            published_round = {"stream": self.streams_round, "echo": self.exchange_round, "connect": self.empty_round,
                               "datagram": self.burst_round}[self.plan["mode"]]
            while self.meter.goes_on():
                published_round()
            self.meter.end()
        else:
            uvloop.run(getattr(self, self.plan["mode"])())
        return self.meter.report()

    def session_round(self, work):
        """The published steps."""
        async def steps():
            async with stack.Client() as client:
                session = await client.connect(self.url)
                await work(session)
                await session.close()
        uvloop.run(steps())

    def timed_round(self, work, payload_bytes):
        started = time.perf_counter()
        self.session_round(work)
        self.meter.confirm(payload_bytes, started)

    async def repeat(self, at_a_time, work, least=0):
        """Keeps `at_a_time` running. The window begins and ends when one of them does: a stream may take longer."""
        async def worker():
            await work()
            while self.meter.goes_on() or self.meter.messages < least:
                await work()
            self.meter.end()
        await asyncio.gather(*(worker() for _ in range(at_a_time)))

    # --- Streams -----------------------------------------------------------------------------------------------------

    def streams_round(self):
        self.session_round(self.streams)

    async def streams(self, session):
        """`count` of them, `depth` at a time."""
        numbers = iter(range(self.count))

        async def worker():
            for _ in numbers:
                await self.timed_stream(session)
        await asyncio.gather(*(worker() for _ in range(min(self.depth, self.count))))

    async def timed_stream(self, session):
        direction = self.plan["direction"]
        transfer = {"upload": self.write_only if self.literal else self.upload, "download": self.download,
                    "concurrent": self.published_duplex if self.literal else self.duplex}[direction]
        started = time.perf_counter()
        self.meter.confirm(await transfer(session), started)

    async def write_only(self, session):
        stream = await session.open_stream(bidirectional=False)
        await stream.write_whole(self.payload)
        return len(self.payload)

    async def upload(self, session):
        stream = await session.open_stream()
        await stream.write_whole(self.payload)
        self.expect_all_read((await stream.read_all()).split(b" ")[0])
        return len(self.payload)

    def expect_all_read(self, answer):
        """The server's word about how much it has read of a stream."""
        if answer != str(len(self.payload)).encode():
            raise RuntimeError(f"of {len(self.payload)} bytes the server says it read {answer.decode() or 'nothing'}")

    async def download(self, session):
        stream = await session.open_stream()
        await stream.write(data=str(len(self.payload)).encode())
        received = 0
        while data := await stream.read():
            received += len(data)
        if received != len(self.payload):
            raise RuntimeError(f"{received} bytes came")
        await stream.write(data=b"", end_stream=True)
        return received

    async def published_duplex(self, session):
        """Our half is ended when the server's has been read, and counts when it is written."""
        stream = await session.open_stream()

        async def send():
            for at in range(0, len(self.payload), CHUNK_BYTES):
                await stream.write(data=self.payload[at:at + CHUNK_BYTES])
        task = asyncio.ensure_future(send())
        received = 0
        while data := await stream.read():
            received += len(data)
        await task
        await stream.write(data=b"", end_stream=True)
        return received + len(self.payload)

    async def duplex(self, session):
        """Both halves at once. Behind its own the server tells how much of ours it has read."""
        stream = await session.open_stream()
        task = asyncio.ensure_future(stream.write_whole(self.payload))
        received = 0
        answer = b""
        while data := await stream.read():
            answer += data[max(0, len(self.payload) - received):]
            received += len(data)
        received -= len(answer)
        if received != len(self.payload):
            raise RuntimeError(f"{received} bytes came")
        self.expect_all_read(answer)
        await task
        return received + len(self.payload)

    async def stream(self):
        """Confirmed: one client; a session for each `count` streams, or one for all."""
        if self.plan["direction"] == "concurrent":
            self.url += "/confirmed"
        async with stack.Client() as client:
            if self.count > 0:
                while self.meter.goes_on():
                    session = await client.connect(self.url)
                    await self.streams(session)
                    await session.close()
                self.meter.end()
                return
            session = await client.connect(self.url)
            await self.repeat(self.depth, lambda: self.timed_stream(session))

    # --- Exchanges ---------------------------------------------------------------------------------------------------

    def exchange_round(self):
        self.timed_round(self.datagram_exchange if self.datagrams else self.exchange, len(self.payload))

    async def datagram_exchange(self, session):
        await session.send_datagram(self.payload)
        self.expect_request(await asyncio.wait_for(session.read_datagram(), EXCHANGE_TIMEOUT), self.payload)

    async def exchange(self, session):
        stream = await session.open_stream()
        await stream.write(data=self.payload, end_stream=True)
        self.expect_request(await stream.read_all(), self.payload)

    def expect_request(self, answer, request):
        if answer != request:
            raise RuntimeError("an answer differs from the request")

    async def timed_exchange(self, session):
        started = time.perf_counter()
        await self.exchange(session)
        self.meter.confirm(len(self.payload), started)

    async def echo(self):
        async with stack.Client() as client:
            session = await client.connect(self.url)
            if self.datagrams:
                await self.echo_datagrams(session)
            else:
                await self.repeat(self.depth, lambda: self.timed_exchange(session))

    async def echo_datagrams(self, session):
        """`depth` outstanding, each with its number; for one that is lost the next is sent. Those that are out when the
        window ends are waited for, each as long as any: else none could be lost in a window shorter than that."""
        rest = self.payload[NUMBER_BYTES:]
        numbers = itertools.count()
        outstanding = {}  # number: when it was sent; the oldest first

        async def send():
            number = next(numbers)
            outstanding[number] = time.perf_counter()
            await session.send_datagram(number.to_bytes(NUMBER_BYTES, "little") + rest)

        async def receive():
            """When the one that came was sent; nothing when none came, or one that was lost came after all."""
            try:
                data = await asyncio.wait_for(session.read_datagram(), WAIT)
            except asyncio.TimeoutError:
                return None
            self.expect_request(data[NUMBER_BYTES:], rest)
            return outstanding.pop(int.from_bytes(data[:NUMBER_BYTES], "little"), None)

        def drop_lost():
            """How many."""
            before = len(outstanding)
            lost_before = time.perf_counter() - LOST_AFTER
            while outstanding and next(iter(outstanding.values())) < lost_before:
                self.meter.lose(outstanding.pop(next(iter(outstanding))))
            return before - len(outstanding)

        for _ in range(self.depth):
            await send()
        while self.meter.goes_on():
            if (started := await receive()) is not None:
                self.meter.confirm(len(self.payload), started)
                await send()
            for _ in range(drop_lost()):
                await send()
        self.meter.end()
        while outstanding:
            if (started := await receive()) is not None:
                self.meter.confirm_late(started)
            drop_lost()

    # --- Sessions ----------------------------------------------------------------------------------------------------

    def empty_round(self):
        async def nothing(_session):
            pass
        self.timed_round(nothing, 0)

    async def connect(self):
        async with stack.Client() as client:
            async def opening():
                started = time.perf_counter()
                session = await client.connect(self.url)
                self.meter.confirm(0, started)
                await session.close()
            await self.repeat(int(self.plan["connections"]), opening, least=self.count)

    async def idle(self):
        count = int(self.plan["connections"])
        if count > 1000:
            raise RuntimeError("more than 1,000 sessions take it too long")
        async with stack.Client() as client:
            sessions = [await self.open_idle(client)]
            await self.settle()
            before = [memory(self.meter.server), memory(os.getpid())]
            self.meter.begin()
            numbers = iter(range(count))

            async def worker():
                for _ in numbers:
                    sessions.append(await self.open_idle(client))
                    self.meter.confirm(0)
            await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))
            self.meter.end()
            await self.settle()
            after = [memory(self.meter.server), memory(os.getpid())]
            self.meter.extra = {
                f"{prefix}{name}_bytes_per_connection": (after[side][name] - before[side][name]) / count
                for side, prefix in ((0, ""), (1, "client_")) for name in ("rss", "pss", "anonymous")}
            print(json.dumps(self.meter.report()), flush=True)
            os._exit(0)  # closing them would take longer than all of the above

    async def open_idle(self, client):
        session = await client.connect(self.url)
        if self.plan["touch"] == "1":
            stream = await session.open_stream()
            await stream.write(data=b"touch", end_stream=True)
            await stream.read_all()
        return session

    async def settle(self):
        """Until what the handshakes needed is gone."""
        await asyncio.sleep(SETTLE_SECONDS)
        gc.collect()

    # --- Datagrams ---------------------------------------------------------------------------------------------------

    def burst_round(self):
        async def burst(session):
            await self.send_burst(session, self.count)
            self.meter.confirm(self.count * len(self.payload), messages=self.count)
        self.session_round(burst)

    async def send_burst(self, session, size):
        await asyncio.gather(*(session.send_datagram(self.payload) for _ in range(size)))
        return size

    async def received(self, session, before, sent):
        """How many the server says it has; asked again while more come in."""
        latest = time.perf_counter() + LATE
        while True:
            stream = await session.open_stream()
            await stream.write(data=b"", end_stream=True)
            now = int((await stream.read_all()).split()[1])
            if now > sent:
                raise RuntimeError("the server says it has more datagrams than it was sent")
            if now in (before, sent) or time.perf_counter() >= latest:
                return now
            before = now

    async def datagram(self):
        burst = int(self.plan["burst"])
        async with stack.Client() as client:
            session = await client.connect(self.url)
            sent = 0
            while self.meter.warms_up():
                sent += await self.send_burst(session, burst)
            received_before = await self.received(session, 0, sent)
            sent_before = sent
            self.meter.begin()
            while self.meter.goes_on():
                sent += await self.send_burst(session, burst)
            delivered = await self.received(session, received_before, sent) - received_before
            self.meter.confirm(delivered * len(self.payload), messages=delivered)
            self.meter.lost = max(0, sent - sent_before - delivered)
            self.meter.end()


def start_watchdog(plan):
    seconds = GIVE_UP_SECONDS + float(plan["warmup"]) + float(plan["seconds"])

    def give_up():
        print(json.dumps({"ok": False, "error": f"it did not end within {seconds:g} s"}), flush=True)
        os._exit(1)
    watchdog = threading.Timer(seconds, give_up)
    watchdog.daemon = True
    watchdog.start()
    return watchdog


def main(words):
    plan = {"server-pid": "0", "warmup": "0.2", "seconds": "1", "literal": "0", "datagrams": "0", "payload": "93",
            "count": "0", "depth": "1", "burst": "1", "connections": "1", "direction": "download", "rate": "0",
            "touch": "0"}
    plan |= dict(word.split("=", 1) for word in words)
    watchdog = start_watchdog(plan)
    try:
        out = Load(plan).run()
    except Exception as error:  # pylint: disable=broad-exception-caught
        out = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    finally:
        watchdog.cancel()
    print(json.dumps(out))
    return 0 if out["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
