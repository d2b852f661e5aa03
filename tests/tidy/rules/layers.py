"""The layer table of ARCHITECTURE.md is what src/*/CMakeLists.txt declares, and every layer uses only earlier ones."""

import re

from tree import Finding, line_of


def declared(tree):
    """{layer: (path, layers it declares)}. What is no plait_layer() is the command, a program that links layers."""
    found = {}
    for path, text in tree.match("src/*/CMakeLists.txt"):
        text = re.sub(r"#[^\n]*", "", text)
        if call := re.search(r"\bplait_layer\(\s*(\w+)([^)]*)\)", text):
            layers = re.search(r"\bLAYERS\s+(.*?)(?=\bLIBRARIES\b|$)", call.group(2), re.DOTALL)
            found[call.group(1)] = (path, layers.group(1).split() if layers else [])
        elif call := re.search(r"\btarget_link_libraries\(\s*plait_(\w+)([^)]*)\)", text):
            found[call.group(1)] = (path, re.findall(r"\bplait_(\w+)", call.group(2)))
    return found


def documented(text):
    """{layer: (line, layers it names)} of the table whose second column is "may include"."""
    found = {}
    table = re.search(r"^\| layer \| may include \|.*?(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    for row in re.finditer(r"^\| (\w+) \|([^|]*)\|", table.group() if table else "", re.MULTILINE):
        if row.group(1) != "layer":
            line = line_of(text, table.start() + row.start())
            found[row.group(1)] = (line, re.findall(r"\w+", row.group(2)))
    return found


def check(tree):
    layers = declared(tree)
    rows = documented(tree.files.get("ARCHITECTURE.md", ""))
    for layer, (path, uses) in layers.items():
        line, row = rows.get(layer, (1, None))
        if row is None or sorted(row) != sorted(uses):
            beginning = f"| {layer} | {' '.join(uses) or '–'} |"
            yield Finding("ARCHITECTURE.md", line, f"the row must begin `{beginning}` ({path})")
    for layer in rows.keys() - layers.keys():
        yield Finding("ARCHITECTURE.md", rows[layer][0], f"there is no layer {layer}")
    order = re.search(r"foreach\(layer ([^)]*)\)", tree.files.get("CMakeLists.txt", ""))
    order = order.group(1).split() if order else []
    for layer, (path, uses) in layers.items():
        if layer not in order:
            yield Finding("CMakeLists.txt", 1, f"{layer} has no place in the order of the layers")
            continue
        for later in set(uses) - set(order[: order.index(layer)]):
            yield Finding(path, 1, f"{layer} uses {later}, which stands after it in CMakeLists.txt")


_ROOT = {"CMakeLists.txt": "foreach(layer core ws net)\n"}
_CORE = {"src/core/CMakeLists.txt": "plait_layer(core LIBRARIES Threads::Threads)\n"}
_CLI = {"src/cli/CMakeLists.txt": "target_link_libraries(plait_cli plait_core plait_ws X)"}
_WS = {"src/ws/CMakeLists.txt": "plait_layer(ws LAYERS core)"}
_HEAD = "text\n\n| layer | may include | holds |\n|---|---|---|\n| core | – | words |\n"
VIOLATIONS = {
    "begin `| ws | core |`": _ROOT | _CORE | _WS | {"ARCHITECTURE.md": _HEAD},
    "begin `| core | – |`": _ROOT | _CORE | {"ARCHITECTURE.md": _HEAD.replace("–", "ws")},
    "there is no layer net": _ROOT | _CORE | {"ARCHITECTURE.md": _HEAD + "| net | core | x |\n"},
    "begin `| cli | core ws |`": _ROOT | _CLI,
    "wire has no place": _ROOT | _CORE | {"src/wire/CMakeLists.txt": "plait_layer(wire)", "ARCHITECTURE.md": _HEAD},
    "ws uses net, which stands after": _ROOT | _CORE | {"src/ws/CMakeLists.txt": "plait_layer(ws LAYERS net)"},
}
CLEAN = _ROOT | _CORE | {
    "src/ws/CMakeLists.txt": "# plait_layer(x)\nplait_layer(ws\n  LAYERS core\n  LIBRARIES Z::Z)\n",
    "ARCHITECTURE.md": _HEAD + "| ws | `core` | frames |\n\n| other | table |\n",
}
