"""ARCHITECTURE.md, "Threads", counts the locks: as many as there are mutexes in src/, but for the bench's own."""

import re

import cpp
from tree import Finding, line_of

PAGE = "ARCHITECTURE.md"
NUMBERS = "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
CLAIM = re.compile(r"^- (\w+) locks?,", re.MULTILINE)
MUTEX = re.compile(r"^[ \t]*(?:(?:static|mutable|inline)\s+)*std::\w*mutex\s+\w+\s*[;{]", re.MULTILINE)


def check(tree):
    text = tree.files.get(PAGE, "")
    claim = CLAIM.search(text)
    if claim is None or claim.group(1) not in NUMBERS:
        yield Finding(PAGE, 1, "does not say in a word how many locks there are (`- eleven locks, …`)")
        return
    found = [f"{path}:{line_of(source, match.end())}" for path, source in tree.sources()
             if path.startswith("src/") and not path.startswith("src/bench/")
             for match in MUTEX.finditer(cpp.without_comments(source))]
    if NUMBERS.index(claim.group(1)) != len(found):
        where = ", ".join(found)
        yield Finding(PAGE, line_of(text, claim.start()), f"{claim.group(1)} locks, but {len(found)} mutexes: {where}")


_PAGE = {PAGE: "# A\n\n- two locks, none taken often: a, b;\n"}
_TWO = {"src/a/a.hpp": "  mutable std::mutex a_mutex_;  // guards a_\n", "src/b.cpp": "static std::shared_mutex b{};\n"}
VIOLATIONS = {
    "ARCHITECTURE.md:1: does not say": {PAGE: "- 11 locks, none\n"},
    "ARCHITECTURE.md:3: two locks, but 1 mutexes: src/b.cpp:1": _PAGE | {"src/b.cpp": "std::mutex b;\n"},
    "two locks, but 3 mutexes": _PAGE | _TWO | {"src/c.cpp": "struct C {\n  std::mutex mutex;\n};\n"},
}
CLEAN = _PAGE | _TWO | {
    "src/bench/c.cpp": "std::mutex c;\n",
    "tests/d.cpp": "std::mutex d;\n",
    "src/e.cpp": "// std::mutex e;\nvoid f(std::mutex& mutex);\nconst std::unique_lock<std::mutex> lock{x};\n",
}
