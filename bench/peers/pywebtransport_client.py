"""Load generator: PyWebTransport's own client, which its published rows measured, against its own server.

Takes the words of `plait bench-generate` and prints the same report. Published rows run in the published steps: a new
event loop, a new client, a session, the work, both closes. "Confirmed" ones as Plait's generator runs them.

Usage: pywebtransport_client.py url=… mode=stream|echo|connect|datagram|idle …
"""
import asyncio
import gc
import json
import os
import sys
import threading
import time

import uvloop

import pywebtransport_stack as stack

SETTLE_SECONDS = 2
AT_A_TIME = 100
CHUNK_BYTES = 65536
EXCHANGE_TIMEOUT = 5
GIVE_UP_SECONDS = 60


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds():
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return {name: int(lines[key].split()[0]) * 1024
            for name, key in (("rss", "Rss"), ("pss", "Pss"), ("anonymous", "Anonymous"))}


class Meter:
    """The window, and what was confirmed in it."""

    def __init__(self, plan):
        self.server = int(plan["server-pid"])
        self.warm_until = time.perf_counter() + float(plan["warmup"])
        self.length = float(plan["seconds"])
        self.begun = None
        self.latencies = []
        self.messages = self.bytes = self.lost = 0
        self.extra = None

    def begin(self):
        self.latencies.clear()
        self.messages = self.bytes = self.lost = 0
        self.clocks = self.read_clocks()
        self.begun = time.perf_counter()

    def read_clocks(self):
        return [cpu_seconds(self.server) if self.server else 0, time.process_time(), busy_seconds()]

    def goes_on(self):
        now = time.perf_counter()
        if self.begun is None:
            if now < self.warm_until:
                return True
            self.begin()
            return True
        return now < self.begun + self.length

    def confirm(self, payload_bytes, started=None, messages=1):
        self.messages += messages
        self.bytes += payload_bytes
        if started is not None:
            self.latencies.append(time.perf_counter() - started)

    def report(self):
        seconds = time.perf_counter() - self.begun
        server, client, busy = (now - then for now, then in zip(self.read_clocks(), self.clocks))
        times = sorted(one * 1e6 for one in self.latencies) or [0]
        def at(percent):
            return times[min(len(times) - 1, int(len(times) * percent / 100))]
        latency = {f"p{str(percent).replace('.', '')}": at(percent) for percent in (50, 90, 95, 99, 99.9)}
        latency |= {"min": times[0], "mean": sum(times) / len(times), "max": times[-1]}
        out = {"ok": True, "seconds": seconds, "messages": self.messages, "payload_bytes": self.bytes,
               "lost": self.lost, "per_second": [self.messages / seconds], "server_cpu_seconds": server,
               "client_cpu_seconds": client, "other_cpu_seconds": max(0, busy - server - client),
               "latency_us": latency}
        if self.extra:
            out["memory"] = self.extra
        return out


class Load:
    def __init__(self, plan):
        self.plan = plan
        self.url = plan["url"]
        self.literal = plan["literal"] == "1"
        self.payload = bytes(int(plan["payload"]))
        self.count = int(plan["count"])
        self.depth = int(plan["depth"])
        self.meter = Meter(plan)

    def run(self):
        if self.literal:
            work = {"stream": self.streams_round, "echo": self.exchange_round, "connect": self.empty_round,
                    "datagram": self.burst_round}[self.plan["mode"]]
            while self.meter.goes_on():
                started = time.perf_counter()
                done = uvloop.run(self.session_round(work))
                self.meter.confirm(*done[:1], started, *done[1:])
        else:
            uvloop.run(getattr(self, self.plan["mode"])())
        return self.meter.report()

    async def session_round(self, work):
        async with stack.Client() as client:
            session = await client.connect(self.url)
            done = await work(session)
            await session.close()
        return done

    # --- Streams -----------------------------------------------------------------------------------------------------

    async def streams_round(self, session):
        await self.streams_of(session, self.count)
        both = 2 if self.plan["direction"] == "concurrent" else 1
        return self.count * len(self.payload) * both, self.count

    async def streams_of(self, session, count):
        """`depth` at a time."""
        left = count

        async def worker():
            nonlocal left
            while left > 0:
                left -= 1
                await getattr(self, self.plan["direction"])(session)
        await asyncio.gather(*(worker() for _ in range(min(self.depth, count))))

    async def upload(self, session):
        stream = await session.open_stream(bidirectional=not self.literal)
        await stream.write_whole(self.payload)
        if not self.literal:
            await stream.read_all()

    async def download(self, session):
        stream = await session.open_stream()
        await stream.write(data=str(len(self.payload)).encode())
        received = 0
        while data := await stream.read():
            received += len(data)
        if received != len(self.payload):
            raise RuntimeError(f"{received} bytes came")
        await stream.write(data=b"", end_stream=True)

    async def concurrent(self, session):
        stream = await session.open_stream()

        async def send():
            for at in range(0, len(self.payload), CHUNK_BYTES):
                await stream.write(data=self.payload[at:at + CHUNK_BYTES])
        task = asyncio.ensure_future(send())
        while await stream.read():
            pass
        await task
        await stream.write(data=b"", end_stream=True)

    async def stream(self):
        """Confirmed: one client; a session for each `count` streams, or one for all."""
        async with stack.Client() as client:
            if self.count > 0:
                while self.meter.goes_on():
                    started = time.perf_counter()
                    session = await client.connect(self.url)
                    done = await self.streams_round(session)
                    await session.close()
                    self.meter.confirm(done[0], started, done[1])
                return
            session = await client.connect(self.url)
            both = 2 if self.plan["direction"] == "concurrent" else 1
            while self.meter.goes_on():
                started = time.perf_counter()
                await self.streams_of(session, self.depth)
                self.meter.confirm(len(self.payload) * both * self.depth, started, self.depth)

    # --- Exchanges ---------------------------------------------------------------------------------------------------

    async def exchange(self, session):
        if self.plan["datagrams"] == "1":
            await session.send_datagram(self.payload)
            data = await asyncio.wait_for(session.read_datagram(), EXCHANGE_TIMEOUT)
        else:
            stream = await session.open_stream()
            await stream.write(data=self.payload, end_stream=True)
            data = await stream.read_all()
        if data != self.payload:
            raise RuntimeError("an answer differs from the request")

    async def exchange_round(self, session):
        await self.exchange(session)
        return (len(self.payload),)

    async def echo(self):
        async def worker(session):
            while self.meter.goes_on():
                started = time.perf_counter()
                await self.exchange(session)
                self.meter.confirm(len(self.payload), started)
        async with stack.Client() as client:
            session = await client.connect(self.url)
            depth = 1 if self.plan["datagrams"] == "1" else self.depth
            await asyncio.gather(*(worker(session) for _ in range(depth)))

    # --- Sessions ----------------------------------------------------------------------------------------------------

    async def empty_round(self, _session):
        return (0,)

    async def connect(self):
        async def worker(client):
            while self.meter.goes_on():
                started = time.perf_counter()
                session = await client.connect(self.url)
                self.meter.confirm(0, started)
                await session.close()
        async with stack.Client() as client:
            await asyncio.gather(*(worker(client) for _ in range(int(self.plan["connections"]))))

    async def idle(self):
        count = int(self.plan["connections"])
        if count > 1000:
            raise RuntimeError("more than 1,000 sessions take it too long")
        async with stack.Client() as client:
            sessions = [await client.connect(self.url)]
            before = [memory(self.meter.server), memory(os.getpid())]
            self.meter.begin()
            for at in range(0, count, AT_A_TIME):
                some = min(AT_A_TIME, count - at)
                sessions += await asyncio.gather(*(client.connect(self.url) for _ in range(some)))
                self.meter.confirm(0, messages=some)
            await asyncio.sleep(SETTLE_SECONDS)
            gc.collect()
            after = [memory(self.meter.server), memory(os.getpid())]
            self.meter.extra = {
                f"{prefix}{name}_bytes_per_connection": (after[side][name] - before[side][name]) / count
                for side, prefix in ((0, ""), (1, "client_")) for name in ("rss", "pss", "anonymous")}
            print(json.dumps(self.meter.report()), flush=True)
            os._exit(0)  # closing them would take longer than all of the above

    # --- Datagrams ---------------------------------------------------------------------------------------------------

    async def burst_round(self, session):
        await asyncio.gather(*(session.send_datagram(self.payload) for _ in range(self.count)))
        return self.count * len(self.payload), self.count

    async def received(self, session):
        stream = await session.open_stream()
        await stream.write(data=b"", end_stream=True)
        return int((await stream.read_all()).split()[1])

    async def datagram(self):
        async with stack.Client() as client:
            session = await client.connect(self.url)
            sent = before = 0
            begun = False
            while self.meter.goes_on():
                if self.meter.begun is not None and not begun:
                    begun, sent, before = True, 0, await self.received(session)
                    self.meter.begin()
                burst = int(self.plan["burst"])
                await asyncio.gather(*(session.send_datagram(self.payload) for _ in range(burst)))
                sent += burst
            delivered = await self.received(session) - before
            self.meter.confirm(delivered * len(self.payload), messages=delivered)
            self.meter.lost = max(0, sent - delivered)


def give_up():
    print(json.dumps({"ok": False, "error": f"it did not end within {GIVE_UP_SECONDS} s"}), flush=True)
    os._exit(1)


def main():
    plan = {"server-pid": "0", "warmup": "0.2", "seconds": "1", "literal": "0", "datagrams": "0", "payload": "93",
            "count": "0", "depth": "1", "burst": "1", "connections": "1", "direction": "download"}
    plan |= dict(word.split("=", 1) for word in sys.argv[1:])
    watchdog = threading.Timer(GIVE_UP_SECONDS, give_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        out = Load(plan).run()
    except Exception as error:  # pylint: disable=broad-exception-caught
        out = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(out))
    return 0 if out["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
