"""check_exports.py LIBRARY: its dynamic symbols are plait's public names, and the standard library's templates."""

import re
import subprocess
import sys

# plait::Name…, but not plait::<layer>::…, whose names are all lower case; of the others, what std:: stands in.
PUBLIC = re.compile(r"(?:(?:vtable|typeinfo|typeinfo name|VTT) for |non-virtual thunk to |guard variable for )?+"
                    r"(?:plait::(?![a-z_]+::)|(?!plait::[a-z_]+::).*\bstd::|__gnu_cxx::)")
INTERNAL = ("plait::net::as_text(std::basic_string<char> const&)", "vtable for plait::client::Pool<std::vector<int> >")


def main():
    if passed := [name for name in INTERNAL if PUBLIC.match(name)]:
        sys.exit("taken for parts of the API:\n" + "\n".join(passed))
    listing = subprocess.run(["nm", "--dynamic", "--demangle", "--defined-only", sys.argv[1]],
                             capture_output=True, text=True, check=True).stdout
    names = [line.split(" ", 2)[2] for line in listing.splitlines()]
    if not any(name.startswith("plait::Server::") for name in names):
        sys.exit("plait::Server is not exported")
    internal = [name for name in names if not PUBLIC.match(name)]
    sys.exit("exported, though no part of the API:\n" + "\n".join(internal) if internal else 0)


main()
