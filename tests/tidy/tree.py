"""The files that the rules look at, as text; the real ones or, in self-tests, invented ones."""

import fnmatch
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property

SKIPPED = {".git", "build", "node_modules", "__pycache__", "corpus"}


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    def __init__(self, files, list_tests):
        self.files = files  # path relative to the root -> text
        self._list_tests = list_tests

    @cached_property
    def tests(self):
        """The names that ctest knows."""
        return self._list_tests()

    def match(self, *patterns):
        """(path, text) of every file that fits one of the patterns; "*" also crosses folders."""
        for path in sorted(self.files):
            if any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
                yield path, self.files[path]

    def sources(self):
        return self.match("*.cpp", "*.hpp")

    def has_test(self, pattern):
        return any(fnmatch.fnmatchcase(name, pattern) for name in self.tests)


def load(root, build_folder):
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in set(names) - SKIPPED:
            path = os.path.join(folder, name)
            try:
                with open(path, encoding="utf-8") as file:
                    files[os.path.relpath(path, root)] = file.read()
            except (UnicodeDecodeError, OSError):
                continue  # an image, a dangling link: nothing to read in it
    return Tree(files, lambda: ctest_names(build_folder))


def ctest_names(build_folder):
    command = ["ctest", "--test-dir", build_folder, "--show-only"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"^ *Test +#\d+: (.+)$", listing, re.MULTILINE)


def line_of(text, position):
    return text.count("\n", 0, position) + 1
