"""A process that ends with its test."""

import signal
import subprocess

TIMEOUT = 30


class Process:
    """What subprocess.Popen starts, with a pipe for its standard output. What still runs at the end is killed."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, **options)

    def stop(self, number=signal.SIGTERM):
        """Its exit status after the signal."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
