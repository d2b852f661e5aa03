"""Every limit has an attack that it meets: docs/THREAT_MODEL.md names each field of plait::Limits, src/ uses it, and no
document names one that does not exist."""

import re

import cpp
from tree import Finding, line_of

HEADER = "include/plait/limits.hpp"
MODEL = "docs/THREAT_MODEL.md"


def fields(tree):
    struct = cpp.without_comments(tree.files.get(HEADER, "")).partition("struct Limits {")[2].partition("\n}")[0]
    return set(re.findall(r"(\w+)\s*=[^=]", struct))


def check(tree):
    known, named = fields(tree), set()
    for path, text in tree.match("*.md"):
        for match in re.finditer(r"\bLimits::(\w+)", text):
            if match.group(1) not in known:
                yield Finding(path, line_of(text, match.start()), f"there is no {match.group()}")
            if path == MODEL:
                named.add(match.group(1))
    sources = "\n".join(text for path, text in tree.sources() if path.startswith("src/"))
    for field in sorted(known - set(re.findall(r"\w+", sources))):
        yield Finding(HEADER, 1, f"nothing in src/ uses Limits::{field}")
    for field in sorted(known - named):
        yield Finding(MODEL, 1, f"does not say what Limits::{field} is against")


_HEADER = {
    HEADER: "struct Limits {\n  /// About.\n  int a_max = 3;\n  Duration b_timeout = seconds{10};\n};\n",
    "src/a.cpp": "limits.a_max + limits.b_timeout",
}
VIOLATIONS = {
    "there is no Limits::c": _HEADER | {MODEL: "`Limits::a_max` `Limits::b_timeout` `Limits::c`"},
    "nothing in src/ uses Limits::b_timeout": _HEADER
    | {MODEL: "`Limits::a_max` `Limits::b_timeout`", "src/a.cpp": "limits.a_max"},
    "does not say what Limits::b_timeout is against": _HEADER | {MODEL: "`Limits::a_max`"},
}
CLEAN = _HEADER | {MODEL: "`Limits::a_max`, `Limits::b_timeout`"}
