#!/usr/bin/env python3
"""Style as a test: `tidy.py RULE` checks the whole tree against one rule, `tidy.py --self-test RULE` checks the rule.

A rule is a module of rules/ with check(tree) -> findings. It brings invented trees with it: VIOLATIONS, {words of the
finding: a tree that has it}, and CLEAN, in which nothing may be found. So no rule can be one that never fires.
"""

import argparse
import importlib
import pathlib
import sys

from tree import Tree, load

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def as_tree(sample):
    files = {path: text for path, text in sample.items() if path != "ctest"}
    return Tree(files, lambda: sample.get("ctest", []))


def self_test(rule):
    problems = [] if rule.VIOLATIONS else ["no violation to try the rule with"]
    for words, sample in rule.VIOLATIONS.items():
        findings = [str(finding) for finding in rule.check(as_tree(sample))]
        if not any(words in finding for finding in findings):
            problems.append(f"not found: {words!r}; found instead: {findings}")
    return problems + [f"found in clean code: {finding}" for finding in rule.check(as_tree(rule.CLEAN))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule", choices=sorted(path.stem for path in (HERE / "rules").glob("*.py")))
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--build", default=ROOT / "build/release", help="build folder, for the names of the tests")
    arguments = parser.parse_args()
    rule = importlib.import_module(f"rules.{arguments.rule}")
    problems = self_test(rule) if arguments.self_test else list(rule.check(load(ROOT, arguments.build)))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
