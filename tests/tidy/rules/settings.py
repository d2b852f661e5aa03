"""docs/manual/serve.md shows every key that the config file of `plait serve` may have, and no other."""

import re
import tomllib

from tree import Finding, line_of

READER = "src/server/config_file.cpp"
PAGE = "docs/manual/serve.md"
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def keys_of(table, section=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from keys_of(value, f"{section}{key}.")
        else:
            yield section + key


def check(tree):
    known = set(re.findall(r'\bSetting\{\s*"([\w.]+)"', tree.files.get(READER, "")))
    if not known:
        yield Finding(READER, 1, "no settings found in it")
    text, shown = tree.files.get(PAGE, ""), set()
    for block in BLOCK.finditer(text):
        try:
            keys = set(keys_of(tomllib.loads(block.group(1))))
        except tomllib.TOMLDecodeError as error:
            yield Finding(PAGE, line_of(text, block.start()), f"is no TOML: {error}")
            continue
        shown |= keys
        for key in sorted(keys - known):
            yield Finding(PAGE, line_of(text, block.start()), f"there is no key {key}")
    for key in sorted(known - shown):
        yield Finding(PAGE, 1, f"does not show the key {key}")


_READER = {READER: 'kSettings{\n    Setting{"a", kCount, x},\n    Setting{\n        "b.c", kText, y},'}
VIOLATIONS = {
    "no settings found": {PAGE: ""},
    "does not show the key b.c": _READER | {PAGE: "```toml\na = 1\n```\n"},
    "there is no key d": _READER | {PAGE: "```toml\na = 1\nd = 2\n[b]\nc = 'x'\n```\n"},
    "serve.md:2: is no TOML": _READER | {PAGE: "\n```toml\na = = 1\n```\n"},
}
CLEAN = _READER | {PAGE: "```sh\nx=1\n```\n```toml\na = 1  # about\n[b]\nc = ''\n```\n"}
