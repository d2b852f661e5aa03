"""Lines fit into 120 columns, in the languages that clang-format does not look after."""

from tree import Finding

COLUMNS_MAX = 120
FILES = ("*.py", "*.js", "*.css", "*.sh", "*.cmake", "*CMakeLists.txt", "Makefile", "scripts/*", ".ci/*")


def check(tree):
    for path, text in tree.match(*FILES):
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > COLUMNS_MAX and "http" not in line:
                yield Finding(path, number, f"{len(line)} columns; at most {COLUMNS_MAX}")


VIOLATIONS = {
    "a.py:2: 121 columns": {"tests/a.py": "\n" + "x" * 121},
    "Makefile:1: 130 columns": {"Makefile": "x" * 130},
}
CLEAN = {"tests/a.py": "–" * 120 + "\n// https://example.org/" + "x" * 120, "docs/a.md": "x" * 200}
