"""Functions stay readable: at most 70 lines each, and nine of ten at most 35."""

import ast

import cpp
from tree import Finding

LINES_MAX = 70
P90_MAX = 35


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield cpp.Function(node.name, node.lineno, node.end_lineno - node.lineno + 1)


def functions_of(path, text):
    return list(python_functions(text)) if path.endswith(".py") else cpp.functions(text)


def check(tree):
    lengths = []
    for path, text in tree.match("*.cpp", "*.hpp", "*.py"):
        try:
            found = functions_of(path, text)
        except ValueError as error:
            yield Finding(path, 1, str(error))
            continue
        if path.startswith("src/"):
            lengths += [function.lines for function in found]
        for function in found:
            if function.lines > LINES_MAX:
                message = f"{function.name} has {function.lines} lines; at most {LINES_MAX}"
                yield Finding(path, function.first_line, message)
    if lengths and (p90 := sorted(lengths)[int(len(lengths) * 0.9)]) > P90_MAX:
        yield Finding("src", 1, f"the 90th percentile of function lengths is {p90}; at most {P90_MAX}")


def _body(lines):
    return "\n" * (lines - 1)


VIOLATIONS = {
    "a::long_one has 71 lines": {"src/a.cpp": "namespace x {\nint a::long_one() const {" + _body(71) + "}\n}"},
    "Constructor has 71": {"src/a.cpp": "Constructor::Constructor(int a) : a_(a), b_{2} {" + _body(71) + "}"},
    "in_class has 71": {"src/a.hpp": "class PLAIT_API A : B {\n public:\n  int in_class() {" + _body(71) + "}\n};"},
    "lambda has 71": {"src/a.cpp": "const auto f = [](int) {" + _body(71) + "};"},
    "TEST has 71": {"tests/a.cpp": 'TEST(Suite, Name) { EXPECT_EQ(x, "}"); // }' + _body(71) + "}"},
    "after_raw has 71": {"src/a.cpp": 'const char* x = R"x(}{)x";\nauto after_raw() -> Thing {' + _body(71) + "}"},
    "braces do not balance": {"src/a.cpp": "void f() {{}"},
    "90th percentile of function lengths is 36": {"src/a.cpp": "void f() {" + _body(36) + "}"},
    "in_python has 71": {"tests/a.py": "def in_python():\n" + "    pass\n" * 70},
}
CLEAN = {
    "src/a.cpp": "enum class E : int {" + _body(90) + "};\n"
    "constexpr std::array<int, 3> kTable = {" + _body(90) + "};\n"
    "A::A() : b_{1}, c_(f({})) {" + _body(35) + "}\n"
    "#ifdef X\nvoid g() {\n#else\nvoid g(int) {\n#endif\n}\n"
    "struct S {\n  void f() {" + _body(30) + "}\n" + _body(90) + "};\n"
}
