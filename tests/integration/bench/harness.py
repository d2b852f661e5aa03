"""`plait bench …` to its end, with the documents that it wrote."""

import contextlib
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

PLAIT = os.environ["PLAIT"]
PLAIT_WORD = shlex.quote(PLAIT)  # in commands of peers, which a shell reads
SCRIPTS = Path(__file__).parents[3] / "bench" / "peers"
TIMEOUT = 100


def require(test, what, present):
    """Without `what` the test skips, or fails where CI is set."""
    if not present and os.environ.get("CI"):
        test.fail(f"needs {what}")
    if not present:
        test.skipTest(f"needs {what}")


def two_cpus(test):
    """Two CPUs that this process may use, as plait bench would pick them."""
    usable = sorted(os.sched_getaffinity(0))
    require(test, "two CPUs", len(usable) > 1)
    return usable[:2]


@contextlib.contextmanager
def one_cpu():
    """Within it, this process and those that it starts may use one CPU, which it names."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    try:
        yield min(usable)
    finally:
        os.sched_setaffinity(0, usable)


class Bench:
    """One run. `report` is the JSON document, `markdown` and `html` the others; `cases` the report's."""

    def __init__(self, suite, rows, *arguments, quick=True, stderr=subprocess.PIPE, environment=None,
                 program=PLAIT):
        if "--seconds" not in arguments:
            arguments += ("--seconds", "0.15")
        with tempfile.TemporaryDirectory() as folder:
            files = {kind: Path(folder, kind) for kind in ("json", "markdown", "html")}
            command = [program, "bench", suite, "--rows", rows, *["--quick"] * quick, *map(str, arguments)]
            for kind, file in files.items():
                command += [f"--{kind}", str(file)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=TIMEOUT,
                                  check=False, env=os.environ | {"XDG_STATE_HOME": folder} | (environment or {}))
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            self.output = done.stdout
            self.report = json.loads(files["json"].read_text(encoding="utf-8"))
            self.markdown = files["markdown"].read_text(encoding="utf-8")
            self.html = files["html"].read_text(encoding="utf-8")
        self.cases = self.report["cases"]

    def table(self, heading):
        """The rows of the first Markdown table behind `heading`, each as a dictionary by column."""
        text = self.markdown.split(f"\n{heading}\n")[1]
        table = "|" + text.split("|", 1)[1].split("\n\n")[0]
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
        return [dict(zip(cells[0], row)) for row in cells[2:]]
