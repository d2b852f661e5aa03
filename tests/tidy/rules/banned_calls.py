"""Calls that have a better word here, and the reason."""

import re

import cpp
from tree import Finding, line_of

PURE = tuple(f"src/{layer}/" for layer in "core codec http ws frames quic wire h3 wt hub".split())
LIBRARIES = ("src/",)
PROGRAMS = ("src/cli/", "src/bench/")
# Where HubOptions names the clock and the random source that are passed in unless the caller has others.
PASSED_IN = ("src/hub/hub.cpp",)
# The key of the process's hash tables, which nobody has to pass.
OWN_RANDOM = ("src/core/seeded_hash.cpp",)
# The log limits its lines a second for callers on any thread, with a loop or without.
OWN_CLOCK = ("src/core/log.cpp",)
# A file lock of another process says to nobody when it is free.
FILE_LOCK = ("src/crypto/file.cpp",)
LAST_WORDS = ("src/core/assert.cpp", "src/core/log.cpp")
ALL = ("src/", "include/", "tests/", "examples/", "fuzz/")

# (pattern, where it is banned, where it is allowed all the same, why)
BANS = [
    (r"\b(s?rand|rand_r|srandom)\s*\(", ALL, (), "predictable: take the bytes as an argument, or use <random>"),
    (r"\b(strto[a-z]+|ato[ifl]l?|sto[ifdul]l?l?|sscanf)\s*\(", ALL, (), "use std::from_chars"),
    (r"\bv?sprintf\s*\(|\bstrn?c(py|at)\s*\(|\bgets\s*\(", ALL, (), "writes past the end"),
    (r"\bstd::(cout|cerr|clog)\b|(?<!\w)(std::)?(printf|puts|putchar)\s*\(", LIBRARIES, PROGRAMS,
     "a library does not print"),
    (r"\bf?printf\s*\(\s*stderr|\bfputs\s*\([^;]*stderr", LIBRARIES, PROGRAMS + LAST_WORDS,
     "a library does not print"),
    (r"\bsleep_(for|until)\b|(?<![\w.>])u?sleep\s*\(|\bnanosleep\b", ALL, PROGRAMS + FILE_LOCK,
     "wait for the event, not for time to pass"),
    (r"\bthrow\b(?!\s*\()", LIBRARIES, (), "peer errors are Result, programmer errors PLAIT_ASSERT"),
    (r"\b(co_await|co_yield|co_return)\b", LIBRARIES, (), "gcc 12 destroys temporaries twice around it (ADR 0002)"),
    (r"\busing\s+namespace\s+std\s*;", ALL, (), "names where things come from"),
    (r"(?<![\w_])assert\s*\(", LIBRARIES, (), "PLAIT_ASSERT holds in every build type"),
    (r"\b(steady|system|high_resolution)_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|(?<![\w.>:])time\s*\(",
     PURE, PASSED_IN + OWN_CLOCK, "the time is passed in"),
    (r"\brandom_device\b|\bgetrandom\b|\bRAND_(priv_)?bytes\b|\bmt19937\b", PURE, PASSED_IN + OWN_RANDOM,
     "random bytes are passed in"),
    (r"(?<![\w.>])(::)?(socket|recv|recvmsg|sendto|sendmsg|connect|accept4?|epoll_wait)\s*\((?=[^)]*\bfd\b)", PURE, (),
     "sans-I/O: bytes in, bytes out"),
]


def check(tree):
    for path, text in tree.sources():
        code = cpp.without_comments(text)
        for pattern, banned, allowed, why in BANS:
            if not path.startswith(banned) or path.startswith(allowed or ("\0",)):
                continue
            for match in re.finditer(pattern, code):
                yield Finding(path, line_of(code, match.start()), f"`{match.group().strip()}`: {why}")


VIOLATIONS = {
    "`rand(`": {"src/ws/a.cpp": "int x = rand();"},
    "`strtol(`": {"tests/a.cpp": "strtol(x, nullptr, 10);"},
    "`atoi(`": {"src/cli/a.cpp": "std::atoi(x);"},
    "`stoi(`": {"src/cli/a.cpp": "std::stoi(x);"},
    "`sprintf(`": {"src/cli/a.cpp": "sprintf(x, y);"},
    "`strcpy(`": {"src/net/a.cpp": "strcpy(x, y);"},
    "`std::cout`": {"src/net/a.cpp": "std::cout << 1;"},
    "`std::printf(`": {"src/hub/a.cpp": "std::printf(x);"},
    "`fprintf(stderr`": {"src/net/a.cpp": "std::fprintf(stderr, x);"},
    "`sleep_for`": {"tests/a.cpp": "std::this_thread::sleep_for(1ms);"},
    "`usleep(`": {"tests/a.cpp": "::usleep(100);"},
    "`throw`": {"src/http/a.cpp": "throw std::runtime_error(x);"},
    "`co_await`": {"src/net/a.cpp": "co_await x;"},
    "`using namespace std;`": {"src/net/a.cpp": "using namespace std;"},
    "`assert(`": {"src/net/a.cpp": "assert(x);"},
    "`steady_clock::now`": {"src/ws/a.cpp": "auto t = std::chrono::steady_clock::now();"},
    "`random_device`": {"src/ws/a.cpp": "std::random_device r;"},
    "`::recv(`": {"src/http/a.cpp": "::recv(fd, p, n, 0);"},
}
CLEAN = {
    "src/net/a.cpp": "// throw rand() atoi( sleep_for\nauto t = steady_clock::now(); static_assert(x);",
    "src/ws/a.cpp": 'auto x = "std::cout << rand()"; snprintf(x, 3, y); timer.connect(x); random(3);',
    "src/cli/a.cpp": 'std::printf("x");',
    "tests/a.cpp": "using namespace std::chrono_literals;\nusing namespace std::literals;",
}
