"""The measuring window of the PyWebTransport client, and the report about it, as of `plait bench-generate`."""
import math
import os
import time


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


def percentile(ordered, percent):
    """The nearest rank. Without the small term 99.9 % of 1000 would be rank 1000."""
    return ordered[max(1, math.ceil(percent / 100 * len(ordered) - 1e-9)) - 1]


class Meter:
    """The window, and what was confirmed in it. What comes after its end does not count, but for datagrams of the
    window: those are late, not lost."""

    def __init__(self, plan):
        self.server = int(plan["server-pid"])
        self.warm_until = time.perf_counter() + float(plan["warmup"])
        self.length = float(plan["seconds"])
        self.begun = self.ended = None
        self.latencies = []
        self.messages = self.bytes = self.late = self.lost = 0
        self.extra = None

    def warms_up(self):
        return time.perf_counter() < self.warm_until

    def begin(self):
        self.latencies.clear()
        self.messages = self.bytes = self.lost = 0
        self.clocks = self.read_clocks()
        self.begun = time.perf_counter()

    def end(self):
        if self.ended is None:
            self.ended = time.perf_counter()
            self.clocks_at_end = self.read_clocks()

    def read_clocks(self):
        return [cpu_seconds(self.server) if self.server else 0, time.process_time(), busy_seconds()]

    def goes_on(self):
        """Begins the window when the warm-up is over; true while it has not passed."""
        if self.begun is None:
            if self.warms_up():
                return True
            self.begin()
        return self.ended is None and time.perf_counter() < self.begun + self.length

    def confirm(self, payload_bytes, started=None, messages=1):
        """`started` of what is timed."""
        if self.ended is not None:
            return
        self.messages += messages
        self.bytes += payload_bytes
        if started is not None:
            self.latencies.append(time.perf_counter() - started)

    def covers(self, sent):
        """Whether what was sent then is of the window."""
        return self.begun is not None and self.begun <= sent and (self.ended is None or sent <= self.ended)

    def confirm_late(self, started):
        if self.covers(started):
            self.late += 1
            self.latencies.append(time.perf_counter() - started)

    def lose(self, started):
        self.lost += self.covers(started)

    def report(self):
        seconds = self.ended - self.begun
        server, client, busy = (now - then for now, then in zip(self.clocks_at_end, self.clocks))
        times = sorted(one * 1e6 for one in self.latencies) or [0]
        latency = {f"p{str(percent).replace('.', '')}": percentile(times, percent)
                   for percent in (50, 90, 95, 99, 99.9)}
        latency |= {"min": times[0], "mean": sum(times) / len(times), "max": times[-1]}
        out = {"ok": True, "seconds": seconds, "messages": self.messages, "payload_bytes": self.bytes,
               "late": self.late, "lost": self.lost, "per_second": [self.messages / seconds],
               "server_cpu_seconds": server, "client_cpu_seconds": client,
               "other_cpu_seconds": max(0, busy - server - client), "latency_us": latency}
        if self.extra:
            out["memory"] = self.extra
        return out
