"""Each third-party header appears in exactly the folders that own it, and an unknown one in none."""

import re

import cpp
from tree import Finding, line_of

SYSTEM_USERS = ("src/crypto/", "src/net/", "src/tls/", "src/transport/", "src/server/", "src/client/", "src/broker/",
                "src/bench/", "src/cli/", "examples/", "fuzz/")
# The bench's generator and raw peers are measured against the engine, so they share none of its code.
BENCH = "src/bench/components/"

# (header, folders that may include it); tests may include any of them. The first line that fits decides.
OWNERS = [
    (r"simdjson\.h|msgpack.*", ("src/codec/",)),
    (r"zlib\.h", ("src/codec/", BENCH)),
    (r"openssl/ssl\.h", ("src/tls/", BENCH)),
    (r"openssl/(bio|err|pem|types|x509.*)\.h", ("src/tls/", "src/crypto/", BENCH)),
    (r"openssl/.*", ("src/crypto/", BENCH)),
    (r"ngtcp2/.*", ("src/quic/", BENCH)),
    (r"gnutls/.*|intel-ipsec-mb\.h", ("src/quic/",)),
    (r"nghttp3/.*", ("src/h3/",)),
    (r"toml\+\+/.*", ("src/server/",)),
    (r"CLI/.*", ("src/cli/",)),
    (r"fmt/.*", ("src/bench/", "src/cli/", "src/server/")),
    (r"boost/.*", ("bench/peers/",)),
    (r"gtest/.*|gmock/.*", ()),
    (r"(imm|emm|tmm|smm|nmm|xmm|x86)intrin\.h|cpuid\.h|arm_neon\.h", ("src/codec/", "src/ws/", "src/core/")),
    # transport speaks net's words, epoll's bits and iovec, and makes none of their calls.
    (r"sys/(epoll|uio)\.h", ("src/net/", "src/transport/", BENCH)),
    # Sockets and waits are net's; crypto turns addresses in certificates into text and back.
    (r"arpa/inet\.h", ("src/net/", "src/crypto/", BENCH)),
    (r"sys/(eventfd|socket|timerfd|un)\.h|netinet/.*|netdb\.h|poll\.h|net/if\.h|linux/.*",
     ("src/net/", BENCH)),
    # Files, processes, signals: nothing that a layer without I/O may touch.
    (r"(unistd|dirent|fcntl|signal|sched|pthread|pwd|glob|regex|malloc|termios|time)\.h"
     r"|sys/(file|inotify|ioctl|mman|prctl|resource|signalfd|stat|syscall|sysinfo|time|times|types|utsname|wait)\.h",
     SYSTEM_USERS),
]
STANDARD = re.compile(r"[a-z_0-9]+")


def check(tree):
    for path, text in tree.sources():
        for position, target in cpp.includes(text):
            header = target[1:-1]
            if target[0] == '"' or header.startswith("plait/") or STANDARD.fullmatch(header):
                continue
            folders = next((folders for pattern, folders in OWNERS if re.fullmatch(pattern, header)), None)
            line = line_of(text, position)
            if folders is None:
                yield Finding(path, line, f"<{header}> has no owner in the table of {__name__.replace('.', '/')}.py")
            elif not path.startswith(("tests/", *folders)):
                yield Finding(path, line, f"<{header}> belongs to {' '.join(folders)}")


VIOLATIONS = {
    "<zlib.h> belongs to src/codec/": {"src/ws/a.cpp": "#include <zlib.h>\n"},
    "<openssl/ssl.h> belongs to": {"src/net/a.cpp": "#include <openssl/ssl.h>\n"},
    "<sys/epoll.h> belongs to src/net/": {"src/http/a.cpp": "#include <sys/epoll.h>\n"},
    "<unistd.h> belongs to": {"src/http/a.cpp": "#include <unistd.h>\n"},
    "<uv.h> has no owner": {"src/net/a.cpp": "#include <uv.h>\n"},
}
CLEAN = {
    "src/codec/a.cpp": "#include <simdjson.h>\n#include <vector>\n#include <plait/bytes.hpp>\n// <uv.h>\n",
    "src/net/a.cpp": '#include <sys/epoll.h>\n#include "net/loop.hpp"\n',
    "tests/unit/tls/a.cpp": "#include <openssl/ssl.h>\n",
}
