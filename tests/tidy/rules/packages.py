"""A fresh machine gets all that the build looks for: every find_package and pkg_check_modules of our CMake files comes
from a Debian package that scripts/packages.txt lists for building."""

import re

from tree import Finding, line_of

LIST = "scripts/packages.txt"
DEBIAN = {
    "CLI11": "libcli11-dev",
    "GNUTLS": "libgnutls28-dev",
    "GTest": "libgtest-dev",
    "NGHTTP3": "libnghttp3-dev",
    "NGTCP2": "libngtcp2-dev",
    "NGTCP2_CRYPTO": "libngtcp2-crypto-gnutls-dev",
    "OpenSSL": "libssl-dev",
    "PkgConfig": "pkg-config",
    "SIMDJSON": "libsimdjson-dev",
    "Threads": "g++",
    "ZLIB": "zlib1g-dev",
    "fmt": "libfmt-dev",
    "tomlplusplus": "libtomlplusplus-dev",
}


def build_packages(tree):
    section = tree.files.get(LIST, "").partition("[build]")[2].partition("\n[")[0]
    return {line.split()[0].partition("/")[0] for line in section.splitlines() if line.split()}


def check(tree):
    installed = build_packages(tree)
    for path, text in tree.match("CMakeLists.txt", "*/CMakeLists.txt", "cmake/*.cmake"):
        if path.startswith("tests/install/"):
            continue  # a project of its own, which looks for plait
        for match in re.finditer(r"^\s*(?:find_package|pkg_check_modules)\((\w+)", text, re.MULTILINE):
            package = DEBIAN.get(match.group(1))
            if package is None:
                yield Finding(path, line_of(text, match.start()), f"which Debian package has {match.group(1)}?")
            elif package not in installed:
                yield Finding(path, line_of(text, match.start()), f"{LIST} does not install {package}")


_CMAKE = {"src/a/CMakeLists.txt": "find_package(fmt REQUIRED)\npkg_check_modules(ZLIB REQUIRED zlib)\n"}
VIOLATIONS = {
    "does not install zlib1g-dev": _CMAKE | {LIST: "[build]\nlibfmt-dev\n\n[test]\nzlib1g-dev\n"},
    "which Debian package has Foo?": {"CMakeLists.txt": "find_package(Foo)", LIST: "[build]\n"},
}
CLEAN = _CMAKE | {LIST: "[build]\nlibfmt-dev/bookworm-backports >=9\nzlib1g-dev arch=amd64\n"}
