"""No include may climb out of its layer: "../" is the one way round the layer rule of cmake/layer.cmake."""

import cpp
from tree import Finding, line_of


def check(tree):
    for path, text in tree.sources():
        for position, target in cpp.includes(text):
            if "../" in target:
                yield Finding(path, line_of(text, position), f"includes {target}; write the layer's name")


VIOLATIONS = {
    'includes "../net/loop.hpp"': {"src/ws/a.cpp": '#include "../net/loop.hpp"\n'},
    "a.hpp:2": {"src/ws/a.hpp": '\n  #  include "x/../../y.hpp"\n'},
}
CLEAN = {"src/ws/a.cpp": '// #include "../net/loop.hpp"\n#include "ws/decoder.hpp"\n#include <plait/bytes.hpp>\n'}
