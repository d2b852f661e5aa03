"""The map of ARCHITECTURE.md has every folder of the root, and for tests/ and docs/ what is in them."""

import re

from tree import Finding, line_of

LISTED = ("tests", "docs")


def contents(tree, folder):
    """The folders and pages of a folder, without endings."""
    inside = [path.split("/")[1:] for path in tree.files if path.startswith(f"{folder}/")]
    return {parts[0].removesuffix(".md") for parts in inside if len(parts) > 1 or parts[0].endswith(".md")}


def check(tree):
    text = tree.files.get("ARCHITECTURE.md", "")
    block = re.search(r"^## The map\n+```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if block is None:
        yield Finding("ARCHITECTURE.md", 1, "has no map")
        return
    line = line_of(text, block.start(1))
    rows = dict(re.findall(r"^(\w+)/\S* +(.*)$", block.group(1), re.MULTILINE))
    folders = {path.split("/")[0] for path in tree.files if "/" in path and not path.startswith(".")}
    for folder in sorted(folders ^ rows.keys()):
        where = "is not in the map" if folder in folders else "is nowhere"
        yield Finding("ARCHITECTURE.md", line, f"{folder}/ {where}")
    for folder in set(LISTED) & folders & rows.keys():
        named = {name.split("/")[0] for name in rows[folder].split()}
        for name in sorted(named ^ contents(tree, folder)):
            where = "does not exist" if name in named else "is not in the map"
            yield Finding("ARCHITECTURE.md", line, f"{folder}/{name} {where}")


_MAP = "# A\n\n## The map\n\n```\nsrc/<layer>/   one folder\ntests/         unit/<layer>  tidy\n```\n"
_TREE = {"ARCHITECTURE.md": _MAP, "src/a.cpp": "", "tests/unit/a.cpp": "", "tests/tidy/a.py": "", ".ci/run": ""}
VIOLATIONS = {
    "has no map": {"ARCHITECTURE.md": "# A\n"},
    "ARCHITECTURE.md:6: fuzz/ is not in the map": _TREE | {"fuzz/a.cpp": ""},
    "src/ is nowhere": {path: text for path, text in _TREE.items() if path != "src/a.cpp"},
    "tests/fault is not in the map": _TREE | {"tests/fault/a.cpp": ""},
    "tests/tidy does not exist": {path: text for path, text in _TREE.items() if path != "tests/tidy/a.py"},
    "docs/interop is not in the map": _TREE | {"ARCHITECTURE.md": _MAP.replace("tests/", "docs/ a\ntests/"),
                                              "docs/a.md": "", "docs/interop.md": ""},
}
CLEAN = _TREE | {
    "ARCHITECTURE.md": _MAP.replace("tests/", "docs/    adr  A\ntests/"), "docs/A.md": "", "docs/adr/1.md": "",
    "tests/precompiled.hpp": "", "README.md": "",
}
