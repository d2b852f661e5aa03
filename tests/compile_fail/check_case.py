"""check_case.py CASE.cpp COMPILER…: the case must fail to compile with MISUSE, for the reason that it names, and
compile without. Its first line is `// error: <regular expression that the compiler's message must match>`."""

import os
import re
import subprocess
import sys


def compile_case(command, case, *options):
    environment = {**os.environ, "LC_ALL": "C"}  # the messages in English
    return subprocess.run([*command, *options, case], capture_output=True, text=True, env=environment)


def main():
    case, *command = sys.argv[1:]
    with open(case, encoding="utf-8") as file:
        reason = re.fullmatch(r"// error: (.+)\n", file.readline())
    if reason is None:
        sys.exit(f"{case}: the first line must be `// error: <expected message>`")
    corrected = compile_case(command, case)
    if corrected.returncode != 0:
        sys.exit(f"the corrected twin does not compile:\n{corrected.stderr}")
    misuse = compile_case(command, case, "-DMISUSE")
    if misuse.returncode == 0:
        sys.exit("the misuse compiles")
    if not re.search(reason.group(1), misuse.stderr):
        sys.exit(f"no message matches {reason.group(1)!r}:\n{misuse.stderr}")


main()
