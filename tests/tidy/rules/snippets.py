"""Code in the README and the manual is code that is built: each block stands, word for word, in an example."""

import re

from tree import Finding, line_of

BLOCK = re.compile(
    r"(?:<!-- from (?P<source>\S+) -->\n)?^```(?:cpp|c\+\+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


def check(tree):
    for path, text in tree.match("README.md", "docs/manual/*.md"):
        for block in BLOCK.finditer(text):
            source, line = block.group("source"), line_of(text, block.start())
            if source is None:
                yield Finding(path, line, "put `<!-- from examples/… -->` before the block")
            elif block.group("code") not in tree.files.get(source, ""):
                yield Finding(path, line, f"differs from {source}")


_QUOTE = {"README.md": "<!-- from examples/a.cpp -->\n```cpp\nint x;\n```\n"}
VIOLATIONS = {
    "README.md:2: put": {"README.md": "\n```cpp\nint x;\n```\n"},
    "differs from examples/a.cpp": _QUOTE | {"examples/a.cpp": "int y;"},
    "README.md:1: differs from": _QUOTE,
}
CLEAN = {
    "README.md": "```sh\nmake\n```\n<!-- from examples/a.cpp -->\n```cpp\nint x;\n```\n",
    "examples/a.cpp": "#include <a>\n\nint x;\n",
}
