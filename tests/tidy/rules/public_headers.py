"""include/plait is the whole public API: at most 20 headers, made of the standard library and each other only."""

import cpp
from rules.third_party import STANDARD
from tree import Finding, line_of

HEADERS_MAX = 20


def check(tree):
    headers = list(tree.match("include/*"))
    if len(headers) > HEADERS_MAX:
        yield Finding("include/plait", 1, f"{len(headers)} headers; at most {HEADERS_MAX}")
    for path, text in headers:
        for position, target in cpp.includes(text):
            if not (target.startswith("<plait/") or STANDARD.fullmatch(target[1:-1]) and target[0] == "<"):
                yield Finding(path, line_of(text, position), f"a public header includes {target}")


VIOLATIONS = {
    "22 headers": {f"include/plait/{number}.hpp": "" for number in range(22)},
    'includes "core/timer.hpp"': {"include/plait/a.hpp": '#include "core/timer.hpp"\n'},
    "includes <openssl/ssl.h>": {"include/plait/a.hpp": "#include <openssl/ssl.h>\n"},
}
CLEAN = {"include/plait/a.hpp": "#include <plait/bytes.hpp>\n#include <cstdint>\n"}
