"""docs/TRAILS.md cannot rot: every function it names is in the file it names, and no trail crosses too many files.

A trail is a heading that ends in "(at most N files)" and a table | step | file | function |. A function is written as
Class::name or name, in backticks.
"""

import re

import cpp
from rules.features import rows
from tree import Finding, line_of

HEADING = re.compile(r"^## .*\(at most (\d+) files\)$", re.MULTILINE)
# Before the name of a function that is defined or declared stands a type; before that of one that is called, nothing,
# an operator, or one of these words.
NO_TYPE = r"(?!(?:return|co_return|co_await|co_yield|throw|else|delete|case|new)\b)"
TYPE = rf"^[ \t]*(?:\[\[[\w:]+\]\]\s*)?{NO_TYPE}(?:[\w:]+(?:<[^;(){{}}=]*>)?[&*]*\s+)+"


def declares(code, name):
    return bool(re.search(rf"{TYPE}{re.escape(name)}\s*\(", code, re.MULTILINE))


def has_function(text, name):
    """Whether a source file defines the function, Class::name(…), or a header declares it inside the class."""
    code = cpp.without_comments(text)
    owner, _, function = name.rpartition("::")
    last = owner.rpartition("::")[2]
    has_class = re.search(rf"\b(class|struct)\s+(\w+\s+)?{last}\b", code)
    return declares(code, name) or bool(has_class and declares(code, function))


def check(tree):
    if "docs/TRAILS.md" not in tree.files:
        yield Finding("docs/TRAILS.md", 1, "is missing")
    for path, text in tree.match("docs/TRAILS.md"):
        headings = list(HEADING.finditer(text))
        if not headings:
            yield Finding(path, 1, "has no trail")
        for heading, following in zip(headings, headings[1:] + [None]):
            first_line = line_of(text, heading.start())
            section = text[heading.start() : following.start() if following else len(text)]
            files = set()
            for line, cells in rows(section):
                if len(cells) != 3:
                    yield Finding(path, first_line + line - 1, f"has {len(cells)} cells instead of 3")
                    continue
                names = [re.findall(r"`([^`]+)`", cell) for cell in cells[1:]]
                files.update(names[0])
                for file in names[0]:
                    for name in names[1]:
                        if not has_function(tree.files.get(file, ""), name):
                            yield Finding(path, first_line + line - 1, f"{file} has no function {name}")
            if not files or len(files) > int(heading.group(1)):
                yield Finding(path, first_line, f"crosses {len(files)} files; at most {heading.group(1)}, at least one")


_TRAIL = "\n## In (at most 1 files)\n\n| step | file | function |\n|---|---|---|\n| wait | `src/net/loop.cpp` | "
_LOOP = {"src/net/loop.cpp": "int Loop::wait(int x) { return run(); }  // Loop::spin()\n"}
_CALLER = {
    "src/a.cpp": "class Loop;\nint f(Loop& loop) {\n  wait(1);\n  if (x &&\n      Loop::wait(2)) {\n    loop.wait(3);\n"
    "  }\n  const int y = loop.wait(4);\n  return wait(y);\n}\n"
}
VIOLATIONS = {
    "is missing": {"README.md": ""},
    "TRAILS.md:6: src/net/loop.cpp has no function Loop::spin": _LOOP | {"docs/TRAILS.md": _TRAIL + "`Loop::spin` |\n"},
    "src/net/loop.cpp has no function Loop::wait": {"docs/TRAILS.md": _TRAIL + "`Loop::wait` |\n"},
    "TRAILS.md:6: src/net/loop.cpp has no function run": _LOOP | {"docs/TRAILS.md": _TRAIL + "`run` |\n"},
    "TRAILS.md:7: src/a.cpp has no function Loop::wait": _LOOP | _CALLER
    | {"docs/TRAILS.md": _TRAIL + "`Loop::wait` |\n| wait | `src/a.cpp` | `Loop::wait` |\n"},
    "crosses 2 files": _LOOP | {"docs/TRAILS.md": _TRAIL + "`Loop::wait` |\n| read | `src/net/loop.hpp` | `run` |\n"},
    "TRAILS.md:6: has 2 cells": _LOOP | {"docs/TRAILS.md": _TRAIL.replace("wait | ", "") + "`Loop::wait` |\n"},
    "crosses 0 files": {"docs/TRAILS.md": "## Empty (at most 3 files)\n"},
    "has no trail": {"docs/TRAILS.md": "# Trails\n"},
}
CLEAN = _LOOP | {
    "docs/TRAILS.md": _TRAIL.replace("most 1", "most 2")
    + "`Loop::wait` |\n| read | `src/net/a.hpp` | `net::Socket::read` |\n",
    "src/net/a.hpp": "class PLAIT_API Socket {\n  [[nodiscard]] static const Result<int, Error>& read(int);\n};\n",
}
