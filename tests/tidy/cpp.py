"""As much of C++ as the rules need: text without comments and literals, includes, and where functions begin and end.

The function finder is a heuristic on braces. It knows what this code base writes (clang-format's output, no K&R
definitions, no macros with unbalanced braces); where the braces do not balance it says so instead of guessing.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r'(?P<raw>R"(?P<tag>[^()\s\\]*)\(.*?\)(?P=tag)")'
    r'|(?P<text>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')"
    r"|(?P<comment>//(?:[^\n\\]|\\.)*|/\*.*?\*/)",
    re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<[^>]+>|"[^"]+")', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_ALTERNATIVE = re.compile(r"^[ \t]*#[ \t]*(?:else|elif)\b.*?(?=^[ \t]*#[ \t]*endif\b)", re.MULTILINE | re.DOTALL)
_SCOPE = re.compile(r"^(?:\[\[\w+\]\]\s*)?(?:inline\s+)?(namespace|class|struct|union|enum|extern)\b")


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, keep_literals=False):
    """The text with comments (and the insides of literals) blanked; every line keeps its number."""

    def replace(match):
        if match.lastgroup == "comment":
            return _blank(match.group())
        if keep_literals:
            return match.group()
        return '"' + _blank(match.group())[1:-1] + '"'

    return _TOKEN.sub(replace, text)


def includes(text):
    """(position, target) of each #include; the target keeps its quotes or brackets."""
    for match in _INCLUDE.finditer(without_comments(text, keep_literals=True)):
        yield match.start(1), match.group(1)


@dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    lines: int


def _outside_parentheses(header):
    while (shorter := re.sub(r"\([^()]*\)", "", header)) != header:
        header = shorter
    return header


def _kind_of_brace(header):
    """What a brace after `header` opens: a scope to look into, a function, a member's initializer, something else."""
    header = re.sub(r"^(?:(?:public|private|protected)\s*:\s*)+", "", header.strip())
    header = re.sub(r"^template\s*<.*?>\s*(?=\w|\[)", "", header, flags=re.DOTALL)
    if _SCOPE.match(header):
        return "other" if header.startswith("enum") else "scope"
    outside = _outside_parentheses(header).replace("::", "")
    is_value = "=" in outside and "operator" not in outside and "[" not in outside
    if "(" not in header or is_value:
        return "other"
    # Foo() : a_(1), b_{2} {…}
    return "initializer" if ":" in outside and re.search(r"[\w>]$", header) else "function"


def _closing(code, opening):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    raise ValueError("braces do not balance")


def functions(text):
    """Every function with a body. Raises ValueError where the braces do not balance."""
    code = _ALTERNATIVE.sub(lambda match: _blank(match.group()), without_comments(text))
    code = _DIRECTIVE.sub(lambda match: _blank(match.group()), code)
    found, header_begin, position = [], 0, 0
    while match := re.compile(r"[{};]").search(code, position):
        position = match.end()
        if match.group() != "{":
            header_begin = position
            continue
        header = code[header_begin : match.start()]
        kind = _kind_of_brace(header)
        if kind == "scope":
            header_begin = position
            continue
        position = _closing(code, match.start()) + 1
        if kind == "function":
            first, last = (code.count("\n", 0, place) + 1 for place in (match.start(), position))
            name = re.search(r"([~\w:]+|operator\s*\S+?)\s*\(", header)
            found.append(Function(name.group(1) if name else "lambda", first, last - first + 1))
        if kind != "initializer":
            header_begin = position
    return found
