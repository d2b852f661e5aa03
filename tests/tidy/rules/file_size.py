"""Files stay readable: at most 800 lines each, and a median of at most 150."""

import statistics

from tree import Finding

LINES_MAX = 800
MEDIAN_MAX = 150
# Tables and generated files, each with the reason why it cannot be split.
LARGE = {}

CODE = ("*.cpp", "*.hpp", "*.py", "*.js", "*.ts", "*.css", "*.html", "*CMakeLists.txt", "*.cmake")


def check(tree):
    counts = {path: text.count("\n") for path, text in tree.match(*CODE)}
    for path, lines in counts.items():
        if lines > LINES_MAX and path not in LARGE:
            yield Finding(path, lines, f"{lines} lines; at most {LINES_MAX}")
    cpp = [lines for path, lines in counts.items() if path.endswith(("cpp", "hpp"))]
    if cpp and statistics.median(cpp) > MEDIAN_MAX:
        yield Finding("src", 1, f"the median file has {statistics.median(cpp)} lines; at most {MEDIAN_MAX}")
    for path in LARGE:
        if counts.get(path, 0) <= LINES_MAX:
            yield Finding(path, 1, "needs its place in the list of large files no more")


VIOLATIONS = {
    "801 lines; at most 800": {"src/a.cpp": "\n" * 801, "src/b.cpp": "\n", "src/c.cpp": "\n"},
    "the median file has 151": {"src/a.cpp": "\n" * 151},
}
CLEAN = {"src/a.cpp": "\n" * 800, "src/b.cpp": "\n" * 150, "src/c.hpp": "\n"}
