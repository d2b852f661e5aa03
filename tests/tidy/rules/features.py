"""docs/FEATURES.md and docs/conformance name tests that exist, and claim nothing without one.

FEATURES.md: | clause | state | test or bench row | figure |. The names in backticks of the third column are ctest names
("*" stands for any text), or what is run otherwise: plait bench, docs/bench/, make, .ci/run. `planned` names nothing,
`working` names at least one test, `measured` has a figure besides, `missed` one that is short of its goal.
Names of both are in backticks, with commas between.
docs/conformance/*.md: | section | requirement | test name |, where every row names a test.
"""

import re

from tree import Finding

COMMANDS = ("plait bench ", "make ", ".ci/run")
STATES = {"planned", "working", "measured", "missed"}
RULER = re.compile(r"\|[|:\- ]+")
NAMES = re.compile(r"`[^`]+`(, `[^`]+`)*")


def rows(text):
    """(line, cells) of the rows of tables, without headings and rulers."""
    lines = text.splitlines()
    for number, (line, below) in enumerate(zip(lines, lines[1:] + [""]), 1):
        if line.startswith("|") and not RULER.fullmatch(line) and not RULER.fullmatch(below):
            yield number, [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def unknown(tree, name):
    """What is wrong with a name of a test, a file of docs/bench or a command, or None."""
    if name.startswith(COMMANDS):
        return None
    if name.startswith("docs/bench/"):
        return None if any(tree.match(name + "*" * name.endswith("/"))) else f"there is no {name}"
    return None if tree.has_test(name) else f"no test is called {name}"


def wrong_names(tree, cell):
    if not NAMES.fullmatch(cell):
        return [f"names something outside of backticks: {cell}" if "`" in cell else "names no test in backticks"]
    return [wrong for name in re.findall(r"`([^`]+)`", cell) if (wrong := unknown(tree, name))]


def problems(tree, state, proof, figure):
    if state not in STATES:
        return [f"`{state}` is none of {' '.join(sorted(STATES))}"]
    if state == "planned":
        return ["is planned, yet names a proof or figure"] if "`" in proof or re.search(r"\d", figure) else []
    if "`" not in proof:
        return [f"is {state} without a test or bench row"]
    found = wrong_names(tree, proof)
    if state in ("measured", "missed") and not re.search(r"\d", figure):
        found.append(f"is {state} without a figure")
    return found


def check(tree):
    if "docs/FEATURES.md" not in tree.files:
        yield Finding("docs/FEATURES.md", 1, "is missing")
    for pattern, columns, judge in (("docs/FEATURES.md", 4, lambda cells: problems(tree, *cells[1:])),
                                    ("docs/conformance/*.md", 3, lambda cells: wrong_names(tree, cells[2]))):
        for path, text in tree.match(pattern):
            for line, cells in rows(text):
                wrong_count = [f"has {len(cells)} cells instead of {columns}"] if len(cells) != columns else []
                yield from (Finding(path, line, problem) for problem in wrong_count or judge(cells))


def _features(row):
    return {"docs/FEATURES.md": f"| clause | state | test or bench row | figure |\n|---|---|---|---|\n{row}\n"}


VIOLATIONS = {
    "is missing": {"README.md": ""},
    "FEATURES.md:3: no test is called Ws.Ping": _features("| a | working | `Ws.Ping` | – |") | {"ctest": ["Ws.Pong"]},
    "no test is called Ws.C*": _features("| ping | working | `Ws.P*`, `Ws.C*` | – |") | {"ctest": ["Ws.Pong"]},
    "`done` is none of": _features("| ping | done | – | – |"),
    "is working without": _features("| ping | working | – | – |"),
    "is planned, yet": _features("| ping | planned | `Ws.Ping` | – |") | {"ctest": ["Ws.Ping"]},
    "is measured without a figure": _features("| rate | measured | `plait bench x: y` | – |"),
    "is missed without a figure": _features("| rate | missed | `plait bench x: y` | – |"),
    "ws.md:1: no test is called Ws.Close": {"docs/conformance/ws.md": "| 5.5.1 | close | `Ws.Close` |\n"},
    "ws.md:1: names no test": {"docs/conformance/ws.md": "| 5.5.1 | close | Ws.Close |\n"},
    "ws.md:2: names no test": {"docs/conformance/ws.md": "\n| 5.5.1 | close | |\n"},
    "outside of backticks": {"docs/conformance/ws.md": "| 5.5.1 | close | `Ws.Ping`, Pong |\n", "ctest": ["Ws.Ping"]},
    "has 2 cells instead of 3": {"docs/conformance/ws.md": "| 5.5.1 | `Ws.Ping` |\n", "ctest": ["Ws.Ping"]},
    "FEATURES.md:3: has 3 cells instead of 4": _features("| ping | working | `Ws.Ping` |") | {"ctest": ["Ws.Ping"]},
    "there is no docs/bench/a*": _features("| rate | measured | `docs/bench/a*` | 1 |") | {"docs/bench/b.md": ""},
    "there is no docs/bench/": _features("| rate | measured | `docs/bench/` | 1 |"),
}
CLEAN = _features(
    "| ping | working | `Ws.P*`, `Ws.Ping` | – |\n| rate | measured | `plait bench x: y` | 1.0 |\n"
    "| a | planned | – | – |\n| b | missed | `docs/bench/a-*.md`, `docs/bench/` | 2 |"
) | {
    "docs/bench/a-1.md": "",
    "docs/conformance/ws.md": "| section | requirement | test |\n|--:|:--|---|\n| – | ping | `Ws.Ping` |\n",
    "ctest": ["Ws.Ping"],
}
