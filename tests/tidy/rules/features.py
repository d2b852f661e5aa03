"""docs/FEATURES.md and docs/conformance name tests that exist, and claim nothing without one.

FEATURES.md: | clause | state | test or bench row | figure |. The names in backticks of the third column are ctest names
("*" stands for any text), or what is run otherwise: plait bench, docs/bench/, make, .ci/run. `planned` names nothing,
`working` names at least one test, `measured` has a figure besides, `missed` one that is short of its goal.
docs/conformance/*.md: | section | requirement | test name |.
"""

import re

from tree import Finding

OTHER_PROOFS = ("plait bench ", "docs/bench/", "make ", ".ci/run")
STATES = {"planned", "working", "measured", "missed"}


def rows(text, columns):
    """(line, cells) of the table rows with that many columns, without headings and rulers."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and not re.fullmatch(r":?-+:?", cells[0]):
            yield number, cells


def unknown_tests(tree, cell):
    names = re.findall(r"`([^`]+)`", cell)
    return [name for name in names if not name.startswith(OTHER_PROOFS) and not tree.has_test(name)]


def problems(tree, state, proof, figure):
    if state not in STATES:
        return [f"`{state}` is none of {' '.join(sorted(STATES))}"]
    if state == "planned":
        return ["is planned, yet names a proof or figure"] if "`" in proof or re.search(r"\d", figure) else []
    found = [f"no test is called {name}" for name in unknown_tests(tree, proof)]
    if "`" not in proof:
        found.append(f"is {state} without a test or bench row")
    if state in ("measured", "missed") and not re.search(r"\d", figure):
        found.append(f"is {state} without a figure")
    return found


def check(tree):
    if "docs/FEATURES.md" not in tree.files:
        yield Finding("docs/FEATURES.md", 1, "is missing")
    for path, text in tree.match("docs/FEATURES.md"):
        for line, (clause, state, proof, figure) in rows(text, 4):
            if clause != "clause":
                yield from (Finding(path, line, problem) for problem in problems(tree, state, proof, figure))
    for path, text in tree.match("docs/conformance/*.md"):
        for line, cells in rows(text, 3):
            for name in unknown_tests(tree, cells[2]):
                yield Finding(path, line, f"no test is called {name}")


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
    "no test is called Ws.Close": {"docs/conformance/ws.md": "| 5.5.1 | close | `Ws.Close` |\n"},
}
CLEAN = _features(
    "| ping | working | `Ws.P*` | – |\n| rate | measured | `plait bench x: y` | 1.0 |\n| a | planned | – | – |"
) | {"docs/conformance/ws.md": "| 5.5.2 | ping | `Ws.Ping` |\n", "ctest": ["Ws.Ping"]}
