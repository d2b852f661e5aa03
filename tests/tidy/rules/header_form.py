"""A header says what it holds before anything else, and is included once."""

import re

from tree import Finding


def check(tree):
    for path, text in tree.match("*.hpp"):
        if not re.match(r"(//[^\n]*\n)+#pragma once\n", text):
            yield Finding(path, 1, "begins with a comment that says what it holds, then #pragma once")


VIOLATIONS = {
    "a.hpp:1": {"src/a.hpp": "#pragma once\n"},
    "b.hpp:1": {"src/b.hpp": "// A thing.\n#ifndef B\n"},
}
CLEAN = {"src/a.hpp": "// A thing.\n//\n// More.\n#pragma once\n\nint x();\n"}
