"""A selection of tests that a document shows, `ctest … -R NAME` or `make test ARGS="-R NAME"`, selects some."""

import re

from tree import Finding, line_of

SELECTION = re.compile(r"(?:\bctest\b|\bARGS=)[^`\n]*?-R +[\"']?([^\s\"'`<]+)")


def check(tree):
    for path, text in tree.match("*.md"):
        for match in SELECTION.finditer(text):
            if not any(re.search(match.group(1), name) for name in tree.tests):
                yield Finding(path, line_of(text, match.start()), f"-R {match.group(1)} selects no test")


VIOLATIONS = {
    "a.md:2: -R WsDecoder selects": {"a.md": '\nmake test ARGS="-R WsDecoder"   # some\n', "ctest": ["Decoder.Ping"]},
    "docs/a.md:1: -R ^Ws selects": {"docs/a.md": "`ctest --preset dev -R '^Ws'`.", "ctest": ["FramesWs.Ping"]},
}
CLEAN = {
    "a.md": "`ctest --preset dev -R Dec.*Ping`, `ctest -R <name>`, `grep -R x y`; ARGS=\"-R ^Decoder\"\n",
    "ctest": ["Decoder.Ping"],
}
