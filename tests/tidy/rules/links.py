"""Links between the documents lead somewhere."""

import posixpath
import re

from tree import Finding, line_of

LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")


def check(tree):
    folders = {posixpath.dirname(path) for path in tree.files}
    for path, text in tree.match("*.md"):
        for match in LINK.finditer(text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match.group(1)))
            if target not in tree.files and not any(f"{folder}/".startswith(f"{target}/") for folder in folders):
                yield Finding(path, line_of(text, match.start()), f"{match.group(1)} does not exist")


VIOLATIONS = {
    "docs/b.md does not exist": {"README.md": "[b](docs/b.md)"},
    "../src/x.cpp does not exist": {"docs/a.md": "x [b](../src/x.cpp#L3)"},
}
CLEAN = {
    "README.md": "[a](docs/a.md) [d](docs/) [w](https://example.org/x) [h](#here)",
    "docs/a.md": "[r](../README.md#top)",
}
