"""Nothing unfinished is committed, and nothing that only makes sense on one machine."""

import re

from tree import Finding, line_of

MARKS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
LOCAL_PATHS = re.compile(r"(?<![\w.])/(root|home/\w+|work)/")


def check(tree):
    for path, text in tree.match("*"):
        for match in MARKS.finditer(text):
            yield Finding(path, line_of(text, match.start()), f"{match.group()}: finish it, or write an issue")
        for match in LOCAL_PATHS.finditer(text):
            yield Finding(path, line_of(text, match.start()), f"{match.group()}: a path of one machine")


VIOLATIONS = {
    "a.cpp:2": {"src/a.cpp": "\n// TO" + "DO: more\n"},
    "README.md:1": {"README.md": "FIX" + "ME"},
    "a path of one machine": {"scripts/x": "cd /ro" + "ot/x"},
}
CLEAN = {"src/a.cpp": "int todo; // mastodon, a framework/work/, $HOME/x\n"}
